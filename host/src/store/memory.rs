//! A store without a file: for tests, and for embedders who keep nothing. Everything is gone with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::key::Size;
use super::{Condition, Entry, Guard, Order, Outcome, Page, Quota, Scan, Space, Store, StoreError, Write, key};

/// Keys and values in memory. Clones share their content.
#[derive(Clone, Default)]
pub struct MemoryStore {
    spaces: Arc<Mutex<Spaces>>,
    locks: Arc<Mutex<BTreeSet<(String, String)>>>,
}

#[derive(Default)]
struct Spaces {
    keys: BTreeMap<Space, Held>,
    /// Counts up with every commit, so no revision comes twice.
    revision: u64,
}

/// What a space holds, and how much that is.
#[derive(Default)]
struct Held {
    values: BTreeMap<String, Value>,
    size: Size,
}

struct Value {
    bytes: Vec<u8>,
    revision: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn write(&self, space: &Space, writes: Vec<Write>, quota: Option<Quota>) -> Result<Outcome, StoreError> {
        key::check_commit(space, &writes)?;
        let mut spaces = lock(&self.spaces);
        spaces.revision += 1;
        let revision = spaces.revision;
        let held = spaces.keys.entry(space.clone()).or_default();
        let lost: Vec<String> = writes.iter().filter(|write| !holds(&held.values, write)).map(|write| write.key.clone()).collect();
        if !lost.is_empty() {
            return Ok(Outcome::Conflict(lost));
        }
        let old = writes.iter().filter_map(|write| Some(Size::of(&write.key, &held.values.get(&write.key)?.bytes)));
        let (before, after) = (old.sum(), Size::after(&writes));
        if let Some(quota) = quota {
            key::check_quota(quota, held.size, before, after)?;
        }
        held.size = held.size.exchange(before, after);
        for Write { key, value, .. } in writes {
            match value {
                Some(bytes) => held.values.insert(key, Value { bytes, revision }),
                None => held.values.remove(&key),
            };
        }
        Ok(Outcome::Committed)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        key::check_get(keys)?;
        let spaces = lock(&self.spaces);
        let found = spaces.keys.get(space);
        let value = |key: &String| found.and_then(|held| held.values.get_key_value(key));
        key::check_get_bytes(keys.iter().filter_map(value).map(|(_, value)| value.bytes.len()).sum())?;
        Ok(keys.iter().map(|key| value(key).map(entry)).collect())
    }

    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        self.write(space, writes, None)
    }

    async fn commit_within(&self, space: &Space, writes: Vec<Write>, quota: Quota) -> Result<Outcome, StoreError> {
        self.write(space, writes, Some(quota))
    }

    async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
        let after = key::check_scan(space, scan)?;
        let spaces = lock(&self.spaces);
        let Some(Held { values, .. }) = spaces.keys.get(space) else { return Ok(Page::default()) };
        let first = Bound::Included(scan.prefix.as_str());
        let mut found: Box<dyn Iterator<Item = (&String, &Value)>> = match (scan.order, after.as_deref()) {
            (Order::Ascending, after) => Box::new(values.range::<str, _>((after.map_or(first, Bound::Excluded), Bound::Unbounded))),
            (Order::Descending, Some(after)) => Box::new(values.range::<str, _>((first, Bound::Excluded(after))).rev()),
            (Order::Descending, None) => {
                let all = values.range::<str, _>((first, Bound::Unbounded));
                Box::new(all.rev().skip_while(|(key, _)| !key.starts_with(&scan.prefix)))
            }
        };
        let mut page = Page::default();
        let mut bytes = 0;
        while let Some((key, value)) = found.next().filter(|(key, _)| key.starts_with(&scan.prefix)) {
            if page.entries.len() >= scan.limit as usize || bytes > key::MAX_PAGE_BYTES {
                page.cursor = page.entries.last().map(|last| key::cursor_after(space, scan, &last.key));
                break;
            }
            bytes += value.bytes.len();
            page.entries.push(entry((key, value)));
        }
        Ok(page)
    }

    async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
        let held = (tenant.to_owned(), name.to_owned());
        if !lock(&self.locks).insert(held.clone()) {
            return Ok(None);
        }
        Ok(Some(Guard::new(Locked { held, locks: Arc::clone(&self.locks) })))
    }
}

struct Locked {
    held: (String, String),
    locks: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        lock(&self.locks).remove(&self.held);
    }
}

fn holds(values: &BTreeMap<String, Value>, write: &Write) -> bool {
    let found = values.get(&write.key);
    match &write.condition {
        Condition::Any => true,
        Condition::Absent => found.is_none(),
        Condition::Revision(wanted) => found.is_some_and(|value| value.revision.to_string() == *wanted),
    }
}

fn entry((key, value): (&String, &Value)) -> Entry {
    Entry { key: key.clone(), value: value.bytes.clone(), revision: value.revision.to_string() }
}

/// A panic elsewhere cannot leave these half changed, so a poisoned mutex is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{Subject, conformance};
    use super::*;

    impl Subject for MemoryStore {
        fn handle(&self) -> Arc<dyn Store> {
            Arc::new(self.clone())
        }
    }

    conformance!(MemoryStore::new());
}
