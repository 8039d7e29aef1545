//! The way from punches to a status, in the order a person asks: what Kronos held and how it was read, what was left out,
//! which rule decided, since when, and until when without news.
//!
//! Only what is kept is put into words: a card may hold forty punches, and a batch reads thousands of cards.

use super::clock::Moment;
use super::rule;
use super::state::{At, Read, State, ends};
use super::timeline::{Clocked, Shift, Span, Timeline};
use crate::record::Evidence;
use crate::settings::Settings;
use crate::status::Reason;
use crate::timecard::Override;

/// Sentences of evidence kept with a record. What was left out and what was concluded are nine at most, and always kept.
pub(super) const MOST: usize = 12;

/// A punch that UKG has not totalled yet, as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadPunch<'a> {
    pub punch: &'a Clocked,
    pub read: Read,
    pub before: State,
    /// Whether anything is different after it.
    pub changes: bool,
}

/// What a status was concluded from.
pub(super) struct Story<'a> {
    pub timeline: &'a Timeline<'a>,
    /// The shift that counts.
    pub shift: Option<&'a Shift>,
    pub punches: &'a [ReadPunch<'a>],
    /// The state in the end.
    pub state: State,
    pub reason: Reason,
    pub since: Option<Moment>,
    pub settings: &'a Settings,
}

impl Story<'_> {
    /// The whole way, at most [`MOST`] sentences.
    pub fn tell(&self, left_out: Vec<Evidence>) -> Vec<Evidence> {
        let by = self.punches.iter().rev().find(|punch| punch.changes).map(|punch| punch.read);
        let mut end = left_out;
        end.push(said(None, rule::sentence(self.reason, by, self.settings)));
        end.extend(self.since.map(|since| said(Some(since), self.since(since, by))));
        end.extend(self.limit());
        let mut told = self.held(MOST.saturating_sub(end.len()));
        told.append(&mut end);
        told
    }

    /// What Kronos held, in at most so many sentences: the shift, and what came last.
    fn held(&self, most: usize) -> Vec<Evidence> {
        let spans: Vec<_> = self.shift.into_iter().flat_map(ends).collect();
        let steps = spans.len() + self.punches.len();
        let step = |index: usize| match index.checked_sub(spans.len()) {
            Some(index) => self.punches.get(index).map(punch),
            None => span(&spans, index),
        };
        let head = self.shifts();
        let room = most.saturating_sub(head.iter().len());
        let dropped = if steps > room { steps + 1 - room } else { 0 };
        let more = (dropped > 0).then(|| said(None, format!("… and {dropped} more spans of work and punches before these.")));
        head.into_iter().chain(more).chain((dropped..steps).filter_map(step)).collect()
    }

    fn shifts(&self) -> Option<Evidence> {
        let Some(shift) = self.shift else {
            let what = "Kronos held punches, and no shift made of them yet.";
            return (!self.punches.is_empty()).then(|| said(None, what.to_owned()));
        };
        let (began, end) = (shift.start, shift.last_moment());
        let course = if shift.in_progress {
            format!("began at {began} and is in progress")
        } else {
            format!("began at {} and ended at {end}", began.before(end))
        };
        let all = self.timeline.shifts.len();
        let open = self.timeline.shifts.iter().filter(|other| other.in_progress).count();
        let what = match (all, open) {
            (1, _) => format!("Kronos held a shift that {course}."),
            (_, 2..) => format!("Kronos held {open} shifts in progress at once; the one that began last counts, at {began}."),
            _ => format!("Kronos held {all} shifts; the one that counts {course}."),
        };
        Some(said(Some(shift.start), what))
    }

    /// Since when, and why that moment.
    fn since(&self, since: Moment, by: Option<Read>) -> String {
        match self.reason {
            Reason::OpenTooLong => {
                let (began, hours) = (since.plus(-self.settings.max_shift), self.settings.max_shift.num_hours());
                format!("Off shift since {since}, which is {hours} h after the shift began at {}.", began.short())
            }
            Reason::ClockedIn if by.is_none() && self.is_run(since) => {
                format!("On shift since {since}, where the unbroken run of work began: a break ends a run, a transfer does not.")
            }
            Reason::ClockedIn if by.is_none() => format!("On shift since {since}, when that span of work began."),
            Reason::ClockedIn => format!("On shift since {since}, the moment of that punch."),
            Reason::ShiftInProgress => format!("On shift since {since}, when the shift began."),
            Reason::BetweenSpans => format!("On a break since {since}, when work was broken off."),
            Reason::BreakTooLong => format!("Off shift since {since}, when the break began."),
            _ if by.is_some() => format!("Off shift since {since}, the moment of that punch."),
            _ => format!("Off shift since {since}, when the last shift ended."),
        }
    }

    /// Whether the run of work that began at `since` is of several spans.
    fn is_run(&self, since: Moment) -> bool {
        self.shift.and_then(|shift| shift.spans.last()).is_some_and(|span| span.start.at != since.at)
    }

    /// When an open shift comes to count as forgotten, unless a break ends before.
    fn limit(&self) -> Option<Evidence> {
        let (began, hours) = (self.state.began?, self.settings.max_shift.num_hours());
        let limit = began.plus(self.settings.max_shift);
        let comes = match self.reason {
            Reason::ClockedIn | Reason::ShiftInProgress => true,
            Reason::BetweenSpans => self.since.is_some_and(|since| limit.at <= since.plus(self.settings.max_break).at),
            _ => false,
        };
        let what =
            || format!("Unless it ends before, the shift counts as forgotten after {limit}, {hours} h from its start (max-shift-hours).");
        comes.then(|| said(Some(limit), what()))
    }
}

