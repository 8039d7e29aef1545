//! The commands: what they print, and how they end.

use std::time::Duration;

use serde_json::json;
use shift_access_tests::fault::Fault;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{PEOPLE_PATH, TIMECARD_PATH};
use shift_access_tests::world::hours;

use crate::{demo, empty};

/// How the adapters read a description.
#[path = "../../guest/adapters/lent/src/described.rs"]
#[allow(dead_code, missing_docs, reason = "whether it can be read is all that matters here")]
mod described;

use described::Description;

#[tokio::test]
async fn wrong_usage_ends_with_64() {
    let stage = demo().await.unwrap();
    for args in
        [&["run", "nobody", "batch"][..], &["run", "acme", "no-such"], &["run", "acme", "batch", "--set", "x=y"], &["run"], &["fly"]]
    {
        let ended = stage.run(args).await.unwrap();
        assert_eq!(ended.code, Some(64), "{args:?}: {}", ended.err);
        assert!(!ended.err.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn help_and_version_end_well() {
    let stage = demo().await.unwrap();
    for args in [["--help"], ["--version"]] {
        assert_eq!(stage.run(&args).await.unwrap().code, Some(0));
    }
}

#[tokio::test]
async fn the_description_names_connections_properties_jobs_and_imports() {
    let stage = demo().await.unwrap();
    let ended = stage.run(&["describe"]).await.unwrap();
    assert_eq!(ended.code, Some(0));
    for wanted in ["connection kronos", "connection workspace-one", "user-groups", "job batch", "HWBS-WS24"] {
        assert!(ended.out.contains(wanted), "{wanted}");
    }
    let described = stage.run(&["describe", "--json"]).await.unwrap().json().unwrap();
    assert_eq!(described["code_prefix"], "HWBS-WS");
    // The adapters are made ready with it as well, where no host of ours describes the pack: adapters.wit.
    let read: Description = serde_json::from_value(described.clone()).unwrap();
    let all = |list: &str| described[list].as_array().unwrap().len();
    assert_eq!((read.connections.len(), read.properties.len()), (all("connections"), all("properties")));
    let file = stage.folder().join("random.wasm");
    std::fs::write(&file, b"not a component").unwrap();
    assert_eq!(stage.run(&["describe", file.to_str().unwrap()]).await.unwrap().code, Some(64));
}

#[tokio::test]
async fn a_deny_is_done_and_the_decision_has_every_field() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let ended = stage.run(&["decide", "acme", "cmoss", "--surface", "people", "--json"]).await.unwrap();
    assert_eq!(ended.code, Some(0));
    let decision = ended.json().unwrap();
    let keys: Vec<_> = decision.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["age_seconds", "as_of", "decision", "reason", "since", "source", "status", "surface", "user"]);
    assert_eq!((&decision["decision"], &decision["surface"]), (&json!("deny"), &json!("people")));
    let nobody = stage.run(&["decide", "acme", "stranger", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&nobody["decision"], &nobody["reason"], &nobody["status"]), (&json!("deny"), &json!("no-record"), &json!("unknown")));
    assert!(nobody["as_of"].is_null() && nobody["source"].is_null() && nobody["surface"].is_null());
}

#[tokio::test]
async fn one_record_is_shown_with_its_explanation() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let record = stage.run(&["worker", "acme", "NSaid", "--json"]).await.unwrap().json().unwrap();
    let keys: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["age_seconds", "evidence", "observed_at", "person_number", "reason", "since", "source", "status", "tenant", "user"];
    assert_eq!(keys, wanted);
    let steps = record["evidence"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["at"].is_string()), "{record}");
    let shown = stage.run(&["worker", "acme", "nsaid"]).await.unwrap();
    assert!(shown.out.contains("nsaid may not open this now") && shown.out.contains("(open-too-long)."), "{}", shown.out);
    assert!(shown.out.contains("Rule 4: ") && shown.out.contains("(America/New_York)"), "{}", shown.out);
    assert!(
        shown.out.contains(&format!("\n  {:>2}. ", steps.len())) && !shown.out.contains(&format!("\n  {:>2}. ", steps.len() + 1)),
        "{}",
        shown.out
    );
    let stranger = stage.run(&["worker", "acme", "stranger"]).await.unwrap();
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.err.contains("there is no record of stranger") && stranger.err.contains("(no-record)."), "{}", stranger.err);
    assert!(stranger.out.is_empty(), "{}", stranger.out);
}

#[tokio::test]
async fn what_stands_above_an_explanation_leaves_the_times_to_it() {
    let stage = demo().await.unwrap();
    let run = stage.batch().await.unwrap();
    let shown = stage.run(&["worker", "acme", "nsaid"]).await.unwrap();
    let (head, _) = shown.out.split_once("\n\n").unwrap();
    let wanted = format!("source: batch, run {}", run["run"].as_str().unwrap());
    assert!(head.starts_with("nsaid (person ") && head.contains(": off-shift, open-too-long") && head.ends_with(&wanted), "{head}");
    assert!(!head.contains("UTC") && head.lines().count() == 2, "{head}");
}

