//! What waits, in the order in which it is due.
//!
//! Events wait in segments: those of one commit together. `inbox/DUE/SEGMENT` is a segment's slip, with its number of events
//! and their size, so that who looks at the queue reads little and knows what would fit into a call; the key begins with the
//! millisecond when it is due. `inbox-events/SEGMENT` holds the events. Whoever has dealt with a segment removes both, on
//! condition that the slip is still the one that was read.

use std::sync::Arc;

use chrono::serde::ts_milliseconds;
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::store::{Condition, Scan, Space, Store, StoreError, Write};

const SLIPS: &str = "inbox/";
const EVENTS: &str = "inbox-events/";

/// Events of a segment at most, and their bytes.
pub(super) const SEGMENT: Measure = Measure { events: 500, bytes: 4 << 20 };
/// Events of a call at most, and their bytes.
pub(super) const CALL: Measure = Measure { events: 16_000, bytes: 8 << 20 };

/// Segments of a call at most: each takes two removals of the commit that follows.
const CALL_SEGMENTS: usize = 700;

/// Slips that are read at once.
const LOOK: u32 = 1_000;

/// Nothing is put off for longer than this. What is due later than that was written by a clock that was wrong.
const FARTHEST: TimeDelta = TimeDelta::minutes(20);

/// A number of events and of their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Measure {
    pub(super) fn plus(self, events: usize, bytes: usize) -> Self {
        Self { events: self.events + events, bytes: self.bytes + bytes }
    }

    pub(super) fn fits(self, into: Self) -> bool {
        self.events <= into.events && self.bytes <= into.bytes
    }
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) id: String,
    /// CloudEvents JSON. It stands in its segment as it is.
    #[serde(serialize_with = "raw", deserialize_with = "as_it_is")]
    pub(super) body: String,
    #[serde(with = "ts_milliseconds")]
    pub(super) arrived: DateTime<Utc>,
    /// Since when it is tried: when it arrived, or was taken back from the dead letters.
    #[serde(with = "ts_milliseconds")]
    pub(super) since: DateTime<Utc>,
    /// How often it was brought.
    pub(super) attempts: u32,
    /// How often the plugin failed over it alone.
    pub(super) failures: u32,
}

impl Waiting {
    pub(super) fn new(id: String, body: String, now: DateTime<Utc>) -> Self {
        Self { id, body, arrived: now, since: now, attempts: 0, failures: 0 }
    }
}

/// What is told of a segment before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Slip {
    events: usize,
    bytes: usize,
    #[serde(with = "ts_milliseconds")]
    oldest: DateTime<Utc>,
    /// Whether it is brought in a call of its own: the plugin failed over a call it was part of.
    apart: bool,
}

/// A segment that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    key: String,
    revision: String,
    segment: String,
    pub(super) at: DateTime<Utc>,
    slip: Slip,
}

/// What stands first in the queue.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub(super) due: Vec<Due>,
    /// When the next is due that is not yet.
    pub(super) next: Option<DateTime<Utc>>,
}

/// What goes into one call.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) due: Vec<Due>,
    pub(super) size: Measure,
    /// Nothing more would fit, or be let in.
    pub(super) full: bool,
}

impl Front {
    /// When the oldest of what is due arrived.
    pub(super) fn oldest(&self) -> Option<DateTime<Utc>> {
        self.due.iter().map(|due| due.slip.oldest).min()
    }

    /// What is to be brought first: a segment that stands apart, or all that may go together.
    pub(super) fn batch(self) -> Batch {
        let mut batch = Batch::default();
        let alone = self.due.first().is_some_and(|first| first.slip.apart);
        for due in self.due {
            let size = batch.size.plus(due.slip.events, due.slip.bytes);
            let first = batch.due.is_empty();
            if !first && (alone || !size.fits(CALL) || batch.due.len() >= CALL_SEGMENTS) {
                batch.full = true;
                break;
            }
            if first || !due.slip.apart {
                batch.size = size;
                batch.due.push(due);
            }
        }
        batch.full |= alone || batch.size.events >= CALL.events || batch.size.bytes >= CALL.bytes;
        batch
    }
}

/// A segment that is open.
#[derive(Debug)]
pub(super) struct Segment {
    due: Due,
    pub(super) events: Vec<Waiting>,
}

impl Segment {
    /// The writes that take it out of the queue, which fail where it is not there any more.
    pub(super) fn removal(&self) -> [Write; 2] {
        let slip = Write::remove(&*self.due.key).when(Condition::Revision(self.due.revision.clone()));
        [slip, Write::remove(format!("{EVENTS}{}", self.due.segment))]
    }
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) events: u64,
    pub(super) oldest: Option<DateTime<Utc>>,
}

