//! A tenant's own extension: the example of `guest/extension`, through the real program, against a real feed, beside a tenant
//! with the built-in pack.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use shift_access::store::{Space, SqliteStore, Store, Write};
use shift_access_tests::EXTENSION;
use shift_access_tests::fault::Fault;
use shift_access_tests::feed::{FEED_KEY, FEED_PATH, FeedSim};
use shift_access_tests::hook::{HOOK_SECRET, SIGNATURE, Sender};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Ended, Stage};

use crate::{demo, record};

/// The tenant with the extension.
const SHOP: &str = "shop";

/// A stage with the built-in pack for `acme`, and the extension for `shop`.
async fn both() -> (Stage, FeedSim) {
    let (stage, feed) = (demo().await.unwrap(), FeedSim::start().await.unwrap());
    let now = Utc::now();
    feed.punch("ana", now - TimeDelta::hours(9), true);
    feed.punch("Ben", now - TimeDelta::hours(8), true);
    feed.punch("ana", now - TimeDelta::hours(5), false);
    feed.punch("ben", now - TimeDelta::hours(4), false);
    feed.punch("ANA", now - TimeDelta::hours(3), true);
    feed.punch("cleo", now - TimeDelta::hours(30), true);
    feed.punch("dan", now - TimeDelta::hours(1), true);
    feed.punch("dan", now + TimeDelta::hours(1), false);
    configure(&stage, &feed, EXTENSION, "", "freshness-minutes = 45");
    (stage, feed)
}

/// Adds the tenant `shop` with this component, these lines for its connection, and these properties.
fn configure(stage: &Stage, feed: &FeedSim, component: &str, connection: &str, properties: &str) {
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"").unwrap();
    std::fs::write(stage.folder().join("secrets/feed-key"), FEED_KEY).unwrap();
    let tenant = format!(
        "[tenants.{SHOP}]\nenvironment = \"TEST\"\ncomponent = \"{component}\"\n\
         [tenants.{SHOP}.connections.feed]\nurl = \"{}\"\napi-key = {{ file = \"secrets/feed-key\" }}\n{connection}\n\
         [tenants.{SHOP}.properties]\n{properties}\n\
         [tenants.{SHOP}.listener]\n\
         signature = {{ header = \"{SIGNATURE}\", algorithm = \"hmac-sha256\", secret = \"{HOOK_SECRET}\" }}",
        feed.url()
    );
    stage.configure_more(&tenant).unwrap();
}

async fn well(stage: &Stage, args: &[&str]) -> Ended {
    let ended = stage.run(args).await.unwrap();
    assert_eq!(ended.code, Some(0), "{args:?}: {}{}", ended.out, ended.err);
    ended
}

async fn batch(stage: &Stage) -> Value {
    stage.run(&["run", SHOP, "batch", "--json"]).await.unwrap().json().unwrap()
}

/// What is stored, without what moves with time.
async fn facts(stage: &Stage) -> Vec<(String, String, String, String)> {
    let records = well(stage, &["workers", SHOP, "--json"]).await.json_lines().unwrap();
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or("-").to_owned();
    records.iter().map(|record| (text(record, "user"), text(record, "status"), text(record, "reason"), text(record, "since"))).collect()
}

#[test]
fn it_is_under_two_hundred_lines() {
    let text = include_str!("../../guest/extension/src/lib.rs");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!((50..200).contains(&lines), "{lines} lines");
}

