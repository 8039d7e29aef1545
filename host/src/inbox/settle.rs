//! From verdicts to writes: what is taken out of the queue, what is put back and until when, and what is given up.
//!
//! It reads no clock and stores nothing, so it can be tested by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::dead_letters;
use super::minute::Tally;
use super::queue::{self, Measure, SEGMENT, Segment, Waiting};
use super::trial::Verdict;
use crate::history::Warning;
use crate::store::{StoreError, Write};

/// The longest delay.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How long an event over which the plugin failed waits the first time.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// How often the plugin may fail over an event alone.
const MOST_FAILURES: u32 = 3;

/// The numbers of the catalogue for what a plugin says no code of: that it failed, and that it had too little time.
const FAILED: &str = "50";
const OUT_OF_TIME: &str = "51";

/// Writes of a commit at most; the store allows a few more.
const COMMIT: usize = 1_900;

/// What is to be stored in one commit, and what it means.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    pub(super) writes: Vec<Write>,
    pub(super) tally: Tally,
    pub(super) warnings: Vec<Warning>,
    /// Events that leave the queue, and those of them that become dead letters.
    pub(super) gone: u64,
    pub(super) dead: u64,
}

/// Where an event that waits on is put: what has the same place goes into one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    delay: Duration,
    /// Events of a segment; where it is less than usual, the segment stands apart.
    together: usize,
}

/// What is the same for every event.
pub(super) struct Terms<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) give_up: Duration,
    /// What the listener's codes begin with.
    pub(super) prefix: &'a str,
}

/// Takes segments with the verdicts about their events apart into commits of a good size.
pub(super) fn commits(segments: Vec<Segment>, verdicts: Vec<Verdict>) -> Vec<Vec<(Segment, Vec<Verdict>)>> {
    let (mut commits, mut size) = (Vec::<Vec<_>>::new(), 0);
    let mut verdicts = verdicts.into_iter();
    for segment in segments {
        let own: Vec<_> = verdicts.by_ref().take(segment.events.len()).collect();
        let more = writes_of(&own);
        match commits.last_mut() {
            Some(last) if size + more <= COMMIT => {
                size += more;
                last.push((segment, own));
            }
            _ => {
                size = more;
                commits.push(vec![(segment, own)]);
            }
        }
    }
    commits
}

/// The writes that settling a segment takes at most: its removal, and two for each event that is put elsewhere.
fn writes_of(verdicts: &[Verdict]) -> usize {
    2 + 2 * verdicts.iter().filter(|verdict| **verdict != Verdict::Done).count()
}

/// What one commit is to store.
pub(super) fn settle(judged: Vec<(Segment, Vec<Verdict>)>, terms: &Terms<'_>) -> Result<Settlement, StoreError> {
    let mut settlement = Settlement::default();
    let mut places: BTreeMap<Place, Vec<Waiting>> = BTreeMap::new();
    for (segment, verdicts) in judged {
        settlement.writes.extend(segment.removal());
        for (event, verdict) in segment.events.into_iter().zip(verdicts) {
            if let Some((place, event)) = settlement.judge(event, verdict, terms)? {
                places.entry(place).or_default().push(event);
            }
        }
    }
    for (place, events) in places {
        for segment in segments(events, place.together) {
            let due = terms.now + delta(jittered(place.delay, &segment));
            settlement.writes.extend(queue::put(&segment, due, place.together < SEGMENT.events)?);
        }
    }
    Ok(settlement)
}

impl Settlement {
    /// Where the event waits on, if it does.
    fn judge(&mut self, mut event: Waiting, verdict: Verdict, terms: &Terms<'_>) -> Result<Option<(Place, Waiting)>, StoreError> {
        if let Verdict::Waits { together, after } = verdict {
            return Ok(Some((Place { delay: after, together }, event)));
        }
        event.attempts = event.attempts.saturating_add(1);
        event.failures += u32::from(matches!(verdict, Verdict::Blamed(_)));
        let too_old = (terms.now - event.since).to_std().is_ok_and(|age| age >= terms.give_up);
        let place = match verdict {
            Verdict::Done => {
                self.tally.done += 1;
                self.gone += 1;
                return Ok(None);
            }
            Verdict::Reject { code, message } => {
                let code = code.unwrap_or_else(|| format!("{}{FAILED}", terms.prefix));
                return self.give_up(&event, &code, &message, terms);
            }
            Verdict::Blamed(failure) if event.failures >= MOST_FAILURES || too_old => {
                return self.give_up(&event, &failure.code, &failure.message, terms);
            }
            Verdict::Late { failure, .. } if too_old => return self.give_up(&event, &failure.code, &failure.message, terms),
            Verdict::Retry(_) if too_old => {
                let message = format!("the plugin put it off {} times, until it was too old", event.attempts);
                return self.give_up(&event, &format!("{}{OUT_OF_TIME}", terms.prefix), &message, terms);
            }
            Verdict::Retry(after) => Place { delay: grown(after, event.attempts), together: SEGMENT.events },
            Verdict::Blamed(_) => Place { delay: grown(AFTER_FAILURE, event.failures), together: 1 },
            Verdict::Late { together, .. } => Place { delay: grown(AFTER_FAILURE, event.attempts), together },
            Verdict::Waits { together, after } => Place { delay: after, together },
        };
        self.tally.retried += 1;
        Ok(Some((place, event)))
    }

    fn give_up(&mut self, event: &Waiting, code: &str, message: &str, terms: &Terms<'_>) -> Result<Option<(Place, Waiting)>, StoreError> {
        self.writes.extend(dead_letters::put(event, Some(code), message, terms.now)?);
        self.warnings.push(Warning { code: code.to_owned(), message: message.to_owned(), subject: Some(event.id.clone()) });
        self.tally.rejected += 1;
        self.gone += 1;
        self.dead += 1;
        Ok(None)
    }
}

/// What the plugin asked for, doubled with each attempt after the first.
fn grown(asked: Duration, attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    asked.max(Duration::from_secs(1)).saturating_mul(doubled).min(LONGEST)
}

/// A little less, by the first event: what was put off together does not come back in one moment for every tenant.
fn jittered(delay: Duration, segment: &[Waiting]) -> Duration {
    let seed = segment.first().and_then(|event| Sha256::digest(&event.id).first().copied()).unwrap_or_default();
    delay.saturating_sub(delay / 10 * u32::from(seed) / 256)
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

fn segments(events: Vec<Waiting>, together: usize) -> Vec<Vec<Waiting>> {
    let most = Measure { events: together.clamp(1, SEGMENT.events), ..SEGMENT };
    let (mut segments, mut size) = (Vec::<Vec<Waiting>>::new(), Measure::default());
    for event in events {
        let with = size.plus(1, event.body.len());
        match segments.last_mut() {
            Some(last) if with.fits(most) => {
                size = with;
                last.push(event);
            }
            _ => {
                size = Measure::default().plus(1, event.body.len());
                segments.push(vec![event]);
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests;
