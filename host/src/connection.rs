//! Calls to the systems a tenant is connected to: everything `http.wit` promises.
//!
//! [`Connections`] holds the connections of one tenant. It adds address and login, keeps to the configured host,
//! limits calls in flight, repeats what is safe to repeat, and takes every secret out of what it hands over. It keeps
//! its state (tokens, sockets) to itself: two of them share nothing.
//!
//! It must not know what the calls are for.
//!
//! - A call is tried at most four times and waits at most 60 seconds in all: after 429, after 503 with `Retry-After`,
//!   after a connection that could not be made, and after one that broke off where the caller says that is safe.
//! - A redirect is followed for `GET`, on the same host, three times; elsewhere it is an error that names the host.
//! - Secrets of four characters and more, tokens, and Basic credentials of this connection are replaced by `[secret]`
//!   in refusals and errors, as they are, percent-encoded and JSON-escaped; in answers of status 2xx only tokens and
//!   secrets of twelve characters and more, because a shorter one may be a date or a name there.
//! - A name leads to public addresses only, looked up anew for every socket; a connection that says so reaches private ones.
//!   Loopback, link-local and metadata addresses are called where they are themselves written as the address.
//! - The proxy of the environment is used where the host is told to, and never for loopback addresses.

mod attempt;
mod client;
mod link;
mod log;
mod login;
mod message;
mod names;
mod patience;
mod reach;
mod secrets;
mod target;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::config::ConnectionConfig;
pub use client::Network;
pub(crate) use client::unguarded;
use link::Connection;

pub use log::{CallLog, CallRecord, NoLog};
pub use message::{Field, HttpError, Refusal, Request, Response, Throttle};
pub use names::{Resolver, SystemResolver};

/// What sends calls for a plugin. An embedder may lend its own.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends one request and returns the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    async fn send(&self, request: Request) -> Result<Response, HttpError>;

    /// The same client, telling its calls to `log`; `None` for a client that tells nobody, whose calls are then missing
    /// in the history.
    fn logged(&self, _log: Arc<dyn CallLog>) -> Option<Arc<dyn HttpClient>> {
        None
    }
}

/// Why connections cannot be made ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// An address that must not be called.
    #[error("an address of the connection `{connection}` cannot be used: {text}")]
    Address {
        /// The connection.
        connection: String,
        /// What is wrong with it.
        text: String,
    },
    /// The login needs a setting that has no value.
    #[error("the connection `{connection}` needs the setting `{setting}` to log in")]
    Missing {
        /// The connection.
        connection: String,
        /// The setting.
        setting: String,
    },
    /// A header that cannot be sent.
    #[error("the value for the header `{header}` of the connection `{connection}` holds a line break or control character")]
    Header {
        /// The connection.
        connection: String,
        /// The header.
        header: String,
    },
    /// The HTTP library does not start.
    #[error("the HTTP client does not start: {0}")]
    Client(String),
}

/// The connections of one tenant. Clones share tokens, sockets and limits.
#[derive(Clone)]
pub struct Connections {
    by_name: Arc<BTreeMap<String, Box<Connection>>>,
    log: Arc<dyn CallLog>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Connections {
    /// Makes connections ready on the system's own network; nothing is sent yet, and nobody is told of calls.
    ///
    /// # Errors
    ///
    /// A connection that could never be called.
    pub fn new<'a>(configs: impl IntoIterator<Item = &'a ConnectionConfig>) -> Result<Self, ConnectionError> {
        Self::over(&Network::default(), configs)
    }

    /// The same on a network of the caller's.
    ///
    /// # Errors
    ///
    /// A connection that could never be called.
    pub fn over<'a>(network: &Network, configs: impl IntoIterator<Item = &'a ConnectionConfig>) -> Result<Self, ConnectionError> {
        let ready = |config: &ConnectionConfig| Ok((config.name.clone(), Box::new(Connection::new(config, network)?)));
        let by_name = configs.into_iter().map(ready).collect::<Result<_, ConnectionError>>()?;
        Ok(Self { by_name: Arc::new(by_name), log: Arc::new(NoLog) })
    }

    /// The same connections, telling their calls to `log`: one for each run.
    pub fn logging_to(&self, log: Arc<dyn CallLog>) -> Self {
        Self { by_name: self.by_name.clone(), log }
    }
}

#[async_trait]
impl HttpClient for Connections {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let connection = self.by_name.get(&request.connection).ok_or(HttpError::UnknownConnection)?;
        connection.send(request, &*self.log).await
    }

    fn logged(&self, log: Arc<dyn CallLog>) -> Option<Arc<dyn HttpClient>> {
        Some(Arc::new(self.logging_to(log)))
    }
}

/// A tenant without connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoConnections;

#[async_trait]
impl HttpClient for NoConnections {
    async fn send(&self, _request: Request) -> Result<Response, HttpError> {
        Err(HttpError::UnknownConnection)
    }
}

#[cfg(test)]
mod tests;
