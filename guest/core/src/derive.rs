//! From punches to a status (design §5).
//!
//! The card becomes a timeline of instants; the shifts that UKG has totalled leave a state; punches that it has not
//! totalled yet carry on from there; limits are held against `now` at the end. A limit is passed once it is exceeded:
//! a break of exactly `max-break-minutes` is still a break.

use chrono::{DateTime, Duration, Utc};

use crate::record::{Evidence, Record};
use crate::settings::Settings;
use crate::status::{Reason, Status};
use crate::timecard::{Timecard, ZoneRef};
use crate::zone::Zones;

mod clock;
mod state;
#[cfg(test)]
mod tests;
mod timeline;

use clock::{Clock, Moment};
use state::{At, State, totalled, untotalled};
use timeline::{Shift, Timeline, timeline};

/// Sentences of evidence kept with a record.
const EVIDENCE: usize = 8;

/// What the punches and shifts of one person come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// The status.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// The way to it.
    pub evidence: Vec<Evidence>,
    /// A zone that nothing translates, which makes the status unknown.
    pub unknown_zone: Option<String>,
    /// A zone that only `default-time-zone` covers.
    pub default_zone: Option<String>,
    /// A shift has been open for longer than `max-shift-hours`.
    pub open_too_long: bool,
}

/// The status at `now` that a time card shows. `person_zone` is the person's own time zone.
pub fn derive(card: &Timecard, person_zone: Option<&ZoneRef>, zones: &Zones, settings: &Settings, now: DateTime<Utc>) -> Derivation {
    let mut clock = Clock::new(zones, person_zone);
    let timeline = match timeline(card, &mut clock, now) {
        Ok(timeline) => timeline,
        Err(zone) => return zone_unknown(zone, clock.default_zone()),
    };
    let (mut state, shift) = totalled(&timeline);
    let mut evidence = shift.map(of_shift).unwrap_or_default();
    for punch in untotalled(&timeline) {
        let read = state.read(punch);
        state = state.after(read, punch.at, settings.max_break);
        evidence.push(said(Some(punch.at), format!("Punch at {}, not totalled yet: read as {}.", punch.at, read.word())));
    }
    let (status, reason, since) = judge(state, settings, now);
    evidence.extend(conclusion(reason, since, settings));
    evidence.extend(left_out(&timeline));
    Derivation {
        status,
        reason,
        since: since.map(|since| since.at),
        evidence: capped(evidence),
        unknown_zone: None,
        default_zone: clock.default_zone(),
        open_too_long: reason == Reason::OpenTooLong,
    }
}

/// The status that the on-premise flag shows. The flag has no moment of its own, so it holds since it was first observed.
pub fn derive_on_premise(flag: bool, previous: Option<&Record>, now: DateTime<Utc>) -> Derivation {
    let (status, reason) = if flag { (Status::OnShift, Reason::OnPremise) } else { (Status::OffShift, Reason::NotOnPremise) };
    let since = previous.filter(|record| record.reason == reason).and_then(|record| record.since).unwrap_or(now);
    let what = if flag { "The on-premise flag is true." } else { "The on-premise flag is false." };
    let evidence = vec![Evidence { at: Some(since), what: what.to_owned() }];
    Derivation { status, reason, since: Some(since), evidence, unknown_zone: None, default_zone: None, open_too_long: false }
}

/// Holds the limits against now.
fn judge(state: State, settings: &Settings, now: DateTime<Utc>) -> (Status, Reason, Option<Moment>) {
    let exceeds = |moment: Option<Moment>, limit: Duration| moment.is_some_and(|moment| now - moment.at > limit);
    let open = matches!(state.at, At::Work | At::Shift | At::Break);
    if open && exceeds(state.began, settings.max_shift) {
        let since = state.began.map(|began| began.plus(settings.max_shift));
        return (Status::OffShift, Reason::OpenTooLong, since);
    }
    let (status, reason) = match state.at {
        At::Work => (Status::OnShift, Reason::ClockedIn),
        At::Shift => (Status::OnShift, Reason::ShiftInProgress),
        At::Break if exceeds(state.since, settings.max_break) => (Status::OffShift, Reason::BreakTooLong),
        At::Break => (Status::OnBreak, Reason::BetweenSpans),
        At::Out => (Status::OffShift, Reason::ClockedOut),
        At::Nothing => (Status::OffShift, Reason::NoPunches),
    };
    (status, reason, state.since)
}

fn zone_unknown(zone: String, default_zone: Option<String>) -> Derivation {
    let what = format!("The time zone {zone} is translated by nothing, so local times cannot be told.");
    Derivation {
        status: Status::Unknown,
        reason: Reason::ZoneUnknown,
        since: None,
        evidence: vec![said(None, what)],
        unknown_zone: Some(zone),
        default_zone,
        open_too_long: false,
    }
}

fn said(at: Option<Moment>, what: String) -> Evidence {
    Evidence { at: at.map(|moment| moment.at), what }
}

fn of_shift(shift: &Shift) -> Vec<Evidence> {
    let state = if shift.in_progress { "in progress" } else { "ended" };
    let begin = said(Some(shift.start), format!("Shift from {}, {state}.", shift.start));
    let last = shift.spans.len().saturating_sub(1);
    let spans = shift.spans.iter().enumerate().map(|(at, span)| match span.end {
        Some(end) if span.closed || !shift.in_progress || at < last => said(Some(end), format!("Worked from {} to {end}.", span.start)),
        _ => said(Some(span.start), format!("At work from {}, no out punch.", span.start)),
    });
    std::iter::once(begin).chain(spans).collect()
}

fn conclusion(reason: Reason, since: Option<Moment>, settings: &Settings) -> Option<Evidence> {
    let what = match reason {
        Reason::OpenTooLong => format!("Open for longer than {} h (max-shift-hours).", settings.max_shift.num_hours()),
        Reason::BreakTooLong => format!("No return within {} min (max-break-minutes).", settings.max_break.num_minutes()),
        Reason::NoPunches => "No punches and no shifts in the window.".to_owned(),
        _ => return None,
    };
    Some(said(since.filter(|_| reason == Reason::OpenTooLong), what))
}

fn left_out(timeline: &Timeline) -> Option<Evidence> {
    let many = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let parts: Vec<_> =
        [many(timeline.not_by_worker, "made by the system"), many(timeline.future, "yet to come")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| said(None, format!("Punches left out: {}.", parts.join(", "))))
}

/// The first sentence names the shift, the last ones decide.
fn capped(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    if evidence.len() > EVIDENCE {
        evidence.drain(1..=evidence.len() - EVIDENCE);
    }
    evidence
}
