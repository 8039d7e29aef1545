//! Runs a job to its end, one of a name at a time, however many instances there are.

use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::{Either, select};
use serde_json::{Value, json};

use crate::bindings::shift_access::adapters::claims::{Outcome, take};
use crate::bindings::shift_access::plugin::{jobs, pack};
use crate::bindings::wasi::clocks::monotonic_clock::wait_for;
use crate::message::{Answer, Problem};
use crate::options;
use crate::ready::Ready;
use crate::unique::unique;
use crate::wire;

/// For how many seconds a run has its job's name; it renews that three times as often. So long nobody else can run the job after
/// the instance was killed.
const LEASE: u32 = 60;
/// The status of a job that runs already.
const HELD: u16 = 409;

/// Runs a job, and tells how it ended: a run that fails is an answer too.
pub async fn run(ready: &Ready, name: &str, body: &[u8]) -> Result<Answer, Problem> {
    let described = ready.description.jobs.iter().find(|job| job.name == name);
    let described = described.ok_or_else(|| Problem::new(404, format!("there is no job {name:?}")))?;
    let options = options::typed(&described.options, body).map_err(|why| Problem::new(400, why))?;
    let (run, started) = (id(), now());
    let (claim, holder) = (format!("job/{name}"), run.clone());
    hold(&claim, &holder).await?;
    let working = jobs::run(jobs::Job { name: name.to_owned(), run: run.clone(), options });
    let ended = match select(pin!(working), pin!(keep(&claim, &holder))).await {
        Either::Left((ended, _)) => ended,
        // The run is dropped: what it stored is whole and true.
        Either::Right((problem, _)) => return Err(problem),
    };
    // It is over in a minute all the same.
    let _ = take(claim, holder, None, 0).await;
    Ok(Answer::json(told(ready, described, &run, started, ended)))
}

/// Takes the job's name.
async fn hold(claim: &str, holder: &str) -> Result<(), Problem> {
    match take(claim.to_owned(), holder.to_owned(), None, LEASE).await {
        Ok(Outcome::Taken) => Ok(()),
        Ok(Outcome::Held(other)) => Err(Problem::new(HELD, format!("the run {other} of this job is under way"))),
        Err(why) => Err(Problem::new(503, format!("the job cannot be kept from running twice at once: {why}"))),
    }
}

/// Renews the claim until it is lost.
async fn keep(claim: &str, holder: &str) -> Problem {
    let mut failed = false;
    loop {
        wait_for(u64::from(LEASE / 3).saturating_mul(1_000_000_000)).await;
        if let Some(problem) = lost(hold(claim, holder).await, &mut failed) {
            return problem;
        }
    }
}

/// Whether the name is lost with this try to renew it. A store that fails for a moment ends no run; after the second failure in a
/// row the time is over before a third could tell, and another may run the job.
fn lost(renewed: Result<(), Problem>, failed: &mut bool) -> Option<Problem> {
    let before = std::mem::replace(failed, renewed.is_err());
    renewed.err().filter(|problem| before || problem.status == HELD)
}

fn told(ready: &Ready, job: &pack::JobInfo, run: &str, started: Duration, ended: Result<jobs::Report, jobs::Failure>) -> Value {
    let (report, failure) = match ended {
        Ok(report) => (report, None),
        Err(failure) => (failure.report.clone(), Some(failure)),
    };
    let status = match (&failure, report.warnings.is_empty()) {
        (Some(_), _) => "ERROR",
        (None, false) => "COMPLETE_WARN",
        (None, true) => "COMPLETE",
    };
    let why = |failure: &jobs::Failure| json!({ "code": failure.code, "title": failure.title, "message": failure.message, "remedy": failure.remedy });
    json!({
        "run": run,
        "tenant": ready.tenant,
        "job": job.name,
        "process": job.process,
        "trigger": "manual",
        "status": status,
        "started": wire::moment(milliseconds(started)),
        "duration_ms": milliseconds(now().saturating_sub(started)),
        "counts": wire::counts(&report.counts),
        "warnings": wire::of(&report.warnings),
        "steps": wire::of(&report.steps),
        "failure": failure.as_ref().map(why),
    })
}

/// The time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// An id that nothing else has, in the order of time.
pub fn id() -> String {
    format!("{:012x}-{}", now().as_millis(), unique())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_when_its_name_is_anothers_or_cannot_be_renewed_twice_in_a_row() {
        let problem = |status| Err(Problem::new(status, ""));
        let after = |tries: Vec<Result<(), Problem>>| {
            let mut failed = false;
            tries.into_iter().map(|renewed| lost(renewed, &mut failed).map(|problem| problem.status)).collect::<Vec<_>>()
        };
        assert_eq!(after(vec![Ok(()), problem(HELD)]), [None, Some(HELD)]);
        assert_eq!(after(vec![problem(503), Ok(()), problem(503), problem(503)]), [None, None, None, Some(503)]);
    }
}
