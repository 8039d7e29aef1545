//! What a newer version of a plugin stored, in the hands of an older one: it is refused in clear words, wherever it is met, and
//! nothing of it is lost.

use serde_json::{Value, json};
use shift_access::store::{Entry, Scan, Space, SqliteStore, Store, Write};
use shift_access_tests::stage::{Ended, Stage};

use crate::demo;

const RECORD: &str = "worker/adiaz";
const WORDS: &str = "was written by a newer version of the pack (form 2 where this one reads up to 1)";

/// A stage with the small company, read once.
async fn read_once() -> Stage {
    let stage = demo().await.unwrap();
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    stage
}

/// Everything that the plugin stored.
async fn stored(stage: &Stage) -> Vec<Entry> {
    let store = SqliteStore::open(stage.store()).unwrap();
    store.scan(&Space::plugin("acme"), &Scan::new("", 2_000)).await.unwrap().entries
}

/// Puts what a newer version would have stored in the place of a value, and gives what was there.
async fn made_newer(stage: &Stage, key: &str) -> Vec<u8> {
    let entries = stored(stage).await;
    let old = entries.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("there is no {key}")).value.clone();
    let mut form: Value = serde_json::from_slice(&old).unwrap();
    assert_eq!(form["v"], 1, "{form}");
    (form["v"], form["future"]) = (json!(2), json!({ "anything": true }));
    put(stage, key, &serde_json::to_vec(&form).unwrap()).await;
    old
}

async fn put(stage: &Stage, key: &str, value: &[u8]) {
    let store = SqliteStore::open(stage.store()).unwrap();
    store.commit(&Space::plugin("acme"), vec![Write::put(key, value)]).await.unwrap();
}

/// A command that must fail, and say why.
async fn refused(stage: &Stage, args: &[&str]) -> Ended {
    let ended = stage.run(args).await.unwrap();
    assert_eq!(ended.code, Some(1), "{args:?}: {}{}", ended.out, ended.err);
    assert!(ended.err.contains("WS30") && ended.err.contains(WORDS), "{args:?}: {}", ended.err);
    ended
}

#[tokio::test]
async fn a_record_of_a_newer_form_is_refused_everywhere_and_kept() {
    let stage = read_once().await;
    let old = made_newer(&stage, RECORD).await;
    let before = stored(&stage).await;
    for args in [
        &["worker", "acme", "adiaz"][..],
        &["worker", "acme", "adiaz", "--refresh"],
        &["decide", "acme", "adiaz", "--surface", "people"],
        &["workers", "acme"],
    ] {
        let ended = refused(&stage, args).await;
        assert!(ended.err.contains(RECORD) && !ended.out.contains("allow"), "{args:?}: {ended:?}");
    }
    let run = stage.batch().await.unwrap();
    let failure = &run["failure"];
    assert_eq!((&run["status"], &failure["code"]), (&json!("ERROR"), &json!("HWBS-WS30")), "{run}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains(RECORD) && message.contains(WORDS), "{failure}");
    let after = stored(&stage).await;
    let record =
        |entries: &[Entry]| entries.iter().find(|entry| entry.key == RECORD).map(|entry| (entry.value.clone(), entry.revision.clone()));
    assert_eq!(record(&after), record(&before), "nothing was written over it");
    let others = stage.run(&["decide", "acme", "jweber", "--json"]).await.unwrap();
    assert_eq!(others.code, Some(0), "who has no such record is decided about: {}", others.err);

    put(&stage, RECORD, &old).await;
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    assert_eq!(stage.run(&["worker", "acme", "adiaz"]).await.unwrap().code, Some(0));
}

#[tokio::test]
async fn a_number_of_changes_of_a_newer_form_keeps_a_batch_from_storing() {
    let stage = read_once().await;
    let old = made_newer(&stage, "changes").await;
    stage.world.person("adiaz").clocked_out(shift_access_tests::world::minutes(1));
    let run = stage.batch().await.unwrap();
    assert_eq!((&run["status"], &run["failure"]["code"]), (&json!("ERROR"), &json!("HWBS-WS30")), "{run}");
    assert!(run["failure"]["message"].as_str().unwrap().contains(WORDS), "{run}");
    put(&stage, "changes", &old).await;
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    assert_eq!(stage.run(&["worker", "acme", "adiaz", "--json"]).await.unwrap().json().unwrap()["status"], "off-shift");
}
