//! Starts a job. The answer comes when the run has begun, and names it; how it ends stands in the history.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::App;
use super::caller::Operator;
use super::problem::Problem;
use super::request::{Named, OptionalBody};
use crate::history::{Run, Trigger};
use crate::runner::Order;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/jobs/{job}/runs";

/// What may be given to a run.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunRequest, example = json!({ "options": { "release-brake": true } }))]
pub(super) struct Wanted {
    /// The job's own options, by name.
    #[serde(default)]
    #[schema(schema_with = options)]
    options: Map<String, Value>,
}

/// Starts a job; takes the scope operate.
#[utoipa::path(post, path = PATH, operation_id = "startRun", tag = "runs", request_body = Option<Wanted>, responses(
    (status = 202, description = "The run has begun; Location is where its end will stand.", body = Run,
        headers(("Location" = String, description = "Where the run is found."))),
    (status = 400), (status = 404), (status = 409), (status = 413), (status = 415), (status = 503),
))]
pub(super) async fn start(
    State(app): State<App>,
    Operator(tenant): Operator,
    Named(job): Named,
    OptionalBody(wanted): OptionalBody<Wanted>,
) -> Result<Response, Problem> {
    let set = wanted.options.iter().map(|(name, value)| assignment(name, value)).collect::<Result<Vec<_>, _>>()?;
    let order = Order::new(&tenant, &job, Trigger::Manual).and_then(|order| order.with(&set));
    let order = order.map_err(|error| Problem::of_order(&error))?;
    if app.life.stop.is_cancelled() {
        return Err(Problem::stopping());
    }
    let runner = app.site.host().runner().clone();
    let begun = runner.begin(&tenant, order).await?;
    let run = begun.run().clone();
    let location = format!("/api/v1/tenants/{}/runs/{}", tenant.name, run.run);
    let abort = app.life.abort.clone();
    app.life.tracker.spawn(async move {
        if let Err(error) = runner.complete(&tenant, begun, abort, watch::Sender::default()).await {
            tracing::error!(tenant = %tenant.name, %error, "a run that was asked for was not completed");
        }
    });
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(run)).into_response())
}

/// Names, each with a text, a number, true or false.
fn options() -> Object {
    let value = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]);
    ObjectBuilder::new().additional_properties(Some(ObjectBuilder::new().schema_type(value))).build()
}

/// An option as it is written on the command line, which knows its type.
fn assignment(name: &str, value: &Value) -> Result<String, Problem> {
    match value {
        Value::Bool(_) | Value::Number(_) => Ok(format!("{name}={value}")),
        Value::String(text) => Ok(format!("{name}={text}")),
        _ => Err(Problem::bad_request(format!("options.{name}: write a text, a number, true or false"))),
    }
}
