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
use crate::zone::{LocalTime, Resolution, Zones};

mod clock;
mod left_out;
mod rule;
mod state;
mod tell;
#[cfg(test)]
mod tests;
mod timeline;

use clock::{Clock, Moment};
pub(crate) use rule::of_reason as rule_of;
use state::{At, State, totalled, untotalled};
use tell::{ReadPunch, Story};
use timeline::timeline;

/// What the punches and shifts of one person come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// The status.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// The IANA zone of the moment that decided; the person's own, where none decided and it is known.
    pub zone: Option<String>,
    /// The way to it: what was held, what was left out, which rule decided, since when.
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
        Err(zone) => return Derivation { zone: home(person_zone, zones), ..zone_unknown(zone, settings) },
    };
    let (mut state, shift) = totalled(&timeline);
    let mut punches = Vec::new();
    for punch in untotalled(&timeline) {
        let (before, read) = (state, state.read(punch));
        state = before.after(read, punch.at, settings.max_break);
        let changes = (before.at, before.since) != (state.at, state.since);
        punches.push(ReadPunch { punch, read, before, changes });
    }
    let (status, reason, since) = judge(state, settings, now);
    let story = Story { timeline: &timeline, shift, punches: &punches, state, reason, since, settings };
    let evidence = story.tell(left_out::sentences(&timeline.left_out, &clock));
    Derivation {
        status,
        reason,
        since: since.map(|since| since.at),
        zone: since.map(|since| since.tz.name().to_owned()).or_else(|| home(person_zone, zones)),
        evidence,
        unknown_zone: None,
        default_zone: clock.default_zone(),
        open_too_long: reason == Reason::OpenTooLong,
    }
}

/// The person's own zone, where something translates it.
fn home(person_zone: Option<&ZoneRef>, zones: &Zones) -> Option<String> {
    match zones.resolve(person_zone?, None) {
        Resolution::Known(tz) => Some(tz.name().to_owned()),
        Resolution::Default { .. } | Resolution::Unknown { .. } => None,
    }
}

/// The status that the on-premise flag shows. The flag has no moment of its own, so it holds since it was first observed,
/// and no zone of its own, so that moment is shown in `default-time-zone`.
pub fn derive_on_premise(flag: bool, previous: Option<&Record>, settings: &Settings, now: DateTime<Utc>) -> Derivation {
    let (status, reason) = if flag { (Status::OnShift, Reason::OnPremise) } else { (Status::OffShift, Reason::NotOnPremise) };
    let since = previous.filter(|record| record.reason == reason).and_then(|record| record.since).unwrap_or(now);
    let shown = LocalTime { at: since, tz: settings.zone(), named: true };
    let evidence = vec![
        Evidence { at: None, what: format!("Kronos held the on-premise flag, and it is {flag}.") },
        Evidence { at: None, what: rule(reason, settings) },
        Evidence { at: Some(since), what: format!("That holds since {shown}, when the flag was first seen so.") },
    ];
    Derivation { since: Some(since), evidence, ..bare(status, reason) }
}

/// The derivation for a worker who has no status, for this reason.
pub fn derive_unknown(reason: Reason, what: String, settings: &Settings) -> Derivation {
    let evidence = vec![Evidence { at: None, what }, Evidence { at: None, what: rule(reason, settings) }];
    Derivation { evidence, ..bare(Status::Unknown, reason) }
}

/// The rule that leads to a reason, as a sentence that names its row in the table of design §5.
fn rule(reason: Reason, settings: &Settings) -> String {
    rule::sentence(reason, None, settings)
}

fn bare(status: Status, reason: Reason) -> Derivation {
    Derivation {
        status,
        reason,
        since: None,
        zone: None,
        evidence: Vec::new(),
        unknown_zone: None,
        default_zone: None,
        open_too_long: false,
    }
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

/// Where `default-time-zone` is set it covers every zone, so there is none to tell of here.
fn zone_unknown(zone: String, settings: &Settings) -> Derivation {
    let what =
        format!("Kronos held punches or shifts with the time zone {zone}, which nothing translates, so their local times cannot be told.");
    let derivation = derive_unknown(Reason::ZoneUnknown, what, settings);
    Derivation { unknown_zone: Some(zone), ..derivation }
}
