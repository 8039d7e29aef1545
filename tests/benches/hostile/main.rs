//! What a well-behaved tenant notices of a hostile one: how long its questions take at the 99th percentile while each attack
//! goes on again and again, beside how long they took just before. Ends with 1 where that is more than twice as long.
//!
//! Attackers and neighbour share one host, one process and its processors.
//!
//! `cargo bench --package shift-access-tests --bench hostile`, with `-- --json` for one JSON object, `-- NAME` for one attack.

mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use shift_access::Tenant;
use shift_access_tests::benchmark::{self, rounded};
use shift_access_tests::hostile::{ATTACKS, Arena, Attack};
use shift_access_tests::process::resident;

/// How much longer the neighbour may wait at the 99th percentile.
const MOST: f64 = 2.0;
/// How long each attack goes on.
const LASTS: Duration = Duration::from_secs(5);

/// Everything measured.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    attacks: Vec<Noticed>,
    missed: Vec<String>,
}

/// What the neighbour noticed of one attack.
#[derive(Serialize)]
struct Noticed {
    attack: &'static str,
    /// How often it was made.
    times: u32,
    p99_quiet_ms: f64,
    p99_beside_ms: f64,
    /// How many times as long the neighbour waited.
    ratio: f64,
    resident_kib: u64,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let mut attacks = Vec::new();
    for attack in ATTACKS.iter().filter(|attack| only.as_ref().is_none_or(|only| only == attack.name)) {
        eprintln!("{}", attack.name);
        attacks.push(notice(attack).await?);
    }
    let missed = attacks.iter().filter(|noticed| noticed.ratio > MOST).map(|noticed| noticed.attack.to_owned()).collect();
    let measured = Measured { optimised: !cfg!(debug_assertions), attacks, missed };
    benchmark::report(&measured, &table::of(&measured)?, &measured.missed)
}

async fn notice(attack: &Attack) -> Result<Noticed> {
    let arena = Arena::new().await?;
    let bad = arena.bad(attack).await?;
    let beside = arena.beside(again(&arena, &bad, attack)).await?;
    let [quiet, attacked] = [&beside.quiet, &beside.beside].map(|answered| answered.percentile(99).as_secs_f64() * 1e3);
    Ok(Noticed {
        attack: attack.name,
        times: beside.ended?,
        p99_quiet_ms: rounded(quiet, 3),
        p99_beside_ms: rounded(attacked, 3),
        ratio: rounded(attacked / quiet, 2),
        resident_kib: resident(std::process::id())?,
    })
}

/// Attacks until the time is over, and gives how often.
async fn again(arena: &Arena, bad: &Tenant, attack: &Attack) -> Result<u32> {
    let begun = Instant::now();
    let mut times = 0;
    while begun.elapsed() < LASTS {
        arena.run(bad, attack.job, attack.set).await?;
        times += 1;
    }
    Ok(times)
}
