//! The two token endpoints, and the tokens they issued.
//!
//! Where the sheet has no body for an error, it is the flat form of the authentication server that UKG's login pages point to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{Html, IntoResponse, Response};
use rand::Rng;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ukg::answer::send;
use crate::ukg::guard::app_key;
use crate::ukg::{Login, Ukg};

/// What logs in. Password and secrets hold characters that need encoding in a form, and a plain middle to look for in outputs.
#[derive(Debug, Clone)]
pub struct UkgCredentials {
    /// The API user.
    pub user_name: &'static str,
    /// Their password.
    pub password: &'static str,
    /// The client id.
    pub client_id: &'static str,
    /// The client secret.
    pub client_secret: &'static str,
    /// The app key.
    pub app_key: &'static str,
    /// The realm, for the password-realm grant.
    pub realm: &'static str,
    /// The audience.
    pub audience: &'static str,
    /// The organisation, for the client-credentials grant.
    pub organization: &'static str,
}

impl Default for UkgCredentials {
    fn default() -> Self {
        Self {
            user_name: "APIUser",
            password: "p+KpwQ7mZr41vTx9Ld& =%",
            client_id: "kronos-client-5b20",
            client_secret: "s/KcsJ3nWe86yHb0Gu+?=",
            app_key: "KakV5tSd72cMf9Xq1PzR",
            realm: "acme",
            audience: "https://wfm.ukg.net/api",
            organization: "org_4hV8sKe2",
        }
    }
}

impl UkgCredentials {
    /// The secrets as they are, and the part of each that no encoding changes.
    pub fn secrets(&self) -> Vec<String> {
        let whole = [self.password, self.client_secret, self.app_key];
        let plain = ["KpwQ7mZr41vTx9Ld", "KcsJ3nWe86yHb0Gu"];
        whole.into_iter().chain(plain).map(str::to_owned).collect()
    }
}

/// Every token ever issued, and when the living ones die.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    access: HashMap<String, Instant>,
    refresh: HashMap<String, Instant>,
    pub issued: Vec<String>,
}

impl Tokens {
    pub(crate) fn valid(&self, token: &str) -> bool {
        self.access.get(token).is_some_and(|dies| *dies > Instant::now())
    }

    pub(crate) fn revoke(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }

    fn access(&mut self, seconds: u64) -> String {
        let token = opaque(27);
        self.access.insert(token.clone(), Instant::now() + Duration::from_secs(seconds));
        self.issued.push(token.clone());
        token
    }

    fn refresh(&mut self) -> String {
        let token = opaque(27);
        self.refresh.insert(token.clone(), Instant::now() + Duration::from_hours(7 * 24));
        self.issued.push(token.clone());
        token
    }
}

fn opaque(length: usize) -> String {
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(length).map(char::from).collect()
}

type Fields = HashMap<String, String>;

/// `POST /api/authentication/access_token`.
pub(crate) async fn classic(State(ukg): State<Arc<Ukg>>, RawQuery(query): RawQuery, headers: HeaderMap, bytes: Bytes) -> Response {
    if !ukg.switches().classic_login {
        return flat(404, "not_found", "There is no such resource.").into_response();
    }
    if let Err(refusal) = app_key(&ukg, &headers) {
        return refusal.into_response();
    }
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.starts_with("application/x-www-form-urlencoded") || query.is_some_and(|query| !query.is_empty()) {
        return flat(400, "invalid_request", "Credentials must be sent in a form body.").into_response();
    }
    let fields: Fields = url::form_urlencoded::parse(&bytes).into_owned().collect();
    elsewhere(ukg.switches().login).unwrap_or_else(|| grant(&ukg, &fields).into_response())
}

fn grant(ukg: &Ukg, fields: &Fields) -> Result<Response, Flat> {
    let (known, switches) = (&ukg.credentials, ukg.switches());
    let kind = field(fields, "grant_type");
    if !["password", "refresh_token"].contains(&kind) {
        return Err(flat(400, "unsupported_grant_type", "Grant type is not supported: ".to_owned() + kind));
    }
    if field(fields, "client_id") != known.client_id || field(fields, "client_secret") != known.client_secret {
        return Err(flat(401, "invalid_client", "Client authentication failed"));
    }
    if switches.login == Login::GrantNotAllowed {
        return Err(flat(400, "unauthorized_client", "The client is not authorized to use this grant type."));
    }
    let again = kind == "refresh_token";
    let welcome = if again { refreshes(ukg, fields) } else { signs_in(ukg, fields) };
    if !welcome {
        return Err(flat(400, "invalid_grant", "The provided access grant is invalid, expired, or revoked."));
    }
    match switches.login {
        Login::Locked => Err(flat(400, "invalid_grant", "The provided access grant is invalid, expired, or revoked.")),
        Login::PasswordExpired => Err(flat(400, "invalid_grant", "The password has expired.")),
        _ => Ok(issue(ukg, switches.token_seconds, !again)),
    }
}

