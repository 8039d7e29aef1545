//! Signing in with a provider of identities: on the way there, and back.
//!
//! What ties both ways together follows from a secret in a cookie of the browser and from a state that is good once: a code that
//! somebody else was given opens nothing here.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::super::frame::Done;
use super::super::people::{PeopleError, Ticket, User};
use super::super::provider::{self, ProviderError, Ties};
use super::super::shelf::{self, Kept};
use super::super::visitor::FormToken;
use super::super::{Console, Problem, ROOT, guard};
use super::sign_in;
use crate::config::OidcConfig;
use crate::history::instant;
use crate::secret::Scrub;
use crate::store::{Scan, Write};

pub(super) const PATH: &str = "/console/sign-in/provider";
const BACK: &str = "/console/sign-in/return";
const WAY: &str = "sign-in/way/";
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

/// What is kept of somebody who is on the way: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Way {
    next: String,
    #[serde(with = "instant")]
    expires: DateTime<Utc>,
}

/// `GET /console/sign-in/provider`
pub(in super::super) async fn go(
    State(console): State<Console>,
    token: FormToken,
    Query(there): Query<There>,
) -> Result<Response, Problem> {
    let config = config(&console)?;
    let state = Ticket::new()?;
    let ties = ties(&token, &state);
    let url = console.provider.way_there(&config, &console.address_of(BACK), &ties).await.map_err(|error| told(&config, &error))?;
    sweep(&console).await?;
    let next = if guard::is_own_page(&there.next) { there.next } else { ROOT.to_owned() };
    let way = Way { next, expires: console.now() + LASTS };
    console.shelf.commit(vec![shelf::put(place(&state), &way)?]).await?;
    Ok(Redirect::to(url.as_str()).into_response())
}

/// `GET /console/sign-in/return`
pub(in super::super) async fn come_back(
    State(console): State<Console>,
    token: FormToken,
    Query(back): Query<Back>,
) -> Result<Done, Problem> {
    let config = config(&console)?;
    let (state, way) = known(&console, &back.state).await?;
    let Some(code) = back.code else {
        let said = [back.error, back.error_description].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let text = format!("{} says: {said}", config.issuer);
        return Err(Problem::not_vouched(StatusCode::FORBIDDEN, text, "Sign in again, or ask whoever runs the provider."));
    };
    let vouched = console.provider.who_comes_back(&config, &console.address_of(BACK), &code, ties(&token, &state)).await;
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
    sign_in::begin(&console, &user, &way.next, "signed in with the provider").await
}

/// Uses a state up, and gives what was kept with it.
async fn known(console: &Console, state: &str) -> Result<(Ticket, Way), Problem> {
    let over = || {
        let text = "This sign-in was begun too long ago, in another browser, or was finished already.";
        Problem::not_vouched(StatusCode::GONE, text, "Begin again at the sign-in page.")
    };
    let state = Ticket::shown(state).ok_or_else(over)?;
    let kept: Kept<Way> = console.shelf.get(&place(&state)).await?.ok_or_else(over)?;
    let used = console.shelf.commit(vec![shelf::remove(&kept)]).await?;
    if used && console.now() < kept.value.expires { Ok((state, kept.value)) } else { Err(over()) }
}

/// Removes what is kept of those who never came back.
async fn sweep(console: &Console) -> Result<(), Problem> {
    let (ways, _) = console.shelf.scan::<Way>(&Scan::new(WAY, 500)).await?;
    let old: Vec<_> = ways.iter().filter(|way| way.value.expires <= console.now()).map(|way| Write::remove(&way.key)).collect();
    if !old.is_empty() {
        console.shelf.commit(old).await?;
    }
    Ok(())
}

fn ties(token: &FormToken, state: &Ticket) -> Ties {
    let (nonce, verifier) = (token.derived("nonce", state.text()), token.derived("verifier", state.text()));
    Ties { state: state.text().to_owned(), nonce, verifier }
}

fn config(console: &Console) -> Result<OidcConfig, Problem> {
    console.site.console().oidc.clone().ok_or_else(|| Problem::not_found("People sign in with a password here."))
}

fn place(state: &Ticket) -> String {
    format!("{WAY}{}", state.digest())
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
