//! What wakes a plugin meets what it is woken for: runs, from the first line in the history to the last.
//!
//! Holds the rules of every run: one of a job at a time for a tenant, a limit in time outside the plugin, an end in
//! the history whatever happens, and a mail when a scheduled one fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::SecondsFormat;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::alert::Alerts;
use crate::answer::Entry;
use crate::capability::{Journal, Lent, Progress};
use crate::clock::Clock;
use crate::connection::{CallLog, CallRecord, HttpClient};
use crate::description::{self, PropertyInfo, PropertyValue};
use crate::history::{Call, Counts, Ending, Failure, History, NewRun, OpenRun, Run, RunDetail, Status, Story, Trigger, Warning};
use crate::mail::Postbox;
use crate::plugin::{CallError, Outcome};
use crate::scheduler::Missed;
use crate::store::{Guard, Store, StoreError};
use crate::tenant::Tenant;

/// A run may take this long at least, whatever the tenant's interval is.
const LEAST_LIMIT: Duration = Duration::from_secs(600);

/// What a run of the listener for one user is called.
pub(crate) const LOOK_UP: &str = "look-up";

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Order {
    job: String,
    process: String,
    trigger: Trigger,
    limit: Duration,
    described: Vec<PropertyInfo>,
    options: Vec<(String, PropertyValue)>,
    /// The ticks that passed while nobody was there, for which the run makes up.
    missed: Option<Missed>,
}

/// Why an order makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The pack has no such job.
    #[error("there is no job {job:?}; write one of: {known}")]
    UnknownJob {
        /// What was asked for.
        job: String,
        /// What there is.
        known: String,
    },
    /// The job has no such option, or not with this value.
    #[error("--set {given}: {message}")]
    BadOption {
        /// What was written.
        given: String,
        /// What is wrong, and what to write instead.
        message: String,
    },
}

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
    /// The history could not be written.
    #[error("the run could not be written to the history: {0}")]
    Store(#[from] StoreError),
}

impl Order {
    /// Orders a job of the tenant's pack.
    ///
    /// # Errors
    /// When the pack has no such job.
    pub fn new(tenant: &Tenant, job: &str, trigger: Trigger) -> Result<Self, OrderError> {
        let Some(info) = tenant.job(job) else {
            let known = tenant.description.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(OrderError::UnknownJob { job: job.to_owned(), known });
        };
        let interval = tenant.interval_minutes(info).map_or(LEAST_LIMIT, |minutes| Duration::from_secs(minutes * 60));
        Ok(Self {
            job: info.name.clone(),
            process: info.process.clone(),
            trigger,
            limit: interval.max(LEAST_LIMIT),
            described: info.options.clone(),
            options: Vec::new(),
            missed: None,
        })
    }

    /// Says for which ticks, that passed while nobody was there, the run makes up.
    #[must_use]
    pub(crate) fn making_up_for(self, missed: Option<Missed>) -> Self {
        Self { missed, ..self }
    }

    /// Sets a limit of its own for how long the run may take.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Adds options written as `name=value`.
    ///
    /// # Errors
    /// At the first that the job does not have or that has another type.
    pub fn with(mut self, set: &[String]) -> Result<Self, OrderError> {
        for given in set {
            let option = description::assignment(&self.described, given);
            self.options.push(option.map_err(|message| OrderError::BadOption { given: given.clone(), message })?);
        }
        Ok(self)
    }
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
    pub(crate) clock: Arc<dyn Clock>,
}

impl Runner {
    /// What a tenant's plugin gets for a call outside a run.
    pub(crate) fn lend(&self, tenant: &Tenant) -> Lent {
        self.loan(tenant, Arc::default(), tenant.http.clone())
    }

