//! From what was read to what is stored: the plan of one chunk. It leaves the apply step no choices.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::catalogue;
use crate::derive::{Derivation, derive, derive_on_premise, derive_unknown};
use crate::ids;
use crate::record::{Evidence, Record, Source};
use crate::settings::Settings;
use crate::status::{Reason, SourceKind, Status};
use crate::timecard::{Timecard, ZoneRef};
use crate::unmatched;
use crate::zone::Zones;

mod brake;
mod counts;
#[cfg(test)]
mod tests;

pub use brake::{Before, Standing, closes, is_held};
pub use counts::Counts;

/// What was read for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The user name as the directory writes it.
    pub user: String,
    /// The person number, where the user is exactly one person.
    pub person_number: Option<String>,
    /// What was found.
    pub found: Found,
}

/// What the time system has of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody, or nobody the API user may see.
    NotInKronos,
    /// The user is pinned to a person number that is nobody's, or of nobody the API user may see.
    PinnedToNobody(String),
    /// Several persons: their numbers.
    AmbiguousPersons(Vec<String>),
    /// Several directory users of that name: their domains.
    AmbiguousUsers(Vec<String>),
    /// An error for this worker, in the time system's words.
    Failed {
        /// What it said.
        message: String,
    },
    /// The time card.
    Card {
        /// Punches and shifts.
        card: Timecard,
        /// The person's own time zone.
        person_zone: Option<ZoneRef>,
    },
    /// The on-premise flag.
    OnPremise(bool),
}

/// What a plan is made with.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The tenant's settings.
    pub settings: &'a Settings,
    /// The tenant's zones.
    pub zones: &'a Zones,
    /// When the readings were taken.
    pub now: DateTime<Utc>,
    /// The id of the run.
    pub run: &'a str,
    /// How the readings were taken.
    pub kind: SourceKind,
}

/// How a record differs from the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There is none stored.
    New,
    /// Status, reason or since differ.
    Changed {
        /// The stored status.
        from: Status,
    },
    /// Only when and by what it was observed differ.
    Unchanged,
}

/// One record to store, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The key of the user name.
    pub key: String,
    /// What to store.
    pub record: Record,
    /// How it differs from what is stored.
    pub change: Change,
    /// The reason, in one sentence.
    pub why: String,
}

/// A worker-level trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its number in the catalogue, 70 to 74.
    pub number: u8,
    /// One sentence for a person.
    pub message: String,
    /// The user it is about.
    pub subject: String,
}

/// What to store for one chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The records to store, in the order of their keys.
    pub steps: Vec<Step>,
    /// The numbers of this chunk.
    pub counts: Counts,
    /// The troubles, in the order of the steps.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// Adds the plan for other workers.
    pub fn add(&mut self, other: Plan) {
        self.steps.extend(other.steps);
        self.counts.add(&other.counts);
        self.warnings.extend(other.warnings);
    }
}

/// The plan for the readings of one chunk, against the records `stored` by key.
///
/// A stored record that is newer than the readings stays, makes no step, and is counted as it stands. Of two readings of
/// one user name the first is taken: members are distinct.
pub fn plan(readings: Vec<Reading>, stored: &BTreeMap<String, Record>, context: Context<'_>) -> Plan {
    let mut by_key = BTreeMap::new();
    for reading in readings {
        by_key.entry(ids::key(&reading.user)).or_insert(reading);
    }
    let mut plan = Plan::default();
    for (key, reading) in by_key {
        let matched = is_matched(&reading);
        let before = stored.get(&key);
        let (record, warning) = observe(reading, before, context);
        match before {
            Some(newer) if !newer.yields_to(&record) => plan.counts.count(newer, matched, false),
            _ => {
                let change = compare(before, &record);
                plan.counts.count(&record, matched, change != Change::Unchanged);
                plan.warnings.extend(warning);
                plan.steps.push(Step { why: why(before, &record), key, record, change });
            }
        }
    }
    plan
}

