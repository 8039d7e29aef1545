//! The API of the running program: who may ask what, and what comes back.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shift_access::store::SqliteStore;
use shift_access::token::{Scope, Tokens};
use shift_access_tests::fault::Fault;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::world::{hours, minutes};

use crate::{demo, empty};

const WORKERS: &str = "/api/v1/tenants/acme/workers";
const RUNS: &str = "/api/v1/tenants/acme/runs";
const BATCH: &str = "/api/v1/tenants/acme/jobs/batch/runs";
const EVALUATION: &str = "/tenants/acme/access/v1/evaluation";
const EVALUATIONS: &str = "/tenants/acme/access/v1/evaluations";

/// The program, serving.
struct Api {
    stage: Stage,
    client: reqwest::Client,
    url: String,
    read: String,
    operate: String,
    _serving: Serving,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What is the same of every problem.
    fn problem(self, status: u16) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{self:?}");
        assert_eq!((&self.body["status"], &self.body["type"]), (&json!(status), &json!("about:blank")));
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{self:?}");
        self.body
    }

    fn detail(self, status: u16) -> String {
        self.problem(status)["detail"].as_str().unwrap().to_owned()
    }

    fn good(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.body
    }
}

impl Api {
    async fn of(stage: Stage) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let serving = Serving::start(&stage).await.unwrap();
        let client = reqwest::Client::new();
        let (read, operate) = (token(&stage, "acme", "read").await, token(&stage, "acme", "operate").await);
        Self { stage, client, url: serving.url().to_owned(), read, operate, _serving: serving }
    }

    async fn after_a_batch() -> Self {
        let stage = demo().await.unwrap();
        stage.batch().await.unwrap();
        Self::of(stage).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).timeout(Duration::from_secs(60))
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(&self.read)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(&self.operate);
        send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// The run, once it has ended.
    async fn ended(&self, location: &str) -> Value {
        for _ in 0..600 {
            let run = self.get(location).await.good();
            if run["status"] != "INPROCESS" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{location} does not end");
    }
}

async fn token(stage: &Stage, tenant: &str, scope: &str) -> String {
    let ended = stage.run(&["token", "create", tenant, "--scope", scope]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended.out.trim().to_owned()
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

fn evaluation(user: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": user, "properties": { "department": "Sales" } },
        "action": { "name": "open" },
        "resource": { "type": "app", "id": "people" },
        "context": { "time": "2026-03-01T05:45:00Z" }
    })
}

fn users(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["user"].as_str().unwrap()).collect()
}

/// The same tenant once more, under another name.
fn add_tenant(stage: &Stage, name: &str) {
    let text = std::fs::read_to_string(stage.config()).unwrap();
    let tenant = text.find("[tenants.acme]").unwrap();
    let other = text[tenant..].replace("[tenants.acme", &format!("[tenants.{name}"));
    std::fs::write(stage.config(), format!("{text}\n{other}")).unwrap();
}

#[tokio::test]
async fn who_shows_no_good_token_is_told_so_and_learns_nothing() {
    let api = Api::of(empty().await.unwrap()).await;
    let runs = api.request(Method::GET, RUNS);
    let none = send(runs).await;
    assert_eq!(none.header("www-authenticate"), "Bearer");
    none.problem(401);
    let path = |token: &str| api.request(Method::GET, WORKERS).bearer_auth(token);
    let forged = format!("{}x", &api.read[..api.read.len() - 1]);
    for wrong in ["sat_", "let-me-in", &forged, &api.read[4..]] {
        let answer = send(path(wrong)).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{wrong}");
        answer.problem(401);
    }
    send(api.request(Method::GET, WORKERS).basic_auth("sat", Some(&api.read))).await.problem(401);
    // A body is not read before it is known who sends it.
    send(api.request(Method::POST, EVALUATION).body("{")).await.problem(401);
    assert_eq!(send(path(&api.read)).await.status, 200);
    assert_eq!(send(api.request(Method::GET, WORKERS).header("authorization", format!("bearer {}", api.read))).await.status, 200);
}

