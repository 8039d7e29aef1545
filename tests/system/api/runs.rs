//! The execution history, and jobs that callers start.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Api, BATCH, RUNS, send};
use crate::demo;

#[tokio::test]
async fn the_history_comes_page_by_page_and_run_by_run() {
    let api = Api::after_a_batch().await;
    api.stage.run(&["run", "acme", "test-connection"]).await.unwrap();
    api.stage.batch().await.unwrap();
    let all = api.get(RUNS).await.good();
    let jobs: Vec<_> = all["items"].as_array().unwrap().iter().map(|run| run["job"].as_str().unwrap()).collect();
    assert_eq!((jobs, &all["next"]), (vec!["batch", "test-connection", "batch"], &Value::Null));
    let printed = api.stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(all["items"], json!(printed));
    let first = api.get(&format!("{RUNS}?limit=2")).await.good();
    let rest = api.get(&format!("{RUNS}?limit=2&cursor={}", first["next"].as_str().unwrap())).await.good();
    assert_eq!((&rest["items"][0], &rest["next"]), (&all["items"][2], &Value::Null));
    let batches = api.get(&format!("{RUNS}?job=batch&status=complete_warn")).await.good();
    assert_eq!(batches["items"].as_array().unwrap().len(), 2, "{batches}");
    let one = api.get(&format!("{RUNS}/{}", all["items"][1]["run"].as_str().unwrap())).await.good();
    assert!(!one["steps"].as_array().unwrap().is_empty() && !one["calls"].as_array().unwrap().is_empty(), "{one}");
    for call in one["calls"].as_array().unwrap() {
        let keys: Vec<_> = call.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["connection", "duration_ms", "method", "path", "request_id", "status", "tries"]);
        assert!(!call["path"].as_str().unwrap().contains('?'), "{call}");
    }
    let newest = api.stage.run(&["history", "acme", "--json", "--limit", "2"]).await.unwrap().json_lines().unwrap();
    assert_eq!(newest, all["items"].as_array().unwrap()[..2]);
    let filtered = ["history", "acme", "--json", "--job", "batch", "--status", "complete_warn", "--limit", "1"];
    assert_eq!(api.stage.run(&filtered).await.unwrap().json_lines().unwrap(), all["items"].as_array().unwrap()[..1]);
    assert_eq!(api.stage.run(&["history", "acme", "--limit", "0"]).await.unwrap().code, Some(64));
    for wrong in ["00000000-0000-7000-8000-000000000000", "x"] {
        api.get(&format!("{RUNS}/{wrong}")).await.problem(404);
    }
    for (query, said) in [
        ("status=DONE", "write one of COMPLETE"),
        ("job=nothing", "write one of: "),
        ("cursor=nonsense", "cursor"),
        ("limit=0", "from 1 to 1000"),
    ] {
        let detail = api.get(&format!("{RUNS}?{query}")).await.detail(400);
        assert!(detail.contains(said), "{query}: {detail}");
    }
}

#[tokio::test]
async fn a_job_is_started_and_its_run_is_named_at_once() {
    let api = Api::of(demo().await.unwrap()).await;
    api.stage.ukg.set_latency(Duration::from_secs(1));
    let begun = send(api.request(Method::POST, BATCH).bearer_auth(&api.operate)).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let location = begun.header("location").to_owned();
    assert_eq!(location, format!("{RUNS}/{}", begun.body["run"].as_str().unwrap()));
    let stands = ["job", "trigger", "status", "duration_ms"].map(|key| begun.body[key].clone());
    assert_eq!(stands, [json!("batch"), json!("manual"), json!("INPROCESS"), Value::Null]);
    let busy = api.post(BATCH, &json!({})).await.detail(409);
    assert!(busy.contains("is running for the tenant acme already"), "{busy}");
    assert_eq!(api.get(&location).await.good()["status"], "INPROCESS");
    api.stage.ukg.set_latency(Duration::ZERO);
    assert_eq!(api.ended(&location).await["status"], "COMPLETE_WARN");
    assert_eq!(api.get(RUNS).await.good()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_takes_its_options_and_nothing_else() {
    let api = Api::of(demo().await.unwrap()).await;
    let begun = api.post(BATCH, &json!({ "options": { "release-brake": true } })).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    api.ended(begun.header("location")).await;
    for (body, said) in [
        (json!({ "options": { "brake": true } }), "options.brake: write one of: "),
        (json!({ "options": { "release-brake": "perhaps" } }), "options.release-brake: write true or false"),
        (json!({ "options": { "release-brake": [] } }), "options.release-brake: write a text"),
        (json!({ "option": {} }), "unknown field `option`"),
        (json!({ "options": 1 }), "options: invalid type"),
    ] {
        let detail = api.post(BATCH, &body).await.detail(400);
        assert!(detail.contains(said), "{body}: {detail}");
    }
    let detail = api.post("/api/v1/tenants/acme/jobs/payroll/runs", &json!({})).await.detail(404);
    assert!(detail.contains("write one of: test-connection, batch") || detail.contains("write one of: batch, test-connection"), "{detail}");
    assert_eq!(api.get(RUNS).await.good()["items"].as_array().unwrap().len(), 1);
}
