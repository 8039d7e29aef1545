//! Calls to the tenant's connections.

use wasmtime::component::Accessor;

use super::{Loan, State};
use crate::connection::{Field, HttpError, Request, Response};
use crate::plugin::bindings::shift_access::plugin::http;

impl http::Host for &mut super::Lent {}

impl http::HostWithStore<State> for Loan {
    async fn send(accessor: &Accessor<State, Self>, request: http::Request) -> Result<http::Response, http::Error> {
        let client = accessor.with(|mut access| access.get().http.clone());
        let answer = client.send(request.into()).await;
        answer.map(http::Response::from).map_err(http::Error::from)
    }
}

impl From<http::Request> for Request {
    fn from(request: http::Request) -> Self {
        let pairs = |fields: Vec<http::Field>| fields.into_iter().map(|field| Field { name: field.name, value: field.value }).collect();
        Self {
            connection: request.connection,
            method: request.method,
            path: request.path,
            query: pairs(request.query),
            headers: pairs(request.headers),
            body: request.body.into(),
            timeout_ms: request.timeout_ms,
            max_response_bytes: request.max_response_bytes,
            repeat_safe: request.repeat_safe,
        }
    }
}

impl From<Response> for http::Response {
    fn from(response: Response) -> Self {
        let headers = response.headers.into_iter().map(|field| http::Field { name: field.name, value: field.value }).collect();
        Self { status: response.status, headers, body: response.body.into() }
    }
}

impl From<HttpError> for http::Error {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::UnknownConnection => Self::UnknownConnection,
            HttpError::NotGranted(text) => Self::NotGranted(text),
            HttpError::CredentialsRefused(refusal) => Self::CredentialsRefused(http::Refusal {
                status: refusal.status,
                code: refusal.code,
                text: refusal.text,
                not_json: refusal.not_json,
                request_id: refusal.request_id,
            }),
            HttpError::Unreachable(text) => Self::Unreachable(text),
            HttpError::Timeout => Self::Timeout,
            HttpError::Throttled(throttle) => {
                Self::Throttled(http::Throttle { retry_after_seconds: throttle.retry_after_seconds, request_id: throttle.request_id })
            }
            HttpError::TooLarge(limit) => Self::TooLarge(limit),
            HttpError::Other(text) => Self::Other(text),
        }
    }
}