#[tokio::test]
async fn a_token_ends_when_it_expires_and_at_once_when_it_is_revoked() {
    let api = Api::of(empty().await.unwrap()).await;
    let tokens = Tokens::new(std::sync::Arc::new(SqliteStore::open(api.stage.store()).unwrap()));
    let now = Utc::now();
    let mut status = Vec::new();
    for days in [1, -1] {
        let (_, text) = tokens.create("acme", Scope::Read, Some(now + TimeDelta::days(days)), now).await.unwrap();
        let token = secrecy::ExposeSecret::expose_secret(&text);
        status.push(send(api.request(Method::GET, WORKERS).bearer_auth(token)).await.status);
    }
    assert_eq!(status, [200, 401]);
    let id = &api.read[4..20];
    assert_eq!(api.get(WORKERS).await.status, 200);
    assert_eq!(api.stage.run(&["token", "revoke", "acme", id]).await.unwrap().code, Some(0));
    api.get(WORKERS).await.problem(401);
    let again = api.stage.run(&["token", "revoke", "acme", id]).await.unwrap();
    assert_eq!((again.code, again.err.contains("there is no token")), (Some(1), true), "{}", again.err);
}

#[tokio::test]
async fn a_token_is_good_for_its_tenant_and_its_scope_only() {
    let stage = empty().await.unwrap();
    add_tenant(&stage, "other");
    let api = Api::of(stage).await;
    let other = token(&api.stage, "other", "operate").await;
    let ask = |path: &str, token: &str| send(api.request(Method::GET, path).bearer_auth(token));
    let theirs = "/api/v1/tenants/other/workers";
    assert_eq!(ask(theirs, &other).await.status, 200);
    let refused = ask(theirs, &api.operate).await.problem(403);
    // Whether there is such a tenant is not told.
    assert_eq!(ask("/api/v1/tenants/nobody/workers", &api.operate).await.problem(403), refused);
    ask(WORKERS, &other).await.problem(403);
    send(api.request(Method::POST, EVALUATION).bearer_auth(&other).body("{}")).await.problem(403);
    let scope = send(api.request(Method::POST, BATCH).bearer_auth(&api.read)).await;
    assert_eq!(scope.header("www-authenticate"), "Bearer error=\"insufficient_scope\", scope=\"operate\"");
    scope.problem(403);
    assert_eq!(api.get(RUNS).await.good()["items"], json!([]));
    // Tokens of a tenant that is no more in the configuration.
    let tokens = Tokens::new(std::sync::Arc::new(SqliteStore::open(api.stage.store()).unwrap()));
    let (_, gone) = tokens.create("gone", Scope::Read, None, Utc::now()).await.unwrap();
    ask("/api/v1/tenants/gone/workers", secrecy::ExposeSecret::expose_secret(&gone)).await.problem(404);
}

#[tokio::test]
async fn tokens_are_shown_once_and_listed_without_their_secret() {
    let stage = empty().await.unwrap();
    let made = stage.run(&["token", "create", "acme", "--scope", "read", "--expires", "30", "--json"]).await.unwrap().json().unwrap();
    let keys: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["created", "expires", "id", "scope", "tenant", "token"]);
    let text = made["token"].as_str().unwrap();
    assert!(text.starts_with(&format!("sat_{}_", made["id"].as_str().unwrap())), "{text}");
    let listed = stage.run(&["token", "list", "acme", "--json"]).await.unwrap();
    assert!(!listed.out.contains(&text[21..]));
    let listed = listed.json_lines().unwrap();
    assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["expires"]), (1, &made["id"], &made["expires"]));
    let table = stage.run(&["token", "list", "acme"]).await.unwrap().out;
    assert!(table.contains(made["id"].as_str().unwrap()) && table.contains("read"), "{table}");
    for wrong in [
        &["token", "create", "nobody", "--scope", "read"][..],
        &["token", "create", "acme"],
        &["token", "create", "acme", "--scope", "write"],
        &["token", "create", "acme", "--scope", "read", "--expires", "0"],
        &["token", "list", "nobody"],
        &["token", "revoke", "nobody", "0011223344556677"],
    ] {
        assert_eq!(stage.run(wrong).await.unwrap().code, Some(64), "{wrong:?}");
    }
}

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
    assert_eq!(again("\"other\"".to_owned()).await.status, 200);
    ana.clocked_out(minutes(1));
    api.stage.batch().await.unwrap();
    let changed = again(tag.clone()).await;
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(changed.good()["status"], "off-shift");
    api.get(&format!("{WORKERS}/nobody")).await.problem(404);
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

