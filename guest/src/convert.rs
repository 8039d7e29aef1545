//! Where the words of the contract become those of the core, and back. Nothing else names both.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Duration, Utc};
use shift_access_core::catalogue::{self, CATALOGUE};
use shift_access_core::decide::{self, Decision};
use shift_access_core::identity::{Identity, State};
use shift_access_core::record::{Evidence, Record};
use shift_access_core::settings::{self, Kind as CoreKind, PROPERTIES, Settings, Severity as CoreSeverity, Value as CoreValue};

use crate::access::{Comparison, Explanation};
use crate::bindings::exports::shift_access::plugin::jobs::{Count, Failure, Report, Step, StepOutcome, Warning};
use crate::bindings::exports::shift_access::plugin::listener::{self as listener_export, Disposition};
use crate::bindings::exports::shift_access::plugin::pack::{ErrorInfo, Kind, Problem, PropertyInfo, Severity};
use crate::bindings::exports::shift_access::plugin::{access, roster};
use crate::bindings::shift_access::plugin::properties::{self, Property, Value};
use crate::changes;
use crate::identities::Identities;
use crate::listener::Outcome;
use crate::report;
use crate::trouble::Trouble;

/// The properties as the description shows them.
pub fn properties() -> Vec<PropertyInfo> {
    PROPERTIES
        .iter()
        .map(|info| PropertyInfo {
            name: info.name.into(),
            title: info.title.into(),
            summary: info.summary.into(),
            kind: kind(info.kind),
            default: info.default.value().map(value),
            required: info.required,
            what_if: info.what_if,
        })
        .collect()
}

fn kind(kind: CoreKind) -> Kind {
    match kind {
        CoreKind::Text => Kind::Text,
        CoreKind::Number { min, max } => Kind::Number((min, max)),
        CoreKind::Switch => Kind::Switch,
        CoreKind::Items => Kind::Items,
        CoreKind::Table => Kind::Table,
        CoreKind::Choice(choices) => Kind::Choice(choices.iter().map(|choice| (*choice).to_owned()).collect()),
    }
}

fn value(value: CoreValue) -> Value {
    match value {
        CoreValue::Text(text) => Value::Text(text),
        CoreValue::Number(number) => Value::Number(number),
        CoreValue::Switch(on) => Value::Switch(on),
        CoreValue::Items(items) => Value::Items(items),
        CoreValue::Table(table) => Value::Table(table.into_iter().collect()),
    }
}

/// Properties, or options of a job, by name.
pub fn values(properties: Vec<Property>) -> BTreeMap<String, CoreValue> {
    let value = |value| match value {
        Value::Text(text) => CoreValue::Text(text),
        Value::Number(number) => CoreValue::Number(number),
        Value::Switch(on) => CoreValue::Switch(on),
        Value::Items(items) => CoreValue::Items(items),
        Value::Table(table) => CoreValue::Table(table.into_iter().collect()),
    };
    properties.into_iter().map(|property| (property.name, value(property.value))).collect()
}

/// The catalogue as the description shows it.
pub fn errors() -> Vec<ErrorInfo> {
    CATALOGUE
        .iter()
        .map(|entry| ErrorInfo {
            number: format!("{:02}", entry.number),
            title: entry.title.into(),
            message: entry.message.into(),
            remedy: entry.remedy.into(),
        })
        .collect()
}

/// Every problem with these properties.
pub fn check(properties: Vec<Property>) -> Vec<Problem> {
    settings::check(&values(properties)).into_iter().map(problem).collect()
}

fn problem(problem: settings::Problem) -> Problem {
    Problem {
        severity: match problem.severity {
            CoreSeverity::Error => Severity::Error,
            CoreSeverity::Warning => Severity::Warning,
        },
        key: problem.key,
        code: problem.number.map(|number| catalogue::code(catalogue::JOBS, number)),
        message: problem.message,
        remedy: problem.remedy,
    }
}

thread_local! {
    /// The settings that the last call went by, with the revision of the properties. A platform may call an instance again
    /// and again, and to read them takes longer than a decision.
    static READ: RefCell<Option<(u64, Rc<Settings>)>> = const { RefCell::new(None) };
}

/// The tenant's settings; else the first thing that is wrong with them, with the others in its message.
pub fn settings() -> Result<Rc<Settings>, Trouble> {
    let revision = properties::revision();
    READ.with_borrow_mut(|read| match read {
        Some((of, settings)) if *of == revision => Ok(settings.clone()),
        _ => {
            let settings = Rc::new(checked(&values(properties::all()))?);
            *read = Some((revision, settings.clone()));
            Ok(settings)
        }
    })
}

fn checked(values: &BTreeMap<String, CoreValue>) -> Result<Settings, Trouble> {
    Settings::from_values(values).map_err(|problems| {
        let number = problems.iter().find_map(|problem| problem.number).unwrap_or(catalogue::OUT_OF_BOUNDS);
        let lines: Vec<_> = problems.iter().map(|problem| format!("{}: {}; {}", problem.key, problem.message, problem.remedy)).collect();
        Trouble::new(number, lines.join(". "))
    })
}

/// The tenant's settings, and the same with some properties changed; else why what-if cannot tell.
pub fn settings_and(changed: Vec<Property>) -> Result<(Rc<Settings>, Settings), Trouble> {
    let today = settings()?;
    let silent = |name: &str| settings::property(name).is_some_and(|info| !info.what_if);
    if let Some(property) = changed.iter().find(|property| silent(&property.name)) {
        let names: Vec<_> = PROPERTIES.iter().filter(|info| info.what_if).map(|info| info.name).collect();
        let message = format!(
            "{} acts when a batch reads punches and people, which stored records do not hold; what-if can show: {}",
            property.name,
            names.join(", ")
        );
        return Err(Trouble::new(catalogue::OUT_OF_BOUNDS, message));
    }
    let mut all = values(properties::all());
    all.extend(values(changed));
    Ok((today, checked(&all)?))
}

