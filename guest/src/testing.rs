//! The platform's storage, in memory, with the promises and limits of wit/storage.wit that a commit can break; and a record
//! to store in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, TimeDelta};
use shift_access_core::record::{Record, Source};
use shift_access_core::status::{Reason, SourceKind, Status};

/// Takes the place of the import.
pub mod storage {
    pub use crate::bindings::shift_access::plugin::storage::{Condition, Entry, Error, Outcome, Page, Write};

    use super::{Map, STORE};

    /// The values of these keys.
    pub async fn get(keys: Vec<String>) -> Result<Vec<Option<Entry>>, Error> {
        assert!(keys.len() <= 2_000);
        super::turn().await;
        Ok(STORE.with_borrow(|(map, _)| keys.iter().map(|key| super::entry(map, key)).collect()))
    }

    /// All writes or none.
    pub async fn commit(writes: Vec<Write>) -> Result<Outcome, Error> {
        super::turn().await;
        Ok(STORE.with_borrow_mut(|(map, revision)| super::apply(map, revision, writes)))
    }

    /// A page.
    pub async fn scan(prefix: String, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        super::turn().await;
        let after = cursor.unwrap_or_default();
        let of = |map: &Map| -> Vec<Entry> {
            let keys = map.keys().filter(|key| key.starts_with(&prefix) && **key > after);
            keys.filter_map(|key| super::entry(map, key)).take(limit as usize + 1).collect()
        };
        let mut entries = STORE.with_borrow(|(map, _)| of(map));
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let cursor = entries.last().filter(|_| more).map(|entry| entry.key.clone());
        Ok(Page { entries, cursor })
    }
}

type Map = BTreeMap<String, (Vec<u8>, u64)>;

thread_local! {
    static STORE: RefCell<(Map, u64)> = RefCell::default();
}

/// Waits for work that waits for nothing but this storage.
pub fn wait<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}

/// Lets another task go first, as a call of the platform does.
async fn turn() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn entry(map: &Map, key: &str) -> Option<storage::Entry> {
    map.get(key).map(|(value, revision)| storage::Entry { key: key.to_owned(), value: value.clone(), revision: revision.to_string() })
}

fn apply(map: &mut Map, revision: &mut u64, writes: Vec<storage::Write>) -> storage::Outcome {
    assert!(writes.len() <= 2_000, "{} writes", writes.len());
    let keys: BTreeSet<&str> = writes.iter().map(|write| write.key.as_str()).collect();
    assert_eq!(keys.len(), writes.len(), "a key twice in one commit");
    let holds = |write: &storage::Write| match &write.condition {
        storage::Condition::Any => true,
        storage::Condition::Absent => !map.contains_key(&write.key),
        storage::Condition::Revision(wanted) => map.get(&write.key).is_some_and(|(_, revision)| revision.to_string() == *wanted),
    };
    let lost: Vec<String> = writes.iter().filter(|write| !holds(write)).map(|write| write.key.clone()).collect();
    if !lost.is_empty() {
        return storage::Outcome::Conflict(lost);
    }
    *revision += 1;
    for write in writes {
        match write.value {
            Some(value) => drop(map.insert(write.key, (value, *revision))),
            None => drop(map.remove(&write.key)),
        }
    }
    storage::Outcome::Committed
}

/// The keys under a prefix.
pub fn keys(prefix: &str) -> Vec<String> {
    STORE.with_borrow(|(map, _)| map.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
}

/// How many commits there were.
pub fn commits() -> u64 {
    STORE.with_borrow(|(_, revision)| *revision)
}

/// A record of somebody at work.
pub fn record() -> Record {
    Record {
        user: "ADiaz".into(),
        person_number: Some("0042".into()),
        status: Status::OnShift,
        reason: Reason::ClockedIn,
        since: DateTime::from_timestamp_millis(1_700_000_000_000),
        zone: None,
        observed_at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_060_000),
        source: Source { run: None, kind: SourceKind::Batch },
        evidence: vec![],
    }
}