#[tokio::test]
async fn every_command_works_with_it() {
    let (stage, feed) = both().await;
    well(&stage, &["check"]).await;
    let described = well(&stage, &["describe", EXTENSION]).await.out;
    for wanted in
        ["Punch feed", "connection feed", "api-key: required, secret", "freshness-minutes: number 1 to 10080, default 60", "FEED-10"]
    {
        assert!(described.contains(wanted), "no {wanted} in {described}");
    }
    for foreign in ["authentication", "surfaces", "Kronos", "kronos", "HWBS"] {
        assert!(!described.contains(foreign), "{foreign} in {described}");
    }
    let tested = well(&stage, &["run", SHOP, "test-connection"]).await;
    assert!(tested.out.contains("ok       The feed answers: 3 punches are on its first page."), "{}", tested.out);

    let run = batch(&stage).await;
    let keys = ["run", "tenant", "job", "process", "trigger", "status", "started", "duration_ms", "counts", "warnings", "failure"];
    assert!(keys.iter().all(|key| run.get(key).is_some()), "{run}");
    assert_eq!((&run["status"], &run["process"]), (&json!("COMPLETE"), &json!("[Punch Feed] Worker Status - batch")));
    assert_eq!(run["counts"], json!({ "members": 4, "on_shift": 2, "off_shift": 2, "changed": 4, "unchanged": 0 }));
    assert_eq!(feed.calls().count_to(FEED_PATH), 1 + 3, "a test reads one page, a batch all three");
    assert!(feed.calls().all().iter().all(|call| call.headers.get("x-api-key").is_some_and(|key| key == FEED_KEY)));
    assert_eq!(batch(&stage).await["counts"]["unchanged"], 4, "twice in a row changes nothing");

    let records = well(&stage, &["workers", SHOP, "--json"]).await.json_lines().unwrap();
    let told = |user| (record(&records, user)["status"].clone(), record(&records, user)["reason"].clone());
    assert_eq!(told("ana"), (json!("on-shift"), json!("clocked-in")));
    assert_eq!(told("ben"), (json!("off-shift"), json!("clocked-out")));
    assert_eq!(told("cleo"), (json!("off-shift"), json!("open-too-long")));
    assert_eq!(told("dan"), (json!("on-shift"), json!("clocked-in")), "a punch of a moment to come does not count yet");
    assert!(record(&records, "ana")["source"]["run"].is_string());
    let off = well(&stage, &["workers", SHOP, "--status", "off-shift"]).await.out;
    assert!(off.contains("ben") && !off.contains("dan"), "{off}");
    let wrong = stage.run(&["workers", SHOP, "--status", "on-break"]).await.unwrap();
    assert_eq!(wrong.code, Some(64));
    assert!(wrong.err.contains("write one of: off-shift, on-shift"), "{}", wrong.err);

    let decide = async |user| well(&stage, &["decide", SHOP, user, "--json"]).await.json().unwrap();
    let ana = decide("ANA").await;
    assert_eq!((&ana["decision"], &ana["reason"]), (&json!("allow"), &json!("clocked-in")));
    let ben = decide("ben").await;
    assert_eq!((&ben["decision"], &ben["reason"]), (&json!("deny"), &json!("clocked-out")));
    let nobody = decide(&"x".repeat(90)).await;
    assert_eq!((&nobody["decision"], &nobody["reason"], &nobody["as_of"]), (&json!("deny"), &json!("no-record"), &Value::Null));
    let explained = well(&stage, &["worker", SHOP, "cleo"]).await.out;
    assert!(explained.contains("Denied for the reason open-too-long") && explained.contains("too long ago"), "{explained}");
    let history = well(&stage, &["history", SHOP]).await.out;
    assert_eq!(history.matches("[Punch Feed] Worker Status - batch").count(), 2, "{history}");

    for args in [&["identities", SHOP][..], &["what-if", SHOP, "--set", "freshness-minutes=5"]] {
        let ended = stage.run(args).await.unwrap();
        assert!(ended.code != Some(0), "{args:?}: {}", ended.out);
        assert!(!ended.err.contains("panicked") && !ended.err.contains("kronos"), "{args:?}: {}", ended.err);
    }
    let tried = stage.run(&["what-if", SHOP, "--set", "freshness-minutes=5"]).await.unwrap();
    assert!(tried.err.contains("They show it of no property"), "{}", tried.err);
    let identities = stage.run(&["identities", SHOP]).await.unwrap();
    assert!(identities.err.contains("FEED-02"), "{}", identities.err);
    let other = well(&stage, &["decide", "acme", "ana", "--json"]).await.json().unwrap();
    assert_eq!(other["reason"], "no-record", "what the shop knows, nobody else does");
}

