//! The words of the alerts.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{AlertMail, Stall};
use crate::history::{Failure, Run};
use crate::mail::page::{Part, clipped, one_line};

/// What to type.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The longest name of a job in a subject, in characters.
const MAX_NAME: usize = 100;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 240;

/// Something failed.
pub(super) fn failed(run: &Run, failure: &Failure, since: DateTime<Utc>) -> AlertMail {
    let headline = format!("{} failed for {}: {}", run.process, run.tenant, failure.title);
    let rows = [
        ("Code", failure.code.clone()),
        ("What happened", failure.message.clone()),
        ("What to do", failure.remedy.clone()),
        ("Failing since", moment(since)),
        ("This run", format!("{}, started {}", run.run, moment(run.started))),
        ("More", format!("{} history {} {}", PROGRAM, run.tenant, run.run)),
    ];
    mail(&format!("{} failed for {} ({})", name(&run.process), run.tenant, name(&failure.code)), headline, rows, false)
}

/// It works again.
pub(super) fn working_again(run: &Run, since: DateTime<Utc>) -> AlertMail {
    let headline = format!("{} is working again for {}", run.process, run.tenant);
    let rows = [
        ("Was failing since", moment(since)),
        ("This run", format!("{}, started {}", run.run, moment(run.started))),
        ("Status", run.status.to_string()),
        ("Warnings", run.warnings.len().to_string()),
        ("More", format!("{} history {} {}", PROGRAM, run.tenant, run.run)),
    ];
    mail(&format!("{} is working again for {}", name(&run.process), run.tenant), headline, rows, true)
}

/// Nothing ends any more.
pub(super) fn stalled(stall: &Stall<'_>) -> AlertMail {
    let Stall { tenant, process, failure, since, .. } = stall;
    let headline = format!("{process} stands still for {tenant}: {}", failure.title);
    let rows = [
        ("Code", failure.code.clone()),
        ("What happened", failure.message.clone()),
        ("What to do", failure.remedy.clone()),
        ("Nothing ended since", moment(*since)),
        ("More", format!("{PROGRAM} history {tenant}")),
    ];
    mail(&format!("{} stands still for {tenant} ({})", name(process), name(&failure.code)), headline, rows, false)
}

fn mail(subject: &str, headline: String, rows: impl IntoIterator<Item = (&'static str, String)>, good: bool) -> AlertMail {
    AlertMail { subject: clipped(&one_line(subject), MAX_SUBJECT), part: Part::new(headline, rows), good }
}

/// To the second, in UTC.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn name(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}
