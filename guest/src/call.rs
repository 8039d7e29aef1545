//! One call to one of the two systems: sending it, and turning everything that is not an answer into a [`Trouble`].
//!
//! Nothing here knows what an answer means; `kronos` and `workspace_one` read the bodies. Repeats, logins and rate
//! limits are the platform's (wit/http.wit), so a status that arrives here is final.

pub mod blame;
pub mod gate;
pub mod loose;
pub mod said;

use crate::bindings::shift_access::plugin::http::{self, Error, Field, Request, Response};
use crate::trouble::Trouble;

/// The system at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// UKG Pro Workforce Management, formerly Kronos.
    Kronos,
    /// Workspace ONE Access.
    Access,
}

impl System {
    /// The connection as the pack's description declares it.
    pub const fn connection(self) -> &'static str {
        match self {
            Self::Kronos => "kronos",
            Self::Access => "workspace-one",
        }
    }

    /// The name an operator knows it by.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Kronos => "Kronos",
            Self::Access => "Workspace ONE Access",
        }
    }

    /// The header that carries the request id support asks for.
    const fn request_id_header(self) -> &'static str {
        match self {
            Self::Kronos => "kronos-tid",
            Self::Access => "x-request-id",
        }
    }
}

/// A call that only reads, and so may be sent twice: every call the plugin makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    max_bytes: Option<u64>,
}

impl Call {
    /// A GET of this path.
    pub fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: Vec::new(), body: None, max_bytes: None }
    }

    /// A POST of this JSON, which asks a question too long for a query.
    pub fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self { body: Some(body.to_string().into_bytes()), ..Self::get(path) }
    }

    /// Adds a query parameter, not encoded: the platform encodes it exactly once.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Takes no body larger than this many bytes.
    pub fn at_most(mut self, bytes: Option<u64>) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The request id, where the answer carried one.
    pub request_id: Option<String>,
}

impl Answer {
    /// Whether the status says success, in whole or in part (207).
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Sends one call; the error is the platform's own, for those who can do something about it.
pub async fn send(system: System, call: Call) -> Result<Answer, Error> {
    http::send(request(system, call)).await.map(|response| answer(system, response))
}

/// Sends one call and insists on a success.
pub async fn read(system: System, call: Call) -> Result<Answer, Trouble> {
    match send(system, call).await {
        Ok(answer) if answer.is_success() => Ok(answer),
        Ok(answer) => Err(blame::refused(system, &answer)),
        Err(error) => Err(blame::failed(system, &error)),
    }
}

fn request(system: System, call: Call) -> Request {
    let mut headers = vec![field("accept", "application/json")];
    if call.body.is_some() {
        headers.push(field("content-type", "application/json"));
    }
    Request {
        connection: system.connection().to_owned(),
        method: if call.body.is_some() { "POST" } else { "GET" }.to_owned(),
        path: call.path,
        query: call.query.into_iter().map(|(name, value)| field(name, value)).collect(),
        headers,
        body: call.body.unwrap_or_default(),
        timeout_ms: None,
        max_response_bytes: call.max_bytes,
        repeat_safe: true,
    }
}

fn field(name: &str, value: impl Into<String>) -> Field {
    Field { name: name.to_owned(), value: value.into() }
}

fn answer(system: System, response: Response) -> Answer {
    let wanted = system.request_id_header();
    let request_id = response.headers.into_iter().find(|header| header.name.eq_ignore_ascii_case(wanted)).map(|header| header.value);
    Answer { status: response.status, body: response.body, request_id: request_id.filter(|id| !id.trim().is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_makes_it_a_post_that_may_be_repeated() {
        let request = request(System::Kronos, Call::post("/x", &serde_json::json!({"a": 1})).query("q", "b c"));
        assert_eq!((request.method.as_str(), request.connection.as_str(), request.repeat_safe), ("POST", "kronos", true));
        assert_eq!(request.body, br#"{"a":1}"#);
        assert_eq!(request.query, [field("q", "b c")]);
    }

    #[test]
    fn the_request_id_is_found_in_any_case() {
        let response = Response { status: 200, headers: vec![field("Kronos-TID", "7f3")], body: Vec::new() };
        assert_eq!(answer(System::Kronos, response).request_id.as_deref(), Some("7f3"));
    }
}
