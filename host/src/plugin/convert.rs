//! From the contract's types to the host's own. The only file of the host that names both.

use std::time::Duration;

use chrono::DateTime;

use super::Report;
use super::bindings::exports::shift_access::plugin::{access, jobs, listener, pack, roster};
use crate::answer::{
    Change, Comparison, Comparisons, Decision, Disposition, Entry, Evidence, Explanation, Identities, Identity, RosterChange,
    RosterChanges, Source, Verdict,
};
use crate::description as own;
use crate::history::{Failure, Step, StepOutcome, Warning};

pub(super) fn failure(failure: jobs::Failure) -> (Failure, Report) {
    let own = Failure { code: failure.code, title: failure.title, message: failure.message, remedy: failure.remedy };
    (own, failure.report.into())
}

impl From<jobs::Report> for Report {
    fn from(report: jobs::Report) -> Self {
        let step = |s: jobs::Step| Step { title: s.title, outcome: outcome(s.outcome), detail: s.detail };
        Self {
            counts: report.counts.into_iter().map(|count| (count.name, count.value)).collect(),
            warnings: report.warnings.into_iter().map(warning).collect(),
            steps: report.steps.into_iter().map(step).collect(),
        }
    }
}

fn warning(warning: jobs::Warning) -> Warning {
    Warning { code: warning.code, message: warning.message, subject: warning.subject }
}

fn outcome(outcome: jobs::StepOutcome) -> StepOutcome {
    match outcome {
        jobs::StepOutcome::Passed => StepOutcome::Passed,
        jobs::StepOutcome::Warned => StepOutcome::Warned,
        jobs::StepOutcome::Failed => StepOutcome::Failed,
        jobs::StepOutcome::Skipped => StepOutcome::Skipped,
    }
}

fn evidence(evidence: roster::Evidence) -> Evidence {
    Evidence { at: evidence.at.and_then(DateTime::from_timestamp_millis), what: evidence.what }
}

impl From<access::Comparisons> for Comparisons {
    fn from(page: access::Comparisons) -> Self {
        Self { items: page.items.into_iter().map(Comparison::from).collect(), next: page.cursor }
    }
}

impl From<access::Comparison> for Comparison {
    fn from(compared: access::Comparison) -> Self {
        let change = match (compared.today.allow, compared.then.allow) {
            (false, true) => Change::Gains,
            (true, false) => Change::Loses,
            _ => Change::None,
        };
        Self { user: compared.today.user.clone(), change, today: compared.today.into(), then: compared.then.into() }
    }
}

impl From<roster::IdentityListing> for Identities {
    fn from(page: roster::IdentityListing) -> Self {
        let identity = |found: roster::Identity| Identity {
            state: found.state,
            user: found.user,
            person_numbers: found.person_numbers,
            person_user: found.person_user,
            pinned: found.pinned,
            cause: found.cause,
            explanation: found.explanation,
            suggestion: found.suggestion,
        };
        Self {
            items: page.items.into_iter().map(identity).collect(),
            states: page.states,
            warnings: page.warnings.into_iter().map(warning).collect(),
            next: page.cursor,
        }
    }
}

pub(super) fn entry(tenant: &str, entry: roster::Entry) -> Entry {
    Entry {
        tenant: tenant.to_owned(),
        user: entry.user,
        person_number: entry.person_number,
        status: entry.status,
        reason: entry.reason,
        since: entry.since.and_then(DateTime::from_timestamp_millis),
        observed_at: DateTime::from_timestamp_millis(entry.observed_at),
        age_seconds: Some(entry.age_seconds),
        source: Some(entry.source.into()),
        evidence: entry.evidence.into_iter().map(evidence).collect(),
    }
}

pub(super) fn changes(tenant: &str, changes: roster::ChangeListing) -> RosterChanges {
    let change =
        |change: roster::Change| RosterChange { id: change.id, user: change.user, entry: change.entry.map(|found| entry(tenant, found)) };
    RosterChanges { items: changes.items.into_iter().map(change).collect(), oldest: changes.oldest, latest: changes.latest }
}

pub(super) fn disposition(disposition: listener::Disposition) -> Disposition {
    match disposition {
        listener::Disposition::Done => Disposition::Done,
        listener::Disposition::Retry(seconds) => Disposition::Retry(Duration::from_secs(seconds.into())),
        listener::Disposition::Reject(problem) => Disposition::Reject { code: problem.code, message: problem.message },
    }
}

pub(super) fn explanation(tenant: &str, explained: access::Explanation) -> Explanation {
    Explanation {
        entry: explained.entry.map(|found| entry(tenant, found)),
        decision: explained.decision.into(),
        steps: explained.steps.into_iter().map(evidence).collect(),
    }
}

impl From<roster::Source> for Source {
    fn from(source: roster::Source) -> Self {
        Self { run: source.run, kind: source.kind }
    }
}