#[tokio::test]
async fn the_json_of_a_worker_without_a_record_has_every_field() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let known = stage.run(&["worker", "acme", "nsaid", "--json"]).await.unwrap().json().unwrap();
    let ended = stage.run(&["worker", "acme", "stranger", "--json"]).await.unwrap();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("there is no record of stranger"), "{}", ended.err);
    let record = ended.json().unwrap();
    let keys = |record: &serde_json::Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&record), keys(&known));
    assert_eq!((&record["tenant"], &record["user"]), (&json!("acme"), &json!("stranger")));
    assert_eq!((&record["status"], &record["reason"]), (&json!("unknown"), &json!("no-record")));
    for key in ["person_number", "since", "observed_at", "age_seconds", "source"] {
        assert!(record[key].is_null(), "{key}: {record}");
    }
    assert!(record["evidence"].as_array().unwrap().len() > 2, "{record}");
}

#[tokio::test]
async fn records_are_listed_by_status() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let listed = stage.run(&["workers", "acme", "--status", "on-break", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|record| record["status"] == "on-break"));
    assert_eq!(stage.run(&["workers", "acme", "--status", "asleep"]).await.unwrap().code, Some(64));
}

#[tokio::test]
async fn the_history_is_listed_newest_first_and_one_run_has_its_story() {
    let stage = demo().await.unwrap();
    let first = stage.batch().await.unwrap();
    let second = stage.batch().await.unwrap();
    let listed = stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(listed, [second, first.clone()]);
    let id = first["run"].as_str().unwrap();
    let detail = stage.run(&["history", "acme", id, "--json"]).await.unwrap().json().unwrap();
    let calls = detail["calls"].as_array().unwrap();
    assert!(calls.iter().any(|call| call["path"] == TIMECARD_PATH && call["status"] == 200 && call["request_id"].is_string()), "{calls:?}");
    assert!(calls.iter().all(|call| !call["path"].as_str().unwrap().contains('?')));
    assert_eq!(stage.run(&["history", "acme", "no-such-run"]).await.unwrap().code, Some(1));
    let plain = stage.run(&["history", "acme"]).await.unwrap();
    assert!(plain.out.contains("COMPLETE_WARN") && plain.out.contains(id));
}

#[tokio::test]
async fn progress_goes_to_stderr_in_plain_lines_where_there_is_no_terminal() {
    let stage = demo().await.unwrap();
    let ended = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert!(ended.err.contains("23 of 23 workers read"), "{}", ended.err);
    assert_eq!(ended.out.lines().count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_the_run_as_aborted_with_what_was_stored_intact() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(2));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    for n in 0..550 {
        stage.world.person(&format!("w{n:03}")).in_group("Store 12 Hourly").clocked_in(hours(2));
    }
    stage.configure_with("user-groups = \"Store 12 Hourly\"", "in-flight = 2", "").unwrap();
    stage.ukg.calls().forget();
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).hang().after(2).times(1));
    let child = stage.spawn(&["run", "acme", "batch", "--json"]).unwrap();
    // Four chunks are under way at once: the fifth begins when the first is stored.
    wait_until(&stage, |stage| stage.ukg.calls().count_to(PEOPLE_PATH) > 4).await;
    let id = i32::try_from(child.id().unwrap()).unwrap();
    std::process::Command::new("kill").args(["-INT", &id.to_string()]).status().unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run["status"], "ABORTED", "{run}");
    assert!(run["counts"]["members"].as_u64() >= Some(100), "what was counted until then is told: {run}");
    crate::assert_sums(&run["counts"]);
    assert!(stage.records().await.unwrap().len() >= 100, "and stored");
    stage.ukg.faults().clear();
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE");
}

#[tokio::test]
async fn two_batches_of_one_tenant_never_run_at_once() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).delay(Duration::from_secs(5)));
    let child = stage.spawn(&["run", "acme", "batch", "--json"]).unwrap();
    wait_until(&stage, |stage| stage.ukg.calls().in_flight() > 0).await;
    let second = stage.run(&["run", "acme", "batch"]).await.unwrap();
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("already"), "{}", second.err);
    assert_eq!(child.wait_with_output().await.unwrap().status.code(), Some(0));
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_told_with_its_code() {
    let stage = demo().await.unwrap();
    std::fs::write(stage.store(), b"this is no database, and long enough to look like one: ".repeat(20)).unwrap();
    for args in [&["run", "acme", "batch"][..], &["workers", "acme"], &["history", "acme"]] {
        let ended = stage.run(args).await.unwrap();
        assert_eq!(ended.code, Some(1), "{args:?}");
        assert!(ended.err.contains("HWBS-WS30"), "{args:?}: {}", ended.err);
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_change_how_a_command_ends() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    let mut child = stage.spawn(&["run", "acme", "batch", "--json"]).unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
}

/// Waits for a state of the stage, at most half a minute.
async fn wait_until(stage: &Stage, holds: impl Fn(&Stage) -> bool) {
    for _ in 0..3_000 {
        if holds(stage) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the state did not come");
}
