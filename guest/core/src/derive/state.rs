//! What the spans leave a worker at, and how punches that UKG has not totalled yet carry on from there.

use chrono::{DateTime, Duration, Utc};

use super::clock::Moment;
use super::timeline::{Clocked, Shift, Span, Timeline, is_own};
use crate::timecard::Override;

/// What a worker is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Working, by punches.
    Work,
    /// In a shift that needs no punches.
    Shift,
    /// Between two spans of a shift.
    Break,
    /// Out.
    Out,
    /// Nothing is known.
    Nothing,
}

/// What a worker is at, since when, and in which shift.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub at: At,
    /// Since when; none for `Nothing`.
    pub since: Option<Moment>,
    /// The start of the shift, or of the run of work where UKG has no shift yet: what `max-shift-hours` counts from.
    pub began: Option<Moment>,
    /// In a shift that UKG shows in progress.
    pub inside: bool,
}

/// The state that the totalled shifts leave (rows 1, 2, 3, 6 and 7 of design §5), and the shift it comes from.
pub(super) fn totalled<'a>(timeline: &'a Timeline<'_>) -> (State, Option<&'a Shift>) {
    // Of several in progress the last to begin: the others are forgotten out punches.
    if let Some(shift) = timeline.shifts.iter().rev().find(|shift| shift.in_progress) {
        return (in_progress(shift, timeline), Some(shift));
    }
    let last = timeline.shifts.iter().max_by_key(|shift| shift.last_moment().at);
    let state = match last {
        Some(shift) => State { at: At::Out, since: Some(shift.last_moment()), began: Some(shift.start), inside: false },
        None => State { at: At::Nothing, since: None, began: None, inside: false },
    };
    (state, last)
}

fn in_progress(shift: &Shift, timeline: &Timeline<'_>) -> State {
    let (at, since) = match shift.spans.last() {
        None => (At::Shift, shift.start),
        Some(span) if span.closed => (At::Break, span.end.unwrap_or(span.start)),
        Some(span) => (At::Work, run_start(span.start, timeline)),
    };
    State { at, since: Some(since), began: Some(shift.start), inside: true }
}

/// The start of the unbroken run of work that the span beginning at `start` is the last of: a transfer ends one span and
/// begins the next at the same moment.
fn run_start(start: Moment, timeline: &Timeline<'_>) -> Moment {
    let mut spans: Vec<_> = timeline.shifts.iter().flat_map(ends).filter(|(span, _)| span.start.at < start.at).collect();
    spans.sort_by_key(|(span, _)| span.start.at);
    spans.iter().rev().fold(start, |run, (span, end)| match end {
        Some(end) if end.at >= run.at => span.start,
        _ => run,
    })
}

/// The punches later than anything the spans account for, in order.
pub(super) fn untotalled<'a>(timeline: &'a Timeline<'_>) -> impl Iterator<Item = &'a Clocked> {
    let accounted = timeline.shifts.iter().filter_map(|shift| accounted_until(shift, &timeline.punches)).max();
    let totalled: Vec<i64> = spans(timeline).flat_map(|span| [span.start_punch, span.end_punch]).flatten().filter(is_own).collect();
    timeline
        .punches
        .iter()
        .filter(move |punch| !totalled.contains(&punch.id) && accounted.is_none_or(|accounted| (punch.at.at, punch.id) > accounted))
}

fn spans<'a>(timeline: &'a Timeline<'_>) -> impl Iterator<Item = &'a Span> {
    timeline.shifts.iter().flat_map(|shift| &shift.spans)
}

/// The spans of a shift with their ends. What an open span shows as its end is a projection, also once it has gone by.
pub(super) fn ends(shift: &Shift) -> impl Iterator<Item = (&Span, Option<Moment>)> {
    let last = shift.spans.len().checked_sub(1);
    shift.spans.iter().enumerate().map(move |(at, span)| {
        let open = shift.in_progress && Some(at) == last && !span.closed;
        (span, span.end.filter(|_| !open))
    })
}

/// The last instant a shift accounts for, and the punch there. Where UKG names no punch, says no id of it, or lists it under
/// another, any punch of that instant is it: else the punch that ended a shift would count once more, and flip it open.
fn accounted_until(shift: &Shift, punches: &[Clocked]) -> Option<(DateTime<Utc>, i64)> {
    let is_listed = |id: &i64| is_own(id) && punches.iter().any(|punch| punch.id == *id);
    let which = |punch: Option<i64>| punch.filter(is_listed).unwrap_or(i64::MAX);
    let of_spans = ends(shift).flat_map(|(span, end)| {
        let start = (span.start.at, which(span.start_punch));
        [Some(start), end.map(|end| (end.at, which(span.end_punch)))]
    });
    let of_shift = shift.spans.is_empty().then(|| (shift.end.filter(|_| !shift.in_progress).unwrap_or(shift.start).at, i64::MAX));
    of_spans.chain([of_shift]).flatten().max()
}

/// How a punch was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    In,
    Out,
    Return,
    NewShift,
    Transfer,
}

impl Read {
    pub const fn word(self) -> &'static str {
        match self {
            Read::In => "in",
            Read::Out => "out",
            Read::Return => "the return from a break",
            Read::NewShift => "in, to a new shift",
            Read::Transfer => "a transfer",
        }
    }
}

impl State {
    fn is_working(self) -> bool {
        matches!(self.at, At::Work | At::Shift)
    }

    /// How the next punch is to be read: what it was said to be, else a transfer, else the other way round.
    pub fn read(self, punch: &Clocked) -> Read {
        match &punch.kind {
            Some(Override::In) => Read::In,
            Some(Override::Out) => Read::Out,
            Some(Override::NewShift) => Read::NewShift,
            Some(Override::Break(_)) => Read::Return,
            None if punch.transfer => Read::Transfer,
            None if self.is_working() => Read::Out,
            None => Read::In,
        }
    }

    /// The state after a punch at `at`, read so. `max_break` tells a late return from a new shift.
    pub fn after(self, read: Read, at: Moment, max_break: Duration) -> State {
        let work = |began: Option<Moment>, inside: bool| State { at: At::Work, since: Some(at), began: began.or(Some(at)), inside };
        match (read, self.at) {
            (Read::NewShift, _) => work(None, false),
            // The break lies before the punch, even if its own out punch is missing.
            (Read::Return, At::Work | At::Shift | At::Break) => work(self.began, self.inside),
            (Read::Return, At::Out) if self.since.is_some_and(|out| at.at - out.at <= max_break) => work(self.began, false),
            (Read::In | Read::Transfer, At::Work | At::Shift) => self,
            // A transfer keeps the state (design §5, row 5), so a break goes on until a punch that ends it or a total that says so.
            (Read::Transfer, At::Break) => self,
            (Read::In, At::Break) => work(self.began, self.inside),
            (Read::In | Read::Transfer | Read::Return, At::Out | At::Nothing) => work(None, false),
            (Read::Out, At::Work | At::Shift) => State { at: if self.inside { At::Break } else { At::Out }, since: Some(at), ..self },
            (Read::Out, At::Nothing) => State { at: At::Out, since: Some(at), began: None, inside: false },
            // Out already: one more out punch must not lengthen a break or a grace.
            (Read::Out, At::Break | At::Out) => self,
        }
    }
}
