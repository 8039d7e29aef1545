//! The program that is left running: it says where it listens and how it is, and ends as it should.

use std::time::Duration;

use serde_json::{Value, json};
use shift_access_tests::fault::Fault;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::PEOPLE_PATH;

use crate::demo;

async fn start(stage: &Stage) -> Serving {
    Serving::start(stage).await.unwrap()
}

async fn get(serving: &Serving, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{}{path}", serving.url())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn terminate(serving: &Serving) {
    serving.signal("TERM").await.unwrap();
}

/// The exit code, which comes soon or never.
async fn code(mut serving: Serving) -> Option<i32> {
    tokio::time::timeout(Duration::from_secs(20), serving.child.wait()).await.unwrap().unwrap().code()
}

#[tokio::test]
async fn it_tells_how_it_is_and_how_old_the_last_good_run_is() {
    let stage = demo().await.unwrap();
    let serving = start(&stage).await;
    assert_eq!(get(&serving, "/healthz").await, (200, "ok\n".to_owned()));
    let (status, text) = get(&serving, "/readyz").await;
    let ready: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &ready["ready"], &ready["trouble"]), (200, &json!(true), &json!(null)));
    let job = &ready["jobs"][0];
    assert_eq!((&job["tenant"], &job["job"], &job["last_good_age_seconds"]), (&json!("acme"), &json!("batch"), &json!(null)));
    assert!((0..=1800).contains(&job["next_seconds"].as_i64().unwrap()), "within the interval: {job}");

    stage.batch().await.unwrap();
    let (_, text) = get(&serving, "/readyz").await;
    let job = serde_json::from_str::<Value>(&text).unwrap()["jobs"][0].clone();
    assert!(job["last_good_age_seconds"].as_i64().unwrap() < 60, "{job}");
    let (status, metrics) = get(&serving, "/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("shift_access_last_run_good{tenant=\"acme\",job=\"batch\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("adiaz"), "no worker is named to who watches");
}

#[tokio::test]
async fn on_a_signal_it_ends_well_and_another_can_take_its_place() {
    let stage = demo().await.unwrap();
    for _ in 0..2 {
        let serving = start(&stage).await;
        assert_eq!(get(&serving, "/healthz").await.0, 200);
        terminate(&serving).await;
        assert_eq!(code(serving).await, Some(0));
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_it_ends_and_a_second_signal_waits_for_nothing() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let token = stage.run(&["token", "create", "acme", "--scope", "operate"]).await.unwrap().out.trim().to_owned();
    for second_signal in [false, true] {
        let serving = start(&stage).await;
        stage.ukg.faults().add(Fault::on(PEOPLE_PATH).delay(Duration::from_secs(2)));
        let url = format!("{}/api/v1/tenants/acme/workers/adiaz?refresh=true", serving.url());
        let request = tokio::spawn(reqwest::Client::new().get(url).bearer_auth(&token).send());
        tokio::time::sleep(Duration::from_millis(700)).await;
        terminate(&serving).await;
        if second_signal {
            tokio::time::sleep(Duration::from_millis(200)).await;
            terminate(&serving).await;
            assert_eq!(code(serving).await, Some(130));
            assert!(request.await.unwrap().is_err());
        } else {
            assert_eq!(request.await.unwrap().unwrap().status().as_u16(), 200);
            assert_eq!(code(serving).await, Some(0));
        }
        stage.ukg.faults().clear();
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let stage = demo().await.unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let config = std::fs::read_to_string(stage.config()).unwrap().replace("127.0.0.1:0", &address.to_string());
    std::fs::write(stage.config(), config).unwrap();
    let child = stage.spawn(&["serve"]).unwrap();
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}
