//! The promises of `http.wit`, kept against a real server.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as Incoming, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response as Outgoing};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::config::SettingValue;
use crate::description::{Encoding, Parameter, Scheme, Source};

mod cut;
mod grants;
mod limits;
mod log;
mod login;
mod network;
mod redirect;
mod throttle;

/// One call as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Answerer = Arc<dyn Fn(&Seen) -> Outgoing + Send + Sync>;

/// A server that remembers what it saw.
struct Server {
    url: Url,
    state: Arc<ServerState>,
}

struct ServerState {
    seen: Mutex<Vec<Seen>>,
    answer: Answerer,
    delay: Duration,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl Server {
    async fn start(answer: impl Fn(&Seen) -> Outgoing + Send + Sync + 'static) -> Self {
        Self::slow(Duration::ZERO, answer).await
    }

    async fn slow(delay: Duration, answer: impl Fn(&Seen) -> Outgoing + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let state = Arc::new(ServerState {
            seen: Mutex::default(),
            answer: Arc::new(answer),
            delay,
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(take).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// Answers from a list, in order; the last one stays.
    async fn script(answers: Vec<fn() -> Outgoing>) -> Self {
        let answers = Mutex::new(VecDeque::from(answers));
        Self::start(move |_| {
            let mut answers = answers.lock().unwrap();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
            answer.unwrap()()
        })
        .await
    }

    fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.uri.path() == path).count()
    }

    fn config(&self) -> ConnectionConfig {
        ConnectionConfig::new("alpha", self.url.clone())
    }

    fn connections(&self) -> Connections {
        Connections::new([&self.config()]).unwrap()
    }
}

async fn take(State(state): State<Arc<ServerState>>, request: Incoming) -> Outgoing {
    let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
    state.most_open.fetch_max(open, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    let seen = Seen { method: head.method, uri: head.uri, headers: head.headers, body };
    state.seen.lock().unwrap().push(seen.clone());
    tokio::time::sleep(state.delay).await;
    let answer = (state.answer)(&seen);
    state.open.fetch_sub(1, Ordering::SeqCst);
    answer
}

fn status(code: u16) -> Outgoing {
    with(code, &[], "")
}

fn with(code: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Outgoing {
    let mut response = axum::http::Response::builder().status(code);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap().into_response()
}

fn json(code: u16, body: &'static str) -> Outgoing {
    with(code, &[("content-type", "application/json"), ("x-request", "r-1")], body)
}

fn scheme() -> Scheme {
    let setting = |name: &str| Parameter { name: name.replace('-', "_"), value: Source::Setting(name.to_owned()) };
    Scheme {
        name: "plain".to_owned(),
        summary: String::new(),
        token: Source::Literal("/token".to_owned()),
        encoding: Encoding::Form,
        parameters: vec![
            Parameter { name: "grant_type".to_owned(), value: Source::Literal("password".to_owned()) },
            setting("client-id"),
            setting("password"),
            setting("realm"),
        ],
        headers: vec![Parameter { name: "x-app".to_owned(), value: Source::Setting("app".to_owned()) }],
        basic: None,
        busy_code: Some("BUSY-1".to_owned()),
    }
}

const PASSWORD: &str = "pa/ss wö\"rd1";

fn with_login(server: &Server, scheme: Scheme) -> ConnectionConfig {
    let mut config = server.config();
    config.scheme = Some(scheme);
    config.settings.insert("client-id".to_owned(), SettingValue::Plain("me & you".to_owned()));
    config.settings.insert("password".to_owned(), SettingValue::Secret(SecretString::from(PASSWORD)));
    config.request_id_header = Some("x-request".to_owned());
    config
}

/// A server whose tokens are `token-0`, `token-1` …, and whose data calls go to `data`.
async fn token_server(data: impl Fn(&Seen) -> Outgoing + Send + Sync + 'static) -> Server {
    let logins = AtomicUsize::new(0);
    Server::start(move |seen| match seen.uri.path() {
        "/token" => {
            let body = format!(r#"{{"access_token":"token-{}","expires_in":1799}}"#, logins.fetch_add(1, Ordering::SeqCst));
            with(200, &[], body)
        }
        _ => data(seen),
    })
    .await
}

async fn get(connections: &Connections, path: &str) -> Result<Response, HttpError> {
    connections.send(Request::get("alpha", path)).await
}

fn post(path: &str) -> Request {
    Request { method: "POST".to_owned(), repeat_safe: false, body: "hello".into(), ..Request::get("alpha", path) }
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.to_vec()).unwrap()
}

/// The calls that were told.
#[derive(Default)]
struct Records(Mutex<Vec<CallRecord>>);

impl CallLog for Records {
    fn on_call(&self, record: CallRecord) {
        self.0.lock().unwrap().push(record);
    }
}
