//! What is stored for one worker, and which of two pieces of knowledge wins.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::status::{Reason, SourceKind, Status};

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
    pub fn yields_to(&self, newer: &Record) -> bool {
        match newer.observed_at.cmp(&self.observed_at) {
            Ordering::Greater => true,
            Ordering::Equal => newer.source.kind != SourceKind::Event || self.source.kind == SourceKind::Event,
            Ordering::Less => false,
        }
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
