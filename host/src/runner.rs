//! What wakes a plugin meets what it is woken for: runs, from the first line in the history to the last.
//!
//! Holds the rules of every run: one of a job at a time for a tenant, a limit in time outside the plugin, an end in
//! the history whatever happens, and a mail when a scheduled one fails.

mod calls;
mod ending;
mod look_ups;
mod order;
mod underway;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::alert::{Alerts, Stall};
use crate::answer::Entry;
use crate::capability::{Commits, Journal, Lent, Progress, Scope};
use crate::clock::Clock;
use crate::connection::HttpClient;
use crate::description::JobInfo;
use crate::history::{Counts, Ending, History, Level, NewRun, Note, OpenRun, Run, RunDetail, Status, Trigger, Witness};
use crate::limits::{Accounts, Entry as EntryPoint};
use crate::mail::Postbox;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::plugin::CallError;
use crate::store::{Guard, Store, StoreError, Write};
use crate::tenant::Tenant;

pub(crate) use calls::{Calls, logged};
pub(crate) use look_ups::LookUps;

use ending::{asked_in_vain, failed, missed_warnings, stall_failure, told, warn};
pub(crate) use ending::{dropped_notes, failure, failure_coded, is_about_nobody};
pub(crate) use order::time_limit;
pub use order::{Order, OrderError};
pub(crate) use underway::Underway;

/// What a run of the listener for one user is called.
pub(crate) const LOOK_UP: &str = "look-up";

/// Why a run did not take place, or left no trace.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another one of this job is running.
    #[error("{job} is running for the tenant {tenant} already; wait until it has ended")]
    Busy {
        /// The tenant.
        tenant: String,
        /// The job.
        job: String,
    },
    /// The tenant is paused.
    #[error("the tenant {0} is paused; `shift-access tenant resume {0}` lets its jobs run again")]
    Paused(String),
    /// The history could not be written.
    #[error("the run could not be written to the history: {0}")]
    Store(#[from] StoreError),
}

/// A run that has begun and is yet to be worked on. Dropped, it becomes `ABORTED`.
pub(crate) struct Begun {
    order: Order,
    open: OpenRun,
    _alone: Guard,
}

impl Begun {
    /// The run as it stands in the history.
    pub(crate) fn run(&self) -> &Run {
        &self.open.run
    }
}

/// Runs plugins for tenants.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) history: Arc<History>,
    pub(crate) post: Option<Arc<Postbox>>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) underway: Underway,
    pub(crate) look_ups: LookUps,
}

/// The lock that whoever runs a job holds.
pub(crate) fn job_lock(job: &str) -> String {
    format!("job-{job}")
}

/// Sees the runs of a tenant end, and has the alerts written with them.
struct Telling<'a> {
    alerts: Alerts<'a>,
    outbox: &'a Outbox,
    tenant: &'a str,
    mails: AtomicUsize,
    /// What goes when the run ends.
    until_ended: Option<String>,
}

#[async_trait]
impl Witness for Telling<'_> {
    async fn saw(&self, run: &Run) -> Result<Vec<Write>, StoreError> {
        let told = self.alerts.of_run(run).await?;
        self.mails.fetch_add(told.mails, Ordering::Relaxed);
        Ok(told.writes.into_iter().chain(self.until_ended.clone().map(Write::remove)).collect())
    }
}

/// Sees a run end that somebody stopped: who did so knows, and nothing makes up for it.
struct Stopped {
    until_ended: Option<String>,
}

#[async_trait]
impl Witness for Stopped {
    async fn saw(&self, _run: &Run) -> Result<Vec<Write>, StoreError> {
        Ok(self.until_ended.iter().map(Write::remove).collect())
    }
}

impl Telling<'_> {
    /// What was written is stored: it may be sent.
    fn stored(&self) {
        if self.mails.load(Ordering::Relaxed) > 0 {
            self.outbox.wake(self.tenant);
        }
    }
}

impl Runner {
    /// What a tenant's plugin gets for a call outside a run.
    pub(crate) fn lend(&self, tenant: &Tenant) -> Lent {
        self.loan(tenant, Arc::default(), tenant.http.clone())
    }