#[tokio::test]
async fn a_look_and_a_stale_record_decide_as_they_should() {
    let (stage, feed) = both().await;
    let looked = well(&stage, &["worker", SHOP, "Dan", "--refresh", "--json"]).await.json().unwrap();
    assert_eq!((&looked["status"], &looked["source"]["kind"]), (&json!("on-shift"), &json!("look-up")));
    let unknown = stage.run(&["worker", SHOP, "eve", "--refresh"]).await.unwrap();
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("FEED-62"), "{}", unknown.err);
    feed.punch("dan", Utc::now() - TimeDelta::minutes(5), false);
    let looked = well(&stage, &["worker", SHOP, "dan", "--refresh", "--json"]).await.json().unwrap();
    assert_eq!(looked["status"], "off-shift");
}

#[tokio::test]
async fn a_reading_that_began_earlier_does_not_undo_a_newer_one() {
    let (stage, feed) = both().await;
    feed.faults().add(Fault::on(FEED_PATH).after(1).times(1).delay(Duration::from_secs(6)));
    let mut slow = stage.spawn(&["run", SHOP, "batch"]).unwrap();
    let reading = async {
        while feed.calls().count_to(FEED_PATH) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap();
    well(&stage, &["worker", SHOP, "dan", "--refresh"]).await;
    assert!(slow.try_wait().unwrap().is_none(), "the batch is still under way");
    assert!(slow.wait().await.unwrap().success());
    let dan = well(&stage, &["worker", SHOP, "dan", "--json"]).await.json().unwrap();
    assert_eq!(dan["source"]["kind"], "look-up");
}

#[tokio::test]
async fn who_is_gone_from_the_feed_is_not_known_any_more() {
    let (stage, feed) = both().await;
    feed.punch("Eve", Utc::now() - TimeDelta::hours(1), true);
    assert_eq!(batch(&stage).await["counts"]["members"], 5);
    let decide = async || well(&stage, &["decide", SHOP, "eve", "--json"]).await.json().unwrap();
    assert_eq!(decide().await["decision"], "allow");
    feed.take_back();
    assert_eq!(batch(&stage).await["counts"], json!({ "members": 4, "on_shift": 2, "off_shift": 2, "changed": 0, "unchanged": 4 }));
    assert_eq!(decide().await["reason"], "no-record");
    let users: Vec<_> = facts(&stage).await.into_iter().map(|(user, ..)| user).collect();
    assert_eq!(users, ["ana", "ben", "cleo", "dan"]);
    assert_eq!(stage.run(&["worker", SHOP, "eve"]).await.unwrap().code, Some(1));
}

#[tokio::test]
async fn a_bad_feed_is_told_and_nothing_is_lost() {
    let (stage, feed) = both().await;
    assert_eq!(batch(&stage).await["status"], "COMPLETE");
    let before = facts(&stage).await;
    // What fails on the second page has read the first already.
    let second = || Fault::on(FEED_PATH).after(1);
    let faults = [
        (second().status(500), "FEED-10", "500"),
        (second().html(200), "FEED-12", "no page"),
        (second().not_json(), "FEED-12", "no page"),
        (second().empty_body(), "FEED-12", "no page"),
        (second().answer(200, "{\"punches\": 7}"), "FEED-12", "no page"),
        (second().answer(200, "{\"punches\": [{\"user\": \"ana\", \"at\": \"noon\", \"in\": false}]}"), "FEED-12", "no page"),
        (
            second().answer(200, "{\"punches\": [{\"user\": \"ana\", \"at\": \"2026-01-01T00:00:00\", \"in\": false}]}"),
            "FEED-12",
            "no page",
        ),
        (second().answer(200, "{\"punches\": [], \"next\": \"3\"}"), "FEED-12", "names itself"),
        (second().status(401), "FEED-10", "401"),
        (second().status(404), "FEED-10", "404"),
        (second().cut(), "FEED-10", "not read"),
        (second().redirect("http://127.0.0.2:1/"), "FEED-10", "not read"),
        (second().retry_after(429, 3_600), "FEED-10", "not read"),
    ];
    for (fault, code, words) in faults {
        feed.punch("ana", Utc::now() - TimeDelta::minutes(1), false);
        feed.faults().add(fault.clone());
        let run = batch(&stage).await;
        feed.faults().clear();
        feed.take_back();
        let failure = &run["failure"];
        assert_eq!((&run["status"], &failure["code"]), (&json!("ERROR"), &json!(code)), "{fault:?}: {run}");
        assert!(failure["message"].as_str().unwrap().contains(words), "{fault:?}: {failure}");
        assert!(!failure["remedy"].as_str().unwrap().is_empty() && !failure["title"].as_str().unwrap().is_empty(), "{failure}");
        assert!(!run.to_string().contains(FEED_KEY), "{run}");
        assert_eq!(facts(&stage).await, before, "{fault:?}");
    }
    let tested = stage.run(&["run", SHOP, "test-connection"]).await.unwrap();
    assert_eq!(tested.code, Some(0), "{}", tested.err);
}

#[tokio::test]
async fn a_feed_that_hangs_or_is_gone_or_refuses_the_key_is_told() {
    let (stage, feed) = both().await;
    configure(&stage, &feed, EXTENSION, "timeout-seconds = 1", "");
    feed.faults().add(Fault::on(FEED_PATH).hang());
    let run = batch(&stage).await;
    assert_eq!(run["failure"]["code"], "FEED-10", "{run}");
    assert_eq!(
        run["failure"]["message"],
        "The feed was not read: it did not answer in time, or with too much, or asks to come back later."
    );
    feed.faults().clear();
    std::fs::write(stage.folder().join("secrets/feed-key"), "another-key-than-this").unwrap();
    let run = batch(&stage).await;
    assert!(run["failure"]["message"].as_str().unwrap().contains("401"), "{run}");
    drop(feed);
    let run = batch(&stage).await;
    assert_eq!(run["failure"]["code"], "FEED-10", "{run}");
    let message = run["failure"]["message"].as_str().unwrap();
    assert!(message.contains("connect") && !message.contains("Error::"), "{message}");
}

#[tokio::test]
async fn what_a_newer_version_stored_is_refused_and_kept() {
    let (stage, feed) = both().await;
    assert_eq!(batch(&stage).await["status"], "COMPLETE");
    let (store, space) = (SqliteStore::open(stage.store()).unwrap(), Space::plugin(SHOP));
    let reading = async || store.get(&space, &["reading".to_owned()]).await.unwrap().remove(0).unwrap();
    let old = reading().await.value;
    let newer = b"[2, {\"anything\": true}]".to_vec();
    store.commit(&space, vec![Write::put("reading", newer.clone())]).await.unwrap();
    let words = "a newer version of this extension stored what is there";
    let run = batch(&stage).await;
    assert_eq!((&run["status"], &run["failure"]["code"]), (&json!("ERROR"), &json!("FEED-30")), "{run}");
    assert!(run["failure"]["message"].as_str().unwrap().contains(words), "{run}");
    for args in [&["decide", SHOP, "ana"][..], &["workers", SHOP], &["worker", SHOP, "ana", "--refresh"]] {
        let ended = stage.run(args).await.unwrap();
        assert!(ended.code == Some(1) && ended.err.contains(words) && !ended.out.contains("allow"), "{args:?}: {ended:?}");
    }
    assert_eq!(reading().await.value, newer, "nothing was written over it");
    store.commit(&space, vec![Write::put("reading", old)]).await.unwrap();
    assert_eq!(batch(&stage).await["counts"]["unchanged"], 4);
    drop(feed);
}

#[tokio::test]
async fn killed_anywhere_it_leaves_whole_records_and_the_next_batch_completes() {
    let (stage, feed) = both().await;
    for user in 0..60 {
        feed.punch(&format!("w{user:02}"), Utc::now() - TimeDelta::hours(2), true);
    }
    assert_eq!(batch(&stage).await["counts"]["members"], 64);
    let pages = feed.calls().count_to(FEED_PATH);
    for round in 1..=8_i64 {
        for user in 0..60 {
            feed.punch(&format!("w{user:02}"), Utc::now() - TimeDelta::minutes(90 - round), round % 2 == 0);
        }
        feed.calls().forget();
        let before = facts(&stage).await;
        let mut child = stage.spawn(&["run", SHOP, "batch"]).unwrap();
        // From the first page to the last, and then wherever the storing is.
        let wanted = (pages * usize::try_from(round).unwrap() / 4).max(1);
        let reached = async {
            while feed.calls().count_to(FEED_PATH) < wanted && child.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
        let _ = child.start_kill();
        child.wait().await.unwrap();
        let after = facts(&stage).await;
        assert_eq!(after.len(), 64);
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!(changed == 0 || changed == 60, "round {round}: {changed} records of one commit");
    }
    let run = batch(&stage).await;
    assert_eq!((&run["status"], &run["counts"]["on_shift"]), (&json!("COMPLETE"), &json!(62)), "{run}");
    assert_eq!(batch(&stage).await["counts"]["changed"], 0);
}

#[tokio::test]
async fn one_program_serves_it_beside_the_built_in_pack() {
    let (stage, feed) = both().await;
    assert_eq!(batch(&stage).await["status"], "COMPLETE");
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    let token = async |tenant| well(&stage, &["token", "create", tenant, "--scope", "operate"]).await.out.trim().to_owned();
    let (shop, acme) = (token(SHOP).await, token("acme").await);
    let serving = Serving::start(&stage).await.unwrap();
    // It chooses the cryptography for the other client too.
    let sender = Sender::new().unwrap();
    let client = reqwest::Client::new();
    let get = async |path: &str, token: &str| {
        let answer = client.get(format!("{}{path}", serving.url())).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap())
    };
    let (status, listed) = get("/api/v1/tenants/shop/workers", &shop).await;
    assert_eq!((status, listed["items"].as_array().unwrap().len()), (200, 4), "{listed}");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = get(&format!("/api/v1/tenants/shop/workers?limit=2{cursor}"), &shop).await;
        let users: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["user"].as_str().unwrap().to_owned()).collect();
        paged.push(users);
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, [["ana", "ben"], ["cleo", "dan"]], "two full pages, and no empty one after them");
    assert_eq!(get("/api/v1/tenants/shop/workers", &acme).await.0, 403, "each tenant has its own door");
    assert_eq!(get("/api/v1/tenants/acme/workers", &acme).await.0, 200);
    let (status, refused) = get("/api/v1/tenants/shop/changes?after=0", &shop).await;
    assert_eq!((status, &refused["code"]), (502, &json!("FEED-02")), "{refused}");
    assert_eq!(get("/api/v1/tenants/shop/workers/eve?refresh=true", &shop).await.0, 404);

    // An event is a reason to look: what it says counts for nothing, what the feed says counts.
    feed.punch("dan", Utc::now() - TimeDelta::minutes(2), false);
    let event = json!({ "id": "1", "type": "punch", "data": { "user": "dan", "direction": "in" } });
    sender.deliver_to(serving.url(), SHOP, &event).await.unwrap();
    let looked = async {
        loop {
            let (_, dan) = get("/api/v1/tenants/shop/workers/dan", &shop).await;
            if dan["status"] == "off-shift" {
                break dan;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let dan = tokio::time::timeout(Duration::from_secs(30), looked).await.unwrap();
    assert_eq!((&dan["source"]["kind"], &dan["reason"]), (&json!("event"), &json!("clocked-out")));

    let asked =
        json!({ "subject": { "type": "user", "id": "dan" }, "action": { "name": "open" }, "resource": { "type": "app", "id": "people" } });
    let ask = async |tenant: &str, token: &str| {
        let url = format!("{}/tenants/{tenant}/access/v1/evaluation", serving.url());
        let post = client.post(url).bearer_auth(token).header("content-type", "application/json").body(asked.to_string());
        serde_json::from_slice::<Value>(&post.send().await.unwrap().bytes().await.unwrap()).unwrap()
    };
    assert_eq!(ask(SHOP, &shop).await["decision"], false);
    assert_eq!(ask("acme", &acme).await["decision"], false);
    let metrics = client.get(format!("{}/metrics", serving.url())).send().await.unwrap().text().await.unwrap();
    for wanted in ["tenant=\"shop\"", "tenant=\"acme\""] {
        assert!(metrics.contains(wanted), "{wanted}");
    }
}

#[tokio::test]
async fn an_event_that_meets_a_bad_feed_waits_and_is_not_lost() {
    let (stage, feed) = both().await;
    feed.faults().add(Fault::on(FEED_PATH).status(500).times(4));
    let serving = Serving::start(&stage).await.unwrap();
    let event = json!({ "id": "1", "type": "punch", "data": {} });
    Sender::new().unwrap().deliver_to(serving.url(), SHOP, &event).await.unwrap();
    let waits = async {
        loop {
            let metrics = reqwest::get(format!("{}/metrics", serving.url())).await.unwrap().text().await.unwrap();
            if feed.calls().count_to(FEED_PATH) > 0 && metrics.contains("shift_access_inbox_waiting_events{tenant=\"shop\"} 1") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waits).await.unwrap();
    let dead = well(&stage, &["dead-letters", SHOP, "--json"]).await;
    assert_eq!(dead.out, "");
}

#[tokio::test]
async fn what_an_author_gets_wrong_is_told_at_load() {
    let (stage, feed) = both().await;
    let good = std::fs::read(EXTENSION).unwrap();
    let told = async |name: &str, component: &[u8]| {
        let file = stage.folder().join(name);
        std::fs::write(&file, component).unwrap();
        configure(&stage, &feed, file.to_str().unwrap(), "", "");
        let ended = stage.run(&["check"]).await.unwrap();
        assert_eq!(ended.code, Some(64), "{name}: {}", ended.out);
        let described = stage.run(&["describe", file.to_str().unwrap()]).await.unwrap();
        assert!(described.code != Some(0) && !described.err.is_empty(), "{name}");
        format!("{}{}", ended.out, ended.err)
    };
    let prefix = told("prefix.wasm", &patched(&good, b"FEED-", b"FEED ")).await;
    assert!(prefix.contains("tenants.shop.component"), "{prefix}");
    assert!(prefix.contains("its description is wrong: code-prefix \"FEED \" has other signs"), "{prefix}");
    let unread = told("unread.wasm", &patched(&good, b"\"title\": \"Punch feed\"", b"\"tilte\": \"Punch feed\"")).await;
    assert!(unread.contains("tenants.shop.component: the plugin failed"), "{unread}");
    let empty = told("empty.wasm", b"\0asm\x0d\0\x01\0").await;
    assert!(empty.contains("the component does not export shift-access:plugin/pack@0.1.0"), "{empty}");
    let import = told("import.wasm", &patched(&good, b"plugin/storage@", b"plugin/storagf@")).await;
    assert!(import.contains("plugin/storagf@0.1.0"), "{import}");
    let core = told("core.wasm", b"\0asm\x01\0\0\0").await;
    assert!(core.contains("not a WebAssembly component"), "{core}");
}

/// A component in which one word stands for another of the same length.
fn patched(component: &[u8], word: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(word.len(), other.len());
    let mut patched = component.to_vec();
    let found: Vec<_> = component.windows(word.len()).enumerate().filter(|(_, window)| *window == word).map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "nothing to change");
    found.into_iter().for_each(|at| patched[at..at + other.len()].copy_from_slice(other));
    patched
}

#[tokio::test]
async fn bounds_of_the_description_hold_though_the_extension_checks_none() {
    let (stage, feed) = both().await;
    configure(&stage, &feed, EXTENSION, "", "freshness-minutes = 0");
    let ended = stage.run(&["check"]).await.unwrap();
    assert_eq!(ended.code, Some(64));
    let said = format!("{}{}", ended.out, ended.err);
    for wanted in ["tenants.shop.properties.freshness-minutes: 0 is out of bounds", "write a number from 1 to 10080"] {
        assert!(said.contains(wanted), "no {wanted} in {said}");
    }
}
