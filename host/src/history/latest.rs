//! What is known of a tenant's jobs without a look at their runs: how the one stands that was written last, and when the last good
//! one began.
//! A monitoring system asks for it every few seconds, of every tenant.
//!
//! In the host's own space of the tenant, written with the run itself:
//!
//! - `run-last/JOB` the run that was written last, at its beginning or its end, as it stands;
//! - `run-good/JOB` when the last run that ended well had begun.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ledger::{History, put, take};
use super::{Filter, Run, Status, instant};
use crate::store::{Entry, MAX_GET, Space, StoreError, Write};

/// Runs that are looked through where nothing is written: a store of an earlier version of this program. The next run
/// of the job writes it.
const LOOKED_THROUGH: u32 = 200;

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Latest {
    /// The run that was written last.
    pub(crate) run: Option<String>,
    /// How it ended, or stands.
    pub(crate) status: Option<Status>,
    /// When the last good one began.
    pub(crate) good: Option<DateTime<Utc>>,
}

/// A run as it stands under `run-last/JOB`.
#[derive(Debug, Serialize, Deserialize)]
struct Last {
    run: String,
    status: Status,
}

/// When a good run began.
#[derive(Debug, Serialize, Deserialize)]
struct Good(#[serde(with = "instant")] DateTime<Utc>);

/// What is to be written with a run that begins or ends.
pub(super) fn writes(run: &Run) -> Result<Vec<Write>, StoreError> {
    let mut writes = vec![put(last_key(&run.job), &Last { run: run.run.clone(), status: run.status })?];
    if run.status.is_good() {
        writes.push(put(good_key(&run.job), &Good(run.started))?);
    }
    Ok(writes)
}

impl History {
    /// What is known of each of these jobs, in order.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn latest(&self, tenant: &str, jobs: &[&str]) -> Result<Vec<Latest>, StoreError> {
        let space = Space::host(tenant);
        let mut latest = Vec::with_capacity(jobs.len());
        for part in jobs.chunks(MAX_GET / 2) {
            let keys: Vec<_> = part.iter().flat_map(|job| [last_key(job), good_key(job)]).collect();
            let found = self.store.get(&space, &keys).await?;
            for (job, found) in part.iter().zip(found.chunks(2)) {
                let [last, good] = [0, 1].map(|place| found.get(place).and_then(Option::as_ref));
                latest.push(self.of_job(&space, job, last, good).await?);
            }
        }
        Ok(latest)
    }

    async fn of_job(&self, space: &Space, job: &str, last: Option<&Entry>, good: Option<&Entry>) -> Result<Latest, StoreError> {
        let Some(last) = last else { return self.looked_through(space, job).await };
        let good = good.map(take::<Good>).transpose()?.map(|Good(good)| good);
        let Last { run, status } = take(last)?;
        let status = match status {
            // Nobody writes the end of one whose process was killed.
            Status::InProcess => self.stands(space, &run).await?.unwrap_or(Status::Aborted),
            ended => ended,
        };
        Ok(Latest { run: Some(run), status: Some(status), good })
    }

    async fn looked_through(&self, space: &Space, job: &str) -> Result<Latest, StoreError> {
        let filter = Filter { status: None, job: Some(job.to_owned()) };
        let runs = self.list(space.tenant(), &filter, None, LOOKED_THROUGH).await?.items;
        let good = runs.iter().find(|run| run.status.is_good()).map(|run| run.started);
        let last = runs.first();
        Ok(Latest { run: last.map(|run| run.run.clone()), status: last.map(|run| run.status), good })
    }
}

fn last_key(job: &str) -> String {
    format!("run-last/{job}")
}

fn good_key(job: &str) -> String {
    format!("run-good/{job}")
}

#[cfg(test)]
mod tests;
