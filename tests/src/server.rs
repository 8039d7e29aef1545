//! What both HTTP simulators stand on: a listener on loopback, the call log, the fault switches and the fixed latency.
//!
//! Everything goes over real TCP. It knows no path and no body of UKG's or Workspace ONE's; it is told where their lists stand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::calls::Calls;
use crate::fault::{Faults, Kind, instead, spoil};

/// More than any simulator accepts; a guard against a client gone wild.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What a simulator tells its server about itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// A header (in lower case) that every answer carries with a value of its own, faulty answers too.
    pub stamp: Option<&'static str>,
    /// JSON pointers to the lists whose length the call log notes.
    pub lists: &'static [&'static str],
    /// The longest body in bytes; longer ones get 413.
    pub most_bytes: Option<usize>,
}

/// A running server. Dropping it stops it; calls under way end, also hanging ones.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    manner: Manner,
    calls: Calls,
    faults: Faults,
    latency_us: AtomicU64,
    answers: AtomicU64,
    stop: CancellationToken,
}

impl Server {
    /// Binds and serves. The address is usually `127.0.0.1:0`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(address: &str, router: Router, manner: Manner) -> Result<Self> {
        crate::tls();
        let listener = TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            manner,
            calls: Calls::default(),
            faults: Faults::default(),
            latency_us: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            stop: CancellationToken::new(),
        });
        let router = router.layer(from_fn_with_state(shared.clone(), pass));
        let stop = shared.stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            // An error here means that the listener is gone, and then there is nobody left to tell.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stop).await;
        });
        Ok(Self { address, shared, task: Some(task) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The call log.
    pub fn calls(&self) -> &Calls {
        &self.shared.calls
    }

    /// The fault switches.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Every answer takes at least this long from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.latency_us.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Stops listening and waits until the port is free.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// What happens around every answer: log, wait, fail or ask the simulator.
async fn pass(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, MOST_BYTES).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let open = shared.calls.open(&parts, &bytes, listed(&shared.manner, &bytes));
    let kind = shared.faults.pick(&parts.method, parts.uri.path());
    let answer = async {
        tokio::time::sleep(Duration::from_micros(shared.latency_us.load(Ordering::Relaxed))).await;
        answer(&shared, kind, Request::from_parts(parts, Body::from(bytes.clone())), bytes.len(), next).await
    };
    let mut response = tokio::select! {
        response = answer => response,
        () = shared.stop.cancelled() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    shared.stamp(&mut response);
    open.answered(response.status().as_u16());
    response
}

async fn answer(shared: &Shared, kind: Option<Kind>, request: Request, length: usize, next: Next) -> Response {
    match &kind {
        Some(Kind::Hang) => std::future::pending::<()>().await,
        Some(Kind::Held(gate)) => gate.opened().await,
        Some(Kind::Delay(by)) => tokio::time::sleep(*by).await,
        Some(Kind::Echo) => return echo(request).await,
        _ => {}
    }
    if let Some(response) = kind.as_ref().and_then(instead) {
        return response;
    }
    if shared.manner.most_bytes.is_some_and(|most| length > most) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let response = next.run(request).await;
    match &kind {
        Some(kind) => spoil(kind, response).await,
        None => response,
    }
}

/// Says back what came.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let header = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    let headers: String = parts.headers.iter().map(header).collect();
    format!("{headers}\n{}", String::from_utf8_lossy(&body)).into_response()
}

impl Shared {
    fn stamp(&self, response: &mut Response) {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let value = HeaderValue::try_from(format!("sim-{number:08x}"));
        if let (Some(name), Ok(value)) = (self.manner.stamp, value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// The length of the first list that stands where the simulator's lists stand.
fn listed(manner: &Manner, bytes: &Bytes) -> Option<usize> {
    if manner.lists.is_empty() || bytes.is_empty() {
        return None;
    }
    let body: Value = serde_json::from_slice(bytes).ok()?;
    manner.lists.iter().find_map(|pointer| body.pointer(pointer).and_then(Value::as_array).map(Vec::len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use axum::routing::get;

    async fn server() -> Server {
        let router = Router::new()
            .route("/slow", get(|| async { tokio::time::sleep(Duration::from_millis(30)).await }))
            .route("/text", get(|| async { "0123456789".repeat(1000) }));
        Server::start("127.0.0.1:0", router, Manner { stamp: Some("kronos-tid"), ..Manner::default() }).await.unwrap()
    }

    async fn fetch(server: &Server, path: &str) -> reqwest::Result<(u16, String)> {
        let answer = crate::testing::client().get(format!("{}{path}", server.url())).timeout(Duration::from_secs(5)).send().await?;
        let status = answer.status().as_u16();
        assert!(answer.headers().contains_key("kronos-tid"));
        Ok((status, answer.text().await?))
    }

    #[tokio::test]
    async fn the_most_calls_at_once_are_counted() {
        let server = server().await;
        let calls = (0..5).map(|_| fetch(&server, "/slow"));
        assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
        assert_eq!((server.calls().total(), server.calls().max_in_flight(), server.calls().in_flight()), (5, 5, 0));
        server.calls().forget();
        for _ in 0..3 {
            fetch(&server, "/slow").await.unwrap();
        }
        assert_eq!((server.calls().count_to("/slow"), server.calls().max_in_flight()), (3, 1));
    }

    #[tokio::test]
    async fn a_cut_and_a_truncated_answer_break_off() {
        let server = server().await;
        server.faults().add(Fault::on("/text").cut().times(1));
        server.faults().add(Fault::on("/text").truncated().after(1).times(1));
        for _ in 0..2 {
            // The status arrives, the rest does not.
            let answer = crate::testing::client().get(format!("{}/text", server.url())).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.text().await.is_err());
        }
        assert_eq!(fetch(&server, "/text").await.unwrap().1.len(), 10_000);
    }

    #[tokio::test]
    async fn a_hanging_call_ends_with_the_server() {
        let server = server().await;
        server.faults().add(Fault::on("/text").hang());
        let url = format!("{}/text", server.url());
        let call = tokio::spawn(crate::testing::client().get(url).send());
        while server.calls().in_flight() == 0 {
            tokio::task::yield_now().await;
        }
        let calls = server.calls().clone();
        server.stop().await;
        let _ = tokio::time::timeout(Duration::from_secs(5), call).await.unwrap();
        assert_eq!(calls.in_flight(), 0);
    }

    #[tokio::test]
    async fn a_gate_holds_the_right_answer_until_it_is_opened() {
        let (server, gate) = (server().await, crate::fault::Gate::default());
        server.faults().add(Fault::on("/text").held(&gate));
        let call = async {
            let answer = crate::testing::client().get(format!("{}/text", server.url())).send().await.unwrap();
            answer.text().await.unwrap()
        };
        let opened = async {
            while server.calls().in_flight() == 0 {
                tokio::task::yield_now().await;
            }
            gate.open();
        };
        let (text, ()) = tokio::join!(call, opened);
        assert_eq!(text.len(), 10_000);
        assert_eq!(fetch(&server, "/text").await.unwrap().0, 200, "and stays open");
    }

    #[tokio::test]
    async fn faults_answer_in_the_simulators_place() {
        let server = server().await;
        server.faults().add(Fault::on("/text").token_spike(7).times(1));
        server.faults().add(Fault::on("/text").html(200).after(1).times(1));
        server.faults().add(Fault::on("/text").empty_body().after(2).times(1));
        server.faults().add(Fault::on("/text").not_json().after(3).times(1));
        let (status, body) = fetch(&server, "/text").await.unwrap();
        assert!(status == 503 && body.contains("GTW-ERROR-012"));
        assert!(fetch(&server, "/text").await.unwrap().1.starts_with("<!DOCTYPE"));
        assert_eq!(fetch(&server, "/text").await.unwrap(), (200, String::new()));
        assert!(serde_json::from_str::<Value>(&fetch(&server, "/text").await.unwrap().1).is_err());
        server.faults().add(Fault::on("/text").kind(Kind::Echo));
        assert!(fetch(&server, "/text").await.unwrap().1.contains(&format!("host: {}\n", server.address())));
    }

    #[tokio::test]
    async fn latency_holds_every_answer() {
        let server = server().await;
        server.set_latency(Duration::from_millis(40));
        let begin = tokio::time::Instant::now();
        fetch(&server, "/text").await.unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(40));
        let took = server.calls().all()[0].took.unwrap();
        assert!(took >= Duration::from_millis(40));
    }
}
