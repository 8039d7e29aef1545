//! Killed anywhere in a batch, the store opens, every record is whole, and the next run completes.

use std::time::Duration;

use shift_access_tests::stage::Stage;
use shift_access_tests::world::{hours, minutes};

use crate::{PROGRAM, assert_sums};

const WORKERS: usize = 1_000;

#[tokio::test]
async fn a_batch_killed_anywhere_leaves_whole_records_and_the_next_one_completes() {
    let world = shift_access_tests::world::World::new(chrono::Utc::now());
    let workers: Vec<_> =
        (0..WORKERS).map(|n| world.person(&format!("w{n:04}")).in_group("Store 12 Hourly").clocked_in(hours(3))).collect();
    let stage = Stage::new(world, PROGRAM).await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.ukg.set_latency(Duration::from_millis(20));
    let started = std::time::Instant::now();
    assert_eq!(stage.batch().await.unwrap()["counts"]["changed"], 1_000);
    let whole = started.elapsed();
    for round in 1..=12_u32 {
        // Each round there is something to change, so a kill can fall between two chunks.
        for worker in &workers {
            let worker = worker.clone().no_punches();
            if round.is_multiple_of(2) {
                worker.clocked_in(hours(3))
            } else {
                worker.clocked_in(hours(3)).clocked_out(minutes(30))
            };
        }
        let mut child = stage.spawn(&["run", "acme", "batch"]).unwrap();
        tokio::time::sleep(whole * round / 13).await;
        child.kill().await.unwrap();
        let records = stage.records().await.unwrap();
        assert_eq!(records.len(), WORKERS, "round {round}");
        for record in &records {
            let whole = record["person_number"].is_string() && record["since"].is_string() && record["source"]["run"].is_string();
            assert!(whole && matches!(record["status"].as_str(), Some("on-shift" | "off-shift")), "round {round}: {record}");
        }
    }
    let run = stage.batch().await.unwrap();
    assert_eq!(run["status"], "COMPLETE", "{run}");
    assert_sums(&run["counts"]);
    let history = stage.run(&["history", "acme", "--status", "ABORTED", "--json"]).await.unwrap().json_lines().unwrap();
    assert!(!history.is_empty(), "a killed run is told as aborted");
    let running = stage.run(&["history", "acme", "--status", "INPROCESS", "--json"]).await.unwrap().json_lines().unwrap();
    assert!(running.is_empty(), "{running:?}");
    let again = stage.batch().await.unwrap();
    assert_eq!(again["counts"]["changed"], 0, "{again}");
}
