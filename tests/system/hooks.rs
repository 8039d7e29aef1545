//! Events from outside, in the running program: what is let in, and that nothing that was is lost.

use std::path::Path;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;
use shift_access::store::{Space, SqliteStore, Store, Write};
use shift_access_tests::PROBE;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use tokio::process::Command;

use crate::empty;

const HOOK: &str = "/hooks/acme";
const SECRET: &str = "hook-secret";

/// A stage whose tenant is the probe, with a listener.
async fn stage() -> Stage {
    let stage = empty().await.unwrap();
    std::fs::write(stage.folder().join("probe.wasm"), PROBE).unwrap();
    let mut text = "[host]\nlisten = \"127.0.0.1:0\"\nstorage = \"sqlite://shift-access.db\"\n\n\
        [tenants.acme]\nenvironment = \"TEST\"\ncomponent = \"probe.wasm\"\n\n\
        [tenants.acme.listener]\n\
        signature = { header = \"X-Signature\", algorithm = \"hmac-sha256\", secret = { file = \"secret\" } }\n\
        timestamp = { header = \"X-Sent\" }\n"
        .to_owned();
    for name in ["main", "refused"] {
        text += &format!(
            "\n[tenants.acme.connections.{name}]\nurl = \"{}\"\nclient-id = \"a\"\nclient-secret = {{ file = \"secret\" }}\n\
             username = \"a\"\npassword = {{ file = \"secret\" }}\n",
            stage.ukg.url()
        );
    }
    std::fs::write(stage.folder().join("secret"), SECRET).unwrap();
    std::fs::write(stage.config(), text).unwrap();
    stage
}

struct Hooks {
    stage: Stage,
    serving: Serving,
    client: reqwest::Client,
}

impl Hooks {
    async fn start() -> Self {
        Self::of(stage().await).await
    }

    async fn of(stage: Stage) -> Self {
        let serving = Serving::start(&stage).await.unwrap();
        Self { stage, serving, client: reqwest::Client::new() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.serving.url())).timeout(Duration::from_secs(30))
    }

    /// A post as the time system sends it.
    fn signed(&self, body: impl Into<Vec<u8>>) -> RequestBuilder {
        let body = body.into();
        self.request(Method::POST, HOOK).header("x-sent", now()).header("x-signature", signature(&body)).body(body)
    }

    async fn post(&self, body: &Value) -> (u16, Value) {
        answer(self.signed(body.to_string())).await
    }

    async fn token(&self, scope: &str) -> String {
        let ended = self.stage.run(&["token", "create", "acme", "--scope", scope]).await.unwrap();
        ended.out.trim().to_owned()
    }

    async fn letters(&self) -> Vec<Value> {
        self.stage.run(&["dead-letters", "acme", "--json"]).await.unwrap().json_lines().unwrap()
    }
}

fn now() -> String {
    chrono::Utc::now().timestamp().to_string()
}

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let (status, kind) = (response.status().as_u16(), response.headers().get("content-type").cloned());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    if status >= 400 {
        assert_eq!(kind.unwrap(), "application/problem+json");
        assert!(body["status"] == status && body["detail"].is_string(), "{body}");
    }
    (status, body)
}

fn event(id: &str, asks: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/probe", "type": "punch", "data": { "do": asks } })
}

