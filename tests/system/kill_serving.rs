//! Killed at random moments, two hundred times, while events come in: whatever was acknowledged is dealt with, none of it
//! twice in effect, and nobody is mailed twice about one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::Utc;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use shift_access_tests::access::{GROUPS_PATH, TOKEN_PATH};
use shift_access_tests::fault::Fault;
use shift_access_tests::hook::{self, Sender};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::world::{World, hours, minutes};

use crate::PROGRAM;

const ROUNDS: usize = 200;
/// New events of a round. Each is of a worker of its own, and nothing else ever tells of this worker: an event that is lost
/// is a record that stays wrong.
const EACH_ROUND: usize = 8;
const WORKERS: usize = ROUNDS * EACH_ROUND;
const SEED: u64 = 4_711;

/// What a round posts: its own events, and those of earlier rounds that nobody acknowledged.
async fn post(sender: Sender, url: String, mut open: Vec<(usize, Value)>) -> Vec<(usize, Value)> {
    let mut left = Vec::new();
    while let Some((worker, event)) = open.pop() {
        if sender.deliver(&url, &event).await.is_err() {
            left.push((worker, event));
        }
    }
    left
}

fn facts(records: &[Value]) -> BTreeMap<String, Value> {
    let fact = |record: &Value| json!([record["status"], record["reason"], record["since"], record["person_number"]]);
    records.iter().map(|record| (record["user"].as_str().unwrap().to_owned(), fact(record))).collect()
}

async fn stage() -> Stage {
    let world = World::new(Utc::now());
    for worker in 0..WORKERS {
        let person = world.person(&format!("w{worker:04}")).number(&format!("{}", 300_000 + worker)).in_group("Store 12 Hourly");
        person.worked(hours(30), hours(22));
    }
    let stage = Stage::new(world, PROGRAM).await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"\nalert-email = \"ops@acme.example\"").unwrap();
    stage.configure_more("[[tenants.acme.schedules]]\njob = \"batch\"\nevery-minutes = 1").unwrap();
    stage.configure_more(&hook::listener()).unwrap();
    stage
}

#[tokio::test]
async fn killed_two_hundred_times_every_acknowledged_event_is_dealt_with_once() {
    let stage = stage().await;
    assert_eq!(stage.batch().await.unwrap()["counts"]["off_shift"], WORKERS);
    // From here on no batch reads a worker: what changes, events have changed.
    stage.access.faults().add(Fault::on(TOKEN_PATH).answer(401, "{\"error\":\"invalid_client\"}"));
    let (mut random, sender) = (StdRng::seed_from_u64(SEED), Sender::new().unwrap());
    let (mut open, mut unanswered): (Vec<(usize, Value)>, usize) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        if round == ROUNDS / 2 {
            fails_with("21", &stage).await;
            stage.access.faults().clear();
            stage.access.faults().add(Fault::on(GROUPS_PATH).html(200));
        }
        for worker in round * EACH_ROUND..(round + 1) * EACH_ROUND {
            stage.world.person(&format!("w{worker:04}")).clocked_in(minutes(30));
            let event = hook::event(&format!("e{worker}"), &format!("{}", 300_000 + worker), Utc::now(), Some("in"));
            // What the time system tells it may tell twice.
            open.extend(std::iter::repeat_n((worker, event), 1 + usize::from(random.random_bool(0.2))));
        }
        let mut serving = Serving::start(&stage).await.unwrap();
        let posting = tokio::spawn(post(sender.clone(), serving.url().to_owned(), std::mem::take(&mut open)));
        tokio::time::sleep(Duration::from_millis(random.random_range(0..600))).await;
        serving.child.kill().await.unwrap();
        open = posting.await.unwrap();
        unanswered += open.len();
    }
    assert!(unanswered > ROUNDS / 20, "the kills came too late to matter: {unanswered} posts had no answer");
    fails_with("25", &stage).await;
    let serving = Serving::start(&stage).await.unwrap();
    let left = post(sender, serving.url().to_owned(), open).await;
    assert!(left.is_empty(), "nothing kills it any more: {left:?}");
    hook::dealt_with(serving.url(), Duration::from_secs(120)).await.unwrap();

    let records = stage.records().await.unwrap();
    let wrong: Vec<_> = records.iter().filter(|record| record["status"] != "on-shift").map(|record| record["user"].clone()).collect();
    assert!(wrong.is_empty(), "{} events were lost: {wrong:?}", wrong.len());
    let dead = stage.run(&["dead-letters", "acme", "--json"]).await.unwrap();
    assert_eq!((dead.code, dead.out.as_str()), (Some(0), ""), "{dead:?}");
    assert_eq!(changes(&stage, &serving).await, 2 * WORKERS, "one change of each worker in the first batch, one by the event");
    mails(&stage).await;
    let died = stage.run(&["history", "acme", "--job", "listener", "--status", "ABORTED", "--json"]).await.unwrap();
    assert!(died.json_lines().unwrap().len() > ROUNDS / 20, "the kills met the listener at work");
    drop(serving);

    let clean = Stage::new(stage.world.clone(), PROGRAM).await.unwrap();
    clean.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    assert_eq!(clean.batch().await.unwrap()["counts"]["on_shift"], WORKERS);
    assert_eq!(facts(&records), facts(&clean.records().await.unwrap()));
}

/// Serves until a scheduled run has failed with this code, which takes a minute at most where none did before.
async fn fails_with(number: &str, stage: &Stage) {
    let _serving = Serving::start(stage).await.unwrap();
    let failed = async {
        while !failed(stage).await.iter().any(|code| code.ends_with(number)) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), failed).await.unwrap();
}

/// The codes that scheduled runs failed with, and `ABORTED` for those that died.
async fn failed(stage: &Stage) -> BTreeSet<String> {
    let runs = stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    let scheduled = runs.iter().filter(|run| run["trigger"] == "schedule");
    let failed = scheduled.filter(|run| matches!(run["status"].as_str(), Some("ERROR" | "ABORTED")));
    failed.map(|run| run["failure"]["code"].as_str().or(run["status"].as_str()).unwrap_or_default().to_owned()).collect()
}

/// How many changes the store has ever seen: the number of the latest.
async fn changes(stage: &Stage, serving: &Serving) -> usize {
    let token = stage.run(&["token", "create", "acme", "--scope", "read"]).await.unwrap().out.trim().to_owned();
    let url = format!("{}/api/v1/tenants/acme/changes?after=0", serving.url());
    let mut answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    let (mut text, mut latest) = (String::new(), 0);
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(Duration::from_secs(3), answer.chunk()).await {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        latest = text.lines().filter_map(|line| line.strip_prefix("id:")?.trim().parse().ok()).max().unwrap_or(latest);
    }
    latest
}

/// Every code that a scheduled run failed with was mailed, and none twice.
async fn mails(stage: &Stage) {
    let failed = failed(stage).await;
    let told = async {
        while stage.inbox.mails().len() < failed.len() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    // The one way to get a mail twice is a kill between the server's yes and the note of it; it has the same id then.
    let distinct: BTreeMap<String, String> = stage.inbox.mails().iter().map(|mail| (mail.header("Message-ID"), mail.subject())).collect();
    for code in &failed {
        let about: Vec<_> = distinct.values().filter(|subject| subject.contains(code.as_str())).collect();
        assert_eq!(about.len(), 1, "{code}: {distinct:?}");
    }
    assert_eq!(distinct.len(), failed.len(), "{distinct:?}");
}
