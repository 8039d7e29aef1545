//! Starts the jobs of tenants when their agenda says so, and notes what did not start.
//!
//! For each job the moment up to which its ticks are accounted for is kept in the store, under `schedule/JOB` of the host's
//! own space. A tick that passed while the host was down, or the machine asleep, is made up for once, however many there
//! were. It is accounted for before the run begins, and `schedule-begun/JOB/MOMENT` says so until the run has ended: a run
//! that dies with its process is in the history as `ABORTED`, and is made up for at the next start. If that one dies too it
//! is left at that, and the next tick is waited for: what kills its process would do so again and again.
//!
//! Beside each agenda there is a watch over it, which tells when no run of it ends any more (`stall`).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::history::Trigger;
use crate::runner::{Order, RunError, Runner, job_lock};
use crate::store::{Scan, Space, StoreError, Write};
use crate::tenant::Tenant;

mod agenda;
mod stall;

pub use agenda::{Agenda, Missed};
pub use stall::stalls_at;

use stall::Watch;

/// A tick that is noticed later than this was missed: the host was not there for it.
const LATE: TimeDelta = TimeDelta::seconds(60);

/// How long a store that fails is left alone before it is asked again.
const PAUSE: Duration = Duration::from_secs(10);

/// What is kept of a schedule.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Ticks up to this moment are accounted for.
    until: DateTime<Utc>,
}

/// Where it is kept that a run was begun and has not ended.
const BEGUN: &str = "schedule-begun/";

/// Runs looked for that were cut off: of one job there is one at a time, and a tick meanwhile leaves another for a moment.
const MOST_CUT_OFF: u32 = 100;

/// What a run makes up for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MakesUp {
    /// The ticks that passed while nobody was there.
    pub(crate) missed: Option<Missed>,
    /// When the run began that was cut off.
    pub(crate) cut_off: Option<DateTime<Utc>>,
}

/// How long a host that waits for another one to be gone waits before it looks again.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// How long something goes on, and what is under way.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// Cancelled when nothing new is to begin.
    pub stop: CancellationToken,
    /// Cancelled when what is under way is to end at once.
    pub abort: CancellationToken,
    /// What is under way.
    pub tracker: TaskTracker,
}

/// Keeps to every agenda of a tenant until the life stops.
pub(crate) async fn keep(runner: &Runner, tenant: &Tenant, life: &Life) {
    let mut turns = JoinSet::new();
    for job in tenant.description.jobs.iter().filter(|job| job.schedulable) {
        let agenda = tenant.agenda(job);
        if !agenda.is_empty() {
            let (stop, watch) = (life.stop.clone(), Watch::new(runner, tenant, job, &agenda));
            turns.spawn(async move { stop.run_until_cancelled(watch.keep()).await.unwrap_or_default() });
            let (runner, tenant, job, life) = (runner.clone(), tenant.clone(), job.name.clone(), life.clone());
            turns.spawn(Scheduler { runner, tenant, job, agenda, life }.turn());
        }
    }
    turns.join_all().await;
}

/// Starts one job of one tenant.
struct Scheduler {
    runner: Runner,
    tenant: Tenant,
    job: String,
    agenda: Agenda,
    life: Life,
}

impl Scheduler {
    /// Waits until no other host keeps to this agenda, then does so itself. It ends by itself when its life stops: torn
    /// away between a tick that is accounted for and its run, it would lose that run.
    async fn turn(self) {
        let mut waits = false;
        while !self.stops() {
            let name = format!("schedule-{}", self.job);
            match self.runner.store.try_lock(&self.tenant.name, &name).await {
                Ok(Some(_alone)) => return self.ticks().await,
                Ok(None) if !waits => tracing::info!(tenant = %self.tenant.name, job = self.job, "another host keeps to this schedule"),
                Ok(None) => {}
                Err(error) => self.pause(&error).await,
            }
            waits = true;
            self.life.stop.run_until_cancelled(tokio::time::sleep(TAKE_OVER)).await;
        }
    }

    async fn ticks(&self) {
        let Some(mut until) = self.recall().await else { return };
        match self.cut_off().await {
            Some((began, removals)) => {
                let now = self.runner.clock.now();
                if !self.account_for(now, removals).await {
                    return;
                }
                let missed = self.agenda.missed(until, now);
                until = now;
                self.begin(MakesUp { missed, cut_off: Some(began) }, None);
            }
            None if self.stops() => return,
            None => {}
        }
        while let Some(next) = self.agenda.next(until) {
            if self.life.stop.run_until_cancelled(self.runner.clock.sleep_until(next)).await.is_none() {
                return self.hand_over(until).await;
            }
            let now = self.runner.clock.now();
            if let Some(due) = self.agenda.missed(until, now) {
                let begun = self.begun_key(now);
                if !self.account_for(now, vec![Write::put(&*begun, [])]).await {
                    return;
                }
                until = now;
                let missed = Some(due).filter(|due| due.count > 1 || now - due.first > LATE);
                self.begin(MakesUp { missed, cut_off: None }, Some(begun));
            }
        }
    }