/// How often the plugin was brought events whose key ends so, once it is as often as this.
async fn brought(store: &Path, id: &str, times: &str) {
    let store = SqliteStore::open(store).unwrap();
    let started = Instant::now();
    loop {
        let page = store.scan(&Space::plugin("acme"), &shift_access::store::Scan::new("handled/", 2_000)).await.unwrap();
        let found = page.entries.iter().find(|entry| entry.key.ends_with(id));
        if found.is_some_and(|entry| entry.value == times.as_bytes()) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{id} was brought {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn signal(serving: &Serving, name: &str) {
    let id = serving.child.id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
}

#[tokio::test]
async fn an_event_is_taken_once_brought_to_the_plugin_and_told_in_the_history() {
    let mut hooks = Hooks::start().await;
    let list = json!([event("a", "done"), event("b", "done"), event("a", "done")]);
    let (status, taken) = hooks.post(&list).await;
    assert_eq!((status, taken["accepted"].as_u64().unwrap() >= 2), (202, true), "{taken}");
    let (status, taken) = hooks.post(&event("a", "done")).await;
    assert_eq!((status, taken), (202, json!({ "accepted": 0, "duplicates": 1, "unreadable": 0 })));
    brought(&hooks.stage.store(), "b", "1").await;
    brought(&hooks.stage.store(), "a", "1").await;

    signal(&hooks.serving, "-TERM").await;
    let code = tokio::time::timeout(Duration::from_secs(20), hooks.serving.child.wait()).await.unwrap().unwrap().code();
    assert_eq!(code, Some(0));
    let runs = hooks.stage.run(&["history", "acme", "--job", "listener", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((&runs[0]["process"], &runs[0]["trigger"]), (&json!("Probe of the listener"), &json!("event")));
    assert_eq!((&runs[0]["status"], &runs[0]["counts"]["done"], &runs[0]["counts"]["events"]), (&json!("COMPLETE"), &json!(2), &json!(2)));
}

#[tokio::test]
async fn who_does_not_prove_where_an_event_comes_from_is_refused() {
    let hooks = Hooks::start().await;
    let body = event("a", "done").to_string();
    let good = signature(body.as_bytes());
    let other = signature(b"another body");
    let old = (chrono::Utc::now().timestamp() - 3_600).to_string();
    let post = |sent: Option<&str>, signature: Option<&str>| {
        let mut request = hooks.request(Method::POST, HOOK).body(body.clone());
        request = sent.into_iter().fold(request, |request, sent| request.header("x-sent", sent));
        signature.into_iter().fold(request, |request, signature| request.header("x-signature", signature))
    };
    for (what, sent, signature) in [
        ("a signature of another body", Some(&*now()), Some(&*other)),
        ("no signature", Some(&*now()), None),
        ("no hex", Some(&*now()), Some("…")),
        ("no moment", None, Some(&*good)),
        ("an old moment", Some(&*old), Some(&*good)),
    ] {
        let (status, problem) = answer(post(sent, signature)).await;
        assert_eq!(status, 401, "{what}: {problem}");
        assert!(!problem.to_string().contains(SECRET), "{problem}");
    }
    let response = post(Some(&now()), None).send().await.unwrap();
    assert!(response.headers().contains_key("www-authenticate"), "RFC 9110 asks for it");
    assert_eq!(answer(post(Some(&now()), Some(&good))).await.0, 202);
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_is_read() {
    let hooks = Hooks::start().await;
    // Never ends by itself.
    let body = reqwest::Body::wrap_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let (status, _) = answer(hooks.request(Method::POST, HOOK).header("x-sent", now()).body(body)).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn what_is_too_large_or_no_event_is_told_so() {
    let hooks = Hooks::start().await;
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(answer(hooks.signed(large.clone())).await.0, 413);
    let stream = futures::stream::iter(large.chunks(65_536).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>());
    let chunked = hooks.request(Method::POST, HOOK).header("x-sent", now()).header("x-signature", signature(&large));
    assert_eq!(answer(chunked.body(reqwest::Body::wrap_stream(stream))).await.0, 413);
    let padded = format!("{}{}", event("large", "done"), " ".repeat(1 << 20)).split_at(1 << 20).0.to_owned();
    assert_eq!(answer(hooks.signed(padded)).await.0, 202, "a body of exactly 1 MiB is taken");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (what, body) in [
        ("nothing", &b""[..]),
        ("broken JSON", b"{\"id\": \"a\""),
        ("wrong types", b"{\"specversion\": \"1.0\", \"id\": 7, \"source\": [], \"type\": {}}"),
        ("no object", b"17"),
        ("deep nesting", deep.as_bytes()),
        ("no UTF-8", b"{\"id\": \"\xff\xfe\"}"),
    ] {
        let (status, problem) = answer(hooks.signed(body)).await;
        assert_eq!(status, 400, "{what}: {problem}");
    }
    assert_eq!(answer(hooks.signed(event("a", "done").to_string())).await.0, 202, "and others are served");
}

#[tokio::test]
async fn what_cannot_be_read_of_a_list_is_a_dead_letter_and_the_rest_is_taken() {
    let hooks = Hooks::start().await;
    let list = json!([event("a", "done"), { "specversion": "1.0", "source": "/probe", "data": {} }, "b", event("c", "done")]);
    for wanted in [json!({ "accepted": 2, "duplicates": 0, "unreadable": 2 }), json!({ "accepted": 0, "duplicates": 4, "unreadable": 0 })] {
        assert_eq!(hooks.post(&list).await, (202, wanted));
    }
    brought(&hooks.stage.store(), "a", "1").await;
    brought(&hooks.stage.store(), "c", "1").await;
    let mut letters = hooks.letters().await;
    letters.sort_by_key(|letter| letter["message"].to_string());
    let told: Vec<_> = letters.iter().map(|letter| (letter["code"].clone(), letter["message"].as_str().unwrap())).collect();
    let nothing_else = "event 2 of the list: `id` is missing; give each event an id of its own, and the same when it is sent again";
    assert_eq!(told, [(json!(null), nothing_else), (json!(null), "event 3 of the list: it is a text; each event is an object")]);
    assert_eq!((&letters[0]["event"]["data"], &letters[1]["event"]["data"]), (&list[1], &json!({ "value": "b" })));

    let (status, problem) = hooks.post(&json!(["b", 7])).await;
    assert_eq!((status, problem["detail"].as_str().unwrap()), (400, "event 1 of the list: it is a text; each event is an object"));
    assert_eq!(hooks.letters().await.len(), 2, "who sent it knows");
}

#[tokio::test]
async fn where_there_is_no_listener_there_is_nothing() {
    let hooks = Hooks::of(empty().await.unwrap()).await;
    for path in [HOOK, "/hooks/nobody", "/hooks/"] {
        assert_eq!(answer(hooks.request(Method::POST, path)).await.0, 404, "{path}");
    }
    assert_eq!(answer(hooks.request(Method::GET, HOOK)).await.0, 405);
}

#[tokio::test]
async fn an_event_that_was_acknowledged_is_brought_although_the_program_was_killed() {
    let mut stage = stage().await;
    for round in 0..3 {
        let hooks = Hooks::of(stage).await;
        let ids: Vec<_> = (0..20).map(|n| format!("round-{round}-{n:02}")).collect();
        for id in &ids {
            assert_eq!(hooks.post(&event(id, "done")).await.0, 202);
        }
        // Before, within or after the two seconds in which events are gathered.
        tokio::time::sleep(Duration::from_millis(1_000 * round)).await;
        signal(&hooks.serving, "-KILL").await;
        stage = hooks.stage;
    }
    let hooks = Hooks::of(stage).await;
    let store = SqliteStore::open(hooks.stage.store()).unwrap();
    let started = Instant::now();
    loop {
        let page = store.scan(&Space::plugin("acme"), &shift_access::store::Scan::new("handled/", 2_000)).await.unwrap();
        let waiting = store.scan(&Space::host("acme"), &shift_access::store::Scan::new("inbox/", 1)).await.unwrap();
        if page.entries.len() == 60 && waiting.entries.is_empty() {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{} of 60 events were brought", page.entries.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_dead_letter_is_listed_put_back_and_discarded_by_command_and_over_the_api() {
    let hooks = Hooks::start().await;
    let (read, operate) = (hooks.token("read").await, hooks.token("operate").await);
    assert_eq!(hooks.post(&json!([event("a", "reject"), event("b", "reject"), event("c", "done")])).await.0, 202);
    brought(&hooks.stage.store(), "b", "1").await;
    let started = Instant::now();
    let mut letters = hooks.letters().await;
    while letters.len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(30));
        letters = hooks.letters().await;
    }
    let letter = letters.iter().find(|letter| letter["event"]["id"] == "a").unwrap();
    assert_eq!((&letter["code"], &letter["attempts"]), (&json!("PROBE-L07"), &json!(1)), "{letter}");
    let plain = hooks.stage.run(&["dead-letters", "acme"]).await.unwrap();
    assert!(plain.code == Some(0) && plain.out.contains("the event asks to be rejected"), "{plain:?}");

    let id = letter["id"].as_str().unwrap();
    let replay = hooks.stage.run(&["dead-letters", "acme", "--replay", &id[..8]]).await.unwrap();
    assert_eq!(replay.code, Some(0), "{replay:?}");
    brought(&hooks.stage.store(), "a", "2").await;
    for args in [["dead-letters", "acme", "--replay", "ffffff"], ["dead-letters", "acme", "--discard", "no-id"]] {
        let ended = hooks.stage.run(&args).await.unwrap();
        assert_eq!((ended.code, ended.err.contains("there is no dead letter")), (Some(1), true), "{ended:?}");
    }
    assert_eq!(hooks.stage.run(&["dead-letters", "nobody"]).await.unwrap().code, Some(64));

    let path = "/api/v1/tenants/acme/dead-letters";
    let page = loop {
        let (status, page) = answer(hooks.request(Method::GET, path).bearer_auth(&read)).await;
        assert_eq!(status, 200);
        if page["items"].as_array().unwrap().len() == 2 {
            break page;
        }
        assert!(started.elapsed() < Duration::from_secs(60));
    };
    assert_eq!(page["next"], json!(null));
    let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    let replay = format!("{path}/{}/replay", ids[0]);
    assert_eq!(answer(hooks.request(Method::POST, &replay).bearer_auth(&read)).await.0, 403);
    assert_eq!(answer(hooks.request(Method::POST, &replay).bearer_auth(&operate)).await.0, 200);
    let one = format!("{path}/{}", ids[1]);
    assert_eq!(answer(hooks.request(Method::DELETE, &one)).await.0, 401);
    assert_eq!(answer(hooks.request(Method::DELETE, &one).bearer_auth(&operate)).await.0, 204);
    assert_eq!(answer(hooks.request(Method::DELETE, &one).bearer_auth(&operate)).await.0, 404);
    let discarded = page["items"][1]["event"]["id"].as_str().unwrap();
    let (_, taken) = hooks.post(&event(discarded, "reject")).await;
    assert_eq!(taken["duplicates"], 1, "a discarded event is not wanted again");
    let (_, document) = answer(hooks.request(Method::GET, "/api/openapi.json")).await;
    let described = document["components"]["schemas"]["DeadLetter"]["properties"].as_object().unwrap();
    assert_eq!(page["items"][0].as_object().unwrap().keys().collect::<Vec<_>>(), described.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn an_inbox_that_is_full_says_come_again_later() {
    let stage = stage().await;
    let store = SqliteStore::open(stage.store()).unwrap();
    let now = chrono::Utc::now();
    // A slip of as many events as may wait, due in a while.
    let due = now + chrono::TimeDelta::minutes(15);
    let slip = json!({ "events": 1_000_000, "bytes": 1, "oldest": now.timestamp_millis(), "apart": false });
    let slip = Write::put(format!("inbox/{:014}/full", due.timestamp_millis()), slip.to_string());
    store.commit(&Space::host("acme"), vec![slip]).await.unwrap();
    let hooks = Hooks::of(stage).await;
    let started = Instant::now();
    loop {
        let metrics = hooks.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
        if metrics.contains("shift_access_inbox_waiting_events{tenant=\"acme\"} 1000000\n") {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = hooks.signed(event("a", "done").to_string()).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "30"));
    assert_eq!(answer(hooks.signed(event("a", "done").to_string())).await.1["detail"], "too many events wait");
    assert_eq!(hooks.post(&json!([])).await.0, 202, "nothing is not too much");
}

/// The probe, whose listener has another name of as many letters.
fn other_probe() -> Vec<u8> {
    let (name, other) = (b"Probe of the listener", b"Other of the listener");
    let mut bytes = PROBE.to_vec();
    let places: Vec<_> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| bytes[at..at + other.len()].copy_from_slice(other));
    bytes
}

#[tokio::test]
async fn a_component_that_is_exchanged_is_used_once_the_configuration_is_read_again() {
    let mut hooks = Hooks::start().await;
    assert_eq!(hooks.post(&event("a", "done")).await.0, 202);
    brought(&hooks.stage.store(), "a", "1").await;
    std::fs::write(hooks.stage.folder().join("probe.wasm"), other_probe()).unwrap();
    signal(&hooks.serving, "-HUP").await;
    hooks.serving.says("changed: acme", 0).await.unwrap();
    assert_eq!(hooks.post(&event("b", "done")).await.0, 202);
    brought(&hooks.stage.store(), "b", "1").await;
    signal(&hooks.serving, "-TERM").await;
    tokio::time::timeout(Duration::from_secs(20), hooks.serving.child.wait()).await.unwrap().unwrap();
    let runs = hooks.stage.run(&["history", "acme", "--job", "listener", "--json"]).await.unwrap().json_lines().unwrap();
    let told: Vec<_> = runs.iter().map(|run| run["process"].as_str().unwrap()).collect();
    assert_eq!(told, ["Other of the listener", "Probe of the listener"]);
}
