//! What the program says of itself: lines for people, or JSON for programs.

use serde_json::Value;
use shift_access_tests::serving::Serving;

use crate::{demo, empty};

#[tokio::test]
async fn every_line_of_a_json_log_is_an_object_that_says_when_where_and_of_which_run() {
    let stage = demo().await.unwrap();
    stage.configure_with("user-groups = \"Store 12 Hourly\"", &format!("password = \"{}\"", stage.ukg.credentials().password), "").unwrap();
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
    let said = serving.said();
    let warned = said.iter().find(|line| line.contains("tenants.acme.connections.kronos.password")).unwrap();
    assert!(warned.contains("\"level\":\"WARN\""), "what is wrong at the start is a line too: {warned}");
    for line in said {
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "target", "message"] {
            assert!(event[key].is_string(), "{key}: {line}");
        }
        assert!(!line.contains(&token), "{line}");
    }
}

#[tokio::test]
async fn a_program_that_cannot_start_says_why_in_the_form_that_was_asked_for() {
    let stage = empty().await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"\non-break = \"perhaps\"").unwrap();
    for args in [["--log-format=json", "serve"].as_slice(), &["--log-format=json", "workers", "nobody"]] {
        let ended = stage.run(args).await.unwrap();
        assert_eq!(ended.code, Some(64));
        stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
        assert!(!ended.err.is_empty());
        for line in ended.err.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(event["level"], "ERROR", "{line}");
        }
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
