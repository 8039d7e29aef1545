//! One try of a call over the standard HTTP client: an answer, or why there is none and when the call may be repeated.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use crate::address::Address;
use crate::bindings::exports::shift_access::plugin::http::Error;
use crate::bindings::wasi::clocks::monotonic_clock::wait_for;
use crate::bindings::wasi::http::client;
use crate::bindings::wasi::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use crate::bindings::{wit_future, wit_stream};

/// A machine that does not even accept a connection within this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// A call, ready to be sent any number of times.
#[derive(Clone)]
pub struct Call {
    pub method: String,
    pub address: Address,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// For one try, from the first byte sent to the last one read.
    pub timeout: Duration,
    /// Of the answer's body, in bytes.
    pub limit: u64,
}

/// An answer, as it came.
pub struct Answer {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Why a try has no answer.
pub struct Failure {
    pub error: Error,
    pub repeat: Repeat,
}

/// When a failed try may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing was sent.
    Always,
    /// It may have arrived.
    IfSafe,
    /// It may still be running, or it would fail again.
    Never,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, repeat: Repeat::Never }
    }
}

/// Sends the call once. What comes too late is given up, and its connection with it.
pub async fn attempt(call: &Call) -> Result<Answer, Failure> {
    match select(pin!(exchange(call)), pin!(wait_for(nanoseconds(call.timeout)))).await {
        Either::Left((ended, _)) => ended,
        Either::Right(((), _)) => Err(Error::Timeout.into()),
    }
}

pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

async fn exchange(call: &Call) -> Result<Answer, Failure> {
    let failed = |code: ErrorCode| failure(&call.address.authority, &code);
    let response = send(call).await.map_err(failed)?;
    let status = response.get_status_code();
    let text = |(name, value): (String, Vec<u8>)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned());
    let headers = response.get_headers().copy_all().into_iter().map(text).collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    judge(call, &answer)?;
    answer.body = read(response, call.limit).await.map_err(|cut| match cut {
        Cut::TooLarge => Error::TooLarge(call.limit).into(),
        Cut::Broken(code) => failed(code),
    })?;
    Ok(answer)
}

/// Hands the request to the host. An answer may come before the whole request is read; what is left of it is not sent then.
async fn send(call: &Call) -> Result<Response, ErrorCode> {
    let bytes = |(name, value): &(String, String)| (name.clone(), value.clone().into_bytes());
    let mut headers: Vec<_> = call.headers.iter().map(bytes).collect();
    if !call.body.is_empty() || matches!(call.method.as_str(), "POST" | "PUT" | "PATCH") {
        headers.push(("content-length".to_owned(), call.body.len().to_string().into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let options = RequestOptions::new();
    // A host that does not know this limit still has the one around the whole try.
    let _ = options.set_connect_timeout(Some(nanoseconds(CONNECT_TIMEOUT)));
    let (mut body, contents) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(headers, (!call.body.is_empty()).then_some(contents), trailers, Some(options));
    let scheme = if call.address.encrypted { Scheme::Https } else { Scheme::Http };
    let unfit = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_method(&method(&call.method)).map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    request.set_scheme(Some(&scheme)).map_err(unfit)?;
    request.set_authority(Some(&call.address.authority)).map_err(unfit)?;
    request.set_path_with_query(Some(&call.address.path)).map_err(unfit)?;
    let write = async move { drop(body.write_all(call.body.clone()).await) };
    match select(pin!(client::send(request)), pin!(write)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), answer)) => answer.await,
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// What is wrong with an answer whose body is not read yet.
fn judge(call: &Call, answer: &Answer) -> Result<(), Failure> {
    let host = &call.address.authority;
    if let Some(location) = answer.header("location").filter(|_| matches!(answer.status, 301 | 302 | 303 | 307 | 308)) {
        let there = call.address.leads_to(location);
        if !there.as_ref().is_ok_and(|there| call.address.is_home_of(there)) {
            let there = there.map(|there| there.authority).unwrap_or_else(|_| "an address that may not be called".to_owned());
            return Err(Error::NotGranted(format!("{host} redirects to {there}; configure the address that answers itself")).into());
        }
    }
    if let Some(coding) = answer.header("content-encoding").filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Error::Other(format!("{host} answers in the coding {coding:?}, which was not asked for")).into());
    }
    let length = answer.header("content-length").and_then(|length| length.parse::<u64>().ok());
    if call.method != "HEAD" && length.is_some_and(|length| length > call.limit) {
        return Err(Error::TooLarge(call.limit).into());
    }
    Ok(())
}

