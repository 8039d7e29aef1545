//! How small the component is, how quick a batch is, and that its memory does not grow with the number of workers.
//!
//! Host, guest and simulators share this process and its processors, so every time holds the simulators' own work too;
//! the memory is the guest's alone. Ends with 1 where it grows.
//!
//! `cargo bench --package shift-access-tests --bench batch`, with `-- --json` for one JSON object.

mod company;
mod component;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use shift_access_tests::benchmark::{self, rounded};

use company::Company;
use component::Component;

/// The companies measured.
const WORKERS: [usize; 2] = [2_000, 20_000];

/// How much more memory the large company's batch may take than the small one's.
const MOST_GROWTH: f64 = 1.2;

/// Everything measured.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    component: Component,
    companies: Vec<Company>,
    /// The large company's memory in that of the small one.
    memory_growth: f64,
    missed: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cache = tempfile::tempdir()?;
    let component = component::measure(cache.path()).await?;
    let mut companies = Vec::new();
    for workers in WORKERS {
        companies.push(company::measure(workers, cache.path()).await?);
    }
    let memory_growth = growth(&companies).context("there is no company to compare")?;
    let missed = (memory_growth > MOST_GROWTH).then(|| format!("memory grew to {memory_growth} times, at most {MOST_GROWTH}"));
    let measured =
        Measured { optimised: !cfg!(debug_assertions), component, companies, memory_growth, missed: missed.into_iter().collect() };
    benchmark::report(&measured, &table::of(&measured)?, &measured.missed)
}

fn growth(companies: &[Company]) -> Option<f64> {
    let (small, large) = (companies.first()?, companies.last()?);
    Some(rounded(large.memory_peak() as f64 / small.memory_peak() as f64, 3))
}

/// What the work takes, each time anew: the median.
async fn timed<T>(times: usize, work: impl AsyncFn() -> Result<T>) -> Result<Duration> {
    let mut took = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        work().await?;
        took.push(start.elapsed());
    }
    Ok(median(took))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3, 3)
}
