//! Records: the list, one with its explanation, and one that is read anew.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shift_access_tests::fault::Fault;
use shift_access_tests::world::{hours, minutes};

use super::{Api, RUNS, WORKERS, send, users};
use crate::empty;

#[tokio::test]
async fn records_come_page_by_page() {
    let api = Api::after_a_batch().await;
    let all = api.get(WORKERS).await.good();
    let stored = api.stage.records().await.unwrap();
    assert_eq!(users(&all), stored.iter().map(|record| record["user"].as_str().unwrap()).collect::<Vec<_>>());
    assert_eq!(all["next"], Value::Null);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{WORKERS}?limit=7{cursor}")).await.good();
        found.extend(users(&page).into_iter().map(str::to_owned));
        assert!(users(&page).len() <= 7);
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, users(&all));
    let on_break = api.get(&format!("{WORKERS}?status=on-break")).await.good();
    assert_eq!(users(&on_break), ["jweber", "mlin", "rsilva"]);
    for (query, said) in [
        ("status=asleep", "write one of: on-shift"),
        ("limit=0", "from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=ten", "limit"),
        ("state=on-shift", "unknown field `state`"),
    ] {
        let detail = api.get(&format!("{WORKERS}?{query}")).await.detail(400);
        assert!(detail.contains(said), "{query}: {detail}");
    }
    let detail = api.get(&format!("{WORKERS}?cursor=nonsense")).await.detail(400);
    assert!(detail.contains("cursor"), "{detail}");
}

#[tokio::test]
async fn a_record_has_its_explanation_and_a_tag_that_changes_with_it() {
    let stage = empty().await.unwrap();
    let ana = stage.world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    let api = Api::of(stage).await;
    let path = format!("{WORKERS}/adiaz");
    let first = api.get(&path).await;
    let tag = first.header("etag").to_owned();
    let record = first.good();
    let mut printed = api.stage.run(&["worker", "acme", "adiaz", "--json"]).await.unwrap().json().unwrap();
    for other in ["age_seconds", "evidence"] {
        printed[other] = record[other].clone();
    }
    assert_eq!(record, printed);
    assert!(record["evidence"][0]["what"].as_str().unwrap().contains("adiaz"), "{record}");
    let again =
        |tag: String| send(api.request(Method::GET, &format!("{WORKERS}/ADIAZ")).bearer_auth(&api.read).header("if-none-match", tag));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let held = again(tag.clone()).await;
    assert_eq!((held.status, held.header("etag"), &held.body), (304, tag.as_str(), &json!("")));
    assert_eq!((held.header("cache-control"), held.header("content-type"), held.header("content-length")), ("private, no-cache", "", ""));
    assert_eq!(again("\"other\"".to_owned()).await.status, 200);
    ana.clocked_out(minutes(1));
    api.stage.batch().await.unwrap();
    let changed = again(tag.clone()).await;
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(changed.good()["status"], "off-shift");
    api.get(&format!("{WORKERS}/nobody")).await.problem(404);
    assert_eq!(api.get(&format!("{WORKERS}/nobody?refresh=true")).await.problem(404)["code"], "HWKR-WS62");
    api.get(&format!("{WORKERS}/%2E%2E%2Fadiaz%00")).await.problem(404);
    api.get(&format!("{WORKERS}/%FF")).await.problem(400);
}

#[tokio::test]
async fn a_refresh_asks_ukg_once_for_all_who_ask_at_once() {
    let stage = empty().await.unwrap();
    let ana = stage.world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    let api = Api::of(stage).await;
    ana.clocked_out(minutes(1));
    let path = format!("{WORKERS}/adiaz");
    assert_eq!(api.get(&path).await.good()["status"], "on-shift");
    let refresh = format!("{path}?refresh=true");
    let answers = futures::future::join_all((0..20).map(|_| api.get(&refresh))).await;
    for answer in answers {
        let record = answer.good();
        assert_eq!((&record["status"], &record["source"]["kind"]), (&json!("off-shift"), &json!("look-up")), "{record}");
    }
    let runs = api.get(&format!("{RUNS}?job=look-up")).await.good();
    assert_eq!(runs["items"].as_array().unwrap().len(), 1, "{runs}");
    assert_eq!(api.get(&path).await.good()["status"], "off-shift");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    api.get(&refresh).await.good();
    assert_eq!(api.get(&format!("{RUNS}?job=look-up")).await.good()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_plugin_says_of_a_failure_goes_on_to_the_caller() {
    let api = Api::after_a_batch().await;
    api.stage.ukg.faults().add(Fault::everywhere().status(500));
    let problem = api.get(&format!("{WORKERS}/adiaz?refresh=true")).await.problem(502);
    assert_eq!(problem["code"], "HWKR-WS10", "{problem}");
    assert!(problem["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{problem}");
    assert_eq!(api.get(&format!("{WORKERS}/adiaz")).await.good()["source"]["kind"], "batch");
}
