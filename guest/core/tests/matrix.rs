//! The access matrix: every status with every reason it comes with, under every property that matters, as one text.
//!
//! `UPDATE_EXPECT=1 cargo nextest run -p shift-access-core` writes the text anew; read the difference before you keep it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, Duration, Utc};
use expect_test::expect_file;
use shift_access_core::decide::{Decision, Reach, decide};
use shift_access_core::record::{Record, Source};
use shift_access_core::settings::{PROPERTIES, Settings, Value};
use shift_access_core::status::{Reason, SourceKind, Status, Verdict};
use shift_access_core::what_if::read_anew;

/// Every status with a reason it comes with. The guard below fails when one is missing.
const ROWS: &[(Status, Reason)] = &[
    (Status::OnShift, Reason::ClockedIn),
    (Status::OnShift, Reason::ShiftInProgress),
    (Status::OnShift, Reason::OnPremise),
    (Status::OnShift, Reason::ReportedIn),
    (Status::OnBreak, Reason::BetweenSpans),
    (Status::OffShift, Reason::BreakTooLong),
    (Status::OffShift, Reason::OpenTooLong),
    (Status::OffShift, Reason::ClockedOut),
    (Status::OffShift, Reason::NoPunches),
    (Status::OffShift, Reason::NotOnPremise),
    (Status::OffShift, Reason::ReportedOut),
    (Status::Unknown, Reason::NotInKronos),
    (Status::Unknown, Reason::AmbiguousUser),
    (Status::Unknown, Reason::KronosError),
    (Status::Unknown, Reason::ZoneUnknown),
];

fn now() -> DateTime<Utc> {
    "2026-11-20T14:00:00Z".parse().unwrap()
}

/// A break that was too long began this many minutes before it was read.
const TOO_LONG: i64 = 91;

fn record(status: Status, reason: Reason, age: i64, since: i64) -> Record {
    let since = if reason == Reason::BreakTooLong { age + TOO_LONG } else { since };
    Record {
        user: "maria".into(),
        person_number: None,
        status,
        reason,
        since: (status != Status::Unknown && reason != Reason::NoPunches).then(|| now() - Duration::minutes(since)),
        zone: None,
        observed_at: now() - Duration::minutes(age),
        source: Source { run: None, kind: SourceKind::Batch },
        evidence: vec![],
    }
}

/// What a tenant has changed: property and value.
type Changes = Vec<(&'static str, Value)>;

/// What each property is changed to where it stands alone; the first four decide about a record as it is.
fn changes() -> Changes {
    vec![
        ("on-break", Value::Text("deny".into())),
        ("grace-minutes-after", Value::Number(10)),
        ("authorize-unknown", Value::Switch(true)),
        ("authorize-unreachable", Value::Switch(true)),
        ("max-break-minutes", Value::Number(120)),
        ("freshness-minutes", Value::Number(66)),
        ("interval-minutes", Value::Number(15)),
    ]
}

/// Properties that act on no decision about a record. `exempt-groups` has columns instead of rows.
const NO_ROWS: &[(&str, &str)] = &[
    ("user-groups", "says who has a record"),
    ("alert-email", "is about mail"),
    ("status-source", "says how a record is read; every reason of both sources has a row"),
    ("max-shift-hours", "is held against shifts when they are read"),
    ("exempt-groups", "is two of the four columns"),
    ("zones", "says how local times are read"),
    ("default-time-zone", "says how local times are read"),
    ("brake-percent", "is about runs"),
    ("identities", "says whose time card is read"),
];

/// The four that decide about a record as it is. The others say what the record is, or when it is too old.
fn deciding() -> Changes {
    changes().into_iter().take(4).collect()
}

/// The tenants, from the one that changed nothing to the one that changed everything.
fn tenants() -> Vec<Changes> {
    let one = |name: &str| changes().into_iter().filter(move |(changed, _)| *changed == name).collect::<Changes>();
    let alone = changes().into_iter().map(|change| vec![change]);
    let surface = [one("on-break"), one("grace-minutes-after")].concat();
    let longer_break = [one("max-break-minutes"), one("on-break")].concat();
    std::iter::once(vec![]).chain(alone).chain([surface, longer_break, deciding(), changes()]).collect()
}

fn settings(changes: &Changes) -> Settings {
    let groups = ("user-groups".to_owned(), Value::Text("Hourly staff".into()));
    let values: BTreeMap<_, _> = changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain([groups]).collect();
    Settings::from_values(&values).unwrap()
}

fn named(changes: &Changes) -> String {
    let value = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Switch(on) => on.to_string(),
        other => format!("{other:?}"),
    };
    let each: Vec<_> = changes.iter().map(|(name, to)| format!("{name} = {}", value(to))).collect();
    if each.is_empty() { "the defaults".to_owned() } else { each.join(", ") }
}

