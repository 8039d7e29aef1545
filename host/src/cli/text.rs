//! Answers as a person reads them.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::answer::{Decision, Entry, Evidence, Verdict};
use crate::description::{Description, Kind, PropertyInfo, PropertyValue};
use crate::history::{Failure, Run, RunDetail, StepOutcome};

/// Warnings of one run shown to a person; all are in the JSON and in the history.
const WARNINGS_SHOWN: usize = 20;

pub(super) fn failure(failure: &Failure) -> String {
    format!("{} {}\n  {}\n  {}", failure.code, failure.title, failure.message, failure.remedy)
}

pub(super) fn run(detail: &RunDetail) -> Vec<String> {
    let run = &detail.run;
    let took = run.duration_ms.map_or_else(|| "not ended".to_owned(), seconds);
    let mut lines = vec![
        format!("{}  {}", run.process, run.status),
        format!("  run {}  tenant {}  started {}  took {took}", run.run, run.tenant, instant(Some(run.started))),
    ];
    lines.extend(detail.story.steps.iter().map(|step| {
        let mark = match step.outcome {
            StepOutcome::Passed => "ok     ",
            StepOutcome::Warned => "warning",
            StepOutcome::Failed => "FAILED ",
            StepOutcome::Skipped => "skipped",
        };
        format!("  {mark}  {}{}", step.title, after(": ", &step.detail))
    }));
    if let Some(counts) = &run.counts {
        let counts = counts.0.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ");
        lines.push(format!("  {counts}"));
    }
    lines.extend(
        run.warnings
            .iter()
            .take(WARNINGS_SHOWN)
            .map(|warning| format!("  warning {}  {}{}", warning.code, warning.message, subject(warning.subject.as_deref()))),
    );
    if run.warnings.len() > WARNINGS_SHOWN {
        lines.push(format!("  and {} more warnings: see `history {} {} --json`", run.warnings.len() - WARNINGS_SHOWN, run.tenant, run.run));
    }
    if let Some(found) = &run.failure {
        lines.extend(["  failed:".to_owned(), format!("  {}", failure(found).replace('\n', "\n  "))]);
    }
    lines
}

/// The way to a decision, a numbered step a line. What has a moment says it in its words, in local time.
pub(super) fn explanation(explanation: &[Evidence]) -> Vec<String> {
    explanation.iter().zip(1..).map(|(step, number)| format!("  {number:>2}. {}", step.what)).collect()
}

pub(super) fn run_head() -> String {
    format!("{:20}  {:13}  {:8}  {:>9}  {:50}  run", "started", "status", "trigger", "took", "process")
}

pub(super) fn run_line(run: &Run) -> String {
    let trigger = format!("{:?}", run.trigger).to_lowercase();
    let took = run.duration_ms.map_or_else(|| "-".to_owned(), seconds);
    let started = run.started.to_rfc3339_opts(SecondsFormat::Secs, true);
    let code = run.failure.as_ref().map(|failure| format!("  {}", failure.code)).unwrap_or_default();
    format!("{started:20}  {:13}  {trigger:8}  {took:>9}  {:50}  {}{code}", run.status, run.process, run.run)
}

pub(super) fn entry_head() -> String {
    format!("{:24}  {:10}  {:18}  {:20}  {:>9}", "user", "status", "reason", "since", "age")
}

pub(super) fn entry_line(entry: &Entry) -> String {
    let since = entry.since.map_or_else(|| "-".to_owned(), |since| since.to_rfc3339_opts(SecondsFormat::Secs, true));
    let age = entry.age_seconds.map_or_else(|| "-".to_owned(), age);
    format!("{:24}  {:10}  {:18}  {since:20}  {age:>9}", entry.user, entry.status, entry.reason)
}

/// What stands above an explanation, which tells the moments in local time: here they would be in another.
pub(super) fn entry(entry: &Entry) -> Vec<String> {
    let number = entry.person_number.as_deref().map(|number| format!(" (person {number})")).unwrap_or_default();
    let source = entry.source.as_ref().map(|source| {
        let run = source.run.as_deref().filter(|run| !run.is_empty()).map(|run| format!(", run {run}")).unwrap_or_default();
        format!("  source: {}{run}", source.kind)
    });
    std::iter::once(format!("{}{number}: {}, {}", entry.user, entry.status, entry.reason)).chain(source).collect()
}

