//! From a record to a decision (design §6). Reads nothing but what it is given: a decision costs no call to another system.

use chrono::{DateTime, Duration, Utc};

use crate::record::{Record, Source};
use crate::settings::Settings;
use crate::status::{Reason, Status, Verdict};

/// How the last attempt to reach the time system ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It answered, or was not tried yet.
    Reached,
    /// It did not answer.
    Failed,
}

/// The answer to "may this worker open this now?". The same for every surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the worker may.
    pub allow: bool,
    /// Why: the record's own reason, or what decided instead of it.
    pub reason: &'static str,
    /// The status it rests on.
    pub status: Status,
    /// Since when that status holds.
    pub since: Option<DateTime<Utc>>,
    /// When the evidence was read; none without a record.
    pub as_of: Option<DateTime<Utc>>,
    /// How old the evidence is; never below zero.
    pub age: Option<Duration>,
    /// Where the evidence comes from.
    pub source: Option<Source>,
}

/// The decision at `now`. `exempt`: the worker is in one of the exempt groups.
///
/// Freshness is judged before the status, as an old status says nothing of now. The exemption comes last, so that its
/// reason shows only where the worker would have been refused.
pub fn decide(record: Option<&Record>, exempt: bool, reach: Reach, settings: &Settings, now: DateTime<Utc>) -> Decision {
    let (allow, reason) = verdict(record, reach, settings, now);
    let (allow, reason) = if exempt && !allow { (true, Verdict::Exempt.word()) } else { (allow, reason) };
    Decision {
        allow,
        reason,
        status: record.map_or(Status::Unknown, |record| record.status),
        since: record.and_then(|record| record.since),
        as_of: record.map(|record| record.observed_at),
        age: record.map(|record| age(record, now)),
        source: record.map(|record| record.source.clone()),
    }
}

/// How old the evidence of a record is. A clock that runs behind makes it new and not negative.
pub fn age(record: &Record, now: DateTime<Utc>) -> Duration {
    (now - record.observed_at).max(Duration::zero())
}

fn verdict(record: Option<&Record>, reach: Reach, settings: &Settings, now: DateTime<Utc>) -> (bool, &'static str) {
    let Some(record) = record else {
        return (settings.authorize_unknown, Verdict::NoRecord.word());
    };
    if age(record, now) > settings.freshness {
        return match reach {
            Reach::Failed => (settings.authorize_unreachable, Verdict::Unreachable.word()),
            Reach::Reached => (settings.authorize_unknown, Verdict::Stale.word()),
        };
    }
    match record.status {
        Status::OnShift => (true, record.reason.word()),
        Status::OnBreak => (settings.allow_on_break, record.reason.word()),
        Status::OffShift if in_grace(record, settings, now) => (true, Verdict::Grace.word()),
        Status::OffShift => (false, record.reason.word()),
        Status::Unknown => (settings.authorize_unknown, record.reason.word()),
    }
}

fn in_grace(record: &Record, settings: &Settings, now: DateTime<Utc>) -> bool {
    grace_end(record, settings).is_some_and(|end| now <= end)
}

