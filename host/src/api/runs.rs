//! The execution history.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::caller::Reader;
use super::problem::Problem;
use super::request::{Asked, Named, page_length};
use crate::history::{Filter, Run, RunDetail, RunPage, Status};
use crate::inbox::LISTENER;
use crate::runner::LOOK_UP;
use crate::tenant::Tenant;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/runs";
pub(super) const ONE_PATH: &str = "/api/v1/tenants/{tenant}/runs/{run}";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only runs that stand so.
    #[param(value_type = Option<Status>, inline)]
    status: Option<String>,
    /// Only runs of this job.
    job: Option<String>,
    /// Items a page at most.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// A page of runs, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RunPage)]
pub(super) struct Runs {
    items: Vec<Run>,
    #[schema(required)]
    next: Option<String>,
}

/// The execution history, newest first.
#[utoipa::path(get, path = PATH, operation_id = "listRuns", tag = "runs", params(Wanted), responses(
    (status = 200, description = "A page of runs.", body = Runs), (status = 400), (status = 404), (status = 503),
))]
pub(super) async fn list(State(app): State<App>, Reader(tenant): Reader, Asked(wanted): Asked<Wanted>) -> Result<Json<Runs>, Problem> {
    let limit = page_length(wanted.limit)?;
    let status = wanted.status.map(|status| status.parse::<Status>().map_err(Problem::bad_request)).transpose()?;
    if let Some(job) = &wanted.job {
        known(&tenant, job)?;
    }
    let filter = Filter { status, job: wanted.job };
    let RunPage { items, next } = app.site.host().history().list(&tenant.name, &filter, wanted.cursor, limit).await?;
    Ok(Json(Runs { items, next }))
}

/// One run with its story and its calls.
#[utoipa::path(get, path = ONE_PATH, operation_id = "showRun", tag = "runs", responses(
    (status = 200, description = "The run.", body = RunDetail), (status = 400), (status = 404), (status = 503),
))]
pub(super) async fn show(State(app): State<App>, Reader(tenant): Reader, Named(run): Named) -> Result<Json<RunDetail>, Problem> {
    let found = app.site.host().history().one(&tenant.name, &run).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("there is no run {run}")))
}

/// A job that is none would list nothing, which looks like an answer.
fn known(tenant: &Tenant, job: &str) -> Result<(), Problem> {
    let names: Vec<_> = tenant.description.jobs.iter().map(|job| job.name.as_str()).chain([LOOK_UP, LISTENER]).collect();
    if names.contains(&job) {
        return Ok(());
    }
    Err(Problem::bad_request(format!("there is no job {job:?}; write one of: {}", names.join(", "))))
}
