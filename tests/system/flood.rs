//! Very many events in no order, some of them twice, while the time system has its moments: what is stored in the end is what
//! is true, and the time system was asked far less often than it reported.

use std::collections::HashMap;
use std::time::Duration;

use chrono::Utc;
use futures::stream::{self, StreamExt};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use shift_access_tests::fault::Fault;
use shift_access_tests::hook::{self, Sender};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{PEOPLE_PATH, TIMECARD_PATH};
use shift_access_tests::world::{World, hours, minutes};

use crate::PROGRAM;

const WORKERS: usize = 5_000;
const EVENTS: usize = 100_000;
/// Events in one post.
const TOGETHER: usize = 100;
/// Posts under way at once.
const AT_ONCE: usize = 4;
const SEED: u64 = 20_261_122;

/// What one event is about, and whether it is the one that changes the world.
struct Told {
    event: Value,
    worker: usize,
    change: Option<Change>,
}

#[derive(Clone, Copy)]
enum Change {
    In,
    Out,
}

fn number(worker: usize) -> String {
    format!("{}", 200_000 + worker)
}

/// Each worker's first event tells of a clock-in, and every other worker's fifth of a clock-out; the rest is noise, for
/// neither what an event says nor when it comes decides anything.
fn told(random: &mut StdRng) -> Vec<Told> {
    let distinct = EVENTS * 5 / 6;
    let mut of: Vec<usize> = (0..distinct).map(|n| n % WORKERS).collect();
    of.shuffle(random);
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let mut events: Vec<Told> = Vec::with_capacity(EVENTS);
    for (at, worker) in of.into_iter().enumerate() {
        let nth = seen.entry(worker).and_modify(|nth| *nth += 1).or_insert(1);
        let change = match *nth {
            1 => Some(Change::In),
            5 if worker % 2 == 0 => Some(Change::Out),
            _ => None,
        };
        let direction = *["in", "out", "break"].get(random.random_range(0..3)).unwrap();
        let moment = Utc::now() - chrono::TimeDelta::seconds(random.random_range(0..7_200));
        events.push(Told { event: hook::event(&format!("e{at}"), &number(worker), moment, Some(direction)), worker, change });
        // One in five is told once more, some time later.
        if random.random_bool(0.2)
            && let Some(again) = events.get(random.random_range(0..events.len()))
        {
            events.push(Told { event: again.event.clone(), worker: again.worker, change: None });
        }
    }
    events
}

fn apply(world: &World, told: &Told) {
    let worker = world.person(&format!("w{:04}", told.worker));
    match told.change {
        Some(Change::In) => drop(worker.clocked_in(hours(3))),
        Some(Change::Out) => drop(worker.clocked_out(minutes(10))),
        None => {}
    }
}

/// Now and then the time system throttles, or is away.
fn moods(stage: &Stage) {
    for (path, every) in [(TIMECARD_PATH, 25), (PEOPLE_PATH, 5)] {
        for nth in 0..10 {
            let fault = Fault::on(path).after(5 + nth * every);
            let fault = if nth % 2 == 0 { fault.retry_after(429, 1) } else { fault.status(503) };
            stage.ukg.faults().add(fault.times(1 + nth % 3));
        }
    }
}

/// What must agree between what the events left and what one batch stores.
fn facts(records: &[Value]) -> HashMap<String, Value> {
    let fact = |record: &Value| json!([record["status"], record["reason"], record["since"], record["person_number"]]);
    records.iter().map(|record| (record["user"].as_str().unwrap().to_owned(), fact(record))).collect()
}

#[tokio::test]
async fn a_flood_of_events_ends_in_the_truth_with_few_calls() {
    let world = World::new(Utc::now());
    for worker in 0..WORKERS {
        world.person(&format!("w{worker:04}")).number(&number(worker)).in_group("Store 12 Hourly").worked(hours(30), hours(22));
    }
    let stage = Stage::new(world.clone(), PROGRAM).await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"\ninterval-minutes = 1440").unwrap();
    stage.configure_more(&hook::listener()).unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["off_shift"], WORKERS);
    stage.ukg.calls().forget();
    moods(&stage);

    let serving = Serving::start(&stage).await.unwrap();
    let sender = Sender::new().unwrap();
    let events = told(&mut StdRng::seed_from_u64(SEED));
    assert!(events.len() > EVENTS * 95 / 100);
    let posts = events.chunks(TOGETHER).map(|together| {
        together.iter().for_each(|told| apply(&world, told));
        let body = Value::Array(together.iter().map(|told| told.event.clone()).collect());
        let (sender, url) = (sender.clone(), serving.url().to_owned());
        async move { sender.deliver(&url, &body).await }
    });
    let answers: Vec<_> = stream::iter(posts).buffer_unordered(AT_ONCE).collect().await;
    for answer in answers {
        answer.unwrap();
    }
    hook::dealt_with(serving.url(), Duration::from_secs(600)).await.unwrap();
    let calls = stage.ukg.calls().total();
    assert!(calls * 20 < EVENTS, "{calls} calls for {} events", events.len());
    let by_events = facts(&stage.records().await.unwrap());
    let dead = stage.run(&["dead-letters", "acme", "--json"]).await.unwrap();
    assert_eq!((dead.code, dead.out.as_str()), (Some(0), ""), "{dead:?}");

    stage.ukg.faults().clear();
    let run = stage.batch().await.unwrap();
    assert_eq!((&run["status"], &run["counts"]["changed"]), (&json!("COMPLETE"), &json!(0)), "{run}");
    assert_eq!(by_events, facts(&stage.records().await.unwrap()));
    assert_eq!(run["counts"]["on_shift"], WORKERS / 2, "{run}");
}
