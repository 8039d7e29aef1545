use chrono::SecondsFormat;

use super::*;
use crate::settings::Settings;
use crate::timecard::{Override, Punch, WorkedShift, WorkedSpan, ZoneRef};
use crate::zone::Zones;

mod evidence;
mod left_out;
mod rows;
mod zones;

const NY: &str = "America/New_York";

/// A zone reference by IANA name.
fn zone(name: &str) -> ZoneRef {
    ZoneRef { id: None, qualifier: Some(name.into()), name: None }
}

/// Local times are `DDThh:mm` of November 2026 or whole.
fn local(text: &str) -> chrono::NaiveDateTime {
    let whole = if text.len() == 8 { format!("2026-11-{text}:00") } else { format!("{text}:00") };
    whole.parse().unwrap()
}

fn punch(id: i64, at: &str) -> Punch {
    Punch { id, at: local(at), zone: zone(NY), kind: None, transfer: false, phantom: false, scheduled: false, entered: None }
}

fn marked(id: i64, at: &str, kind: Override) -> Punch {
    Punch { kind: Some(kind), ..punch(id, at) }
}

fn transfer(id: i64, at: &str) -> Punch {
    Punch { transfer: true, ..punch(id, at) }
}

fn closed(start: &str, end: &str, punches: (i64, i64)) -> WorkedSpan {
    WorkedSpan { end: Some(local(end)), end_punch: Some(punches.1), ..open(start, punches.0) }
}

fn open(start: &str, start_punch: i64) -> WorkedSpan {
    WorkedSpan {
        start: local(start),
        start_zone: zone(NY),
        end: None,
        end_zone: ZoneRef::default(),
        start_punch: Some(start_punch),
        end_punch: None,
        projected: false,
    }
}

fn shift(id: i64, start: &str, in_progress: bool, spans: Vec<WorkedSpan>) -> WorkedShift {
    WorkedShift {
        id,
        start: local(start),
        start_zone: zone(NY),
        end: spans.iter().filter_map(|span| span.end).max().filter(|_| !in_progress),
        end_zone: ZoneRef::default(),
        in_progress,
        projected: false,
        from_schedule: false,
        spans,
    }
}

fn card(punches: Vec<Punch>, shifts: Vec<WorkedShift>) -> Timecard {
    Timecard { punches, shifts }
}

/// `now` is local to New York.
fn at(card: &Timecard, now: &str) -> Derivation {
    let now = crate::zone::instant(local(now), chrono_tz::America::New_York, crate::zone::Prefer::Latest);
    derive(card, None, &Zones::default(), &Settings::defaults(), now)
}

/// Status, reason and since, the last local to New York.
fn said_of(found: &Derivation) -> String {
    let since = found.since.map(|since| since.with_timezone(&chrono_tz::America::New_York).format(" %dT%H:%M").to_string());
    format!("{} {}{}", found.status, found.reason, since.unwrap_or_default())
}

#[track_caller]
fn expect(card: &Timecard, now: &str, wanted: &str) {
    let found = at(card, now);
    assert_eq!(said_of(&found), wanted, "{:#?}", found.evidence);
}
