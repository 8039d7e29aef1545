//! Tenants that are moved to another component while they are asked, and brought events.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use shift_access::plugin::BUILT_IN;
use shift_access::store::{Entry, Scan, Space, SqliteStore, Store};
use shift_access_tests::PROBE;
use shift_access_tests::hook::{Sender, dealt_with, event, listener};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;

const GROUPS: &str = "user-groups = \"Store 12 Hourly, Store 14 Hourly\"\nalert-email = \"ops@acme.example\"";

/// Two builds of one component.
const BUILDS: [&str; 2] = ["first.wasm", "second.wasm"];

/// The same component under another digest: with a section that nobody reads.
fn another(component: &[u8], build: u8) -> Vec<u8> {
    // A custom section of 6 bytes: the length of its name, its name, and what is in it.
    [component, &[0, 6, 4], b"mark", &[build]].concat()
}

/// A stage that is served, whose only tenant is acme with a listener.
struct Served {
    stage: Stage,
    serving: Serving,
    client: reqwest::Client,
    token: String,
}

impl Served {
    async fn start() -> Self {
        let stage = demo().await.unwrap();
        stage.configure(GROUPS).unwrap();
        stage.configure_more(&listener()).unwrap();
        assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
        let token = stage.run(&["token", "create", "acme", "--scope", "operate"]).await.unwrap().out.trim().to_owned();
        let serving = Serving::start(&stage).await.unwrap();
        Self { stage, serving, client: reqwest::Client::new(), token }
    }

    /// Names this component in the configuration.
    fn name(&self, file: &str) {
        self.stage.configure(GROUPS).unwrap();
        let text = std::fs::read_to_string(self.stage.config()).unwrap();
        let named = text.replace("environment = \"TEST\"\n", &format!("environment = \"TEST\"\ncomponent = \"{file}\"\n"));
        std::fs::write(self.stage.config(), named).unwrap();
        self.stage.configure_more(&listener()).unwrap();
    }

