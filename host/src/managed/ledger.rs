//! Keeps tenants and their versions in the store, in the host's own space of no tenant: `tenant/TENANT` is the newest version,
//! `tenant-version/TENANT/NUMBER` each of the last ones, and `tenants-changed` changes with every change, so that whoever
//! serves has one key to look at.
//!
//! What a document means, and whether it is good, is asked before.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::version::{Kept, VERSIONS, Version, Versions};
use super::{Document, difference};
use crate::store::records::{self, Records, read};
use crate::store::{Condition, Entry, MAX_COMMIT, Scan, Store, StoreError, Write};

const TENANT: &str = "tenant/";
const VERSION: &str = "tenant-version/";
const CHANGED: &str = "tenants-changed";

/// The tenants of one store.
#[derive(Clone)]
pub(crate) struct Ledger {
    records: Records,
}

/// A tenant that is kept, with the revision of its key. `None` in the place of the tenant: it cannot be read here.
pub(crate) type Found = (String, Option<Kept>);

/// The most tenants of which a version is made at once: of each five keys are written at most, what goes with them
/// included, and one for all.
pub(crate) const MOST_AT_ONCE: usize = (MAX_COMMIT - 1) / 5;

/// A new version, as somebody wants it.
pub(crate) struct Wanted<'a> {
    pub(crate) document: Document,
    pub(crate) draft: bool,
    pub(crate) by: &'a str,
    pub(crate) note: &'a str,
}

/// The next version of a tenant.
pub(crate) struct Next<'a> {
    pub(crate) tenant: &'a str,
    /// What it is made from, as it was read just before; none for a new tenant.
    pub(crate) current: Option<&'a (String, Kept)>,
    pub(crate) wanted: &'a Wanted<'a>,
    /// What is written with it if it is made, on its own conditions.
    pub(crate) with: Vec<Write>,
}

/// What came of it.
pub(crate) enum Saved {
    /// It is the newest version now.
    Made(Box<Version>),
    /// It says what the newest version says already.
    Same(u64),
}

