//! The simulators with the small company of the demo, for a platform of another language: prints one line of JSON that says
//! where they are and what logs in, and goes on until its standard input ends.
//!
//! With `--reference` the reference host serves the same company beside them, so that a test can ask both the same. What a
//! story needs on its way is asked for at the address `control`: `POST /punches {"user", "direction": "in" or "out"}` lets
//! somebody punch now, `GET /mails` lists what the inbox holds.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use shift_access_tests::hook::{self, HOOK_SECRET, SIGNATURE};
use shift_access_tests::server::{Manner, Server};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::{World, minutes};
use tokio::io::AsyncReadExt;

/// The groups of the company.
const GROUPS: &str = "Store 12 Hourly, Store 14 Hourly";
/// Who gets alerts.
const ALERTS: &str = "ops@acme.example";

#[tokio::main]
async fn main() -> Result<()> {
    let program = std::env::current_exe()?.with_file_name("shift-access-tested");
    let stage = Arc::new(Stage::new(World::demo(Utc::now()), program.to_str().context("the program's path is not UTF-8")?).await?);
    stage.configure_more(&hook::listener())?;
    let serving = match std::env::args().any(|arg| arg == "--reference") {
        true => Some(Serving::start(&stage).await?),
        false => None,
    };
    let control = Server::start("127.0.0.1:0", control(stage.clone()), Manner::default()).await?;
    let mut told = told(&stage, &control);
    if let (Some(serving), Some(told)) = (&serving, told.as_object_mut()) {
        told.insert("reference".to_owned(), json!({ "url": serving.url(), "token": token(&stage).await? }));
    }
    println!("{told}");
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// All that a platform has to be told, under the names that the pack's description has for it.
fn told(stage: &Stage, control: &Server) -> Value {
    let (kronos, access) = (stage.ukg.credentials(), stage.access.credentials());
    json!({
        "tenant": TENANT,
        "control": control.url(),
        "connections": {
            "kronos": {
                "url": stage.ukg.url(),
                "client-id": kronos.client_id,
                "client-secret": kronos.client_secret,
                "username": kronos.user_name,
                "password": kronos.password,
                "app-key": kronos.app_key,
            },
            "workspace-one": {
                "url": stage.access.url(),
                "client-id": access.client_id,
                "client-secret": access.client_secret,
            },
        },
        "properties": { "user-groups": GROUPS, "alert-email": ALERTS },
        "mail": { "host": "127.0.0.1", "port": stage.inbox.port(), "tls": "none", "sender": stage.inbox.smtp().sender },
        "hook": { "header": SIGNATURE, "secret": HOOK_SECRET },
    })
}

async fn token(stage: &Stage) -> Result<String> {
    let made = stage.run(&["token", "create", TENANT, "--scope", "operate"]).await?;
    ensure!(made.code == Some(0), "no token: {}", made.err);
    Ok(made.out.trim().to_owned())
}

fn control(stage: Arc<Stage>) -> Router {
    Router::new().route("/punches", post(punch)).route("/mails", get(mails)).with_state(stage)
}

/// Somebody punches, this very moment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Punch {
    user: String,
    direction: Direction,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    In,
    Out,
}

async fn punch(State(stage): State<Arc<Stage>>, Json(punch): Json<Punch>) -> Result<Json<Value>, (StatusCode, String)> {
    let known = stage.world.people().into_iter().find(|person| person.user_name == punch.user);
    let known = known.ok_or_else(|| (StatusCode::NOT_FOUND, format!("nobody is called {:?}\n", punch.user)))?;
    stage.world.set_now(Utc::now());
    let worker = stage.world.person(&punch.user);
    drop(match punch.direction {
        Direction::In => worker.clocked_in(minutes(0)),
        Direction::Out => worker.clocked_out(minutes(0)),
    });
    Ok(Json(json!({ "person_number": known.number })))
}

async fn mails(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let mails = stage.inbox.mails();
    Json(mails.iter().map(|mail| json!({ "to": mail.to, "subject": mail.subject(), "text": mail.text() })).collect())
}
