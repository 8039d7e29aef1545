//! The execution history.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::App;
use super::caller::Reader;
use super::problem::Problem;
use super::request::{Asked, Named, page_length};
use crate::history::{Filter, Run, RunDetail, RunPage, Status};
use crate::runner::LOOK_UP;
use crate::tenant::Tenant;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/runs";
pub(super) const ONE_PATH: &str = "/api/v1/tenants/{tenant}/runs/{run}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    status: Option<String>,
    job: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// A page of runs, newest first.
#[derive(Serialize)]
pub(super) struct Runs {
    items: Vec<Run>,
    next: Option<String>,
}

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

pub(super) async fn show(State(app): State<App>, Reader(tenant): Reader, Named(run): Named) -> Result<Json<RunDetail>, Problem> {
    let found = app.site.host().history().one(&tenant.name, &run).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("there is no run {run}")))
}

/// A job that is none would list nothing, which looks like an answer.
fn known(tenant: &Tenant, job: &str) -> Result<(), Problem> {
    let names: Vec<_> = tenant.description.jobs.iter().map(|job| job.name.as_str()).chain([LOOK_UP]).collect();
    if names.contains(&job) {
        return Ok(());
    }
    Err(Problem::bad_request(format!("there is no job {job:?}; write one of: {}", names.join(", "))))
}
