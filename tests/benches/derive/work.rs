//! What is timed: one worker with forty punches. Compiled into the benchmark and into the component alike.

use std::hint::black_box;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use shift_access_core::derive::derive;
use shift_access_core::settings::Settings;
use shift_access_core::timecard::{Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};
use shift_access_core::zone::Zones;

/// Days with a shift in the card: in, out to a meal, back, and out again on each.
const DAYS: u64 = 10;

/// Derives the status of the same worker so many times, and answers how many sentences of evidence there were in all, so that
/// no time is saved by not doing it.
pub fn derive_again(times: u32) -> u32 {
    let (card, zone, now) = (card(), eastern(), now());
    let (zones, settings) = (Zones::default(), Settings::defaults());
    (0..times)
        .map(|_| derive(black_box(&card), Some(&zone), &zones, &settings, now).evidence.len())
        .fold(0, |sum, sentences| sum.wrapping_add(u32::try_from(sentences).unwrap_or_default()))
}

fn now() -> DateTime<Utc> {
    "2026-11-20T22:00:00Z".parse().unwrap_or_default()
}

fn eastern() -> ZoneRef {
    ZoneRef { id: Some("13411".to_owned()), ..ZoneRef::named("(GMT -05:00) Eastern Time") }
}

/// Ten days of four punches. The last punch of today is not totalled yet.
fn card() -> Timecard {
    let mut card = Timecard::default();
    for day in 0..DAYS {
        let times = [480, 720, 750, 980].map(|minute| at(day, minute));
        let first = i64::try_from(day * 4).unwrap_or_default() + 1;
        card.punches.extend((first..).zip(times).map(|(id, at)| punch(id, at)));
        let [start, meal, back, end] = times;
        let today = day + 1 == DAYS;
        let last = if today { span(back, None, first + 2) } else { span(back, Some(end), first + 2) };
        card.shifts.push(WorkedShift {
            id: first,
            start,
            start_zone: eastern(),
            end: (!today).then_some(end),
            end_zone: eastern(),
            in_progress: today,
            projected: false,
            from_schedule: false,
            spans: vec![span(start, Some(meal), first), last],
        });
    }
    card
}

fn at(day: u64, minute: i64) -> NaiveDateTime {
    let first = NaiveDate::from_ymd_opt(2026, 11, 11).unwrap_or_default();
    (first + chrono::Days::new(day)).and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(minute)
}

fn punch(id: i64, at: NaiveDateTime) -> Punch {
    Punch { id, at, zone: eastern(), kind: None, transfer: false, phantom: false, scheduled: false, entered: Some(at) }
}

fn span(start: NaiveDateTime, end: Option<NaiveDateTime>, punch: i64) -> WorkedSpan {
    WorkedSpan {
        start,
        start_zone: eastern(),
        end,
        end_zone: eastern(),
        start_punch: Some(punch),
        end_punch: end.map(|_| punch + 1),
        projected: false,
    }
}
