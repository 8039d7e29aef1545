//! The measurements as a table for people.

use std::fmt::{Error, Write as _};

use crate::{MOST_BYTES, MOST_MS, Measured};

/// The whole report.
pub(crate) fn of(measured: &Measured) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(text, "{} workers and {} runs; each page {} times.", measured.workers, measured.runs, measured.times)?;
    writeln!(text, "\n{:26} {:>9} {:>9} {:>9} {:>9}", "page", "bytes", "first ms", "p50 ms", "p99 ms")?;
    for page in &measured.pages {
        writeln!(text, "{:26} {:>9} {:>9.1} {:>9.1} {:>9.1}", page.page, page.bytes, page.first_ms, page.p50_ms, page.p99_ms)?;
    }
    writeln!(text, "\nbelow {MOST_MS} ms at the 99th percentile, and below {MOST_BYTES} bytes")?;
    Ok(text)
}
