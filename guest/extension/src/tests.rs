//! The rules, natively: no platform is needed for them.

use super::*;
use crate::bindings::exports::shift_access::plugin::pack::{self, Guest as _};

const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;

fn source() -> roster::Source {
    roster::Source { run: None, kind: "batch".to_owned() }
}

fn stored(value: &str) -> storage::Entry {
    storage::Entry { key: key("adiaz"), value: value.as_bytes().to_vec(), revision: "1".to_owned() }
}

#[test]
fn the_code_stays_under_two_hundred_lines() {
    let code = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    let (code, described) = (code(include_str!("lib.rs")), code(include_str!("describe.rs")));
    eprintln!("{code} lines of code, and {described} that describe it");
    assert!(code < 200, "lib.rs has {code} lines of code");
    assert!(described < 80, "describe.rs has {described} lines");
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap().count();
    assert_eq!(files, 3, "lib.rs, describe.rs and these tests");
}

#[test]
fn the_last_punch_says_the_status() {
    for (at, out, status, reason) in [
        (NOW - HOUR, false, "on-shift", "clocked-in"),
        (NOW - HOUR, true, "off-shift", "clocked-out"),
        (NOW - LONGEST, false, "on-shift", "clocked-in"),
        (NOW - LONGEST - 1, false, "off-shift", "open-too-long"),
        (NOW - LONGEST - 1, true, "off-shift", "clocked-out"),
    ] {
        let entry = entry("adiaz".to_owned(), at, out, NOW, source());
        assert_eq!((entry.status.as_str(), entry.reason.as_str(), entry.since), (status, reason, Some(at)));
    }
}

#[test]
fn only_who_is_on_shift_by_a_fresh_record_may() {
    let question = || access::Question { user: "adiaz".to_owned(), surface: None };
    let decide = |entry: Option<&roster::Entry>| {
        let decision = decision(question(), entry, 60);
        (decision.allow, decision.status, decision.reason)
    };
    let aged = |out, age_seconds| roster::Entry { age_seconds, ..entry("adiaz".to_owned(), NOW - HOUR, out, NOW, source()) };
    let told = |allow, status: &str, reason: &str| (allow, status.to_owned(), reason.to_owned());
    assert_eq!(decide(None), told(false, "unknown", "no-record"));
    assert_eq!(decide(Some(&aged(false, 3_600))), told(true, "on-shift", "clocked-in"));
    assert_eq!(decide(Some(&aged(false, 3_601))), told(false, "on-shift", "stale"));
    assert_eq!(decide(Some(&aged(true, 0))), told(false, "off-shift", "clocked-out"));
}

#[test]
fn a_newer_record_is_refused_and_a_damaged_one_is_none() {
    let known = entry("adiaz".to_owned(), NOW - HOUR, false, NOW, source());
    let text = serde_json::to_string(&(FORMAT, &known)).unwrap();
    assert_eq!(read(&stored(&text)).unwrap().unwrap().since, known.since);
    let refused = read(&stored("[2, {\"anything\": true}]")).unwrap_err();
    assert_eq!(refused.code, "FEED-30");
    assert!(refused.message.contains("format 2"), "{}", refused.message);
    for damaged in ["", "{}", "[1, {}]", "[1]", &text[..text.len() / 2]] {
        assert!(read(&stored(damaged)).unwrap().is_none(), "{damaged}");
    }
}

#[test]
fn a_path_that_is_none_is_told_with_its_remedy() {
    let given = |path: &str| PunchFeed::check(vec![pack::Property { name: "path".to_owned(), value: Value::Text(path.to_owned()) }]);
    assert!(given("/punches").is_empty());
    let problems = given("punches");
    assert_eq!((problems.len(), problems[0].key.as_str()), (1, "path"));
}
