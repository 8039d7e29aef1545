//! What stored records would say under other settings, as far as they can show it.
//!
//! A record holds no punches. What a longer or a shorter break would have made of it can be told all the same: it holds
//! when the break began. The properties whose effect cannot be told are those without
//! [`what_if`](crate::settings::PropertyInfo::what_if).

use crate::record::Record;
use crate::settings::Settings;
use crate::status::{Reason, Status};

/// The record that the same reading would have left under other settings.
pub fn read_anew(record: &Record, settings: &Settings) -> Record {
    let mut anew = record.clone();
    if let (Reason::BetweenSpans | Reason::BreakTooLong, Some(since)) = (record.reason, record.since) {
        let too_long = record.observed_at - since > settings.max_break;
        (anew.status, anew.reason) =
            if too_long { (Status::OffShift, Reason::BreakTooLong) } else { (Status::OnBreak, Reason::BetweenSpans) };
    }
    anew
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::*;
    use crate::record::Source;
    use crate::status::SourceKind;

    /// A record of a break that had lasted an hour when it was read.
    fn record(status: Status, reason: Reason) -> Record {
        let observed_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Record {
            user: "adiaz".into(),
            person_number: None,
            status,
            reason,
            since: Some(observed_at - Duration::minutes(60)),
            zone: None,
            observed_at,
            source: Source { run: None, kind: SourceKind::Batch },
            evidence: vec![],
        }
    }

    fn longest_break(minutes: i64) -> Settings {
        Settings { max_break: Duration::minutes(minutes), ..Settings::defaults() }
    }

    #[test]
    fn a_break_is_held_against_the_other_limit_at_the_moment_it_was_read() {
        let pausing = record(Status::OnBreak, Reason::BetweenSpans);
        let ended = record(Status::OffShift, Reason::BreakTooLong);
        for (minutes, wanted) in [(59, &ended), (60, &pausing), (90, &pausing)] {
            assert_eq!(&read_anew(&pausing, &longest_break(minutes)), wanted, "{minutes} minutes");
            assert_eq!(&read_anew(&ended, &longest_break(minutes)), wanted, "{minutes} minutes");
        }
    }

    #[test]
    fn a_record_of_anything_else_stays_as_it_is() {
        for reason in Reason::ALL.iter().filter(|reason| !matches!(reason, Reason::BetweenSpans | Reason::BreakTooLong)) {
            let other = record(Status::OffShift, *reason);
            assert_eq!(read_anew(&other, &longest_break(5)), other);
        }
    }
}
