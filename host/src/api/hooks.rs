//! Takes events in. Who brings them is asked before the body is read, and again over the body; the answer comes when the
//! events are on the disk. Nothing of a body is ever logged.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::problem::Problem;
use super::request::Named;
use crate::config::ListenerConfig;
use crate::inbox::envelope::Brought;
use crate::inbox::{Inbox, NotTaken, door, envelope};

pub(super) const PATH: &str = "/hooks/{tenant}";

/// What became of the events of a post.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Received {
    /// So many are stored now.
    accepted: u64,
    /// So many came before.
    duplicates: u64,
    /// So many of a list cannot be read, and are dead letters now: they tell what is wrong.
    unreadable: u64,
}

/// Takes in an event of the time system, or a list of them, in CloudEvents JSON or the form that the tenant's listener maps. What proves where it comes from (a signature over the raw body, a shared value or a login) is the tenant's to configure.
#[utoipa::path(post, path = PATH, operation_id = "takeEvents", tag = "events", security(()),
    request_body(content = Value, description = "An event, or a list of events.", content_type = "application/json"),
    responses(
        (status = 202, description = "The events are stored, and will be dealt with whatever happens; those that came before are left out. What cannot be read of a list is a dead letter.", body = Received),
        (status = 400),
        (status = 401),
        (status = 404),
        (status = 408),
        (status = 413),
        (status = 503),
    ))]
pub(super) async fn receive(State(app): State<App>, Named(name): Named, request: Request) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("no events are taken for {name}")).remedy("see the tenant's table listener");
    let tenant = app.site.tenant(&name).map_err(|_| missing())?;
    let config = tenant.listener.clone().ok_or_else(missing)?;
    if app.life.stop.is_cancelled() {
        return Err(Problem::stopping());
    }
    let inbox = app.site.host().inbox(&tenant);
    match take_in(&app, &tenant.name, &config, &inbox, request).await {
        Ok(received) => Ok((StatusCode::ACCEPTED, Json(received)).into_response()),
        Err(problem) => {
            inbox.numbers().refused();
            Err(problem)
        }
    }
}

async fn take_in(app: &App, tenant: &str, config: &ListenerConfig, inbox: &Inbox, request: Request) -> Result<Received, Problem> {
    let refused = |refused: door::Refused| Problem::not_proven(refused.to_string(), door::challenge(config));
    let (Parts { headers, .. }, body) = request.into_parts();
    door::presents(config, &headers, app.now()).map_err(refused)?;
    let body = Limited::new(body, super::LONGEST_BODY).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::too_large(),
        false => Problem::bad_request("the body did not come whole"),
    })?;
    let body = body.to_bytes();
    door::verify(config, &headers, &body, app.now()).map_err(refused)?;
    let Brought { events, unreadable } =
        envelope::read(config.mapping.as_ref(), &headers, &body).map_err(|unread| Problem::bad_request(unread.to_string()))?;
    drop(body);
    if let Some(first) = unreadable.first() {
        tracing::warn!(tenant, events = unreadable.len(), "a list holds what cannot be read: {}", first.reason);
    }
    // Events first: who is told that it failed posts the list again, and then each of both is known.
    let taken = inbox.take_in(events).await.map_err(not_taken)?;
    let buried = inbox.bury(unreadable).await.map_err(not_taken)?;
    Ok(Received { accepted: taken.accepted, duplicates: taken.duplicates + buried.duplicates, unreadable: buried.letters })
}

fn not_taken(error: NotTaken) -> Problem {
    match error {
        NotTaken::Store(error) => Problem::of_store(&error),
        error => Problem::later(error.to_string()),
    }
}
