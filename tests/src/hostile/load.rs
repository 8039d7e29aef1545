//! Questions to the neighbour, a few at once and at an even pace, for as long as somebody wants.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use shift_access::{Host, Tenant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Who asks at once.
const ASKING: usize = 4;
/// How often each asks.
const PACE: Duration = Duration::from_millis(2);
/// So many answers each has at least.
const LEAST: usize = 250;

/// How the neighbour was answered: every question was.
#[derive(Debug, Clone)]
pub struct Answered {
    took: Vec<Duration>,
}

impl Answered {
    /// How many answers there were.
    pub fn count(&self) -> usize {
        self.took.len()
    }

    /// How long the slowest took of the quickest so many of a hundred.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.took.len().saturating_sub(1);
        self.took.get(last * percent.min(100) / 100).copied().unwrap_or_default()
    }
}

/// The neighbour is being asked.
pub(super) struct Load {
    asking: JoinSet<Result<Vec<Duration>>>,
    stop: CancellationToken,
}

impl Load {
    pub(super) fn start(host: &Host, tenant: &Tenant) -> Self {
        let (mut asking, stop) = (JoinSet::new(), CancellationToken::new());
        for _ in 0..ASKING {
            asking.spawn(ask(host.clone(), tenant.clone(), stop.clone()));
        }
        Self { asking, stop }
    }

    /// Ends it, when there are answers enough.
    pub(super) async fn stop(mut self) -> Result<Answered> {
        self.stop.cancel();
        let mut took = Vec::new();
        while let Some(answered) = self.asking.join_next().await {
            took.extend(answered??);
        }
        took.sort();
        Ok(Answered { took })
    }
}

async fn ask(host: Host, tenant: Tenant, stop: CancellationToken) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while took.len() < LEAST || !stop.is_cancelled() {
        pace.tick().await;
        let begun = Instant::now();
        let questions = vec![("adiaz".to_owned(), None)];
        let decided = tenant.pack.decide(host.lend(&tenant), questions).await.context("the neighbour was not answered")?;
        ensure!(decided.iter().any(|decision| decision.user == "adiaz"), "the neighbour was answered something else: {decided:?}");
        took.push(begun.elapsed());
    }
    Ok(took)
}
