//! Every page there is: the method, the path, who may come, and what answers. One table for the router and for the test that
//! walks it with every role.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn;
use axum::routing::{MethodFilter, on};

use super::people::Role;
use super::{Console, guard, pages, problem, statics};

/// Who may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: only what leads to a session, and what every page needs.
    Public,
    /// Who has at least this role.
    Least(Role),
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The whole path, with the names of its parts in braces.
    pub path: &'static str,
    /// Who may come.
    pub access: Access,
}

/// The routes, with what is said of each.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<Console>,
    table: Vec<Route>,
}

const PUBLIC: Access = Access::Public;
const VIEWER: Access = Access::Least(Role::Viewer);
const OPERATOR: Access = Access::Least(Role::Operator);
const ADMINISTRATOR: Access = Access::Least(Role::Administrator);

/// Every page.
pub(super) fn pages() -> Routes {
    Routes::default()
        .get("/console/static/{name}", PUBLIC, statics::show)
        .get("/console/sign-in", PUBLIC, pages::sign_in::show)
        .post("/console/sign-in", PUBLIC, pages::sign_in::enter)
        .get("/console/sign-in/provider", PUBLIC, pages::single_sign_on::go)
        .get("/console/sign-in/return", PUBLIC, pages::single_sign_on::come_back)
        .get("/console/welcome/{link}", PUBLIC, pages::welcome::show)
        .post("/console/welcome/{link}", PUBLIC, pages::welcome::take)
        .post("/console/sign-out", VIEWER, pages::sign_in::leave)
        .get("/console", VIEWER, pages::overview::show)
        .get("/console/live/overview", VIEWER, pages::overview::follow)
        .get("/console/account", VIEWER, pages::account::show)
        .post("/console/account/password", VIEWER, pages::account::password)
        .post("/console/account/sessions", VIEWER, pages::account::end_sessions)
        .get("/console/people", ADMINISTRATOR, pages::people::show)
        .post("/console/people", ADMINISTRATOR, pages::people::add)
        .get("/console/people/{name}", ADMINISTRATOR, pages::person::show)
        .post("/console/people/{name}/role", ADMINISTRATOR, pages::person::role)
        .post("/console/people/{name}/link", ADMINISTRATOR, pages::person::link)
        .post("/console/people/{name}/sessions", ADMINISTRATOR, pages::person::end_sessions)
        .post("/console/people/{name}/remove", ADMINISTRATOR, pages::person::remove)
        .get("/console/install", ADMINISTRATOR, pages::tenant::install::show)
        .post("/console/install", ADMINISTRATOR, pages::tenant::install::install)
        .get("/console/tenants/{tenant}", VIEWER, pages::tenant::show)
        .get("/console/tenants/{tenant}/settings", VIEWER, pages::tenant::basics::show)
        .post("/console/tenants/{tenant}/settings", ADMINISTRATOR, pages::tenant::basics::save)
        .get("/console/tenants/{tenant}/connections/{connection}", VIEWER, pages::tenant::connection::show)
        .post("/console/tenants/{tenant}/connections/{connection}", ADMINISTRATOR, pages::tenant::connection::save)
        .get("/console/tenants/{tenant}/mail-server", VIEWER, pages::tenant::mail_server::show)
        .get("/console/tenants/{tenant}/properties", VIEWER, pages::tenant::properties::show)
        .post("/console/tenants/{tenant}/properties", ADMINISTRATOR, pages::tenant::properties::save)
        .get("/console/tenants/{tenant}/run", VIEWER, pages::tenant::run::show)
        .post("/console/tenants/{tenant}/jobs/{job}/run", OPERATOR, pages::tenant::run::start)
        .get("/console/live/tenants/{tenant}/jobs/{job}", VIEWER, pages::tenant::run::follow)
        .get("/console/tenants/{tenant}/schedule", ADMINISTRATOR, pages::tenant::schedule::show)
        .post("/console/tenants/{tenant}/schedule", ADMINISTRATOR, pages::tenant::schedule::save)
        .post("/console/tenants/{tenant}/schedule/remove", ADMINISTRATOR, pages::tenant::schedule::remove)
        .get("/console/tenants/{tenant}/versions", VIEWER, pages::tenant::versions::show)
        .post("/console/tenants/{tenant}/versions/{number}/restore", ADMINISTRATOR, pages::tenant::versions::restore)
        .get("/console/tenants/{tenant}/copy", ADMINISTRATOR, pages::tenant::copy::show)
        .post("/console/tenants/{tenant}/copy", ADMINISTRATOR, pages::tenant::copy::copy)
        .get("/console/tenants/{tenant}/export", ADMINISTRATOR, pages::tenant::standing::export)
        .post("/console/tenants/{tenant}/pause", ADMINISTRATOR, pages::tenant::standing::pause)
        .post("/console/tenants/{tenant}/resume", ADMINISTRATOR, pages::tenant::standing::resume)
        .post("/console/tenants/{tenant}/remove", ADMINISTRATOR, pages::tenant::standing::remove)
        .post("/console/tenants/{tenant}/restore", ADMINISTRATOR, pages::tenant::standing::restore)
        .get("/console/audit", ADMINISTRATOR, pages::audit::show)
        .get("/console/tenants/{tenant}/history", VIEWER, pages::watch::history::show)
        .get("/console/tenants/{tenant}/history/{run}", VIEWER, pages::watch::run::show)
        .get("/console/live/tenants/{tenant}/runs/{run}", VIEWER, pages::watch::run::follow)
        .post("/console/tenants/{tenant}/history/{run}/stop", OPERATOR, pages::watch::run::stop)
        .get("/console/tenants/{tenant}/workers", VIEWER, pages::watch::workers::show)
        .get("/console/tenants/{tenant}/workers/{user}", VIEWER, pages::watch::worker::show)
        .post("/console/tenants/{tenant}/workers/{user}/ask", OPERATOR, pages::watch::worker::ask)
        .get("/console/tenants/{tenant}/dead-letters", VIEWER, pages::watch::dead_letters::show)
        .get("/console/tenants/{tenant}/dead-letters/{letter}", VIEWER, pages::watch::dead_letters::one)
        .post("/console/tenants/{tenant}/dead-letters/{letter}/replay", OPERATOR, pages::watch::dead_letters::replay)
        .post("/console/tenants/{tenant}/dead-letters/{letter}/discard", OPERATOR, pages::watch::dead_letters::discard)
        .get("/console/tenants/{tenant}/day", VIEWER, pages::watch::day::show)
        .get("/console/tenants/{tenant}/alerts", VIEWER, pages::watch::alerts::show)
        .get("/console/tenants/{tenant}/what-if", VIEWER, pages::watch::what_if::show)
        .get("/console/tenants/{tenant}/identities", VIEWER, pages::watch::identities::show)
        .post("/console/tenants/{tenant}/identities/read", OPERATOR, pages::watch::identities::read)
        .get("/console/live/tenants/{tenant}/identities", VIEWER, pages::watch::identities::follow)
        .post("/console/tenants/{tenant}/identities/pin", ADMINISTRATOR, pages::watch::identities::pin)
        // What is nowhere else: somebody who is not signed in is led to the way in, as from a page that is there.
        .get("/console/", VIEWER, problem::no_such_page)
        .get("/console/{*rest}", VIEWER, problem::no_such_page)
}

