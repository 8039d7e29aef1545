//! The API: REST for people and programs that look, AuthZEN for programs that ask whether somebody may.
//!
//! A route reads the request, calls what does the work, and writes the answer: one resource a file. What a pack's words
//! mean it does not know. A decision reads the store only, and costs no call to another system.
//!
//! Every error is a problem document (RFC 9457). Who calls is asked before anything of the request's body is read.

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::plugin::CallError;
use crate::scheduler::Life;
use crate::site::Site;
use crate::tenant::Tenant;
use crate::token::Tokens;

mod caller;
mod changes;
mod dead_letters;
mod discovery;
mod evaluation;
mod health;
mod hooks;
mod jobs;
mod openapi;
mod problem;
mod request;
mod routes;
mod runs;
mod worker;
mod workers;
mod writable;

use caller::Callers;
use changes::Feeds;
use evaluation::Questions;
use problem::Problem;
use routes::Routes;
use writable::Writable;

/// The longest body of a request, in bytes.
const LONGEST_BODY: usize = 1 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every route works on. Clones are the same; each request takes several.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// What they share.
pub(crate) struct Shared {
    pub(crate) site: Arc<Site>,
    pub(crate) tokens: Arc<Tokens>,
    /// What is begun by a request and outlives it goes on in its tracker, until it ends or is aborted.
    pub(crate) life: Life,
    callers: Callers,
    feeds: Feeds,
    questions: Questions,
    writable: Writable,
}

impl App {
    pub(crate) fn new(site: Arc<Site>, life: Life) -> Self {
        let tokens = Arc::new(Tokens::new(site.host().runner().store.clone()));
        let (callers, feeds, writable) = (Callers::default(), Feeds::default(), Writable::default());
        Self(Arc::new(Shared { site, tokens, life, callers, feeds, questions: Questions::default(), writable }))
    }

    fn now(&self) -> DateTime<Utc> {
        self.site.host().now()
    }

    fn metrics(&self) -> &Metrics {
        &self.site.host().runner().metrics
    }

    /// What a caller is told when a plugin was called and did not answer.
    fn failed(&self, tenant: &Tenant, error: &CallError) -> Problem {
        self.metrics().plugin_failed(&tenant.name, error);
        Problem::of_call(tenant, error)
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Every route there is, with its description.
fn routes() -> Routes {
    Routes::default()
        .add(workers::__path_list, workers::list)
        .add(worker::__path_show, worker::show)
        .add(changes::__path_follow, changes::follow)
        .add(runs::__path_list, runs::list)
        .add(runs::__path_show, runs::show)
        .add(jobs::__path_start, jobs::start)
        .add(hooks::__path_receive, hooks::receive)
        .add(dead_letters::__path_list, dead_letters::list)
        .add(dead_letters::__path_replay, dead_letters::replay)
        .add(dead_letters::__path_discard, dead_letters::discard)
        .add(evaluation::__path_one, evaluation::one)
        .add(evaluation::__path_batch, evaluation::batch)
        .add(discovery::__path_of_the_caller, discovery::of_the_caller)
        .add(discovery::__path_of_a_tenant, discovery::of_a_tenant)
        .add(openapi::__path_show, openapi::show)
        .add(health::__path_healthz, health::healthz)
        .add(health::__path_readyz, health::readyz)
        .add(health::__path_metrics, health::metrics)
}

/// What answers on every route.
pub(crate) fn router(app: App) -> Router {
    let (router, _) = routes().finish();
    router
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::no_such_path)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app)
}

/// What holds of every answer: the caller's own id of the request comes back (AuthZEN 1.0, "Request Identification"), and
/// nobody between here and the caller keeps an answer about a person. Each is counted, under the template of its route.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request.headers().get(REQUEST_ID).cloned();
    let route = request.extensions().get::<MatchedPath>().map(|path| Arc::from(path.as_str()));
    let method = request.method().clone();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    app.metrics().answered(route, &method, response.status().as_u16(), began.elapsed());
    response
}
