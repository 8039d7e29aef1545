//! What changed of late, read once for all who follow a tenant.
//!
//! One reader a tenant asks the plugin when something was stored in this process, and once a second for what other processes
//! stored. Who follows closely takes the changes it found from here; who is behind reads them alone. Nothing piles up for
//! anybody: the last read is all that is held.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;

use crate::answer::RosterChanges;
use crate::api::App;
use crate::api::problem::Problem;
use crate::plugin::CallError;
use crate::tenant::Tenant;

/// Who may follow a tenant at once.
pub(super) const MOST: usize = 100;
/// Changes a read.
pub(super) const PAGE: u32 = 100;
/// How often other processes are thought of.
const LOOKS: Duration = Duration::from_secs(1);
/// How long commits in short order are waited for, so that they cost one read.
const GATHERS: Duration = Duration::from_millis(20);

/// What the last read found: the changes after `after`, in order, without a gap.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) after: u64,
    pub(super) found: RosterChanges,
}

/// The feeds of the tenants that somebody follows. Clones share them.
#[derive(Clone, Default)]
pub(in crate::api) struct Feeds {
    known: Arc<Mutex<HashMap<Arc<str>, Weak<Feed>>>>,
}

/// The changes of one tenant, as long as somebody follows them.
#[derive(Debug)]
pub(super) struct Feed {
    tail: watch::Sender<Arc<Tail>>,
    places: Arc<Semaphore>,
    reader: AbortHandle,
}

/// One who follows.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) tail: watch::Receiver<Arc<Tail>>,
    _place: OwnedSemaphorePermit,
    _feed: Arc<Feed>,
}

impl Feeds {
    /// Takes a place among those who follow a tenant.
    pub(super) async fn join(&self, app: &App, tenant: &Tenant) -> Result<Follower, Problem> {
        let feed = match self.known(&tenant.name) {
            Some(feed) => feed,
            None => self.begin(app, tenant, read(app, tenant, 0, 1).await?),
        };
        let place = feed.places.clone().try_acquire_owned();
        let place = place.map_err(|_| Problem::too_many(format!("{MOST} streams of this tenant are open; close one")))?;
        Ok(Follower { tail: feed.tail.subscribe(), _place: place, _feed: feed })
    }

    fn known(&self, tenant: &Arc<str>) -> Option<Arc<Feed>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, feed| feed.strong_count() > 0);
        known.get(tenant)?.upgrade()
    }

    /// Begins to read, unless somebody else has begun meanwhile.
    fn begin(&self, app: &App, tenant: &Tenant, now: RosterChanges) -> Arc<Feed> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = known.get(&tenant.name).and_then(Weak::upgrade) {
            return feed;
        }
        let after = now.latest;
        let (tail, _) = watch::channel(Arc::new(Tail { after, found: RosterChanges { items: Vec::new(), ..now } }));
        let reader = tokio::spawn(follow(app.clone(), tenant.name.clone(), tail.clone())).abort_handle();
        let feed = Arc::new(Feed { tail, places: Arc::new(Semaphore::new(MOST)), reader });
        known.insert(tenant.name.clone(), Arc::downgrade(&feed));
        feed
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Reads for all, until the last has gone.
async fn follow(app: App, name: Arc<str>, tail: watch::Sender<Arc<Tail>>) {
    let mut commits = app.site.host().runner().commits.watch(&name);
    let mut failing = false;
    loop {
        // A tenant may be another one since the configuration was read anew.
        let Ok(tenant) = app.site.tenant(&name) else { return };
        let after = tail.borrow().found.latest;
        let found = match read(&app, &tenant, after, PAGE).await {
            Ok(found) => Some(found),
            Err(error) => {
                if !failing {
                    tracing::error!(tenant = %name, ?error, "the changes cannot be read; tried again every second");
                }
                None
            }
        };
        failing = found.is_none();
        if let Some(found) = found.filter(|found| found.latest != after) {
            // Those who are at `after` get what was read; what is beyond it they find by themselves, or here again.
            let end = found.items.last().map_or(found.latest, |change| change.id);
            tail.send_replace(Arc::new(Tail { after, found: RosterChanges { latest: end, ..found } }));
            continue;
        }
        if let Ok(Ok(())) = tokio::time::timeout(LOOKS, commits.changed()).await {
            tokio::time::sleep(GATHERS).await;
            commits.mark_unchanged();
        }
    }
}

/// Some changes after this one, as the plugin tells them.
pub(super) async fn read(app: &App, tenant: &Tenant, after: u64, limit: u32) -> Result<RosterChanges, Problem> {
    let changes = tenant.pack.changes(app.site.host().lend(tenant), after, limit).await;
    changes.map_err(|error: CallError| app.failed(tenant, &error))
}
