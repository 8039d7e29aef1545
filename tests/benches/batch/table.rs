//! The measurements as a table for people.

use std::fmt::{Error, Write as _};

use crate::company::{Batch, Company};
use crate::{MOST_GROWTH, Measured};

type Row<T> = (&'static str, fn(&T) -> String);

const BATCH: [Row<Batch>; 9] = [
    ("guest memory, peak", |batch| kib(batch.memory_peak_bytes)),
    ("calls to UKG", |batch| batch.calls_to_ukg.to_string()),
    ("calls to Access", |batch| batch.calls_to_access.to_string()),
    ("time", |batch| ms(batch.time_ms)),
    ("  of it, reading the members", |batch| ms(batch.members_ms)),
    ("answers of UKG / in flight", |batch| ms(batch.ukg_ms)),
    ("calls x delay / in flight", |batch| ms(batch.least_ms)),
    ("  time in that", |batch| format!("{:.2}", batch.ratio)),
    ("workers a second", |batch| format!("{:.0}", batch.workers_per_second)),
];

/// The whole report.
pub(crate) fn of(measured: &Measured) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(text, "Host, guest and simulators share this process and its processors.")?;
    component(&mut text, measured)?;
    if let Some(company) = measured.companies.first() {
        writeln!(text, "\nUKG takes {} a call, {} in flight; Access answers at once.", ms(company.delay_ms), company.in_flight)?;
    }
    row(&mut text, "", measured, |company| format!("{} workers", company.workers))?;
    writeln!(text, "first batch")?;
    batch(&mut text, measured, |company| &company.first)?;
    writeln!(text, "second batch, nothing changed")?;
    batch(&mut text, measured, |company| &company.second)?;
    row(&mut text, "instantiate and decide", measured, |company| ms(company.decide_ms))?;
    writeln!(text, "\nmemory grew to {} times, at most {MOST_GROWTH}", measured.memory_growth)?;
    Ok(text)
}

fn component(text: &mut String, measured: &Measured) -> Result<(), Error> {
    let component = &measured.component;
    writeln!(text, "\ncomponent")?;
    for (name, value) in [
        ("size", format!("{} bytes", component.bytes)),
        ("load, compiled anew", ms(component.load_cold_ms)),
        ("load, from the cache", ms(component.load_cached_ms)),
        ("instantiate and describe", ms(component.describe_ms)),
    ] {
        writeln!(text, "  {name:<32}{value:>18}")?;
    }
    Ok(())
}

fn batch(text: &mut String, measured: &Measured, of: fn(&Company) -> &Batch) -> Result<(), Error> {
    BATCH.iter().try_for_each(|(name, show)| row(text, &format!("  {name}"), measured, |company| show(of(company))))
}

fn row(text: &mut String, name: &str, measured: &Measured, cell: impl Fn(&Company) -> String) -> Result<(), Error> {
    let cells: String = measured.companies.iter().map(|company| format!("{:>18}", cell(company))).collect();
    writeln!(text, "{name:<34}{cells}")
}

fn kib(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

fn ms(number: f64) -> String {
    if number < 10.0 { format!("{number:.3} ms") } else { format!("{number:.0} ms") }
}
