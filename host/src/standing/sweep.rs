//! Deletes what is stored of a removed tenant.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{STANDING, Standing, Standings, State, UNFIT};
use crate::managed::Ledger;
use crate::outbox;
use crate::store::records;
use crate::store::{Condition, Entry, MAX_COMMIT, MAX_SCAN, Outcome, Scan, Space, StoreError, Write};
use crate::token::{TokenError, Tokens};

/// For so long after the deletion a run that was under way may still write something.
const REMNANTS: TimeDelta = TimeDelta::hours(1);

/// A removed tenant as it stood when it was looked at.
struct Gone<'a> {
    tenant: &'a str,
    revision: String,
}

impl Standings {
    /// Deletes what is to be deleted by now. A tenant that is not done because the store fails, or somebody was faster, is tried
    /// again the next time; the error is the first there was.
    pub(crate) async fn sweep(&self, now: DateTime<Utc>) -> Result<(), TokenError> {
        let mut swept = Ok(());
        for tenant in self.all().await?.into_keys() {
            // One that fails keeps nobody else's from being deleted.
            swept = swept.and(self.sweep_one(&tenant, now).await.map(|_| ()));
        }
        swept
    }

    /// Deletes what is to be deleted of one tenant by now. `false`: somebody was faster, and it is not known what there is of it.
    pub(crate) async fn sweep_one(&self, tenant: &str, now: DateTime<Utc>) -> Result<bool, TokenError> {
        let Some((revision, standing)) = self.found(tenant).await? else { return Ok(true) };
        let gone = Gone { tenant, revision };
        match standing.state {
            State::Removed { delete_after } if delete_after <= now => {
                let Some(deleted) = self.delete(&gone, now).await? else { return Ok(false) };
                tracing::info!(tenant, deleted, "what was stored of a removed tenant is deleted");
                Ok(true)
            }
            State::Deleted if now - standing.since < REMNANTS => Ok(self.delete_data(&gone).await?.is_some()),
            State::Removed { .. } | State::Deleted | State::Paused => Ok(true),
        }
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

    /// Deletes everything that is stored of a tenant, and says how many keys there were. Its configuration goes in the moment from
    /// which on it stands as deleted: who sets it up anew does so before, or after.
    async fn delete(&self, gone: &Gone<'_>, now: DateTime<Utc>) -> Result<Option<usize>, TokenError> {
        let Some(data) = self.delete_data(gone).await? else { return Ok(None) };
        let deleted = Standing { state: State::Deleted, since: now.trunc_subsecs(3) };
        let condition = Condition::Revision(gone.revision.clone());
        let stands = records::put(format!("{STANDING}{}", gone.tenant), &deleted)?.when(condition);
        let configuration = Ledger::new(self.store.clone()).delete(gone.tenant, vec![stands]).await?;
        Ok(configuration.map(|keys| keys + data))
    }

    /// Deletes everything but the configuration, and says how many keys there were; `None` where the tenant does not stand so any
    /// more. Whatever was found before it was known to stand so is of the removed one: somebody may bring it back or set it up anew
    /// at any moment, and what there is of it then stays.
    async fn delete_data(&self, gone: &Gone<'_>) -> Result<Option<usize>, TokenError> {
        let tokens = Tokens::new(self.store.clone());
        let found = tokens.list(gone.tenant).await?;
        if !found.is_empty() && !self.is_so(gone).await? {
            return Ok(None);
        }
        let mut deleted = found.len();
        for token in found {
            tokens.revoke(gone.tenant, &token.id).await?;
        }
        for space in [Space::plugin(gone.tenant), Space::host(gone.tenant)] {
            let Some(keys) = self.empty(&space, gone).await? else { return Ok(None) };
            deleted += keys;
        }
        let marks = [outbox::mark_of(gone.tenant), format!("{UNFIT}{}", gone.tenant)];
        loop {
            let found: Vec<_> = self.store.get(&records::space(), &marks).await?.into_iter().flatten().collect();
            if found.is_empty() {
                return Ok(Some(deleted));
            }
            let Some(keys) = self.clear(&records::space(), found, gone).await? else { return Ok(None) };
            deleted += keys;
        }
    }

    async fn empty(&self, space: &Space, gone: &Gone<'_>) -> Result<Option<usize>, StoreError> {
        let mut deleted = 0;
        loop {
            let page = self.store.scan(space, &Scan::new("", MAX_SCAN)).await?;
            if page.entries.is_empty() {
                return Ok(Some(deleted));
            }
            let Some(keys) = self.clear(space, page.entries, gone).await? else { return Ok(None) };
            deleted += keys;
        }
    }

    /// Removes what was found, unless any of it is another by now, and says how many keys that were; `None` where the tenant does not
    /// stand so any more.
    async fn clear(&self, space: &Space, found: Vec<Entry>, gone: &Gone<'_>) -> Result<Option<usize>, StoreError> {
        if !found.is_empty() && !self.is_so(gone).await? {
            return Ok(None);
        }
        let mut removed = 0;
        for part in found.chunks(MAX_COMMIT) {
            let same = |entry: &Entry| Write::remove(&*entry.key).when(Condition::Revision(entry.revision.clone()));
            if self.store.commit(space, part.iter().map(same).collect()).await? == Outcome::Committed {
                removed += part.len();
            }
        }
        Ok(Some(removed))
    }

    async fn is_so(&self, gone: &Gone<'_>) -> Result<bool, StoreError> {
        Ok(self.found(gone.tenant).await?.is_some_and(|(revision, _)| revision == gone.revision))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::super::Unfit;
    use super::*;
    use crate::managed::{Document, Next, Wanted};
    use crate::store::{Guard, MemoryStore, Page, Store};
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
            store.commit(&records::space(), vec![Write::put(outbox::mark_of(tenant), [])]).await.unwrap();
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
        let left = keys(&store, records::space()).await;
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

    /// A store in which somebody writes just after it was looked for such keys.
    struct Meanwhile {
        store: MemoryStore,
        /// Where, and under which prefix, is looked.
        at: (Space, &'static str),
        write: Mutex<Vec<(Space, Vec<Write>)>>,
    }

    #[async_trait]
    impl Store for Meanwhile {
        async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
            self.store.get(space, keys).await
        }

        async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
            self.store.commit(space, writes).await
        }

        async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
            let page = self.store.scan(space, scan).await;
            if (space, &*scan.prefix) == (&self.at.0, self.at.1) {
                let writes = std::mem::take(&mut *self.write.lock().unwrap());
                for (space, writes) in writes {
                    assert_eq!(self.store.commit(&space, writes).await?, Outcome::Committed);
                }
            }
            page
        }

        async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
            self.store.try_lock(tenant, name).await
        }
    }

    #[tokio::test]
    async fn who_is_set_up_anew_or_brought_back_in_the_middle_of_it_loses_nothing_of_theirs() {
        let due = State::Removed { delete_after: now() };
        let looks = [
            (State::Deleted, Space::host("acme"), ""),
            (State::Deleted, Space::plugin("acme"), ""),
            (State::Deleted, records::space(), STANDING),
            (due.clone(), records::space(), STANDING),
            (due.clone(), Space::host("acme"), ""),
            (due, records::space(), "tenant-version/acme/"),
        ];
        for (state, space, prefix) in looks {
            let told = format!("{state:?} {space:?} {prefix}");
            let store = MemoryStore::default();
            let standings = Standings::new(Arc::new(store.clone()));
            standings.set("acme", Some(state.clone()), now()).await.unwrap();
            let ledger = Ledger::new(Arc::new(store.clone()));
            let wanted = Wanted { document: Document::default(), draft: true, by: "me", note: "" };
            let next = || Next { tenant: "acme", current: None, wanted: &wanted, with: Vec::new() };
            let is_kept = state != State::Deleted;
            if is_kept {
                assert!(ledger.save_all(&[next()], now()).await.unwrap().is_some());
            }
            store.commit(&Space::host("acme"), vec![Write::put("late", [])]).await.unwrap();
            // Set up anew, with what a run of it writes; or simply brought back.
            let mut writes = vec![(records::space(), vec![Write::remove(format!("{STANDING}acme"))])];
            if !is_kept {
                let made = MemoryStore::default();
                Ledger::new(Arc::new(made.clone())).save_all(&[next()], now()).await.unwrap();
                let kept = made.scan(&records::space(), &Scan::new("", MAX_SCAN)).await.unwrap().entries;
                writes.push((records::space(), kept.into_iter().map(|entry| Write::put(entry.key, entry.value)).collect()));
            }
            writes.push((Space::host("acme"), vec![Write::put("late", [1]), Write::put("run", [])]));
            let meanwhile = Meanwhile { store: store.clone(), at: (space, prefix), write: Mutex::new(writes) };
            Standings::new(Arc::new(meanwhile)).sweep(now() + TimeDelta::minutes(1)).await.unwrap();
            assert!(standings.of("acme").await.unwrap().is_none(), "{told}: the moment never came");
            assert!(ledger.of("acme").await.unwrap().is_some(), "{told}: the configuration is gone");
            assert_eq!(ledger.versions("acme", 10, None).await.unwrap().items.len(), 1, "{told}");
            assert_eq!(keys(&store, Space::host("acme")).await, ["late", "run"], "{told}");
        }
    }

    #[tokio::test]
    async fn who_was_not_first_is_told_and_what_was_deleted_is_counted_once() {
        let store = MemoryStore::default();
        let due = State::Removed { delete_after: now() };
        let standings = Standings::new(Arc::new(store.clone()));
        standings.set("acme", Some(due.clone()), now()).await.unwrap();
        store.commit(&Space::host("acme"), vec![Write::put("early", []), Write::put("late", [])]).await.unwrap();
        // Removed once more, and something written, while it is looked through.
        let again = records::put(format!("{STANDING}acme"), &Standing { state: due, since: now() }).unwrap();
        let meanwhile = |writes| Meanwhile { store: store.clone(), at: (Space::host("acme"), ""), write: Mutex::new(writes) };
        let late = Standings::new(Arc::new(meanwhile(vec![(records::space(), vec![again])])));
        assert!(!late.sweep_one("acme", now()).await.unwrap());
        assert_eq!(keys(&store, Space::host("acme")).await, ["early", "late"]);
        let writes = vec![(Space::host("acme"), vec![Write::put("late", [1])])];
        let busy = Standings::new(Arc::new(meanwhile(writes)));
        let (revision, _) = busy.found("acme").await.unwrap().unwrap();
        let deleted = busy.delete(&Gone { tenant: "acme", revision }, now()).await.unwrap();
        assert_eq!(deleted, Some(2));
        assert!(standings.sweep_one("acme", now()).await.unwrap() && standings.sweep_one("nobody", now()).await.unwrap());
        assert_eq!(standings.of("acme").await.unwrap().unwrap().state, State::Deleted);
    }

    /// A store that cannot be read where one tenant's data are.
    struct Broken(MemoryStore, Space);

    #[async_trait]
    impl Store for Broken {
        async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
            self.0.get(space, keys).await
        }

        async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
            self.0.commit(space, writes).await
        }

        async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
            match *space == self.1 {
                true => Err(StoreError::Other("it is broken".to_owned())),
                false => self.0.scan(space, scan).await,
            }
        }

        async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
            self.0.try_lock(tenant, name).await
        }
    }

    #[tokio::test]
    async fn one_that_cannot_be_deleted_keeps_no_other_from_it() {
        let store = MemoryStore::default();
        let standings = Standings::new(Arc::new(Broken(store.clone(), Space::host("acme"))));
        for tenant in ["acme", "bolt"] {
            store.commit(&Space::host(tenant), vec![Write::put("a", [])]).await.unwrap();
            standings.set(tenant, Some(State::Removed { delete_after: now() }), now()).await.unwrap();
        }
        assert!(standings.sweep(now()).await.is_err());
        assert_eq!(standings.of("bolt").await.unwrap().unwrap().state, State::Deleted);
        assert_eq!(keys(&store, Space::host("acme")).await, ["a"]);
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