    fn loan(&self, tenant: &Tenant, journal: Arc<Journal>, http: Arc<dyn HttpClient>) -> Lent {
        Lent {
            tenant: tenant.name.clone(),
            http,
            store: self.store.clone(),
            post: self.post.clone(),
            journal,
            properties: tenant.properties.clone(),
            clock: self.clock.clone(),
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
        let busy = || RunError::Busy { tenant: tenant.name.to_string(), job: order.job.clone() };
        let alone = self.store.try_lock(&tenant.name, &format!("job-{}", order.job)).await?.ok_or_else(busy)?;
        let open = self.start(tenant, &order.job, &order.process, order.trigger).await?;
        for dead in &open.aborted {
            self.alert(tenant, dead).await;
        }
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
        let (journal, calls) = (Arc::new(Journal::new(progress)), Arc::new(Calls::default()));
        let lent = self.loan(tenant, journal.clone(), logged(tenant, calls.clone()));
        let id = open.run.run.clone();
        let work = tenant.pack.run(lent, order.limit, &order.job, &id, &order.options);
        let ended = tokio::select! {
            ended = work => Some(ended),
            () = stop.cancelled() => None,
        };
        let stopped = ended.is_none();
        let mut ending = match ended {
            Some(Ok(outcome)) => told(outcome),
            Some(Err(error)) => failed(failure(tenant, &error)),
            None => Ending::new(Status::Aborted),
        };
        if ending.counts.is_none() {
            // The plugin could not report: what it counted until then is true all the same.
            ending.counts = Some(Counts(journal.counts())).filter(|counts| !counts.0.is_empty());
        }
        if let Some(missed) = order.missed {
            warn(&mut ending, missed_warning(tenant, missed));
        }
        ending.story.notes = journal.notes();
        ending.story.calls = calls.take();
        let detail = self.history.finish(open, ending, self.clock.now()).await?;
        // Who stops a run knows that it stopped.
        if !stopped {
            self.alert(tenant, &detail.run).await;
        }
        Ok(detail)
    }

    /// Notes a scheduled run that was not begun, because another of its job is under way.
    pub(crate) async fn discard(&self, tenant: &Tenant, order: &Order) {
        let noted = async {
            let open = self.start(tenant, &order.job, &order.process, order.trigger).await?;
            for dead in &open.aborted {
                self.alert(tenant, dead).await;
            }
            self.history.finish(open, Ending::new(Status::Discarded), self.clock.now()).await
        };
        if let Err(error) = noted.await {
            tracing::error!(tenant = %tenant.name, job = order.job, %error, "a discarded run could not be written to the history");
        }
    }

    /// Reads one user anew: a run of the listener.
    pub(crate) async fn look_up(&self, tenant: &Tenant, user: &str) -> Result<Entry, CallError> {
        let process = tenant.description.listener.as_ref().map_or(LOOK_UP, |listener| listener.process.as_str());
        let open = match self.start(tenant, LOOK_UP, process, Trigger::Manual).await {
            Ok(open) => {
                for dead in &open.aborted {
                    self.alert(tenant, dead).await;
                }
                Some(open)
            }
            // Whoever waits for the answer is served all the same.
            Err(error) => {
                tracing::error!(tenant = %tenant.name, %error, "a look-up could not be written to the history");
                None
            }
        };
        let (journal, calls) = (Arc::<Journal>::default(), Arc::new(Calls::default()));
        let answer = tenant.pack.look_up(self.loan(tenant, journal.clone(), logged(tenant, calls.clone())), user).await;
        let Some(open) = open else { return answer };
        let mut ending = match &answer {
            Ok(_) => Ending::new(Status::Complete),
            Err(CallError::Failure(failure)) => failed((**failure).clone()),
            Err(error) => failed(failure(tenant, error)),
        };
        ending.story.notes = journal.notes();
        ending.story.calls = calls.take();
        if let Err(error) = self.history.finish(open, ending, self.clock.now()).await {
            tracing::error!(tenant = %tenant.name, %error, "the end of a look-up could not be written to the history");
        }
        answer
    }

    async fn start(&self, tenant: &Tenant, job: &str, process: &str, trigger: Trigger) -> Result<OpenRun, StoreError> {
        let new = NewRun { tenant: tenant.name.to_string(), job: job.to_owned(), process: process.to_owned(), trigger };
        self.history.start(new, self.clock.now()).await
    }

    /// A mail that cannot be sent changes nothing of the run: it is logged, and the run stands.
    async fn alert(&self, tenant: &Tenant, run: &Run) {
        let alerts = Alerts::new(self.store.clone(), self.post.clone());
        if let Err(error) = alerts.after(run, tenant.alert_address(), self.clock.now()).await {
            tracing::error!(tenant = %tenant.name, run = %run.run, %error, "the alert was not sent");
        }
    }
}

/// The ending of a run that the plugin itself told.
fn told(outcome: Outcome) -> Ending {
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
fn warn(ending: &mut Ending, warning: Warning) {
    ending.warnings.push(warning);
    if ending.status == Status::Complete {
        ending.status = Status::CompleteWarn;
    }
}

fn missed_warning(tenant: &Tenant, missed: Missed) -> Warning {
    let (runs, verb) = if missed.count == 1 { ("1 run".to_owned(), "was") } else { (format!("{} runs", missed.count), "were") };
    let message = format!(
        "{runs} did not start when they {verb} due, from {} on: the host was not running. This run makes up for them.",
        missed.first.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    Warning { code: format!("{}60", tenant.description.code_prefix), message, subject: None }
}

fn failed(failure: Failure) -> Ending {
    Ending { failure: Some(failure), ..Ending::new(Status::Error) }
}

/// The failure of a plugin that could not speak for itself, in the words of the pack's own catalogue where it has them.
pub(crate) fn failure(tenant: &Tenant, error: &CallError) -> Failure {
    let (number, message) = match error {
        CallError::Failure(failure) => return (**failure).clone(),
        CallError::Trap(_) => ("50", error.to_string()),
        CallError::Time(_) => ("51", error.to_string()),
        CallError::Memory(_) => ("52", error.to_string()),
    };
    let known = tenant.description.errors.iter().find(|info| info.number == number);
    Failure {
        code: format!("{}{number}", tenant.description.code_prefix),
        title: known.map_or_else(|| "The plugin failed".to_owned(), |info| info.title.clone()),
        message,
        remedy: known.map_or_else(|| "Run it again, and tell the pack's author if it fails again.".to_owned(), |info| info.remedy.clone()),
    }
}

/// The tenant's connections, telling their calls where they can.
fn logged(tenant: &Tenant, calls: Arc<Calls>) -> Arc<dyn HttpClient> {
    tenant.http.logged(calls).unwrap_or_else(|| tenant.http.clone())
}

/// The calls of one run.
#[derive(Debug, Default)]
struct Calls(Mutex<Vec<Call>>);

/// Calls kept of one run at most: what a batch of a million needs is far below.
const MOST_CALLS: usize = 5_000;

impl Calls {
    fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CallLog for Calls {
    fn on_call(&self, record: CallRecord) {
        let call = Call {
            connection: record.connection,
            method: record.method,
            path: record.path,
            status: record.status,
            duration_ms: u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
            request_id: record.request_id,
            tries: record.tries,
        };
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() < MOST_CALLS {
            calls.push(call);
        }
    }
}
