//! Tells whoever waits that a tenant's plugin stored something. What it stored, the keys alone know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Who waits for a tenant's plugin to store something in this process. Nobody waits most of the time, so a commit costs a
/// look into a small map, and anything else costs nothing.
#[derive(Debug, Default)]
pub struct Commits {
    waiting: Mutex<HashMap<Arc<str>, watch::Sender<()>>>,
}

impl Commits {
    /// Follows the commits of a tenant's plugin, from now on. Of several in short order the last may be all that is seen.
    pub fn watch(&self, tenant: &Arc<str>) -> watch::Receiver<()> {
        self.lock().entry(tenant.clone()).or_default().subscribe()
    }

    /// Wakes whoever waits.
    pub(super) fn raise(&self, tenant: &str) {
        let mut waiting = self.lock();
        if let Some(sender) = waiting.get(tenant)
            && sender.send(()).is_err()
        {
            // Nobody waits any more.
            waiting.remove(tenant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_wakes_who_waits_for_the_tenant_and_nobody_else() {
        let commits = Commits::default();
        let (acme, other) = (Arc::from("acme"), Arc::from("other"));
        let (mut first, mut second, mut apart) = (commits.watch(&acme), commits.watch(&acme), commits.watch(&other));
        commits.raise("acme");
        let seen = [&mut first, &mut second, &mut apart].map(|receiver| receiver.has_changed().unwrap());
        assert_eq!(seen, [true, true, false]);
        // What is over is not seen by who comes later.
        assert!(!commits.watch(&acme).has_changed().unwrap());
    }

    #[test]
    fn nothing_is_kept_of_who_waits_no_more() {
        let commits = Commits::default();
        drop(commits.watch(&Arc::from("acme")));
        commits.raise("acme");
        assert!(commits.lock().is_empty());
    }
}