    pub(crate) fn loan(&self, tenant: &Tenant, journal: Arc<Journal>, http: Arc<dyn HttpClient>) -> Lent {
        Lent {
            tenant: tenant.name.clone(),
            http,
            store: self.store.clone(),
            commits: self.commits.clone(),
            post: self.post.clone(),
            journal,
            properties: tenant.properties.clone(),
            revision: 0,
            clock: self.clock.clone(),
            limits: tenant.limits.clone(),
            grants: tenant.grants.clone(),
            scope: Scope::new(self.accounts.of(&tenant.name, &tenant.limits), Some(tenant.description.clone())),
        }
    }

    /// Runs a job to its end, or until `stop`.
    pub(crate) async fn run(
        &self,
        tenant: &Tenant,
        order: Order,
        stop: CancellationToken,
        progress: watch::Sender<Progress>,
    ) -> Result<RunDetail, RunError> {
        let begun = self.begin(tenant, order).await?;
        self.complete(tenant, begun, stop, progress).await
    }

    /// Begins a run: it stands in the history, and no other of its job begins until it is completed or dropped.
    pub(crate) async fn begin(&self, tenant: &Tenant, order: Order) -> Result<Begun, RunError> {
        if tenant.paused {
            return Err(RunError::Paused(tenant.name.to_string()));
        }
        let busy = || RunError::Busy { tenant: tenant.name.to_string(), job: order.job.clone() };
        let alone = self.store.try_lock(&tenant.name, &job_lock(&order.job)).await?.ok_or_else(busy)?;
        let open = self.start(tenant, &order.job, &order.process, order.trigger).await?;
        Ok(Begun { order, open, _alone: alone })
    }

    /// Runs what was begun to its end, or until `stop`.
    #[tracing::instrument(level = "error", name = "run", skip_all, fields(tenant = %tenant.name, job = begun.order.job, run = begun.open.run.run))]
    pub(crate) async fn complete(
        &self,
        tenant: &Tenant,
        begun: Begun,
        stop: CancellationToken,
        progress: watch::Sender<Progress>,
    ) -> Result<RunDetail, RunError> {
        let Begun { order, open, _alone } = begun;
        let id = open.run.run.clone();
        let journal = Arc::new(Journal::new(progress).with_notes(tenant.limits.jobs.notes));
        let entered = self.underway.enter(&tenant.name, &id, journal.clone());
        let calls = Arc::new(self.calls(tenant));
        let lent = self.loan(tenant, journal.clone(), logged(tenant, calls.clone()));
        let work = tenant.pack.run(lent, order.limit, &order.job, &id, &order.options);
        let ended = tokio::select! {
            ended = work => Some(ended),
            () = stop.cancelled() => None,
            () = entered.stopped() => None,
        };
        let stopped = ended.is_none();
        let mut ending = match ended {
            Some(Ok(outcome)) => told(outcome),
            Some(Err(error)) => {
                self.metrics.plugin_failed(&tenant.name, &error);
                failed(failure(tenant, &error))
            }
            None => Ending::new(Status::Aborted),
        };
        if ending.counts.is_none() {
            // The plugin could not report: what it counted until then is true all the same.
            ending.counts = Some(Counts(journal.counts())).filter(|counts| !counts.0.is_empty());
        }
        missed_warnings(tenant, order.makes_up).into_iter().for_each(|warning| warn(&mut ending, warning));
        if let Some(dropped) = dropped_notes(tenant, &tenant.description.code_prefix, &journal, EntryPoint::Jobs) {
            warn(&mut ending, dropped);
        }
        ending.story.notes = journal.notes();
        ending.story.calls = calls.take();
        // Who stops a run knows that it stopped.
        if let Some(by) = entered.by().filter(|_| stopped) {
            let (at, message) = (self.clock.now(), format!("Stopped by {by}."));
            ending.story.notes.push(Note { at, level: Level::Warning, code: None, message, subject: None });
            let witness = Stopped { until_ended: order.until_ended };
            let detail = self.history.finish_before(&witness, open, ending, self.clock.now()).await?;
            self.metrics.run_ended(&detail.run);
            return Ok(detail);
        }
        if stopped {
            return Ok(self.finish(open, ending).await?);
        }
        let telling = Telling { until_ended: order.until_ended, ..self.telling(tenant) };
        let detail = self.history.finish_before(&telling, open, ending, self.clock.now()).await?;
        telling.stored();
        self.metrics.run_ended(&detail.run);
        Ok(detail)
    }

    /// Notes a scheduled run that was not begun, because another of its job is under way.
    pub(crate) async fn discard(&self, tenant: &Tenant, order: &Order) {
        let noted = async {
            let open = self.start(tenant, &order.job, &order.process, order.trigger).await?;
            self.finish(open, Ending::new(Status::Discarded)).await
        };
        if let Err(error) = noted.await {
            tracing::error!(tenant = %tenant.name, job = order.job, %error, "a discarded run could not be written to the history");
        }
    }

