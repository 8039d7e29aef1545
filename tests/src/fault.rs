//! Fault switches: what goes wrong, where, and from which call on. They can be set while a simulator runs.
//!
//! A fault is chosen before the simulator answers; it knows nothing of the simulator behind it. The ones that spoil an answer
//! half-way ([`Kind::Cut`], [`Kind::Truncated`]) let the simulator answer first and then break the connection under it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use futures::StreamExt;
use tokio::sync::watch;

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A status, with a body and headers of the test's choosing. The simulator is not asked.
    Status {
        /// The status code.
        code: u16,
        /// The body.
        body: String,
        /// Extra headers.
        headers: Vec<(String, String)>,
    },
    /// The right answer, late.
    Delay(Duration),
    /// The right answer, once the gate is open.
    Held(Gate),
    /// No answer, until the simulator stops or the caller gives up.
    Hang,
    /// The connection ends in the middle of the right answer.
    Cut,
    /// The answer promises its full length, half of it is sent, and the connection is closed.
    Truncated,
    /// A web page where JSON was expected.
    Html(u16),
    /// The right status with nothing in it.
    EmptyBody,
    /// The right status with something that only begins like JSON.
    NotJson,
    /// A 200 that says back what came: the headers and the body. The simulator is not asked.
    Echo,
}

/// Holds answers until the test lets them go. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// Lets go what waits, and whatever comes after it.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn opened(&self) {
        // The sender is in the gate itself.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

/// One fault: where, what, and for which of the matching calls.
#[derive(Debug, Clone)]
pub struct Fault {
    path: Match,
    method: Option<Method>,
    kind: Kind,
    skip: usize,
    times: Option<usize>,
    seen: usize,
}

#[derive(Debug, Clone)]
enum Match {
    Any,
    Exact(String),
    Prefix(String),
}

impl Fault {
    /// On exactly this path. Until a kind is chosen, it is a 500 without a body.
    pub fn on(path: &str) -> Self {
        Self::new(Match::Exact(path.to_owned()))
    }

    /// On every path that begins so.
    pub fn under(prefix: &str) -> Self {
        Self::new(Match::Prefix(prefix.to_owned()))
    }

    /// On every path.
    pub fn everywhere() -> Self {
        Self::new(Match::Any)
    }

    fn new(path: Match) -> Self {
        let kind = Kind::Status { code: 500, body: String::new(), headers: Vec::new() };
        Self { path, method: None, kind, skip: 0, times: None, seen: 0 }
    }

    /// Only with this method, such as `GET`; a word that is none matches nothing.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Method::from_bytes(method.as_bytes()).ok();
        self
    }

    /// What goes wrong.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// This status, with nothing in it.
    pub fn status(self, code: u16) -> Self {
        self.answer(code, "")
    }

    /// This status and body; JSON if it looks like it.
    pub fn answer(self, code: u16, body: &str) -> Self {
        self.kind(Kind::Status { code, body: body.to_owned(), headers: Vec::new() })
    }

    /// One more header on a [`Fault::status`] or [`Fault::answer`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Kind::Status { headers, .. } = &mut self.kind {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// 429 or 503 with `Retry-After` in seconds.
    pub fn retry_after(self, code: u16, seconds: u64) -> Self {
        self.status(code).header(RETRY_AFTER.as_str(), &seconds.to_string())
    }

    /// UKG's spike arrest on the token endpoint: 503, `GTW-ERROR-012`, `Retry-After`.
    pub fn token_spike(self, seconds: u64) -> Self {
        let body = r#"{"errorCode":"GTW-ERROR-012","message":"There was a spike in token requests. Please try again later."}"#;
        self.answer(503, body).header(RETRY_AFTER.as_str(), &seconds.to_string())
    }

    /// A redirect, as a login page elsewhere would want it.
    pub fn redirect(self, to: &str) -> Self {
        self.status(302).header(LOCATION.as_str(), to)
    }

    /// The right answer, so much later.
    pub fn delay(self, by: Duration) -> Self {
        self.kind(Kind::Delay(by))
    }

    /// The right answer, once the gate is open.
    pub fn held(self, gate: &Gate) -> Self {
        self.kind(Kind::Held(gate.clone()))
    }

    /// No answer.
    pub fn hang(self) -> Self {
        self.kind(Kind::Hang)
    }

    /// The connection ends in the middle of the answer.
    pub fn cut(self) -> Self {
        self.kind(Kind::Cut)
    }

    /// Half of the promised length.
    pub fn truncated(self) -> Self {
        self.kind(Kind::Truncated)
    }

    /// A web page.
    pub fn html(self, code: u16) -> Self {
        self.kind(Kind::Html(code))
    }

    /// A body with nothing in it.
    pub fn empty_body(self) -> Self {
        self.kind(Kind::EmptyBody)
    }

    /// A body that is no JSON.
    pub fn not_json(self) -> Self {
        self.kind(Kind::NotJson)
    }

    /// Lets so many matching calls through first.
    pub fn after(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// Heals after so many faulty calls.
    pub fn times(mut self, calls: usize) -> Self {
        self.times = Some(calls);
        self
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let here = match &self.path {
            Match::Any => true,
            Match::Exact(exact) => exact == path,
            Match::Prefix(prefix) => path.starts_with(prefix),
        };
        here && self.method.as_ref().is_none_or(|wanted| wanted == method)
    }

    /// Counts a matching call and says whether it is one that fails.
    fn strikes(&mut self) -> bool {
        self.seen += 1;
        self.seen > self.skip && self.times.is_none_or(|times| self.seen <= self.skip + times)
    }
}

