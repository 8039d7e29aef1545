//! The brake.

use serde_json::json;
use shift_access_tests::world::{hours, minutes};

use super::{EAST, strip_age};
use crate::empty;

#[tokio::test]
async fn the_brake_holds_a_run_that_would_close_too_many() {
    let stage = empty().await.unwrap();
    let workers: Vec<_> = (0..10).map(|n| stage.world.person(&format!("w{n}")).in_group(EAST).clocked_in(hours(2))).collect();
    stage.configure("user-groups = \"Store 12 Hourly\"\nbrake-percent = 30").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["changed"], 10);
    workers.iter().take(6).for_each(|worker| drop(worker.clone().clocked_out(minutes(1))));
    let before = stage.records().await.unwrap();
    let held = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    let run = held.json().unwrap();
    assert_eq!((held.code, &run["failure"]["code"]), (Some(1), &json!("HWBS-WS40")), "{run}");
    assert_eq!(strip_age(stage.records().await.unwrap()), strip_age(before), "nothing is stored");
    let let_through = stage.run(&["run", "acme", "batch", "--set", "release-brake=true", "--json"]).await.unwrap();
    assert_eq!(let_through.json().unwrap()["counts"]["changed"], 6);
}

#[tokio::test]
async fn workers_who_are_new_do_not_weaken_the_brake() {
    let stage = empty().await.unwrap();
    let workers: Vec<_> = (0..10).map(|n| stage.world.person(&format!("w{n}")).in_group(EAST).clocked_in(hours(2))).collect();
    stage.configure("user-groups = \"Store 12 Hourly\"\nbrake-percent = 30").unwrap();
    stage.batch().await.unwrap();
    workers.iter().take(6).for_each(|worker| drop(worker.clone().clocked_out(minutes(1))));
    for n in 0..50 {
        stage.world.person(&format!("new{n}")).in_group(EAST);
    }
    let run = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap().json().unwrap();
    assert_eq!(run["failure"]["code"], "HWBS-WS40", "{run}");
    assert!(run["failure"]["message"].as_str().unwrap().starts_with("6 of the 10 workers known would lose access"), "{run}");
}