impl From<access::Decision> for Decision {
    fn from(decision: access::Decision) -> Self {
        Self {
            user: decision.user,
            surface: decision.surface,
            decision: if decision.allow { Verdict::Allow } else { Verdict::Deny },
            reason: decision.reason,
            status: decision.status,
            since: decision.since.and_then(DateTime::from_timestamp_millis),
            as_of: decision.as_of.and_then(DateTime::from_timestamp_millis),
            age_seconds: decision.age_seconds,
            source: decision.source.map(Source::from),
        }
    }
}

impl From<pack::Description> for own::Description {
    fn from(description: pack::Description) -> Self {
        Self {
            title: description.title,
            version: description.version,
            summary: description.summary,
            connections: description.connections.into_iter().map(connection).collect(),
            properties: description.properties.into_iter().map(property_info).collect(),
            jobs: description.jobs.into_iter().map(job_info).collect(),
            listener: description.listener.map(|l| own::ListenerInfo {
                process: l.process,
                code_prefix: l.code_prefix,
                summary: l.summary,
                fields: l.fields.into_iter().map(|f| own::EventField { name: f.name, summary: f.summary, words: f.words }).collect(),
            }),
            surfaces: description.surfaces.into_iter().map(|s| own::Surface { name: s.name, title: s.title }).collect(),
            code_prefix: description.code_prefix,
            errors: description.errors.into_iter().map(error_info).collect(),
            alert_property: description.alert_property,
        }
    }
}

fn connection(connection: pack::Connection) -> own::Connection {
    let setting = |s: pack::Setting| own::Setting {
        name: s.name,
        title: s.title,
        summary: s.summary,
        secret: s.secret,
        required: s.required,
        scheme: s.scheme,
        default: s.default,
    };
    own::Connection {
        name: connection.name,
        title: connection.title,
        address: own::AddressRule {
            strip: connection.address.strip,
            domain: connection.address.domain,
            short_endings: connection.address.short_endings,
        },
        settings: connection.settings.into_iter().map(setting).collect(),
        schemes: connection.schemes.into_iter().map(scheme).collect(),
        headers: connection.headers.into_iter().map(parameter).collect(),
        request_id_header: connection.request_id_header,
        in_flight: connection.in_flight,
    }
}

fn scheme(scheme: pack::Scheme) -> own::Scheme {
    own::Scheme {
        name: scheme.name,
        summary: scheme.summary,
        token: source(scheme.token),
        encoding: match scheme.encoding {
            pack::Encoding::Form => own::Encoding::Form,
            pack::Encoding::Json => own::Encoding::Json,
        },
        parameters: scheme.parameters.into_iter().map(parameter).collect(),
        headers: scheme.headers.into_iter().map(parameter).collect(),
        basic: scheme.basic,
        busy_code: scheme.busy_code,
    }
}

fn parameter(parameter: pack::Parameter) -> own::Parameter {
    own::Parameter { name: parameter.name, value: source(parameter.value) }
}

fn source(source: pack::Source) -> own::Source {
    match source {
        pack::Source::Literal(text) => own::Source::Literal(text),
        pack::Source::Setting(name) => own::Source::Setting(name),
    }
}

fn property_info(info: pack::PropertyInfo) -> own::PropertyInfo {
    let kind = match info.kind {
        pack::Kind::Text => own::Kind::Text,
        pack::Kind::Number((least, most)) => own::Kind::Number(least, most),
        pack::Kind::Switch => own::Kind::Switch,
        pack::Kind::Items => own::Kind::Items,
        pack::Kind::Table => own::Kind::Table,
        pack::Kind::Choice(choices) => own::Kind::Choice(choices),
    };
    own::PropertyInfo {
        name: info.name,
        title: info.title,
        summary: info.summary,
        kind,
        default: info.default.map(value),
        required: info.required,
        what_if: info.what_if,
    }
}

fn value(value: pack::Value) -> own::PropertyValue {
    match value {
        pack::Value::Text(text) => own::PropertyValue::Text(text),
        pack::Value::Number(number) => own::PropertyValue::Number(number),
        pack::Value::Switch(on) => own::PropertyValue::Switch(on),
        pack::Value::Items(items) => own::PropertyValue::Items(items),
        pack::Value::Table(rows) => own::PropertyValue::Table(rows),
    }
}

fn job_info(job: pack::JobInfo) -> own::JobInfo {
    own::JobInfo {
        name: job.name,
        process: job.process,
        summary: job.summary,
        schedulable: job.schedulable,
        interval_property: job.interval_property,
        options: job.options.into_iter().map(property_info).collect(),
    }
}

fn error_info(error: pack::ErrorInfo) -> own::ErrorInfo {
    own::ErrorInfo { number: error.number, title: error.title, message: error.message, remedy: error.remedy }
}

impl From<pack::Problem> for own::Problem {
    fn from(problem: pack::Problem) -> Self {
        Self {
            severity: match problem.severity {
                pack::Severity::Error => own::Severity::Error,
                pack::Severity::Warning => own::Severity::Warning,
            },
            key: problem.key,
            code: problem.code,
            message: problem.message,
            remedy: problem.remedy,
        }
    }
}
