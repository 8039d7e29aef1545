//! The access matrix: every status with every reason it comes with, under every property that matters, as one text.
//!
//! `UPDATE_SNAPSHOTS=1 cargo nextest run -p shift-access-core` writes the text anew; read the difference before you keep it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use shift_access_core::decide::{Reach, decide};
use shift_access_core::record::{Record, Source};
use shift_access_core::settings::Settings;
use shift_access_core::status::{Reason, SourceKind, Status, Verdict};

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

fn record(status: Status, reason: Reason, age: i64, since: i64) -> Record {
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

/// The tenants, from the one that changed nothing to the one that changed everything.
fn tenants() -> Vec<(&'static str, Settings)> {
    let plain = Settings::defaults;
    vec![
        ("the defaults", plain()),
        ("on-break = deny", Settings { allow_on_break: false, ..plain() }),
        ("grace-minutes-after = 10", Settings { grace_after: Duration::minutes(10), ..plain() }),
        ("authorize-unknown = true", Settings { authorize_unknown: true, ..plain() }),
        ("authorize-unreachable = true", Settings { authorize_unreachable: true, ..plain() }),
    ]
}

/// Age in minutes, minutes since the status began, and how they read.
const MOMENTS: &[(i64, i64, &str)] =
    &[(5, 5, "read 5 min ago, since 5 min"), (65, 75, "read 65 min ago, since 75 min"), (66, 76, "read 66 min ago, since 76 min")];

fn row(text: &mut String, label: &str, record: Option<&Record>, settings: &Settings) {
    let mut cells = Vec::new();
    for exempt in [false, true] {
        for reach in [Reach::Reached, Reach::Failed] {
            let decision = decide(record, exempt, reach, settings, now());
            cells.push(format!("{:<5} {:<18}", if decision.allow { "allow" } else { "deny" }, decision.reason));
        }
    }
    writeln!(text, "{label:<28}| {}", cells.join("| ").trim_end()).unwrap();
}

fn matrix() -> String {
    let mut text = String::from("May the worker? Columns: UKG reached, UKG not reached; then the same for a worker in an exempt group.\n");
    for (name, settings) in tenants() {
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix.txt");
    let matrix = matrix();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &matrix).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = matrix.lines().zip(kept.lines()).find(|(new, old)| new != old);
    assert!(
        matrix == kept,
        "the matrix differs from tests/matrix.txt, first here (new, old): {differs:#?}; UPDATE_SNAPSHOTS=1 rewrites it"
    );
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
