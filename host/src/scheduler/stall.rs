//! Tells when a job stands still: its ticks pass, and no run of it ends, well or badly. Its run may hang, something else may
//! hold its lock, another host may keep its agenda and do nothing, or the store may have failed for a while.
//!
//! Every host watches, whether or not it keeps the agenda itself: it is the store that knows what was told already.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Agenda, LATE};
use crate::description::JobInfo;
use crate::runner::{Runner, time_limit};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// So many ticks must have passed.
const TICKS: usize = 3;

/// How often it is looked.
const LOOK: TimeDelta = TimeDelta::minutes(1);

/// A look that comes later than this after the one before shows that the machine slept, or its clock was set. Nothing could
/// end meanwhile, and nothing is told of it.
const ASLEEP: TimeDelta = TimeDelta::minutes(3);

/// When a job stands still whose last run ended at this moment, unless another ends before: at the third tick, but not
/// before a run begun at the first has used up its time.
pub fn stalls_at(agenda: &Agenda, ended: DateTime<Utc>, limit: Duration) -> Option<DateTime<Utc>> {
    let mut ticks = agenda.upcoming(ended);
    let first = ticks.next()?;
    let last = ticks.nth(TICKS.checked_sub(2)?)?;
    let limit = TimeDelta::from_std(limit).ok()?;
    Some(last.max(first + limit) + LATE)
}

/// The watch over one job of one tenant.
pub(super) struct Watch {
    runner: Runner,
    tenant: Tenant,
    job: JobInfo,
    agenda: Agenda,
    limit: Duration,
}

impl Watch {
    pub(super) fn new(runner: &Runner, tenant: &Tenant, job: &JobInfo, agenda: &Agenda) -> Self {
        let limit = time_limit(tenant, job);
        Self { runner: runner.clone(), tenant: tenant.clone(), job: job.clone(), agenda: agenda.clone(), limit }
    }

    /// Watches without end. What was before the watch began counts for nothing: the host may have been down.
    pub(super) async fn keep(self) {
        let mut looked = self.runner.clock.now();
        let mut since = looked;
        // Found out once for each end: most looks are at the clock alone.
        let mut moment = self.stalls_at(since);
        loop {
            self.runner.clock.sleep_until(looked + LOOK).await;
            let now = self.runner.clock.now();
            let before = since;
            if now < looked || now - looked > ASLEEP {
                since = now;
            } else if moment.is_some_and(|moment| moment <= now) {
                match self.look(since, now).await {
                    Ok(ended) => since = ended,
                    // Told as soon as the store is back.
                    Err(error) => tracing::error!(tenant = %self.tenant.name, job = self.job.name, %error, "the watch waits for the store"),
                }
            }
            looked = now;
            if since != before {
                moment = self.stalls_at(since);
            }
        }
    }

    /// Asks the store, since a run should have ended; gives the moment from which to count.
    async fn look(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, StoreError> {
        let ended = self.runner.history.last_end(&self.tenant.name, &self.job.name).await?;
        // An end to come is of a clock that was wrong.
        let ended = ended.filter(|ended| *ended <= now).unwrap_or(since);
        let last = ended.max(since);
        if self.stalls_at(last).is_some_and(|moment| moment <= now) {
            let due = self.agenda.missed(ended, now).map_or(0, |missed| missed.count);
            self.runner.stalled(&self.tenant, &self.job, ended, due).await?;
        }
        Ok(last)
    }

    fn stalls_at(&self, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
        stalls_at(&self.agenda, since, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Cadence, Schedule};

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn every(minutes: u16) -> Agenda {
        Agenda::new("acme", "batch", &[], Some(u64::from(minutes)))
    }

    #[test]
    fn the_third_tick_counts_and_the_time_that_a_run_may_take() {
        let ended = at("2026-11-20T12:00:00Z");
        let ticks = |minutes: u16| every(minutes).upcoming(ended).take(3).collect::<Vec<_>>();
        let half_hours = stalls_at(&every(30), ended, Duration::from_secs(1_800)).unwrap();
        assert_eq!(half_hours, ticks(30)[2] + LATE);
        let minutes = stalls_at(&every(1), ended, TEN_MINUTES).unwrap();
        assert_eq!(minutes, ticks(1)[0] + TimeDelta::minutes(10) + LATE, "a run may take longer than three ticks are apart");
    }

    #[test]
    fn a_job_that_runs_once_a_day_has_three_days_and_one_that_never_runs_does_not_stand_still() {
        let times = vec![chrono::NaiveTime::from_hms_opt(5, 45, 0).unwrap()];
        let days = vec![chrono::Weekday::Mon, chrono::Weekday::Tue, chrono::Weekday::Wed];
        let daily = Schedule { job: "batch".into(), days, cadence: Cadence::Times(times), zone: chrono_tz::Tz::UTC };
        let agenda = Agenda::new("acme", "batch", &[daily], None);
        // Friday evening: the next ticks are on Monday, Tuesday and Wednesday.
        let moment = stalls_at(&agenda, at("2026-11-20T18:00:00Z"), TEN_MINUTES).unwrap();
        assert_eq!(moment.date_naive().to_string(), "2026-11-25");
        assert_eq!(stalls_at(&Agenda::new("acme", "other", &[], None), at("2026-11-20T18:00:00Z"), TEN_MINUTES), None);
    }
}