impl Ledger {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store) }
    }

    /// Something that is another after every change of a tenant; none where there never was one.
    pub(crate) async fn mark(&self) -> Result<Option<String>, StoreError> {
        Ok(self.records.entry(CHANGED).await?.map(|entry| entry.revision))
    }

    /// Every tenant, by name.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, Found>, StoreError> {
        let entries = self.records.entries(TENANT).await?;
        let found = |entry: Entry| Some((entry.key.strip_prefix(TENANT)?.to_owned(), (entry.revision.clone(), read(&entry))));
        Ok(entries.into_iter().filter_map(found).collect())
    }

    /// One tenant.
    pub(crate) async fn of(&self, tenant: &str) -> Result<Option<(String, Kept)>, StoreError> {
        match self.records.entry(&tenant_key(tenant)).await? {
            Some(entry) => read(&entry).map(|kept| Some((entry.revision, kept))).ok_or_else(|| unreadable(&entry.key)),
            None => Ok(None),
        }
    }

    /// Whether anything of a tenant is kept, whether it can be read or not.
    pub(crate) async fn has(&self, tenant: &str) -> Result<bool, StoreError> {
        let newest = self.records.entry(&tenant_key(tenant)).await?;
        Ok(newest.is_some() || !self.records.entries(&format!("{VERSION}{tenant}/")).await?.is_empty())
    }

    /// One version of a tenant.
    pub(crate) async fn version(&self, tenant: &str, number: u64) -> Result<Option<Version>, StoreError> {
        match self.records.entry(&version_key(tenant, number)).await? {
            Some(entry) => read(&entry).map(Some).ok_or_else(|| unreadable(&entry.key)),
            None => Ok(None),
        }
    }

    /// A page of the versions of a tenant, newest first.
    pub(crate) async fn versions(&self, tenant: &str, limit: u32, cursor: Option<String>) -> Result<Versions, StoreError> {
        let scan = Scan::new(format!("{VERSION}{tenant}/"), limit).descending().from(cursor);
        let (versions, next) = self.records.scan(&scan).await?;
        Ok(Versions { items: versions.into_iter().map(|kept| kept.value).collect(), next })
    }

    /// Makes new versions of several tenants: all of them, or none. `None`: what one of them was made from is not there any more,
    /// since somebody changed it, or sealed it anew.
    pub(crate) async fn save_all(&self, all: &[Next<'_>], now: DateTime<Utc>) -> Result<Option<Vec<Saved>>, StoreError> {
        let (mut saved, mut writes) = (Vec::new(), Vec::new());
        for next in all {
            let one = next.saved(now);
            if let Saved::Made(version) = &one {
                let condition = next.current.map_or(Condition::Absent, |(revision, _)| Condition::Revision(revision.clone()));
                writes.extend(version_writes(next.tenant, version, condition)?);
                writes.extend(next.with.clone());
            }
            saved.push(one);
        }
        if writes.is_empty() {
            return Ok(Some(saved));
        }
        writes.push(mark());
        let committed = self.records.commit(writes).await?;
        Ok(committed.then_some(saved))
    }

    /// Writes the documents of a tenant, those of its versions included, as `exchange` makes them of what they are: all of them or
    /// none. It makes no new version. `false`: there is nothing to write. `exchange` is told when it begins, which may be again.
    pub(crate) async fn rewrite(&self, tenant: &str, exchange: &mut (dyn FnMut(&mut Document, bool) + Send)) -> Result<bool, StoreError> {
        loop {
            let Some((revision, kept)) = self.of(tenant).await? else { return Ok(false) };
            let mut writes = Vec::new();
            let mut now = kept.clone();
            exchange(&mut now.document, true);
            if now != kept {
                writes.push(records::put(tenant_key(tenant), &now)?.when(Condition::Revision(revision)));
            }
            for entry in self.records.entries(&format!("{VERSION}{tenant}/")).await? {
                let Some(version) = read::<Version>(&entry) else { continue };
                let mut now = version.clone();
                exchange(&mut now.document, false);
                if now != version {
                    writes.push(records::put(entry.key, &now)?.when(Condition::Revision(entry.revision)));
                }
            }
            if writes.is_empty() {
                return Ok(false);
            }
            writes.push(mark());
            if self.records.commit(writes).await? {
                return Ok(true);
            }
        }
    }

    /// Deletes a tenant with all its versions, and says how many keys there were. With it goes what else is to be written, on its
    /// own condition. `None`, and nothing is deleted, where that does not hold, or somebody changed the tenant meanwhile.
    pub(crate) async fn delete(&self, tenant: &str, with: Vec<Write>) -> Result<Option<usize>, StoreError> {
        let newest = self.records.entry(&tenant_key(tenant)).await?;
        let versions = self.records.entries(&format!("{VERSION}{tenant}/")).await?;
        let mut writes: Vec<_> = versions.into_iter().map(|entry| Write::remove(entry.key)).collect();
        writes.extend(newest.map(|entry| Write::remove(entry.key).when(Condition::Revision(entry.revision))));
        let deleted = writes.len();
        if deleted > 0 {
            writes.push(mark());
        }
        writes.extend(with);
        let committed = writes.is_empty() || self.records.commit(writes).await?;
        Ok(committed.then_some(deleted))
    }
}

impl Next<'_> {
    /// What comes of it, if nobody is faster.
    pub(crate) fn saved(&self, now: DateTime<Utc>) -> Saved {
        let Self { current, wanted, .. } = self;
        let before = current.map(|(_, kept)| kept.document.clone()).unwrap_or_default();
        let changes = difference::between_versions(&before, &wanted.document);
        if let Some((_, kept)) = current
            && changes.is_empty()
            && kept.draft == wanted.draft
        {
            return Saved::Same(kept.version);
        }
        Saved::Made(Box::new(Version {
            number: current.map_or(0, |(_, kept)| kept.version).saturating_add(1),
            at: now.trunc_subsecs(3),
            by: wanted.by.to_owned(),
            note: wanted.note.to_owned(),
            draft: wanted.draft,
            changes,
            document: wanted.document.clone(),
        }))
    }
}

