//! The batch: who is read, what is stored, what is told.

mod brake;
mod exempt;
mod groups;
mod sources;

use serde_json::json;
use shift_access_tests::world::{hours, minutes};

use crate::{assert_sums, demo, empty, record};

const EAST: &str = "Store 12 Hourly";
const WEST: &str = "Store 14 Hourly";

#[tokio::test]
async fn a_batch_stores_the_status_of_every_worker_and_tells_what_it_did() {
    let stage = demo().await.unwrap();
    let ended = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let run = ended.json().unwrap();
    let keys: Vec<_> = run.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = ["run", "tenant", "job", "process", "trigger", "status", "started", "duration_ms", "counts", "warnings", "failure"];
    wanted.sort_unstable();
    assert_eq!(keys, wanted);
    assert_eq!(run["process"], "[Kronos] Worker Status - Batch [Workspace ONE]");
    assert_eq!((&run["trigger"], &run["status"]), (&json!("manual"), &json!("COMPLETE_WARN")));
    assert_eq!(run["counts"]["members"], 23);
    assert_sums(&run["counts"]);
    let records = stage.records().await.unwrap();
    assert_eq!(records.len(), 23);
    for (user, status, reason) in [
        ("adiaz", "on-shift", "clocked-in"),
        ("cmoss", "off-shift", "clocked-out"),
        ("eboateng", "off-shift", "no-punches"),
        ("icosta", "on-shift", "clocked-in"),
        ("jweber", "on-break", "between-spans"),
        ("kmensah", "off-shift", "break-too-long"),
        ("lnovak", "on-shift", "clocked-in"),
        ("nsaid", "off-shift", "open-too-long"),
        ("prao", "off-shift", "clocked-out"),
        ("qyoung", "on-shift", "clocked-in"),
        ("rsilva", "on-break", "between-spans"),
        ("uito", "on-shift", "clocked-in"),
        ("vcruz", "unknown", "not-in-kronos"),
        ("xchen", "unknown", "ambiguous-user"),
        ("yali", "unknown", "not-in-kronos"),
    ] {
        let record = record(&records, user);
        assert_eq!((&record["status"], &record["reason"]), (&json!(status), &json!(reason)), "{user}");
        assert_eq!(record["source"]["run"], run["run"], "{user}");
        assert_eq!(record["source"]["kind"], "batch", "{user}");
    }
    assert!(!records.iter().any(|record| record["user"] == "wmay"), "a disabled user has no record");
}

#[tokio::test]
async fn a_second_batch_changes_nothing_and_moves_the_moment_of_observation() {
    let stage = demo().await.unwrap();
    let first = stage.batch().await.unwrap();
    let before = stage.records().await.unwrap();
    let second = stage.batch().await.unwrap();
    assert_eq!(first["counts"]["changed"], 23);
    assert_eq!(second["counts"]["changed"], 0, "{second}");
    assert_eq!(second["counts"]["unchanged"], 23);
    assert_sums(&second["counts"]);
    let after = stage.records().await.unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before["user"], &before["since"]), (&after["user"], &after["since"]));
        assert!(after["observed_at"].as_str() > before["observed_at"].as_str(), "{after}");
    }
}

#[tokio::test]
async fn what_happened_between_two_batches_is_what_changes() {
    let stage = empty().await.unwrap();
    let ana = stage.world.person("adiaz").in_group(EAST).clocked_in(hours(3));
    stage.world.person("bking").in_group(EAST).clocked_in(hours(1));
    let gone = stage.world.person("cmoss").in_group(EAST).clocked_in(hours(1));
    stage.configure("user-groups = [\"Store 12 Hourly\"]").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["changed"], 3);
    ana.clocked_out(minutes(1));
    gone.left_group(EAST);
    let counts = stage.batch().await.unwrap()["counts"].clone();
    assert_eq!((&counts["members"], &counts["changed"], &counts["removed"]), (&json!(2), &json!(1), &json!(1)));
    let records = stage.records().await.unwrap();
    assert_eq!(record(&records, "adiaz")["status"], "off-shift");
    assert_eq!(records.len(), 2, "who left the group has no record any more");
}

#[tokio::test]
async fn names_of_groups_and_users_compare_without_regard_to_case() {
    let stage = empty().await.unwrap();
    stage.world.person("ADiaz").kronos_user_name("adiaz").in_group(EAST).clocked_in(hours(2));
    stage.configure("user-groups = \"sTORE 12 hourly\"").unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!(run["counts"]["matched"], 1, "{run}");
    let ended = stage.run(&["decide", "acme", "aDIAZ", "--json"]).await.unwrap();
    assert_eq!(ended.json().unwrap()["decision"], "allow");
}

#[tokio::test]
async fn disabled_deleted_and_unreadable_users_are_left_out_and_told() {
    let stage = empty().await.unwrap();
    stage.world.person("good").in_group(EAST).clocked_in(hours(1));
    stage.world.person("disabled").in_group(EAST).disabled();
    stage.world.person("deleted").in_group(EAST).soft_deleted();
    stage.world.person("three").in_group(EAST).user_status(3);
    stage.world.person("unreadable").in_group(EAST).unreadable(500);
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!(run["counts"]["members"], 1, "{run}");
    let id = run["run"].as_str().unwrap();
    let detail = stage.run(&["history", "acme", id, "--json"]).await.unwrap().json().unwrap();
    let notes = detail["notes"].to_string();
    assert!(notes.contains("disabled") && notes.contains("deleted"), "{notes}");
    let test = stage.run(&["run", "acme", "test-connection", "--json"]).await.unwrap().json().unwrap();
    for run in [run, test] {
        assert_eq!(run["status"], "COMPLETE_WARN", "{run}");
        let warning = run["warnings"].as_array().unwrap().iter().find(|warning| warning["subject"] == EAST).unwrap();
        assert_eq!(warning["code"], "HWBS-WS25", "{run}");
        assert!(warning["message"].as_str().unwrap().contains("1 of 5 members could not be read"), "{run}");
    }
}

fn strip_age(mut records: Vec<serde_json::Value>) -> Vec<serde_json::Value> {
    records.iter_mut().for_each(|record| record["age_seconds"] = json!(0));
    records
}