    /// Reads one user anew: a run of the listener.
    async fn look_up(&self, tenant: &Tenant, user: &str) -> Result<Entry, CallError> {
        let process = tenant.description.listener.as_ref().map_or(LOOK_UP, |listener| listener.process.as_str());
        let open = match self.start(tenant, LOOK_UP, process, Trigger::Manual).await {
            Ok(open) => Some(open),
            // Whoever waits for the answer is served all the same.
            Err(error) => {
                tracing::error!(tenant = %tenant.name, %error, "a look-up could not be written to the history");
                None
            }
        };
        let journal = Arc::new(Journal::default().with_notes(tenant.limits.questions.notes));
        let calls = Arc::new(self.calls(tenant));
        let answer = tenant.pack.look_up(self.loan(tenant, journal.clone(), logged(tenant, calls.clone())), user).await;
        if let Err(error) = &answer {
            self.metrics.plugin_failed(&tenant.name, error);
        }
        let Some(open) = open else { return answer };
        let mut ending = match &answer {
            Ok(_) => Ending::new(Status::Complete),
            Err(CallError::Failure(failure)) if is_about_nobody(tenant, failure) => asked_in_vain(failure, user),
            Err(CallError::Failure(failure)) => failed((**failure).clone()),
            Err(error) => failed(failure(tenant, error)),
        };
        if let Some(dropped) = dropped_notes(tenant, &tenant.description.code_prefix, &journal, EntryPoint::Questions) {
            warn(&mut ending, dropped);
        }
        ending.story.notes = journal.notes();
        ending.story.calls = calls.take();
        if let Err(error) = self.finish(open, ending).await {
            tracing::error!(tenant = %tenant.name, %error, "the end of a look-up could not be written to the history");
        }
        answer
    }

    pub(crate) async fn start(&self, tenant: &Tenant, job: &str, process: &str, trigger: Trigger) -> Result<OpenRun, StoreError> {
        let new = NewRun { tenant: tenant.name.to_string(), job: job.to_owned(), process: process.to_owned(), trigger };
        let telling = self.telling(tenant);
        let open = self.history.start_before(&telling, new, self.clock.now()).await?;
        telling.stored();
        Ok(open)
    }

    /// Ends a run that nobody is told of.
    pub(crate) async fn finish(&self, open: OpenRun, ending: Ending) -> Result<RunDetail, StoreError> {
        let detail = self.history.finish(open, ending, self.clock.now()).await?;
        self.metrics.run_ended(&detail.run);
        Ok(detail)
    }

    /// Writes down what the host itself did for a tenant, as a run that has ended; who is told of failed runs is told of it.
    pub(crate) async fn note(&self, tenant: &Tenant, job: &str, trigger: Trigger, ending: Ending) -> Result<(), StoreError> {
        let open = self.start(tenant, job, job, trigger).await?;
        let telling = self.telling(tenant);
        let detail = self.history.finish_before(&telling, open, ending, self.clock.now()).await?;
        telling.stored();
        self.metrics.run_ended(&detail.run);
        Ok(())
    }

    pub(crate) fn calls(&self, tenant: &Tenant) -> Calls {
        Calls::of(tenant.name.clone(), self.metrics.clone())
    }

    fn telling<'a>(&'a self, tenant: &'a Tenant) -> Telling<'a> {
        let alerts = Alerts::new(&self.outbox, tenant.alert_address(), self.clock.now());
        Telling { alerts, outbox: &self.outbox, tenant: &tenant.name, mails: AtomicUsize::new(0), until_ended: None }
    }

    /// Tells that a job has not come to an end since then, although so many runs were due.
    pub(crate) async fn stalled(&self, tenant: &Tenant, job: &JobInfo, since: DateTime<Utc>, due: u64) -> Result<(), StoreError> {
        let stall =
            Stall { tenant: &tenant.name, job: &job.name, process: &job.process, failure: stall_failure(tenant, since, due), since };
        if Alerts::new(&self.outbox, tenant.alert_address(), self.clock.now()).of_stall(&stall).await? > 0 {
            tracing::error!(tenant = %tenant.name, job = job.name, %since, "no run has ended for three ticks");
            self.outbox.wake(&tenant.name);
        }
        Ok(())
    }
}
