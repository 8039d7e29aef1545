//! From a time card to what happened when: nothing left in it that is no evidence, nothing twice, all of it in instants and
//! in order. What this makes does not depend on the order of the card.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::clock::{Clock, Moment, moment};
use super::left_out::{Kind, Left};
use crate::record::AHEAD;
use crate::timecard::{Override, Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};
use crate::zone::{Prefer, is_doubled};

/// A punch that counts.
#[derive(Debug, Clone)]
pub(super) struct Clocked {
    pub id: i64,
    pub at: Moment,
    pub kind: Option<Override>,
    pub transfer: bool,
    local: NaiveDateTime,
}

/// A span that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub start: Moment,
    /// The end that UKG shows, unless it is yet to come.
    pub end: Option<Moment>,
    /// The end is a punch of the worker. A span without is open, even if it shows an end.
    pub closed: bool,
    pub start_punch: Option<i64>,
    pub end_punch: Option<i64>,
}

/// A shift that counts, with its spans in order.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    id: i64,
    pub start: Moment,
    pub end: Option<Moment>,
    pub in_progress: bool,
    pub spans: Vec<Span>,
}

impl Shift {
    /// When it was last seen going on: the end of its last span as a rule.
    pub fn last_moment(&self) -> Moment {
        let spans = self.spans.iter().map(|span| span.end.unwrap_or(span.start)).max_by_key(|moment| moment.at);
        spans.or(self.end).unwrap_or(self.start)
    }
}

/// What happened, in order.
#[derive(Debug, Clone)]
pub(super) struct Timeline<'a> {
    pub shifts: Vec<Shift>,
    pub punches: Vec<Clocked>,
    /// What is no evidence, in no order.
    pub left_out: Vec<Left<'a>>,
}

/// The timeline of a card at `now`, or the name of a zone that nothing translates.
pub(super) fn timeline<'a>(card: &'a Timecard, clock: &mut Clock<'_>, now: DateTime<Utc>) -> Result<Timeline<'a>, String> {
    let until = now + AHEAD;
    let mut left = Vec::new();
    let all = last_versions(&card.punches, &mut left);
    // A punch without an id of its own says nothing about the spans that name none: they end, which refuses at worst.
    let system: BTreeSet<i64> = all.iter().filter(|punch| is_of_system(punch)).map(|punch| punch.id).filter(|id| *id > 0).collect();
    let mut punches = Vec::new();
    for punch in all {
        if is_of_system(punch) {
            left.push(Left::punch(if punch.phantom { Kind::System } else { Kind::Schedule }, punch));
            continue;
        }
        let at = moment(punch.at, clock.zone(&[&punch.zone])?, Prefer::Earliest);
        punches.push((Clocked { id: punch.id, at, kind: punch.kind.clone(), transfer: punch.transfer, local: punch.at }, punch));
    }
    unfold(&mut punches, clock)?;
    let by_id: BTreeMap<i64, (NaiveDateTime, Moment)> = punches.iter().map(|(punch, _)| (punch.id, (punch.local, punch.at))).collect();
    let mut reader = Reader { by_id, system: &system, until, left };
    let mut shifts = Vec::new();
    for shift in shifts_once(&card.shifts) {
        shifts.extend(reader.shift(shift, clock)?);
    }
    let mut left = reader.left;
    left.extend(card.shifts.iter().filter_map(planned));
    shifts.sort_by_key(|shift| (shift.start.at, shift.id));
    punches.retain(|(read, punch)| {
        let past = read.at.at <= until;
        if !past {
            left.push(Left::ahead(punch, read.at));
        }
        past
    });
    let mut punches: Vec<Clocked> = punches.into_iter().map(|(punch, _)| punch).collect();
    punches.sort_by_key(|punch| (punch.at.at, punch.id));
    Ok(Timeline { shifts: join_divided(shifts), punches, left_out: left })
}

/// Whether this is the id of one punch: zero and below stand for one without (see [`Punch::id`]).
pub(super) fn is_own(id: &i64) -> bool {
    *id > 0
}

fn is_of_system(punch: &Punch) -> bool {
    punch.phantom || punch.scheduled
}