fn is_matched(reading: &Reading) -> bool {
    match reading.found {
        Found::NotInKronos | Found::PinnedToNobody(_) | Found::AmbiguousPersons(_) | Found::AmbiguousUsers(_) => false,
        Found::Failed { .. } => reading.person_number.is_some(),
        Found::Card { .. } | Found::OnPremise(_) => true,
    }
}

/// The record a reading comes to, and the trouble in it.
fn observe(reading: Reading, before: Option<&Record>, context: Context<'_>) -> (Record, Option<Warning>) {
    let Reading { user, person_number, found } = reading;
    let unknown = |reason, what| derive_unknown(reason, what, context.settings);
    let derivation = match found {
        Found::NotInKronos => unknown(Reason::NotInKronos, unmatched::absent()),
        Found::PinnedToNobody(number) => unknown(Reason::NotInKronos, unmatched::pinned_to_nobody(&number)),
        Found::AmbiguousPersons(numbers) => unknown(Reason::AmbiguousUser, unmatched::several_persons(&numbers)),
        Found::AmbiguousUsers(domains) => unknown(Reason::AmbiguousUser, unmatched::several_users(&domains)),
        Found::Failed { message } => unknown(Reason::KronosError, format!("Kronos answered an error for this worker: {message}")),
        Found::Card { card, person_zone } => derive(&card, person_zone.as_ref(), context.zones, context.settings, context.now),
        Found::OnPremise(flag) => derive_on_premise(flag, before, context.settings, context.now),
    };
    let warning = warn(&user, &derivation, context.settings.max_shift);
    let pinned = person_number.as_ref().filter(|_| context.settings.identities.contains_key(&ids::key(&user)));
    let evidence = pinned.map(|number| by_hand(number)).into_iter().chain(derivation.evidence).collect();
    let record = Record {
        user,
        person_number,
        status: derivation.status,
        reason: derivation.reason,
        since: derivation.since,
        zone: derivation.zone,
        observed_at: context.now,
        source: Source { run: Some(context.run.to_owned()), kind: context.kind },
        evidence,
    };
    (record, warning)
}

/// A number typed wrong is somebody else's punches, so a record by hand says that it is one.
fn by_hand(number: &str) -> Evidence {
    Evidence { at: None, what: format!("Pinned by hand to person {number} (property identities).") }
}

fn warn(user: &str, derivation: &Derivation, max_shift: Duration) -> Option<Warning> {
    let said = || derivation.evidence.first().map(|evidence| evidence.what.clone()).unwrap_or_default();
    let (number, message) = match derivation.reason {
        Reason::NotInKronos => (catalogue::NOT_IN_KRONOS, said()),
        Reason::AmbiguousUser => (catalogue::AMBIGUOUS, said()),
        Reason::KronosError => (catalogue::KRONOS_WORKER_ERROR, said()),
        Reason::ZoneUnknown => {
            let zone = derivation.unknown_zone.as_deref().unwrap_or("of a punch");
            (catalogue::ZONE_UNKNOWN, format!("The time zone {zone} is translated by nothing, so the status of this worker is unknown."))
        }
        Reason::OpenTooLong => (
            catalogue::OPEN_TOO_LONG,
            format!("A shift has been open for more than {} hours; an out punch was probably forgotten.", max_shift.num_hours()),
        ),
        _ => return None,
    };
    Some(Warning { number, message, subject: user.to_owned() })
}

fn compare(before: Option<&Record>, after: &Record) -> Change {
    match before {
        None => Change::New,
        Some(before) if before.says_the_same_as(after) => Change::Unchanged,
        Some(before) => Change::Changed { from: before.status },
    }
}

fn why(before: Option<&Record>, after: &Record) -> String {
    let now = said(after);
    match before {
        None => format!("first reading: {now}"),
        Some(before) if before.says_the_same_as(after) => format!("still {now}"),
        Some(before) => format!("{now}; was {}", said(before)),
    }
}

fn said(record: &Record) -> String {
    let since = record.since.map(|since| format!(" since {}", since.to_rfc3339_opts(SecondsFormat::Secs, true))).unwrap_or_default();
    format!("{} ({}){since}", record.status, record.reason)
}
