//! What is to be run: a job of a tenant's pack with its options, and how long it may take.

use std::time::Duration;

use crate::description::{self, JobInfo, PropertyInfo, PropertyValue};
use crate::history::Trigger;
use crate::scheduler::MakesUp;
use crate::tenant::Tenant;

/// A run may take this long at least, whatever the tenant's interval is.
const LEAST_LIMIT: Duration = Duration::from_secs(600);

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Order {
    pub(super) job: String,
    pub(super) process: String,
    pub(super) trigger: Trigger,
    pub(super) limit: Duration,
    pub(super) described: Vec<PropertyInfo>,
    pub(super) options: Vec<(String, PropertyValue)>,
    /// What did not take place, for which the run makes up.
    pub(super) makes_up: MakesUp,
    /// What the host keeps about the tenant until the run has come to its end.
    pub(super) until_ended: Option<String>,
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

/// How long a run of a job may take: what the limits say; else its interval, or ten minutes where that is shorter.
pub(crate) fn time_limit(tenant: &Tenant, job: &JobInfo) -> Duration {
    if let Some(seconds) = tenant.limits.jobs.wall_seconds {
        return Duration::from_secs(seconds.into());
    }
    let interval = tenant.interval_minutes(job).map_or(LEAST_LIMIT, |minutes| Duration::from_secs(minutes * 60));
    interval.max(LEAST_LIMIT)
}