pub(super) fn decision(decision: &Decision) -> String {
    let verdict = match decision.decision {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
    };
    let surface = decision.surface.as_deref().map(|surface| format!(" {surface}")).unwrap_or_default();
    let known = decision.age_seconds.map_or_else(|| "nothing known".to_owned(), |seconds| format!("known {} ago", age(seconds)));
    let since = decision.since.map(|since| format!(" since {}", instant(Some(since)))).unwrap_or_default();
    format!("{verdict}  {}{surface}: {} ({}{since}, {known})", decision.user, decision.reason, decision.status)
}

pub(super) fn description(description: &Description, imports: &[String]) -> Vec<String> {
    let mut lines = vec![format!("{} {}", description.title, description.version), description.summary.clone(), String::new()];
    for connection in &description.connections {
        lines.push(format!("connection {} ({})", connection.name, connection.title));
        lines.push("  url: required".to_owned());
        let schemes: Vec<_> = connection.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        lines.extend((!schemes.is_empty()).then(|| format!("  authentication: {}", schemes.join(" or "))));
        lines.extend(connection.settings.iter().map(|setting| {
            let secret = if setting.secret { ", secret" } else { "" };
            let required = if setting.required { "required" } else { "optional" };
            let scheme = setting.scheme.as_deref().map(|scheme| format!(", for {scheme}")).unwrap_or_default();
            format!("  {}: {required}{secret}{scheme}. {}", setting.name, setting.summary)
        }));
    }
    lines.push(String::new());
    lines.extend(description.properties.iter().map(|info| property("property ", info)));
    lines.push(String::new());
    for job in &description.jobs {
        lines.push(format!("job {}: {} {}", job.name, job.process, after("- ", &job.summary)));
        lines.extend(job.options.iter().map(|info| property("  option ", info)));
    }
    if let Some(listener) = &description.listener {
        lines.push(format!("listener: {}", listener.process));
    }
    let surfaces: Vec<_> = description.surfaces.iter().map(|surface| surface.name.as_str()).collect();
    lines.extend((!surfaces.is_empty()).then(|| format!("surfaces: {}", surfaces.join(", "))));
    lines.push(format!("imports: {}", imports.join(", ")));
    lines.push(String::new());
    lines.extend(description.errors.iter().map(|error| format!("{}{} {}", description.code_prefix, error.number, error.title)));
    lines
}

fn property(lead: &str, info: &PropertyInfo) -> String {
    let kind = match &info.kind {
        Kind::Text => "text".to_owned(),
        Kind::Number(least, most) => format!("number {least} to {most}"),
        Kind::Switch => "true or false".to_owned(),
        Kind::Items => "list".to_owned(),
        Kind::Table => "table".to_owned(),
        Kind::Choice(choices) => choices.join(" or "),
    };
    let default = match (&info.default, info.required) {
        (Some(value), _) => format!(", default {}", value_text(value)),
        (None, true) => ", required".to_owned(),
        (None, false) => String::new(),
    };
    format!("{lead}{}: {kind}{default}. {}", info.name, info.summary)
}

fn value_text(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Text(text) if text.is_empty() => "empty".to_owned(),
        PropertyValue::Text(text) => text.clone(),
        PropertyValue::Number(number) => number.to_string(),
        PropertyValue::Switch(on) => on.to_string(),
        PropertyValue::Items(items) if items.is_empty() => "none".to_owned(),
        PropertyValue::Items(items) => items.join(", "),
        PropertyValue::Table(rows) if rows.is_empty() => "none".to_owned(),
        PropertyValue::Table(rows) => rows.iter().map(|(name, text)| format!("{name} = {text}")).collect::<Vec<_>>().join(", "),
    }
}

fn instant(instant: Option<DateTime<Utc>>) -> String {
    instant.map_or_else(|| "-".to_owned(), |instant| instant.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn after(lead: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{lead}{text}") }
}

fn subject(subject: Option<&str>) -> String {
    subject.map(|subject| format!(" [{subject}]")).unwrap_or_default()
}
