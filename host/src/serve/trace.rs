//! A span for each request, where somebody traces.
//!
//! It is named after the route, never after the path: that holds the names of users. A caller's `traceparent` makes it a
//! part of the caller's trace (W3C Trace Context).

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Instrument, Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The same routes, traced. Where nobody traces when the server begins, they are the very same.
pub(super) fn requests(router: Router) -> Router {
    if tracing::span_enabled!(Level::DEBUG) { router.layer(from_fn(traced)) } else { router }
}

async fn traced(request: Request, next: Next) -> Response {
    let span = span(&request);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown path", MatchedPath::as_str);
    let span = tracing::debug_span!(
        "request",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = Empty,
    );
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    // Without a layer that traces there is nothing to be part of.
    let _ = span.set_parent(caller);
    span
}
