//! How many users of a tenant have each status, as the plugin counts them. With many users that takes longer than a page may, so it
//! is done beside the pages, and each shows what is known by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Console;
use crate::tenant::Tenant;

/// How long a page waits for numbers that nobody has yet.
const PATIENCE: Duration = Duration::from_millis(40);
/// How long numbers serve at least, and how many times as long as it took to get them.
const SERVE: (Duration, u32) = (Duration::from_secs(5), 20);

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Each status in the pack's words, in its order, with the number of its users.
    pub(crate) counts: Vec<(String, u64)>,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// What is known of every tenant.
#[derive(Default)]
pub(crate) struct Counted {
    known: Arc<Mutex<HashMap<Arc<str>, Known>>>,
}

/// Users that are being counted. Where that ends without numbers, as by a panic, it counts as failed.
struct Counting {
    known: Arc<Mutex<HashMap<Arc<str>, Known>>>,
    tenant: Arc<str>,
    began: Instant,
    counts: Option<Counts>,
}

/// Of one.
struct Known {
    counts: watch::Sender<Option<Counts>>,
    /// Nobody counts anew before.
    rests_until: Option<Instant>,
    counting: bool,
    /// Whether the last time nothing came of it.
    failed: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self { counts: watch::Sender::new(None), rests_until: None, counting: false, failed: false }
    }
}

impl Counted {
    /// What is known now; what is old is counted anew meanwhile. None where nothing is known yet, or the plugin cannot say.
    pub(crate) async fn of(&self, console: &Console, tenant: &Tenant) -> Option<Counts> {
        let (mut counts, counting) = self.begin(console, tenant);
        if counting && counts.borrow().is_none() {
            let _ = tokio::time::timeout(PATIENCE, counts.wait_for(Option::is_some)).await;
        }
        counts.borrow().clone()
    }

    /// Whether the plugin could not say when it was asked last.
    pub(crate) fn failed(&self, tenant: &Tenant) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant.name).is_some_and(|one| one.failed)
    }

    /// Has the users counted, unless that was done lately; says whether it is being done now.
    fn begin(&self, console: &Console, tenant: &Tenant) -> (watch::Receiver<Option<Counts>>, bool) {
        let (counts, goes, counting) = self.counting(&tenant.name);
        if let Some(counting) = counting {
            let (console, tenant) = (console.clone(), tenant.clone());
            let abort = console.life.abort.clone();
            let tracker = console.life.tracker.clone();
            tracker.spawn(async move {
                counting.end(abort.run_until_cancelled(count(&console, &tenant)).await.flatten());
            });
        }
        (counts, goes)
    }

    /// What is known, whether it is being counted, and who is to count it now.
    fn counting(&self, tenant: &Arc<str>) -> (watch::Receiver<Option<Counts>>, bool, Option<Counting>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let one = known.entry(tenant.clone()).or_default();
        let due = !one.counting && one.rests_until.is_none_or(|until| Instant::now() >= until);
        one.counting |= due;
        let counting = due.then(|| Counting { known: self.known.clone(), tenant: tenant.clone(), began: Instant::now(), counts: None });
        (one.counts.subscribe(), one.counting, counting)
    }
}

impl Counting {
    fn end(mut self, counts: Option<Counts>) {
        self.counts = counts;
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let one = known.entry(self.tenant.clone()).or_default();
        one.counting = false;
        one.failed = self.counts.is_none();
        one.rests_until = Some(Instant::now() + SERVE.0.max(self.began.elapsed() * SERVE.1));
        if self.counts.is_some() {
            one.counts.send_replace(self.counts.take());
        }
    }
}

async fn count(console: &Console, tenant: &Tenant) -> Option<Counts> {
    let counts = tenant.pack.counts(console.site.host().lend(tenant)).await;
    let counts = counts.inspect_err(|error| tracing::debug!(tenant = %tenant.name, %error, "the users are not counted"));
    counts.ok().map(|counts| Counts { counts, at: console.now() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn users_whose_counting_panicked_are_counted_again_after_a_rest() {
        let (counted, tenant) = (Counted::default(), Arc::from("acme"));
        let (_, goes, counting) = counted.counting(&tenant);
        assert!(goes && counted.counting(&tenant).2.is_none(), "one at a time");
        let panics = tokio::spawn(async move {
            let _counting = counting.unwrap();
            panic!("as a defect would");
        });
        assert!(panics.await.unwrap_err().is_panic());
        let (_, goes, counting) = counted.counting(&tenant);
        assert!(!goes && counting.is_none(), "not at once");
        counted.known.lock().unwrap().get_mut(&tenant).unwrap().rests_until = None;
        let counts = Counts { counts: Vec::new(), at: "2026-03-01T05:45:00Z".parse().unwrap() };
        counted.counting(&tenant).2.unwrap().end(Some(counts));
        assert!(counted.counting(&tenant).0.borrow().is_some());
    }
}
