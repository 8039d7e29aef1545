//! Who would gain and who would lose access under other properties, told from what is stored.

use serde_json::{Value, json};
use shift_access_tests::stage::Stage;
use shift_access_tests::world::{hours, minutes};

use crate::{demo, empty};

async fn lines(stage: &Stage, set: &[&str]) -> Vec<Value> {
    let set = set.iter().flat_map(|set| ["--set", set]);
    let args: Vec<&str> = ["what-if", "acme", "--json"].into_iter().chain(set).collect();
    let ended = stage.run(&args).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended.json_lines().unwrap()
}

fn of<'a>(lines: &'a [Value], change: &str) -> Vec<&'a str> {
    lines.iter().filter(|line| line["change"] == change).map(|line| line["user"].as_str().unwrap()).collect()
}

/// The demo's stage with its records in the store, and what the store holds.
async fn after_a_batch() -> (Stage, Vec<Value>) {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let records = stage.run(&["workers", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    (stage, records)
}

#[tokio::test]
async fn every_stored_user_is_decided_about_as_it_is_and_as_it_would_be() {
    let (stage, records) = after_a_batch().await;
    let lines = lines(&stage, &["on-break=deny"]).await;
    assert_eq!(lines.len(), records.len());
    assert_eq!((of(&lines, "gains"), of(&lines, "loses")), (vec![], vec!["jweber", "mlin", "rsilva"]));
    let line = lines.iter().find(|line| line["user"] == "jweber").unwrap();
    let keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["change", "then", "today", "user"]);
    assert_eq!((&line["today"]["decision"], &line["then"]["decision"]), (&json!("allow"), &json!("deny")));
    assert_eq!((&line["today"]["reason"], &line["then"]["reason"]), (&json!("between-spans"), &json!("between-spans")));
}

#[tokio::test]
async fn nothing_is_stored_and_today_is_what_decide_says() {
    let (stage, records) = after_a_batch().await;
    let calls = stage.ukg.calls().all().len();
    let lines = lines(&stage, &["authorize-unknown=true", "grace-minutes-after=30"]).await;
    assert_eq!(of(&lines, "loses"), Vec::<&str>::new());
    assert_eq!(of(&lines, "gains"), ["dpetrov", "vcruz", "xchen", "yali"]);
    for line in &lines {
        let today = stage.run(&["decide", "acme", line["user"].as_str().unwrap(), "--json"]).await.unwrap().json().unwrap();
        assert_eq!((&today["decision"], &today["reason"]), (&line["today"]["decision"], &line["today"]["reason"]), "{line}");
    }
    let then = stage.run(&["workers", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    let said = |records: &[Value]| records.iter().map(|record| (record["user"].clone(), record["reason"].clone())).collect::<Vec<_>>();
    assert_eq!(said(&then), said(&records));
    assert_eq!(stage.ukg.calls().all().len(), calls, "it asks UKG nothing");
}

#[tokio::test]
async fn a_longer_or_shorter_break_is_told_from_when_the_break_began() {
    let (stage, _) = after_a_batch().await;
    assert_eq!(of(&lines(&stage, &["max-break-minutes=180"]).await, "gains"), ["kmensah"]);
    assert_eq!(of(&lines(&stage, &["max-break-minutes=15"]).await, "loses"), ["jweber"]);
    assert!(lines(&stage, &["max-break-minutes=90"]).await.iter().all(|line| line["change"] == "none"));
}

#[tokio::test]
async fn a_person_reads_who_gains_who_loses_and_how_many() {
    let (stage, records) = after_a_batch().await;
    let ended = stage.run(&["what-if", "acme", "--set", "on-break=deny", "--set", "authorize-unknown=true"]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("loses  jweber") && ended.out.contains("today allow (between-spans), then deny (between-spans)"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("gains  vcruz"), "{}", ended.out);
    assert!(!ended.out.contains("adiaz"), "whoever keeps access is not listed: {}", ended.out);
    let sum = format!("3 gain access, 3 lose it, for {} of {} stored users nothing changes", records.len() - 6, records.len());
    assert!(ended.out.contains(&sum), "{}", ended.out);
}

#[tokio::test]
async fn what_stored_records_cannot_show_is_refused_with_what_they_can() {
    let (stage, _) = after_a_batch().await;
    for (set, wanted) in [
        ("user-groups=Store 99", "stored records cannot show what user-groups does"),
        ("max-shift-hours=8", "stored records cannot show what max-shift-hours does"),
        ("on-brake=deny", "write one of: interval-minutes"),
        ("on-break=maybe", "write one of: allow, deny"),
        ("grace-minutes-after=241", "write a number from 0 to 240"),
        ("grace-minutes-after", "write it as NAME=VALUE"),
    ] {
        let ended = stage.run(&["what-if", "acme", "--set", set]).await.unwrap();
        assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""), "{set}");
        assert!(ended.err.contains(wanted), "{set}: {}", ended.err);
    }
    assert_eq!(stage.run(&["what-if", "nobody", "--set", "on-break=deny"]).await.unwrap().code, Some(64));
}

#[tokio::test]
async fn an_exempt_worker_keeps_access_whatever_the_properties_are() {
    let stage = empty().await.unwrap();
    stage.ukg.world().person("adiaz").in_group("Store 12 Hourly").in_group("Managers").clocked_in(hours(3)).on_break(minutes(10));
    stage.ukg.world().person("bking").in_group("Store 12 Hourly").clocked_in(hours(3)).on_break(minutes(10));
    stage.configure("user-groups = \"Store 12 Hourly\"\nexempt-groups = \"Managers\"").unwrap();
    stage.batch().await.unwrap();
    let lines = lines(&stage, &["on-break=deny"]).await;
    assert_eq!((of(&lines, "none"), of(&lines, "loses")), (vec!["adiaz"], vec!["bking"]));
    let adiaz = lines.iter().find(|line| line["user"] == "adiaz").unwrap();
    assert_eq!((&adiaz["today"]["reason"], &adiaz["then"]["reason"]), (&json!("between-spans"), &json!("exempt")));
}

#[tokio::test]
async fn without_records_nobody_gains_or_loses() {
    let stage = empty().await.unwrap();
    let ended = stage.run(&["what-if", "acme"]).await.unwrap();
    assert_eq!((ended.code, ended.out.trim()), (Some(0), "0 gain access, 0 lose it, for 0 of 0 stored users nothing changes"));
}
