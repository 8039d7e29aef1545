//! The rules, natively: no platform is needed for them.

use super::*;

/// A reading of so long ago, in which these users punched so many minutes before it, in or out.
fn reading(ago: TimeDelta, punches: &[(&str, TimeDelta, bool)]) -> Reading {
    let at = Utc::now() - ago;
    let last = punches.iter().map(|(user, before, out)| ((*user).to_owned(), (at - *before, *out))).collect();
    Reading { at, source: Some(roster::Source { run: None, kind: "batch".to_owned() }), last }
}

#[test]
fn all_of_it_stays_under_two_hundred_lines() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let files: Vec<_> = folder.map(|file| file.unwrap().path()).filter(|file| !file.ends_with("tests.rs")).collect();
    let code = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    let lines: usize = files.iter().map(|file| code(&std::fs::read_to_string(file).unwrap())).sum();
    eprintln!("{lines} lines of code in {files:?}");
    assert!((1..200).contains(&lines), "{lines} lines of code");
}

#[test]
fn the_description_can_be_read_and_says_its_version() {
    let description: pack::Description = serde_json::from_str(include_str!("../pack.json")).unwrap();
    assert_eq!(description.version, env!("CARGO_PKG_VERSION"));
    assert!(description.listener.is_some_and(|listener| listener.code_prefix == description.code_prefix));
    for number in ["02", "10", "12", "30", "62"] {
        let failure = failure(number, "what it was");
        assert_eq!(failure.code, format!("FEED-{number}"));
        assert!(!failure.title.is_empty() && !failure.remedy.is_empty(), "{number} is not in the catalogue");
        assert_eq!(failure.message, format!("{}: what it was.", failure.title));
    }
}

#[test]
fn what_the_storage_says_is_told_in_its_own_words() {
    let text = || "the disk is full".to_owned();
    for error in [storage::Error::Unavailable(text()), storage::Error::QuotaExceeded(text()), storage::Error::Other(text())] {
        let failure = no_storage(error);
        assert_eq!(failure.message, format!("{}: the disk is full.", failure.title));
    }
}

#[test]
fn the_last_punch_says_the_status() {
    let (hour, moment) = (TimeDelta::hours(1), TimeDelta::milliseconds(1));
    for (before, out, status, reason) in [
        (hour, false, "on-shift", "clocked-in"),
        (hour, true, "off-shift", "clocked-out"),
        (LONGEST, false, "on-shift", "clocked-in"),
        (LONGEST + moment, false, "off-shift", "open-too-long"),
        (LONGEST + moment, true, "off-shift", "clocked-out"),
    ] {
        let reading = reading(TimeDelta::zero(), &[("adiaz", before, out)]);
        let entry = reading.entry("ADiaz").unwrap();
        let since = (reading.at - before).timestamp_millis();
        assert_eq!((entry.status.as_str(), entry.reason.as_str(), entry.since), (status, reason, Some(since)));
        assert!(reading.entry("bshaw").is_none());
    }
}

#[test]
fn only_who_is_on_shift_by_a_fresh_record_may() {
    let question = || access::Question { user: "adiaz".to_owned(), surface: None };
    let decide = |entry: Option<&Entry>| {
        let decision = decision(entry, question(), 3_600);
        (decision.allow, decision.status, decision.reason)
    };
    let known = |out| reading(TimeDelta::zero(), &[("adiaz", TimeDelta::hours(1), out)]).entry("adiaz").unwrap();
    let aged = |out, age_seconds| Entry { age_seconds, ..known(out) };
    let told = |allow, status: &str, reason: &str| (allow, status.to_owned(), reason.to_owned());
    assert_eq!(decide(None), told(false, "unknown", "no-record"));
    assert_eq!(decide(Some(&aged(false, 3_600))), told(true, "on-shift", "clocked-in"));
    assert_eq!(decide(Some(&aged(false, 3_601))), told(false, "on-shift", "stale"));
    assert_eq!(decide(Some(&aged(true, 0))), told(false, "off-shift", "clocked-out"));
}

#[test]
fn a_newer_form_is_refused_and_a_damaged_one_is_empty() {
    let known = reading(TimeDelta::hours(1), &[("adiaz", TimeDelta::hours(1), false)]);
    let text = serde_json::to_string(&(FORMAT, &known)).unwrap();
    assert_eq!(parse(text.as_bytes()).unwrap().last, known.last);
    assert!((3_600..3_700).contains(&known.entry("adiaz").unwrap().age_seconds));
    assert!(parse(b"[2, {\"anything\": true}]").is_none());
    for damaged in ["", "{}", "[1, {}]", "[1]", &text[..text.len() / 2]] {
        assert!(parse(damaged.as_bytes()).unwrap().last.is_empty(), "{damaged}");
    }
}

#[test]
fn a_report_counts_what_says_something_else_than_before() {
    let (hour, now) = (TimeDelta::hours(1), TimeDelta::zero());
    let old = reading(hour, &[("ana", hour, false), ("ben", hour, false), ("cleo", LONGEST - hour / 2, false), ("gone", hour, false)]);
    let mut new = reading(now, &[("ben", now, true), ("dan", hour, false)]);
    new.last.extend(["ana", "cleo"].map(|same| (same.to_owned(), old.last[same])));
    let counts = report(&old, &new).counts;
    let told: Vec<_> = counts.iter().map(|count| (count.name.as_str(), count.value)).collect();
    assert_eq!(told, [("members", 4), ("on_shift", 2), ("off_shift", 2), ("changed", 3), ("unchanged", 1)]);
}
