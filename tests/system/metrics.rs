//! The numbers for a monitoring system: what was done shows, and nobody is named.

use reqwest::Method;
use serde_json::json;

use crate::api::{Api, EVALUATION, WORKERS, evaluation, send};

/// The value of a number with exactly these labels.
fn value(text: &str, number: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(number)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn what_was_done_shows_in_the_numbers() {
    let api = Api::after_a_batch().await;
    let begun = api.post("/api/v1/tenants/acme/jobs/test-connection/runs", &json!({})).await;
    api.ended(begun.header("location")).await;
    for user in ["adiaz", "jweber", "cmoss"] {
        api.post(EVALUATION, &evaluation(user)).await.good();
    }
    api.get(&format!("{WORKERS}/adiaz")).await.good();
    api.get(&format!("{WORKERS}/nobody-at-all")).await.problem(404);
    api.get("/no/such/path").await.problem(404);
    let answer = send(api.request(Method::GET, "/metrics")).await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.body.as_str().unwrap().to_owned();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for (number, wanted) in [
        ("shift_access_runs_total{tenant=\"acme\",job=\"test-connection\",status=\"COMPLETE\"}", 1.0),
        ("shift_access_run_duration_seconds_count{tenant=\"acme\",job=\"test-connection\"}", 1.0),
        ("shift_access_last_run_good{tenant=\"acme\",job=\"batch\"}", 1.0),
        ("shift_access_decisions_total{tenant=\"acme\",verdict=\"allow\"}", 2.0),
        ("shift_access_decisions_total{tenant=\"acme\",verdict=\"deny\"}", 1.0),
        ("shift_access_decision_duration_seconds_count{tenant=\"acme\"}", 3.0),
        ("shift_access_http_requests_total{route=\"/tenants/{tenant}/access/v1/evaluation\",method=\"POST\",status=\"200\"}", 3.0),
        ("shift_access_http_requests_total{route=\"/api/v1/tenants/{tenant}/workers/{user}\",method=\"GET\",status=\"404\"}", 1.0),
        ("shift_access_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"}", 1.0),
    ] {
        assert_eq!(value(&text, number), Some(wanted), "{number}\n{text}");
    }
    let calls = value(&text, "shift_access_outgoing_calls_total{tenant=\"acme\",connection=\"kronos\",status=\"2xx\"}");
    assert!(calls.is_some_and(|calls| calls > 1.0), "{text}");
    let age = value(&text, "shift_access_last_good_run_age_seconds{tenant=\"acme\",job=\"batch\"}");
    assert!(age.is_some_and(|age| age < 60.0), "{text}");
    assert!(value(&text, "process_start_time_seconds").is_some_and(|at| at > 1.7e9), "{text}");
    for name in ["adiaz", "nobody-at-all", "no/such"] {
        assert!(!text.contains(name), "{name} is named:\n{text}");
    }
}

#[tokio::test]
async fn a_run_that_fails_shows_as_one() {
    let api = Api::after_a_batch().await;
    api.stage.ukg.faults().add(shift_access_tests::fault::Fault::everywhere().status(500));
    let begun = api.post("/api/v1/tenants/acme/jobs/test-connection/runs", &json!({})).await;
    assert_eq!(api.ended(begun.header("location")).await["status"], "ERROR");
    let text = send(api.request(Method::GET, "/metrics")).await.body;
    let text = text.as_str().unwrap();
    let number = "shift_access_runs_total{tenant=\"acme\",job=\"test-connection\",status=\"ERROR\"}";
    assert_eq!(value(text, number), Some(1.0), "{text}");
    let calls = value(text, "shift_access_outgoing_calls_total{tenant=\"acme\",connection=\"kronos\",status=\"5xx\"}");
    assert!(calls.is_some_and(|calls| calls >= 1.0), "{text}");
}
