//! The configuration, read again while the program serves.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shift_access::{Changes, Site, SiteError};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;

const BOTH: &str = "user-groups = \"Store 12 Hourly, Store 14 Hourly\"";

/// The program, serving, and who asks it.
struct Program {
    stage: Stage,
    serving: Serving,
    client: reqwest::Client,
}

impl Program {
    async fn start(stage: Stage) -> Self {
        let serving = Serving::start(&stage).await.unwrap();
        Self { stage, serving, client: reqwest::Client::new() }
    }

    async fn token(&self, tenant: &str) -> String {
        self.stage.run(&["token", "create", tenant, "--scope", "operate"]).await.unwrap().out.trim().to_owned()
    }

    /// Has it read its configuration again, and gives what it says of that.
    async fn reload(&self) -> String {
        let passed = self.serving.said().len();
        self.serving.signal("HUP").await.unwrap();
        self.serving.says("the configuration was read again", passed).await.unwrap()
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let url = format!("{}/api/v1/tenants/{path}", self.serving.url());
        let answer = self.client.get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), json_of(answer).await)
    }

    /// Whether somebody on a break is let in.
    async fn lets_in_on_break(&self, token: &str) -> bool {
        let url = format!("{}/tenants/acme/access/v1/evaluation", self.serving.url());
        let entity = |kind: &str, id: &str| json!({ "type": kind, "id": id });
        let asked = json!({ "subject": entity("user", "jweber"), "action": { "name": "open" }, "resource": entity("app", "people") });
        let answer = self.client.post(url).bearer_auth(token).header("content-type", "application/json");
        let answer = answer.body(asked.to_string()).send().await.unwrap();
        json_of(answer).await["decision"].as_bool().unwrap()
    }

    async fn begin(&self, token: &str) -> String {
        let url = format!("{}/api/v1/tenants/acme/jobs/batch/runs", self.serving.url());
        let begun = self.client.post(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(begun.status().as_u16(), 202);
        json_of(begun).await["run"].as_str().unwrap().to_owned()
    }

    /// The run, once it has ended.
    async fn ended(&self, token: &str, run: &str) -> Value {
        for _ in 0..600 {
            let (_, run) = self.get(token, &format!("acme/runs/{run}")).await;
            if run["status"] != "INPROCESS" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{run} does not end");
    }
}

async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The tenants of the stage under these names, and nothing but them.
fn write(stage: &Stage, names: &[&str]) {
    stage.configure(BOTH).unwrap();
    let (host, tenant) = stage.parts().unwrap();
    let tenants: Vec<_> = names.iter().map(|name| tenant.replace("[tenants.acme", &format!("[tenants.{name}"))).collect();
    fs::write(stage.config(), format!("{host}{}", tenants.join("\n"))).unwrap();
}

async fn open(stage: &Stage) -> Site {
    Site::open(&stage.config(), &|_| None, Some(shift_access_tests::cache())).await.0.unwrap()
}

async fn reload(site: &Site, stage: &Stage) -> Result<Changes, SiteError> {
    site.reload(&stage.config(), &|_| None).await.0
}

#[tokio::test]
async fn what_is_changed_holds_from_then_on() {
    let stage = demo().await.unwrap();
    stage.configure(BOTH).unwrap();
    stage.batch().await.unwrap();
    let program = Program::start(stage).await;
    let token = program.token("acme").await;
    assert!(program.lets_in_on_break(&token).await);
    program.stage.configure(&format!("{BOTH}\non-break = \"deny\"")).unwrap();
    assert!(program.lets_in_on_break(&token).await, "nobody has asked for it to be read yet");
    let said = program.reload().await;
    assert!(said.contains("INFO") && said.contains("changed: acme"), "{said}");
    assert!(!program.lets_in_on_break(&token).await);
    let said = program.reload().await;
    assert!(said.contains("no tenant changed"), "{said}");
}

#[tokio::test]
async fn a_configuration_with_errors_changes_nothing_and_every_error_is_told_as_check_tells_it() {
    let stage = demo().await.unwrap();
    stage.configure(BOTH).unwrap();
    stage.batch().await.unwrap();
    let program = Program::start(stage).await;
    let token = program.token("acme").await;
    program.stage.configure("on-break = \"perhaps\"\nmax-shift-hours = 99\nmax-shift-hour = 3").unwrap();
    let said = program.reload().await;
    assert!(said.contains("ERROR") && said.contains("is not taken over; the one before stays in force"), "{said}");
    let checked = program.stage.run(&["check"]).await.unwrap();
    assert_eq!(checked.code, Some(64));
    let everything = program.serving.said().join("\n");
    let errors: Vec<_> = checked.out.lines().filter(|line| line.starts_with("error")).collect();
    assert!(errors.len() >= 3, "{}", checked.out);
    for error in errors {
        assert!(everything.contains(error), "{error}\n\n{everything}");
    }
    assert!(program.lets_in_on_break(&token).await);

    fs::write(program.stage.config(), "[host\n").unwrap();
    assert!(program.reload().await.contains("is not taken over"));
    fs::remove_file(program.stage.config()).unwrap();
    assert!(program.reload().await.contains("is not taken over"));
    assert!(program.lets_in_on_break(&token).await, "it still serves what it knew");
    program.stage.configure(&format!("{BOTH}\non-break = \"deny\"")).unwrap();
    assert!(program.reload().await.contains("changed: acme"));
    assert!(!program.lets_in_on_break(&token).await);
}

#[tokio::test]
async fn a_tenant_that_is_taken_out_is_not_found_and_finds_its_data_when_it_comes_back() {
    let stage = demo().await.unwrap();
    write(&stage, &["acme", "other"]);
    stage.batch().await.unwrap();
    let program = Program::start(stage).await;
    let token = program.token("acme").await;
    assert_eq!(program.get(&token, "acme/workers/adiaz").await.0, 200);
    write(&program.stage, &["other", "third"]);
    let said = program.reload().await;
    assert!(said.contains("added: third; removed: acme"), "{said}");
    let (status, answer) = program.get(&token, "acme/workers/adiaz").await;
    assert_eq!((status, &answer["status"]), (404, &json!(404)), "{answer}");
    let third = program.token("third").await;
    assert_eq!(program.get(&third, "third/workers").await.0, 200);
    let ready = json_of(reqwest::get(format!("{}/readyz", program.serving.url())).await.unwrap()).await;
    let scheduled: Vec<_> = ready["jobs"].as_array().unwrap().iter().map(|job| job["tenant"].as_str().unwrap()).collect();
    assert_eq!(scheduled, ["other", "third"]);
    write(&program.stage, &["acme", "other", "third"]);
    assert!(program.reload().await.contains("added: acme"));
    assert_eq!(program.get(&token, "acme/workers/adiaz").await.0, 200);
}

#[tokio::test]
async fn a_run_under_way_ends_with_what_it_began_with() {
    let stage = demo().await.unwrap();
    stage.configure(BOTH).unwrap();
    let whole = stage.batch().await.unwrap()["counts"]["members"].as_u64().unwrap();
    let program = Program::start(stage).await;
    let token = program.token("acme").await;
    program.stage.ukg.set_latency(Duration::from_millis(1_500));
    program.stage.access.set_latency(Duration::from_millis(300));
    let run = program.begin(&token).await;
    program.stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    assert!(program.reload().await.contains("changed: acme"));
    let (_, now) = program.get(&token, &format!("acme/runs/{run}")).await;
    assert_eq!(now["status"], "INPROCESS", "it was not ended");
    program.stage.ukg.set_latency(Duration::ZERO);
    program.stage.access.set_latency(Duration::ZERO);
    assert_eq!(program.ended(&token, &run).await["counts"]["members"], whole);
    let next = program.begin(&token).await;
    let fewer = program.ended(&token, &next).await["counts"]["members"].as_u64().unwrap();
    assert!(fewer < whole, "{fewer} of {whole}");
}

#[tokio::test]
async fn who_did_not_change_keeps_its_connections_wherever_in_the_file_it_stands() {
    let stage = demo().await.unwrap();
    write(&stage, &["acme", "other"]);
    let site = open(&stage).await;
    let (acme, other) = (site.tenant("acme").unwrap(), site.tenant("other").unwrap());
    write(&stage, &["other", "acme"]);
    let text = fs::read_to_string(stage.config()).unwrap();
    let changed = text.replacen("[tenants.other.properties]", "[tenants.other.properties]\non-break = \"deny\"", 1);
    fs::write(stage.config(), format!("# a line more\n{changed}")).unwrap();
    let changes = reload(&site, &stage).await.unwrap();
    assert_eq!(changes, Changes { changed: vec!["other".to_owned()], ..Changes::default() });
    assert!(Arc::ptr_eq(&site.tenant("acme").unwrap().http, &acme.http), "it stays logged in");
    assert!(!Arc::ptr_eq(&site.tenant("other").unwrap().http, &other.http));
}

#[tokio::test]
async fn a_limit_of_the_host_changes_the_tenants_that_have_none_of_their_own() {
    let stage = demo().await.unwrap();
    write(&stage, &["acme", "other"]);
    stage.configure_more("[tenants.other.limits]\nkeys = 500").unwrap();
    let site = open(&stage).await;
    stage.configure_more("[host.limits]\nkeys = 400").unwrap();
    let changes = reload(&site, &stage).await.unwrap();
    assert_eq!(changes, Changes { changed: vec!["acme".to_owned()], ..Changes::default() });
    assert_eq!(["acme", "other"].map(|name| site.tenant(name).unwrap().limits.keys), [400, 500]);
}

#[tokio::test]
async fn a_secret_that_was_renewed_and_a_component_that_was_exchanged_are_changes() {
    let stage = demo().await.unwrap();
    stage.configure(BOTH).unwrap();
    let site = open(&stage).await;
    assert_eq!(reload(&site, &stage).await.unwrap(), Changes::default());
    fs::write(stage.folder().join("secrets/kronos-password"), "another-password").unwrap();
    let changed = Changes { changed: vec!["acme".to_owned()], ..Changes::default() };
    assert_eq!(reload(&site, &stage).await.unwrap(), changed);

    let text = fs::read_to_string(stage.config()).unwrap();
    let text = text.replace("environment = \"TEST\"", "environment = \"TEST\"\ncomponent = \"pack.wasm\"");
    fs::write(stage.config(), text).unwrap();
    let pack = stage.folder().join("pack.wasm");
    fs::write(&pack, "no component").unwrap();
    assert!(matches!(reload(&site, &stage).await, Err(SiteError::Configuration)));
    assert_eq!(reload(&site, &stage).await.unwrap_err().to_string(), "the configuration has errors");
}

#[tokio::test]
async fn what_only_a_restart_can_change_is_refused_with_all_that_stands_beside_it() {
    let stage = demo().await.unwrap();
    stage.configure(BOTH).unwrap();
    let site = open(&stage).await;
    let text = fs::read_to_string(stage.config()).unwrap();
    let (host, tenant) = stage.parts().unwrap();
    let listens = text.replace("127.0.0.1:0", "127.0.0.1:8480");
    let stores = text.replace("sqlite://shift-access.db", "sqlite://other.db");
    let mails = host.split_once("[smtp]").unwrap().0.to_owned() + &tenant;
    for (written, said) in [
        (listens.clone(), "restart the host to change host.listen"),
        (stores, "restart the host to change host.storage"),
        (text.replace("[smtp]", "proxy = \"environment\"\n[smtp]"), "restart the host to change host.proxy"),
        (mails, "restart the host to change whether there is a table smtp"),
    ] {
        let written = written.replace("[tenants.acme.properties]", "[tenants.acme.properties]\non-break = \"deny\"");
        fs::write(stage.config(), written).unwrap();
        assert_eq!(reload(&site, &stage).await.unwrap_err().to_string(), said);
    }
    fs::write(stage.config(), text).unwrap();
    assert_eq!(reload(&site, &stage).await.unwrap(), Changes::default(), "nothing of it was taken over");
}

#[tokio::test]
async fn mail_goes_by_the_server_that_stands_in_the_file_now() {
    let stage = demo().await.unwrap();
    let text = fs::read_to_string(stage.config()).unwrap();
    let port = format!("port = {}", stage.inbox.port());
    fs::write(stage.config(), text.replace(&port, "port = 1")).unwrap();
    let site = open(&stage).await;
    let failed = |site: &Site| site.tenant("acme").unwrap();
    stage.ukg.faults().add(shift_access_tests::fault::Fault::everywhere().status(500));
    fs::write(stage.config(), text).unwrap();
    assert_eq!(reload(&site, &stage).await.unwrap(), Changes::default());
    let tenant = failed(&site);
    let order = shift_access::Order::new(&tenant, "batch", shift_access::history::Trigger::Schedule).unwrap();
    site.host().run(&tenant, order, Default::default(), Default::default()).await.unwrap();
    assert!(site.host().send_alerts().await.unwrap());
    assert_eq!(stage.inbox.wait_for(1).await.unwrap().len(), 1);
}
