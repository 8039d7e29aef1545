//! Readings of how the users and persons of a tenant match. One takes a while and calls other systems, so it goes on beside the pages,
//! one at a time for a tenant, and what it found is kept for as long as the plugin keeps it.
//!
//! Kept are the numbers and the first page; the others are asked of the plugin when somebody looks at them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Console;
use crate::answer::Identity;
use crate::history::{Failure, Warning};
use crate::plugin::CallError;
use crate::runner;
use crate::tenant::Tenant;

/// Identities a call for one page.
pub(crate) const CALL: u32 = 100;
/// Pages of one reading at most, whatever the pack says.
const MOST_PAGES: u32 = 20_000;
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
pub(crate) struct Reports(Mutex<HashMap<Arc<str>, Reading>>);

impl Reports {
    /// How the last reading of a tenant stands; none where there was none, or it is too old to be gone through.
    pub(crate) fn of(&self, tenant: &Tenant, now: DateTime<Utc>) -> Option<Reading> {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|_, reading| !matches!(reading, Reading::Done(report) if now - report.at > GOOD));
        readings.get(&tenant.name).cloned()
    }

    /// Begins a reading; `false` where one is under way already.
    pub(crate) fn begin(&self, console: &Console, tenant: &Tenant) -> bool {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Reading::Goes(_)) = readings.get(&tenant.name) {
            return false;
        }
        readings.insert(tenant.name.clone(), Reading::Goes(console.now()));
        let (of, tenant, abort) = (console.clone(), tenant.clone(), console.life.abort.clone());
        console.life.tracker.spawn(async move {
            if let Some(read) = abort.run_until_cancelled(read(&of, &tenant)).await {
                let reading = match read {
                    Ok(report) => Reading::Done(Arc::new(report)),
                    Err(error) => Reading::Failed(runner::failure(&tenant, &error)),
                };
                of.reports.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.name.clone(), reading);
            }
        });
        true
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
    let mut cursor = first.next;
    count(&mut report.states, &report.first);
    for _ in 0..MOST_PAGES {
        let Some(next) = cursor.take() else { return Ok(report) };
        let page = tenant.pack.identities(host.lend(tenant), Some(next.clone()), CALL).await?;
        count(&mut report.states, &page.items);
        // A pack that does not get on would be asked for ever.
        cursor = page.next.filter(|after| *after != next);
    }
    let message = format!("There are more than {} of them; the rest is not counted.", MOST_PAGES * CALL);
    report.warnings.push(Warning { code: String::new(), message, subject: None });
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