#[tokio::test]
async fn the_history_comes_page_by_page_and_run_by_run() {
    let api = Api::after_a_batch().await;
    api.stage.run(&["run", "acme", "test-connection"]).await.unwrap();
    api.stage.batch().await.unwrap();
    let all = api.get(RUNS).await.good();
    let jobs: Vec<_> = all["items"].as_array().unwrap().iter().map(|run| run["job"].as_str().unwrap()).collect();
    assert_eq!((jobs, &all["next"]), (vec!["batch", "test-connection", "batch"], &Value::Null));
    let printed = api.stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(all["items"], json!(printed));
    let first = api.get(&format!("{RUNS}?limit=2")).await.good();
    let rest = api.get(&format!("{RUNS}?limit=2&cursor={}", first["next"].as_str().unwrap())).await.good();
    assert_eq!((&rest["items"][0], &rest["next"]), (&all["items"][2], &Value::Null));
    let batches = api.get(&format!("{RUNS}?job=batch&status=complete_warn")).await.good();
    assert_eq!(batches["items"].as_array().unwrap().len(), 2, "{batches}");
    let one = api.get(&format!("{RUNS}/{}", all["items"][1]["run"].as_str().unwrap())).await.good();
    assert!(!one["steps"].as_array().unwrap().is_empty() && !one["calls"].as_array().unwrap().is_empty(), "{one}");
    for wrong in ["00000000-0000-7000-8000-000000000000", "x"] {
        api.get(&format!("{RUNS}/{wrong}")).await.problem(404);
    }
    for (query, said) in [
        ("status=DONE", "write one of COMPLETE"),
        ("job=nothing", "write one of: "),
        ("cursor=nonsense", "cursor"),
        ("limit=0", "from 1 to 1000"),
    ] {
        let detail = api.get(&format!("{RUNS}?{query}")).await.detail(400);
        assert!(detail.contains(said), "{query}: {detail}");
    }
}

