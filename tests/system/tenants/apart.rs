//! What belongs to one tenant, asked for with the token of another, or under the name of another: paths, cursors, ids of runs
//! and of dead letters, numbers of changes, and tokens of tenants that rest or are gone.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use shift_access_tests::hook::event;
use shift_access_tests::world::minutes;

use super::{BATCH, Two};

/// How long an event of a stream may take: a stream is looked after every 15 seconds.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_of_one_tenant_is_reached_from_another_by_path_cursor_or_id() {
    let two = Two::start().await;
    assert_eq!(two.stage.run(&["run", "other", "batch"]).await.unwrap().code, Some(0));
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    for path in [
        "/api/v1/tenants/other/workers",
        "/api/v1/tenants/%6fther/workers",
        "/api/v1/tenants/acme%2F..%2Fother/workers",
        "/api/v1/tenants/acme%00other/workers",
        "/api/v1/tenants/OTHER/workers",
        "/api/v1/tenants/other/dead-letters",
        "/api/v1/tenants/other/runs",
    ] {
        assert_eq!(two.get(&acme, path).await.0, 403, "{path}");
    }
    assert_eq!(two.decides(&acme, "other").await, 403);
    assert_eq!(two.post(&acme, "/api/v1/tenants/other/jobs/batch/runs", json!({})).await.0, 403);

    let (_, runs) = two.get(&other, "/api/v1/tenants/other/runs?limit=1").await;
    let theirs = runs["items"][0]["run"].as_str().unwrap();
    assert_eq!(two.get(&other, &format!("/api/v1/tenants/other/runs/{theirs}")).await.0, 200);
    for id in [theirs.to_owned(), format!("..%2Fother%2F{theirs}"), format!("other%2F{theirs}")] {
        assert_eq!(two.get(&acme, &format!("/api/v1/tenants/acme/runs/{id}")).await.0, 404, "{id}");
    }
    for list in ["runs", "workers"] {
        let (_, page) = two.get(&other, &format!("/api/v1/tenants/other/{list}?limit=1")).await;
        let cursor = page["next"].as_str().unwrap();
        let next = format!("{list}?limit=1&cursor={cursor}");
        assert_eq!(two.get(&other, &format!("/api/v1/tenants/other/{next}")).await.0, 200, "it is good where it is from");
        let (status, answer) = two.get(&acme, &format!("/api/v1/tenants/acme/{next}")).await;
        assert_eq!(status, 400, "{list}: {answer}");
        assert!(!answer.to_string().contains("\"other\""), "{answer}");
    }
}

