//! Events that are not brought again by themselves: what the plugin rejected, what it failed over again and again, and what
//! it put off for too long. They lie until a person puts them back or discards them, or for as long as runs are kept.
//!
//! `dead/MOMENT-ID` tells of the letter, `dead-event/MOMENT-ID` holds the event. The id is short, so that it can be typed.

use std::sync::Arc;

use chrono::serde::ts_milliseconds;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::queue::{self, Waiting};
use crate::history::{KEPT, instant};
use crate::store::{Condition, Entry, MAX_SCAN, Outcome, Scan, Space, Store, StoreError, Write};

const LETTERS: &str = "dead/";
const EVENTS: &str = "dead-event/";

/// Letters of a page with their events, each of which may have a megabyte.
const MOST_WITH_EVENTS: u32 = 50;

/// Letters that are looked through at once for an id.
const LOOK: u32 = 1_000;

/// Bytes of an id, of which each is two letters.
const ID_BYTES: usize = 6;

/// The longest text that is kept of a reason, in characters.
const LONGEST: usize = 1_000;

/// A dead letter, exactly as `dead-letters --json` and the API print it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Its tenant.
    pub tenant: String,
    /// Its id, to be typed; its beginning is enough where no other begins so.
    pub id: String,
    /// The event's own id.
    pub event_id: String,
    /// The code of what went wrong, where there is one.
    #[schema(required)]
    pub code: Option<String>,
    /// What went wrong.
    pub message: String,
    /// When it was given up.
    #[serde(with = "instant")]
    #[schema(value_type = DateTime<Utc>)]
    pub at: DateTime<Utc>,
    /// When it arrived.
    #[serde(with = "instant")]
    #[schema(value_type = DateTime<Utc>)]
    pub arrived: DateTime<Utc>,
    /// How often it was brought to the plugin.
    pub attempts: u32,
    /// The event as CloudEvents JSON; null where it was not asked for.
    #[schema(required)]
    pub event: Option<Value>,
}

/// One page of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetterPage {
    /// The letters, newest first.
    pub items: Vec<DeadLetter>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// What an id leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One letter.
    One(Box<DeadLetter>),
    /// Several begin so.
    Several,
    /// None does.
    None,
}

/// What is kept of a letter.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    event_id: String,
    code: Option<String>,
    message: String,
    #[serde(with = "ts_milliseconds")]
    arrived: DateTime<Utc>,
    attempts: u32,
}

/// The dead letters of one tenant.
pub struct DeadLetters {
    store: Arc<dyn Store>,
    space: Space,
}

impl DeadLetters {
    /// Those of a tenant in this store.
    pub fn new(store: Arc<dyn Store>, tenant: &str) -> Self {
        Self { store, space: Space::host(tenant) }
    }

    /// A page, newest first; with their events it may have fewer than asked for although more follow.
    ///
    /// # Errors
    /// The store's; [`StoreError::Invalid`] for a cursor from elsewhere.
    pub async fn list(&self, cursor: Option<String>, limit: u32, with_events: bool) -> Result<DeadLetterPage, StoreError> {
        let limit = if with_events { limit.min(MOST_WITH_EVENTS) } else { limit };
        let page = self.store.scan(&self.space, &Scan::new(LETTERS, limit).from(cursor).descending()).await?;
        let mut items = page.entries.iter().map(|entry| self.letter(entry)).collect::<Result<Vec<_>, _>>()?;
        if with_events {
            let keys: Vec<_> = page.entries.iter().filter_map(|entry| event_key(&entry.key)).collect();
            for (letter, event) in items.iter_mut().zip(self.store.get(&self.space, &keys).await?) {
                letter.event = event.map(|event| value(&event.value));
            }
        }
        Ok(DeadLetterPage { items, next: page.cursor })
    }

