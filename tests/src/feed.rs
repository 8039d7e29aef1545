//! A feed of punches as plain JSON pages, behind a key: what the example of an extension reads.
//!
//! It knows nothing of people or shifts; a punch is what a test puts there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::calls::Calls;
use crate::fault::Faults;
use crate::server::{Manner, Server};

/// Where the feed is.
pub const FEED_PATH: &str = "/punches";

/// What opens it, in the header `x-api-key`.
pub const FEED_KEY: &str = "Fd3Kx8Qv1Nz6Tm9Lw";

/// Punches a page.
const PAGE: usize = 3;

/// A running feed. Dropping it stops it.
#[derive(Debug)]
pub struct FeedSim {
    server: Server,
    punches: Punches,
}

#[derive(Debug, Clone, Default)]
struct Punches(Arc<Mutex<Vec<Value>>>);

impl Punches {
    fn list(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FeedSim {
    /// Starts on a free port of loopback, with nothing in it.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> Result<Self> {
        let punches = Punches::default();
        let router = Router::new().route(FEED_PATH, get(page)).with_state(punches.clone());
        Ok(Self { server: Server::start("127.0.0.1:0", router, Manner::default()).await?, punches })
    }

    /// Adds a punch at the end.
    pub fn punch(&self, user: &str, at: DateTime<Utc>, is_in: bool) {
        self.add(json!({ "user": user, "at": at.to_rfc3339_opts(SecondsFormat::Millis, true), "in": is_in }));
    }

    /// Adds whatever stands for a punch at the end.
    pub fn add(&self, punch: Value) {
        self.punches.list().push(punch);
    }

    /// Takes the last one away.
    pub fn take_back(&self) {
        self.punches.list().pop();
    }

    /// The base URL.
    pub fn url(&self) -> String {
        self.server.url()
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
}

async fn page(State(punches): State<Punches>, headers: HeaderMap, Query(query): Query<HashMap<String, String>>) -> Response {
    if headers.get("x-api-key").is_none_or(|key| key.as_bytes() != FEED_KEY.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let begin = match query.get("cursor").map(|cursor| cursor.parse::<usize>()) {
        None => 0,
        Some(Ok(begin)) => begin,
        Some(Err(_)) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let list = punches.list();
    let on_page: Vec<_> = list.iter().skip(begin).take(PAGE).cloned().collect();
    let next = Some(begin + PAGE).filter(|next| *next < list.len()).map(|next| next.to_string());
    Json(json!({ "punches": on_page, "next": next })).into_response()
}
