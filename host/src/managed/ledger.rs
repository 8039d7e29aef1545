//! Keeps tenants and their versions in the store, in the host's own space of no tenant: `tenant/TENANT` is the newest version,
//! `tenant-version/TENANT/NUMBER` each of the last ones, and `tenants-changed` changes with every change, so that whoever
//! serves has one key to look at.
//!
//! What a document means, and whether it is good, is asked before.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::version::{Kept, VERSIONS, Version, Versions};
use super::{Document, difference};
use crate::store::{Condition, Entry, MAX_SCAN, Outcome, Scan, Space, Store, StoreError, Write};

const TENANT: &str = "tenant/";
const VERSION: &str = "tenant-version/";
const CHANGED: &str = "tenants-changed";

/// The tenants of one store.
#[derive(Clone)]
pub(crate) struct Ledger {
    store: Arc<dyn Store>,
}

/// A tenant that is kept, with the revision of its key. `None` in the place of the tenant: it cannot be read here.
pub(crate) type Found = (String, Option<Kept>);

/// A new version, as somebody wants it.
pub(crate) struct Wanted<'a> {
    pub(crate) document: Document,
    pub(crate) draft: bool,
    pub(crate) by: &'a str,
    pub(crate) note: &'a str,
}

/// What came of it.
pub(crate) enum Saved {
    /// It is the newest version now.
    Made(Box<Version>),
    /// It says what the newest version says already.
    Same(u64),
    /// What it was made from is not there any more: somebody changed it, or sealed it anew.
    Late,
}

impl Ledger {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Something that is another after every change of a tenant; none where there never was one.
    pub(crate) async fn mark(&self) -> Result<Option<String>, StoreError> {
        Ok(self.one(CHANGED.to_owned()).await?.map(|entry| entry.revision))
    }

    /// Every tenant, by name.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, Found>, StoreError> {
        let entries = self.under(TENANT).await?;
        let found = |entry: Entry| Some((entry.key.strip_prefix(TENANT)?.to_owned(), (entry.revision.clone(), read(&entry))));
        Ok(entries.into_iter().filter_map(found).collect())
    }

    /// One tenant.
    pub(crate) async fn of(&self, tenant: &str) -> Result<Option<(String, Kept)>, StoreError> {
        match self.one(format!("{TENANT}{tenant}")).await? {
            Some(entry) => read(&entry).map(|kept| Some((entry.revision, kept))).ok_or_else(|| unreadable(&entry.key)),
            None => Ok(None),
        }
    }

    /// One version of a tenant.
    pub(crate) async fn version(&self, tenant: &str, number: u64) -> Result<Option<Version>, StoreError> {
        match self.one(version_key(tenant, number)).await? {
            Some(entry) => read(&entry).map(Some).ok_or_else(|| unreadable(&entry.key)),
            None => Ok(None),
        }
    }

    /// A page of the versions of a tenant, newest first.
    pub(crate) async fn versions(&self, tenant: &str, limit: u32, cursor: Option<String>) -> Result<Versions, StoreError> {
        let scan = Scan::new(format!("{VERSION}{tenant}/"), limit).descending().from(cursor);
        let page = self.store.scan(&nobody(), &scan).await?;
        Ok(Versions { items: page.entries.iter().filter_map(read).collect(), next: page.cursor })
    }

    /// Makes a new version from what was read just before.
    pub(crate) async fn save(
        &self,
        tenant: &str,
        current: Option<&(String, Kept)>,
        wanted: &Wanted<'_>,
        now: DateTime<Utc>,
    ) -> Result<Saved, StoreError> {
        let before = current.map(|(_, kept)| kept.document.clone()).unwrap_or_default();
        let changes = difference::between_versions(&before, &wanted.document);
        if let Some((_, kept)) = current
            && changes.is_empty()
            && kept.draft == wanted.draft
        {
            return Ok(Saved::Same(kept.version));
        }
        let version = Version {
            number: current.map_or(0, |(_, kept)| kept.version).saturating_add(1),
            at: now.trunc_subsecs(3),
            by: wanted.by.to_owned(),
            note: wanted.note.to_owned(),
            draft: wanted.draft,
            changes,
            document: wanted.document.clone(),
        };
        let condition = current.map_or(Condition::Absent, |(revision, _)| Condition::Revision(revision.clone()));
        Ok(match self.store.commit(&nobody(), writes(tenant, &version, condition)?).await? {
            Outcome::Committed => Saved::Made(Box::new(version)),
            Outcome::Conflict(_) => Saved::Late,
        })
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
                writes.push(Write::put(format!("{TENANT}{tenant}"), json(&now)?).when(Condition::Revision(revision)));
            }
            for entry in self.under(&format!("{VERSION}{tenant}/")).await? {
                let Some(version) = read::<Version>(&entry) else { continue };
                let mut now = version.clone();
                exchange(&mut now.document, false);
                if now != version {
                    writes.push(Write::put(entry.key, json(&now)?).when(Condition::Revision(entry.revision)));
                }
            }
            if writes.is_empty() {
                return Ok(false);
            }
            writes.push(mark());
            if self.store.commit(&nobody(), writes).await? == Outcome::Committed {
                return Ok(true);
            }
        }
    }

    /// Deletes a tenant with all its versions, and says how many keys there were.
    pub(crate) async fn delete(&self, tenant: &str) -> Result<usize, StoreError> {
        let mut keys: Vec<_> = self.under(&format!("{VERSION}{tenant}/")).await?.into_iter().map(|entry| entry.key).collect();
        keys.extend(self.one(format!("{TENANT}{tenant}")).await?.map(|entry| entry.key));
        if !keys.is_empty() {
            let writes = keys.iter().map(|key| Write::remove(&**key)).chain([mark()]).collect();
            self.store.commit(&nobody(), writes).await?;
        }
        Ok(keys.len())
    }

    async fn one(&self, key: String) -> Result<Option<Entry>, StoreError> {
        Ok(self.store.get(&nobody(), &[key]).await?.into_iter().flatten().next())
    }

    async fn under(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.store.scan(&nobody(), &Scan::new(prefix, MAX_SCAN).from(cursor)).await?;
            found.extend(page.entries);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

/// The newest version in its two places, and the oldest one away.
fn writes(tenant: &str, version: &Version, condition: Condition) -> Result<Vec<Write>, StoreError> {
    let mut writes = vec![
        Write::put(format!("{TENANT}{tenant}"), json(&version.kept())?).when(condition),
        Write::put(version_key(tenant, version.number), json(version)?),
        mark(),
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

fn nobody() -> Space {
    Space::host("")
}

fn read<T: DeserializeOwned>(entry: &Entry) -> Option<T> {
    serde_json::from_slice(&entry.value).ok()
}

fn unreadable(key: &str) -> StoreError {
    StoreError::Other(format!("what is stored under {key} cannot be read: it is damaged, or of a later version of this program"))
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Other(error.to_string()))
}