/// Every punch once. An edited punch keeps its id, and the version entered last counts (facts/ukg-pro-wfm.md §3.4). A
/// punch without an id of its own is told apart by all it says.
fn last_versions<'a>(punches: &'a [Punch], left: &mut Vec<Left<'a>>) -> Vec<&'a Punch> {
    let mut sorted: Vec<&Punch> = punches.iter().collect();
    sorted.sort_by_key(|punch| (punch.id, punch.entered, *punch));
    let mut versions: Vec<&Punch> = Vec::new();
    for punch in sorted {
        match versions.last_mut() {
            Some(last) if last.id == punch.id && (is_own(&punch.id) || *last == punch) => {
                if !says_the_same(last, punch) {
                    left.push(Left::punch(Kind::Edited, last));
                }
                *last = punch;
            }
            _ => versions.push(punch),
        }
    }
    versions
}

/// Whether two versions of a punch differ in nothing but when they were entered.
fn says_the_same(one: &Punch, other: &Punch) -> bool {
    let said = |punch: &'_ Punch| (punch.at, punch.transfer, punch.phantom, punch.scheduled);
    said(one) == said(other) && one.kind == other.kind && one.zone == other.zone
}

/// A shift that is left out whatever the time is.
fn planned(shift: &WorkedShift) -> Option<Left<'_>> {
    let kind = if shift.from_schedule { Kind::ScheduledShift } else { Kind::Planned };
    (shift.from_schedule || shift.projected).then(|| Left::shift(kind, shift))
}

/// Every shift that counts once. Of two versions the one that knows more counts.
fn shifts_once(shifts: &[WorkedShift]) -> Vec<&WorkedShift> {
    let known = |shift: &WorkedShift| (shift.spans.len(), shift.spans.iter().filter(|span| span.end_punch.is_some()).count());
    let mut sorted: Vec<&WorkedShift> = shifts.iter().filter(|shift| !shift.projected && !shift.from_schedule).collect();
    sorted.sort_by_key(|shift| (shift.id, shift.start, known(shift), !shift.in_progress, *shift));
    let mut once: Vec<&WorkedShift> = Vec::new();
    for shift in sorted {
        match once.last_mut() {
            Some(last) if (last.id, last.start) == (shift.id, shift.start) => *last = shift,
            _ => once.push(shift),
        }
    }
    once
}