fn signs_in(ukg: &Ukg, fields: &Fields) -> bool {
    let known = &ukg.credentials;
    let right = field(fields, "username") == known.user_name && field(fields, "password") == known.password;
    right && field(fields, "auth_chain") == "OAuthLdapService"
}

fn refreshes(ukg: &Ukg, fields: &Fields) -> bool {
    ukg.tokens().refresh.get(field(fields, "refresh_token")).is_some_and(|dies| *dies > Instant::now())
}

/// A refresh brings no new refresh token.
fn issue(ukg: &Ukg, seconds: u64, with_refresh: bool) -> Response {
    let mut tokens = ukg.tokens();
    let mut body = json!({
        "access_token": tokens.access(seconds),
        "scope": "givenName mail nonce openid profile sn uid",
        "id_token": opaque(40),
        "token_type": "Bearer",
        "expires_in": seconds,
    });
    if let (true, Some(map)) = (with_refresh, body.as_object_mut()) {
        map.insert("refresh_token".to_owned(), Value::String(tokens.refresh()));
    }
    send(200, &body)
}

/// `POST /oauth/token`, in the manner of Auth0.
pub(crate) async fn client_management(State(ukg): State<Arc<Ukg>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fields: Option<Fields> = media.starts_with("application/json").then(|| serde_json::from_slice(&bytes).ok()).flatten();
    if !ukg.switches().ukg_login {
        return flat(404, "not_found", "There is no such resource.").into_response();
    }
    let Some(fields) = fields else { return flat(400, "invalid_request", "The body must be a JSON object of texts.").into_response() };
    realm_grant(&ukg, &fields).into_response()
}

fn realm_grant(ukg: &Ukg, fields: &Fields) -> Result<Response, Flat> {
    let (known, switches) = (&ukg.credentials, ukg.switches());
    let kind = field(fields, "grant_type");
    let password = kind == "http://auth0.com/oauth/grant-type/password-realm";
    if !password && kind != "client_credentials" {
        return Err(flat(403, "unsupported_grant_type", "Unsupported grant type: ".to_owned() + kind));
    }
    if field(fields, "client_id") != known.client_id || field(fields, "client_secret") != known.client_secret {
        return Err(flat(401, "access_denied", "Unauthorized"));
    }
    if switches.login == Login::GrantNotAllowed {
        return Err(flat(403, "unauthorized_client", "Grant type not allowed for the client."));
    }
    if field(fields, "audience") != known.audience {
        return Err(flat(403, "access_denied", "Service not found: ".to_owned() + field(fields, "audience")));
    }
    if password && field(fields, "realm") != known.realm {
        return Err(flat(400, "invalid_request", "The realm is missing or unknown."));
    }
    if !password && field(fields, "organization") != known.organization {
        return Err(flat(400, "invalid_request", "The organization is missing or unknown."));
    }
    let right = field(fields, "username") == known.user_name && field(fields, "password") == known.password;
    match switches.login {
        Login::Locked => Err(flat(429, "too_many_attempts", "Your account has been blocked after multiple consecutive login attempts.")),
        _ if password && (!right || switches.login == Login::PasswordExpired) => {
            Err(flat(403, "invalid_grant", "Wrong email or password."))
        }
        _ => Ok(issue(ukg, switches.token_seconds, false)),
    }
}

/// The answers of a host for federated users.
fn elsewhere(login: Login) -> Option<Response> {
    match login {
        Login::Html => Some(Html("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>").into_response()),
        Login::Redirect => {
            let to = "https://login.idp.example/authn/XUI/?realm=/acme_prd_01#login";
            Some((axum::http::StatusCode::FOUND, [(LOCATION, to)]).into_response())
        }
        _ => None,
    }
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

/// The flat error: `{error, error_description}`.
struct Flat {
    status: u16,
    error: &'static str,
    description: String,
}

impl IntoResponse for Flat {
    fn into_response(self) -> Response {
        send(self.status, &json!({ "error": self.error, "error_description": self.description }))
    }
}

fn flat(status: u16, error: &'static str, description: impl Into<String>) -> Flat {
    Flat { status, error, description: description.into() }
}
