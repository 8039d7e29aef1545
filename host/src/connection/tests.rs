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

#[tokio::test]
async fn a_call_arrives_as_it_was_made_and_its_answer_comes_back() {
    let server = Server::start(|_| with(418, &[("X-Tea", "green"), ("set-cookie", "a=b")], "short")).await;
    let request =
        Request { query: vec![Field::new("filter", "name eq \"a+b%20\"")], headers: vec![Field::new("X-Mine", "yes")], ..post("/a%20b") };
    let response = server.connections().send(request).await.unwrap();
    assert_eq!((response.status, text(&response)), (418, "short".to_owned()));
    assert_eq!(response.header("x-tea"), Some("green"));
    assert_eq!(response.header("set-cookie"), None);
    let seen = &server.seen()[0];
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.uri.to_string(), "/a%20b?filter=name%20eq%20%22a%2Bb%2520%22");
    assert_eq!((seen.body.as_str(), seen.header("x-mine"), seen.header("authorization")), ("hello", Some("yes"), None));
}

#[tokio::test]
async fn an_unknown_connection_and_ungranted_calls_send_nothing() {
    let server = Server::start(|_| status(200)).await;
    let connections = server.connections();
    assert_eq!(connections.send(Request::get("beta", "/")).await, Err(HttpError::UnknownConnection));
    for request in [
        Request::get("alpha", "//evil.example/"),
        Request::get("alpha", "/a/../../b"),
        Request { headers: vec![Field::new("Authorization", "mine")], ..Request::get("alpha", "/") },
        Request { headers: vec![Field::new("x", "a\r\nhost: evil.example")], ..Request::get("alpha", "/") },
        Request { method: "CONNECT".to_owned(), ..Request::get("alpha", "/") },
    ] {
        assert!(matches!(connections.send(request).await, Err(HttpError::NotGranted(_))));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn throttled_calls_are_repeated_whatever_they_are() {
    let server = Server::script(vec![
        || with(429, &[("retry-after", "0")], ""),
        || with(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], ""),
        || with(200, &[], "done"),
    ])
    .await;
    let response = server.connections().send(post("/x")).await.unwrap();
    assert_eq!((text(&response).as_str(), server.count("/x")), ("done", 3));
}

#[tokio::test]
async fn retry_after_is_kept_to() {
    let server = Server::script(vec![|| with(429, &[("retry-after", "1")], ""), || status(204)]).await;
    let started = Instant::now();
    assert_eq!(get(&server.connections(), "/x").await.unwrap().status, 204);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_call_is_tried_four_times() {
    let server = Server::start(|_| with(429, &[("retry-after", "0")], "")).await;
    assert_eq!(
        get(&server.connections(), "/x").await,
        Err(HttpError::Throttled(Throttle { retry_after_seconds: Some(0), request_id: None }))
    );
    assert_eq!(server.count("/x"), 4);
    let server = Server::start(|_| with(503, &[("retry-after", "0")], "busy")).await;
    assert_eq!(get(&server.connections(), "/x").await.unwrap().status, 503);
    assert_eq!(server.count("/x"), 4);
}

#[tokio::test]
async fn a_long_retry_after_ends_the_call_at_once() {
    for code in [429, 503] {
        let server = Server::start(move |_| with(code, &[("retry-after", "3600")], "")).await;
        assert_eq!(
            get(&server.connections(), "/x").await,
            Err(HttpError::Throttled(Throttle { retry_after_seconds: Some(3600), request_id: None }))
        );
        assert_eq!(server.count("/x"), 1);
    }
}

#[tokio::test]
async fn other_answers_are_handed_over_at_once() {
    for code in [400, 401, 403, 404, 413, 503, 504] {
        let server = Server::start(move |_| status(code)).await;
        assert_eq!(get(&server.connections(), "/x").await.unwrap().status, code);
        assert_eq!(server.count("/x"), 1);
    }
}

#[tokio::test]
async fn a_servers_stumble_is_tried_again_where_that_is_safe_and_handed_over_where_it_stays() {
    for code in [500, 502] {
        let server = Server::start(move |_| status(code)).await;
        assert_eq!(get(&server.connections(), "/x").await.unwrap().status, code);
        assert_eq!(server.count("/x"), 4);
        let unsafe_one = server.connections().send(post("/y")).await;
        assert_eq!((unsafe_one.unwrap().status, server.count("/y")), (code, 1));
    }
}

#[tokio::test]
async fn a_login_sends_what_the_scheme_says() {
    let server = token_server(|_| status(200)).await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    get(&connections, "/x").await.unwrap();
    get(&connections, "/x").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].body, "grant_type=password&client_id=me+%26+you&password=pa%2Fss+w%C3%B6%22rd1");
    assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[0].header("x-app"), None);
    assert_eq!((seen[1].header("authorization"), seen[2].header("authorization")), (Some("Bearer token-0"), Some("Bearer token-0")));
}