/// The faults of one simulator; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    list: Arc<Mutex<Vec<Fault>>>,
}

impl Faults {
    /// Adds a fault. Where several strike at once, the oldest wins; all of them count the call.
    pub fn add(&self, fault: Fault) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Heals everything.
    pub fn clear(&self) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn pick(&self, method: &Method, path: &str) -> Option<Kind> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        for fault in list.iter_mut().filter(|fault| fault.matches(method, path)) {
            if fault.strikes() && struck.is_none() {
                struck = Some(fault.kind.clone());
            }
        }
        struck
    }
}

/// The answer of a fault that needs no simulator.
pub(crate) fn instead(kind: &Kind) -> Option<Response<Body>> {
    let (code, body, headers) = match kind {
        Kind::Status { code, body, headers } => (*code, body.clone(), headers.as_slice()),
        Kind::Html(code) => {
            (*code, "<!DOCTYPE html><html><head><title>Sign in</title></head><body>…</body></html>".to_owned(), [].as_slice())
        }
        _ => return None,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !body.is_empty() {
        let media = if body.starts_with(['{', '[']) { "application/json;charset=UTF-8" } else { "text/html;charset=UTF-8" };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    add_headers(response.headers_mut(), headers);
    *response.body_mut() = Body::from(body);
    Some(response)
}

/// Spoils an answer that the simulator gave.
pub(crate) async fn spoil(kind: &Kind, response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(CONTENT_LENGTH);
    let body = match kind {
        Kind::EmptyBody => Body::empty(),
        Kind::NotJson => Body::from("{\"status\": \"ok\", <!-- "),
        Kind::Cut => broken(&whole, true),
        Kind::Truncated => {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len().max(2)));
            broken(&whole, false)
        }
        _ => Body::from(whole),
    };
    Response::from_parts(parts, body)
}

/// Half of the bytes, then an error (which drops the connection) or the end (which is too early for the promised length).
fn broken(whole: &Bytes, with_error: bool) -> Body {
    let half = Ok(whole.slice(..whole.len() / 2));
    // The pause lets the first half leave the machine, so that the caller really sees a beginning.
    let rest = futures::stream::once(tokio::time::sleep(Duration::from_millis(20)));
    let rest = rest.filter_map(move |()| async move { with_error.then(|| Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))) });
    Body::from_stream(futures::stream::once(async { half }).chain(rest))
}

fn add_headers(map: &mut HeaderMap, headers: &[(String, String)]) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            map.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_strikes_and_heals() {
        let faults = Faults::default();
        faults.add(Fault::on("/a").method("GET").status(503).after(1).times(2));
        let strikes = |method: &Method, path: &str| faults.pick(method, path).is_some();
        assert!(!strikes(&Method::POST, "/a") && !strikes(&Method::GET, "/a/b"));
        let calls: Vec<bool> = (0..5).map(|_| strikes(&Method::GET, "/a")).collect();
        assert_eq!(calls, [false, true, true, false, false]);
    }

    #[test]
    fn a_prefix_and_a_clear() {
        let faults = Faults::default();
        faults.add(Fault::under("/api/").hang());
        assert!(faults.pick(&Method::GET, "/api/x").is_some());
        faults.clear();
        assert!(faults.pick(&Method::GET, "/api/x").is_none());
    }
}
