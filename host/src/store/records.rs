//! What the host keeps of no single tenant, and the console of its people: JSON under keys of the host's space of no tenant, each
//! with its revision.
//!
//! What a record means is the business of who keeps it. What cannot be read any more is of a later version of this program, or
//! broken: to most it is as good as absent, and grants nothing either way; who must tell it from nothing asks for the entry.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Condition, Entry, MAX_SCAN, Outcome, Scan, Space, Store, StoreError, Write};

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<T> {
    /// Its key.
    pub(crate) key: String,
    /// The record.
    pub(crate) value: T,
    /// The revision of this very value.
    pub(crate) revision: String,
}

/// Some records, and where the next ones are.
pub(crate) type Page<T> = (Vec<Kept<T>>, Option<String>);

/// The records of a store. Clones are the same.
#[derive(Clone)]
pub(crate) struct Records(Arc<dyn Store>);

impl Records {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// The record under this key.
    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Kept<T>>, StoreError> {
        Ok(self.entry(key).await?.and_then(kept))
    }

    /// What stands under this key, whether it can be read or not.
    pub(crate) async fn entry(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        Ok(self.0.get(&space(), &[key.to_owned()]).await?.into_iter().flatten().next())
    }

    /// Everything whose keys begin so, whether it can be read or not.
    pub(crate) async fn entries(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.0.scan(&space(), &Scan::new(prefix, MAX_SCAN).from(cursor)).await?;
            found.extend(page.entries);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// A page of the records whose keys begin so.
    pub(crate) async fn scan<T: DeserializeOwned>(&self, scan: &Scan) -> Result<Page<T>, StoreError> {
        let page = self.0.scan(&space(), scan).await?;
        Ok((page.entries.into_iter().filter_map(kept).collect(), page.cursor))
    }

    /// Writes all or nothing; says whether every condition held.
    pub(crate) async fn commit(&self, writes: Vec<Write>) -> Result<bool, StoreError> {
        self.0.commit(&space(), writes).await.map(|outcome| outcome == Outcome::Committed)
    }
}

/// Writes a record.
pub(crate) fn put(key: impl Into<String>, value: &impl Serialize) -> Result<Write, StoreError> {
    let value = serde_json::to_vec(value).map_err(|error| StoreError::Other(error.to_string()))?;
    Ok(Write::put(key, value))
}

/// Writes a record in the place of this one, if nobody was faster.
pub(crate) fn replace<T: Serialize>(kept: &Kept<T>) -> Result<Write, StoreError> {
    Ok(put(&kept.key, &kept.value)?.when(Condition::Revision(kept.revision.clone())))
}

/// Removes this very record, if nobody was faster.
pub(crate) fn remove<T>(kept: &Kept<T>) -> Write {
    Write::remove(&kept.key).when(Condition::Revision(kept.revision.clone()))
}

/// The record in an entry.
pub(crate) fn read<T: DeserializeOwned>(entry: &Entry) -> Option<T> {
    serde_json::from_slice(&entry.value).ok()
}

/// Where they are kept.
pub(crate) fn space() -> Space {
    Space::host("")
}

fn kept<T: DeserializeOwned>(entry: Entry) -> Option<Kept<T>> {
    let value = read(&entry)?;
    Some(Kept { key: entry.key, value, revision: entry.revision })
}
