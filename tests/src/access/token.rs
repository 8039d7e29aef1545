//! `POST /SAAS/auth/oauthtoken`, the client-credentials grant, and the check of its tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::Rng;
use serde_json::json;
use tokio::time::Instant;

use crate::access::Access;
use crate::access::resource::send;

/// What logs in: a service client of the tenant.
#[derive(Debug, Clone)]
pub struct AccessCredentials {
    /// The client id.
    pub client_id: String,
    /// The shared secret.
    pub client_secret: String,
}

impl Default for AccessCredentials {
    fn default() -> Self {
        Self { client_id: "shift-access@acme".to_owned(), client_secret: "WscH2yRf6Tq09NeJm3Ab".to_owned() }
    }
}

impl AccessCredentials {
    /// The secret as it is, and as it stands in a Basic header.
    pub fn secrets(&self) -> Vec<String> {
        vec![self.client_secret.clone(), STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret))]
    }
}

/// Answers a login.
pub(crate) async fn issue(State(access): State<Arc<Access>>, RawQuery(query): RawQuery, headers: HeaderMap, bytes: Bytes) -> Response {
    let mut fields: HashMap<String, String> = url::form_urlencoded::parse(&bytes).into_owned().collect();
    // The API file allows query parameters as well.
    fields.extend(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned());
    match fields.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some("authorization_code" | "password" | "refresh_token" | "urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            return refused(400, "unauthorized_client", "The client is not authorized to use this grant type.");
        }
        // A wrong or missing grant type really is a server error there.
        _ => return refused(500, "server_error", "Internal server error."),
    }
    let known = access.credentials();
    let (id, secret) = basic(&headers).unwrap_or_else(|| {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        (field("client_id"), field("client_secret"))
    });
    if (id, secret) == (known.client_id.clone(), known.client_secret) {
        return welcome(&access, &known.client_id);
    }
    let mut response = refused(access.switches().bad_client_status, "invalid_client", "Client authentication failed.");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"SAAS\""));
    response
}

fn welcome(access: &Access, client_id: &str) -> Response {
    let seconds = access.switches().token_seconds;
    let token = looks_like_a_jwt(client_id);
    let mut tokens = access.tokens();
    tokens.living.insert(token.clone(), Instant::now() + Duration::from_secs(seconds.unwrap_or(300)));
    tokens.issued.push(token.clone());
    let mut body = json!({ "access_token": token, "token_type": "Bearer", "scope": "admin" });
    if let (Some(seconds), Some(map)) = (seconds, body.as_object_mut()) {
        map.insert("expires_in".to_owned(), json!(seconds));
    }
    send(200, &body)
}

fn looks_like_a_jwt(client_id: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature: [u8; 32] = rand::rng().random();
    let header = part(json!({ "alg": "RS256", "typ": "JWT" }));
    format!("{header}.{}.{}", part(json!({ "sub": client_id, "scp": "admin" })), URL_SAFE_NO_PAD.encode(signature))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let sent = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(sent).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn refused(status: u16, error: &str, description: &str) -> Response {
    send(status, &json!({ "error": error, "error_description": description }))
}

/// Lets a SCIM call with a living token through.
pub(crate) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let sent = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = sent.strip_prefix("Bearer ").or_else(|| sent.strip_prefix("HZN ")).unwrap_or_default();
    let alive = access.tokens().living.get(token).is_some_and(|dies| *dies > Instant::now());
    if alive {
        return next.run(request).await;
    }
    let mut response = send(401, &json!({ "errors": [{ "code": "not.authorized", "message": "Not authorized", "parameters": null }] }));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"SAAS\", error=\"invalid_token\""));
    response
}
