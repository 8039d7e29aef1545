//! What a time card holds that is no evidence, and how that is told.

use std::fmt::Write as _;

use chrono::NaiveDateTime;

use super::clock::{Clock, Moment, moment};
use crate::record::Evidence;
use crate::timecard::{Punch, WorkedShift, WorkedSpan, ZoneRef};
use crate::zone::Prefer;

/// Local times told of each kind.
const TIMES: usize = 3;

/// Why something is left out, in the order of telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A punch that the system made.
    System,
    /// A punch made from the schedule.
    Schedule,
    /// A punch that is yet to come.
    Ahead,
    /// An earlier version of an edited punch.
    Edited,
    /// A shift made from the schedule.
    ScheduledShift,
    /// A shift or a span that is projected or yet to come.
    Planned,
}

impl Kind {
    /// For one and for several, with the word that stands before the times.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Kind::System => ("punch that the system made and not the worker", "punches that the system made and not the worker", "at"),
            Kind::Schedule => ("punch made from the schedule", "punches made from the schedule", "at"),
            Kind::Ahead => ("punch more than 5 min ahead of the reading", "punches more than 5 min ahead of the reading", "at"),
            Kind::Edited => {
                ("earlier version of a punch that was edited since", "earlier versions of punches that were edited since", "at")
            }
            Kind::ScheduledShift => ("shift made from the schedule", "shifts made from the schedule", "from"),
            Kind::Planned => ("shift or span of work that is only planned", "shifts or spans of work that are only planned", "from"),
        }
    }

    /// Whether the first of them are nearest to the reading, and not the last.
    const fn lies_ahead(self) -> bool {
        matches!(self, Kind::Ahead | Kind::Planned)
    }
}

/// Something that is left out. Its moment is worked out when it is told of, which most are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left<'a> {
    kind: Kind,
    local: NaiveDateTime,
    zone: &'a ZoneRef,
    id: i64,
    /// In the second pass of a doubled hour.
    second: bool,
}

impl<'a> Left<'a> {
    pub fn punch(kind: Kind, punch: &'a Punch) -> Self {
        Self { kind, local: punch.at, zone: &punch.zone, id: punch.id, second: false }
    }

    /// A punch that is yet to come, at the moment it was found to be of.
    pub fn ahead(punch: &'a Punch, at: Moment) -> Self {
        let second = moment(punch.at, at.tz, Prefer::Earliest) != at;
        Self { second, ..Self::punch(Kind::Ahead, punch) }
    }

    pub fn shift(kind: Kind, shift: &'a WorkedShift) -> Self {
        Self { kind, local: shift.start, zone: &shift.start_zone, id: shift.id, second: false }
    }

    /// A span of `shift`, whose zone counts where the span has none of its own.
    pub fn span(span: &'a WorkedSpan, shift: &'a WorkedShift) -> Self {
        let own = span.start_zone != ZoneRef::default();
        let zone = if own { &span.start_zone } else { &shift.start_zone };
        Self { kind: Kind::Planned, local: span.start, zone, id: shift.id, second: false }
    }

    fn moment(&self, clock: &Clock<'_>) -> Result<Moment, NaiveDateTime> {
        let prefer = if self.second { Prefer::Latest } else { Prefer::Earliest };
        clock.zone_if_known(self.zone).map(|tz| moment(self.local, tz, prefer)).ok_or(self.local)
    }
}

/// A sentence for each kind that something was left out of. Neither the order of `left` nor what stands in it twice matters.
pub(super) fn sentences(left: &[Left<'_>], clock: &Clock<'_>) -> Vec<Evidence> {
    let mut left = left.to_vec();
    left.sort_unstable();
    left.dedup();
    left.chunk_by(|one, next| one.kind == next.kind).filter_map(|of_kind| sentence(of_kind, clock)).collect()
}

fn sentence(left: &[Left<'_>], clock: &Clock<'_>) -> Option<Evidence> {
    let kind = left.first()?.kind;
    let shown = if kind.lies_ahead() { left.get(..TIMES) } else { left.get(left.len().saturating_sub(TIMES)..) }.unwrap_or(left);
    let (one, several, lead) = kind.words();
    let which = match (left.len() > TIMES, kind.lies_ahead()) {
        (false, _) => "",
        (true, true) => "the first three ",
        (true, false) => "the last three ",
    };
    let times = times(&shown.iter().map(|left| left.moment(clock)).collect::<Vec<_>>());
    let what = format!("Left out: {} {}, {which}{lead} {times}.", left.len(), if left.len() == 1 { one } else { several });
    let at = if left.len() == 1 { left.first()?.moment(clock).ok().map(|moment| moment.at) } else { None };
    Some(Evidence { at, what })
}

/// A list of times in which each zone is named once, at its last time.
fn times(times: &[Result<Moment, NaiveDateTime>]) -> String {
    let mut text = String::new();
    for (index, time) in times.iter().enumerate() {
        let later = times.get(index + 1..).unwrap_or_default();
        text.push_str(match later.len() {
            _ if index == 0 => "",
            0 => " and ",
            _ => ", ",
        });
        // Writing to a text cannot fail.
        let _ = match time {
            Ok(moment) if later.iter().flatten().any(|other| other.tz == moment.tz) => write!(text, "{}", moment.short()),
            Ok(moment) => write!(text, "{moment}"),
            Err(local) => write!(text, "{} in a zone that is not known", local.format("%Y-%m-%d %H:%M")),
        };
    }
    text
}
