//! A company's batch: real simulators over loopback, a real SQLite file, and a UKG that takes its time.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use serde::Serialize;
use shift_access::plugin::Outcome;
use shift_access::{Site, Tenant};
use shift_access_tests::benchmark::rounded;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::World;

use crate::{milliseconds, timed};

/// What every call to UKG takes, beside the simulator's own work. Access answers at once.
const DELAY: Duration = Duration::from_millis(20);

/// A batch that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(1_800);

/// Decisions asked for.
const DECISIONS: usize = 101;

/// What was measured of a company.
#[derive(Serialize)]
pub(crate) struct Company {
    pub(crate) workers: usize,
    pub(crate) delay_ms: f64,
    /// Calls to UKG that the connection allows at once.
    pub(crate) in_flight: u32,
    /// Into an empty store.
    pub(crate) first: Batch,
    /// Once more, with nothing changed.
    pub(crate) second: Batch,
    /// A fresh instance that decides for one worker of the stored company.
    pub(crate) decide_ms: f64,
}

/// What was measured of one batch.
#[derive(Serialize)]
pub(crate) struct Batch {
    /// The most memory the guest had.
    pub(crate) memory_peak_bytes: usize,
    pub(crate) calls_to_ukg: u32,
    pub(crate) calls_to_access: usize,
    pub(crate) time_ms: f64,
    /// From the beginning to the first call that asks UKG: the members are known.
    pub(crate) members_ms: f64,
    /// Calls x delay / in flight: what waiting for UKG alone would take.
    pub(crate) least_ms: f64,
    /// All of the simulated UKG's answers / in flight: the delay, and what the simulator itself takes.
    pub(crate) ukg_ms: f64,
    /// The time in `least_ms`.
    pub(crate) ratio: f64,
    pub(crate) workers_per_second: f64,
}

impl Company {
    /// The most memory the guest had in either batch.
    pub(crate) fn memory_peak(&self) -> usize {
        self.first.memory_peak_bytes.max(self.second.memory_peak_bytes)
    }
}

/// Sets up a company of so many workers and measures two batches of it and a decision.
pub(crate) async fn measure(workers: usize, cache: &Path) -> Result<Company> {
    let stage = Stage::new(World::company(Utc::now(), workers, 7), "shift-access").await?;
    stage.ukg.set_latency(DELAY);
    let (site, _) = Site::open(&stage.config(), &|_| None, Some(cache.to_owned())).await;
    let site = site?;
    let tenant = site.tenant(TENANT)?;
    let kronos = tenant.description.connections.iter().find(|connection| connection.name == "kronos");
    let in_flight = kronos.context("the pack has no connection to UKG")?.in_flight;
    let bench = Bench { stage, site, tenant, workers, in_flight };
    Ok(Company {
        workers,
        delay_ms: milliseconds(DELAY),
        in_flight,
        first: bench.batch("first", "changed").await?,
        second: bench.batch("second", "unchanged").await?,
        decide_ms: milliseconds(bench.decide().await?),
    })
}

struct Bench {
    stage: Stage,
    site: Site,
    tenant: Tenant,
    workers: usize,
    in_flight: u32,
}

impl Bench {
    /// Runs the batch as the host would, but past the history, which does not keep how much memory a run took. `all` is
    /// the count every worker must be in.
    async fn batch(&self, run: &str, all: &str) -> Result<Batch> {
        self.stage.ukg.calls().forget();
        self.stage.access.calls().forget();
        let start = Instant::now();
        let outcome = self.tenant.pack.run(self.site.host().lend(&self.tenant), LIMIT, "batch", run, &[]).await?;
        let time = start.elapsed();
        ensure!(outcome.failure.is_none(), "the batch failed: {:?}", outcome.failure);
        for name in ["members", all] {
            let counted = (name.to_owned(), self.workers as u64);
            ensure!(outcome.report.counts.contains(&counted), "not every one of {} is in {name}: {:?}", self.workers, outcome.report);
        }
        self.measured(&outcome, start, time)
    }

    fn measured(&self, outcome: &Outcome, start: Instant, time: Duration) -> Result<Batch> {
        let calls = self.stage.ukg.calls().all();
        let members = calls.first().context("UKG was not called")?.at.into_std().duration_since(start);
        let calls_to_ukg = u32::try_from(calls.len())?;
        let answering: Duration = calls.iter().filter_map(|call| call.took).sum();
        let least = DELAY * calls_to_ukg / self.in_flight;
        Ok(Batch {
            memory_peak_bytes: outcome.memory_peak,
            calls_to_ukg,
            calls_to_access: self.stage.access.calls().total(),
            time_ms: milliseconds(time),
            members_ms: milliseconds(members),
            least_ms: milliseconds(least),
            ukg_ms: milliseconds(answering / self.in_flight),
            ratio: rounded(time.div_duration_f64(least), 3),
            workers_per_second: rounded(self.workers as f64 / time.as_secs_f64(), 1),
        })
    }

    async fn decide(&self) -> Result<Duration> {
        let question = || vec![("w00042".to_owned(), None)];
        timed(DECISIONS, async || Ok(self.tenant.pack.decide(self.site.host().lend(&self.tenant), question()).await?)).await
    }
}
