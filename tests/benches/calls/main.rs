//! What the sandbox costs a call: a fresh instance and a warm one, a decision and an event in a component beside the same done
//! natively in the same run.
//!
//! A decision is that of the pack for a worker with a record, beside the rules alone. An event is one that a listener reads and
//! writes one key for, beside the same read and write of the same store. Ends with 1 where an aim is missed. What deriving a
//! status costs in the component is the benchmark `derive`.
//!
//! `cargo bench --package shift-access-tests --bench calls`, with `-- --json` for one JSON object.

mod native;
mod subject;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use shift_access_tests::benchmark::{self, rounded};

use subject::Subject;

/// Calls of each kind.
const CALLS: usize = 5_000;
/// Calls before them, so that everything is there.
const BEFORE: usize = 200;

/// What an event may take in a component more than natively, in microseconds.
const MOST_ADDED_US: f64 = 30.0;

/// How long calls took, in microseconds.
#[derive(Serialize)]
struct Took {
    p50_us: f64,
    p99_us: f64,
}

/// Everything measured.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    /// A call that does nothing, in a fresh instance and in one that waited.
    fresh: Took,
    warm: Took,
    decision: Took,
    decision_natively: Took,
    event: Took,
    event_natively: Took,
    /// Of the medians.
    event_added_us: f64,
    missed: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let measured = tokio::runtime::Runtime::new()?.block_on(measure())?;
    benchmark::report(&measured, &table::of(&measured)?, &measured.missed)
}

async fn measure() -> Result<Measured> {
    let subject = Subject::new().await?;
    let record = native::record()?;
    let fresh = timed(async |_| subject.fresh().await).await?;
    let warm = timed(async |_| subject.warm().await).await?;
    let decision = timed(async |_| subject.decide().await).await?;
    let decision_natively = timed(async |_| native::decide(&record)).await?;
    let event = timed(async |number| subject.event(number).await).await?;
    let event_natively = timed(async |number| subject.event_natively(number).await).await?;
    let event_added_us = rounded(event.p50_us - event_natively.p50_us, 2);
    let missed = (event_added_us >= MOST_ADDED_US).then(|| format!("an event takes {MOST_ADDED_US} µs more, or longer"));
    let missed = missed.into_iter().collect();
    let optimised = !cfg!(debug_assertions);
    Ok(Measured { optimised, fresh, warm, decision, decision_natively, event, event_natively, event_added_us, missed })
}

/// Times calls one after another, each with a number of its own.
async fn timed(call: impl AsyncFn(usize) -> Result<()>) -> Result<Took> {
    for number in 0..BEFORE {
        call(number).await?;
    }
    let mut took = Vec::with_capacity(CALLS);
    for number in BEFORE..BEFORE + CALLS {
        let begun = Instant::now();
        call(number).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    let at = |part: usize| took.get(CALLS * part / 100).map(|us| rounded(*us, 2)).context("nothing was measured");
    Ok(Took { p50_us: at(50)?, p99_us: at(99)? })
}