/// Age in minutes, minutes since the status began, and how they read.
const MOMENTS: &[(i64, i64, &str)] =
    &[(5, 5, "read 5 min ago, since 5 min"), (65, 75, "read 65 min ago, since 75 min"), (66, 76, "read 66 min ago, since 76 min")];

/// Every record of the matrix, the last of them none.
fn records() -> Vec<Option<Record>> {
    let of = |(age, since, _): &(i64, i64, &str)| {
        ROWS.iter().map(|(status, reason)| Some(record(*status, *reason, *age, *since))).collect::<Vec<_>>()
    };
    MOMENTS.iter().flat_map(of).chain([None]).collect()
}

/// The four columns: reached, not reached; then the same for a worker in an exempt group.
fn cells(record: Option<&Record>, settings: &Settings) -> [Decision; 4] {
    let record = record.map(|record| read_anew(record, settings));
    [(false, Reach::Reached), (false, Reach::Failed), (true, Reach::Reached), (true, Reach::Failed)]
        .map(|(exempt, reach)| decide(record.as_ref(), exempt, reach, settings, now()))
}

fn row(text: &mut String, label: &str, record: Option<&Record>, settings: &Settings) {
    let cell = |decision: Decision| format!("{:<5} {:<18}", if decision.allow { "allow" } else { "deny" }, decision.reason);
    writeln!(text, "{label:<28}| {}", cells(record, settings).map(cell).join("| ").trim_end()).unwrap();
}

fn matrix() -> String {
    let mut text = format!(
        "May the worker? Columns: UKG reached, UKG not reached; then the same for a worker in an exempt group.\n\
         A break that was too long began {TOO_LONG} minutes before it was read; max-break-minutes acts on what was read.\n"
    );
    for tenant in tenants() {
        let (name, settings) = (named(&tenant), settings(&tenant));
        for (age, since, moment) in MOMENTS {
            writeln!(text, "\n## {name}; {moment}").unwrap();
            for (status, reason) in ROWS {
                let label = format!("{status} {reason}");
                row(&mut text, &label, Some(&record(*status, *reason, *age, *since)), &settings);
            }
        }
        writeln!(text, "\n## {name}; no record").unwrap();
        row(&mut text, "unknown", None, &settings);
    }
    text
}

#[test]
fn the_access_matrix_is_as_it_was() {
    expect_file!["matrix.txt"].assert_eq(&matrix());
}

#[test]
fn every_status_and_every_reason_has_a_row() {
    for status in Status::ALL {
        assert!(ROWS.iter().any(|(listed, _)| listed == status), "{status} has no row");
    }
    for reason in Reason::ALL {
        assert!(ROWS.iter().any(|(_, listed)| listed == reason), "{reason} has no row");
    }
}

#[test]
fn every_verdict_decides_somewhere() {
    let matrix = matrix();
    for verdict in Verdict::ALL {
        let decides = |word: &str| matrix.lines().any(|line| line.contains(&format!(" {word} ")) || line.ends_with(&format!(" {word}")));
        assert!(decides(verdict.word()), "{verdict} decides nowhere");
    }
}

#[test]
fn every_property_has_rows_of_its_own_or_a_cause_to_have_none() {
    let with: BTreeSet<_> = changes().iter().map(|(name, _)| *name).collect();
    let without: BTreeSet<_> = NO_ROWS.iter().map(|(name, _)| *name).collect();
    for property in PROPERTIES {
        let (name, changed) = (property.name, with.contains(property.name));
        assert!(changed != without.contains(name), "{name} needs rows, or a cause to have none");
        assert!(changed || !property.what_if, "{name} acts on records, so it needs rows");
    }
    assert_eq!(with.len() + without.len(), PROPERTIES.len(), "a property that is none");
}

#[test]
fn every_property_with_rows_decides_some_cell_otherwise() {
    let defaults = settings(&vec![]);
    for change in changes() {
        let changed = settings(&vec![change.clone()]);
        let otherwise = records().iter().any(|record| cells(record.as_ref(), &defaults) != cells(record.as_ref(), &changed));
        assert!(otherwise, "{} changes nothing", change.0);
    }
}

/// So the rows of each property alone, and those of the defaults, tell every combination of those that decide.
#[test]
fn no_two_properties_decide_the_same_cell() {
    let all = deciding();
    let defaults = settings(&vec![]);
    for chosen in 0..1_u32 << all.len() {
        let combined: Changes = all.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, change)| change.clone()).collect();
        for record in records() {
            let together = cells(record.as_ref(), &settings(&combined));
            let plain = cells(record.as_ref(), &defaults);
            for (cell, (together, plain)) in together.iter().zip(&plain).enumerate() {
                let alone = combined.iter().map(|change| cells(record.as_ref(), &settings(&vec![change.clone()]))[cell].clone());
                let moved: Vec<_> = alone.filter(|alone| alone != plain).collect();
                assert!(moved.len() <= 1 && moved.first().unwrap_or(plain) == together, "{}: {record:?}", named(&combined));
            }
        }
    }
}
