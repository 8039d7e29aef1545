//! Whether the host lives, whether it can work, and its numbers for a monitoring system.
//!
//! `GET /healthz` answers as long as the process does. `GET /readyz` asks the store, and tells the age of the last good run
//! of every scheduled job: 503 where the store fails or the host is about to stop. `GET /metrics` has the same as numbers, in
//! the text format of Prometheus. None of them needs a token, and none names a worker.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::App;
use crate::history::{Filter, Run, Status};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// Runs looked through for the last good one.
const LOOKED_THROUGH: u32 = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// What `readyz` answers.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// Why not.
    trouble: Option<String>,
    jobs: Vec<Job>,
}

/// A scheduled job of a tenant.
#[derive(Debug, Serialize)]
struct Job {
    tenant: String,
    job: String,
    /// How its last run ended, or stands.
    last_status: Option<Status>,
    /// How long ago the last good run started, in seconds.
    last_good_age_seconds: Option<i64>,
    /// How long until it is due again, in seconds.
    next_seconds: Option<i64>,
}

async fn readyz(State(app): State<App>) -> Response {
    let (readiness, status) = match jobs(&app).await {
        _ if app.life.stop.is_cancelled() => {
            let trouble = Some("the host is about to stop".to_owned());
            (Readiness { ready: false, trouble, jobs: Vec::new() }, StatusCode::SERVICE_UNAVAILABLE)
        }
        Ok(jobs) => (Readiness { ready: true, trouble: None, jobs }, StatusCode::OK),
        Err(error) => {
            let trouble = Some(format!("the store does not answer: {error}"));
            (Readiness { ready: false, trouble, jobs: Vec::new() }, StatusCode::SERVICE_UNAVAILABLE)
        }
    };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    match jobs(&app).await {
        Ok(jobs) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&jobs)).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("the store does not answer: {error}\n")).into_response(),
    }
}

async fn jobs(app: &App) -> Result<Vec<Job>, StoreError> {
    let mut jobs = Vec::new();
    for tenant in app.site.tenants() {
        for info in tenant.description.jobs.iter().filter(|info| info.schedulable) {
            jobs.push(job(app, &tenant, &info.name, tenant.agenda(info).next(app.now())).await?);
        }
    }
    Ok(jobs)
}

async fn job(app: &App, tenant: &Tenant, name: &str, next: Option<DateTime<Utc>>) -> Result<Job, StoreError> {
    let filter = Filter { status: None, job: Some(name.to_owned()) };
    let runs = app.site.host().history().list(&tenant.name, &filter, None, LOOKED_THROUGH).await?.items;
    let now = app.now();
    let good = runs.iter().find(|run| run.status.is_good());
    Ok(Job {
        tenant: tenant.name.to_string(),
        job: name.to_owned(),
        last_status: runs.first().map(|run: &Run| run.status),
        last_good_age_seconds: good.map(|run| (now - run.started).num_seconds()),
        next_seconds: next.map(|next| (next - now).num_seconds()),
    })
}

/// A number of each job.
struct Gauge {
    name: &'static str,
    help: &'static str,
    value: fn(&Job) -> Option<i64>,
}

const GAUGES: [Gauge; 3] = [
    Gauge {
        name: "shift_access_last_good_run_age_seconds",
        help: "Seconds since the last good run of a job started.",
        value: |job| job.last_good_age_seconds,
    },
    Gauge { name: "shift_access_next_run_seconds", help: "Seconds until a job is due again.", value: |job| job.next_seconds },
    Gauge {
        name: "shift_access_last_run_good",
        help: "1 if the last run of a job ended well, 0 if it did not.",
        value: |job| job.last_status.map(|status| i64::from(status.is_good())),
    },
];

/// In the text format of Prometheus.
fn text(jobs: &[Job]) -> String {
    let mut text = String::new();
    for Gauge { name, help, value } in GAUGES {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for job in jobs {
            if let Some(value) = value(job) {
                let _ = writeln!(text, "{name}{{tenant=\"{}\",job=\"{}\"}} {value}", escaped(&job.tenant), escaped(&job.job));
            }
        }
    }
    text
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_format_of_prometheus_and_what_is_not_known_is_left_out() {
        let job = |tenant: &str, age: Option<i64>| Job {
            tenant: tenant.to_owned(),
            job: "batch".to_owned(),
            last_status: age.map(|_| Status::CompleteWarn),
            last_good_age_seconds: age,
            next_seconds: Some(60),
        };
        let text = text(&[job("acme", Some(90)), job("a\"b", None)]);
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "shift_access_last_good_run_age_seconds{tenant=\"acme\",job=\"batch\"} 90",
                "shift_access_next_run_seconds{tenant=\"acme\",job=\"batch\"} 60",
                "shift_access_next_run_seconds{tenant=\"a\\\"b\",job=\"batch\"} 60",
                "shift_access_last_run_good{tenant=\"acme\",job=\"batch\"} 1",
            ]
        );
    }
}