#[tokio::test]
async fn a_login_may_be_json_with_basic_at_another_address() {
    let server = token_server(|_| status(200)).await;
    let scheme = Scheme {
        token: Source::Setting("token-url".to_owned()),
        encoding: Encoding::Json,
        basic: Some(("client-id".to_owned(), "password".to_owned())),
        ..scheme()
    };
    let mut config = with_login(&server, scheme);
    config.settings.insert("token-url".to_owned(), SettingValue::Plain(server.url.join("/token").unwrap().into()));
    config.settings.insert("app".to_owned(), SettingValue::Plain("app-1".to_owned()));
    get(&Connections::new([&config]).unwrap(), "/x").await.unwrap();
    let seen = &server.seen()[0];
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body, serde_json::json!({"grant_type": "password", "client_id": "me & you", "password": PASSWORD}));
    assert_eq!(seen.header("x-app"), Some("app-1"));
    assert_eq!(seen.header("authorization").unwrap(), format!("Basic {}", crate::secret::basic("me & you", PASSWORD)));
}

#[tokio::test]
async fn many_calls_share_one_login() {
    let server = token_server(|_| status(200)).await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 20, ..with_login(&server, scheme()) }]).unwrap();
    let calls = (0..20).map(|_| get(&connections, "/x"));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!((server.count("/token"), server.count("/x")), (1, 20));
}

