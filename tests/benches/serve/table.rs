//! The measurements as a table for people.

use std::fmt::{Error, Write as _};

use crate::load::Answered;
use crate::{LEAST_DECISIONS, LEAST_EVENTS, MOST_GROWTH, MOST_P99_MS, Measured};

/// The whole report.
pub(crate) fn of(measured: &Measured) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(text, "{} connections, {} workers; clients and simulators share the processors.", measured.connections, measured.workers)?;
    writeln!(text, "\n{:<34}{:>12}{:>12}{:>12}", "", "a second", "p50", "p99")?;
    line(&mut text, "empty handler, posts of events", &measured.empty)?;
    line(&mut text, "events, until durable (202)", &measured.events)?;
    writeln!(text, "{:<34}{:>12.0}", "events, until the record is stored", measured.events_end_to_end)?;
    line(&mut text, "empty handler, the same again", &measured.empty_after)?;
    line(&mut text, "empty handler, questions", &measured.empty_questions)?;
    match &measured.wasmtime_serve {
        Some(hello) => line(&mut text, "wasmtime serve 48, hello component", hello)?,
        None => writeln!(text, "wasmtime serve 48: not on the path; cargo install wasmtime-cli@48 --locked brings it")?,
    }
    line(&mut text, "decisions", &measured.decisions)?;
    line(&mut text, "decisions at half load", &measured.decisions_at_half)?;
    writeln!(text, "\nprocessor time of the program: {} µs an event, {} µs a decision", measured.event_us, measured.decision_us)?;
    writeln!(text, "\nevents to empty handler     {:.3}, at least {LEAST_EVENTS}", measured.events_to_empty)?;
    writeln!(text, "decisions to empty handler  {:.3}, at least {LEAST_DECISIONS}", measured.decisions_to_empty)?;
    writeln!(text, "p99 at half load            {} ms, below {MOST_P99_MS}", measured.decisions_at_half.p99_ms)?;
    writeln!(
        text,
        "memory after {} events  {:.2} times that after a tenth, at most {MOST_GROWTH}",
        measured.events.posts, measured.memory_growth
    )?;
    Ok(text)
}

fn line(text: &mut String, name: &str, answered: &Answered) -> Result<(), Error> {
    writeln!(text, "{name:<34}{:>12.0}{:>9.2} ms{:>9.2} ms", answered.a_second, answered.p50_ms, answered.p99_ms)
}
