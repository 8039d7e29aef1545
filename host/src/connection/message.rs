//! A call and its answer, in plain Rust: the mirror of `http.wit`.

use bytes::Bytes;

/// One header or query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name; header names compare without regard to case.
    pub name: String,
    /// The value, not encoded.
    pub value: String,
}

impl Field {
    /// A field of this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// One call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The connection's name.
    pub connection: String,
    /// The method, such as `GET`.
    pub method: String,
    /// The path below the connection's address: begins with `/`, holds no query, and is encoded where it needs to be.
    pub path: String,
    /// The query parameters, in order, not encoded.
    pub query: Vec<Field>,
    /// Headers beside those the platform sets.
    pub headers: Vec<Field>,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long one try may take, in milliseconds; the connection's own limit if absent or larger.
    pub timeout_ms: Option<u32>,
    /// The largest body of an answer; the platform's own limit if absent or larger.
    pub max_response_bytes: Option<u64>,
    /// Whether the call may be sent twice without harm.
    pub repeat_safe: bool,
}

impl Request {
    /// A `GET` that may be repeated.
    pub fn get(connection: impl Into<String>, path: impl Into<String>) -> Self {
        Self { connection: connection.into(), method: "GET".to_owned(), path: path.into(), repeat_safe: true, ..Self::default() }
    }
}

/// One answer, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case, without `set-cookie`.
    pub headers: Vec<Field>,
    /// The body, decoded.
    pub body: Bytes,
}

impl Response {
    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }
}

/// What a login endpoint said when it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The status of its answer.
    pub status: u16,
    /// Its error code, where it gave one.
    pub code: Option<String>,
    /// Its words, cut to a sentence or two, without credentials.
    pub text: String,
    /// Whether it answered something other than JSON.
    pub not_json: bool,
    /// The request id of its answer, where it gave one.
    pub request_id: Option<String>,
}

/// What an answer said that asks to come back later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// How many seconds it asked to wait, where it said.
    pub retry_after_seconds: Option<u32>,
    /// The request id of its answer, where it gave one.
    pub request_id: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The tenant has no such connection.
    #[error("the tenant has no such connection")]
    UnknownConnection,
    /// The call leaves what is granted; the text says what to change.
    #[error("not granted: {0}")]
    NotGranted(String),
    /// The login was refused.
    #[error("the login was refused with status {}: {}", .0.status, .0.text)]
    CredentialsRefused(Refusal),
    /// No connection, a broken one, or no such name.
    #[error("{0}")]
    Unreachable(String),
    /// No answer within the time limit.
    #[error("no answer within the time limit")]
    Timeout,
    /// The other side still throttles, or asks to wait longer than a request may.
    #[error("the other side throttles")]
    Throttled(Throttle),
    /// The answer is larger than this many bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}
