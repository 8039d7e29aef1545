//! The measurements as a table for people.

use std::fmt::{Error, Write as _};

use crate::{MOST_ADDED_US, Measured};

/// The whole report.
pub(crate) fn of(measured: &Measured) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(text, "{:<40}{:>13}{:>13}", "", "p50", "p99")?;
    for (name, took) in [
        ("a fresh instance, a call that is empty", &measured.fresh),
        ("a warm instance, a call that is empty", &measured.warm),
        ("a decision in the component", &measured.decision),
        ("  the rules natively", &measured.decision_natively),
        ("an event in a component", &measured.event),
        ("  its read and write natively", &measured.event_natively),
    ] {
        writeln!(text, "{name:<40}{:>10.2} µs{:>10.2} µs", took.p50_us, took.p99_us)?;
    }
    writeln!(text, "added for an event: {} µs, below {MOST_ADDED_US}", measured.event_added_us)?;
    Ok(text)
}
