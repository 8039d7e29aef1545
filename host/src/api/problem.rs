//! What went wrong, as a problem document (RFC 9457): one text for the caller, another for the log.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::history::Failure;
use crate::plugin::CallError;
use crate::runner::{self, OrderError, RunError};
use crate::store::StoreError;
use crate::tenant::Tenant;
use crate::token::{Scope, TokenError};

/// Seconds after which it is worth asking a store again that did not answer.
const SOON: HeaderValue = HeaderValue::from_static("5");

/// Seconds after which a full queue may have room again.
const LATER: HeaderValue = HeaderValue::from_static("30");

/// An answer that is an error. In a box: it is what everything here may return.
#[derive(Debug)]
pub(super) struct Problem(Box<Document>);

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document {
    /// There is no page about each kind of problem: `about:blank`, which says that the title is the status in words.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status as a number.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What happened, for a person.
    detail: String,
    /// What to do, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// The code of the pack's catalogue, where the pack or a run of it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip)]
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let detail = detail.into();
        Self(Box::new(Document { r#type: "about:blank", title, status, detail, remedy: None, code: None, header: None }))
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The caller shows no token, or one that is not good (RFC 6750 §3).
    pub(super) fn unauthorized(shown: bool) -> Self {
        let (detail, challenge) = match shown {
            true => ("the token is not valid: it is unknown, expired or revoked", "Bearer error=\"invalid_token\""),
            false => ("show a token: Authorization: Bearer sat_…", "Bearer"),
        };
        let remedy = "make one with: shift-access token create TENANT --scope read";
        Self::new(StatusCode::UNAUTHORIZED, detail).remedy(remedy).header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// The token is good, but not for this tenant. Whether there is such a tenant is not told.
    pub(super) fn other_tenant() -> Self {
        Self::new(StatusCode::FORBIDDEN, "the token is for another tenant")
    }

    /// The token is good, but its scope is not enough (RFC 6750 §3.1).
    pub(super) fn scope(wanted: Scope) -> Self {
        let challenge = match wanted {
            Scope::Read => "Bearer error=\"insufficient_scope\", scope=\"read\"",
            Scope::Operate => "Bearer error=\"insufficient_scope\", scope=\"operate\"",
        };
        let detail = format!("this takes a token with the scope {}", wanted.as_str());
        Self::new(StatusCode::FORBIDDEN, detail).header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// The plugin did not answer. What it says itself of the cause goes on to the caller.
    pub(super) fn of_call(tenant: &Tenant, error: &CallError) -> Self {
        let status = match error {
            CallError::Failure(failure) if runner::is_about_nobody(tenant, failure) => StatusCode::NOT_FOUND,
            CallError::Failure(_) => StatusCode::BAD_GATEWAY,
            CallError::Time(_) => StatusCode::GATEWAY_TIMEOUT,
            CallError::Trap(_) | CallError::Cpu(_) | CallError::Memory(_) | CallError::Data(_) | CallError::Ungranted(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let Failure { code, title: _, message, remedy } = runner::failure(tenant, error);
        if status != StatusCode::NOT_FOUND {
            tracing::error!(tenant = %tenant.name, code, "a request failed: {message}");
        }
        let mut problem = Self::new(status, message).remedy(remedy);
        problem.0.code = Some(code);
        problem
    }

    pub(super) fn of_order(error: &OrderError) -> Self {
        match error {
            OrderError::UnknownJob { .. } => Self::not_found(error.to_string()),
            OrderError::BadOption { given, message } => {
                let name = given.split_once('=').map_or(given.as_str(), |(name, _)| name);
                Self::bad_request(format!("options.{name}: {message}"))
            }
        }
    }

    /// There is as much of it as there may be.
    pub(super) fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, SOON)
    }

    /// The tenant rests.
    pub(super) fn paused(tenant: &Tenant) -> Self {
        RunError::Paused(tenant.name.to_string()).into()
    }

    /// Nothing new is begun any more, and what was under way is ended.
    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the host is about to stop").header(RETRY_AFTER, SOON)
    }

    /// Who brings events does not prove where they come from.
    pub(super) fn not_proven(detail: impl Into<String>, challenge: HeaderValue) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail).header(WWW_AUTHENTICATE, challenge)
    }

    /// There is more than can be dealt with for now.
    pub(super) fn later(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).remedy("post it again in a while").header(RETRY_AFTER, LATER)
    }

    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {} bytes", super::LONGEST_BODY))
    }

    /// The store failed while it was asked to keep something.
    pub(super) fn of_store(error: &StoreError) -> Self {
        tracing::error!(%error, "a request failed at the store");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "the store did not answer").remedy("try again in a moment").header(RETRY_AFTER, SOON)
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            // Of what a request brings, nothing but a cursor is handed on to the store unread.
            StoreError::Invalid(message) => Self::bad_request(message),
            error => Self::of_store(&error),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Store(error) => error.into(),
            // Only who makes a token needs one, and no request does.
            TokenError::Random(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Busy { .. } | RunError::Paused(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            RunError::Store(error) => error.into(),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let status = match &rejection {
            // AuthZEN 1.0 knows 400 for whatever is wrong with a request.
            JsonRejection::JsonDataError(_) => StatusCode::BAD_REQUEST,
            other => other.status(),
        };
        let detail = match status {
            StatusCode::PAYLOAD_TOO_LARGE => return Self::too_large(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body must be JSON: Content-Type: application/json".to_owned(),
            _ => rejection.body_text(),
        };
        Self::new(status, detail)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(document) = self;
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let media = HeaderValue::from_static("application/problem+json");
        let mut response = (document.status, [(CONTENT_TYPE, media)], body).into_response();
        if let Some((name, value)) = document.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The answer to a path that is none.
pub(super) async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path())).remedy("see /api/openapi.json for what there is")
}

/// The answer to a method that the path does not have; which it has stands in the header `Allow`.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_of_the_store_is_told_without_its_words_and_a_bad_cursor_with_them() {
        let problem = Problem::from(StoreError::Unavailable("/var/lib/shift-access.db: disk I/O error".to_owned()));
        assert!(!serde_json::to_string(&problem.0).unwrap().contains("/var"));
        let response = problem.into_response();
        assert_eq!((response.status(), &response.headers()[RETRY_AFTER]), (StatusCode::SERVICE_UNAVAILABLE, &SOON));
        let problem = Problem::from(StoreError::Invalid("the cursor is not one of this scan".to_owned()));
        assert_eq!((problem.0.status, problem.0.detail.as_str()), (StatusCode::BAD_REQUEST, "the cursor is not one of this scan"));
    }

    #[test]
    fn a_problem_has_the_members_of_the_standard_and_no_empty_ones() {
        let text = serde_json::to_value(&Problem::not_found("there is no run x").remedy("").0).unwrap();
        let wanted = serde_json::json!({ "type": "about:blank", "title": "Not Found", "status": 404, "detail": "there is no run x" });
        assert_eq!(text, wanted);
    }
}
