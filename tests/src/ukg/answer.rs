//! UKG's ways of answering: JSON, the standard error, and the strict reading of request bodies.

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An answer or the error that stands for it.
pub(crate) type Answer = Result<Response, Refusal>;

/// UKG's standard error: `{errorCode, message, details}`.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub details: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), details: None }
    }

    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// The body has the wrong form.
    pub(crate) fn shape(message: impl Into<String>) -> Self {
        Self::bad("WFP-90009", message)
    }

    /// A list over the limit, with the numbers.
    pub(crate) fn over_limit(status: u16, code: &str, actual: usize, maximum: usize) -> Self {
        let mut refusal = Self::new(status, code, format!("Service limit exceeded: {actual} requested, {maximum} allowed."));
        refusal.details = Some(json!({ "limits": [{ "actual": actual, "maximum": maximum }] }));
        refusal
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({ "errorCode": self.code, "message": self.message });
        if let (Some(details), Some(map)) = (&self.details, body.as_object_mut()) {
            map.insert("details".to_owned(), details.clone());
        }
        body
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        send(self.status, &self.body())
    }
}

/// JSON with UKG's content type.
pub(crate) fn send(status: u16, body: &Value) -> Response {
    let mut response = body.to_string().into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

/// Whatever is not simulated.
pub(crate) async fn nothing_here() -> Refusal {
    Refusal::new(404, "WFP-00404", "The requested resource does not exist.")
}

/// The body of a call, which must say that it is JSON.
pub(crate) fn body(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Refusal> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.to_ascii_lowercase().starts_with("application/json") {
        return Err(Refusal::new(415, "WFP-90009", "The content type must be application/json."));
    }
    serde_json::from_slice(bytes).map_err(|_| Refusal::shape("The request body is not valid JSON."))
}

/// An object with no other properties than these.
pub(crate) fn object<'a>(value: &'a Value, allowed: &[&str]) -> Result<&'a Map<String, Value>, Refusal> {
    let map = value.as_object().ok_or_else(|| Refusal::shape("An object was expected."))?;
    match map.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(Refusal::bad("WFP-90011", format!("Unrecognized property: {key}"))),
        None => Ok(map),
    }
}

/// A property that is there; null counts as absent.
pub(crate) fn given<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.get(key).filter(|value| !value.is_null())
}

pub(crate) fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Refusal> {
    let wrong = || Refusal::shape(format!("{key} must be a text."));
    given(map, key).map(|value| value.as_str().ok_or_else(wrong)).transpose()
}

pub(crate) fn flag(map: &Map<String, Value>, key: &str) -> Result<bool, Refusal> {
    let wrong = || Refusal::shape(format!("{key} must be true or false."));
    given(map, key).map_or(Ok(false), |value| value.as_bool().ok_or_else(wrong))
}

pub(crate) fn count(map: &Map<String, Value>, key: &str) -> Result<Option<usize>, Refusal> {
    let wrong = || Refusal::shape(format!("{key} must be a whole number."));
    given(map, key).map(|value| value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)).transpose()
}

pub(crate) fn list<'a>(map: &'a Map<String, Value>, key: &str) -> Result<Option<&'a [Value]>, Refusal> {
    let wrong = || Refusal::shape(format!("{key} must be a list."));
    given(map, key).map(|value| value.as_array().map(Vec::as_slice).ok_or_else(wrong)).transpose()
}

/// A number, or a text that is one; UKG reads both as an id.
pub(crate) fn id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}
