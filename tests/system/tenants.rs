//! Tenants that are paused, resumed, removed and brought back by a command, while a program serves them and others.

mod apart;

use std::time::Duration;

use serde_json::{Value, json};
use shift_access_tests::hook::{HOOK_SECRET, event, listener, signature};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Ended, Stage};

use crate::demo;

/// A stage with the tenants acme and other, which differ in their names only, served.
struct Two {
    stage: Stage,
    serving: Serving,
    client: reqwest::Client,
}

impl Two {
    async fn start() -> Self {
        let stage = demo().await.unwrap();
        configure(&stage, &["acme", "other"]);
        for tenant in ["acme", "other"] {
            assert_eq!(stage.run(&["run", tenant, "batch"]).await.unwrap().code, Some(0));
        }
        let serving = Serving::start(&stage).await.unwrap();
        Self { stage, serving, client: reqwest::Client::new() }
    }

    /// Runs `tenant …`, which must end well, and waits until the program that serves has said this.
    async fn tenant(&self, args: &[&str], said: &str) -> Ended {
        let passed = self.serving.said().len();
        let ended = self.stage.run(&[&["tenant"], args].concat()).await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        self.serving.says(said, passed).await.unwrap();
        ended
    }

    async fn token(&self, tenant: &str) -> String {
        self.stage.run(&["token", "create", tenant, "--scope", "operate"]).await.unwrap().out.trim().to_owned()
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let answer = self.client.get(format!("{}{path}", self.serving.url())).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn delete(&self, token: &str, path: &str) -> u16 {
        self.client.delete(format!("{}{path}", self.serving.url())).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.client.post(format!("{}{path}", self.serving.url())).bearer_auth(token);
        let answer = answer.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn decides(&self, token: &str, tenant: &str) -> u16 {
        let asked = json!({ "subject": { "type": "user", "id": "adiaz" }, "action": { "name": "open" }, "resource": { "type": "app", "id": "people" } });
        self.post(token, &format!("/tenants/{tenant}/access/v1/evaluation"), asked).await.0
    }

    async fn hook(&self, tenant: &str, id: &str) -> u16 {
        self.hook_with(tenant, &event(id, "100007", chrono::Utc::now(), Some("in"))).await
    }

    async fn hook_with(&self, tenant: &str, body: &Value) -> u16 {
        let body = body.to_string();
        let post = self.client.post(format!("{}/hooks/{tenant}", self.serving.url()));
        let post = post.header("X-Signature", signature(body.as_bytes())).body(body);
        post.send().await.unwrap().status().as_u16()
    }

    async fn waiting(&self, tenant: &str) -> u64 {
        let metrics = self.client.get(format!("{}/metrics", self.serving.url())).send().await.unwrap().text().await.unwrap();
        let name = format!("shift_access_inbox_waiting_events{{tenant=\"{tenant}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    }

    async fn nothing_waits(&self, tenant: &str) {
        for _ in 0..400 {
            if self.waiting(tenant).await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("events are still waiting for {tenant}");
    }

    /// How a tenant stands, as the list tells it.
    async fn stands(&self, tenant: &str) -> Value {
        let listed = self.stage.run(&["tenant", "list", "--json"]).await.unwrap().json_lines().unwrap();
        listed.into_iter().find(|status| status["tenant"] == tenant).unwrap_or(Value::Null)
    }
}

/// Writes a configuration with these tenants, each with a listener.
fn configure(stage: &Stage, names: &[&str]) {
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"").unwrap();
    stage.configure_more(&listener()).unwrap();
    let (host, tenant) = stage.parts().unwrap();
    assert!(tenant.contains(HOOK_SECRET));
    let tenants: Vec<_> = names.iter().map(|name| tenant.replace("[tenants.acme", &format!("[tenants.{name}"))).collect();
    std::fs::write(stage.config(), format!("{host}{}", tenants.join("\n"))).unwrap();
}

const BATCH: &str = "/api/v1/tenants/acme/jobs/batch/runs";

#[tokio::test]
async fn a_paused_tenant_rests_and_loses_no_event_and_the_other_goes_on() {
    let two = Two::start().await;
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    two.tenant(&["pause", "acme"], "the tenant is paused").await;
    assert_eq!(two.stands("acme").await["state"], "paused");
    assert_eq!(two.stands("other").await["state"], "serving");

    let (status, problem) = two.post(&acme, BATCH, json!({})).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("tenant resume acme"), "{problem}");
    assert_eq!(two.get(&acme, "/api/v1/tenants/acme/workers/adiaz?refresh=true").await.0, 409);
    let run = two.stage.run(&["run", "acme", "batch"]).await.unwrap();
    assert!(run.code == Some(1) && run.err.contains("the tenant acme is paused"), "{}", run.err);
    let refreshed = two.stage.run(&["worker", "acme", "adiaz", "--refresh"]).await.unwrap();
    assert!(refreshed.code == Some(1) && refreshed.err.contains("is paused"), "{}", refreshed.err);
    assert_eq!(two.get(&acme, "/api/v1/tenants/acme/workers/adiaz").await.0, 200, "what is stored answers");
    assert_eq!(two.decides(&acme, "acme").await, 200);

    assert_eq!((two.hook("acme", "one").await, two.hook("other", "one").await), (202, 202));
    two.nothing_waits("other").await;
    assert_eq!(two.waiting("acme").await, 1, "it is stored and not brought");
    assert_eq!(two.post(&other, "/api/v1/tenants/other/jobs/batch/runs", json!({})).await.0, 202);

    two.tenant(&["resume", "acme"], "the tenant is served again").await;
    two.nothing_waits("acme").await;
    assert_eq!(two.post(&acme, BATCH, json!({})).await.0, 202);
    assert_eq!(two.stands("acme").await["state"], "serving");
}

#[tokio::test]
async fn a_pause_outlives_a_restart() {
    let mut two = Two::start().await;
    let acme = two.token("acme").await;
    two.tenant(&["pause", "acme"], "the tenant is paused").await;
    two.serving.signal("TERM").await.unwrap();
    two.serving.child.wait().await.unwrap();
    two.serving = Serving::start(&two.stage).await.unwrap();
    assert!(two.serving.says("the tenant is paused", 0).await.unwrap().contains("acme"));
    assert_eq!(two.post(&acme, BATCH, json!({})).await.0, 409);
}

#[tokio::test]
async fn a_removed_tenant_is_unknown_at_once_and_comes_back_with_its_data() {
    let two = Two::start().await;
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    let removed = two.tenant(&["remove", "acme"], "the tenant is removed").await;
    assert!(removed.err.contains("deleted after"), "{}", removed.err);
    for path in ["/api/v1/tenants/acme/workers", "/api/v1/tenants/acme/runs", "/api/v1/tenants/acme/dead-letters"] {
        assert_eq!(two.get(&acme, path).await.0, 404, "{path}");
    }
    assert_eq!((two.decides(&acme, "acme").await, two.hook("acme", "one").await), (404, 404));
    assert_eq!(two.post(&acme, BATCH, json!({})).await.0, 404);
    let run = two.stage.run(&["run", "acme", "batch"]).await.unwrap();
    assert!(run.code == Some(64) && run.err.contains("tenant restore acme"), "{}", run.err);
    assert_eq!((two.decides(&other, "other").await, two.hook("other", "one").await), (200, 202));
    let stands = two.stands("acme").await;
    assert!(stands["state"] == "removed" && stands["delete_after"].is_string(), "{stands}");

    two.tenant(&["restore", "acme"], "the tenant is served again").await;
    assert_eq!(two.get(&acme, "/api/v1/tenants/acme/workers/adiaz").await.0, 200);
    assert_eq!((two.decides(&acme, "acme").await, two.hook("acme", "one").await), (200, 202));
}

#[tokio::test]
async fn what_is_removed_now_is_gone_also_when_it_left_the_configuration_before() {
    let two = Two::start().await;
    let (acme, other) = (two.token("acme").await, two.token("other").await);
    configure(&two.stage, &["other"]);
    let passed = two.serving.said().len();
    two.serving.signal("HUP").await.unwrap();
    two.serving.says("removed: acme", passed).await.unwrap();
    let removed = two.stage.run(&["tenant", "remove", "acme", "--now"]).await.unwrap();
    assert_eq!(removed.code, Some(0), "{}", removed.err);
    assert_eq!(two.stands("acme").await["state"], "deleted");
    let nobody = two.stage.run(&["tenant", "remove", "nobody"]).await.unwrap();
    assert!(nobody.code == Some(64) && nobody.err.contains("nothing is stored of it"), "{}", nobody.err);

    configure(&two.stage, &["acme", "other"]);
    let restored = two.stage.run(&["tenant", "restore", "acme"]).await.unwrap();
    assert!(restored.err.contains("begins anew"), "{}", restored.err);
    let passed = two.serving.said().len();
    two.serving.signal("HUP").await.unwrap();
    two.serving.says("added: acme", passed).await.unwrap();
    assert_eq!(two.get(&acme, "/api/v1/tenants/acme/workers").await.0, 401, "its tokens are gone");
    let anew = two.token("acme").await;
    // The program that serves looks every two seconds how its tenants stand.
    let served = async {
        loop {
            match two.get(&anew, "/api/v1/tenants/acme/workers").await {
                (200, workers) => break workers,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let workers = tokio::time::timeout(Duration::from_secs(20), served).await.unwrap();
    assert_eq!(workers["items"], json!([]));
    assert_eq!(two.get(&other, "/api/v1/tenants/other/workers/adiaz").await.0, 200);
}