impl Saved {
    /// The number of the newest version.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Made(version) => version.number,
            Self::Same(number) => *number,
        }
    }
}

/// The newest version in its two places, and the oldest one away.
fn version_writes(tenant: &str, version: &Version, condition: Condition) -> Result<Vec<Write>, StoreError> {
    let mut writes = vec![
        records::put(tenant_key(tenant), &version.kept())?.when(condition),
        records::put(version_key(tenant, version.number), version)?,
    ];
    writes.extend(version.number.checked_sub(VERSIONS).filter(|old| *old > 0).map(|old| Write::remove(version_key(tenant, old))));
    Ok(writes)
}

fn mark() -> Write {
    Write::put(CHANGED, Uuid::now_v7().to_string())
}

/// The keys order as the numbers do.
fn version_key(tenant: &str, number: u64) -> String {
    format!("{VERSION}{tenant}/{number:020}")
}

fn tenant_key(tenant: &str) -> String {
    format!("{TENANT}{tenant}")
}

fn unreadable(key: &str) -> StoreError {
    StoreError::Other(format!("what is stored under {key} cannot be read: it is damaged, or of a later version of this program"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Space};

    fn now() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn of_several_tenants_all_are_stored_or_none() {
        let store = MemoryStore::default();
        let ledger = Ledger::new(Arc::new(store.clone()));
        let wanted = |environment: &str| {
            let mut document = Document::default();
            document.set(&super::super::Path::of(["environment"]), environment.into()).unwrap();
            Wanted { document, draft: false, by: "me", note: "" }
        };
        let (test, prod) = (wanted("TEST"), wanted("PROD"));
        let new = |tenant| Next { tenant, current: None, wanted: &test, with: Vec::new() };
        let numbers = |saved: Option<Vec<Saved>>| saved.map(|saved| saved.iter().map(Saved::number).collect::<Vec<_>>());
        assert_eq!(numbers(ledger.save_all(&[new("acme"), new("bolt")], now()).await.unwrap()), Some(vec![1, 1]));
        let acme = ledger.of("acme").await.unwrap();
        let before = store.scan(&Space::host(""), &Scan::new("", 100)).await.unwrap();
        // The second is there already, or what is to go with it does not hold.
        let missing = Write::remove("standing/delta").when(Condition::Revision("1".to_owned()));
        for second in [new("bolt"), Next { with: vec![missing], ..new("delta") }] {
            let first = Next { current: acme.as_ref(), wanted: &prod, ..new("acme") };
            assert!(ledger.save_all(&[first, second], now()).await.unwrap().is_none());
            assert_eq!(store.scan(&Space::host(""), &Scan::new("", 100)).await.unwrap(), before);
        }
        let same = Next { current: acme.as_ref(), ..new("acme") };
        assert_eq!(numbers(ledger.save_all(&[same, new("delta")], now()).await.unwrap()), Some(vec![1, 1]));
    }

    #[tokio::test]
    async fn a_tenant_is_deleted_whole_or_not_at_all() {
        let store = MemoryStore::default();
        let ledger = Ledger::new(Arc::new(store.clone()));
        let wanted = Wanted { document: Document::default(), draft: false, by: "me", note: "" };
        ledger.save_all(&[Next { tenant: "acme", current: None, wanted: &wanted, with: Vec::new() }], now()).await.unwrap();
        let before = store.scan(&Space::host(""), &Scan::new("", 100)).await.unwrap();
        let not_so = Write::put("standing/acme", "{}").when(Condition::Revision("1".to_owned()));
        assert_eq!(ledger.delete("acme", vec![not_so]).await.unwrap(), None);
        assert_eq!(store.scan(&Space::host(""), &Scan::new("", 100)).await.unwrap(), before);
        assert_eq!(ledger.delete("acme", Vec::new()).await.unwrap(), Some(2));
        assert_eq!(ledger.delete("acme", Vec::new()).await.unwrap(), Some(0));
    }
}
