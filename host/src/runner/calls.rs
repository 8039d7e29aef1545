//! The calls to other systems that a run makes, as its history tells them: never a body.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::connection::{CallLog, CallRecord, HttpClient};
use crate::history::Call;
use crate::metrics::Metrics;
use crate::tenant::Tenant;

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
    /// None yet.
    pub(super) fn of(tenant: Arc<str>, metrics: Arc<Metrics>) -> Self {
        Self { kept: Mutex::default(), made: AtomicU64::new(0), tenant, metrics }
    }

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