    /// Whoever keeps to the next agenda of this job starts from here: what that one would have asked for before was not due.
    async fn hand_over(&self, until: DateTime<Utc>) {
        let now = self.runner.clock.now();
        if now > until && self.agenda.missed(until, now).is_none() {
            self.account_for(now, Vec::new()).await;
        }
    }

    fn stops(&self) -> bool {
        self.life.stop.is_cancelled()
    }

    /// Starts the run and goes on: its ticks do not wait for it. `begun` is what is kept until it has ended.
    fn begin(&self, makes_up: MakesUp, begun: Option<String>) {
        let (runner, tenant, job, abort) = (self.runner.clone(), self.tenant.clone(), self.job.clone(), self.life.abort.clone());
        let space = self.space();
        self.life.tracker.spawn(async move {
            let order = match Order::new(&tenant, &job, Trigger::Schedule) {
                Ok(order) => order.making_up_for(makes_up).ending(begun.clone()),
                Err(error) => return tracing::error!(tenant = %tenant.name, %error, "a schedule names what the pack does not have"),
            };
            match runner.run(&tenant, order.clone(), abort, watch::Sender::default()).await {
                Ok(_) => {}
                // Somebody began one by hand meanwhile, which does as well.
                Err(RunError::Busy { .. }) if makes_up.missed.is_none() && makes_up.cut_off.is_some() => {}
                Err(RunError::Busy { .. }) => {
                    runner.discard(&tenant, &order).await;
                    let removal = begun.into_iter().map(Write::remove).collect::<Vec<_>>();
                    if let Err(error) = runner.store.commit(&space, removal).await {
                        tracing::error!(tenant = %tenant.name, job, %error, "a discarded run may be made up for at the next start");
                    }
                }
                Err(error) => tracing::error!(tenant = %tenant.name, job, %error, "a scheduled run did not take place"),
            }
        });
    }

    /// When the runs began that were cut off, the first of them, and the writes that say that they are made up for. None
    /// where there are none, where a run of the job is under way, which may be the one, or where it stops before it knows.
    async fn cut_off(&self) -> Option<(DateTime<Utc>, Vec<Write>)> {
        let prefix = format!("{BEGUN}{}/", self.job);
        let begun = async || {
            let Some(_nobody_else) = self.runner.store.try_lock(&self.tenant.name, &job_lock(&self.job)).await? else {
                return Ok(Vec::new());
            };
            self.runner.store.scan(&self.space(), &Scan::new(&*prefix, MOST_CUT_OFF)).await.map(|page| page.entries)
        };
        let found = loop {
            match begun().await {
                Ok(found) => break found,
                Err(_) if self.stops() => return None,
                Err(error) => self.pause(&error).await,
            }
        };
        let first = found.first()?.key.strip_prefix(&*prefix)?.parse().ok();
        let began = first.and_then(DateTime::from_timestamp_millis).unwrap_or_else(|| self.runner.clock.now());
        Some((began, found.into_iter().map(|entry| Write::remove(entry.key)).collect()))
    }

    fn begun_key(&self, now: DateTime<Utc>) -> String {
        format!("{BEGUN}{}/{:014}", self.job, now.timestamp_millis().max(0))
    }

    /// The moment up to which ticks are accounted for; for a new schedule it is now. None where it stops before it knows.
    async fn recall(&self) -> Option<DateTime<Utc>> {
        let kept = loop {
            match self.runner.store.get(&self.space(), &[self.key()]).await {
                Ok(found) => break found.into_iter().flatten().next(),
                Err(_) if self.stops() => return None,
                Err(error) => self.pause(&error).await,
            }
        };
        let kept = kept.and_then(|entry| serde_json::from_slice::<Kept>(&entry.value).ok());
        let now = self.runner.clock.now();
        match kept {
            // A moment to come is of a clock that was wrong.
            Some(kept) if kept.until <= now => Some(kept.until),
            _ => self.account_for(now, Vec::new()).await.then_some(now),
        }
    }

    /// Whether it is kept that ticks up to this moment are accounted for, and what goes with it: it is, unless the schedule
    /// stops before.
    async fn account_for(&self, until: DateTime<Utc>, mut writes: Vec<Write>) -> bool {
        writes.push(Write::put(self.key(), serde_json::to_vec(&Kept { until }).unwrap_or_default()));
        while let Err(error) = self.runner.store.commit(&self.space(), writes.clone()).await {
            if self.stops() {
                return false;
            }
            self.pause(&error).await;
        }
        true
    }

    /// A schedule must not end because a disk was full for a minute.
    async fn pause(&self, error: &StoreError) {
        tracing::error!(tenant = %self.tenant.name, job = self.job, %error, "the schedule waits for the store");
        self.life.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }

    fn space(&self) -> Space {
        Space::host(&*self.tenant.name)
    }

    fn key(&self) -> String {
        format!("schedule/{}", self.job)
    }
}
