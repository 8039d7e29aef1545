//! A run of the listener: it sums up a minute of events.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::consumer::LISTENER;
use crate::capability::{Journal, Lent};
use crate::history::{Counts, Ending, Failure, Level, OpenRun, Status, Trigger, Warning};
use crate::limits::Entry;
use crate::plugin::CallError;
use crate::runner::{self, Calls, Runner};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// How long a run gathers what happens.
const LONG: TimeDelta = TimeDelta::seconds(60);

/// Warnings of one run at most; of more there is a number.
const MOST_WARNINGS: usize = 200;

/// What became of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) done: u64,
    pub(super) retried: u64,
    pub(super) rejected: u64,
}

/// A run that is open.
pub(super) struct Minute {
    open: OpenRun,
    over: DateTime<Utc>,
    journal: Arc<Journal>,
    calls: Arc<Calls>,
    tally: Tally,
    warnings: Vec<Warning>,
    unsaid: usize,
    /// The plugin answered.
    heard: bool,
    /// The first time it did not.
    failure: Option<Failure>,
}

impl Minute {
    /// Writes that a run starts.
    pub(super) async fn begin(runner: &Runner, tenant: &Tenant) -> Result<Self, StoreError> {
        let process = tenant.description.listener.as_ref().map_or(LISTENER, |listener| listener.process.as_str());
        let open = runner.start(tenant, LISTENER, process, Trigger::Event).await?;
        let over = runner.clock.now() + LONG;
        Ok(Self {
            open,
            over,
            journal: Arc::new(Journal::default().with_notes(tenant.limits.listener.notes)),
            calls: Arc::new(runner.calls(tenant)),
            tally: Tally::default(),
            warnings: Vec::new(),
            unsaid: 0,
            heard: false,
            failure: None,
        })
    }

    /// The run's id.
    pub(super) fn id(&self) -> &str {
        &self.open.run.run
    }

    /// When it is over.
    pub(super) fn over(&self) -> DateTime<Utc> {
        self.over
    }

    /// How many calls the plugin has made to other systems.
    pub(super) fn called(&self) -> u64 {
        self.calls.made()
    }

    /// What the plugin is lent for a call of this run.
    pub(super) fn lend(&self, runner: &Runner, tenant: &Tenant) -> Lent {
        runner.loan(tenant, self.journal.clone(), runner::logged(tenant, self.calls.clone()))
    }

    /// The plugin answered.
    pub(super) fn answered(&mut self) {
        self.heard = true;
    }

    /// The plugin failed.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.failure.get_or_insert_with(|| failure.clone());
    }

    /// Adds up what is settled.
    pub(super) fn settled(&mut self, tally: Tally, warnings: Vec<Warning>) {
        self.tally.done += tally.done;
        self.tally.retried += tally.retried;
        self.tally.rejected += tally.rejected;
        for warning in warnings {
            if self.warnings.len() < MOST_WARNINGS {
                self.warnings.push(warning);
            } else {
                self.unsaid += 1;
            }
        }
    }

    /// Writes how it ended, and how many duplicates came meanwhile. A run that cannot be written is told in the log; its events are settled all the same.
    pub(super) async fn end(self, runner: &Runner, tenant: &Tenant, duplicates: u64) {
        let id = self.open.run.run.clone();
        let Tally { done, retried, rejected } = self.tally;
        let counts = [
            ("events", done + retried + rejected),
            ("done", done),
            ("retried", retried),
            ("rejected", rejected),
            ("duplicates", duplicates),
        ];
        let mut warnings = self.warnings;
        if self.unsaid > 0
            && let Some(last) = warnings.last().cloned()
        {
            let message = format!("{} more events were given up; the dead letters tell why", self.unsaid);
            warnings.push(Warning { code: last.code, message, subject: None });
        }
        warnings.extend(runner::dropped_notes(tenant, code_prefix(tenant), &self.journal, Entry::Listener));
        let notes = self.journal.notes();
        let noted = notes.iter().any(|note| note.level != Level::Info);
        // Where the plugin answered at all, what it failed over is a warning.
        let failure = self.failure.filter(|_| !self.heard);
        let status = match &failure {
            Some(_) => Status::Error,
            None if noted || retried > 0 || rejected > 0 || !warnings.is_empty() => Status::CompleteWarn,
            None => Status::Complete,
        };
        let mut ending = Ending { failure, warnings, ..Ending::new(status) };
        ending.counts = Some(Counts(counts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
        ending.story.notes = notes;
        ending.story.calls = self.calls.take();
        if let Err(error) = runner.finish(self.open, ending).await {
            tracing::error!(tenant = %tenant.name, run = id, %error, "the end of a listener's run could not be written to the history");
        }
    }
}

/// The failure of a plugin that could not speak for itself, in the words of its listener's catalogue.
pub(super) fn failure(tenant: &Tenant, error: &CallError) -> Failure {
    runner::failure_coded(tenant, code_prefix(tenant), error)
}

/// What the codes of the tenant's listener begin with.
pub(super) fn code_prefix(tenant: &Tenant) -> &str {
    tenant.description.listener.as_ref().map_or(&tenant.description.code_prefix, |listener| &listener.code_prefix)
}
