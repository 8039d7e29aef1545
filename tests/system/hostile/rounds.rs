//! A thousand attacks of all kinds: what they took is given back.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use shift_access::history::Trigger;
use shift_access::plugin::Pack;
use shift_access::{Host, Order, Tenant};
use shift_access_tests::HOSTILE;
use shift_access_tests::hostile::{Arena, Attack};
use shift_access_tests::process;

const ROUNDS: usize = 1_000;
/// So often the memory is looked at. Until the first time everything comes to be there that is kept: warm instances, threads for
/// the store. What comes later is the store's cache, what the allocator holds back, and what the load on the neighbour notes.
const LOOK: usize = 100;

/// Those that end soon, over and over.
const KINDS: [&str; 8] = [
    "trap",
    "deep recursion",
    "memory bomb",
    "table bomb",
    "one large text for the host",
    "many calls of the host at once",
    "panic while dropped",
    "never-ending request",
];

/// Set where the test is alone in its process.
const ALONE: &str = "SHIFT_ACCESS_ALONE";

/// In a process of its own: what other tests take at the same time is not counted.
#[test]
fn after_a_thousand_attacks_no_memory_is_left_behind() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(attack_a_thousand_times());
    }
    let name = "hostile::rounds::after_a_thousand_attacks_no_memory_is_left_behind";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    eprintln!("{said}");
    assert!(output.status.success() && said.contains("resident after each"), "{said}");
}

async fn attack_a_thousand_times() {
    let arena = Arena::new().await.unwrap();
    let mut attackers = Vec::new();
    for name in KINDS {
        let attack = Attack::named(name).unwrap();
        let mut bad = arena.bad(attack).await.unwrap();
        Arc::make_mut(&mut bad.limits).jobs.memory_mib = 16;
        attackers.push((attack, bad));
    }
    let beside = arena.beside(async {
        let mut resident = Vec::new();
        for round in 1..=ROUNDS {
            let (attack, bad) = &attackers[round % attackers.len()];
            let order = Order::new(bad, attack.job, Trigger::Manual).unwrap().within(Duration::from_millis(100));
            let set: Vec<_> = attack.set.iter().map(|option| (*option).to_owned()).collect();
            let detail = arena.host.run(bad, order.with(&set).unwrap(), Default::default(), Default::default()).await.unwrap();
            assert!(detail.run.failure.is_some(), "{} ended well in round {round}", attack.name);
            after_an_answer(&arena.host, bad).await;
            assert!(Pack::from_bytes(arena.host.engine(), &HOSTILE[..1_000 + round]).is_err());
            if round % LOOK == 0 {
                resident.push(process::resident(std::process::id()).unwrap());
            }
        }
        resident
    });
    let beside = beside.await.unwrap();
    super::told("a thousand attacks", &beside);
    let resident = beside.ended;
    eprintln!("resident after each {LOOK} attacks, in KiB: {resident:?}");
    let (first, half, end) = (resident[0], resident[resident.len() / 2 - 1], resident[resident.len() - 1]);
    assert!(end * 2 < first * 3, "{first} KiB have become {end} KiB");
    assert!(end * 5 < half * 6, "{half} KiB have become {end} KiB in the second half");
}

/// Where the guest is the hostile one, it leaves something behind that goes off in the next question.
async fn after_an_answer(host: &Host, bad: &Tenant) {
    let _ = bad.pack.decide(host.lend(bad), vec![("trap".to_owned(), None)]).await;
}
