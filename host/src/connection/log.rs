//! What is told of every call, for the execution history.

use std::time::Duration;

use super::message::HttpError;

/// One call, or one login, with all its tries. Nothing in it is a secret, and the query is left out.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The connection.
    pub connection: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the last answer, where there was one.
    pub status: Option<u16>,
    /// From the first try to the end, waits included.
    pub duration: Duration,
    /// The request id of the last answer, where it gave one.
    pub request_id: Option<String>,
    /// How often it was tried.
    pub tries: u32,
    /// How it failed, where it did.
    pub error: Option<HttpError>,
}

/// Where calls are told. Called once a call, from whatever task made it: it must not block.
pub trait CallLog: Send + Sync {
    /// One call is over.
    fn on_call(&self, record: CallRecord);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl CallLog for NoLog {
    fn on_call(&self, _: CallRecord) {}
}