/// The queue of one tenant.
pub(super) struct Queue {
    pub(super) store: Arc<dyn Store>,
    pub(super) space: Space,
}

impl Queue {
    /// What stands first.
    pub(super) async fn look(&self, now: DateTime<Utc>) -> Result<Front, StoreError> {
        let page = self.store.scan(&self.space, &Scan::new(SLIPS, LOOK)).await?;
        let mut front = Front::default();
        for entry in page.entries {
            let Some((at, segment)) = place(&entry.key) else { continue };
            if at > now && at - now <= FARTHEST {
                front.next = Some(front.next.map_or(at, |next| next.min(at)));
                continue;
            }
            // A slip that cannot be read leads to its segment all the same.
            let damaged = |_| Slip { events: 1, bytes: 0, oldest: now, apart: true };
            let slip = serde_json::from_slice(&entry.value).unwrap_or_else(damaged);
            front.due.push(Due { segment: segment.to_owned(), key: entry.key, revision: entry.revision, at, slip });
        }
        Ok(front)
    }

    /// Opens segments. One that cannot be read is told apart, with what it holds.
    pub(super) async fn open(&self, due: Vec<Due>) -> Result<(Vec<Segment>, Vec<(Segment, Vec<u8>)>), StoreError> {
        let keys: Vec<_> = due.iter().map(|due| format!("{EVENTS}{}", due.segment)).collect();
        let found = self.store.get(&self.space, &keys).await?;
        let (mut open, mut damaged) = (Vec::with_capacity(due.len()), Vec::new());
        for (due, entry) in due.into_iter().zip(found) {
            let value = entry.map(|entry| entry.value).unwrap_or_default();
            match serde_json::from_slice(&value) {
                Ok(events) => open.push(Segment { due, events }),
                Err(_) => damaged.push((Segment { due, events: Vec::new() }, value)),
            }
        }
        Ok((open, damaged))
    }

    /// How much waits; reads every slip.
    pub(super) async fn census(&self) -> Result<Census, StoreError> {
        let (mut census, mut cursor) = (Census::default(), None);
        loop {
            let page = self.store.scan(&self.space, &Scan::new(SLIPS, crate::store::MAX_SCAN).from(cursor)).await?;
            for slip in page.entries.iter().filter_map(|entry| serde_json::from_slice::<Slip>(&entry.value).ok()) {
                census.events += slip.events as u64;
                census.oldest = Some(census.oldest.map_or(slip.oldest, |oldest| oldest.min(slip.oldest)));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(census);
            }
        }
    }
}

/// The writes that put a segment into the queue. The events must be of one segment's size.
pub(super) fn put<'a>(events: impl IntoIterator<Item = &'a Waiting>, due: DateTime<Utc>, apart: bool) -> Result<[Write; 2], StoreError> {
    let events: Vec<&Waiting> = events.into_iter().collect();
    let oldest = events.iter().map(|event| event.arrived).min().unwrap_or(due);
    let slip = Slip { events: events.len(), bytes: events.iter().map(|event| event.body.len()).sum(), oldest, apart };
    let segment = Uuid::now_v7().simple().to_string();
    let failed = |error: serde_json::Error| StoreError::Other(format!("events cannot be written: {error}"));
    let key = format!("{SLIPS}{:014}/{segment}", super::millis(due));
    let events = serde_json::to_vec(&events).map_err(failed)?;
    let slip = Write::put(key, serde_json::to_vec(&slip).map_err(failed)?);
    Ok([slip, Write::put(format!("{EVENTS}{segment}"), events)].map(|write| write.when(Condition::Absent)))
}

/// A body as it is, not quoted once more; what is damaged is quoted.
fn raw<S: Serializer>(body: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<&RawValue>(body) {
        Ok(document) if document.get().starts_with('{') => document.serialize(serializer),
        _ => serializer.serialize_str(body),
    }
}

/// Reads both.
fn as_it_is<'de, D: Deserializer<'de>>(body: D) -> Result<String, D::Error> {
    let body = <&RawValue>::deserialize(body)?.get();
    if body.starts_with('"') { serde_json::from_str(body).map_err(D::Error::custom) } else { Ok(body.to_owned()) }
}

/// When a slip is due, and its segment.
fn place(key: &str) -> Option<(DateTime<Utc>, &str)> {
    let (due, segment) = key.strip_prefix(SLIPS)?.split_once('/')?;
    Some((DateTime::from_timestamp_millis(due.parse().ok()?)?, segment))
}

#[cfg(test)]
mod tests;
