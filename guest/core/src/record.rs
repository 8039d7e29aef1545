//! What is stored for one worker, and which of two pieces of knowledge wins.

use std::cmp::Ordering;

use chrono::{DateTime, Duration, Utc};

use crate::status::{Reason, SourceKind, Status};

/// How far ahead of the clock a moment may lie and still count: clocks differ. What lies further ahead is no evidence.
pub const AHEAD: Duration = Duration::minutes(5);

/// Where a record's knowledge comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The run that read it.
    pub run: Option<String>,
    /// How it was read.
    pub kind: SourceKind,
}

/// One step of the way from punches to a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// When it happened, where it has a moment.
    pub at: Option<DateTime<Utc>>,
    /// What it was, in plain words with local time and zone.
    pub what: String,
}

/// What is stored for one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The user name as the directory writes it. Names match without regard to case.
    pub user: String,
    /// The person number, where the user is exactly one person in the time system.
    pub person_number: Option<String>,
    /// The working status.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// Since when; none where the rule gives none.
    pub since: Option<DateTime<Utc>>,
    /// The IANA zone to show times in: that of the moment that decided, else the person's own; none where neither is known.
    pub zone: Option<String>,
    /// When the evidence was read from the time system.
    pub observed_at: DateTime<Utc>,
    /// Where it comes from.
    pub source: Source,
    /// The way to the status.
    pub evidence: Vec<Evidence>,
}

impl Record {
    /// Whether `newer` may replace this stored record (design §5): what was read later wins, and an event never beats
    /// a reading of the same moment. The same moment read twice replaces, so that doing a thing again is harmless.
    ///
    /// Of two events of one moment an out goes before an in, since the defaults refuse, and the rest of what they differ by
    /// is put in an order too: events come in any, and must leave the same record.
    pub fn yields_to(&self, newer: &Record) -> bool {
        match newer.observed_at.cmp(&self.observed_at) {
            Ordering::Greater => true,
            Ordering::Equal => match (self.is_of_event(), newer.is_of_event()) {
                (_, false) => true,
                (false, true) => false,
                (true, true) => newer.weight() >= self.weight(),
            },
            Ordering::Less => false,
        }
    }

    fn is_of_event(&self) -> bool {
        self.source.kind == SourceKind::Event
    }

    /// Which of two events of one moment goes before the other.
    fn weight(&self) -> impl PartialOrd {
        (self.status != Status::OnShift, &self.zone, &self.person_number, &self.source.run, &self.user)
    }

    /// Whether both say the same of the worker: status, reason and since.
    pub fn says_the_same_as(&self, other: &Record) -> bool {
        (self.status, self.reason, self.since) == (other.status, other.reason, other.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(minute: i64, kind: SourceKind) -> Record {
        Record {
            user: "adiaz".into(),
            person_number: None,
            status: Status::OnShift,
            reason: Reason::ClockedIn,
            since: None,
            zone: None,
            observed_at: DateTime::from_timestamp(minute * 60, 0).unwrap(),
            source: Source { run: None, kind },
            evidence: vec![],
        }
    }

    #[test]
    fn of_two_events_of_one_moment_an_out_goes_before_an_in() {
        let reported = |status| Record { status, ..record(2, SourceKind::Event) };
        let (on, off) = (reported(Status::OnShift), reported(Status::OffShift));
        assert!(on.yields_to(&off) && !off.yields_to(&on));
        assert!(on.yields_to(&on) && off.yields_to(&off), "the same again is harmless");
        let named = Record { zone: Some("Europe/Berlin".into()), ..on.clone() };
        assert!(on.yields_to(&named) != named.yields_to(&on), "one of two that differ in anything goes before the other");
    }

    #[test]
    fn what_was_read_later_wins_in_whatever_order_it_arrives() {
        use SourceKind::{Batch, Event, LookUp};
        for (stored, arriving, replaced) in [
            (record(1, Batch), record(2, Batch), true),
            (record(2, Batch), record(1, Batch), false),
            (record(2, LookUp), record(1, Event), false),
            (record(1, LookUp), record(2, Event), true),
            (record(2, LookUp), record(2, Event), false),
            (record(2, Event), record(2, LookUp), true),
            (record(2, Event), record(2, Event), true),
            (record(2, Batch), record(2, Batch), true),
        ] {
            assert_eq!(stored.yields_to(&arriving), replaced, "{stored:?} against {arriving:?}");
        }
    }
}
