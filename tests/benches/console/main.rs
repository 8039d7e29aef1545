//! How long the console's pages take and how large they are, with a hundred thousand workers and ten thousand runs in the store.
//!
//! The program serves in a process of its own, and a browser without a window asks for each page many times, one after the other:
//! what is measured is from the question to the whole answer, over loopback. Ends with 1 where an aim is missed.
//!
//! `cargo bench --package shift-access-tests --bench console`, with `-- --json` for one JSON object, `--workers N` and `--runs N` for
//! other numbers, `--times N` for how often each page is asked for.

mod filled;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use shift_access_tests::benchmark::{self, number, rounded};
use shift_access_tests::browser::Browser;
use shift_access_tests::serving::Serving;

use filled::PASSWORD;

const WORKERS: usize = 100_000;
const RUNS: usize = 10_000;
const TIMES: usize = 100;

/// What a page may take, ninety-nine times of a hundred.
const MOST_MS: f64 = 100.0;
const MOST_BYTES: usize = 200_000;

/// Everything measured.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    workers: usize,
    runs: usize,
    times: usize,
    pages: Vec<Asked>,
    missed: Vec<String>,
}

/// One page.
#[derive(Serialize)]
struct Asked {
    page: &'static str,
    bytes: usize,
    /// The first time, when nothing of it was read before.
    first_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn main() -> Result<ExitCode> {
    let measured = tokio::runtime::Runtime::new()?.block_on(measure())?;
    benchmark::report(&measured, &table::of(&measured)?, &measured.missed)
}

async fn measure() -> Result<Measured> {
    let (workers, runs, times) = (number("--workers", WORKERS)?, number("--runs", RUNS)?, number("--times", TIMES)?);
    let stage = filled::stage(workers, runs).await?;
    let serving = Serving::start(&stage).await?;
    let mut browser = Browser::at(serving.url())?;
    browser.sign_in("viewer", PASSWORD).await?;
    let addresses = addresses(&mut browser).await?;
    let mut pages = Vec::new();
    for (page, address) in &addresses {
        pages.push(asked(&mut browser, page, address, times).await?);
    }
    let missed = pages.iter().filter_map(Asked::missed).collect();
    Ok(Measured { optimised: !cfg!(debug_assertions), workers, runs, times, pages, missed })
}

/// Every page, by what it is called here.
async fn addresses(browser: &mut Browser) -> Result<Vec<(&'static str, String)>> {
    let of = |rest: &str| format!("/console/tenants/acme/{rest}");
    let first = |text: &str| Some(text.split_once("<th scope=\"row\"><a href=\"")?.1.split_once('"')?.0.to_owned());
    let mut link = async |path: String| first(&browser.open(&path).await?.text).context("the list is empty");
    let (run, worker) = (link(of("history")).await?, link(of("workers")).await?);
    Ok(vec![
        ("overview", "/console".to_owned()),
        ("workers", of("workers")),
        ("workers, by a name", of("workers?q=a")),
        ("workers, by a number", of("workers?q=1")),
        ("workers of a status", of("workers?status=on-break")),
        ("workers of a rare status", of("workers?status=unknown")),
        ("one worker", worker),
        ("the last day", of("day")),
        ("history", of("history")),
        ("history of a rare status", of("history?status=DISCARDED")),
        ("one run", run),
        ("dead letters", of("dead-letters")),
        ("alerts", of("alerts")),
        ("identities", of("identities")),
        ("what if", of("what-if?set.on-break=deny")),
    ])
}

async fn asked(browser: &mut Browser, page: &'static str, address: &str, times: usize) -> Result<Asked> {
    let (first_ms, bytes) = once(browser, address).await?;
    let mut took = Vec::new();
    for _ in 0..times.max(1) {
        took.push(once(browser, address).await?.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get(((took.len() - 1) as f64 * share).round() as usize).copied().unwrap_or_default();
    Ok(Asked { page, bytes, first_ms, p50_ms: at(0.5), p99_ms: at(0.99) })
}

/// How long the page took, and its bytes.
async fn once(browser: &mut Browser, address: &str) -> Result<(f64, usize)> {
    let began = Instant::now();
    let seen = browser.open(address).await?;
    ensure!(seen.status == 200, "{address} was answered {}", seen.status);
    Ok((rounded(began.elapsed().as_secs_f64() * 1e3, 1), seen.text.len()))
}

impl Asked {
    fn missed(&self) -> Option<String> {
        if self.bytes >= MOST_BYTES {
            return Some(format!("{} has {} bytes", self.page, self.bytes));
        }
        (self.p99_ms >= MOST_MS).then(|| format!("{} takes {} ms", self.page, self.p99_ms))
    }
}
