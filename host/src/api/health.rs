//! Whether the host lives, whether it can work, and its numbers for a monitoring system.
//!
//! `GET /healthz` answers as long as the process does. `GET /readyz` asks the store, and tells the age of the last good run
//! of every scheduled job: 503 where the store fails, takes no writes, or the host is about to stop. `GET /metrics` has the same and more as
//! numbers, see `metrics`. None of them needs a token, and none names a worker.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::problem::Problem;
use crate::history::Status;
use crate::metrics::{JobNumbers, Looked, MEDIA_TYPE};
use crate::store::StoreError;

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", operation_id = "live", tag = "host", security(()), responses(
    (status = 200, description = "It does.", content_type = "text/plain", body = String),
))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the host can work, and how old the last good runs are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "ready": true,
    "trouble": null,
    "jobs": [{ "tenant": "acme", "job": "batch", "last_status": "COMPLETE", "last_good_age_seconds": 42, "next_seconds": 1758 }]
}))]
pub(super) struct Readiness {
    ready: bool,
    /// Why not.
    #[schema(required)]
    trouble: Option<String>,
    jobs: Vec<Job>,
}

/// A scheduled job of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledJob)]
struct Job {
    tenant: String,
    job: String,
    /// How its last run ended, or stands.
    #[schema(required)]
    last_status: Option<Status>,
    /// How long ago the last good run started, in seconds.
    #[schema(required)]
    last_good_age_seconds: Option<i64>,
    /// How long until it is due again, in seconds.
    #[schema(required)]
    next_seconds: Option<i64>,
}

/// Whether it can work, and the age of the last good run of every scheduled job.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "host", security(()), responses(
    (status = 200, description = "It can.", body = Readiness), (status = 503, description = "It cannot.", body = Readiness),
))]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let (writable, jobs) = (app.writable.check(&*app.site.host().runner().store).await, jobs(&app).await);
    let (readiness, status) = match writable.and(jobs.map_err(|error| format!("the store does not answer: {error}"))) {
        _ if app.life.stop.is_cancelled() => {
            let trouble = Some("the host is about to stop".to_owned());
            (Readiness { ready: false, trouble, jobs: Vec::new() }, StatusCode::SERVICE_UNAVAILABLE)
        }
        Ok(jobs) => (Readiness { ready: true, trouble: None, jobs }, StatusCode::OK),
        Err(trouble) => (Readiness { ready: false, trouble: Some(trouble), jobs: Vec::new() }, StatusCode::SERVICE_UNAVAILABLE),
    };
    (status, Json(readiness)).into_response()
}

/// Numbers for a monitoring system, in the text format of OpenMetrics.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "host", security(()), responses(
    (status = 200, description = "The numbers.", content_type = "application/openmetrics-text", body = String),
    (status = 503),
))]
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let (host, now) = (app.site.host(), app.now());
    let listening = app.site.tenants().filter(|tenant| tenant.listener.is_some());
    let looked = Looked {
        jobs: jobs(&app).await?.into_iter().map(Job::numbers).collect(),
        inboxes: listening.map(|tenant| (tenant.name.clone(), host.inbox(&tenant).numbers().read(now))).collect(),
        outbox: host.outbox_numbers().read(now),
    };
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], app.metrics().text(&looked)).into_response())
}

impl Job {
    fn numbers(self) -> JobNumbers {
        JobNumbers {
            tenant: self.tenant,
            job: self.job,
            last_good: self.last_status.map(Status::is_good),
            last_good_age_seconds: self.last_good_age_seconds,
            next_seconds: self.next_seconds,
        }
    }
}

/// Every scheduled job; one look into the store for each tenant.
async fn jobs(app: &App) -> Result<Vec<Job>, StoreError> {
    let (history, now) = (app.site.host().history(), app.now());
    let mut jobs = Vec::new();
    for tenant in app.site.tenants() {
        let infos: Vec<_> = tenant.description.jobs.iter().filter(|info| info.schedulable).collect();
        let names: Vec<_> = infos.iter().map(|info| info.name.as_str()).collect();
        for (info, latest) in infos.into_iter().zip(history.latest(&tenant.name, &names).await?) {
            jobs.push(Job {
                tenant: tenant.name.to_string(),
                job: info.name.clone(),
                last_status: latest.status,
                last_good_age_seconds: latest.good.map(|began| (now - began).num_seconds()),
                next_seconds: tenant.agenda(info).next(now).map(|next| (next - now).num_seconds()),
            });
        }
    }
    Ok(jobs)
}
