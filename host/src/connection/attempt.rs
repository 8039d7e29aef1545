//! One try of a call: send, follow what stays on the host, read the answer within its limits.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_ENCODING, HeaderMap, LOCATION};
use reqwest::{Client, Method, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::client::CONNECT_TIMEOUT;
use super::message::HttpError;
use super::names::Barred;

/// More hops than this are a circle.
const HOPS: usize = 3;

/// A call, ready to be sent any number of times.
#[derive(Clone)]
pub(super) struct Call {
    /// The sockets to the host of `url`.
    pub(super) client: Client,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// For one try, from the first byte sent to the last one read.
    pub(super) timeout: Duration,
    /// Of the answer's body, in bytes.
    pub(super) limit: u64,
    /// Whether a redirect is looked at, or handed over.
    pub(super) follow: bool,
}

/// An answer, as it came.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// A header's value, where it has one that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Why a try has no answer.
pub(super) struct Failure {
    pub(super) error: HttpError,
    pub(super) repeat: Repeat,
}

/// When a failed try may be repeated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Nothing was sent.
    Always,
    /// It may have arrived.
    IfSafe,
    /// It may still be running, or it would fail again.
    Never,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self { error, repeat: Repeat::Never }
    }
}

/// Sends the call once.
pub(super) async fn attempt(call: &Call) -> Result<Answer, Failure> {
    timeout(call.timeout, exchange(call)).await.unwrap_or_else(|_| Err(HttpError::Timeout.into()))
}

async fn exchange(call: &Call) -> Result<Answer, Failure> {
    let mut url = call.url.clone();
    for _ in 0..=HOPS {
        let mut request = call.client.request(call.method.clone(), url.clone()).headers(call.headers.clone());
        if !call.body.is_empty() || matches!(call.method, Method::POST | Method::PUT | Method::PATCH) {
            request = request.body(call.body.clone());
        }
        let response = request.send().await.map_err(|error| failure(&error, &url))?;
        match next(call, &url, &response)? {
            Some(next) => url = next,
            None => return read(response, call.limit, &url).await,
        }
    }
    Err(HttpError::Other(format!("{} redirects more than {HOPS} times", host(&call.url))).into())
}

/// Where a redirect leads, if it is one to follow.
fn next(call: &Call, url: &Url, response: &reqwest::Response) -> Result<Option<Url>, HttpError> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = response.headers().get(LOCATION).filter(|_| redirects && call.follow) else { return Ok(None) };
    let target = location.to_str().ok().and_then(|location| url.join(location).ok());
    let Some(target) = target else { return Err(HttpError::Other(format!("{} redirects to no address", host(url)))) };
    if target.origin() != call.url.origin() || !target.username().is_empty() || target.password().is_some() {
        let (from, to) = (host(url), host(&target));
        return Err(HttpError::NotGranted(format!("{from} redirects to {to}; configure the address that answers itself")));
    }
    Ok((call.method == Method::GET).then_some(target))
}

async fn read(mut response: reqwest::Response, limit: u64, url: &Url) -> Result<Answer, Failure> {
    let (status, headers) = (response.status(), response.headers().clone());
    if let Some(coding) = headers.get(CONTENT_ENCODING).filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(HttpError::Other(format!("{} answers in the coding {coding:?}, which was not asked for", host(url))).into());
    }
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(HttpError::TooLarge(limit).into());
    }
    let mut body = BytesMut::new();
    // The limit holds for decoded bytes: a small answer may unfold into a very large one.
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error, url))? {
        if u64::try_from(body.len().saturating_add(chunk.len())).unwrap_or(u64::MAX) > limit {
            return Err(HttpError::TooLarge(limit).into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

/// A host, with its port where that is not the usual one.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// Puts a broken call into words.
fn failure(error: &reqwest::Error, url: &Url) -> Failure {
    let host = host(url);
    let (text, repeat) = match cause(error) {
        _ if error.is_timeout() && error.is_connect() => {
            (format!("{host} does not answer: no connection within {} seconds", CONNECT_TIMEOUT.as_secs()), Repeat::Never)
        }
        _ if error.is_timeout() => return HttpError::Timeout.into(),
        Cause::Barred(text) => return HttpError::NotGranted(text).into(),
        Cause::Name => (format!("the name {host} does not resolve"), Repeat::Always),
        Cause::Tls(text) => (format!("no safe connection to {host}: {text}"), Repeat::Never),
        Cause::Refused => (format!("{host} refuses the connection"), Repeat::Always),
        Cause::Other(text) if error.is_connect() => (format!("no connection to {host}: {text}"), Repeat::Always),
        Cause::Other(text) => (format!("the connection to {host} broke off: {text}"), Repeat::IfSafe),
    };
    Failure { error: HttpError::Unreachable(text), repeat }
}

enum Cause {
    Barred(String),
    Name,
    Refused,
    Tls(String),
    Other(String),
}

/// Looks through the chain of errors for the one that says most. The outermost holds the address and is passed over.
fn cause(error: &reqwest::Error) -> Cause {
    let mut last = "no reason given".to_owned();
    let mut next = error.source();
    let mut name = false;
    while let Some(error) = next {
        if let Some(barred) = error.downcast_ref::<Barred>() {
            return Cause::Barred(barred.to_string());
        }
        last = error.to_string();
        // What lies below it may say why.
        name |= last.starts_with("dns error");
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return Cause::Refused;
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Cause::Tls(error.to_string());
        }
        // What an I/O error wraps is not among its sources, only the sources of that.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    if name { Cause::Name } else { Cause::Other(last) }
}
