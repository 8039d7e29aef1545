//! What a well-behaved tenant notices of a hostile one: how long its questions take at the 99th percentile while each attack
//! goes on again and again, beside how long they took just before. Ends with 1 where that is more than twice as long.
//!
//! Attackers and neighbour share one host, one process and its processors.
//!
//! `cargo bench --package shift-access-tests --bench hostile`, with `-- NAME` for one attack.
#![expect(clippy::print_stdout, reason = "a benchmark is what it prints")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use shift_access::Tenant;
use shift_access_tests::benchmark;
use shift_access_tests::hostile::{ATTACKS, Arena, Attack, Beside};
use shift_access_tests::process::resident;

/// How much longer the neighbour may wait at the 99th percentile.
const MOST: f64 = 2.0;
/// How long each attack goes on.
const LASTS: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    println!("{:<34}{:>8}{:>14}{:>14}{:>8}{:>14}", "attack", "times", "p99 quiet", "p99 beside", "ratio", "resident KiB");
    let mut missed = Vec::new();
    for attack in ATTACKS.iter().filter(|attack| only.as_ref().is_none_or(|only| only == attack.name)) {
        let arena = Arena::new().await?;
        let bad = arena.bad(attack).await?;
        let beside = arena.beside(again(&arena, &bad, attack)).await?;
        if line(attack, &beside)? > MOST {
            missed.push(attack.name);
        }
    }
    if cfg!(debug_assertions) {
        println!("Built without optimisation: the times say little.");
    }
    println!("at most {MOST} times");
    Ok(benchmark::verdict(&missed))
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

/// Prints one attack, and gives how many times as long the neighbour waited.
fn line(attack: &Attack, Beside { ended, quiet, beside }: &Beside<Result<u32>>) -> Result<f64> {
    let times = ended.as_ref().map_err(|error| anyhow::anyhow!("{}: {error:#}", attack.name))?;
    let [quiet, beside] = [quiet, beside].map(|answered| answered.percentile(99).as_secs_f64() * 1e3);
    let ratio = beside / quiet;
    let resident = resident(std::process::id())?;
    println!("{:<34}{times:>8}{quiet:>11.3} ms{beside:>11.3} ms{ratio:>8.2}{resident:>14}", attack.name);
    Ok(ratio)
}
