//! From a record to a decision (design §6). Reads nothing but what it is given: a decision costs no call to another system.

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::iana;
use crate::record::{Evidence, Record, Source};
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

/// Grace follows an out punch that ended the work, not a break that grew too long or a punch that was forgotten.
fn in_grace(record: &Record, settings: &Settings, now: DateTime<Utc>) -> bool {
    let punched_out = matches!(record.reason, Reason::ClockedOut | Reason::ReportedOut);
    let recent = record.since.is_some_and(|since| now - since <= settings.grace_after);
    punched_out && recent && settings.grace_after > Duration::zero()
}

/// How the decision comes about, in plain sentences for a help-desk clerk. Times are in `default-time-zone`, else UTC.
pub fn explain(user: &str, record: Option<&Record>, exempt: bool, reach: Reach, settings: &Settings, now: DateTime<Utc>) -> Vec<Evidence> {
    let decision = decide(record, exempt, reach, settings, now);
    let may = if decision.allow { "may" } else { "may not" };
    let mut sentences = vec![format!("{user} {may} open this now; the reason is {}.", decision.reason)];
    let Some(record) = record else {
        sentences.push("There is no record: no batch has read this worker, who is perhaps in none of the configured groups.".to_owned());
        sentences.push(why(&decision, settings));
        return sentences.into_iter().map(|what| Evidence { at: None, what }).collect();
    };
    sentences.push(what_is_known(record, settings));
    sentences.push(how_old(record, settings, now));
    sentences.push(why(&decision, settings));
    sentences.extend(record.evidence.iter().map(|evidence| format!("Kronos: {}", evidence.what)));
    sentences.into_iter().map(|what| Evidence { at: None, what }).collect()
}

fn what_is_known(record: &Record, settings: &Settings) -> String {
    let since = record.since.map(|since| format!(" since {}", shown(since, settings))).unwrap_or_default();
    format!("The status is {}{since}: {}.", record.status, meaning(record.reason, settings))
}

fn how_old(record: &Record, settings: &Settings, now: DateTime<Utc>) -> String {
    let minutes = age(record, now).num_minutes();
    let how = match record.source.kind {
        crate::status::SourceKind::Batch => "a batch read it",
        crate::status::SourceKind::LookUp => "a look-up read it",
        crate::status::SourceKind::Event => "an event said it",
    };
    let limit = settings.freshness.num_minutes();
    format!("That is of {} ({minutes} min ago; {how}; good for {limit} min).", shown(record.observed_at, settings))
}

fn why(decision: &Decision, settings: &Settings) -> String {
    let switch = |name: &str, on: bool| format!("{name} is {}", if on { "on" } else { "off" });
    let unknown = switch("authorize-unknown", settings.authorize_unknown);
    match Verdict::from_word(decision.reason) {
        Some(Verdict::Grace) => {
            format!("After the out punch access stays for {} min (grace-minutes-after).", settings.grace_after.num_minutes())
        }
        Some(Verdict::Exempt) => "The worker is in an exempt group (exempt-groups), which always has access.".to_owned(),
        Some(Verdict::Stale) => format!("The status is too old to decide by, so the worker counts as unknown: {unknown}."),
        Some(Verdict::Unreachable) => {
            let unreachable = switch("authorize-unreachable", settings.authorize_unreachable);
            format!("The status is too old to decide by, because Kronos could not be reached: {unreachable}.")
        }
        Some(Verdict::NoRecord) => format!("A worker without a record counts as unknown: {unknown}."),
        None => match decision.status {
            Status::OnShift => "On shift means access.".to_owned(),
            Status::OffShift => "Off shift means no access.".to_owned(),
            Status::OnBreak => format!(
                "For a worker on a break the property on-break decides: {}.",
                if settings.allow_on_break { "allow" } else { "deny" }
            ),
            Status::Unknown => format!("The status is unknown, so the property decides: {unknown}."),
        },
    }
}

fn meaning(reason: Reason, settings: &Settings) -> String {
    match reason {
        Reason::ClockedIn => "clocked in".to_owned(),
        Reason::BetweenSpans => "clocked out for a break and not back yet".to_owned(),
        Reason::BreakTooLong => format!("the break has lasted longer than {} min (max-break-minutes)", settings.max_break.num_minutes()),
        Reason::ShiftInProgress => "a shift is in progress that needs no punches".to_owned(),
        Reason::OpenTooLong => {
            format!(
                "a shift was open for longer than {} h (max-shift-hours), so an out punch was probably forgotten",
                settings.max_shift.num_hours()
            )
        }
        Reason::ClockedOut => "clocked out".to_owned(),
        Reason::NoPunches => "no punches in the last days".to_owned(),
        Reason::NotInKronos => "no person in Kronos has this user name, or the API user may not see the person".to_owned(),
        Reason::AmbiguousUser => "the user name fits several persons in Kronos or several users of the directory".to_owned(),
        Reason::KronosError => "Kronos gave an error for this worker".to_owned(),
        Reason::ZoneUnknown => "a punch has a time zone that nothing translates (properties zones and default-time-zone)".to_owned(),
        Reason::OnPremise => "Kronos says that the worker is on the premises".to_owned(),
        Reason::NotOnPremise => "Kronos says that the worker is not on the premises".to_owned(),
        Reason::ReportedIn => "an event reported an in punch while Kronos could not be asked".to_owned(),
        Reason::ReportedOut => "an event reported an out punch while Kronos could not be asked".to_owned(),
    }
}

fn shown(at: DateTime<Utc>, settings: &Settings) -> String {
    match settings.default_time_zone.as_deref().and_then(iana::zone) {
        Some(tz) => at.with_timezone(&tz).format("%Y-%m-%d %H:%M %Z").to_string(),
        None => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
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

    #[test]
    fn the_explanation_answers_why_maria_is_blocked() {
        let settings = Settings { default_time_zone: Some("America/New_York".into()), ..Settings::defaults() };
        let mut record = record(Status::OffShift, Reason::BreakTooLong, 2, 120);
        record.evidence = vec![crate::record::Evidence { at: None, what: "No return within 90 min (max-break-minutes).".into() }];
        let sentences = explain("maria", Some(&record), false, Reach::Reached, &settings, now());
        assert_eq!(
            sentences,
            [
                "maria may not open this now; the reason is break-too-long.",
                "The status is off-shift since 2026-11-20 07:00 EST: the break has lasted longer than 90 min (max-break-minutes).",
                "That is of 2026-11-20 08:58 EST (2 min ago; a batch read it; good for 65 min).",
                "Off shift means no access.",
                "Kronos: No return within 90 min (max-break-minutes).",
            ]
        );
    }

    #[test]
    fn the_explanation_of_no_record_says_where_to_look() {
        let sentences = explain("maria", None, false, Reach::Reached, &Settings::defaults(), now());
        assert_eq!(sentences.len(), 3);
        assert!(sentences[1].contains("none of the configured groups"));
        assert_eq!(sentences[2], "A worker without a record counts as unknown: authorize-unknown is off.");
    }
}