#[tokio::test]
async fn many_calls_share_one_refused_login() {
    let server = Server::slow(Duration::from_millis(200), |_| json(400, r#"{"error":"invalid_grant"}"#)).await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 20, ..with_login(&server, scheme()) }]).unwrap();
    let calls = (0..20).map(|_| get(&connections, "/x"));
    let results = futures::future::join_all(calls).await;
    assert!(results.iter().all(|result| matches!(result, Err(HttpError::CredentialsRefused(_)))));
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = token_server(|seen| match seen.header("authorization") {
        Some("Bearer token-1") => status(200),
        _ => status(401),
    })
    .await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 10, ..with_login(&server, scheme()) }]).unwrap();
    let calls = (0..10).map(|_| connections.send(post("/x")));
    assert!(futures::future::join_all(calls).await.into_iter().all(|result| result.unwrap().status == 200));
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_token_refused_twice_is_handed_over() {
    let server = token_server(|_| status(401)).await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    assert_eq!(get(&connections, "/x").await.unwrap().status, 401);
    assert_eq!((server.count("/token"), server.count("/x")), (2, 2));
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let server = Server::start(|seen| match seen.uri.path() {
        "/token" => json(200, r#"{"access_token":"brief","expires_in":"1"}"#),
        _ => status(200),
    })
    .await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    get(&connections, "/x").await.unwrap();
    get(&connections, "/x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(950)).await;
    get(&connections, "/x").await.unwrap();
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_refused_login_says_what_the_other_side_said() {
    type Case = (fn() -> Outgoing, Refusal);
    let refusal = |status, code: Option<&str>, text: &str, not_json, id: Option<&str>| Refusal {
        status,
        code: code.map(str::to_owned),
        text: text.to_owned(),
        not_json,
        request_id: id.map(str::to_owned),
    };
    let cases: [Case; 6] = [
        (
            || json(400, r#"{"error":"invalid_grant","error_description":"The provided access grant is invalid"}"#),
            refusal(400, Some("invalid_grant"), "The provided access grant is invalid", false, Some("r-1")),
        ),
        (
            || json(401, r#"{"errorCode":"GATE-7","message":"no  such\n client"}"#),
            refusal(401, Some("GATE-7"), "no such client", false, Some("r-1")),
        ),
        (|| json(200, r#"{"hello":"there"}"#), refusal(200, None, "the answer holds no access token", false, Some("r-1"))),
        (
            || with(200, &[("content-type", "text/html")], "<!doctype html><title>Sign in</title>"),
            refusal(200, None, "the answer is a page, such as a sign-in page, and no JSON", true, None),
        ),
        (
            || with(302, &[("location", "https://sso.example/login?state=1")], ""),
            refusal(302, None, "the login redirects to sso.example instead of answering", true, None),
        ),
        (|| with(403, &[], "account  locked"), refusal(403, None, "account locked", true, None)),
    ];
    for (answer, refusal) in cases {
        let server = Server::script(vec![answer]).await;
        let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
        assert_eq!(get(&connections, "/x").await, Err(HttpError::CredentialsRefused(refusal)));
        assert_eq!((server.count("/token"), server.count("/x")), (1, 0));
    }
}

#[tokio::test]
async fn a_refusal_never_shows_a_credential_not_even_half_of_one() {
    let server = Server::start(|seen| {
        let text = format!("{}{PASSWORD} {} {}", "x".repeat(295), seen.body, PASSWORD.replace('"', "\\\""));
        with(400, &[], serde_json::json!({"error": "invalid_grant", "error_description": text}).to_string())
    })
    .await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    let Err(HttpError::CredentialsRefused(refusal)) = get(&connections, "/x").await else { panic!("not refused") };
    assert_eq!(refusal.text, format!("{}[secr…", "x".repeat(295)));
}

#[tokio::test]
async fn a_busy_login_is_waited_for() {
    let server = Server::script(vec![
        || with(503, &[("retry-after", "0")], ""),
        || with(400, &[("retry-after", "0")], r#"{"errorCode":"BUSY-1","message":"later"}"#),
        || json(200, r#"{"access_token":"abcdef"}"#),
    ])
    .await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    assert_eq!(get(&connections, "/x").await.unwrap().status, 200);
    assert_eq!(server.count("/token"), 3);
    for answer in [
        || with(503, &[("retry-after", "0")], ""),
        || with(429, &[("retry-after", "0")], ""),
        || with(503, &[("retry-after", "0")], r#"{"errorCode":"BUSY-1"}"#),
    ] {
        let server = Server::script(vec![answer]).await;
        let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
        assert_eq!(get(&connections, "/x").await, Err(HttpError::Throttled(Throttle { retry_after_seconds: Some(0), request_id: None })));
        assert_eq!(server.count("/token"), 4);
    }
}

#[tokio::test]
async fn a_broken_login_server_is_unreachable() {
    let server = Server::start(|_| json(500, r#"{"message":"oops"}"#)).await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    let Err(HttpError::Unreachable(text)) = get(&connections, "/x").await else { panic!("reached") };
    assert!(text.contains("500") && text.contains("oops"), "{text}");
}

#[tokio::test]
async fn calls_in_flight_are_limited() {
    let server = Server::slow(Duration::from_millis(20), |_| status(200)).await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 3, ..server.config() }]).unwrap();
    let calls = (0..15).map(|_| get(&connections, "/x"));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(server.state.most_open.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn answers_are_limited_with_and_without_a_declared_length() {
    let server = Server::start(|seen| match seen.uri.path() {
        "/declared" => with(200, &[], vec![b'x'; 2000]),
        _ => with(200, &[], Body::from_stream(futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 100]))))),
    })
    .await;
    let connections = Connections::new([&ConnectionConfig { max_response_bytes: 2000, ..server.config() }]).unwrap();
    for path in ["/declared", "/streamed"] {
        assert_eq!(get(&connections, path).await.unwrap().body.len(), 2000);
        let ask = |max| Request { max_response_bytes: Some(max), ..Request::get("alpha", path) };
        assert_eq!(connections.send(ask(1999)).await, Err(HttpError::TooLarge(1999)));
        assert_eq!(connections.send(ask(u64::MAX)).await.unwrap().body.len(), 2000);
    }
}

/// `hello`, compressed.
const HELLO: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00";
/// A hundred thousand times `x`, compressed.
const MANY: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x0d\x0f\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x57\x03\x71\x11\x07\xfe\xa0\x86\x01\x00";

#[tokio::test]
async fn compressed_answers_are_unfolded_within_the_limit() {
    let server = Server::start(|seen| match seen.uri.path() {
        _ if seen.header("accept-encoding") != Some("gzip") => status(406),
        "/many" => with(200, &[("content-encoding", "gzip")], MANY),
        "/other" => with(200, &[("content-encoding", "br")], "?"),
        _ => with(200, &[("content-encoding", "gzip")], HELLO),
    })
    .await;
    let connections = Connections::new([&ConnectionConfig { max_response_bytes: 50_000, ..server.config() }]).unwrap();
    let response = get(&connections, "/hello").await.unwrap();
    assert_eq!((text(&response).as_str(), response.header("content-encoding")), ("hello", None));
    assert_eq!(get(&connections, "/many").await, Err(HttpError::TooLarge(50_000)));
    assert!(matches!(get(&connections, "/other").await, Err(HttpError::Other(_))));
}

#[tokio::test]
async fn redirects_are_followed_on_the_host_and_refused_elsewhere() {
    let server = Server::start(|seen| match seen.uri.path() {
        "/near" => with(302, &[("location", "/there?x=1")], ""),
        "/far" => with(302, &[("location", "https://login.evil.example:8443/path?secret")], ""),
        "/port" => with(307, &[("location", "http://127.0.0.1:1/")], ""),
        "/user" => with(302, &[("location", &format!("http://me@{}/", seen.header("host").unwrap()))], ""),
        "/circle" => with(302, &[("location", "/circle")], ""),
        _ => with(200, &[], "here"),
    })
    .await;
    let connections = server.connections();
    assert_eq!(text(&get(&connections, "/near").await.unwrap()), "here");
    assert_eq!(connections.send(post("/near")).await.unwrap().status, 302);
    for request in [Request::get("alpha", "/far"), post("/far")] {
        let Err(HttpError::NotGranted(text)) = connections.send(request).await else { panic!("followed") };
        assert!(text.contains("login.evil.example:8443") && !text.contains("secret"), "{text}");
    }
    assert!(matches!(get(&connections, "/port").await, Err(HttpError::NotGranted(_))));
    assert!(matches!(get(&connections, "/user").await, Err(HttpError::NotGranted(_))));
    assert!(matches!(get(&connections, "/circle").await, Err(HttpError::Other(_))));
    assert_eq!(server.count("/circle"), 4);
}

#[tokio::test]
async fn a_time_out_is_not_repeated() {
    let server = Server::slow(Duration::from_secs(20), |_| status(200)).await;
    let connections = Connections::new([&ConnectionConfig { timeout: Duration::from_millis(300), ..server.config() }]).unwrap();
    for timeout_ms in [None, Some(100), Some(60_000)] {
        let request = Request { timeout_ms, ..Request::get("alpha", "/x") };
        assert_eq!(connections.send(request).await, Err(HttpError::Timeout));
    }
    assert_eq!(server.count("/x"), 3);
}

/// A server that cuts the first connections at some point, then answers.
async fn cutter(cuts: usize, partial: &'static [u8]) -> (ConnectionConfig, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let call = counter.fetch_add(1, Ordering::SeqCst);
            let _ = socket.read(&mut [0; 4096]).await;
            let answer = if call < cuts { partial } else { b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok" };
            socket.write_all(answer).await.unwrap();
        }
    });
    (ConnectionConfig::new("alpha", url), calls)
}

#[tokio::test]
async fn a_cut_connection_is_repeated_only_where_that_is_safe() {
    for partial in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"] {
        let (config, calls) = cutter(1, partial).await;
        let connections = Connections::new([&config]).unwrap();
        let response = get(&connections, "/x").await.unwrap();
        assert_eq!((text(&response).as_str(), calls.load(Ordering::SeqCst)), ("ok", 2));

        let (config, calls) = cutter(1, partial).await;
        let Err(HttpError::Unreachable(text)) = Connections::new([&config]).unwrap().send(post("/x")).await else { panic!("answered") };
        assert!(text.contains("broke off") && text.contains("127.0.0.1"), "{text}");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let log = Arc::new(Records::default());
    let connections = Connections::new([&ConnectionConfig::new("alpha", url)]).unwrap().logging_to(log.clone());
    let Err(HttpError::Unreachable(text)) = connections.send(post("/x")).await else { panic!("answered") };
    assert!(text.contains("refuses the connection"), "{text}");
    assert_eq!(log.0.lock().unwrap()[0].tries, 4);
}

#[tokio::test]
async fn failed_tls_is_told_and_not_repeated() {
    let (mut config, calls) = cutter(0, b"").await;
    config.url = Url::parse(&format!("https://127.0.0.1:{}", config.url.port().unwrap())).unwrap();
    let Err(HttpError::Unreachable(text)) = get(&Connections::new([&config]).unwrap(), "/x").await else { panic!("answered") };
    assert!(text.starts_with("no safe connection to 127.0.0.1:"), "{text}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_echoed_secret_is_taken_out() {
    let server = token_server(|seen| {
        let bearer = seen.header("authorization").unwrap().to_owned();
        let basic = crate::secret::basic("me & you", PASSWORD);
        let body = format!("{bearer} {} {PASSWORD} pa%2Fss%20w%C3%B6%22rd1 {basic} me & you", serde_json::json!(PASSWORD));
        with(200, &[("x-echo", &bearer)], body)
    })
    .await;
    let scheme = Scheme { basic: Some(("client-id".to_owned(), "password".to_owned())), ..scheme() };
    let connections = Connections::new([&with_login(&server, scheme)]).unwrap();
    let response = get(&connections, "/x").await.unwrap();
    assert_eq!(text(&response), "Bearer [secret] \"[secret]\" [secret] [secret] [secret] me & you");
    assert_eq!(response.header("x-echo"), Some("Bearer [secret]"));
}

#[tokio::test]
async fn a_short_secret_does_not_spoil_data() {
    let server = token_server(|seen| {
        let code = if seen.uri.path() == "/good" { 200 } else { 404 };
        with(code, &[("x-next", "/p?from=2026-11-20")], format!("2026-11-20 {}", seen.header("authorization").unwrap()))
    })
    .await;
    let mut config = with_login(&server, scheme());
    config.settings.insert("app".to_owned(), SettingValue::Secret(SecretString::from("2026")));
    let connections = Connections::new([&config]).unwrap();
    let good = get(&connections, "/good").await.unwrap();
    assert_eq!((text(&good).as_str(), good.header("x-next")), ("2026-11-20 Bearer [secret]", Some("/p?from=2026-11-20")));
    let bad = get(&connections, "/bad").await.unwrap();
    assert_eq!((text(&bad).as_str(), bad.header("x-next")), ("[secret]-11-20 Bearer [secret]", Some("/p?from=[secret]-11-20")));
}

#[derive(Default)]
struct Records(Mutex<Vec<CallRecord>>);

impl CallLog for Records {
    fn on_call(&self, record: CallRecord) {
        self.0.lock().unwrap().push(record);
    }
}

#[tokio::test]
async fn every_call_is_told_logins_too() {
    let server = token_server(|_| with(200, &[("x-request", "r-9")], "")).await;
    let log = Arc::new(Records::default());
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap().logging_to(log.clone());
    let request = Request { query: vec![Field::new("q", "private")], ..Request::get("alpha", "/x") };
    connections.send(request).await.unwrap();
    let records = log.0.lock().unwrap().clone();
    let told: Vec<_> = records.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.status, r.request_id.as_deref(), r.tries)).collect();
    assert_eq!(told, [("POST", "/token", Some(200), None, 1), ("GET", "/x", Some(200), Some("r-9"), 1)]);
    assert!(records.iter().all(|record| record.connection == "alpha" && record.error.is_none()));
}

#[tokio::test]
async fn a_connection_that_can_never_be_called_is_refused_early() {
    let server = Server::start(|_| status(200)).await;
    let open = ConnectionConfig::new("alpha", Url::parse("http://acme.example").unwrap());
    assert!(matches!(Connections::new([&open]), Err(ConnectionError::Address { .. })));
    let mut missing = with_login(&server, Scheme { basic: Some(("nobody".to_owned(), "password".to_owned())), ..scheme() });
    assert!(matches!(Connections::new([&missing]), Err(ConnectionError::Missing { .. })));
    missing.scheme = Some(scheme());
    missing.settings.insert("app".to_owned(), SettingValue::Secret(SecretString::from("a\nb")));
    assert!(matches!(Connections::new([&missing]), Err(ConnectionError::Header { .. })));
}
