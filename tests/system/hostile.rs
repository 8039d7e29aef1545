//! Hostile components, one a test, each beside a well-behaved neighbour that is asked all the while. Each ends with a typed
//! error or a code, the neighbour is answered every time, and whoever attacked is called again as if nothing had been.
//!
//! How much slower the neighbour is answered is printed here, and held to a limit by the benchmark `hostile`.

mod burns;
mod files;
mod injects;
mod network;
mod reaches;
mod rounds;
mod takes;

use shift_access::Tenant;
use shift_access::history::{RunDetail, StepOutcome};
use shift_access_tests::hostile::{Arena, Attack, Beside};

use crate::sandbox::limits::{answered, ended, went_well};

/// The attack of this name on a fresh host, beside the neighbour, and what can be looked at afterwards.
async fn attacked(name: &str) -> (Arena, Tenant, RunDetail) {
    let arena = Arena::new().await.unwrap();
    let attack = Attack::named(name).unwrap();
    let bad = arena.bad(attack).await.unwrap();
    let beside = arena.beside(arena.run(&bad, attack.job, attack.set)).await.unwrap();
    told(name, &beside);
    (arena, bad, beside.ended.unwrap())
}

/// Prints what the neighbour noticed. It was answered every time, or there would be nothing to print.
fn told<T>(name: &str, Beside { quiet, beside, .. }: &Beside<T>) {
    let (before, meanwhile) = (quiet.percentile(99), beside.percentile(99));
    eprintln!("{name}: p99 of the neighbour {before:?} before and {meanwhile:?} beside, of {} answers", beside.count());
    assert!(quiet.count() > 0 && beside.count() > 0);
}

/// The tenant that attacked does well what it does well.
async fn is_well(arena: &Arena, bad: &Tenant) {
    went_well(&arena.run(bad, "deep", &["count=100"]).await.unwrap());
}

/// Every try of the guest was held, and there were so many.
fn all_held(detail: &RunDetail, tries: usize) {
    went_well(detail);
    let ways_out: Vec<_> = detail.story.steps.iter().filter(|step| step.outcome != StepOutcome::Passed).collect();
    assert!(ways_out.is_empty(), "{ways_out:#?}");
    assert_eq!(detail.story.steps.len(), tries);
}
