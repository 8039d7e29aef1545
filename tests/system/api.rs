//! The API of the running program: who may ask what, and what comes back.
//!
//! Here is what its tests share; one file a topic.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;

mod decisions;
mod records;
mod requests;
mod runs;
mod tokens;

pub(crate) const WORKERS: &str = "/api/v1/tenants/acme/workers";
pub(crate) const RUNS: &str = "/api/v1/tenants/acme/runs";
pub(crate) const BATCH: &str = "/api/v1/tenants/acme/jobs/batch/runs";
pub(crate) const EVALUATION: &str = "/tenants/acme/access/v1/evaluation";
pub(crate) const EVALUATIONS: &str = "/tenants/acme/access/v1/evaluations";

/// The program, serving.
pub(crate) struct Api {
    pub(crate) stage: Stage,
    pub(crate) client: reqwest::Client,
    pub(crate) url: String,
    pub(crate) read: String,
    pub(crate) operate: String,
    pub(crate) serving: Serving,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What is the same of every problem.
    pub(crate) fn problem(self, status: u16) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{self:?}");
        assert_eq!((&self.body["status"], &self.body["type"]), (&json!(status), &json!("about:blank")));
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{self:?}");
        self.body
    }

    pub(crate) fn detail(self, status: u16) -> String {
        self.problem(status)["detail"].as_str().unwrap().to_owned()
    }

    pub(crate) fn good(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.body
    }
}

impl Api {
    pub(crate) async fn of(stage: Stage) -> Self {
        let serving = Serving::start(&stage).await.unwrap();
        let client = reqwest::Client::new();
        let (read, operate) = (token(&stage, "acme", "read").await, token(&stage, "acme", "operate").await);
        Self { stage, client, url: serving.url().to_owned(), read, operate, serving }
    }

    pub(crate) async fn after_a_batch() -> Self {
        let stage = demo().await.unwrap();
        stage.batch().await.unwrap();
        Self::of(stage).await
    }

    /// Asks the program to end.
    pub(crate) async fn terminate(&mut self) -> bool {
        let id = self.serving.child.id().unwrap().to_string();
        tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).timeout(Duration::from_secs(60))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(&self.read)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(&self.operate);
        send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// The run, once it has ended.
    pub(crate) async fn ended(&self, location: &str) -> Value {
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

pub(crate) async fn token(stage: &Stage, tenant: &str, scope: &str) -> String {
    let ended = stage.run(&["token", "create", tenant, "--scope", scope]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended.out.trim().to_owned()
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

pub(crate) fn evaluation(user: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": user, "properties": { "department": "Sales" } },
        "action": { "name": "open" },
        "resource": { "type": "app", "id": "people" },
        "context": { "time": "2026-03-01T05:45:00Z" }
    })
}

pub(crate) fn users(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["user"].as_str().unwrap()).collect()
}

/// The same tenant once more, under another name.
pub(crate) fn add_tenant(stage: &Stage, name: &str) {
    let (host, tenant) = stage.parts().unwrap();
    let other = tenant.replace("[tenants.acme", &format!("[tenants.{name}"));
    std::fs::write(stage.config(), format!("{host}{tenant}\n{other}")).unwrap();
}

/// A tenant with the probe as its pack, from `probe.wasm` in the stage's folder.
pub(crate) fn add_probe(stage: &Stage) {
    let (ukg, credentials) = (stage.ukg.url(), stage.ukg.credentials());
    let mut text = std::fs::read_to_string(stage.config()).unwrap();
    text.push_str("\n[tenants.probe]\nenvironment = \"TEST\"\ncomponent = \"probe.wasm\"\n");
    for name in ["main", "refused"] {
        text.push_str(&format!(
            "[tenants.probe.connections.{name}]\nurl = \"{ukg}\"\nclient-id = \"{}\"\nclient-secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n",
            credentials.client_id, credentials.client_secret, credentials.user_name, credentials.password
        ));
    }
    std::fs::write(stage.config(), text).unwrap();
}
