//! The stream of changes: from number to number, taken up where it was left, and ended when it must.
//!
//! The plugin is the probe, whose changes a test makes as it wants them.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::Utc;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use shift_access_tests::PROBE;
use tokio::time::timeout;

use crate::api::{Api, add_probe, send, token};
use crate::empty;

const CHANGES: &str = "/api/v1/tenants/probe/changes";
const CHANGE: &str = "/api/v1/tenants/probe/jobs/change/runs";

/// How long an event may take that is on its way.
const SOON: Duration = Duration::from_secs(20);

struct Probed {
    api: Api,
    read: String,
    operate: String,
}

/// One event of a stream.
#[derive(Debug, Default, Clone, PartialEq)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// A stream as a client reads it.
struct Stream {
    response: Response,
    text: String,
    events: VecDeque<Event>,
    /// Everything before the first event.
    opening: String,
}

impl Probed {
    async fn new() -> Self {
        let stage = empty().await.unwrap();
        std::fs::write(stage.folder().join("probe.wasm"), PROBE).unwrap();
        add_probe(&stage);
        let api = Api::of(stage).await;
        let (read, operate) = (token(&api.stage, "probe", "read").await, token(&api.stage, "probe", "operate").await);
        Self { api, read, operate }
    }

    async fn open(&self, query: &str, last: Option<&str>) -> Response {
        let mut request = self.api.client.get(format!("{}{CHANGES}{query}", self.api.url)).bearer_auth(&self.read);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }

