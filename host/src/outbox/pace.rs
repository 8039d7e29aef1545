//! How often one address is written to, and how long is waited after a failure. Pure: time is an argument.
//!
//! The first three mails of a minute go out at once. What comes then waits for the end of the minute, and goes out as one
//! mail; from then on one mail a minute goes out for as long as there is more than one to tell of at its end.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::history::instant;

/// So many mails go out by themselves in a minute.
const ALONE: u32 = 3;
/// How long a minute is.
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// The wait after the first try that failed; it doubles with each.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(5);
/// The longest wait.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(5);

/// What one address was sent in the minute in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Minute {
    #[serde(with = "instant")]
    start: DateTime<Utc>,
    sent: u32,
}

/// Whose turn it is at one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The oldest goes out by itself.
    Alone,
    /// All go out as one.
    Together,
    /// Nobody's before this moment.
    Wait(DateTime<Utc>),
}

impl Minute {
    /// Whose turn it is among those that wait: so many, the oldest since then.
    pub(super) fn turn(minute: Option<Self>, waiting: usize, oldest: DateTime<Utc>, now: DateTime<Utc>) -> Turn {
        match minute.filter(|minute| minute.start <= now) {
            Some(minute) if minute.is_on(now) && minute.sent >= ALONE => Turn::Wait(minute.end()),
            // They were held back, or the server was slow: either way they have come in one minute with others.
            Some(minute) if !minute.is_on(now) && oldest <= minute.end() && waiting > 1 => Turn::Together,
            _ => Turn::Alone,
        }
    }

    /// The minute after one more went out by itself, begun at this moment.
    pub(super) fn after_one(minute: Option<Self>, now: DateTime<Utc>) -> Self {
        match minute {
            Some(minute) if minute.is_on(now) => Self { sent: minute.sent.saturating_add(1), ..minute },
            _ => Self { start: now, sent: 1 },
        }
    }

    /// The minute after many went out as one, begun at this moment: whatever comes next may be the rest of them.
    pub(super) fn after_many(now: DateTime<Utc>) -> Self {
        Self { start: now, sent: ALONE }
    }

    /// Whether it still counts. A minute that lies ahead comes from a clock that was wrong.
    pub(super) fn is_on(self, now: DateTime<Utc>) -> bool {
        self.start <= now && now < self.end()
    }

    fn end(self) -> DateTime<Utc> {
        self.start + MINUTE
    }
}

/// How long to wait after so many failures in a row.
pub(super) fn wait(failures: u32) -> TimeDelta {
    let doubled = 1_i32.checked_shl(failures.saturating_sub(1).min(16)).unwrap_or(i32::MAX);
    (FIRST_WAIT * doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
    }

    /// When what goes out of mails that come at these seconds: `1` for one by itself, a larger number for so many as one.
    fn sent(coming: &[i64]) -> Vec<(i64, usize)> {
        let (mut minute, mut waiting, mut sent) = (None, Vec::new(), Vec::new());
        for second in 0..400 {
            waiting.extend(coming.iter().filter(|come| **come == second).map(|come| at(*come)));
            while let Some(oldest) = waiting.first().copied() {
                match Minute::turn(minute, waiting.len(), oldest, at(second)) {
                    Turn::Wait(until) => {
                        assert!(until > at(second));
                        break;
                    }
                    Turn::Alone => {
                        waiting.remove(0);
                        minute = Some(Minute::after_one(minute, at(second)));
                        sent.push((second, 1));
                    }
                    Turn::Together => {
                        sent.push((second, waiting.len()));
                        waiting.clear();
                        minute = Some(Minute::after_many(at(second)));
                    }
                }
            }
        }
        sent
    }

    #[test]
    fn three_go_at_once_and_the_rest_of_the_minute_as_one() {
        assert_eq!(sent(&[5]), [(5, 1)]);
        assert_eq!(sent(&[0, 1, 2]), [(0, 1), (1, 1), (2, 1)]);
        assert_eq!(sent(&[0; 30]), [(0, 1), (0, 1), (0, 1), (60, 27)]);
        assert_eq!(sent(&[0, 0, 0, 30, 59]), [(0, 1), (0, 1), (0, 1), (60, 2)]);
        assert_eq!(sent(&[0, 0, 0, 30]), [(0, 1), (0, 1), (0, 1), (60, 1)], "one that waits alone goes alone");
    }

    #[test]
    fn a_storm_that_goes_on_is_one_mail_a_minute_and_a_quiet_minute_ends_it() {
        let storm: Vec<i64> = (0..180).collect();
        assert_eq!(sent(&storm), [(0, 1), (1, 1), (2, 1), (60, 58), (120, 60), (180, 59)]);
        assert_eq!(sent(&[0, 0, 0, 0, 0, 130]), [(0, 1), (0, 1), (0, 1), (60, 2), (130, 1)]);
    }

    #[test]
    fn a_server_that_is_slow_makes_no_more_mails_of_it() {
        let first = Minute::after_one(None, at(0));
        let second = Minute::after_one(Some(first), at(40));
        assert_eq!(Minute::turn(Some(second), 28, at(0), at(80)), Turn::Together);
        assert_eq!(Minute::turn(Some(second), 2, at(70), at(80)), Turn::Alone, "these came later");
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nobody_waiting() {
        assert_eq!(Minute::turn(Some(Minute::after_many(at(3_600))), 5, at(0), at(0)), Turn::Alone);
    }

    #[test]
    fn the_wait_grows_from_five_seconds_to_five_minutes() {
        let waits: Vec<_> = [1, 2, 3, 6, 7, 8, 1_000].into_iter().map(|failures| wait(failures).num_seconds()).collect();
        assert_eq!(waits, [5, 10, 20, 160, 300, 300, 300]);
    }
}
