//! A site that runs: its tenants, its API and its console, and how it begins and ends.
//!
//! On `stop` nothing new begins: schedules rest, and the listener takes no more connections. What is under way has a time to
//! end by itself, then it is ended, and the history says so. When the site's configuration is read anew, what runs for a
//! tenant that changed ends and begins again; the others notice nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::api::{self, App};
use crate::console::{self, Console};
use crate::scheduler::Life;
use crate::site::Site;

mod body;
mod front;
mod guest;
mod refusal;
mod residents;
mod trace;
mod upkeep;
mod watched;

use front::Front;
use residents::Residents;

/// How long what was ended may take to write so.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long a server waits for others, and how many it lets in.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// Connections at once. Where they are used up, whoever asks for nothing has to leave first.
    pub connections: usize,
    /// From the first byte of a request, or from the beginning of a connection, to the end of the request's head.
    pub head: Duration,
    /// For the whole body of a request, from the first moment it had to be waited for.
    pub body: Duration,
    /// Between two requests of a connection.
    pub rest: Duration,
    /// How long a client may take to fetch an answer, from the first moment it had to be waited for.
    pub answer: Duration,
    /// How long runs and requests under way may go on after `stop`.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            rest: Duration::from_secs(75),
            answer: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

/// A site, listening.
pub struct Server {
    site: Arc<Site>,
    listener: TcpListener,
    address: SocketAddr,
    limits: ServerLimits,
}

impl Server {
    /// Begins to listen where the site says; nothing is answered yet.
    ///
    /// # Errors
    /// When the address is taken, or not this machine's.
    pub async fn bind(site: impl Into<Arc<Site>>) -> std::io::Result<Self> {
        let site = site.into();
        let listener = TcpListener::bind(site.listen()).await?;
        let address = listener.local_addr()?;
        Ok(Self { site, listener, address, limits: ServerLimits::default() })
    }

    /// Sets limits other than the usual ones.
    #[must_use]
    pub fn within(self, limits: ServerLimits) -> Self {
        Self { limits, ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until the life stops, and what was under way has ended.
    ///
    /// # Errors
    /// When the server itself fails.
    pub async fn run(self, life: Life) -> std::io::Result<()> {
        let Self { site, listener, address, limits } = self;
        let mut changes = site.changes();
        let mut residents = Residents::new(site.clone(), life.clone());
        residents.settle();
        let (host, of_outbox) = (site.host().clone(), life.clone());
        life.tracker.spawn(async move { host.keep_outbox(&of_outbox).await });
        life.tracker.spawn(upkeep::keep(site.clone(), life.clone()));
        life.tracker.spawn(upkeep::keep_managed(site.clone(), life.clone()));
        let drain = limits.drain;
        let console = console::router(Console::new(site.clone(), address, life.clone()));
        let router = api::router(App::new(site, life.clone())).merge(console);
        let front = Front::new(trace::requests(router), limits);
        let receiving = tokio::spawn(front.clone().receive(listener, life.stop.clone()));
        while matches!(life.stop.run_until_cancelled(changes.changed()).await, Some(Ok(()))) {
            residents.settle();
        }
        life.stop.cancelled().await;
        let ended = tokio::time::timeout(drain, ended(residents, receiving, &life.tracker)).await;
        if ended.is_err() {
            tracing::warn!("what was under way after {drain:?} is ended");
            life.abort.cancel();
            let _ = tokio::time::timeout(LAST_WORDS, life.tracker.wait()).await;
        }
        front.close();
        ended.unwrap_or(Ok(()))
    }
}

/// Waits until all that was under way has ended.
async fn ended(residents: Residents, receiving: tokio::task::JoinHandle<()>, tracker: &TaskTracker) -> std::io::Result<()> {
    tracker.close();
    residents.leave().await;
    // Requests first: one of them may still begin a run.
    let received = receiving.await;
    tracker.wait().await;
    received.map_err(std::io::Error::other)
}
