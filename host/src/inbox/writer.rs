//! Stores what is posted: one commit for all that waits, so that what the disk takes for a commit is shared.
//!
//! Nobody is made to wait for company: while one group is committed the next comes together by itself.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use super::envelope::{Arrived, form};
use super::queue::{self, Measure, SEGMENT, Waiting};
use super::{NotTaken, Shared, Taken, seen};
use crate::store::{Outcome, StoreError, Write};

/// Events that are to be stored, and who waits for it.
pub(super) struct Post {
    pub(super) events: Vec<Arrived>,
    pub(super) answer: oneshot::Sender<Result<Taken, NotTaken>>,
}

/// An event of a group.
struct New {
    /// The number of its post in the group.
    post: usize,
    name: String,
    event: Waiting,
}

/// Stores what is posted until nobody posts any more.
pub(super) async fn write(shared: Arc<Shared>, mut posts: mpsc::Receiver<Post>) {
    while let Some(first) = posts.recv().await {
        let mut size = measure(&first);
        let mut group = vec![first];
        while size.fits(SEGMENT)
            && let Ok(post) = posts.try_recv()
        {
            let more = measure(&post);
            size = size.plus(more.events, more.bytes);
            group.push(post);
        }
        store(&shared, group).await;
    }
}

fn measure(post: &Post) -> Measure {
    Measure { events: post.events.len(), bytes: post.events.iter().map(|event| event.body.len()).sum() }
}

/// How long two events without an id and with the same content are one: a sender that repeats itself does so soon, and who is
/// at work for longer punches again.
const ALIKE_MINUTES: i64 = 10;

/// What an event is remembered by.
fn mark(id: &str, now: DateTime<Utc>) -> String {
    match form::is_made(id) {
        true => seen::name(&format!("{id} {}", now.timestamp().div_euclid(ALIKE_MINUTES * 60))),
        false => seen::name(id),
    }
}

/// Stores a group and answers everybody in it: all of them well, or none. Who is told that it failed posts again, and then
/// what was stored all the same is a duplicate.
async fn store(shared: &Shared, group: Vec<Post>) {
    let now = shared.clock.now();
    let mut taken = vec![Taken::default(); group.len()];
    let mut answers = Vec::with_capacity(group.len());
    let (mut new, mut names) = (Vec::new(), HashSet::new());
    for (post, Post { events, answer }) in group.into_iter().enumerate() {
        answers.push(answer);
        for Arrived { id, body } in events {
            let name = mark(&id, now);
            if names.insert(name.clone()) {
                // An envelope is JSON, and so always text.
                let body = String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                new.push(New { post, name, event: Waiting::new(id, body, now) });
            } else if let Some(taken) = taken.get_mut(post) {
                taken.duplicates += 1;
            }
        }
    }
    drop(names);
    let stored = commit_all(shared, new, now, &mut taken).await;
    if let Err(error) = &stored {
        tracing::error!(tenant = shared.queue.space.tenant(), %error, "events were not stored");
    }
    let stored = stored.map_err(Arc::new);
    for (taken, answer) in taken.into_iter().zip(answers) {
        // Who has gone away posts again.
        let _ = answer.send(stored.clone().map(|()| taken).map_err(NotTaken::Store));
    }
}

/// Commits segment by segment, of which most groups make one.
async fn commit_all(shared: &Shared, new: Vec<New>, now: DateTime<Utc>, taken: &mut [Taken]) -> Result<(), StoreError> {
    let mut accepted = 0;
    let stored = async {
        for segment in segments(new) {
            accepted += commit(shared, segment, now, taken).await?;
        }
        Ok(())
    };
    let stored = stored.await;
    if accepted > 0 {
        shared.arrived.notify_one();
    }
    let duplicates = taken.iter().map(|taken| taken.duplicates).sum();
    shared.numbers.took_in(accepted, duplicates, now);
    stored
}

fn segments(new: Vec<New>) -> Vec<Vec<New>> {
    let (mut segments, mut size) = (Vec::<Vec<New>>::new(), Measure::default());
    for new in new {
        let with = size.plus(1, new.event.body.len());
        match segments.last_mut() {
            Some(last) if with.fits(SEGMENT) => {
                size = with;
                last.push(new);
            }
            _ => {
                size = Measure::default().plus(1, new.event.body.len());
                segments.push(vec![new]);
            }
        }
    }
    segments
}

/// Commits one segment without what was seen before; gives the number of events stored.
async fn commit(shared: &Shared, mut segment: Vec<New>, now: DateTime<Utc>, taken: &mut [Taken]) -> Result<u64, StoreError> {
    while !segment.is_empty() {
        let mut writes: Vec<Write> = seen::writes(segment.iter().map(|new| &*new.name), now).collect();
        writes.extend(queue::put(segment.iter().map(|new| &new.event), now, false)?);
        match shared.queue.store.commit(&shared.queue.space, writes).await? {
            Outcome::Committed => {
                count(&segment, taken, |taken| &mut taken.accepted);
                return Ok(segment.len() as u64);
            }
            Outcome::Conflict(keys) => {
                let known: HashSet<&str> = keys.iter().filter_map(|key| seen::name_of(key)).collect();
                let (duplicates, fresh): (Vec<_>, Vec<_>) = segment.into_iter().partition(|new| known.contains(&*new.name));
                if duplicates.is_empty() {
                    return Err(StoreError::Other(format!("a commit was refused for {}", keys.join(", "))));
                }
                count(&duplicates, taken, |taken| &mut taken.duplicates);
                segment = fresh;
            }
        }
    }
    Ok(0)
}

fn count(events: &[New], taken: &mut [Taken], of: impl Fn(&mut Taken) -> &mut u64) {
    for new in events {
        if let Some(taken) = taken.get_mut(new.post) {
            *of(taken) += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_an_id_is_told_from_one_that_is_alike_some_time_later() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let made = format!("sha256:{}", "0f".repeat(32));
        let (first, again, later) = (at("2026-11-20T12:01:00Z"), at("2026-11-20T12:09:59Z"), at("2026-11-20T12:11:00Z"));
        assert_eq!(mark(&made, first), mark(&made, again));
        assert_ne!(mark(&made, first), mark(&made, later));
        for own in ["e1", "sha256:e1"] {
            assert_eq!(mark(own, first), mark(own, later), "an id of its own is the same event for ever");
        }
    }
}
