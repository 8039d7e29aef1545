//! Two hosts on one store: when one is killed, the other does what that one did.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shift_access::store::{Space, SqliteStore, Store, Write};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;

/// The runs of the batch, newest first, once they have these statuses.
async fn runs(stage: &Stage, wanted: &[&str]) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let runs = stage.run(&["history", "acme", "--job", "batch", "--json"]).await.unwrap().json_lines().unwrap();
        if runs.iter().map(|run| run["status"].as_str().unwrap()).eq(wanted.iter().copied()) {
            return runs;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{runs:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_schedule_is_taken_over_and_the_run_that_was_cut_off_made_up_for() {
    let stage = demo().await.unwrap();
    let yesterday = chrono::Utc::now() - chrono::TimeDelta::days(1);
    let kept = Write::put("schedule/batch", json!({ "until": yesterday }).to_string());
    SqliteStore::open(stage.store()).unwrap().commit(&Space::host("acme"), vec![kept]).await.unwrap();
    stage.ukg.set_latency(Duration::from_secs(20));
    let mut one = Serving::start(&stage).await.unwrap();
    runs(&stage, &["INPROCESS"]).await;
    let other = Serving::start(&stage).await.unwrap();
    other.says("another host keeps to this schedule", 0).await.unwrap();
    one.child.kill().await.unwrap();
    stage.ukg.set_latency(Duration::ZERO);
    let runs = runs(&stage, &["COMPLETE_WARN", "ABORTED"]).await;
    let told = runs[0]["warnings"].as_array().unwrap().iter().find(|warning| warning["code"] == "HWBS-WS60").unwrap();
    assert!(told["message"].as_str().unwrap().contains("was cut off"), "{told}");
    assert_eq!(runs[0]["trigger"], "schedule");
    assert!(!stage.records().await.unwrap().is_empty());
}