    /// The letter whose id begins so, without its event.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, id: &str) -> Result<Found, StoreError> {
        Ok(match self.entry(id).await? {
            Some(Ok(entry)) => Found::One(Box::new(self.letter(&entry)?)),
            Some(Err(())) => Found::Several,
            None => Found::None,
        })
    }

    /// The letter whose id begins so, with its event.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(&self, id: &str) -> Result<Found, StoreError> {
        let entry = match self.entry(id).await? {
            Some(Ok(entry)) => entry,
            Some(Err(())) => return Ok(Found::Several),
            None => return Ok(Found::None),
        };
        let key = event_key(&entry.key).unwrap_or_default();
        let event = self.store.get(&self.space, &[key]).await?.into_iter().flatten().next();
        let letter = self.letter(&entry)?;
        Ok(Found::One(Box::new(DeadLetter { event: event.map(|event| value(&event.value)), ..letter })))
    }

    /// Puts a letter back into the queue, due now, as if it had just arrived. `None` where it is gone or not the only one.
    ///
    /// # Errors
    /// The store's.
    pub async fn replay(&self, id: &str, now: DateTime<Utc>) -> Result<Option<DeadLetter>, StoreError> {
        let Some(Ok(entry)) = self.entry(id).await? else { return Ok(None) };
        let letter = self.letter(&entry)?;
        let event_key = event_key(&entry.key).unwrap_or_default();
        let found = self.store.get(&self.space, std::slice::from_ref(&event_key)).await?;
        let body = found.into_iter().flatten().next().map(|event| event.value).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let event = Waiting { arrived: letter.arrived, ..Waiting::new(letter.event_id.clone(), body, now) };
        let mut writes = removal(entry).to_vec();
        writes.extend(queue::put(&[event], now, false)?);
        let outcome = self.store.commit(&self.space, writes).await?;
        Ok(Some(letter).filter(|_| outcome == Outcome::Committed))
    }

    /// Removes a letter for good; that its event came is remembered on, so it is not taken in again either. `None` where it is gone or not the only one.
    ///
    /// # Errors
    /// The store's.
    pub async fn discard(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        let Some(Ok(entry)) = self.entry(id).await? else { return Ok(None) };
        let letter = self.letter(&entry)?;
        let outcome = self.store.commit(&self.space, removal(entry).to_vec()).await?;
        Ok(Some(letter).filter(|_| outcome == Outcome::Committed))
    }

    /// How many there are.
    pub(super) async fn count(&self) -> Result<u64, StoreError> {
        let (mut count, mut cursor) = (0, None);
        loop {
            let page = self.store.scan(&self.space, &Scan::new(LETTERS, MAX_SCAN).from(cursor)).await?;
            count += page.entries.len() as u64;
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(count);
            }
        }
    }

    /// Removes some of what was kept long enough; false when nothing is left of it.
    pub(super) async fn prune(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let page = self.store.scan(&self.space, &Scan::new(LETTERS, LOOK)).await?;
        let old = page.entries.into_iter().take_while(|entry| moment(&entry.key).is_none_or(|at| now - at > KEPT));
        let writes: Vec<Write> = old.flat_map(removal).collect();
        if writes.is_empty() {
            return Ok(false);
        }
        self.store.commit(&self.space, writes).await.map(|_| true)
    }

    /// The entry whose id begins so; `Err` where several do.
    async fn entry(&self, id: &str) -> Result<Option<Result<Entry, ()>>, StoreError> {
        if id.is_empty() || id.len() > 2 * ID_BYTES {
            return Ok(None);
        }
        let (mut found, mut cursor) = (None, None);
        loop {
            let page = self.store.scan(&self.space, &Scan::new(LETTERS, LOOK).from(cursor).descending()).await?;
            for entry in page.entries {
                if short(&entry.key).is_some_and(|known| known.starts_with(id)) && found.replace(entry).is_some() {
                    return Ok(Some(Err(())));
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found.map(Ok));
            }
        }
    }

    fn letter(&self, entry: &Entry) -> Result<DeadLetter, StoreError> {
        let damaged = |error: serde_json::Error| StoreError::Other(format!("could not read {}: {error}", entry.key));
        let kept: Kept = serde_json::from_slice(&entry.value).map_err(damaged)?;
        Ok(DeadLetter {
            tenant: self.space.tenant().to_owned(),
            id: short(&entry.key).unwrap_or_default().to_owned(),
            event_id: kept.event_id,
            code: kept.code,
            message: kept.message,
            at: moment(&entry.key).unwrap_or_default(),
            arrived: kept.arrived.trunc_subsecs(3),
            attempts: kept.attempts,
            event: None,
        })
    }
}

/// The writes that make a dead letter of an event.
pub(super) fn put(event: &Waiting, code: Option<&str>, message: &str, now: DateTime<Utc>) -> Result<[Write; 2], StoreError> {
    let kept = Kept {
        event_id: event.id.clone(),
        code: code.map(clipped),
        message: clipped(message),
        arrived: event.arrived,
        attempts: event.attempts,
    };
    let kept = serde_json::to_vec(&kept).map_err(|error| StoreError::Other(format!("a dead letter cannot be written: {error}")))?;
    // Of the event and its arrival: one that dies again keeps its id.
    let digest = Sha256::digest(format!("{}\n{}", event.id, event.arrived.timestamp_millis()));
    let id: String = digest.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let place = format!("{:014}-{id}", super::millis(now));
    Ok([Write::put(format!("{LETTERS}{place}"), kept), Write::put(format!("{EVENTS}{place}"), event.body.as_bytes())])
}

fn removal(entry: Entry) -> [Write; 2] {
    let event = event_key(&entry.key).unwrap_or_default();
    [Write::remove(entry.key).when(Condition::Revision(entry.revision)), Write::remove(event)]
}

fn event_key(key: &str) -> Option<String> {
    key.strip_prefix(LETTERS).map(|place| format!("{EVENTS}{place}"))
}

fn short(key: &str) -> Option<&str> {
    key.rsplit_once('-').map(|(_, id)| id)
}

fn moment(key: &str) -> Option<DateTime<Utc>> {
    let (moment, _) = key.strip_prefix(LETTERS)?.split_once('-')?;
    DateTime::from_timestamp_millis(moment.parse().ok()?)
}

/// What is no JSON after all is shown as text.
fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn clipped(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