fn span(spans: &[(&Span, Option<Moment>)], index: usize) -> Option<Evidence> {
    let (span, end) = spans.get(index)?;
    let next = spans.get(index + 1);
    Some(match *end {
        Some(end) if span.closed => said(Some(end), format!("Worked from {} to {end}.", span.start.before(end))),
        Some(end) if next.is_some_and(|(next, _)| next.start.at == end.at) => {
            said(Some(end), format!("Worked from {} to {end}, and on.", span.start.before(end)))
        }
        Some(end) => {
            said(Some(end), format!("Worked from {} to {end}, an end that Kronos shows without an out punch.", span.start.before(end)))
        }
        None => said(Some(span.start), format!("At work from {}, without an out punch.", span.start)),
    })
}

fn punch(step: &ReadPunch<'_>) -> Evidence {
    let ReadPunch { punch, read, changes, .. } = step;
    let nothing = if *changes { "" } else { "; nothing changes by it" };
    let what = format!("Punch at {}, in no shift yet: read as {}, {}{nothing}.", punch.at, read.word(), why(step));
    said(Some(punch.at), what)
}

/// Why a punch was read so.
fn why(step: &ReadPunch<'_>) -> String {
    let was = match step.before.at {
        At::Work | At::Shift => "the worker was in",
        At::Break => "the worker was on a break",
        At::Out => "the worker was out",
        At::Nothing => "no punch before it shows the worker in",
    };
    match (&step.punch.kind, step.read, step.before.at) {
        (Some(Override::In), ..) => "because it was marked In Punch".to_owned(),
        (Some(Override::Out), ..) => "because it was marked Out Punch".to_owned(),
        (Some(Override::NewShift), ..) => "because it was marked New Shift".to_owned(),
        (Some(Override::Break(rule)), ..) => format!("because the rule {rule} marks a return"),
        (None, Read::Transfer, At::Work | At::Shift) => "which keeps the worker in".to_owned(),
        (None, Read::Transfer, At::Break) => "which does not end the break".to_owned(),
        (None, Read::Transfer, At::Out | At::Nothing) => format!("which begins work, because {was}"),
        (None, ..) => format!("because {was}"),
    }
}

fn said(at: Option<Moment>, what: String) -> Evidence {
    Evidence { at: at.map(|moment| moment.at), what }
}
