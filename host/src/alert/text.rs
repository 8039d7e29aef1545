//! The words of the alerts. The text says everything; the HTML says the same.

use chrono::{DateTime, Utc};

use super::AlertMail;
use crate::history::{Failure, Run};

/// What to type.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The longest name of a job in a subject, in characters.
const MAX_NAME: usize = 100;

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
    mail(&format!("{} failed for {} ({})", name(&run.process), run.tenant, name(&failure.code)), &headline, &rows)
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
    mail(&format!("{} is working again for {}", name(&run.process), run.tenant), &headline, &rows)
}

fn mail(subject: &str, headline: &str, rows: &[(&str, String)]) -> AlertMail {
    let mut text = format!("{headline}\n");
    let mut html = format!("<p><strong>{}</strong></p>\n<table>\n", escape(headline));
    for (title, value) in rows {
        text.push_str(&format!("\n{title}:\n  {}\n", value.trim().replace('\n', "\n  ")));
        let value = escape(value.trim()).replace('\n', "<br>");
        html.push_str(&format!("<tr><th align=\"left\" valign=\"top\">{}</th><td>{value}</td></tr>\n", escape(title)));
    }
    html.push_str("</table>\n");
    AlertMail { subject: one_line(subject), text, html }
}

/// To the second, with the zone said.
fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn name(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(250).collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