#[tokio::test]
async fn a_job_is_started_and_its_run_is_named_at_once() {
    let api = Api::of(demo().await.unwrap()).await;
    api.stage.ukg.set_latency(Duration::from_secs(1));
    let begun = send(api.request(Method::POST, BATCH).bearer_auth(&api.operate)).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let location = begun.header("location").to_owned();
    assert_eq!(location, format!("{RUNS}/{}", begun.body["run"].as_str().unwrap()));
    let stands = ["job", "trigger", "status", "duration_ms"].map(|key| begun.body[key].clone());
    assert_eq!(stands, [json!("batch"), json!("manual"), json!("INPROCESS"), Value::Null]);
    let busy = api.post(BATCH, &json!({})).await.detail(409);
    assert!(busy.contains("is running for the tenant acme already"), "{busy}");
    assert_eq!(api.get(&location).await.good()["status"], "INPROCESS");
    api.stage.ukg.set_latency(Duration::ZERO);
    assert_eq!(api.ended(&location).await["status"], "COMPLETE_WARN");
    assert_eq!(api.get(RUNS).await.good()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_takes_its_options_and_nothing_else() {
    let api = Api::of(demo().await.unwrap()).await;
    let begun = api.post(BATCH, &json!({ "options": { "release-brake": true } })).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    api.ended(begun.header("location")).await;
    for (body, said) in [
        (json!({ "options": { "brake": true } }), "options.brake: write one of: "),
        (json!({ "options": { "release-brake": "perhaps" } }), "options.release-brake: write true or false"),
        (json!({ "options": { "release-brake": [] } }), "options.release-brake: write a text"),
        (json!({ "option": {} }), "unknown field `option`"),
        (json!({ "options": 1 }), "options: invalid type"),
    ] {
        let detail = api.post(BATCH, &body).await.detail(400);
        assert!(detail.contains(said), "{body}: {detail}");
    }
    let detail = api.post("/api/v1/tenants/acme/jobs/payroll/runs", &json!({})).await.detail(404);
    assert!(detail.contains("write one of: test-connection, batch") || detail.contains("write one of: batch, test-connection"), "{detail}");
    assert_eq!(api.get(RUNS).await.good()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_decision_says_what_it_rests_on_and_asks_ukg_nothing() {
    let api = Api::after_a_batch().await;
    let calls = (api.stage.ukg.calls().total(), api.stage.access.calls().total());
    for (user, decision) in [("ADiaz", true), ("jweber", true), ("cmoss", false), ("vcruz", false)] {
        let answer = api.post(EVALUATION, &evaluation(user)).await.good();
        assert_eq!(answer["decision"], decision, "{user}: {answer}");
        let mut printed = api.stage.run(&["decide", "acme", user, "--surface", "people", "--json"]).await.unwrap().json().unwrap();
        printed["age_seconds"] = answer["context"]["age_seconds"].clone();
        let keys: Vec<_> = answer["context"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["age_seconds", "as_of", "reason", "since", "source", "status"]);
        for key in keys {
            assert_eq!(answer["context"][key], printed[key], "{user}: {key}");
        }
    }
    let unknown = api.post(EVALUATION, &evaluation("nobody@nowhere")).await.good();
    assert_eq!((&unknown["decision"], &unknown["context"]["reason"]), (&json!(false), &json!("no-record")));
    let long = api.post(EVALUATION, &evaluation(&"é".repeat(5_000))).await.good();
    assert_eq!(long["context"]["reason"], "no-record");
    assert_eq!((api.stage.ukg.calls().total(), api.stage.access.calls().total()), calls, "a decision asks nobody");
    let named = api.request(Method::POST, EVALUATION).bearer_auth(&api.read).header("x-request-id", "bfe9eb29-ab87");
    let named = send(named.header("content-type", "application/json").body(evaluation("adiaz").to_string())).await;
    assert_eq!((named.status, named.header("x-request-id"), named.header("cache-control")), (200, "bfe9eb29-ab87", "no-store"));
}

#[tokio::test]
async fn a_batch_of_questions_is_answered_in_order_and_as_far_as_asked() {
    let api = Api::after_a_batch().await;
    let ask = |semantic: &str| {
        let of = |user: &str| json!({ "subject": { "type": "user", "id": user } });
        json!({
            "action": { "name": "open" },
            "resource": { "type": "app", "id": "people" },
            "evaluations": [of("adiaz"), of("cmoss"), of("bking"), of("nobody")],
            "options": { "evaluations_semantic": semantic, "another": 1 }
        })
    };
    for (semantic, wanted) in [
        ("execute_all", json!([true, false, true, false])),
        ("deny_on_first_deny", json!([true, false])),
        ("permit_on_first_permit", json!([true])),
    ] {
        let answer = api.post(EVALUATIONS, &ask(semantic)).await.good();
        let decisions: Vec<_> = answer["evaluations"].as_array().unwrap().iter().map(|answer| answer["decision"].clone()).collect();
        assert_eq!(json!(decisions), wanted, "{semantic}");
    }
    api.post(EVALUATIONS, &ask("whatever")).await.detail(400);

    let mut partly = ask("execute_all");
    partly["evaluations"][1] = json!({});
    let answer = api.post(EVALUATIONS, &partly).await.good();
    let error = &answer["evaluations"][1];
    assert_eq!(
        (&error["decision"], &error["context"]["error"]),
        (&json!(false), &json!({ "status": 400, "message": "subject is missing" }))
    );
    assert_eq!((&answer["evaluations"][2]["decision"], answer["evaluations"].as_array().unwrap().len()), (&json!(true), 4));

    let single = api.post(EVALUATIONS, &evaluation("adiaz")).await.good();
    assert_eq!((&single["decision"], &single["context"]["reason"]), (&json!(true), &json!("clocked-in")));

    let mut many = evaluation("adiaz");
    many["evaluations"] = json!(vec![json!({}); 1_000]);
    assert_eq!(api.post(EVALUATIONS, &many).await.good()["evaluations"].as_array().unwrap().len(), 1_000);
    many["evaluations"] = json!(vec![json!({}); 1_001]);
    assert!(api.post(EVALUATIONS, &many).await.detail(400).contains("at most 1000"));
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_what_and_where() {
    let api = Api::of(empty().await.unwrap()).await;
    for (body, said) in [
        ("{ \"subject\": ", "line 1 column"),
        ("", "EOF"),
        ("[]", "invalid"),
        ("{\"subject\": {\"type\": \"user\"}}", "subject: missing field `id`"),
        ("{\"subject\": {\"type\": \"user\", \"id\": 7}}", "subject.id: invalid type"),
        ("{}", "subject is missing"),
    ] {
        let request = api.request(Method::POST, EVALUATION).bearer_auth(&api.read).header("content-type", "application/json");
        let detail = send(request.body(body)).await.detail(400);
        assert!(detail.contains(said), "{body}: {detail}");
    }
    for (path, token) in [(EVALUATION, &api.read), (BATCH, &api.operate)] {
        let request = || api.request(Method::POST, path).bearer_auth(token);
        send(request().header("content-type", "text/plain").body("{}")).await.problem(415);
        let large = format!("\"{}\"", "x".repeat(1 << 20));
        send(request().header("content-type", "application/json").body(large)).await.problem(413);
    }
    let wrong = send(api.request(Method::DELETE, WORKERS).bearer_auth(&api.read)).await;
    assert!(wrong.header("allow").contains("GET"), "{wrong:?}");
    wrong.problem(405);
    send(api.request(Method::GET, EVALUATION)).await.problem(405);
    for path in ["/", "/api/v1/tenants/acme", "/api/v2/tenants/acme/workers", "/tenants/acme/access/v1/search"] {
        api.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn a_program_finds_where_decisions_are_made() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let api = Api::of(stage).await;
    let known = |path: &'static str| send(api.request(Method::GET, path));
    let plain = known("/.well-known/authzen-configuration").await.good();
    assert_eq!(plain["policy_decision_point"], json!(api.url));
    let own = known("/.well-known/authzen-configuration/tenants/acme").await.good();
    assert_eq!(own["policy_decision_point"], json!(format!("{}/tenants/acme", api.url)));
    for metadata in [plain, own] {
        let endpoint = metadata["access_evaluation_endpoint"].as_str().unwrap().strip_prefix(&api.url).unwrap().to_owned();
        assert_eq!(api.post(&endpoint, &evaluation("adiaz")).await.good()["decision"], true);
        let endpoint = metadata["access_evaluations_endpoint"].as_str().unwrap().strip_prefix(&api.url).unwrap().to_owned();
        assert_eq!(api.post(&endpoint, &evaluation("adiaz")).await.good()["decision"], true);
    }
    known("/.well-known/authzen-configuration/tenants/nobody").await.problem(404);
}

#[tokio::test]
async fn among_several_tenants_the_token_tells_whose_decisions_are_meant() {
    let stage = empty().await.unwrap();
    add_tenant(&stage, "other");
    let api = Api::of(stage).await;
    let path = "/.well-known/authzen-configuration";
    send(api.request(Method::GET, path)).await.problem(404);
    let found = api.get(path).await.good();
    assert_eq!(found["access_evaluation_endpoint"], json!(format!("{}{EVALUATION}", api.url)));
    send(api.request(Method::GET, path).bearer_auth("wrong")).await.problem(401);
}

#[tokio::test]
async fn the_description_of_the_api_has_the_fields_that_are_answered() {
    let api = Api::after_a_batch().await;
    let document = send(api.request(Method::GET, "/api/openapi.json")).await.good();
    let fields = |name: &str| -> Vec<String> {
        document["components"]["schemas"][name]["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let workers = api.get(WORKERS).await.good();
    assert_eq!(keys(&workers), fields("WorkerPage"));
    assert_eq!(keys(&workers["items"][0]), fields("Worker"));
    let runs = api.get(RUNS).await.good();
    assert_eq!((keys(&runs), keys(&runs["items"][0])), (fields("RunPage"), fields("Run")));
    let run = api.get(&format!("{RUNS}/{}", runs["items"][0]["run"].as_str().unwrap())).await.good();
    assert_eq!(keys(&run), fields("RunDetail"));
    assert_eq!(keys(&run["warnings"][0]), fields("Warning"));
    assert_eq!(keys(&run["calls"][0]), keys(&document["components"]["schemas"]["RunDetail"]["properties"]["calls"]["items"]["properties"]));
    let decision = api.post(EVALUATION, &evaluation("adiaz")).await.good();
    assert_eq!(keys(&decision), fields("Decision"));
    assert_eq!(keys(&decision["context"]), keys(&document["components"]["schemas"]["Context"]["oneOf"][0]["properties"]));
    let metadata = send(api.request(Method::GET, "/.well-known/authzen-configuration")).await.good();
    assert_eq!(keys(&metadata), fields("Metadata"));
    // Every place that takes a token refuses whoever has none.
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.replace("{tenant}", "acme").replace("{user}", "adiaz").replace("{job}", "batch").replace("{run}", "x");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let status = send(api.request(method, &path)).await.status;
            assert_eq!(status == 401, operation.get("security").is_none(), "{path}: {status}");
        }
    }
}