/// The last moment of the grace. It follows an out punch that ended the work, not a break that grew too long or a punch
/// that was forgotten.
pub(crate) fn grace_end(record: &Record, settings: &Settings) -> Option<DateTime<Utc>> {
    let punched_out = matches!(record.reason, Reason::ClockedOut | Reason::ReportedOut);
    let granted = punched_out && settings.grace_after > Duration::zero();
    record.since.filter(|_| granted)?.checked_add_signed(settings.grace_after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::SourceKind;

    fn now() -> DateTime<Utc> {
        "2026-11-20T14:00:00Z".parse().unwrap()
    }

    /// A record read `age` minutes ago that holds since `since` minutes ago.
    fn record(status: Status, reason: Reason, age: i64, since: i64) -> Record {
        Record {
            user: "adiaz".into(),
            person_number: Some("7".into()),
            status,
            reason,
            since: Some(now() - Duration::minutes(since)),
            zone: None,
            observed_at: now() - Duration::minutes(age),
            source: Source { run: Some("r1".into()), kind: SourceKind::Batch },
            evidence: vec![],
        }
    }

    fn on_shift(age: i64) -> Record {
        record(Status::OnShift, Reason::ClockedIn, age, age)
    }

    #[track_caller]
    fn expect(record: Option<&Record>, settings: &Settings, wanted: (bool, &str)) {
        let decision = decide(record, false, Reach::Reached, settings, now());
        assert_eq!((decision.allow, decision.reason), wanted);
    }

    #[test]
    fn a_worker_on_shift_may() {
        expect(Some(&on_shift(1)), &Settings::defaults(), (true, "clocked-in"));
    }

    #[test]
    fn a_break_is_as_the_property_says() {
        let pausing = record(Status::OnBreak, Reason::BetweenSpans, 1, 5);
        expect(Some(&pausing), &Settings::defaults(), (true, "between-spans"));
        expect(Some(&pausing), &Settings { allow_on_break: false, ..Settings::defaults() }, (false, "between-spans"));
    }

    #[test]
    fn a_worker_off_shift_may_not() {
        expect(Some(&record(Status::OffShift, Reason::ClockedOut, 1, 1)), &Settings::defaults(), (false, "clocked-out"));
    }

    #[test]
    fn grace_lasts_to_its_last_minute_after_an_out_punch_and_after_nothing_else() {
        let settings = Settings { grace_after: Duration::minutes(10), ..Settings::defaults() };
        for (reason, since, wanted) in [
            (Reason::ClockedOut, 10, (true, "grace")),
            (Reason::ClockedOut, 11, (false, "clocked-out")),
            (Reason::ClockedOut, -4, (true, "grace")),
            (Reason::ReportedOut, 5, (true, "grace")),
            (Reason::BreakTooLong, 5, (false, "break-too-long")),
            (Reason::OpenTooLong, 5, (false, "open-too-long")),
            (Reason::NotOnPremise, 5, (false, "not-on-premise")),
        ] {
            expect(Some(&record(Status::OffShift, reason, 0, since)), &settings, wanted);
        }
        expect(Some(&record(Status::OffShift, Reason::ClockedOut, 0, 0)), &Settings::defaults(), (false, "clocked-out"));
        expect(Some(&record(Status::OffShift, Reason::ClockedOut, 66, 5)), &settings, (false, "stale"));
    }

    #[test]
    fn without_a_record_and_with_an_unknown_status_the_property_decides() {
        let lenient = Settings { authorize_unknown: true, ..Settings::defaults() };
        let unknown = Record { since: None, ..record(Status::Unknown, Reason::NotInKronos, 1, 1) };
        expect(None, &Settings::defaults(), (false, "no-record"));
        expect(None, &lenient, (true, "no-record"));
        expect(Some(&unknown), &Settings::defaults(), (false, "not-in-kronos"));
        expect(Some(&unknown), &lenient, (true, "not-in-kronos"));
    }

    #[test]
    fn an_old_record_decides_nothing_any_more() {
        let lenient = Settings { authorize_unknown: true, ..Settings::defaults() };
        let forgiving = Settings { authorize_unreachable: true, ..Settings::defaults() };
        for (reach, settings, wanted) in [
            (Reach::Reached, Settings::defaults(), (false, "stale")),
            (Reach::Reached, lenient.clone(), (true, "stale")),
            (Reach::Reached, forgiving.clone(), (false, "stale")),
            (Reach::Failed, Settings::defaults(), (false, "unreachable")),
            (Reach::Failed, lenient, (false, "unreachable")),
            (Reach::Failed, forgiving, (true, "unreachable")),
        ] {
            let decision = decide(Some(&on_shift(66)), false, reach, &settings, now());
            assert_eq!((decision.allow, decision.reason, decision.status), (wanted.0, wanted.1, Status::OnShift));
            let fresh = decide(Some(&on_shift(65)), false, reach, &settings, now());
            assert_eq!((fresh.allow, fresh.reason), (true, "clocked-in"), "as old as allowed is not too old");
        }
    }

    #[test]
    fn an_exempt_worker_always_may_and_the_reason_says_so_only_where_it_made_the_difference() {
        let settings = Settings { grace_after: Duration::minutes(10), ..Settings::defaults() };
        for (record, reason) in [
            (Some(on_shift(1)), "clocked-in"),
            (Some(on_shift(66)), "exempt"),
            (Some(record(Status::OffShift, Reason::ClockedOut, 0, 5)), "grace"),
            (Some(record(Status::OffShift, Reason::ClockedOut, 0, 15)), "exempt"),
            (None, "exempt"),
        ] {
            let decision = decide(record.as_ref(), true, Reach::Failed, &settings, now());
            assert_eq!((decision.allow, decision.reason), (true, reason), "{record:?}");
        }
    }

    #[test]
    fn a_decision_carries_what_it_rests_on() {
        let record = on_shift(2);
        let decision = decide(Some(&record), false, Reach::Reached, &Settings::defaults(), now());
        assert_eq!((decision.since, decision.as_of), (record.since, Some(record.observed_at)));
        assert_eq!((decision.age, decision.source), (Some(Duration::minutes(2)), Some(record.source)));
        let without = decide(None, false, Reach::Reached, &Settings::defaults(), now());
        assert_eq!((without.status, without.since, without.as_of, without.age, without.source), (Status::Unknown, None, None, None, None));
    }

    #[test]
    fn a_record_from_a_clock_that_runs_ahead_is_new() {
        let decision = decide(Some(&on_shift(-3)), false, Reach::Reached, &Settings::defaults(), now());
        assert_eq!((decision.allow, decision.age), (true, Some(Duration::zero())));
    }
}