enum Cut {
    TooLarge,
    Broken(ErrorCode),
}

async fn read(response: Response, limit: u64) -> Result<Vec<u8>, Cut> {
    let (_, heeded) = wit_future::new(|| Ok(()));
    let (mut contents, end) = Response::consume_body(response, heeded);
    let mut body = Vec::new();
    loop {
        let (how, piece) = contents.read(Vec::with_capacity(PIECE)).await;
        body.extend_from_slice(&piece);
        if u64::try_from(body.len()).unwrap_or(u64::MAX) > limit {
            return Err(Cut::TooLarge);
        }
        if !matches!(how, wit_bindgen::StreamResult::Complete(_)) {
            break;
        }
    }
    // Only now it is told whether that was all.
    end.await.map(|_| body).map_err(Cut::Broken)
}

/// Puts a broken call into words.
fn failure(host: &str, code: &ErrorCode) -> Failure {
    let (text, repeat) = match code {
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
            return Error::Timeout.into();
        }
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => {
            return Error::NotGranted(format!("the host lets nobody call {host}")).into();
        }
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            (format!("the name {host} does not resolve"), Repeat::Always)
        }
        ErrorCode::ConnectionRefused => (format!("{host} refuses the connection"), Repeat::Always),
        ErrorCode::ConnectionTimeout => {
            (format!("{host} does not answer: no connection within {} seconds", CONNECT_TIMEOUT.as_secs()), Repeat::Never)
        }
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            (format!("no safe connection to {host}: {code:?}"), Repeat::Never)
        }
        _ => (format!("the connection to {host} broke off: {code:?}"), Repeat::IfSafe),
    };
    Failure { error: Error::Unreachable(text), repeat }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        let address = Address::parse("https://acme.example").unwrap();
        Call { method: "GET".into(), address, headers: Vec::new(), body: Vec::new(), timeout: Duration::from_secs(1), limit: 10 }
    }

    fn answer(status: u16, name: &str, value: &str) -> Answer {
        Answer { status, headers: vec![(name.to_owned(), value.to_owned())], body: Vec::new() }
    }

    #[test]
    fn a_redirect_to_elsewhere_names_the_host_and_one_at_home_is_handed_over() {
        for location in ["https://evil.example/", "//evil.example", "http://acme.example/", "https://acme.example:444/", "javascript://x"] {
            let judged = judge(&call(), &answer(302, "location", location));
            assert!(matches!(judged, Err(Failure { error: Error::NotGranted(_), .. })), "{location}");
        }
        assert!(judge(&call(), &answer(302, "location", "/there")).is_ok());
        assert!(judge(&call(), &answer(201, "location", "https://evil.example/")).is_ok());
    }

    #[test]
    fn what_is_too_large_or_in_a_coding_is_not_read() {
        assert!(matches!(judge(&call(), &answer(200, "content-length", "11")), Err(Failure { error: Error::TooLarge(10), .. })));
        assert!(judge(&call(), &answer(200, "content-length", "10")).is_ok());
        assert!(matches!(judge(&call(), &answer(200, "content-encoding", "gzip")), Err(Failure { error: Error::Other(_), .. })));
    }

    #[test]
    fn only_what_did_not_arrive_is_always_repeated() {
        assert_eq!(failure("h", &ErrorCode::ConnectionRefused).repeat, Repeat::Always);
        assert_eq!(failure("h", &ErrorCode::ConnectionTerminated).repeat, Repeat::IfSafe);
        assert_eq!(failure("h", &ErrorCode::HttpResponseIncomplete).repeat, Repeat::IfSafe);
        assert_eq!(failure("h", &ErrorCode::TlsCertificateError).repeat, Repeat::Never);
        assert!(matches!(failure("h", &ErrorCode::HttpResponseTimeout).error, Error::Timeout));
    }
}
