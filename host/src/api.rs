//! The API: REST for people and programs that look, AuthZEN for programs that ask whether somebody may.
//!
//! A route reads the request, calls what does the work, and writes the answer: one resource a file. What a pack's words
//! mean it does not know. A decision reads the store only, and costs no call to another system.
//!
//! Every error is a problem document (RFC 9457). Who calls is asked before anything of the request's body is read.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use crate::scheduler::Life;
use crate::site::Site;
use crate::token::Tokens;

mod caller;
mod discovery;
mod evaluation;
mod health;
mod jobs;
mod look_ups;
mod openapi;
mod problem;
mod request;
mod runs;
mod worker;
mod workers;

use look_ups::LookUps;

/// The longest body of a request, in bytes.
const LONGEST_BODY: usize = 1 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every route works on.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) site: Arc<Site>,
    pub(crate) tokens: Arc<Tokens>,
    /// What is begun by a request and outlives it goes on in its tracker, until it ends or is aborted.
    pub(crate) life: Life,
    look_ups: LookUps,
}

impl App {
    pub(crate) fn new(site: Arc<Site>, life: Life) -> Self {
        let tokens = Arc::new(Tokens::new(site.host().runner().store.clone()));
        Self { site, tokens, life, look_ups: LookUps::default() }
    }

    fn now(&self) -> DateTime<Utc> {
        self.site.host().now()
    }
}

/// Every route there is.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route(workers::PATH, get(workers::list))
        .route(worker::PATH, get(worker::show))
        .route(runs::PATH, get(runs::list))
        .route(runs::ONE_PATH, get(runs::show))
        .route(jobs::PATH, post(jobs::start))
        .route(evaluation::PATH, post(evaluation::one))
        .route(evaluation::BATCH_PATH, post(evaluation::batch))
        .route(discovery::PATH, get(discovery::of_the_caller))
        .route(discovery::TENANT_PATH, get(discovery::of_a_tenant))
        .route(openapi::PATH, get(openapi::document))
        .merge(health::routes())
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::no_such_path)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn(around))
        .with_state(app)
}

/// What holds of every answer: the caller's own id of the request comes back (AuthZEN 1.0, "Request Identification"), and
/// nobody between here and the caller keeps an answer about a person.
async fn around(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
