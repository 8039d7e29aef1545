//! The measurements as a table for people.

use std::fmt::{Error, Write as _};

use crate::{MOST, Measured};

/// The whole report.
pub(crate) fn of(measured: &Measured) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(text, "{:<34}{:>8}{:>14}{:>14}{:>8}{:>14}", "attack", "times", "p99 quiet", "p99 beside", "ratio", "resident KiB")?;
    for noticed in &measured.attacks {
        writeln!(
            text,
            "{:<34}{:>8}{:>11.3} ms{:>11.3} ms{:>8.2}{:>14}",
            noticed.attack, noticed.times, noticed.p99_quiet_ms, noticed.p99_beside_ms, noticed.ratio, noticed.resident_kib
        )?;
    }
    writeln!(text, "at most {MOST} times")?;
    Ok(text)
}
