//! Readings of how the users and persons of a tenant match. One takes a while and calls other systems, so it goes on beside the pages,
//! one at a time for a tenant, and what it found is kept for as long as the plugin keeps it.
//!
//! Kept are the numbers and the first page; the others are asked of the plugin when somebody looks at them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Console;
use crate::answer::{Identities, Identity};
use crate::history::{Failure, Warning};
use crate::identities;
use crate::plugin::CallError;
use crate::runner;
use crate::tenant::Tenant;

/// Identities a call for one page.
pub(crate) const CALL: u32 = 100;
/// For how long the plugin can give the pages of a reading.
const GOOD: TimeDelta = TimeDelta::minutes(55);

/// What a reading found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// When it was read.
    pub(crate) at: DateTime<Utc>,
    /// Each state in the pack's words, in the order to show, with the number of identities.
    pub(crate) states: Vec<(String, u64)>,
    /// What could not be read.
    pub(crate) warnings: Vec<Warning>,
    /// The first page.
    pub(crate) first: Vec<Identity>,
    /// Where the next begins.
    pub(crate) next: Option<String>,
}

/// How a reading stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is under way since then.
    Goes(DateTime<Utc>),
    /// It is done.
    Done(Arc<Report>),
    /// It failed.
    Failed(Failure),
}

/// The readings of every tenant.
#[derive(Default)]
pub(crate) struct Reports(Arc<Mutex<HashMap<Arc<str>, Reading>>>);

/// One that goes on. Where it ends without having found or failed, as by a panic, it is as if it had never begun.
struct Going {
    reports: Reports,
    tenant: Arc<str>,
    ended: Option<Reading>,
}

impl Reports {
    /// How the last reading of a tenant stands; none where there was none, or it is too old to be gone through.
    pub(crate) fn of(&self, tenant: &Tenant, now: DateTime<Utc>) -> Option<Reading> {
        let mut readings = self.lock();
        readings.retain(|_, reading| !matches!(reading, Reading::Done(report) if now - report.at > GOOD));
        readings.get(&tenant.name).cloned()
    }

    /// Begins a reading; `false` where one is under way already.
    pub(crate) fn begin(&self, console: &Console, tenant: &Tenant) -> bool {
        let Some(going) = self.going(&tenant.name, console.now()) else { return false };
        let (of, tenant, abort) = (console.clone(), tenant.clone(), console.life.abort.clone());
        console.life.tracker.spawn(async move {
            let read = abort.run_until_cancelled(read(&of, &tenant)).await;
            going.end(read.map(|read| match read {
                Ok(report) => Reading::Done(Arc::new(report)),
                Err(error) => Reading::Failed(runner::failure(&tenant, &error)),
            }));
        });
        true
    }

    fn going(&self, tenant: &Arc<str>, now: DateTime<Utc>) -> Option<Going> {
        let mut readings = self.lock();
        if let Some(Reading::Goes(_)) = readings.get(tenant) {
            return None;
        }
        readings.insert(tenant.clone(), Reading::Goes(now));
        Some(Going { reports: Self(self.0.clone()), tenant: tenant.clone(), ended: None })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Going {
    fn end(mut self, ended: Option<Reading>) {
        self.ended = ended;
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let mut readings = self.reports.lock();
        match self.ended.take() {
            Some(ended) => drop(readings.insert(self.tenant.clone(), ended)),
            None => drop(readings.remove(&self.tenant)),
        }
    }
}

/// Reads both systems, and counts what was found.
async fn read(console: &Console, tenant: &Tenant) -> Result<Report, CallError> {
    let host = console.site.host();
    let first = tenant.pack.identities(host.lend(tenant), None, CALL).await?;
    let mut report = Report {
        at: console.now(),
        states: first.states.iter().map(|state| (state.clone(), 0)).collect(),
        warnings: first.warnings,
        next: first.next.clone(),
        first: first.items,
    };
    count(&mut report.states, &report.first);
    let ask = |from| tenant.pack.identities(host.lend(tenant), Some(from), CALL);
    let each = |page: Identities| {
        count(&mut report.states, &page.items);
        Ok(())
    };
    let ending = identities::pages(first.next, ask, each).await?;
    report.warnings.extend(ending.warning());
    Ok(report)
}

fn count(states: &mut Vec<(String, u64)>, items: &[Identity]) {
    for item in items {
        match states.iter_mut().find(|(state, _)| *state == item.state) {
            Some((_, number)) => *number += 1,
            // A pack should have named it.
            None => states.push((item.state.clone(), 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reading_that_panics_can_be_begun_again() {
        let (reports, tenant, now) = (Reports::default(), Arc::from("acme"), "2026-03-01T05:45:00Z".parse().unwrap());
        let going = reports.going(&tenant, now).unwrap();
        assert!(reports.going(&tenant, now).is_none(), "one at a time");
        let panics = tokio::spawn(async move {
            let _going = going;
            panic!("as a defect would");
        });
        assert!(panics.await.unwrap_err().is_panic());
        reports.going(&tenant, now).unwrap().end(Some(Reading::Goes(now)));
        assert!(reports.going(&tenant, now).is_none(), "what it ended with stays");
    }
}
