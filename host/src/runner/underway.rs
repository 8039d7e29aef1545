//! The runs that are under way in this process: how far each is and what it has noted, and how somebody stops one.
//!
//! It knows nothing of runs in other processes of the same store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::capability::Journal;

/// The runs under way, by their ids. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Underway(Arc<Mutex<HashMap<String, Handle>>>);

/// What is known of one.
struct Handle {
    tenant: Arc<str>,
    journal: Arc<Journal>,
    stop: Stop,
}

/// The way to stop a run, and who did.
#[derive(Clone, Default)]
struct Stop {
    token: CancellationToken,
    by: Arc<OnceLock<String>>,
}

/// A run that is among them until this is dropped.
pub(super) struct Entered {
    among: Underway,
    run: String,
    stop: Stop,
}

impl Underway {
    /// Puts a run among them.
    pub(super) fn enter(&self, tenant: &Arc<str>, run: &str, journal: Arc<Journal>) -> Entered {
        let stop = Stop::default();
        let handle = Handle { tenant: tenant.clone(), journal, stop: stop.clone() };
        self.lock().insert(run.to_owned(), handle);
        Entered { among: self.clone(), run: run.to_owned(), stop }
    }

    /// What a run of this tenant tells of itself; none where it is not under way here.
    pub(crate) fn journal(&self, tenant: &str, run: &str) -> Option<Arc<Journal>> {
        let runs = self.lock();
        runs.get(run).filter(|handle| &*handle.tenant == tenant).map(|handle| handle.journal.clone())
    }

    /// Stops a run of this tenant in somebody's name; `false` where it is not under way here. It ends a moment later.
    pub(crate) fn stop(&self, tenant: &str, run: &str, by: &str) -> bool {
        let runs = self.lock();
        let Some(handle) = runs.get(run).filter(|handle| &*handle.tenant == tenant) else { return false };
        // Of two who stop it, it is the first.
        let _ = handle.stop.by.set(by.to_owned());
        handle.stop.token.cancel();
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// Waits until somebody stops the run.
    pub(super) async fn stopped(&self) {
        self.stop.token.cancelled().await;
    }

    /// Who stopped it, if anybody did.
    pub(super) fn by(&self) -> Option<&str> {
        self.stop.by.get().map(String::as_str)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.among.lock().remove(&self.run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_is_stopped_by_who_names_its_tenant_and_is_gone_after_it() {
        let (underway, tenant) = (Underway::default(), Arc::from("acme"));
        let entered = underway.enter(&tenant, "1", Arc::default());
        assert!(underway.journal("acme", "1").is_some() && underway.journal("other", "1").is_none());
        assert!(!underway.stop("other", "1", "eve") && !underway.stop("acme", "2", "eve") && entered.by().is_none());
        assert!(underway.stop("acme", "1", "ana") && underway.stop("acme", "1", "bo"));
        entered.stopped().await;
        assert_eq!(entered.by(), Some("ana"), "the first who stopped it");
        drop(entered);
        assert!(underway.journal("acme", "1").is_none() && !underway.stop("acme", "1", "ana"));
    }
}
