//! What wakes a plugin meets what it is woken for: runs, from the first line in the history to the last.
//!
//! Holds the rules of every run: one of a job at a time for a tenant, a limit in time outside the plugin, an end in
//! the history whatever happens, and a mail when a scheduled one fails.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::alert::{Alerts, Stall};
use crate::answer::Entry;
use crate::capability::{Commits, Journal, Lent, Progress, Scope};
use crate::clock::Clock;
use crate::connection::{CallLog, CallRecord, HttpClient};
use crate::description::{self, JobInfo, PropertyInfo, PropertyValue};
use crate::history::{Call, Counts, Ending, Failure, History, NewRun, OpenRun, Run, RunDetail, Status, Story, Trigger, Warning, Witness};
use crate::limits::{Accounts, Entry as EntryPoint, raise_of};
use crate::mail::Postbox;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::plugin::{CallError, Outcome};
use crate::scheduler::{MakesUp, Missed};
use crate::store::{Guard, Store, StoreError, Write};
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
    /// What did not take place, for which the run makes up.
    makes_up: MakesUp,
    /// What the host keeps about the tenant until the run has come to its end.
    until_ended: Option<String>,
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
    /// The tenant is paused.
    #[error("the tenant {0} is paused; `shift-access tenant resume {0}` lets its jobs run again")]
    Paused(String),
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
        Ok(Self {
            job: info.name.clone(),
            process: info.process.clone(),
            trigger,
            limit: time_limit(tenant, info),
            described: info.options.clone(),
            options: Vec::new(),
            makes_up: MakesUp::default(),
            until_ended: None,
        })
    }

    /// Says what did not take place, for which the run makes up.
    #[must_use]
    pub(crate) fn making_up_for(self, makes_up: MakesUp) -> Self {
        Self { makes_up, ..self }
    }

    /// Names a key of the host's own about the tenant, which goes in the moment the run has come to its end by itself.
    #[must_use]
    pub(crate) fn ending(self, until_ended: Option<String>) -> Self {
        Self { until_ended, ..self }
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
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) accounts: Arc<Accounts>,
}

/// The lock that whoever runs a job holds.
pub(crate) fn job_lock(job: &str) -> String {
    format!("job-{job}")
}

/// How long a run of a job may take: what the limits say; else its interval, or ten minutes where that is shorter.
pub(crate) fn time_limit(tenant: &Tenant, job: &JobInfo) -> Duration {
    if let Some(seconds) = tenant.limits.jobs.wall_seconds {
        return Duration::from_secs(seconds.into());
    }
    let interval = tenant.interval_minutes(job).map_or(LEAST_LIMIT, |minutes| Duration::from_secs(minutes * 60));
    interval.max(LEAST_LIMIT)
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
        let journal = Arc::new(Journal::new(progress).with_notes(tenant.limits.jobs.notes));
        let calls = Arc::new(self.calls(tenant));
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
    pub(crate) async fn look_up(&self, tenant: &Tenant, user: &str) -> Result<Entry, CallError> {
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
        Calls { kept: Mutex::default(), made: AtomicU64::new(0), tenant: tenant.name.clone(), metrics: self.metrics.clone() }
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

/// What a run that makes up for something has to warn of.
fn missed_warnings(tenant: &Tenant, MakesUp { missed, cut_off }: MakesUp) -> Vec<Warning> {
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

fn stall_failure(tenant: &Tenant, since: DateTime<Utc>, due: u64) -> Failure {
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
fn asked_in_vain(failure: &Failure, user: &str) -> Ending {
    let Failure { code, message, .. } = failure.clone();
    let warning = Warning { code, message, subject: Some(user.to_owned()) };
    Ending { warnings: vec![warning], ..Ending::new(Status::CompleteWarn) }
}

fn failed(failure: Failure) -> Ending {
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

/// The tenant's connections, telling their calls where they can.
pub(crate) fn logged(tenant: &Tenant, calls: Arc<Calls>) -> Arc<dyn HttpClient> {
    tenant.http.logged(calls).unwrap_or_else(|| tenant.http.clone())
}

/// The calls of one run.
#[derive(Debug)]
pub(crate) struct Calls {
    kept: Mutex<Vec<Call>>,
    made: AtomicU64,
    tenant: Arc<str>,
    metrics: Arc<Metrics>,
}

/// Calls kept of one run at most: what a batch of a million needs is far below.
const MOST_CALLS: usize = 5_000;

impl Calls {
    /// How many there were, those that are not kept included.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CallLog for Calls {
    fn on_call(&self, record: CallRecord) {
        self.made.fetch_add(1, Ordering::Relaxed);
        self.metrics.called(&self.tenant, &record);
        let call = Call {
            connection: record.connection,
            method: record.method,
            path: record.path,
            status: record.status,
            duration_ms: u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
            request_id: record.request_id,
            tries: record.tries,
        };
        let mut calls = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() < MOST_CALLS {
            calls.push(call);
        }
    }
}