/// Puts punches of a doubled hour into its second pass, where their ids say so: of two punches the one with the higher id
/// is later, so once the local time steps back, all that follow are after the change (facts/ukg-pro-wfm.md §6).
fn unfold(punches: &mut [(Clocked, &Punch)], clock: &mut Clock<'_>) -> Result<(), String> {
    // By zone and day: the last local time seen, and whether the second pass has begun. Punches come in order of id.
    let mut passes: BTreeMap<(&'static str, NaiveDate), (NaiveDateTime, bool)> = BTreeMap::new();
    for (punch, source) in punches {
        let tz = clock.zone(&[&source.zone])?;
        if is_doubled(punch.local, tz) {
            let (last, second) = passes.entry((tz.name(), punch.local.date())).or_insert((punch.local, false));
            *second |= punch.local < *last;
            *last = punch.local;
            if *second {
                punch.at = moment(punch.local, tz, Prefer::Latest);
            }
        }
    }
    Ok(())
}

/// Reads shifts and spans, with the punches they point to at hand.
struct Reader<'a, 's> {
    by_id: BTreeMap<i64, (NaiveDateTime, Moment)>,
    system: &'s BTreeSet<i64>,
    until: DateTime<Utc>,
    left: Vec<Left<'a>>,
}

impl<'a> Reader<'a, '_> {
    /// None where the shift is yet to come.
    fn shift(&mut self, shift: &'a WorkedShift, clock: &mut Clock<'_>) -> Result<Option<Shift>, String> {
        let start_tz = clock.zone(&[&shift.start_zone])?;
        let mut start = moment(shift.start, start_tz, Prefer::Earliest);
        let mut spans = Vec::new();
        let left_before = self.left.len();
        for span in &shift.spans {
            let read = if span.projected { None } else { self.span(span, &shift.start_zone, clock)? };
            match read {
                Some(read) => spans.push((span.start, read)),
                None => self.left.push(Left::span(span, shift)),
            }
        }
        spans.sort_by_key(|(_, span)| {
            (span.start.at, span.end.map_or(DateTime::<Utc>::MAX_UTC, |end| end.at), span.start_punch, span.end_punch)
        });
        spans.dedup_by_key(|(_, span)| (span.start.at, span.end.map(|end| end.at), span.start_punch, span.end_punch));
        // In a doubled hour the first span knows better which pass it was.
        if let Some((_, first)) = spans.first().filter(|(local, _)| *local == shift.start) {
            start = first.start;
        }
        let end = match shift.end {
            Some(local) => Some(not_before(start, local, clock.zone(&[&shift.end_zone, &shift.start_zone])?)),
            None => None,
        };
        let spans = spans.into_iter().map(|(_, span)| span).collect();
        let read = Shift { id: shift.id, start, end: end.filter(|end| self.is_past(*end)), in_progress: shift.in_progress, spans };
        if !self.is_past(start) {
            self.left.truncate(left_before);
            self.left.push(Left::shift(Kind::Planned, shift));
            return Ok(None);
        }
        Ok(Some(read))
    }

    /// None where the span is yet to come.
    fn span(&self, span: &WorkedSpan, shift_zone: &ZoneRef, clock: &mut Clock<'_>) -> Result<Option<Span>, String> {
        let start_tz = clock.zone(&[&span.start_zone, shift_zone])?;
        let start = self.punched(span.start_punch, Some(span.start)).unwrap_or_else(|| moment(span.start, start_tz, Prefer::Earliest));
        let end_tz = clock.zone(&[&span.end_zone, &span.start_zone, shift_zone])?;
        let end = self.punched(span.end_punch, span.end).or_else(|| span.end.map(|local| not_before(start, local, end_tz)));
        // An end that is yet to come, of a punch that has been made, is rounded forward.
        let made = || self.made(span.end_punch).map(|made| made.at_least(start));
        let end = end.filter(|end| self.is_past(*end)).or_else(made);
        let punched = span.end_punch.is_some_and(|id| !self.system.contains(&id));
        let read =
            Span { start, end, closed: punched && end.is_some(), start_punch: self.by_worker(span.start_punch), end_punch: span.end_punch };
        Ok(self.is_past(start).then_some(read))
    }

    fn is_past(&self, moment: Moment) -> bool {
        moment.at <= self.until
    }

    fn by_worker(&self, punch: Option<i64>) -> Option<i64> {
        punch.filter(|id| !self.system.contains(id))
    }

    /// The moment of a punch with an id of its own, if it is not yet to come.
    fn made(&self, punch: Option<i64>) -> Option<Moment> {
        let (_, moment) = self.by_id.get(&punch.filter(is_own)?)?;
        Some(*moment).filter(|moment| self.is_past(*moment))
    }

    /// The moment of the punch that a span points to, unless the span shows another local time for it.
    fn punched(&self, punch: Option<i64>, local: Option<NaiveDateTime>) -> Option<Moment> {
        let (at, moment) = self.by_id.get(&punch?)?;
        local.is_none_or(|local| local == *at).then_some(*moment)
    }
}

/// The moment of an end: in a doubled hour the pass that lies after the start; never before the start.
fn not_before(start: Moment, local: NaiveDateTime, tz: chrono_tz::Tz) -> Moment {
    let first = moment(local, tz, Prefer::Earliest);
    let end = if first.at < start.at { moment(local, tz, Prefer::Latest) } else { first };
    end.at_least(start)
}

/// Joins the parts of a shift that was divided at midnight: the next part begins at the very moment the last ended, and
/// they have one id, or no worker's punch stands at the seam.
fn join_divided(shifts: Vec<Shift>) -> Vec<Shift> {
    let mut joined: Vec<Shift> = Vec::new();
    for next in shifts {
        match joined.last_mut() {
            Some(last) if is_continued(last, &next) => {
                last.end = next.end;
                last.in_progress = next.in_progress;
                last.spans.extend(next.spans);
            }
            _ => joined.push(next),
        }
    }
    joined
}

fn is_continued(last: &Shift, next: &Shift) -> bool {
    let seam = last.last_moment().at == next.start.at && last.start.at < next.start.at;
    let out = last.spans.last().is_some_and(|span| span.closed);
    let punched_in = next.spans.first().is_some_and(|span| span.start_punch.is_some());
    seam && (last.id == next.id || !(out || punched_in))
}
