//! Signing in with a provider of identities: on the way there, and back.
//!
//! What ties both ways together is in cookies of the browser that began: a state that is good once, and a secret from which the rest
//! follows. A code that somebody else was given opens nothing here.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::form_urlencoded;

use super::super::frame::Done;
use super::super::people::{PeopleError, Ticket, User};
use super::super::provider::{self, ProviderError, Ties};
use super::super::visitor::FormToken;
use super::super::{Console, Problem, ROOT, guard};
use super::sign_in;
use crate::config::OidcConfig;
use crate::secret::Scrub;

pub(super) const PATH: &str = "/console/sign-in/provider";
const BACK: &str = "/console/sign-in/return";
/// How long somebody may take at the provider.
const LASTS: TimeDelta = TimeDelta::minutes(15);

/// Where to go on to.
#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct There {
    #[serde(default)]
    next: String,
}

/// What the provider sends back.
#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Back {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// What the browser keeps of somebody who is on the way, in a cookie: nothing of strangers is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    state: Ticket,
    /// In seconds since 1970.
    expires: i64,
    next: String,
}

impl Way {
    fn text(&self) -> String {
        let next: String = form_urlencoded::byte_serialize(self.next.as_bytes()).collect();
        format!("{}.{}.{next}", self.state.text(), self.expires)
    }

    /// What came back in the cookie: as somebody may have written it.
    fn shown(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (state, expires) = (Ticket::shown(parts.next()?)?, parts.next()?.parse().ok()?);
        let next = form_urlencoded::parse(parts.next()?.as_bytes()).next().map(|(next, _)| next.into_owned());
        Some(Self { state, expires, next: next.filter(|next| guard::is_own_page(next)).unwrap_or_else(|| ROOT.to_owned()) })
    }
}

/// `GET /console/sign-in/provider`
pub(in super::super) async fn go(
    State(console): State<Console>,
    token: FormToken,
    headers: HeaderMap,
    Query(there): Query<There>,
) -> Result<Response, Problem> {
    let config = config(&console)?;
    let state = Ticket::new()?;
    let ties = ties(&token, &state);
    let url = console.provider.way_there(&config, &console.address_of(BACK), &ties).await.map_err(|error| told(&config, &error))?;
    let way = Way { state, expires: (console.now() + LASTS).timestamp(), next: there.next };
    let mut response = Redirect::to(url.as_str()).into_response();
    guard::keep_way(&headers, &mut response, Some(&way.text()));
    Ok(response)
}

/// `GET /console/sign-in/return`
pub(in super::super) async fn come_back(
    State(console): State<Console>,
    token: FormToken,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    let way = guard::way(&headers).and_then(|text| Way::shown(&text));
    let mut response = arrive(&console, &token, way, back).await.into_response();
    // It is good once.
    guard::keep_way(&headers, &mut response, None);
    response
}

async fn arrive(console: &Console, token: &FormToken, way: Option<Way>, back: Back) -> Result<Done, Problem> {
    let config = config(console)?;
    let came = |way: &Way| way.state.text() == back.state && console.now().timestamp() < way.expires;
    let Way { state, next, .. } = way.filter(came).ok_or_else(|| {
        let text = "This sign-in was begun too long ago, in another browser, or was finished already.";
        Problem::not_vouched(StatusCode::GONE, text, "Begin again at the sign-in page.")
    })?;
    let Some(code) = back.code else {
        let said = [back.error, back.error_description].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let text = format!("{} says: {said}", config.issuer);
        return Err(Problem::not_vouched(StatusCode::FORBIDDEN, text, "Sign in again, or ask whoever runs the provider."));
    };
    let vouched = console.provider.who_comes_back(&config, &console.address_of(BACK), &code, ties(token, &state)).await;
    let vouched = vouched.map_err(|error| told(&config, &error))?;
    let Some(role) = provider::role(&config, &vouched.values) else {
        tracing::warn!(issuer = config.issuer, "somebody whom the provider knows has no role here");
        let who = vouched.names.first().map_or("", String::as_str);
        let text = format!("The provider knows you as {who}, but nothing that it says of you gives you a role here.");
        let remedy =
            format!("Ask whoever runs the provider to put you into a group that may use this console (the claim {:?}).", config.role_claim);
        return Err(Problem::not_vouched(StatusCode::FORBIDDEN, text, remedy));
    };
    let name = vouched.names.iter().find(|name| User::new(name, role, console.now()).is_ok()).ok_or(PeopleError::Name)?;
    let user = console.people.vouched(&vouched.identity, name, role, console.now()).await?;
    sign_in::begin(console, &user, &next, "signed in with the provider").await
}

fn ties(token: &FormToken, state: &Ticket) -> Ties {
    let (nonce, verifier) = (token.derived("nonce", state.text()), token.derived("verifier", state.text()));
    Ties { state: state.text().to_owned(), nonce, verifier }
}

fn config(console: &Console) -> Result<OidcConfig, Problem> {
    console.site.console().oidc.clone().ok_or_else(|| Problem::not_found("People sign in with a password here."))
}

/// What somebody is told who cannot do anything about it; the cause is in the log.
fn told(config: &OidcConfig, error: &ProviderError) -> Problem {
    // A provider may repeat what it was sent.
    let cause = Scrub::of(config.client_secret.iter().map(ExposeSecret::expose_secret)).text(&error.to_string());
    tracing::error!(issuer = config.issuer, cause, "a sign-in with the provider failed");
    let remedy = "Try again in a moment, or sign in with a password. The log of the host says more.";
    let (status, text) = match error {
        ProviderError::Unreachable(_) => (StatusCode::BAD_GATEWAY, "The provider does not answer."),
        ProviderError::Refused(_) => (StatusCode::BAD_GATEWAY, "The provider refused to say who you are."),
        ProviderError::Untrusted(_) => (StatusCode::BAD_GATEWAY, "What the provider answered cannot be trusted."),
    };
    Problem::not_vouched(status, text, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_browser_kept_is_read_again_and_leads_nobody_elsewhere() {
        let way = |next: &str| Way { state: Ticket::shown(&"A".repeat(43)).unwrap(), expires: 7, next: next.to_owned() };
        let own = way("/console/tenants/acme?q=a.b&c=%20");
        assert_eq!(Way::shown(&own.text()), Some(own));
        for other in ["//evil.example", "", "https://evil.example"] {
            assert_eq!(Way::shown(&way(other).text()), Some(way(ROOT)), "{other}");
        }
        for text in ["", "x", "a.b.c", &"A".repeat(43), &format!("{}.x.y", "A".repeat(43))] {
            assert_eq!(Way::shown(text), None, "{text}");
        }
    }
}
