//! The call log of a simulator: what was asked, when, with how long a list, and how many calls were under way at once.
//!
//! It only remembers. Bodies and headers are kept as they came, secrets included, for tests that look for leaks; never print them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tokio::time::Instant;

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path, as it came (still percent-encoded).
    pub path: String,
    /// The query, as it came; empty without one.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The length of the list of employees or values in the body.
    pub listed: Option<usize>,
    /// When it came in.
    pub at: Instant,
    /// How long it took; `None` while it is under way or if the caller gave up.
    pub took: Option<Duration>,
    /// The status; `None` while it is under way or if the caller gave up.
    pub status: Option<u16>,
}

/// The log; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    calls: Vec<Call>,
    forgotten: usize,
    in_flight: usize,
    highest: usize,
}

impl Calls {
    /// Every call, in the order they came in.
    pub fn all(&self) -> Vec<Call> {
        self.log().calls.clone()
    }

    /// The calls to exactly this path.
    pub fn to(&self, path: &str) -> Vec<Call> {
        self.log().calls.iter().filter(|call| call.path == path).cloned().collect()
    }

    /// How many calls went to exactly this path.
    pub fn count_to(&self, path: &str) -> usize {
        self.log().calls.iter().filter(|call| call.path == path).count()
    }

    /// How many calls went to paths that begin so.
    pub fn count_under(&self, prefix: &str) -> usize {
        self.log().calls.iter().filter(|call| call.path.starts_with(prefix)).count()
    }

    /// How many calls there were.
    pub fn total(&self) -> usize {
        self.log().calls.len()
    }

    /// How many are under way now.
    pub fn in_flight(&self) -> usize {
        self.log().in_flight
    }

    /// The most that ever were under way at once, since the start or the last [`Calls::forget`].
    pub fn max_in_flight(&self) -> usize {
        self.log().highest
    }

    /// The longest list of employees or values in calls to this path.
    pub fn longest_list_to(&self, path: &str) -> Option<usize> {
        self.log().calls.iter().filter(|call| call.path == path).filter_map(|call| call.listed).max()
    }

    /// Begins anew. Calls under way are still counted as in flight, but no longer listed.
    pub fn forget(&self) {
        let mut log = self.log();
        log.forgotten += log.calls.len();
        log.calls.clear();
        log.highest = log.in_flight;
    }

    pub(crate) fn open(&self, parts: &Parts, body: &Bytes, listed: Option<usize>) -> Open {
        let mut log = self.log();
        log.in_flight += 1;
        log.highest = log.highest.max(log.in_flight);
        log.calls.push(Call {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
            body: body.clone(),
            listed,
            at: Instant::now(),
            took: None,
            status: None,
        });
        Open { calls: self.clone(), number: log.forgotten + log.calls.len() - 1 }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. Dropping it, also because the caller hung up, ends it.
pub(crate) struct Open {
    calls: Calls,
    number: usize,
}

impl Open {
    /// Notes how it ended.
    pub(crate) fn answered(&self, status: u16) {
        let mut log = self.calls.log();
        let at = self.number.checked_sub(log.forgotten);
        if let Some(call) = at.and_then(|at| log.calls.get_mut(at)) {
            (call.status, call.took) = (Some(status), Some(call.at.elapsed()));
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.calls.log().in_flight -= 1;
    }
}
