//! A site that runs: its schedules, its API, and how it begins and ends.
//!
//! On `stop` nothing new begins: schedules rest, and the listener takes no more connections. What is under way has a time to
//! end by itself, then it is ended, and the history says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::api::{self, App};
use crate::scheduler::Life;
use crate::site::Site;

mod trace;

/// How long runs and requests under way may go on after `stop`.
const DRAIN: Duration = Duration::from_secs(30);

/// How long what was ended may take to write so.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A site, listening.
pub struct Server {
    site: Arc<Site>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Begins to listen where the site says; nothing is answered yet.
    ///
    /// # Errors
    /// When the address is taken, or not this machine's.
    pub async fn bind(site: Site) -> std::io::Result<Self> {
        let listener = TcpListener::bind(site.listen()).await?;
        let address = listener.local_addr()?;
        Ok(Self { site: Arc::new(site), listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until the life stops, and what was under way has ended.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, life: Life) -> std::io::Result<()> {
        let mut schedules = JoinSet::new();
        for tenant in self.site.tenants() {
            let (host, tenant, life) = (self.site.host().clone(), tenant.clone(), life.clone());
            schedules.spawn(async move { host.keep_schedules(&tenant, &life).await });
        }
        let app = App::new(self.site, life.clone());
        let stopped = life.stop.clone();
        let serving =
            axum::serve(self.listener, trace::requests(api::router(app))).with_graceful_shutdown(async move { stopped.cancelled().await });
        let serving = tokio::spawn(serving.into_future());
        life.stop.cancelled().await;
        life.tracker.close();
        schedules.join_all().await;
        // Requests first: one of them may still begin a run.
        let ended = async {
            let served = serving.await;
            life.tracker.wait().await;
            served
        };
        match tokio::time::timeout(DRAIN, ended).await {
            Ok(served) => served.unwrap_or_else(|error| Err(std::io::Error::other(error))),
            Err(_) => {
                tracing::warn!("what was under way after {DRAIN:?} is ended");
                life.abort.cancel();
                let _ = tokio::time::timeout(LAST_WORDS, life.tracker.wait()).await;
                Ok(())
            }
        }
    }
}
