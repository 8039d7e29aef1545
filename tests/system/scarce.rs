//! The program when the system has no more to give: no room on the disk, no more sockets. It says so, and goes on when there
//! is some again.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use chrono::Utc;
use rlimit::{INFINITY, Resource};
use serde_json::Value;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::world::World;
use tokio::net::TcpStream;

use crate::{PROGRAM, demo};

fn limit(serving: &Serving, resource: Resource, soft: u64) {
    let id = i32::try_from(serving.child.id().unwrap()).unwrap();
    let mut hard = 0;
    rlimit::prlimit(id, resource, None, Some((&mut 0, &mut hard))).unwrap();
    rlimit::prlimit(id, resource, Some((soft.min(hard), hard)), None).unwrap();
}

async fn get(client: &reqwest::Client, serving: &Serving, path: &str) -> (u16, String) {
    let answer = client.get(format!("{}{path}", serving.url())).timeout(Duration::from_secs(30)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What `readyz` says is the trouble, once its status is this.
async fn ready(client: &reqwest::Client, serving: &Serving, wanted: u16) -> Value {
    let started = Instant::now();
    loop {
        let (status, text) = get(client, serving, "/readyz").await;
        if status == wanted {
            return serde_json::from_str::<Value>(&text).unwrap()["trouble"].clone();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{status}: {text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The program after this line of a shell.
async fn after(line: &str) -> Stage {
    let folder = tempfile::tempdir().unwrap().keep();
    let program = folder.join("program");
    std::fs::write(&program, format!("#!/bin/sh\n{line}\nexec {PROGRAM} \"$@\"\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Stage::kept(World::demo(Utc::now()), &folder, &program).await.unwrap()
}

#[tokio::test]
async fn a_program_whose_store_takes_no_writes_is_not_ready() {
    // It is told of files that may not grow, and not killed for it.
    let stage = after("trap '' XFSZ").await;
    let text = std::fs::read_to_string(stage.config()).unwrap();
    std::fs::write(stage.config(), text.replacen("[host]\n", "[host]\nlisten = \"127.0.0.1:0\"\n", 1)).unwrap();
    let (serving, client) = (Serving::start(&stage).await.unwrap(), reqwest::Client::new());
    assert_eq!(ready(&client, &serving, 200).await, Value::Null);
    limit(&serving, Resource::FSIZE, 0);
    let trouble = ready(&client, &serving, 503).await;
    assert!(trouble.as_str().unwrap().starts_with("the store takes no writes: "), "{trouble}");
    limit(&serving, Resource::FSIZE, INFINITY);
    assert_eq!(ready(&client, &serving, 200).await, Value::Null);
    std::fs::remove_dir_all(stage.folder()).unwrap();
}

#[tokio::test]
async fn where_there_is_no_room_for_a_pool_each_instance_asks_the_system_for_its_own() {
    // Enough for the memories of a few instances, and far from that of a thousand.
    let stage = after("ulimit -v 60000000").await;
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let ran = stage.run_logging(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert!(ran.code == Some(0) && ran.err.contains("no room for a pool of instances"), "{}", ran.err);
    assert_eq!(ran.json().unwrap()["failure"], Value::Null);
    std::fs::remove_dir_all(stage.folder()).unwrap();
}

#[tokio::test]
async fn a_program_that_has_no_more_sockets_serves_on() {
    let stage = demo().await.unwrap();
    let (serving, client) = (Serving::start(&stage).await.unwrap(), reqwest::Client::new());
    let open = std::fs::read_dir(format!("/proc/{}/fd", serving.child.id().unwrap())).unwrap().count() as u64;
    let passed = serving.said().len();
    limit(&serving, Resource::NOFILE, open + 4);
    let address = serving.url().trim_start_matches("http://");
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    serving.says("no connection can be taken", passed).await.unwrap();
    assert_eq!(get(&client, &serving, "/healthz").await.0, 200, "who asks for something goes before who does not");
    drop(idle);
    limit(&serving, Resource::NOFILE, open + 1_000);
    assert_eq!(ready(&client, &serving, 200).await, Value::Null);
}
