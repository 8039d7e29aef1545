//! Calls to the tenant's connections, so many and so large as the tenant's limits say.

use wasmtime::component::Accessor;

use super::{Lent, Loan, State};
use crate::connection::{Field, HttpError, Request, Response, Throttle};
use crate::limits::{Flight, Throttled, raise, raise_of};
use crate::plugin::bindings::shift_access::plugin::http;

impl http::Host for &mut Lent {}

impl http::HostWithStore<State> for Loan {
    async fn send(accessor: &Accessor<State, Self>, request: http::Request) -> Result<http::Response, http::Error> {
        let lent = accessor.with(|mut access| access.get().clone());
        let (request, _flight) = within_limits(&lent, request.into())?;
        let answer = lent.http.send(request).await;
        answer.map(http::Response::from).map_err(http::Error::from)
    }
}

/// Holds a request to the tenant's limits, and counts it.
fn within_limits(lent: &Lent, request: Request) -> Result<(Request, Flight), HttpError> {
    let (limits, entry) = (&lent.limits, lent.scope.entry);
    let (size, largest) = (size(&request), u64::from(limits.request_kib) << 10);
    if size > largest {
        let remedy = raise(&lent.tenant, "request-kib");
        return Err(HttpError::Other(format!("the request has {size} bytes, at most {largest} may be sent; {remedy}")));
    }
    let most = limits.of(entry).requests;
    if lent.scope.request() > most {
        let remedy = raise_of(&lent.tenant, entry, "requests");
        return Err(HttpError::Other(format!("more than {most} requests in one call; {remedy}")));
    }
    let flight = lent.scope.account.fly().map_err(|Throttled(wait)| {
        tracing::debug!(tenant = %lent.tenant, "a request is over requests-in-flight or requests-a-minute");
        let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).ok();
        HttpError::Throttled(Throttle { retry_after_seconds: seconds, request_id: None })
    })?;
    let answer = u64::from(limits.answer_mib) << 20;
    let max_response_bytes = Some(request.max_response_bytes.map_or(answer, |asked| asked.min(answer)));
    Ok((Request { max_response_bytes, ..request }, flight))
}

/// What a request sends, without what the platform adds.
fn size(request: &Request) -> u64 {
    let fields = |fields: &[Field]| fields.iter().map(|field| field.name.len() + field.value.len()).sum::<usize>();
    let bytes = request.method.len() + request.path.len() + fields(&request.query) + fields(&request.headers) + request.body.len();
    bytes as u64
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
