//! What a thousand tenants cost in one process, each with connections, a schedule and a listener of its own: the time to start
//! from the cache, the memory a tenant, and the processor time of nobody doing anything.
//!
//! The program serves in a process of its own; the simulators are in this one. Ends with 1 where an aim is missed.
//!
//! `cargo bench --package shift-access-tests --bench tenants`, with `-- --json` for one JSON object, `--tenants N` for another
//! number, `--idle SECONDS` for how long nothing happens.

mod site;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use shift_access_tests::benchmark::{self, number, rounded};
use shift_access_tests::process::{processor_seconds, resident};
use shift_access_tests::serving::Serving;

use site::{Site, posted};

const TENANTS: usize = 1_000;
/// Longer than an instance waits for another call, and a socket for another request.
const IDLE: usize = 90;

/// From the start of the program until it says that it is ready.
const MOST_START_MS: f64 = 2_000.0;
/// What a tenant costs that does nothing.
const MOST_KIB: f64 = 200.0;

/// Everything measured. Memory is what the process has more than one with a single tenant, divided by the tenants.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    tenants: usize,
    start_of_one_ms: f64,
    start_ms: f64,
    one_tenant_kib: u64,
    /// After the start.
    new_kib: f64,
    /// After an event of each was dealt with.
    busy_kib: f64,
    /// After nothing happened for a while.
    idle_kib: f64,
    /// Seconds from the first event until all were dealt with.
    events_seconds: f64,
    /// The share of one processor that the program takes while nothing happens.
    idle_processor: f64,
    missed: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let measured = tokio::runtime::Runtime::new()?.block_on(measure())?;
    benchmark::report(&measured, &table::of(&measured)?, &measured.missed)
}

async fn measure() -> Result<Measured> {
    let (tenants, idle) = (number("--tenants", TENANTS)?, Duration::from_secs(number("--idle", IDLE)? as u64));
    ensure!(tenants > 1, "--tenants wants two or more");
    let site = Site::new(tenants).await?;
    site.configure(1)?;
    // The first start fills the cache, and the store with what is made once.
    settled(&started(&site).await?.0).await?;
    let (one, start_of_one_ms) = started(&site).await?;
    let one_tenant_kib = settled(&one).await?;
    drop(one);

    site.configure(tenants)?;
    // What is written once for a new tenant is no part of a start.
    settled(&started(&site).await?.0).await?;
    let (serving, start_ms) = started(&site).await?;
    let a_tenant = |kib: u64| rounded((kib as f64 - one_tenant_kib as f64) / (tenants - 1) as f64, 1);
    let new_kib = a_tenant(settled(&serving).await?);

    let begun = Instant::now();
    posted(&serving, tenants).await?;
    let events_seconds = rounded(begun.elapsed().as_secs_f64(), 1);
    let process = process(&serving)?;
    let busy_kib = a_tenant(resident(process)?);

    tokio::time::sleep(idle).await;
    let (used, from) = (processor_seconds(process)?, Instant::now());
    tokio::time::sleep(idle / 3).await;
    let idle_processor = (processor_seconds(process)? - used) / from.elapsed().as_secs_f64();
    let idle_kib = a_tenant(resident(process)?);

    let aims = [
        (start_ms < MOST_START_MS, format!("the start took longer than {MOST_START_MS} ms")),
        (new_kib.max(idle_kib) < MOST_KIB, format!("an idle tenant has more than {MOST_KIB} KiB")),
    ];
    Ok(Measured {
        optimised: !cfg!(debug_assertions),
        tenants,
        start_of_one_ms,
        start_ms,
        one_tenant_kib,
        new_kib,
        busy_kib,
        idle_kib,
        events_seconds,
        idle_processor: rounded(idle_processor, 4),
        missed: aims.into_iter().filter(|(met, _)| !met).map(|(_, words)| words).collect(),
    })
}

/// Starts the program; milliseconds until it is ready.
async fn started(site: &Site) -> Result<(Serving, f64)> {
    let begun = Instant::now();
    let serving = Serving::start(&site.stage).await?;
    let url = format!("{}/readyz", serving.url());
    let ready = async { while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {} };
    tokio::time::timeout(Duration::from_secs(60), ready).await.context("it does not become ready")?;
    Ok((serving, rounded(begun.elapsed().as_secs_f64() * 1e3, 1)))
}

/// The memory once what runs for each tenant has begun, which is when it is the same for a while.
async fn settled(serving: &Serving) -> Result<u64> {
    let process = process(serving)?;
    let (mut last, mut same) = (0, 0);
    while same < 6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = resident(process)?;
        same = if now.abs_diff(last) <= last / 200 { same + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

fn process(serving: &Serving) -> Result<u32> {
    serving.child.id().context("it has ended")
}
