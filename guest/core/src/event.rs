//! What an event says. It is a reason to look; only where the time system cannot be asked does it become a record, as it was
//! reported, until somebody has looked (design §5, §7).

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use crate::derive;
use crate::record::{Evidence, Record, Source};
use crate::settings::Settings;
use crate::status::{Reason, SourceKind, Status, words};
use crate::zone::{LocalTime, Prefer, instant};

words! {
    /// Which way a punch was reported to go.
    Direction {
        /// To work.
        In = "in",
        /// From work.
        Out = "out",
        /// To a break, or back from one.
        Break = "break",
        /// From one job to another.
        Transfer = "transfer",
    }
}

/// A punch of one worker, as an event reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The user name as the directory writes it.
    pub user: String,
    /// The person number of the stored record, where there is one. An event's own would make the record depend on which of
    /// several events came first.
    pub person_number: Option<String>,
    /// When the punch was.
    pub at: DateTime<Utc>,
    /// The zone the event named, where it named one that is known.
    pub tz: Option<Tz>,
    /// Which way it went, where the event said so.
    pub direction: Option<Direction>,
    /// The run that took the event in.
    pub run: String,
}

impl Reported {
    /// The record this punch makes at `now`; none where the event says too little: a break and a transfer need what went
    /// before them, which is the time system's to tell, and what is yet to come is no evidence.
    ///
    /// A reading always beats it, so it never is of a moment ahead of the clock: a clock that is a little fast waits for ours.
    /// It is observed at the moment of the punch and not when the event arrived, so that the order of arrival never matters.
    pub fn record(&self, settings: &Settings, now: DateTime<Utc>) -> Option<Record> {
        let (status, reason) = match self.direction? {
            Direction::In => (Status::OnShift, Reason::ReportedIn),
            Direction::Out => (Status::OffShift, Reason::ReportedOut),
            Direction::Break | Direction::Transfer => return None,
        };
        if self.at > now {
            return None;
        }
        let shown = LocalTime { at: self.at, tz: self.tz.unwrap_or_else(|| settings.zone()), named: true };
        let way = if status == Status::OnShift { "in" } else { "out" };
        let said = Evidence { at: Some(self.at), what: format!("An event reported an {way} punch at {shown}.") };
        let rule = Evidence { at: None, what: derive::rule_of(reason).to_owned() };
        Some(Record {
            user: self.user.clone(),
            person_number: self.person_number.clone(),
            status,
            reason,
            since: Some(self.at),
            zone: self.tz.map(|tz| tz.name().to_owned()),
            observed_at: self.at,
            source: Source { run: Some(self.run.clone()).filter(|run| !run.is_empty()), kind: SourceKind::Event },
            evidence: vec![said, rule],
        })
    }
}

/// The instant of a local time that an event reports. In the hour that comes twice it is the reading that refuses sooner: an
/// in punch is of the first pass, and so yields to more, anything else of the second.
pub fn moment(local: NaiveDateTime, tz: Tz, direction: Option<Direction>) -> DateTime<Utc> {
    instant(local, tz, if direction == Some(Direction::In) { Prefer::Earliest } else { Prefer::Latest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn reported(direction: Option<Direction>) -> Reported {
        Reported {
            user: "ADiaz".into(),
            person_number: Some("0042".into()),
            at: at("2026-11-20T12:02:00Z"),
            tz: Some(Tz::America__New_York),
            direction,
            run: "01f1".into(),
        }
    }

    #[test]
    fn an_in_and_an_out_are_stored_as_reported_at_their_own_moment() {
        for (direction, status, reason, sentence) in [
            (
                Direction::In,
                Status::OnShift,
                Reason::ReportedIn,
                "An event reported an in punch at 2026-11-20 07:02 EST (America/New_York).",
            ),
            (
                Direction::Out,
                Status::OffShift,
                Reason::ReportedOut,
                "An event reported an out punch at 2026-11-20 07:02 EST (America/New_York).",
            ),
        ] {
            let reported = reported(Some(direction));
            let record = reported.record(&Settings::defaults(), at("2026-11-20T12:30:00Z")).unwrap();
            assert_eq!((record.status, record.reason, record.since), (status, reason, Some(reported.at)));
            assert_eq!((record.observed_at, record.source.kind), (reported.at, SourceKind::Event));
            assert_eq!((record.user.as_str(), record.person_number.as_deref()), ("ADiaz", Some("0042")));
            assert_eq!((record.source.run.as_deref(), record.zone.as_deref()), (Some("01f1"), Some("America/New_York")));
            assert_eq!(record.evidence[0], Evidence { at: Some(reported.at), what: sentence.into() });
            assert_eq!((record.evidence.len(), record.evidence[1].what.as_str()), (2, derive::rule_of(reason)));
        }
    }

    #[test]
    fn what_needs_to_know_what_went_before_is_not_stored() {
        for direction in [None, Some(Direction::Break), Some(Direction::Transfer)] {
            assert_eq!(reported(direction).record(&Settings::defaults(), at("2026-11-20T12:30:00Z")), None);
        }
    }

    #[test]
    fn what_is_yet_to_come_is_not_stored_so_that_no_reading_is_older_than_a_report() {
        for (now, stored) in [("2026-11-20T12:02:00Z", true), ("2026-11-20T12:01:59Z", false)] {
            assert_eq!(reported(Some(Direction::In)).record(&Settings::defaults(), at(now)).is_some(), stored, "{now}");
        }
    }

    #[test]
    fn without_a_zone_of_its_own_it_is_told_in_that_of_the_tenant() {
        let settings = Settings { default_time_zone: Some("Europe/Berlin".into()), ..Settings::defaults() };
        let reported = Reported { tz: None, run: String::new(), ..reported(Some(Direction::Out)) };
        let record = reported.record(&settings, at("2026-11-20T12:30:00Z")).unwrap();
        assert_eq!((record.zone, record.source.run), (None, None));
        assert!(record.evidence[0].what.ends_with("at 2026-11-20 13:02 CET (Europe/Berlin)."), "{:?}", record.evidence);
    }

    #[test]
    fn in_the_doubled_hour_an_in_is_of_the_first_pass_and_an_out_of_the_second() {
        let local = "2026-11-01T01:30:00".parse().unwrap();
        let moment = |direction| moment(local, Tz::America__New_York, direction);
        assert_eq!(moment(Some(Direction::In)), at("2026-11-01T05:30:00Z"));
        for direction in [Some(Direction::Out), Some(Direction::Break), None] {
            assert_eq!(moment(direction), at("2026-11-01T06:30:00Z"));
        }
    }
}
