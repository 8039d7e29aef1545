//! The UKG Pro WFM simulator: logins, people, timecards, punches, the on-premise data read, zones.
//!
//! It is as strict as the fact sheet says UKG is: an unknown property, a list that is too long, a token it did not issue are
//! refused. Whatever the sheet only infers is a field of [`UkgSwitches`]. It decides no status; it shows what the world holds.

mod answer;
mod data;
mod everybody;
mod guard;
mod people;
mod punches;
mod select;
mod switches;
#[cfg(test)]
mod tests;
mod timecard;
mod token;
mod zones;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use serde_json::Value;

use crate::calls::Calls;
use crate::fault::Faults;
use crate::server::{Manner, Server};
use crate::world::World;

pub use switches::{HiddenPeople, ListLimit, Login, OpenEnd, Partial, PeoplePartial, UkgSwitches, ZoneAnswer};
pub use token::UkgCredentials;

/// The classic token endpoint.
pub const TOKEN_PATH: &str = "/api/authentication/access_token";
/// The token endpoint of tenants with Client Management.
pub const UKG_TOKEN_PATH: &str = "/oauth/token";
/// Who the API user is.
pub const CURRENT_USER_PATH: &str = "/api/v1/commons/persons/current_user_info";
/// People by user name, number, id or badge.
pub const PEOPLE_PATH: &str = "/api/v1/commons/persons/extensions/multi_read";
/// Everybody, page by page and without user names.
pub const EVERYBODY_PATH: &str = "/api/v1/commons/persons/apply_read";
/// The Information Access read, for `TK_ON_PREMISE`.
pub const DATA_PATH: &str = "/api/v1/commons/data/multi_read";
/// Punches in real time.
pub const PUNCHES_PATH: &str = "/api/v1/timekeeping/punches/apply_read";
/// Timecards of many people.
pub const TIMECARD_PATH: &str = "/api/v1/timekeeping/timecard/multi_read";
/// The zone list.
pub const ZONES_PATH: &str = "/api/v1/commons/setup/timezones";

const LISTS: &[&str] = &[
    "/where/employees/values",
    "/where/employees/qualifiers",
    "/where/employees/ids",
    "/where/employees/refs",
    "/from/employeeSet/employees/qualifiers",
    "/from/employeeSet/employees/ids",
    "/from/employeeSet/employees/refs",
];

/// A running UKG Pro WFM. Dropping it stops it.
#[derive(Debug)]
pub struct UkgSim {
    server: Server,
    ukg: Arc<Ukg>,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Ukg {
    world: World,
    credentials: UkgCredentials,
    switches: RwLock<UkgSwitches>,
    tokens: Mutex<token::Tokens>,
    /// Rows of earlier data reads by request tag.
    cache: Mutex<HashMap<String, Vec<Value>>>,
}

impl UkgSim {
    /// Starts on a free port of loopback.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(world: World) -> Result<Self> {
        Self::start_on(world, "127.0.0.1:0").await
    }

    /// Starts on this address; the demo and a test of an outage need one they can come back to.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_on(world: World, address: &str) -> Result<Self> {
        let ukg = Arc::new(Ukg {
            world,
            credentials: UkgCredentials::default(),
            switches: RwLock::new(UkgSwitches::default()),
            tokens: Mutex::default(),
            cache: Mutex::default(),
        });
        let manner = Manner { stamp: Some("kronos-tid"), lists: LISTS, most_bytes: Some(1024 * 1024) };
        let server = Server::start(address, router(ukg.clone()), manner).await?;
        Ok(Self { server, ukg })
    }

    /// The base URL.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The address, for starting again at the same place.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// What logs in.
    pub fn credentials(&self) -> &UkgCredentials {
        &self.ukg.credentials
    }

    /// The world it answers from.
    pub fn world(&self) -> &World {
        &self.ukg.world
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
    pub fn set(&self, change: impl FnOnce(&mut UkgSwitches)) {
        change(&mut self.ukg.switches.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every token issued so far dies, as after a restart of the gateway; refresh tokens too.
    pub fn revoke_tokens(&self) {
        self.ukg.tokens().revoke();
    }

    /// Every access and refresh token ever issued.
    pub fn issued_tokens(&self) -> Vec<String> {
        self.ukg.tokens().issued.clone()
    }

    /// Everything that must appear in no output: the credentials (as they are and their plain middle) and the tokens.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.ukg.credentials.secrets();
        secrets.extend(self.issued_tokens());
        secrets
    }

    /// Stops and frees the port.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Ukg {
    /// How it behaves now.
    pub(crate) fn switches(&self) -> UkgSwitches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, token::Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn router(ukg: Arc<Ukg>) -> Router {
    let data = Router::new()
        .route(CURRENT_USER_PATH, get(people::current_user))
        .route(PEOPLE_PATH, post(people::extensions))
        .route(EVERYBODY_PATH, post(everybody::read))
        .route(DATA_PATH, post(data::read))
        .route(PUNCHES_PATH, post(punches::read))
        .route(TIMECARD_PATH, post(timecard::read))
        .route(ZONES_PATH, get(zones::list))
        .route("/api/v1/commons/setup/timezones/{id}", get(zones::one))
        .layer(from_fn_with_state(ukg.clone(), guard::check));
    let login = Router::new().route(TOKEN_PATH, post(token::classic)).route(UKG_TOKEN_PATH, post(token::client_management));
    data.merge(login).fallback(answer::nothing_here).with_state(ukg)
}
