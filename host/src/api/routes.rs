//! The routes and their description, made together: what is served is described, and the other way round.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::openapi::PathItem;
use utoipa::openapi::path::{HttpMethod, Paths, PathsBuilder};

use super::App;

/// Routes, with what the document says of each.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<App>,
    paths: PathsBuilder,
}

impl Routes {
    /// Adds a handler under the path and the methods that its description names: the struct `__path_NAME` that stands beside
    /// a handler NAME with `#[utoipa::path]`.
    pub(super) fn add<P: utoipa::Path, H: Handler<T, App>, T: 'static>(self, _described: P, handler: H) -> Self {
        let path = P::path();
        let methods =
            P::methods().into_iter().fold(MethodRouter::new(), |routes, method| routes.merge(on(filter(&method), handler.clone())));
        let item = PathItem::from_http_methods(P::methods(), P::operation());
        Self { router: self.router.route(&path, methods), paths: self.paths.path(path, item) }
    }

    /// What is served, and what is said of it.
    pub(super) fn finish(self) -> (Router<App>, Paths) {
        (self.router, self.paths.build())
    }
}

/// A method of the description as one of the router.
fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}
