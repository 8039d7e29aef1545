//! The events that are not brought again by themselves: to look at, to put back, to discard.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::caller::{Operator, Reader};
use super::problem::Problem;
use super::request::{Asked, Named, page_length};
use crate::inbox::{DeadLetter, DeadLetterPage, Found};
use crate::tenant::Tenant;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/dead-letters";
pub(super) const ONE_PATH: &str = "/api/v1/tenants/{tenant}/dead-letters/{letter}";
pub(super) const REPLAY_PATH: &str = "/api/v1/tenants/{tenant}/dead-letters/{letter}/replay";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Items a page at most.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// The events that are not brought to the plugin again by themselves, newest first.
#[utoipa::path(get, path = PATH, operation_id = "listDeadLetters", tag = "events", params(Wanted), responses(
    (status = 200, description = "A page of dead letters. It may have fewer than asked for although more follow.", body = DeadLetterPage),
    (status = 400), (status = 404), (status = 503),
))]
pub(super) async fn list(
    State(app): State<App>,
    Reader(tenant): Reader,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<DeadLetterPage>, Problem> {
    let limit = page_length(wanted.limit)?;
    Ok(Json(app.site.host().dead_letters(&tenant).list(wanted.cursor, limit, true).await?))
}

/// Puts a dead letter back into the queue, as if it had just arrived; takes the scope operate.
#[utoipa::path(post, path = REPLAY_PATH, operation_id = "replayDeadLetter", tag = "events", responses(
    (status = 200, description = "It was put back.", body = DeadLetter), (status = 400), (status = 404), (status = 503),
))]
pub(super) async fn replay(State(app): State<App>, Operator(tenant): Operator, Named(id): Named) -> Result<Json<DeadLetter>, Problem> {
    let letter = app.site.host().dead_letters(&tenant).replay(&id, app.now()).await?;
    let letter = gone(&app, &tenant, &id, letter).await?;
    let inbox = app.site.host().inbox(&tenant);
    inbox.numbers().letter_gone(true);
    inbox.wake();
    Ok(Json(letter))
}

/// Removes a dead letter for good: its event is left out when it is sent again within a week, too. Takes the scope operate.
#[utoipa::path(delete, path = ONE_PATH, operation_id = "discardDeadLetter", tag = "events", responses(
    (status = 204, description = "It is gone."), (status = 400), (status = 404), (status = 503),
))]
pub(super) async fn discard(State(app): State<App>, Operator(tenant): Operator, Named(id): Named) -> Result<StatusCode, Problem> {
    let letter = app.site.host().dead_letters(&tenant).discard(&id).await?;
    gone(&app, &tenant, &id, letter).await?;
    app.site.host().inbox(&tenant).numbers().letter_gone(false);
    Ok(StatusCode::NO_CONTENT)
}

/// The letter, or why there was none.
async fn gone(app: &App, tenant: &Tenant, id: &str, letter: Option<DeadLetter>) -> Result<DeadLetter, Problem> {
    let Some(letter) = letter else {
        return Err(match app.site.host().dead_letters(tenant).find(id).await? {
            Found::Several => Problem::bad_request(format!("several dead letters begin with {id}")).remedy("write more of the id"),
            _ => Problem::not_found(format!("there is no dead letter {id}")),
        });
    };
    Ok(letter)
}
