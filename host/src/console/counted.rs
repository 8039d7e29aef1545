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
    known: Mutex<HashMap<Arc<str>, Known>>,
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
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let one = known.entry(tenant.name.clone()).or_default();
        let due = one.rests_until.is_none_or(|until| Instant::now() >= until);
        if due && !one.counting {
            one.counting = true;
            let (console, tenant) = (console.clone(), tenant.clone());
            let abort = console.life.abort.clone();
            let tracker = console.life.tracker.clone();
            tracker.spawn(async move { abort.run_until_cancelled(count(&console, &tenant)).await });
        }
        (one.counts.subscribe(), one.counting)
    }

    fn counted(&self, tenant: &Tenant, counts: Option<Counts>, took: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let one = known.entry(tenant.name.clone()).or_default();
        one.counting = false;
        one.failed = counts.is_none();
        one.rests_until = Some(Instant::now() + SERVE.0.max(took * SERVE.1));
        if counts.is_some() {
            one.counts.send_replace(counts);
        }
    }
}

async fn count(console: &Console, tenant: &Tenant) {
    let began = Instant::now();
    let counts = tenant.pack.counts(console.site.host().lend(tenant)).await;
    let counts = counts.inspect_err(|error| tracing::debug!(tenant = %tenant.name, %error, "the users are not counted"));
    let counts = counts.ok().map(|counts| Counts { counts, at: console.now() });
    console.counted.counted(tenant, counts, began.elapsed());
}
