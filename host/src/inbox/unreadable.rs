//! What could not be read of a list lies with the dead letters at once: no plugin is ever asked about it.
//!
//! It is remembered as events are, so the same list sent again makes no second letter of it.

use std::collections::{BTreeMap, HashSet};

use super::envelope::Unreadable;
use super::queue::Waiting;
use super::{Shared, dead_letters, seen};
use crate::store::{Outcome, StoreError, Write};

/// Events of a commit: each takes a few writes.
const TOGETHER: usize = 200;

/// What became of what could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Buried {
    /// So many are dead letters now.
    pub(crate) letters: u64,
    /// So many came before.
    pub(crate) duplicates: u64,
}

/// Makes dead letters of these events. When this returns they outlive the process.
pub(super) async fn bury(shared: &Shared, events: Vec<Unreadable>) -> Result<Buried, StoreError> {
    let all = events.len() as u64;
    let mut letters = 0;
    let mut fresh: BTreeMap<String, Unreadable> = events.into_iter().map(|event| (seen::name(&event.id), event)).collect();
    while !fresh.is_empty() {
        let part: Vec<_> = std::iter::from_fn(|| fresh.pop_first()).take(TOGETHER).collect();
        letters += commit(shared, part).await?;
    }
    shared.numbers.dealt_with(0, letters);
    Ok(Buried { letters, duplicates: all.saturating_sub(letters) })
}

/// Commits some of them, without those that came before; gives how many are new.
async fn commit(shared: &Shared, mut events: Vec<(String, Unreadable)>) -> Result<u64, StoreError> {
    let now = shared.clock.now();
    while !events.is_empty() {
        let mut writes: Vec<Write> = seen::writes(events.iter().map(|(name, _)| &**name), now).collect();
        for (_, Unreadable { id, body, reason }) in &events {
            let event = Waiting::new(id.clone(), String::from_utf8_lossy(body).into_owned(), now);
            writes.extend(dead_letters::put(&event, None, reason, now)?);
        }
        match shared.queue.store.commit(&shared.queue.space, writes).await? {
            Outcome::Committed => return Ok(events.len() as u64),
            Outcome::Conflict(keys) => {
                let known: HashSet<&str> = keys.iter().filter_map(|key| seen::name_of(key)).collect();
                let before = events.len();
                events.retain(|(name, _)| !known.contains(&**name));
                if events.len() == before {
                    return Err(StoreError::Other(format!("a commit was refused for {}", keys.join(", "))));
                }
            }
        }
    }
    Ok(0)
}
