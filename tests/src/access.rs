//! The Workspace ONE Access simulator: the OAuth token and the classic SCIM reads of users and groups.
//!
//! Lists are paged, filtered and cut down to the attributes asked for, as the API file says; where file and scripts differ, a
//! field of [`AccessSwitches`] decides. It writes nothing: membership changes by way of the world.

mod attributes;
mod filter;
mod resource;
mod scim;
#[cfg(test)]
mod tests;
mod token;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::time::Instant;

use crate::calls::Calls;
use crate::fault::Faults;
use crate::server::{Manner, Server};
use crate::world::World;

pub use token::AccessCredentials;

/// The token endpoint.
pub const TOKEN_PATH: &str = "/SAAS/auth/oauthtoken";
/// The list of groups; one group is below it.
pub const GROUPS_PATH: &str = "/SAAS/jersey/manager/api/scim/Groups";
/// The list of users; one user is below it.
pub const USERS_PATH: &str = "/SAAS/jersey/manager/api/scim/Users";
/// The same list for long filters, by POST.
pub const GROUPS_SEARCH_PATH: &str = "/SAAS/jersey/manager/api/scim/Groups/.search";
/// The same list for long filters, by POST.
pub const USERS_SEARCH_PATH: &str = "/SAAS/jersey/manager/api/scim/Users/.search";

/// How the simulated Access behaves where the fact sheet leaves room.
#[derive(Debug, Clone)]
pub struct AccessSwitches {
    /// The `startIndex` of the first entry: 1 (and 0 is taken for 1), or 0 (and 1 is the second entry).
    pub first_index: usize,
    /// Never more entries than this on a page, whatever `count` asks for.
    pub most_per_page: Option<usize>,
    /// A group's `members` hold the users of the groups inside it, too.
    pub flatten_nested: bool,
    /// `expires_in` in seconds; `None` leaves the field out.
    pub token_seconds: Option<u64>,
    /// The status for a client that is refused: 401, or 400.
    pub bad_client_status: u16,
    /// Filters compare texts in the same case only.
    pub filter_case_sensitive: bool,
    /// The list moves by one between two pages, so that one entry comes twice and another never.
    pub pages_move: bool,
}

impl Default for AccessSwitches {
    fn default() -> Self {
        Self {
            first_index: 1,
            most_per_page: None,
            flatten_nested: false,
            token_seconds: Some(10_799),
            bad_client_status: 401,
            filter_case_sensitive: false,
            pages_move: false,
        }
    }
}

/// A running Workspace ONE Access. Dropping it stops it.
#[derive(Debug)]
pub struct AccessSim {
    server: Server,
    access: Arc<Access>,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Access {
    world: World,
    credentials: RwLock<AccessCredentials>,
    switches: RwLock<AccessSwitches>,
    tokens: Mutex<Tokens>,
    pages: AtomicUsize,
}

/// Every token ever issued, and when the living ones die.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub living: HashMap<String, Instant>,
    pub issued: Vec<String>,
}

impl AccessSim {
    /// Starts on a free port of loopback.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(world: World) -> Result<Self> {
        Self::start_on(world, "127.0.0.1:0").await
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_on(world: World, address: &str) -> Result<Self> {
        let access = Arc::new(Access {
            world,
            credentials: RwLock::default(),
            switches: RwLock::default(),
            tokens: Mutex::default(),
            pages: AtomicUsize::new(0),
        });
        let server = Server::start(address, router(access.clone()), Manner::default()).await?;
        Ok(Self { server, access })
    }

    /// The base URL.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The address, for starting again at the same place.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// What logs in now.
    pub fn credentials(&self) -> AccessCredentials {
        self.access.credentials()
    }

    /// An administrator made a new shared secret: the old one and its tokens die.
    pub fn reset_secret(&self, secret: &str) {
        self.access.credentials.write().unwrap_or_else(PoisonError::into_inner).client_secret = secret.to_owned();
        self.revoke_tokens();
    }

    /// The world it answers from.
    pub fn world(&self) -> &World {
        &self.access.world
    }

    /// The fault switches.
    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// The call log.
    pub fn calls(&self) -> &Calls {
        self.server.calls()
    }

    /// Every answer takes at least this long.
    pub fn set_latency(&self, latency: Duration) {
        self.server.set_latency(latency);
    }

    /// Changes how it behaves, from the next call on.
    pub fn set(&self, change: impl FnOnce(&mut AccessSwitches)) {
        change(&mut self.access.switches.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every token issued so far dies.
    pub fn revoke_tokens(&self) {
        self.access.tokens().living.clear();
    }

    /// Every token ever issued.
    pub fn issued_tokens(&self) -> Vec<String> {
        self.access.tokens().issued.clone()
    }

    /// Everything that must appear in no output.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.credentials().secrets();
        secrets.extend(self.issued_tokens());
        secrets
    }

    /// Stops and frees the port.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Access {
    pub(crate) fn switches(&self) -> AccessSwitches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn credentials(&self) -> AccessCredentials {
        self.credentials.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts pages that are not the first of their list.
    pub(crate) fn turn_page(&self) -> usize {
        self.pages.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn router(access: Arc<Access>) -> Router {
    let scim = Router::new()
        .route(GROUPS_PATH, get(scim::groups))
        .route(USERS_PATH, get(scim::users))
        .route(GROUPS_SEARCH_PATH, post(scim::search_groups))
        .route(USERS_SEARCH_PATH, post(scim::search_users))
        .route("/SAAS/jersey/manager/api/scim/Groups/{id}", get(scim::group))
        .route("/SAAS/jersey/manager/api/scim/Users/{id}", get(scim::user))
        .layer(from_fn_with_state(access.clone(), token::check));
    let login = Router::new().route(TOKEN_PATH, post(token::issue));
    scim.merge(login).with_state(access)
}
