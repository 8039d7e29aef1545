//! What the program says of itself: lines for people, or JSON for programs.

use serde_json::Value;
use shift_access_tests::serving::Serving;

use crate::{demo, empty};

#[tokio::test]
async fn every_line_of_a_json_log_is_an_object_that_says_when_where_and_of_which_run() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let stage = demo().await.unwrap();
    let args = ["--log-format", "json"];
    let serving = Serving::start_with(&stage, &args, &[("SHIFT_ACCESS_LOG", "debug")]).await.unwrap();
    let token = stage.run(&["token", "create", "acme", "--scope", "operate"]).await.unwrap().out.trim().to_owned();
    let url = format!("{}/api/v1/tenants/acme/jobs/batch/runs", serving.url());
    let begun = reqwest::Client::new().post(url).bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    let begun: Value = serde_json::from_str(&begun).unwrap();
    let line = serving.says("\"name\":\"run\"", 0).await.unwrap();
    fn is_run(span: &&Value) -> bool {
        span["name"] == "run"
    }
    let event: Value = serde_json::from_str(&line).unwrap();
    let run = event["spans"].as_array().unwrap().iter().find(is_run).unwrap();
    assert_eq!((&run["tenant"], &run["job"], &run["run"]), (&"acme".into(), &"batch".into(), &begun["run"]));
    stage.configure("user-groups = \"\"").unwrap();
    serving.signal("HUP").await.unwrap();
    serving.says("is not taken over", 0).await.unwrap();
    for line in serving.said() {
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "target", "message"] {
            assert!(event[key].is_string(), "{key}: {line}");
        }
        assert!(!line.contains(&token), "{line}");
    }
}

#[tokio::test]
async fn a_filter_that_is_not_understood_is_told_and_the_usual_one_holds() {
    let stage = empty().await.unwrap();
    let ended = stage.run_with(&["check"], &[("SHIFT_ACCESS_LOG", "shift_access=loud")]).await.unwrap();
    assert_eq!(ended.code, Some(0));
    assert!(ended.err.contains("SHIFT_ACCESS_LOG is not understood"), "{}", ended.err);
    let ended = stage.run(&["check", "--log-format", "xml"]).await.unwrap();
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("text, json"), "{}", ended.err);
}
