//! The promises of `http`.

use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::Promises;
use crate::bindings::exports::shift_access::plugin::pack;
use crate::bindings::shift_access::plugin::http::{Error, Field, Request, Response, send};

/// Long before the connection's own limit is over, and long after the call's.
const IN_TIME: Duration = Duration::from_secs(10);

/// A page every simulator of this project has.
const PAGE: &str = "/api/v1/commons/persons/current_user_info";

fn request(connection: &str, path: &str) -> Request {
    Request {
        connection: connection.to_owned(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
        max_response_bytes: None,
        repeat_safe: true,
    }
}

/// A request for a page that is there.
pub fn page() -> Request {
    request("main", PAGE)
}

/// Asks for a page that is there, and then for one that a test may leave without an answer.
pub async fn ask() {
    let _ = send(request("main", PAGE)).await;
    let _ = send(request("main", "/probe/hang")).await;
}

fn with_header(name: &str, value: &str) -> Request {
    let header = Field { name: name.to_owned(), value: value.to_owned() };
    Request { headers: vec![header], ..request("main", PAGE) }
}

pub async fn probe(promises: &mut Promises) {
    grants(promises).await;
    answers(promises).await;
    limits(promises).await;
    refusals(promises).await;
}

async fn grants(promises: &mut Promises) {
    let unknown = send(request("elsewhere", PAGE)).await;
    promises.check("a connection the tenant does not have is unknown", matches!(unknown, Err(Error::UnknownConnection)), &unknown);
    for path in ["//example.com/", "https://example.com/", "no-slash", "/a/../../b", "/a\r\nHost: b"] {
        let answer = send(request("main", path)).await;
        promises.check(&format!("the path {path:?} is not granted"), matches!(answer, Err(Error::NotGranted(_))), &answer);
    }
    for name in ["Authorization", "host", "Cookie"] {
        let answer = send(with_header(name, "x")).await;
        promises.check(&format!("the header {name} is not granted"), matches!(answer, Err(Error::NotGranted(_))), &answer);
    }
    let answer = send(with_header("x-probe", "a\r\nx-injected: b")).await;
    promises.check("a header with a line break is not granted", matches!(answer, Err(Error::NotGranted(_))), &answer);
    let answer = send(request("main", "/probe/redirect-elsewhere")).await;
    promises.check("a redirect to another host is not followed", matches!(answer, Err(Error::NotGranted(_))), &answer);
}

async fn answers(promises: &mut Promises) {
    let answer = send(request("main", PAGE)).await;
    let status = answer.as_ref().map(|answer| answer.status).unwrap_or_default();
    promises.check("a good call is answered, with the login added by the platform", status == 200, &answer);
    let headers = answer.map(|answer| answer.headers).unwrap_or_default();
    let lower = headers.iter().all(|field| field.name == field.name.to_lowercase());
    promises.check(
        "header names are in lower case, and no cookie is among them",
        lower && !headers.iter().any(|f| f.name == "set-cookie"),
        &headers,
    );
    let answer = send(request("main", "/no/such/page")).await;
    let status = answer.as_ref().map(|answer| answer.status).unwrap_or_default();
    promises.check("an answer 404 is an answer", status == 404, &answer);
    let answers = join_all((0..8).map(|_| send(request("main", PAGE)))).await;
    let all = answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200));
    promises.check("calls overlap", all, &answers);
}

async fn limits(promises: &mut Promises) {
    let slow = Request { timeout_ms: Some(300), ..request("main", "/probe/hang") };
    let begun = Instant::now();
    let answer = send(slow).await;
    let in_time = begun.elapsed() < IN_TIME;
    promises.check("no answer within the time limit is a timeout", matches!(answer, Err(Error::Timeout)), &answer);
    promises.check("the time limit of a call goes before the connection's own, where it is less", in_time, begun.elapsed());
    let small = Request { max_response_bytes: Some(10), ..request("main", PAGE) };
    let answer = send(small).await;
    promises.check("an answer over the size limit is too large", matches!(answer, Err(Error::TooLarge(10))), &answer);
    let answer = send(request("main", "/probe/throttled")).await;
    promises.check(
        "an endless 429 is throttled, with the wait it asks for",
        matches!(&answer, Err(Error::Throttled(throttle)) if throttle.retry_after_seconds == Some(3600)),
        &answer,
    );
    let answer = send(request("main", "/probe/cut")).await;
    promises.check("a connection that breaks every time is unreachable", matches!(answer, Err(Error::Unreachable(_))), &answer);
    let answer = send(Request { repeat_safe: false, ..request("main", "/probe/stumble") }).await;
    let status = answer.as_ref().map(|answer| answer.status).unwrap_or_default();
    promises.check("an answer 500 to a call that may not be repeated is handed over", status == 500, &answer);
}

async fn refusals(promises: &mut Promises) {
    let answer = send(request("refused", PAGE)).await;
    let refusal = match &answer {
        Err(Error::CredentialsRefused(refusal)) => Some(refusal.clone()),
        _ => None,
    };
    promises.check("a login that is refused says so", refusal.is_some(), &answer);
    let said = refusal.as_ref().is_some_and(|refusal| refusal.status >= 400 && refusal.code.is_some());
    promises.check("a refusal carries what the login endpoint said", said, &refusal);
}

/// What comes back of a call that is said back, and of a login that is refused.
pub async fn seen() -> [Result<Response, Error>; 2] {
    let spoken = Request { method: "POST".to_owned(), body: b"probe-was-here".to_vec(), ..request("main", "/probe/echo") };
    [send(spoken).await, send(request("refused", PAGE)).await]
}

/// A connection as the simulator of a time system wants it.
pub fn connection(name: &str) -> pack::Connection {
    let setting = |name: &str, secret: bool| pack::Setting {
        name: name.to_owned(),
        title: name.to_owned(),
        summary: name.to_owned(),
        secret,
        required: true,
        scheme: None,
        default: None,
    };
    let literal = |name: &str, text: &str| pack::Parameter { name: name.to_owned(), value: pack::Source::Literal(text.to_owned()) };
    let from = |name: &str, key: &str| pack::Parameter { name: name.to_owned(), value: pack::Source::Setting(key.to_owned()) };
    pack::Connection {
        name: name.to_owned(),
        title: name.to_owned(),
        address: pack::AddressRule { strip: None, domain: None, short_endings: Vec::new() },
        settings: vec![setting("client-id", false), setting("client-secret", true), setting("username", false), setting("password", true)],
        schemes: vec![pack::Scheme {
            name: "password".to_owned(),
            summary: "The password grant.".to_owned(),
            token: pack::Source::Literal("/api/authentication/access_token".to_owned()),
            encoding: pack::Encoding::Form,
            parameters: vec![
                from("username", "username"),
                from("password", "password"),
                from("client_id", "client-id"),
                from("client_secret", "client-secret"),
                literal("grant_type", "password"),
                literal("auth_chain", "OAuthLdapService"),
            ],
            headers: Vec::new(),
            basic: None,
            busy_code: None,
        }],
        headers: Vec::new(),
        request_id_header: None,
        in_flight: 4,
    }
}
