//! What changes, as it changes: server-sent events, to be taken up again where they were left.
//!
//! Every change has a number, and the plugin keeps the last some thousand. A stream goes from number to number, so nothing
//! is left out or told twice. Where what comes next is no longer kept, an event `reset` says so: the client reads the list
//! anew, and the stream goes on from there.
//!
//! A stream holds a few events at most. Who does not take them for half a minute is cut off, and may come back to where it was.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::caller::{self, Reader};
use super::problem::Problem;
use super::request::Asked;
use crate::answer::{Entry, RosterChange, RosterChanges};
use crate::metrics::Open;
use crate::tenant::Tenant;

mod feed;

pub(super) use feed::Feeds;
use feed::Follower;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/changes";

/// The header by which a browser says where it left off.
const LAST_EVENT_ID: &str = "last-event-id";
/// How often a line is sent that says nothing, and the caller's token looked at again.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client shall wait before it comes back.
const RETRY: Duration = Duration::from_secs(3);
/// Events that wait for a client at most.
const WAITING: usize = 16;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The number of the last change that is known; the header goes before it. Without either the stream begins now.
    after: Option<u64>,
}

/// What an event of a stream says in its data.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 42,
    "user": "adiaz",
    "worker": {
        "tenant": "acme",
        "user": "adiaz",
        "person_number": "100007",
        "status": "on-shift",
        "reason": "clocked-in",
        "since": "2026-03-01T05:45:00Z",
        "observed_at": "2026-03-01T09:00:00Z",
        "age_seconds": 42,
        "source": { "run": "019526f3-bf60-7000-8000-0123456789ab", "kind": "batch" },
        "evidence": []
    }
}))]
pub(super) struct Change {
    /// The number of the change, as the id of the event.
    id: u64,
    /// Whose record it is; none in a `reset`.
    #[schema(required)]
    user: Option<String>,
    /// The record; none in a `removed` and in a `reset`.
    #[schema(required)]
    worker: Option<Entry>,
}

/// Each change of a record, as it comes: server-sent events `changed`, `removed` and `reset`.
///
/// An event `reset` says that what comes next is not known any more: read the list anew. Its id is where the stream goes on.
#[utoipa::path(get, path = PATH, operation_id = "followChanges", tag = "records",
    params(Wanted, ("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that came; the next one follows.")),
    responses(
        (status = 200, description = "A stream without end. The data of each event is a Change.", content_type = "text/event-stream", body = String),
        (status = 400), (status = 404), (status = 500), (status = 502), (status = 503), (status = 504),
    )
)]
pub(super) async fn follow(
    State(app): State<App>,
    Reader(tenant): Reader,
    Asked(wanted): Asked<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let left = left_off(&headers)?.or(wanted.after);
    if app.life.stop.is_cancelled() {
        return Err(Problem::stopping());
    }
    let follower = app.feeds.join(&app, &tenant).await?;
    // Told by the plugin now, not by the feed: what is stored before the answer begins is in the list.
    let now = feed::read(&app, &tenant, left.unwrap_or(0), 1).await?;
    let after = left.unwrap_or(now.latest);
    let open = app.metrics().stream(&tenant.name);
    let (events, mut waiting) = mpsc::channel(WAITING);
    let streaming = Streaming { app, tenant, headers, follower, after, events, _open: open };
    tokio::spawn(streaming.run());
    let events = futures::stream::poll_fn(move |context| waiting.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
    // A proxy is not to wait until it has a page full of events.
    Ok(([("x-accel-buffering", "no")], Sse::new(events)).into_response())
}

/// Where the client left off, if it says so.
fn left_off(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|text| text.parse().ok());
    let wrong = || Problem::bad_request("the header Last-Event-ID is no number of a change: leave it out to begin now");
    number.map(Some).ok_or_else(wrong)
}

/// One stream, and how far it is.
struct Streaming {
    app: App,
    tenant: Tenant,
    /// With the token, which may be revoked.
    headers: HeaderMap,
    follower: Follower,
    /// The last change that was told.
    after: u64,
    events: mpsc::Sender<Event>,
    _open: Open,
}

