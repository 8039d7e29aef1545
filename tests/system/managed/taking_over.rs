//! A program that serves takes a change over by itself, a component of no use excepted.

use std::fs;

use serde_json::Value;
use shift_access_tests::PROBE;
use shift_access_tests::serving::Serving;

use super::{GROUPS, Shelf};

#[tokio::test]
async fn a_change_is_taken_over_by_a_server_and_the_other_tenant_notices_nothing() {
    let shelf = Shelf::with_acme().await;
    shelf.write("other.toml", &shelf.read("acme.toml").replace("[tenants.acme", "[tenants.other"));
    assert_eq!(shelf.run(&["apply", &shelf.path("other.toml")]).await.code, Some(0));
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let ready = async || -> Value {
        let text = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let next = |ready: &Value, tenant: &str| {
        let jobs = ready["jobs"].as_array().unwrap();
        jobs.iter().find(|job| job["tenant"] == tenant).unwrap_or_else(|| panic!("{ready}"))["next_seconds"].as_i64().unwrap()
    };
    let before = ready().await;
    let passed = serving.said().len();
    let applied = shelf.apply(GROUPS, &format!("{GROUPS}\ninterval-minutes = 5")).await;
    assert!(
        applied.out.starts_with("acme: changed, version 2\n  properties.interval-minutes: 5, new\n"),
        "{} {}",
        applied.out,
        applied.err
    );
    let said = serving.says("tenants kept in the store: ", passed).await.unwrap();
    assert!(said.ends_with("changed: acme"), "{said}");
    let after = ready().await;
    assert!(next(&after, "acme") <= 300, "{before} {after}");
    assert!(next(&after, "other") <= next(&before, "other"), "{before} {after}");

    // One that comes while it serves, and one that goes.
    let passed = serving.said().len();
    shelf.write("third.toml", &shelf.read("acme.toml").replace("[tenants.acme", "[tenants.third"));
    assert_eq!(shelf.run(&["apply", &shelf.path("third.toml")]).await.code, Some(0));
    serving.says("tenants kept in the store: added: third", passed).await.unwrap();
    let passed = serving.said().len();
    assert_eq!(shelf.run(&["tenant", "forget", "third"]).await.code, Some(0));
    serving.says("tenants kept in the store: removed: third", passed).await.unwrap();

    // What is read of the file again leaves those of the store alone.
    let passed = serving.said().len();
    serving.signal("HUP").await.unwrap();
    assert!(serving.says("the configuration was read again", passed).await.unwrap().contains("no tenant changed"));
    assert!(next(&ready().await, "other") <= next(&before, "other"));
    shelf.none_in(&serving.said().join("\n"));
}

#[tokio::test]
async fn a_component_that_is_no_good_is_not_taken_over() {
    let shelf = Shelf::with_acme().await;
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    // The very pack under another digest is good, and on trial.
    fs::write(shelf.stage.folder().join("again.wasm"), [shift_access::plugin::BUILT_IN, &[0, 6, 4], b"mark", &[1]].concat()).unwrap();
    let applied = shelf.apply("environment = \"TEST\"", "environment = \"TEST\"\ncomponent = \"again.wasm\"").await;
    assert_eq!(applied.code, Some(0), "{}", applied.err);
    serving.says("the component was tried dry, and is on trial", passed).await.unwrap();
    serving.says("tenants kept in the store: changed: acme", passed).await.unwrap();
    // And its file goes away: the version in force stays in force.
    let passed = serving.said().len();
    fs::remove_file(shelf.stage.folder().join("again.wasm")).unwrap();
    serving.signal("HUP").await.unwrap();
    let said = serving.says("the configuration was read again", passed).await.unwrap();
    assert!(said.contains("kept as before: acme"), "{said}");
    serving.says("tenant acme (kept in the store), component: ", passed).await.unwrap();
    let ready = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap().text().await.unwrap();
    assert!(ready.contains("\"tenant\":\"acme\""), "{ready}");
}

/// Applies a build of the probe as the tenant acme, with one job on a schedule.
async fn apply_probe(shelf: &Shelf, build: u8, job: &str) {
    let (ukg, credentials) = (shelf.stage.ukg.url(), shelf.stage.ukg.credentials());
    let connection = |name: &str| {
        format!(
            "[tenants.acme.connections.{name}]\nurl = \"{ukg}\"\nclient-id = \"{}\"\nclient-secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n",
            credentials.client_id, credentials.client_secret, credentials.user_name, credentials.password
        )
    };
    fs::write(shelf.stage.folder().join(format!("{build}.wasm")), [PROBE, &[0, 6, 4], b"mark", &[build]].concat()).unwrap();
    let schedule = format!("[[tenants.acme.schedules]]\njob = \"{job}\"\nevery-minutes = 1440\n");
    let tenant = format!("[tenants.acme]\nenvironment = \"TEST\"\ncomponent = \"{build}.wasm\"\n");
    shelf.write("probe.toml", &[&tenant, &*connection("main"), &connection("refused"), &schedule].concat());
    let applied = shelf.run(&["apply", &shelf.path("probe.toml")]).await;
    assert_eq!(applied.code, Some(0), "{} {}", applied.out, applied.err);
}

#[tokio::test]
async fn a_component_that_fails_when_it_runs_dry_stays_out_and_the_one_before_goes_on() {
    let shelf = Shelf::new().await;
    apply_probe(&shelf, 1, "storage").await;
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    apply_probe(&shelf, 2, "trap").await;
    serving.says("tenants kept in the store: kept as before: acme", passed).await.unwrap();
    assert!(serving.said().iter().any(|line| line.contains("the component is no good, and the one before goes on")));
    let passed = serving.said().len();
    apply_probe(&shelf, 3, "storage").await;
    serving.says("tenants kept in the store: changed: acme", passed).await.unwrap();
}

#[tokio::test]
async fn a_component_that_takes_its_time_when_it_is_tried_holds_up_no_other_tenant_and_is_forgotten_for_a_newer_one() {
    let shelf = Shelf::new().await;
    let other = shelf.read("acme.toml").replace("[tenants.acme", "[tenants.other");
    shelf.write("other.toml", &other);
    assert_eq!(shelf.run(&["apply", &shelf.path("other.toml")]).await.code, Some(0));
    apply_probe(&shelf, 1, "storage").await;
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    apply_probe(&shelf, 2, "loop").await;
    serving.says("another component is tried dry", passed).await.unwrap();
    let passed = serving.said().len();
    shelf.write("other.toml", &other.replace(GROUPS, &format!("{GROUPS}\ninterval-minutes = 5")));
    assert_eq!(shelf.run(&["apply", &shelf.path("other.toml")]).await.code, Some(0));
    let said = serving.says("tenants kept in the store: ", passed).await.unwrap();
    assert!(said.ends_with("changed: other"), "{said}");
    apply_probe(&shelf, 3, "storage").await;
    serving.says("tenants kept in the store: changed: acme", passed).await.unwrap();
    let failed = serving.said().into_iter().find(|line| line.contains("the component is no good"));
    assert_eq!(failed, None, "the trial was over");
}