/// The ids of a tenant's dead letters.
async fn letters(two: &Two, tenant: &str) -> Vec<String> {
    let listed = two.stage.run(&["dead-letters", tenant, "--json"]).await.unwrap().json_lines().unwrap();
    listed.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_dead_letter_of_another_tenant_is_neither_seen_nor_put_back_nor_discarded() {
    let two = Two::start().await;
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    // What of a list is no event at all becomes a dead letter at once.
    let list = json!([event("one", "100007", Utc::now(), Some("in")), "two"]);
    assert_eq!(two.hook_with("other", &list).await, 202);
    let theirs = letters(&two, "other").await;
    assert_eq!((theirs.len(), letters(&two, "acme").await.len()), (1, 0));
    let id = &theirs[0];
    assert_eq!(two.get(&acme, "/api/v1/tenants/acme/dead-letters").await.1["items"], json!([]));

    for id in [id.clone(), id[..6].to_owned(), format!("..%2Fother%2F{id}"), format!("other%2F{id}")] {
        let path = format!("/api/v1/tenants/acme/dead-letters/{id}");
        assert_eq!(two.post(&acme, &format!("{path}/replay"), json!({})).await.0, 404, "{id}");
        assert_eq!(two.delete(&acme, &path).await, 404, "{id}");
        let path = format!("/api/v1/tenants/other/dead-letters/{id}");
        assert_eq!(two.post(&acme, &format!("{path}/replay"), json!({})).await.0, 403, "{id}");
        assert_eq!(two.delete(&acme, &path).await, 403, "{id}");
    }
    for option in ["--replay", "--discard"] {
        let ended = two.stage.run(&["dead-letters", "acme", option, id]).await.unwrap();
        assert!(ended.code == Some(1) && ended.err.contains("there is no dead letter"), "{option}: {}", ended.err);
    }
    assert_eq!(letters(&two, "other").await, theirs, "it is where it was");
    assert_eq!(two.delete(&other, &format!("/api/v1/tenants/other/dead-letters/{id}")).await, 204, "and its own tenant may discard it");
    assert!(letters(&two, "other").await.is_empty());
}

/// A stream of changes, taken up after this number.
struct Changes {
    response: reqwest::Response,
    text: String,
}

impl Changes {
    async fn after(two: &Two, token: &str, tenant: &str, last: u64) -> Self {
        let request = two.client.get(format!("{}/api/v1/tenants/{tenant}/changes", two.serving.url()));
        let response = request.bearer_auth(token).header("last-event-id", last).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        Self { response, text: String::new() }
    }

    /// The next event: its name, and what it tells; none at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                let told = field("event:").zip(field("data:"));
                self.text = rest.to_owned();
                if let Some((name, data)) = told {
                    return Some((name, serde_json::from_str(&data).unwrap()));
                }
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await.unwrap().unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn a_last_event_id_of_another_tenant_tells_nothing_of_that_one() {
    let two = Two::start().await;
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    let workers = two.get(&acme, "/api/v1/tenants/acme/workers?limit=1000").await.1["items"].as_array().unwrap().len() as u64;
    // The other tenant is one change ahead.
    two.stage.world.person("adiaz").clocked_out(minutes(1));
    assert_eq!(two.stage.run(&["run", "other", "batch"]).await.unwrap().code, Some(0));
    let (_, theirs) = Changes::after(&two, &other, "other", workers).await.next().await.unwrap();
    let last = theirs["id"].as_u64().unwrap();
    assert_eq!((&theirs["worker"]["tenant"], &theirs["user"], last), (&json!("other"), &json!("adiaz"), workers + 1));

    let mut beyond = Changes::after(&two, &acme, "acme", last).await;
    let reset = json!({ "id": workers, "user": null, "worker": null });
    assert_eq!(beyond.next().await, Some(("reset".to_owned(), reset)), "a number that this tenant has not come to");
    let mut before = Changes::after(&two, &acme, "acme", workers).await;
    assert_eq!(two.stage.run(&["run", "acme", "batch"]).await.unwrap().code, Some(0));
    for stream in [&mut beyond, &mut before] {
        let (name, change) = stream.next().await.unwrap();
        assert_eq!((name.as_str(), &change["id"], &change["worker"]["tenant"]), ("changed", &json!(last), &json!("acme")));
    }
}

#[tokio::test]
async fn a_token_of_a_tenant_that_rests_or_is_removed_opens_no_other_and_nothing_of_its_own_that_is_shut() {
    let two = Two::start().await;
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    let shut = async || {
        for path in ["workers", "runs", "dead-letters", "changes", "workers/adiaz"] {
            assert_eq!(two.get(&acme, &format!("/api/v1/tenants/other/{path}")).await.0, 403, "{path}");
            assert_eq!(two.get(&other, &format!("/api/v1/tenants/acme/{path}")).await.0, 403, "{path}");
        }
        assert_eq!((two.decides(&acme, "other").await, two.decides(&other, "acme").await), (403, 403));
    };
    shut().await;
    two.tenant(&["pause", "acme"], "the tenant is paused").await;
    shut().await;
    assert_eq!(two.post(&acme, BATCH, json!({})).await.0, 409);
    let mut stream = Changes::after(&two, &acme, "acme", 0).await;
    assert!(stream.next().await.is_some(), "what is stored is told while it rests");

    two.tenant(&["remove", "acme"], "the tenant is removed").await;
    shut().await;
    for path in ["workers", "workers/adiaz", "runs", "dead-letters", "changes"] {
        assert_eq!(two.get(&acme, &format!("/api/v1/tenants/acme/{path}")).await.0, 404, "{path}");
    }
    let made = two.stage.run(&["token", "create", "acme", "--scope", "read"]).await.unwrap();
    assert!(made.code == Some(64) && made.err.contains("tenant restore acme"), "{}", made.err);
    while stream.next().await.is_some() {}
    assert_eq!(two.get(&other, "/api/v1/tenants/other/workers/adiaz").await.0, 200);

    let gone = two.stage.run(&["tenant", "remove", "acme", "--now"]).await.unwrap();
    assert_eq!(gone.code, Some(0), "{}", gone.err);
    two.tenant(&["restore", "acme"], "the tenant is served again").await;
    assert_eq!(two.get(&acme, "/api/v1/tenants/acme/workers").await.0, 401, "it comes back empty, without its tokens");
    let anew = two.token("acme").await;
    assert_ne!(anew, acme);
    assert_eq!(two.get(&anew, "/api/v1/tenants/acme/workers").await.1["items"], json!([]));
    assert_eq!(two.get(&anew, "/api/v1/tenants/other/workers").await.0, 403);
}
