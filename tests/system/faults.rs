//! Every fault of the two systems gives its code, exit 1, and harms no record.

use serde_json::{Value, json};
use shift_access_tests::access::{GROUPS_PATH, TOKEN_PATH as ACCESS_TOKEN_PATH, USERS_PATH};
use shift_access_tests::fault::Fault;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{PEOPLE_PATH, TIMECARD_PATH, TOKEN_PATH};
use shift_access_tests::world::hours;

use crate::empty;

/// A stage with three workers and a good batch behind it; calls end after two seconds.
async fn stage() -> Stage {
    let stage = empty().await.unwrap();
    for n in 0..3 {
        stage.world.person(&format!("w{n}")).in_group("Store 12 Hourly").clocked_in(hours(2));
    }
    let short = "timeout-seconds = 2";
    stage.configure_with("user-groups = \"Store 12 Hourly\"", short, short).unwrap();
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE");
    stage
}

/// Runs a batch under this fault: it must fail with this code, and every record must be as it was.
async fn fails(stage: &Stage, what: &str, code: &str) -> Value {
    let before = bare(stage.records().await.unwrap());
    let ended = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    let run = ended.json().unwrap();
    assert_eq!((ended.code, &run["failure"]["code"]), (Some(1), &json!(code)), "{what}: {run}");
    assert_eq!(run["status"], "ERROR", "{what}");
    for part in ["title", "message", "remedy"] {
        assert!(!run["failure"][part].as_str().unwrap().is_empty(), "{what}: {part} of {run}");
    }
    assert_eq!(bare(stage.records().await.unwrap()), before, "{what} harmed a record");
    run
}

fn bare(mut records: Vec<Value>) -> Vec<Value> {
    records.iter_mut().for_each(|record| record["age_seconds"] = json!(0));
    records
}

