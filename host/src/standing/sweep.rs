//! Deletes what is stored of a removed tenant.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Standings, State, UNFIT, nobody};
use crate::managed::Ledger;
use crate::outbox;
use crate::store::{MAX_COMMIT, MAX_SCAN, Scan, Space, StoreError, Write};
use crate::token::{TokenError, Tokens};

/// For so long after the deletion a run that was under way may still write something.
const REMNANTS: TimeDelta = TimeDelta::hours(1);

impl Standings {
    /// Deletes what is to be deleted by now. A tenant that is not done because the store fails is tried again the next time.
    pub(crate) async fn sweep(&self, now: DateTime<Utc>) -> Result<(), TokenError> {
        for (tenant, standing) in self.all().await? {
            match standing.state {
                State::Removed { delete_after } if delete_after <= now => {
                    let deleted = self.delete(&tenant).await?;
                    // Somebody may have brought it back meanwhile: then it stands as they said, and is empty.
                    if self.of(&tenant).await? == Some(standing) {
                        self.set(&tenant, Some(State::Deleted), now).await?;
                    }
                    tracing::info!(tenant, deleted, "what was stored of a removed tenant is deleted");
                }
                State::Deleted if now - standing.since < REMNANTS => {
                    self.delete(&tenant).await?;
                }
                State::Removed { .. } | State::Deleted | State::Paused => {}
            }
        }
        Ok(())
    }

    /// Whether anything is stored of a tenant, by its plugin or about it.
    pub(crate) async fn knows(&self, tenant: &str) -> Result<bool, TokenError> {
        for space in [Space::plugin(tenant), Space::host(tenant)] {
            if !self.store.scan(&space, &Scan::new("", 1)).await?.entries.is_empty() {
                return Ok(true);
            }
        }
        let stands = self.of(tenant).await?.is_some() || Ledger::new(self.store.clone()).of(tenant).await?.is_some();
        Ok(stands || !Tokens::new(self.store.clone()).list(tenant).await?.is_empty())
    }

    /// Deletes everything that is stored of a tenant but how it stands, and says how many keys there were.
    async fn delete(&self, tenant: &str) -> Result<usize, TokenError> {
        let tokens = Tokens::new(self.store.clone());
        let mut deleted = 0;
        for token in tokens.list(tenant).await? {
            tokens.revoke(tenant, &token.id).await?;
            deleted += 1;
        }
        for space in [Space::plugin(tenant), Space::host(tenant)] {
            deleted += self.empty(&space).await?;
        }
        deleted += Ledger::new(self.store.clone()).delete(tenant).await?;
        let marks = [outbox::mark_of(tenant), format!("{UNFIT}{tenant}")];
        self.store.commit(&nobody(), marks.map(Write::remove).into()).await?;
        Ok(deleted)
    }

    async fn empty(&self, space: &Space) -> Result<usize, StoreError> {
        let mut deleted = 0;
        loop {
            let page = self.store.scan(space, &Scan::new("", MAX_SCAN)).await?;
            if page.entries.is_empty() {
                return Ok(deleted);
            }
            deleted += page.entries.len();
            for part in page.entries.chunks(MAX_COMMIT) {
                self.store.commit(space, part.iter().map(|entry| Write::remove(&*entry.key)).collect()).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{STANDING, Standing, Unfit};
    use super::*;
    use crate::store::{MemoryStore, Store};
    use crate::token::Scope;

    fn now() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    async fn keys(store: &MemoryStore, space: Space) -> Vec<String> {
        store.scan(&space, &Scan::new("", MAX_SCAN)).await.unwrap().entries.into_iter().map(|entry| entry.key).collect()
    }

    #[tokio::test]
    async fn everything_of_a_removed_tenant_goes_when_its_time_has_come_and_nothing_of_another() {
        let store = MemoryStore::default();
        let standings = Standings::new(Arc::new(store.clone()));
        let tokens = Tokens::new(Arc::new(store.clone()));
        for tenant in ["acme", "acme2"] {
            for space in [Space::plugin(tenant), Space::host(tenant)] {
                for part in 0..3 {
                    let writes = (0..MAX_COMMIT).map(|number| Write::put(format!("{part}/{number}"), [])).collect();
                    store.commit(&space, writes).await.unwrap();
                }
            }
            tokens.create(tenant, Scope::Read, None, now()).await.unwrap();
            store.commit(&nobody(), vec![Write::put(outbox::mark_of(tenant), [])]).await.unwrap();
            let unfit = Unfit { component: "sha256:0".to_owned(), why: "it failed".to_owned(), at: now() };
            standings.set_unfit(tenant, Some(&unfit)).await.unwrap();
        }
        let due = now() + TimeDelta::days(7);
        standings.set("acme", Some(State::Removed { delete_after: due }), now()).await.unwrap();
        let before = keys(&store, Space::plugin("acme")).await.len();
        standings.sweep(due - TimeDelta::seconds(1)).await.unwrap();
        assert_eq!(keys(&store, Space::plugin("acme")).await.len(), before);
        standings.sweep(due).await.unwrap();
        assert_eq!(standings.of("acme").await.unwrap().unwrap().state, State::Deleted);
        for space in [Space::plugin("acme"), Space::host("acme")] {
            assert_eq!(keys(&store, space).await, Vec::<String>::new());
        }
        assert!(tokens.list("acme").await.unwrap().is_empty());
        assert_eq!(tokens.list("acme2").await.unwrap().len(), 1);
        assert_eq!(keys(&store, Space::host("acme2")).await.len(), before);
        let left = keys(&store, nobody()).await;
        assert!(left.contains(&outbox::mark_of("acme2")) && left.contains(&format!("{UNFIT}acme2")), "{left:?}");
        assert!(left.iter().all(|key| !key.ends_with("/acme") || *key == format!("{STANDING}acme")), "{left:?}");
    }

    #[tokio::test]
    async fn what_a_run_under_way_wrote_after_the_deletion_goes_too() {
        let store = MemoryStore::default();
        let standings = Standings::new(Arc::new(store.clone()));
        standings.set("acme", Some(State::Deleted), now()).await.unwrap();
        store.commit(&Space::host("acme"), vec![Write::put("late", [])]).await.unwrap();
        standings.sweep(now() + TimeDelta::minutes(10)).await.unwrap();
        assert_eq!(keys(&store, Space::host("acme")).await, Vec::<String>::new());
    }

    #[test]
    fn a_standing_that_is_kept_is_read_again() {
        for state in [State::Paused, State::Removed { delete_after: now() }, State::Deleted] {
            let standing = Standing { state, since: now() };
            let text = serde_json::to_vec(&standing).unwrap();
            assert_eq!(serde_json::from_slice::<Standing>(&text).unwrap(), standing);
        }
    }
}
