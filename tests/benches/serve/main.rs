//! How many events a second are taken in for good, and how many decisions a second are answered, each beside an empty handler
//! of the same HTTP library on the same machine in the same run.
//!
//! The program serves in a process of its own, and so does the empty handler; simulators and clients share this process, and
//! everything shares the processors. An event counts when its record is stored: posted and verified, durable, through the
//! component, looked up at the simulator, stored. Ends with 1 where an aim is missed.
//!
//! `cargo bench --package shift-access-tests --bench serve`, with `-- --json` for one JSON object, `--events N` for another
//! number of events than a million, `--seconds N` for the other measurements.
#![expect(clippy::print_stdout, reason = "a benchmark is what it prints")]

mod beside;
mod load;
mod memory;
mod table;

use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::http::StatusCode;
use axum::{Router, routing::post};
use chrono::Utc;
use serde::Serialize;
use serde_json::{Value, json};
use shift_access_tests::benchmark::{self, number, rounded};
use shift_access_tests::hook;
use shift_access_tests::process::processor_seconds;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::{World, hours};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use load::{Answered, Load, Post};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shift-access-tested");
/// The workers of the tenant: one call to UKG reads them all.
const WORKERS: usize = 500;
const CONNECTIONS: usize = 64;
const EVENTS: usize = 1_000_000;
const SECONDS: u64 = 10;
/// The argument that makes this program the empty handler.
const EMPTY: &str = "--empty-handler";

const LEAST_EVENTS: f64 = 0.35;
const LEAST_DECISIONS: f64 = 0.5;
const MOST_P99_MS: f64 = 10.0;
/// How much more memory the program may have after all events than after the first tenth.
const MOST_GROWTH: f64 = 1.5;

/// Everything measured.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    connections: usize,
    workers: usize,
    /// The empty handler, given the posts of events, before and after the program: the machine is not always as fast.
    empty: Answered,
    empty_after: Answered,
    /// The posts of events until each is answered 202.
    events: Answered,
    /// Events a second until the last one's record is stored.
    events_end_to_end: f64,
    events_to_empty: f64,
    /// Processor time of the program for an event, and for a decision, in microseconds.
    event_us: f64,
    decision_us: f64,
    /// The empty handler, given the questions.
    empty_questions: Answered,
    /// `wasmtime serve` with a component that answers with nothing, given the same; absent where it is not installed.
    wasmtime_serve: Option<Answered>,
    decisions: Answered,
    decisions_to_empty: f64,
    /// At half of that rate.
    decisions_at_half: Answered,
    memory: memory::Memory,
    memory_growth: f64,
    missed: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    if std::env::args().any(|arg| arg == EMPTY) {
        return runtime.block_on(empty_handler());
    }
    let measured = runtime.block_on(measure())?;
    benchmark::report(&measured, &table::of(&measured)?, &measured.missed)
}

/// Answers every post with the status alone.
async fn empty_handler() -> Result<ExitCode> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/{*path}", post(async || StatusCode::ACCEPTED))).await?;
    Ok(ExitCode::SUCCESS)
}