/// The table, for who checks it.
pub fn table() -> Vec<Route> {
    pages().table
}

impl Routes {
    fn get<H: Handler<T, Console>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add("GET", MethodFilter::GET, path, access, handler)
    }

    fn post<H: Handler<T, Console>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add("POST", MethodFilter::POST, path, access, handler)
    }

    fn add<H, T>(mut self, method: &'static str, filter: MethodFilter, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.table.push(Route { method, path, access });
        let guarded = on(filter, handler).route_layer(from_fn(move |request, next| guard::at(access, request, next)));
        Self { router: self.router.route(path, guarded), table: self.table }
    }

    pub(super) fn into_router(self) -> Router<Console> {
        self.router
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_below_the_console_and_listed_once() {
        let mut seen = std::collections::BTreeSet::new();
        for route in table() {
            assert!(route.path == super::super::ROOT || route.path.starts_with("/console/"), "{}", route.path);
            assert!(seen.insert((route.method, route.path)), "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn nothing_but_the_way_in_is_public() {
        let public: Vec<_> = table().into_iter().filter(|route| route.access == Access::Public).map(|route| route.path).collect();
        let ways_in = ["/console/static/", "/console/sign-in", "/console/welcome/"];
        assert!(public.iter().all(|path| ways_in.iter().any(|way| path.starts_with(way))), "{public:?}");
    }
}