/// Why a call failed, with the row of the catalogue beside it.
pub fn failure(prefix: &str, trouble: Trouble, done: report::Report) -> Failure {
    let entry = catalogue::entry(trouble.number);
    Failure {
        code: catalogue::code(prefix, trouble.number),
        title: entry.map_or_else(|| "Failed".to_owned(), |entry| entry.title.to_owned()),
        message: trouble.message,
        remedy: entry.map_or_else(String::new, |entry| entry.remedy.to_owned()),
        report: report(prefix, done),
    }
}

/// What a run did.
pub fn report(prefix: &str, report: report::Report) -> Report {
    Report {
        counts: report.counts.into_iter().map(|(name, value)| Count { name: name.to_owned(), value }).collect(),
        warnings: report.warnings.into_vec().into_iter().map(|warning| self::warning(prefix, warning)).collect(),
        steps: report.steps.into_iter().map(step).collect(),
    }
}

fn warning(prefix: &str, warning: report::Warning) -> Warning {
    Warning { code: catalogue::code(prefix, warning.number), message: warning.message, subject: warning.subject }
}

fn step(step: report::Step) -> Step {
    let outcome = match step.outcome {
        report::Outcome::Passed => StepOutcome::Passed,
        report::Outcome::Warned => StepOutcome::Warned,
        report::Outcome::Failed => StepOutcome::Failed,
        report::Outcome::Skipped => StepOutcome::Skipped,
    };
    Step { title: step.title, outcome, detail: step.detail }
}

/// A record as the roster shows it.
pub fn entry(record: Record, now: DateTime<Utc>) -> roster::Entry {
    let age = decide::age(&record, now);
    roster::Entry {
        user: record.user,
        person_number: record.person_number,
        status: record.status.word().into(),
        reason: record.reason.word().into(),
        since: record.since.map(|at| at.timestamp_millis()),
        observed_at: record.observed_at.timestamp_millis(),
        age_seconds: seconds(age),
        source: roster::Source { run: record.source.run, kind: record.source.kind.word().into() },
        evidence: record.evidence.into_iter().map(evidence).collect(),
    }
}

/// What became of an event.
pub fn disposition(outcome: Outcome) -> Disposition {
    match outcome {
        Outcome::Done => Disposition::Done,
        Outcome::Retry(seconds) => Disposition::Retry(seconds),
        Outcome::Rejected(message) => {
            let code = Some(catalogue::code(catalogue::LISTENER, catalogue::EVENT_NOT_UNDERSTOOD));
            Disposition::Reject(listener_export::Problem { code, message })
        }
    }
}

/// Some of the changes.
pub fn changes(listing: changes::Listing, now: DateTime<Utc>) -> roster::ChangeListing {
    let change =
        |found: changes::Change| roster::Change { id: found.id, user: found.user, entry: found.record.map(|record| entry(record, now)) };
    roster::ChangeListing { items: listing.items.into_iter().map(change).collect(), oldest: listing.oldest, latest: listing.latest }
}

/// One step of the way to a status or a decision.
fn evidence(step: Evidence) -> roster::Evidence {
    roster::Evidence { at: step.at.map(|at| at.timestamp_millis()), what: step.what }
}

/// How a decision comes about, as the answer to its question.
pub fn explanation(question: access::Question, explained: Explanation) -> access::Explanation {
    access::Explanation {
        entry: explained.record.map(|record| entry(record, explained.at)),
        decision: decision(question, explained.decision),
        steps: explained.steps.into_iter().map(evidence).collect(),
    }
}

/// A decision beside another about the same user.
pub fn comparison(compared: Comparison) -> access::Comparison {
    let question = || access::Question { user: compared.user.clone(), surface: None };
    access::Comparison { today: decision(question(), compared.today), then: decision(question(), compared.then) }
}

/// A decision as the answer to its question.
pub fn decision(question: access::Question, decision: Decision) -> access::Decision {
    access::Decision {
        user: question.user,
        surface: question.surface,
        allow: decision.allow,
        reason: decision.reason.to_owned(),
        status: decision.status.word().to_owned(),
        since: decision.since.map(|at| at.timestamp_millis()),
        as_of: decision.as_of.map(|at| at.timestamp_millis()),
        age_seconds: decision.age.map(seconds),
        source: decision.source.map(|source| roster::Source { run: source.run, kind: source.kind.word().into() }),
    }
}

/// The core never makes an age below zero.
fn seconds(age: Duration) -> u64 {
    u64::try_from(age.num_seconds()).unwrap_or_default()
}

/// A page of the report on identities.
pub fn identities(page: Identities) -> roster::IdentityListing {
    let identity = |found: Identity| roster::Identity {
        state: found.state.word().to_owned(),
        user: found.user,
        person_numbers: found.person_numbers,
        person_user: found.person_user,
        pinned: found.pinned,
        cause: found.cause.map(|cause| cause.word().to_owned()),
        explanation: found.explanation,
        suggestion: found.suggestion,
    };
    roster::IdentityListing {
        items: page.items.into_iter().map(identity).collect(),
        states: State::ALL.iter().map(|state| state.word().to_owned()).collect(),
        warnings: page.warnings.into_vec().into_iter().map(|warning| self::warning(catalogue::JOBS, warning)).collect(),
        cursor: page.cursor,
    }
}