#[tokio::test]
async fn faults_of_ukg_calls_give_their_codes_and_the_request_id() {
    let stage = stage().await;
    for path in [PEOPLE_PATH, TIMECARD_PATH] {
        let on = || Fault::on(path);
        for (what, fault, code, answered) in [
            ("500", on().status(500), "HWBS-WS10", true),
            ("502", on().status(502), "HWBS-WS10", true),
            ("503 without Retry-After", on().status(503), "HWBS-WS10", true),
            ("403", on().answer(403, r#"{"errorCode":"WFP-00001","message":"no function access"}"#), "HWBS-WS14", true),
            ("unlicensed", on().answer(403, r#"{"errorCode":"WFA-000030","message":"not licensed"}"#), "HWBS-WS14", true),
            ("401 for ever", on().answer(401, r#"{"errorCode":"X","message":"bad token"}"#), "HWBS-WS11", true),
            ("429 with a long wait", on().retry_after(429, 3_600), "HWBS-WS15", true),
            ("HTML", on().html(200), "HWBS-WS16", true),
            ("not JSON", on().not_json(), "HWBS-WS16", true),
            ("an empty body", on().empty_body(), "HWBS-WS16", true),
            ("400", on().answer(400, r#"{"errorCode":"WFP-90011","message":"unknown property"}"#), "HWBS-WS16", true),
            ("cut", on().cut(), "HWBS-WS10", false),
            ("truncated", on().truncated(), "HWBS-WS10", false),
            ("hang", on().hang(), "HWBS-WS10", false),
        ] {
            stage.ukg.faults().add(fault);
            let run = fails(&stage, &format!("{what} on {path}"), code).await;
            if answered {
                assert!(run["failure"]["message"].as_str().unwrap().contains("kronos-tid"), "{what} on {path}: {run}");
            }
            stage.ukg.faults().clear();
        }
    }
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE", "healed, it works again");
}

#[tokio::test]
async fn faults_of_the_ukg_login_give_their_codes() {
    let stage = stage().await;
    let on = || Fault::on(TOKEN_PATH);
    for (what, fault, code) in [
        ("500", on().status(500), "HWBS-WS10"),
        ("a spike that does not end", on().token_spike(3_600), "HWBS-WS15"),
        ("HTML", on().html(200), "HWBS-WS11"),
        ("cut", on().cut(), "HWBS-WS10"),
        ("hang", on().hang(), "HWBS-WS10"),
        ("invalid_grant", on().answer(400, r#"{"error":"invalid_grant","error_description":"no"}"#), "HWBS-WS11"),
        ("invalid_client", on().answer(401, r#"{"error":"invalid_client","error_description":"no"}"#), "HWBS-WS12"),
        ("the gateway's own", on().answer(401, r#"{"errorCode":"GTW-ERROR-001","message":"app key"}"#), "HWBS-WS13"),
    ] {
        stage.ukg.faults().add(fault);
        let run = fails(&stage, &format!("{what} at the login"), code).await;
        if !matches!(what, "cut" | "hang") {
            assert!(run["failure"]["message"].as_str().unwrap().contains("kronos-tid"), "{what}: {run}");
        }
        stage.ukg.faults().clear();
    }
}

#[tokio::test]
async fn faults_of_access_give_their_codes() {
    let stage = stage().await;
    for (what, fault, code) in [
        ("500 on groups", Fault::on(GROUPS_PATH).status(500), "HWBS-WS20"),
        ("429 with a long wait", Fault::on(GROUPS_PATH).retry_after(429, 3_600), "HWBS-WS20"),
        ("HTML on groups", Fault::on(GROUPS_PATH).html(200), "HWBS-WS25"),
        ("cut on groups", Fault::on(GROUPS_PATH).cut(), "HWBS-WS20"),
        ("hang on groups", Fault::on(GROUPS_PATH).hang(), "HWBS-WS20"),
        ("403 on groups", Fault::on(GROUPS_PATH).status(403), "HWBS-WS21"),
        ("401 for ever", Fault::on(GROUPS_PATH).status(401), "HWBS-WS21"),
        ("500 at the login", Fault::on(ACCESS_TOKEN_PATH).status(500), "HWBS-WS20"),
        ("400 at the login", Fault::on(ACCESS_TOKEN_PATH).answer(400, r#"{"error":"invalid_client"}"#), "HWBS-WS21"),
        ("not JSON below groups", Fault::under(&format!("{GROUPS_PATH}/")).not_json(), "HWBS-WS25"),
    ] {
        stage.access.faults().add(fault);
        fails(&stage, what, code).await;
        stage.access.faults().clear();
    }
}

#[tokio::test]
async fn a_large_group_whose_users_cannot_be_paged_fails_the_run() {
    let stage = empty().await.unwrap();
    for n in 0..60 {
        stage.world.person(&format!("w{n:02}")).in_group("Store 12 Hourly").clocked_in(hours(2));
    }
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["members"], 60);
    stage.access.faults().add(Fault::on(USERS_PATH).status(500));
    fails(&stage, "500 on users", "HWBS-WS20").await;
}

#[tokio::test]
async fn a_fault_that_passes_is_waited_for() {
    let stage = stage().await;
    for fault in [
        Fault::on(TIMECARD_PATH).retry_after(429, 1).times(2),
        Fault::on(TIMECARD_PATH).retry_after(503, 1).times(1),
        Fault::on(PEOPLE_PATH).cut().times(2),
        Fault::on(TIMECARD_PATH).truncated().times(1),
        Fault::on(PEOPLE_PATH).status(401).times(1),
        Fault::on(TIMECARD_PATH).status(500).times(2),
        Fault::on(PEOPLE_PATH).status(502).times(1),
        Fault::on(TOKEN_PATH).status(500).times(1),
    ] {
        stage.ukg.faults().add(fault);
        let run = stage.batch().await.unwrap();
        assert_eq!(run["status"], "COMPLETE", "{run}");
        stage.ukg.faults().clear();
    }
}

#[tokio::test]
async fn a_token_that_dies_in_a_batch_is_renewed_once() {
    let stage = stage().await;
    stage.ukg.set(|switches| switches.token_seconds = 1);
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).status(401).times(1));
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE");
}

#[tokio::test]
async fn what_the_chunks_before_the_fault_stored_stays_and_is_true() {
    let stage = empty().await.unwrap();
    let workers: Vec<_> =
        (0..900).map(|n| stage.world.person(&format!("w{n:03}")).in_group("Store 12 Hourly").clocked_in(hours(2))).collect();
    stage.configure_with("user-groups = \"Store 12 Hourly\"", "in-flight = 1", "").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["on_shift"], 900);
    workers.into_iter().for_each(|worker| drop(worker.clocked_out(hours(1))));
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).status(500).after(2));
    let ended = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert_eq!(ended.json().unwrap()["failure"]["code"], "HWBS-WS10");
    let records = stage.records().await.unwrap();
    assert_eq!(records.len(), 900);
    assert!(records.iter().all(|record| matches!(record["status"].as_str(), Some("on-shift" | "off-shift"))));
    stage.ukg.faults().clear();
    assert_eq!(stage.batch().await.unwrap()["counts"]["off_shift"], 900);
}

#[tokio::test]
async fn a_fresh_record_still_counts_while_ukg_is_out_of_reach() {
    let stage = stage().await;
    stage.ukg.faults().add(Fault::everywhere().status(500));
    fails(&stage, "an outage", "HWBS-WS10").await;
    let fresh = stage.run(&["decide", "acme", "w0", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&fresh["decision"], &fresh["reason"]), (&json!("allow"), &json!("clocked-in")));
}

#[tokio::test]
async fn an_access_that_shows_no_user_is_out_of_reach_or_refuses_the_client() {
    let stage = stage().await;
    for (status, code) in [(500, "HWBS-WS20"), (503, "HWBS-WS20"), (401, "HWBS-WS21"), (403, "HWBS-WS21")] {
        stage.access.faults().add(Fault::under(&format!("{USERS_PATH}/")).status(status));
        fails(&stage, &format!("{status} on every user"), code).await;
        let test = stage.run(&["run", "acme", "test-connection", "--json"]).await.unwrap();
        let run = test.json().unwrap();
        assert_eq!((test.code, &run["failure"]["code"]), (Some(1), &json!(code)), "{status} in the test: {run}");
        stage.access.faults().clear();
    }
    // One refusal of the client is one of everybody.
    stage.access.faults().add(Fault::under(&format!("{USERS_PATH}/")).status(403).after(1));
    fails(&stage, "403 on the second user", "HWBS-WS21").await;
}
