//! The measurements as a table for people.

use std::fmt::{Error, Write as _};

use crate::{MOST_KIB, MOST_START_MS, Measured};

/// The whole report.
pub(crate) fn of(measured: &Measured) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(text, "{} tenants in one process; simulators share the processors.", measured.tenants)?;
    writeln!(
        text,
        "\nfrom the start until ready   {:>9.0} ms, below {MOST_START_MS}; of one tenant {:.0}",
        measured.start_ms, measured.start_of_one_ms
    )?;
    writeln!(text, "a process with one tenant    {:>9} KiB", measured.one_tenant_kib)?;
    writeln!(text, "each more, after the start   {:>9.1} KiB, below {MOST_KIB}", measured.new_kib)?;
    writeln!(text, "  after an event of each     {:>9.1} KiB; all dealt with after {} s", measured.busy_kib, measured.events_seconds)?;
    writeln!(text, "  after a while idle         {:>9.1} KiB, below {MOST_KIB}", measured.idle_kib)?;
    writeln!(text, "all of them idle             {:>9.2} % of a processor", measured.idle_processor * 100.0)?;
    Ok(text)
}
