//! How a run ends, in words: what the plugin told, and what the host itself has to say where the plugin cannot.
//!
//! It reads no clock and writes nothing.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::capability::Journal;
use crate::history::{Counts, Ending, Failure, Status, Story, Warning};
use crate::limits::{Entry as EntryPoint, raise_of};
use crate::plugin::{CallError, Outcome};
use crate::scheduler::{MakesUp, Missed};
use crate::tenant::Tenant;

/// The ending of a run that the plugin itself told.
pub(super) fn told(outcome: Outcome) -> Ending {
    let report = outcome.report;
    let status = match &outcome.failure {
        Some(_) => Status::Error,
        None if report.warnings.is_empty() => Status::Complete,
        None => Status::CompleteWarn,
    };
    Ending {
        status,
        counts: Some(Counts(report.counts)).filter(|counts| !counts.0.is_empty()),
        warnings: report.warnings,
        failure: outcome.failure,
        story: Story { steps: report.steps, ..Story::default() },
    }
}

/// Adds what the host itself has to warn of.
pub(super) fn warn(ending: &mut Ending, warning: Warning) {
    ending.warnings.push(warning);
    if ending.status == Status::Complete {
        ending.status = Status::CompleteWarn;
    }
}

/// What a run that makes up for something has to warn of.
pub(super) fn missed_warnings(tenant: &Tenant, MakesUp { missed, cut_off }: MakesUp) -> Vec<Warning> {
    let moment = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let cut_off = cut_off.map(|began| {
        format!("The run that began at {} was cut off: the host ended before it did. This run makes up for it.", moment(began))
    });
    let missed = missed.map(|Missed { count, first }| {
        let (runs, verb) = if count == 1 { ("1 run".to_owned(), "was") } else { (format!("{count} runs"), "were") };
        let first = moment(first);
        format!("{runs} did not start when they {verb} due, from {first} on: the host was not running, or the tenant was paused. This run makes up for them.")
    });
    let code = format!("{}{SCHEDULE_MISSED}", tenant.description.code_prefix);
    cut_off.into_iter().chain(missed).map(|message| Warning { code: code.clone(), message, subject: None }).collect()
}

/// What there is to say of notes that were left out.
pub(crate) fn dropped_notes(tenant: &Tenant, prefix: &str, journal: &Journal, entry: EntryPoint) -> Option<Warning> {
    let dropped = Some(journal.dropped()).filter(|dropped| *dropped > 0)?;
    let (most, remedy) = (tenant.limits.of(entry).notes, raise_of(&tenant.name, entry, "notes"));
    let message = format!("The plugin made more than {most} notes, and {dropped} of them were left out; {remedy}.");
    Some(Warning { code: format!("{prefix}{NOTES_LEFT_OUT}"), message, subject: None })
}

/// The number of the catalogue under which a pack explains that notes were left out.
const NOTES_LEFT_OUT: &str = "53";

/// The number of the catalogue under which a pack explains that a schedule was missed.
const SCHEDULE_MISSED: &str = "60";

/// The failure of a job that should have run and did not, in the words of the pack's own catalogue where it has them.
pub(super) fn stall_failure(tenant: &Tenant, since: DateTime<Utc>, due: u64) -> Failure {
    let known = tenant.description.errors.iter().find(|info| info.number == SCHEDULE_MISSED);
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    let look = "Look in the history whether a run is under way that does not end, whether another program holds the job, and in \
                the log of the host whether its store fails.";
    Failure {
        code: format!("{}{SCHEDULE_MISSED}", tenant.description.code_prefix),
        title: known.map_or_else(|| "A schedule was missed".to_owned(), |info| info.title.clone()),
        message: format!("No run has come to an end since {since}, well or badly, although {due} were due since."),
        remedy: known.map_or_else(|| look.to_owned(), |info| format!("{look} {}", info.remedy)),
    }
}

/// The number of the catalogue under which a pack's listener tells that it knows nobody of the name.
const NOBODY: &str = "62";

/// Whether a plugin says that it knows nobody of the name: the caller's mistake, and no trouble of the host's.
pub(crate) fn is_about_nobody(tenant: &Tenant, failure: &Failure) -> bool {
    let prefix = tenant.description.listener.as_ref().map(|listener| listener.code_prefix.as_str());
    prefix.is_some_and(|prefix| failure.code.strip_prefix(prefix) == Some(NOBODY))
}

/// The ending of a look-up that found out that there is nobody: it did what was asked.
pub(super) fn asked_in_vain(failure: &Failure, user: &str) -> Ending {
    let Failure { code, message, .. } = failure.clone();
    let warning = Warning { code, message, subject: Some(user.to_owned()) };
    Ending { warnings: vec![warning], ..Ending::new(Status::CompleteWarn) }
}

/// The ending of a run that failed.
pub(super) fn failed(failure: Failure) -> Ending {
    Ending { failure: Some(failure), ..Ending::new(Status::Error) }
}

/// The failure of a plugin that could not speak for itself, in the words of the pack's own catalogue where it has them.
pub(crate) fn failure(tenant: &Tenant, error: &CallError) -> Failure {
    failure_coded(tenant, &tenant.description.code_prefix, error)
}

/// The same, with what else its codes may begin with.
pub(crate) fn failure_coded(tenant: &Tenant, prefix: &str, error: &CallError) -> Failure {
    let (number, message) = match error {
        CallError::Failure(failure) => return (**failure).clone(),
        CallError::Trap(_) | CallError::Data(_) | CallError::Ungranted(_) => ("50", error.to_string()),
        CallError::Time(_) | CallError::Cpu(_) => ("51", error.to_string()),
        CallError::Memory(_) => ("52", error.to_string()),
    };
    let known = tenant.description.errors.iter().find(|info| info.number == number);
    Failure {
        code: format!("{prefix}{number}"),
        title: known.map_or_else(|| "The plugin failed".to_owned(), |info| info.title.clone()),
        message,
        remedy: known.map_or_else(|| "Run it again, and tell the pack's author if it fails again.".to_owned(), |info| info.remedy.clone()),
    }
}
