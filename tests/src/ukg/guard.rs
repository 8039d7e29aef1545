//! What stands before every data call: the app key, the token, the function access profile, the licence.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::ukg::answer::Refusal;
use crate::ukg::{EVERYBODY_PATH, Ukg};

/// Lets a data call through or refuses it.
pub(crate) async fn check(State(ukg): State<Arc<Ukg>>, request: Request, next: Next) -> Response {
    if let Err(refusal) = app_key(&ukg, request.headers()) {
        return refusal.into_response();
    }
    if !ukg.tokens().valid(bearer(request.headers())) {
        let mut response = Refusal::new(401, "WFP-90401", "The access token is invalid or has expired.").into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        return response;
    }
    let (switches, path) = (ukg.switches(), request.uri().path());
    if switches.forbidden.contains(path) {
        let code = if path == EVERYBODY_PATH { "WCO-101344" } else { "WFP-90403" };
        return Refusal::new(403, code, "The user does not have access to this operation.").into_response();
    }
    if switches.unlicensed.contains(path) {
        return Refusal::new(403, "WFA-000030", "The tenant has no licence for this operation.").into_response();
    }
    next.run(request).await
}

/// Checks the app key where the tenant wants one.
pub(crate) fn app_key(ukg: &Ukg, headers: &HeaderMap) -> Result<(), Refusal> {
    let sent = headers.get("appkey").and_then(|value| value.to_str().ok());
    if !ukg.switches().app_key_required || sent == Some(ukg.credentials.app_key) {
        return Ok(());
    }
    // The number is made up; only the form of the gateway's own errors is known.
    Err(Refusal::new(401, "GTW-ERROR-001", "The appkey is missing or not valid."))
}

/// The token, bare or after `Bearer`.
fn bearer(headers: &HeaderMap) -> &str {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.strip_prefix("Bearer ").unwrap_or(sent)
}