/// Why a stream ends. Nobody is told: the client comes back, and learns it then.
struct Ended;

impl Streaming {
    async fn run(mut self) {
        let stop = self.app.life.stop.clone();
        let gone = self.events.clone();
        tokio::select! {
            _ = self.tell() => {}
            () = stop.cancelled() => {}
            () = gone.closed() => {}
        }
    }

    async fn tell(&mut self) -> Result<(), Ended> {
        // A client that is cut off before the first change knows where it was all the same.
        self.send(Event::default().id(self.after.to_string()).retry(RETRY).comment("")).await?;
        let mut alive = tokio::time::interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.follower.tail.mark_changed();
        loop {
            tokio::select! {
                changed = self.follower.tail.changed() => {
                    changed.map_err(|_| Ended)?;
                    self.catch_up().await?;
                }
                _ = alive.tick() => self.stay().await?,
            }
        }
    }

    /// Tells all there is to tell.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        let tail = self.follower.tail.borrow_and_update().clone();
        if tail.after == self.after {
            self.tell_all(&tail.found).await?;
        }
        // Who is where the feed is has nothing to read.
        while self.after != self.follower.tail.borrow().found.latest {
            let found = feed::read(&self.app, &self.tenant, self.after, feed::PAGE).await.map_err(|_| Ended)?;
            if found.latest == self.after {
                break;
            }
            self.tell_all(&found).await?;
        }
        Ok(())
    }

    /// Tells some changes, or that what is between is lost.
    async fn tell_all(&mut self, found: &RosterChanges) -> Result<(), Ended> {
        let lost = match found.items.first() {
            // Where what follows is no longer kept, the plugin begins with the oldest that is.
            Some(first) => first.id != self.after.saturating_add(1),
            // A number that the plugin has not come to is of another store.
            None => found.latest != self.after,
        };
        if lost {
            self.after = found.latest;
            let change = Change { id: found.latest, user: None, worker: None };
            return self.send(event("reset", &change)).await;
        }
        for change in &found.items {
            let event = told(change, self.app.now());
            self.send(event).await?;
            self.after = change.id;
        }
        Ok(())
    }

    /// Says that the stream is there, unless its caller may follow no more.
    async fn stay(&mut self) -> Result<(), Ended> {
        match caller::still(&self.app, &self.headers, &self.tenant.name).await {
            Some(tenant) => self.tenant = tenant,
            None => return Err(Ended),
        }
        self.send(Event::default().comment("")).await
    }

    async fn send(&self, event: Event) -> Result<(), Ended> {
        self.events.send_timeout(event, PATIENCE).await.map_err(|_| Ended)
    }
}

/// The event of a change; the age is as of now.
fn told(change: &RosterChange, now: DateTime<Utc>) -> Event {
    let RosterChange { id, user, entry } = change;
    let age = |entry: &Entry| entry.observed_at.and_then(|at| u64::try_from((now - at).num_seconds()).ok()).or(entry.age_seconds);
    let worker = entry.as_ref().map(|entry| Entry { age_seconds: age(entry), ..entry.clone() });
    let name = if worker.is_some() { "changed" } else { "removed" };
    event(name, &Change { id: *id, user: Some(user.clone()), worker })
}

fn event(name: &str, change: &Change) -> Event {
    // JSON on one line, as an event wants it.
    let data = serde_json::to_string(change).unwrap_or_default();
    Event::default().id(change.id.to_string()).event(name).data(data)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn where_a_client_left_off_is_a_number_or_nothing() {
        let asked = |text: &str| left_off(&HeaderMap::from_iter([(LAST_EVENT_ID.parse().unwrap(), HeaderValue::from_str(text).unwrap())]));
        assert_eq!(left_off(&HeaderMap::new()).unwrap(), None);
        for (text, number) in [("0", 0), ("42", 42), ("18446744073709551615", u64::MAX)] {
            assert_eq!(asked(text).unwrap(), Some(number));
        }
        for wrong in ["", "-1", "+1", "1.5", "x", "18446744073709551616"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}
