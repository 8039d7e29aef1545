//! A store over another one: what is written stays in memory and is thrown away, what is read is the other's with that on top.
//!
//! For trying what a plugin would do. Nothing that is done here reaches the store below.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Condition, Entry, Guard, MemoryStore, Order, Outcome, Page, Scan, Space, Store, StoreError, Write, key};

/// See the module.
pub(crate) struct Overlay {
    below: Arc<dyn Store>,
    written: Mutex<Written>,
    /// Who locks here keeps nobody out below.
    locks: MemoryStore,
}

#[derive(Default)]
struct Written {
    /// A value, or that there is none any more.
    spaces: BTreeMap<Space, BTreeMap<String, Option<Entry>>>,
    revision: u64,
}

impl Overlay {
    pub(crate) fn over(below: Arc<dyn Store>) -> Self {
        Self { below, written: Mutex::default(), locks: MemoryStore::default() }
    }

    async fn merged(&self, written: &Written, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        let mut found = self.below.get(space, keys).await?;
        let own = written.spaces.get(space);
        for (key, place) in keys.iter().zip(&mut found) {
            if let Some(over) = own.and_then(|own| own.get(key)) {
                place.clone_from(over);
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Store for Overlay {
    async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.merged(&*self.written.lock().await, space, keys).await
    }

    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        key::check_commit(space, &writes)?;
        let mut written = self.written.lock().await;
        let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
        let found = self.merged(&written, space, &keys).await?;
        let lost: Vec<_> = writes.iter().zip(&found).filter(|(write, found)| !holds(&write.condition, found.as_ref())).collect();
        if !lost.is_empty() {
            return Ok(Outcome::Conflict(lost.into_iter().map(|(write, _)| write.key.clone()).collect()));
        }
        written.revision += 1;
        let revision = format!("over-{}", written.revision);
        let own = written.spaces.entry(space.clone()).or_default();
        for Write { key, value, .. } in writes {
            let entry = value.map(|value| Entry { key: key.clone(), value, revision: revision.clone() });
            own.insert(key, entry);
        }
        Ok(Outcome::Committed)
    }

    async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
        let written = self.written.lock().await;
        let nothing = BTreeMap::new();
        let own = written.spaces.get(space).unwrap_or(&nothing);
        let mut scan = scan.clone();
        loop {
            let after = key::check_scan(space, &scan)?;
            let page = self.below.scan(space, &scan).await?;
            // Of what was written, what lies where this page does.
            let last = page.cursor.as_ref().and_then(|_| page.entries.last().map(|entry| entry.key.clone()));
            let mut entries: BTreeMap<_, _> = page.entries.into_iter().map(|entry| (entry.key.clone(), Some(entry))).collect();
            entries.extend(within(own, &scan, after.as_deref(), last.as_deref()));
            let mut entries: Vec<_> = entries.into_values().flatten().collect();
            if scan.order == Order::Descending {
                entries.reverse();
            }
            let more = entries.len() > scan.limit as usize;
            entries.truncate(scan.limit as usize);
            let end = if more { entries.last().map(|entry| entry.key.clone()) } else { last };
            let cursor = end.map(|end| key::cursor_after(space, &scan, &end));
            if !entries.is_empty() || cursor.is_none() {
                return Ok(Page { entries, cursor });
            }
            scan.cursor = cursor;
        }
    }

    async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
        self.locks.try_lock(tenant, name).await
    }
}

/// What was written of a scan's keys after one, up to and with the last, in the scan's order.
fn within(own: &BTreeMap<String, Option<Entry>>, scan: &Scan, after: Option<&str>, last: Option<&str>) -> Vec<(String, Option<Entry>)> {
    let (after, last) = (after.map(Bound::Excluded), last.map(Bound::Included));
    let (from, to) = match scan.order {
        Order::Ascending => (after, last),
        Order::Descending => (last, after),
    };
    let above = |key: &str| match from {
        Some(Bound::Excluded(from)) => key > from,
        Some(Bound::Included(from)) => key >= from,
        _ => true,
    };
    let below = |key: &str| match to {
        Some(Bound::Excluded(to)) => key < to,
        Some(Bound::Included(to)) => key <= to,
        _ => true,
    };
    let wanted = own.iter().filter(|(key, _)| key.starts_with(&scan.prefix) && above(key) && below(key));
    wanted.map(|(key, entry)| (key.clone(), entry.clone())).collect()
}

fn holds(condition: &Condition, found: Option<&Entry>) -> bool {
    match condition {
        Condition::Any => true,
        Condition::Absent => found.is_none(),
        Condition::Revision(wanted) => found.is_some_and(|entry| entry.revision == *wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        Space::plugin("acme")
    }

    /// A store below with the keys of even numbers, and one over it that took out 2 and 4, wrote 6 anew, and 1, 5 and 9.
    async fn both() -> (MemoryStore, Overlay) {
        let below = MemoryStore::default();
        let even = (0..5).map(|number| Write::put(format!("k/{}", number * 2), b"below")).collect();
        below.commit(&space(), even).await.unwrap();
        let over = Overlay::over(Arc::new(below.clone()));
        let mut writes: Vec<_> = ["k/1", "k/5", "k/6", "k/9", "z"].map(|key| Write::put(key, b"over")).into();
        writes.extend(["k/2", "k/4"].map(Write::remove));
        assert_eq!(over.commit(&space(), writes).await.unwrap(), Outcome::Committed);
        (below, over)
    }

    #[tokio::test]
    async fn a_scan_shows_both_in_order_whatever_the_pages() {
        let (below, over) = both().await;
        for limit in [1, 2, 3, 100] {
            for order in [Order::Ascending, Order::Descending] {
                let (mut seen, mut cursor) = (Vec::new(), None);
                loop {
                    let scan = Scan { order, ..Scan::new("k/", limit).from(cursor) };
                    let page = over.scan(&space(), &scan).await.unwrap();
                    assert!(page.entries.len() <= limit as usize && (page.cursor.is_none() || !page.entries.is_empty()));
                    seen.extend(page.entries.into_iter().map(|entry| entry.key));
                    cursor = page.cursor;
                    if cursor.is_none() {
                        break;
                    }
                }
                let mut wanted = ["k/0", "k/1", "k/5", "k/6", "k/8", "k/9"];
                if order == Order::Descending {
                    wanted.reverse();
                }
                assert_eq!(seen, wanted, "{limit} {order:?}");
            }
        }
        let left = below.scan(&space(), &Scan::new("", 100)).await.unwrap().entries;
        assert!(left.len() == 5 && left.iter().all(|entry| entry.value == b"below"), "{left:?}");
    }

    #[tokio::test]
    async fn what_must_hold_of_a_key_is_asked_of_both() {
        let (_, over) = both().await;
        let keys = ["k/0", "k/2", "k/6"].map(str::to_owned);
        let found = over.get(&space(), &keys).await.unwrap();
        let value = |place: usize| found[place].as_ref().map(|entry: &Entry| entry.value.clone());
        assert_eq!([value(0), value(1), value(2)], [Some(b"below".to_vec()), None, Some(b"over".to_vec())]);
        let revision = |place: usize| Condition::Revision(found[place].as_ref().unwrap().revision.clone());
        let writes = vec![
            Write::put("k/0", b"x").when(revision(0)),
            Write::put("k/2", b"x").when(Condition::Absent),
            Write::put("k/6", b"x").when(revision(2)),
        ];
        assert_eq!(over.commit(&space(), writes.clone()).await.unwrap(), Outcome::Committed);
        assert_eq!(over.commit(&space(), writes).await.unwrap(), Outcome::Conflict(keys.to_vec()));
    }
}