    async fn follow(&self, query: &str, last: Option<&str>) -> Stream {
        let response = self.open(query, last).await;
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &"text/event-stream".parse().unwrap()));
        let mut stream = Stream { response, text: String::new(), events: VecDeque::new(), opening: String::new() };
        // Whoever has read this much follows: what is changed from now on comes.
        while stream.opening.is_empty() {
            assert!(stream.more().await, "the stream ends before it begins");
        }
        stream
    }

    /// Makes changes in the process that serves.
    async fn change(&self, options: Value) {
        let request = self.api.request(Method::POST, CHANGE).bearer_auth(&self.operate).header("content-type", "application/json");
        let begun = send(request.body(json!({ "options": options }).to_string())).await;
        assert_eq!(begun.status, 202, "{begun:?}");
        let ended = self.ended(begun.header("location")).await;
        assert_eq!(ended["status"], "COMPLETE", "{ended}");
    }

    async fn ended(&self, location: &str) -> Value {
        timeout(SOON, async {
            loop {
                let run = send(self.api.request(Method::GET, location).bearer_auth(&self.read)).await.good();
                if run["status"] != "INPROCESS" {
                    return run;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap()
    }
}

impl Stream {
    /// Reads on; false at the end.
    async fn more(&mut self) -> bool {
        let Ok(chunk) = timeout(SOON, self.response.chunk()).await.unwrap() else { return false };
        let Some(chunk) = chunk else { return false };
        self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((block, rest)) = self.text.split_once("\n\n") {
            let (block, rest) = (block.to_owned(), rest.to_owned());
            self.text = rest;
            let mut event = Event::default();
            for line in block.lines() {
                match line.split_once(':').map(|(field, value)| (field, value.trim_start())) {
                    Some(("id", value)) => event.id = value.to_owned(),
                    Some(("event", value)) => event.name = value.to_owned(),
                    Some(("data", value)) => event.data = serde_json::from_str(value).unwrap(),
                    _ => {}
                }
            }
            match event.name.is_empty() {
                true => self.opening.push_str(&block),
                false => self.events.push_back(event),
            }
        }
        true
    }

    async fn next(&mut self) -> Event {
        while self.events.is_empty() {
            assert!(self.more().await, "the stream ended");
        }
        self.events.pop_front().unwrap()
    }

    async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for _ in 0..count {
            let event = self.next().await;
            assert!(event.name == "changed" || event.name == "removed", "{event:?}");
            assert_eq!(event.id, event.data["id"].to_string());
            numbers.push(event.data["id"].as_u64().unwrap());
        }
        numbers
    }

    /// Reads until the end, which must come.
    async fn end(&mut self) {
        while self.more().await {}
    }
}

#[tokio::test]
async fn what_changes_comes_at_once_with_the_record_as_it_is() {
    let probed = Probed::new().await;
    probed.change(json!({ "count": 3 })).await;
    let mut stream = probed.follow("", None).await;
    assert!(stream.opening.contains("id: 3") && stream.opening.contains("retry: 3000"), "{}", stream.opening);
    probed.change(json!({ "count": 2 })).await;
    let changed = stream.next().await;
    assert_eq!((changed.id.as_str(), changed.name.as_str()), ("4", "changed"));
    assert_eq!((&changed.data["id"], &changed.data["user"]), (&json!(4), &json!("user-4")));
    let worker = &changed.data["worker"];
    assert_eq!((&worker["tenant"], &worker["user"], &worker["status"]), (&json!("probe"), &json!("user-4"), &json!("known")));
    // The plugin said 0; the age is told as of now.
    let age = worker["age_seconds"].as_i64().unwrap();
    assert!((0..60).contains(&(Utc::now().timestamp() - 946_684_800 - age)), "{worker}");
    let removed = stream.next().await;
    assert_eq!((removed.name.as_str(), removed.data), ("removed", json!({ "id": 5, "user": "user-5", "worker": null })));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left_and_nothing_is_told_twice() {
    let probed = Probed::new().await;
    let mut first = probed.follow("", None).await;
    probed.change(json!({ "count": 250 })).await;
    assert_eq!(first.numbers(120).await, (1..=120).collect::<Vec<_>>());
    drop(first);
    probed.change(json!({ "count": 250 })).await;
    // The header goes before the query, as a browser sends it again with the address it has.
    let mut header = probed.follow("?after=1", Some("120")).await;
    let mut query = probed.follow("?after=120", None).await;
    probed.change(json!({ "count": 3 })).await;
    let wanted: Vec<_> = (121..=503).collect();
    assert_eq!(header.numbers(383).await, wanted);
    assert_eq!(query.numbers(383).await, wanted);
}

#[tokio::test]
async fn what_another_process_stores_comes_as_well() {
    let probed = Probed::new().await;
    let mut stream = probed.follow("", None).await;
    let ended = probed.api.stage.run(&["run", "probe", "change", "--set", "count=2"]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(stream.numbers(2).await, [1, 2]);
}

#[tokio::test]
async fn who_asks_for_what_is_no_longer_there_is_told_to_read_anew() {
    let probed = Probed::new().await;
    probed.change(json!({ "count": 20, "keep": 10 })).await;
    let mut known = probed.follow("?after=10", None).await;
    assert_eq!(known.numbers(10).await, (11..=20).collect::<Vec<_>>());
    for asked in ["?after=9", "?after=0", "?after=21", "?after=18446744073709551615"] {
        let mut stream = probed.follow(asked, None).await;
        let reset = stream.next().await;
        assert_eq!((reset.name.as_str(), reset.id.as_str()), ("reset", "20"), "{asked}");
        assert_eq!(reset.data, json!({ "id": 20, "user": null, "worker": null }));
    }
    let mut lost = probed.follow("?after=3", None).await;
    assert_eq!(lost.next().await.name, "reset");
    probed.change(json!({ "count": 1 })).await;
    assert_eq!((lost.numbers(1).await, known.numbers(1).await), (vec![21], vec![21]));
    // Another store in place of the one that was: numbers begin again.
    probed.change(json!({ "count": 2, "forget": 1 })).await;
    for stream in [&mut lost, &mut known] {
        let reset = stream.next().await;
        assert_eq!((reset.name.as_str(), reset.id.as_str()), ("reset", "2"));
    }
    probed.change(json!({ "count": 1 })).await;
    assert_eq!(lost.numbers(1).await, [3]);
}

#[tokio::test]
async fn where_to_begin_is_a_number_or_it_is_refused() {
    let probed = Probed::new().await;
    for (query, last) in [("?after=-1", None), ("?after=x", None), ("?since=1", None), ("", Some("x")), ("", Some("-1"))] {
        assert_eq!(probed.open(query, last).await.status().as_u16(), 400, "{query} {last:?}");
    }
    let without = probed.api.client.get(format!("{}{CHANGES}", probed.api.url)).send().await.unwrap();
    assert_eq!(without.status().as_u16(), 401);
    let other = probed.api.client.get(format!("{}{CHANGES}", probed.api.url)).bearer_auth(&probed.api.read).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 403);
}

#[tokio::test]
async fn a_tenant_has_a_hundred_streams_and_a_place_is_free_again_when_one_ends() {
    let probed = Probed::new().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(probed.follow("", None).await);
    }
    let refused = probed.open("", None).await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    drop(streams.pop());
    timeout(SOON, async {
        while probed.open("", None).await.status().as_u16() != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    probed.change(json!({ "count": 1 })).await;
    for stream in &mut streams {
        assert_eq!(stream.numbers(1).await, [1]);
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let probed = Probed::new().await;
    let mut stream = probed.follow("", None).await;
    let revoked = probed.api.stage.run(&["token", "revoke", "probe", &probed.read[4..20]]).await.unwrap();
    assert_eq!(revoked.code, Some(0));
    // It is looked at with every line that keeps the connection alive.
    timeout(Duration::from_secs(20), stream.end()).await.unwrap();
}

#[tokio::test]
async fn a_stream_lives_while_nothing_changes_and_ends_when_the_host_does() {
    let probed = Probed::new().await;
    let mut stream = probed.follow("", None).await;
    let opening = stream.opening.clone();
    while stream.opening == opening {
        assert!(stream.more().await, "a line comes every 15 s");
    }
    probed.change(json!({ "count": 1 })).await;
    assert_eq!(stream.numbers(1).await, [1]);
    let mut api = probed.api;
    assert!(api.terminate().await);
    stream.end().await;
    let code = timeout(SOON, api.serving.child.wait()).await.unwrap().unwrap().code();
    assert_eq!(code, Some(0), "a stream does not hold the end of the program");
}

#[tokio::test]
async fn the_pack_of_this_program_has_the_stream_too() {
    let api = Api::of(empty().await.unwrap()).await;
    let url = format!("{}/api/v1/tenants/acme/changes", api.url);
    let response = api.client.get(url).bearer_auth(&api.read).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
}