    /// Makes the tenant one of the probe, whose jobs are not those of the pack that was there before.
    fn become_probe(&self, component: &[u8], more: &str) {
        std::fs::write(self.file("probe.wasm"), component).unwrap();
        let (host, _) = self.stage.parts().unwrap();
        let (ukg, credentials) = (self.stage.ukg.url(), self.stage.ukg.credentials());
        let connection = |name: &str| {
            format!(
                "[tenants.acme.connections.{name}]\nurl = \"{ukg}\"\nclient-id = \"{}\"\nclient-secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n",
                credentials.client_id, credentials.client_secret, credentials.user_name, credentials.password
            )
        };
        let tenant = "[tenants.acme]\nenvironment = \"TEST\"\ncomponent = \"probe.wasm\"\n";
        let written = [&host, tenant, &connection("main"), &connection("refused"), more, "\n"].concat();
        std::fs::write(self.stage.config(), written).unwrap();
        self.stage.configure_more(&listener()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.stage.folder().join(name)
    }

    async fn reload(&self) -> String {
        let passed = self.serving.said().len();
        self.serving.signal("HUP").await.unwrap();
        self.serving.says("the configuration was read again", passed).await.unwrap()
    }

    async fn decides(&self, user: &str) -> (u16, Value) {
        decides(&self.client, self.serving.url(), &self.token, user).await
    }

    /// Everything that the plugin stored.
    async fn stored(&self) -> Vec<Entry> {
        let store = SqliteStore::open(self.stage.store()).unwrap();
        store.scan(&Space::plugin("acme"), &Scan::new("", 2_000)).await.unwrap().entries
    }

    async fn stands(&self) -> Value {
        self.stage.run(&["tenant", "list", "--json"]).await.unwrap().json().unwrap()
    }

    /// The runs of the history that are about upgrades, newest first.
    async fn upgrades(&self) -> Vec<Value> {
        self.stage.run(&["history", "acme", "--job", "upgrade", "--json"]).await.unwrap().json_lines().unwrap()
    }
}

async fn decides(client: &reqwest::Client, url: &str, token: &str, user: &str) -> (u16, Value) {
    let entity = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let asked = json!({ "subject": entity("user", user), "action": { "name": "open" }, "resource": entity("app", "people") });
    let post = client.post(format!("{url}/tenants/acme/access/v1/evaluation")).bearer_auth(token);
    let answer = post.header("content-type", "application/json").body(asked.to_string()).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn an_upgrade_under_load_loses_no_event_and_answers_nobody_with_an_error() {
    let mut served = Served::start().await;
    for (build, name) in (0..).zip(BUILDS) {
        // Compiled before the load begins.
        std::fs::write(served.file(name), another(BUILT_IN, build)).unwrap();
        served.name(name);
        assert_eq!(served.stage.run(&["check"]).await.unwrap().code, Some(0));
    }
    let (stop, asked, posted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let askers: Vec<_> = (0..2)
        .map(|_| {
            let (client, url, token) = (served.client.clone(), served.serving.url().to_owned(), served.token.clone());
            let (stop, asked) = (stop.clone(), asked.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let (status, answer) = decides(&client, &url, &token, "adiaz").await;
                    assert!(status == 200 && answer["decision"].is_boolean(), "{status} {answer}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let poster = {
        let (sender, url, stop, posted) = (Sender::new().unwrap(), served.serving.url().to_owned(), stop.clone(), posted.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let id = posted.fetch_add(1, Ordering::Relaxed);
                sender.deliver(&url, &event(&format!("event-{id}"), "100007", chrono::Utc::now(), Some("in"))).await.unwrap();
            }
        })
    };
    for name in [BUILDS[0], BUILDS[1], BUILDS[0], BUILDS[1]] {
        let before = asked.load(Ordering::Relaxed);
        served.name(name);
        let said = served.reload().await;
        assert!(said.contains("changed: acme"), "{said}\n{}", served.serving.said().join("\n"));
        let more = async {
            while asked.load(Ordering::Relaxed) < before + 20 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), more).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for task in askers.into_iter().chain([poster]) {
        task.await.unwrap();
    }
    dealt_with(served.serving.url(), Duration::from_secs(120)).await.unwrap();
    served.serving.signal("TERM").await.unwrap();
    served.serving.child.wait().await.unwrap();
    let runs = served.stage.run(&["history", "acme", "--job", "listener", "--json", "--limit", "100"]).await.unwrap();
    let sum = |name: &str| runs.json_lines().unwrap().iter().map(|run| run["counts"][name].as_u64().unwrap()).sum::<u64>();
    let posted = posted.load(Ordering::Relaxed);
    assert_eq!((sum("events"), sum("done")), (posted, posted), "each was dealt with once");
    let letters = served.stage.run(&["dead-letters", "acme", "--json"]).await.unwrap();
    assert_eq!(letters.out, "");
    let ended: Vec<_> = served.upgrades().await.into_iter().filter(|run| run["status"] != "COMPLETE").collect();
    assert!(ended.is_empty(), "none went back: {ended:?}");
    let dry: Vec<_> = served.stage.run(&["history", "acme", "--job", "batch", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(dry.len(), 1, "a dry run is no run: {dry:?}");
}

#[tokio::test]
async fn a_component_that_fails_on_trial_goes_back_by_itself_and_nobody_is_answered_with_an_error() {
    let mut served = Served::start().await;
    served.become_probe(PROBE, "");
    let passed = served.serving.said().len();
    assert!(served.reload().await.contains("changed: acme"));
    let (_, answer) = served.decides("adiaz").await;
    assert!(answer.to_string().contains("call 1"), "the new one answers: {answer}");
    let (status, answer) = served.decides("trap").await;
    assert_eq!(status, 200, "the one before answers: {answer}");
    let said = served.serving.says("the component is no good", passed).await.unwrap();
    assert!(said.contains("ERROR") && said.contains("on trial"), "{said}");
    let (_, answer) = served.decides("adiaz").await;
    assert!(!answer.to_string().contains("call "), "the one before answers: {answer}");
    assert_eq!(served.stage.inbox.wait_for(1).await.unwrap().len(), 1, "somebody is told");
    let upgrades = served.upgrades().await;
    assert_eq!((upgrades.len(), &upgrades[0]["status"]), (1, &json!("ERROR")), "{upgrades:?}");
    assert!(upgrades[0]["failure"]["message"].as_str().unwrap().contains("on trial"), "{upgrades:?}");

    let passed = served.serving.said().len();
    assert!(served.reload().await.contains("kept as before: acme"));
    assert!(served.serving.says("this component was tried", passed).await.unwrap().contains("stays with the one before"));
    served.serving.signal("TERM").await.unwrap();
    served.serving.child.wait().await.unwrap();
    served.serving = Serving::start(&served.stage).await.unwrap();
    let said = served.serving.says("this component was tried", 0).await.unwrap();
    assert!(said.contains("the configuration names no other"), "{said}");
    let stands = served.stands().await;
    assert!(stands["unfit"].is_string() && stands["unfit"] == stands["component"], "{stands}");
    served.stage.run(&["tenant", "resume", "acme"]).await.unwrap();
    assert_eq!(served.stands().await["unfit"], Value::Null);
}

#[tokio::test]
async fn a_component_that_fails_when_it_runs_dry_never_answers_and_stores_nothing() {
    let served = Served::start().await;
    let schedule = |job: &str| format!("\n[[tenants.acme.schedules]]\njob = \"{job}\"\nevery-minutes = 1440\n");
    served.become_probe(PROBE, &(schedule("storage") + &schedule("trap")));
    let passed = served.serving.said().len();
    assert!(served.reload().await.contains("kept as before: acme"), "{}", served.serving.said().join("\n"));
    let said = served.serving.says("the component is no good", passed).await.unwrap();
    assert!(said.contains("trap run dry"), "{said}");
    let (status, answer) = served.decides("adiaz").await;
    assert!(status == 200 && !answer.to_string().contains("call "), "{answer}");
    let upgrades = served.upgrades().await;
    assert!(upgrades.len() == 1 && upgrades[0]["trigger"] == "manual", "{upgrades:?}");

    let stored = served.stored().await;
    served.become_probe(&another(PROBE, 1), &schedule("storage"));
    assert!(served.reload().await.contains("changed: acme"), "{}", served.serving.said().join("\n"));
    assert_eq!(served.stored().await, stored);
    assert_eq!(served.upgrades().await.len(), 1);
}