async fn measure() -> Result<Measured> {
    let (events, time) = (number("--events", EVENTS)?, Duration::from_secs(number("--seconds", SECONDS as usize)? as u64));
    let (_empty_process, empty_url) = start_empty().await?;
    let stage = stage().await?;
    let token = stage.run(&["token", "create", TENANT, "--scope", "read"]).await?.out.trim().to_owned();
    let serving = Serving::start(&stage).await?;
    let process = serving.child.id().context("it has ended")?;

    let hook_post = |id: u64| event_post(&format!("e{id}"), usize::try_from(id).unwrap_or_default() % WORKERS);
    let question = |id: u64| question_post(&token, usize::try_from(id).unwrap_or_default() % WORKERS);
    let empty = Load { url: &empty_url, connections: CONNECTIONS, post: &hook_post }.for_time(time, None).await?;

    let (start, used) = (Instant::now(), processor_seconds(process)?);
    let mut memory = memory::Memory::begin(process)?;
    let load = Load { url: serving.url(), connections: CONNECTIONS, post: &hook_post };
    let taken = load.so_many(events, |done| memory.look_at(done, events)).await?;
    ensure!(taken.refused == 0, "{} events were not taken", taken.refused);
    let stored = hook::dealt_with(serving.url(), Duration::from_secs(600)).await?;
    let end_to_end = events as f64 / (stored - start).as_secs_f64();
    memory.end()?;
    let event_us = (processor_seconds(process)? - used) * 1e6 / events as f64;

    let empty_after = Load { url: &empty_url, connections: CONNECTIONS, post: &hook_post }.for_time(time, None).await?;
    let empty_questions = Load { url: &empty_url, connections: CONNECTIONS, post: &question }.for_time(time, None).await?;
    let wasmtime_serve = match beside::start().await? {
        Some((_process, url)) => Some(Load { url: &url, connections: CONNECTIONS, post: &question }.for_time(time, None).await?),
        None => None,
    };
    let load = Load { url: serving.url(), connections: CONNECTIONS, post: &question };
    let used = processor_seconds(process)?;
    let decisions = load.for_time(time, None).await?;
    let decision_us = (processor_seconds(process)? - used) * 1e6 / decisions.posts as f64;
    let at_half = load.for_time(time, Some(decisions.a_second / 2.0)).await?;
    ensure!(decisions.refused + at_half.refused == 0, "questions were not answered");

    let mut measured = Measured {
        optimised: !cfg!(debug_assertions),
        connections: CONNECTIONS,
        workers: WORKERS,
        events_to_empty: rounded(end_to_end / ((empty.a_second + empty_after.a_second) / 2.0), 3),
        event_us: rounded(event_us, 1),
        decision_us: rounded(decision_us, 1),
        events_end_to_end: rounded(end_to_end, 1),
        decisions_to_empty: rounded(decisions.a_second / empty_questions.a_second, 3),
        empty,
        empty_after,
        events: taken,
        empty_questions,
        wasmtime_serve,
        decisions,
        decisions_at_half: at_half,
        memory_growth: rounded(memory.growth(), 3),
        memory,
        missed: Vec::new(),
    };
    measured.missed = missed(&measured);
    Ok(measured)
}

fn missed(measured: &Measured) -> Vec<String> {
    let aims = [
        (measured.events_to_empty >= LEAST_EVENTS, format!("events are below {LEAST_EVENTS} of the empty handler")),
        (measured.decisions_to_empty >= LEAST_DECISIONS, format!("decisions are below {LEAST_DECISIONS} of the empty handler")),
        (measured.decisions_at_half.p99_ms < MOST_P99_MS, format!("p99 of decisions at half load is over {MOST_P99_MS} ms")),
        (measured.memory_growth <= MOST_GROWTH, format!("memory grew to more than {MOST_GROWTH} times")),
    ];
    aims.into_iter().filter(|(met, _)| !met).map(|(_, words)| words).collect()
}

async fn stage() -> Result<Stage> {
    let world = World::new(Utc::now());
    for worker in 0..WORKERS {
        world.person(&name(worker)).number(&person(worker)).in_group("Store 12 Hourly").clocked_in(hours(3));
    }
    let stage = Stage::new(world, PROGRAM).await?;
    stage.configure("user-groups = \"Store 12 Hourly\"\ninterval-minutes = 1440")?;
    stage.configure_more(&hook::listener())?;
    let run = stage.batch().await?;
    ensure!(run.pointer("/counts/on_shift") == Some(&json!(WORKERS)), "the batch did not work: {run}");
    Ok(stage)
}

async fn start_empty() -> Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?).arg(EMPTY).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("its output is not ours")?).lines();
    let url = lines.next_line().await?.context("the empty handler does not start")?;
    Ok((child, url))
}

fn event_post(id: &str, worker: usize) -> Post {
    let body = hook::event(id, &person(worker), Utc::now(), Some("in")).to_string().into_bytes();
    let headers = vec![(hook::SIGNATURE, hook::signature(&body))];
    Post { path: format!("/hooks/{TENANT}"), headers, body }
}

fn question_post(token: &str, worker: usize) -> Post {
    let question: Value = json!({
        "subject": { "type": "user", "id": name(worker) },
        "action": { "name": "open" },
        "resource": { "type": "surface", "id": "people" },
    });
    let headers = vec![("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
    Post { path: format!("/tenants/{TENANT}/access/v1/evaluation"), headers, body: question.to_string().into_bytes() }
}

fn name(worker: usize) -> String {
    format!("w{worker:04}")
}

fn person(worker: usize) -> String {
    format!("{}", 400_000 + worker)
}
