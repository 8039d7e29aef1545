//! The token of one connection, in memory only: fetched once however many calls wait for it, renewed early.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::login::{Grant, header_value};
use super::message::HttpError;

/// A token is renewed this long before its end, or a tenth of its life before where that is less.
const EARLY: Duration = Duration::from_secs(30);

/// A token in use.
#[derive(Clone)]
pub(super) struct Token {
    serial: u64,
    value: Arc<SecretString>,
    renew_at: Instant,
}

impl Token {
    /// The header that carries it.
    pub(super) fn bearer(&self) -> Option<HeaderValue> {
        header_value(&format!("Bearer {}", self.value.expose_secret()))
    }
}

/// The token, and what became of the last login.
#[derive(Default)]
pub(super) struct Tokens {
    state: Mutex<State>,
    /// How many logins have ended.
    logins: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failure: Option<HttpError>,
}

impl Tokens {
    /// The token, fetched by `login` where there is none that lives on.
    ///
    /// Whoever waits here while another logs in shares what comes of it, a refusal too: twenty calls with a wrong
    /// password are one failed login, not twenty, which would lock the account.
    pub(super) async fn get<F>(&self, login: impl FnOnce() -> F) -> Result<Token, HttpError>
    where
        F: Future<Output = Result<Grant, HttpError>>,
    {
        let seen = self.logins.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.clone());
        }
        let ended = self.logins.load(Ordering::Acquire);
        if let Some(failure) = state.failure.as_ref().filter(|_| ended != seen) {
            return Err(failure.clone());
        }
        let result = login().await;
        let serial = self.logins.fetch_add(1, Ordering::AcqRel);
        match result {
            Ok(grant) => {
                let early = EARLY.min(grant.lifetime / 10);
                let renew_at = Instant::now() + grant.lifetime.min(CENTURY).saturating_sub(early);
                let token = Token { serial, value: Arc::new(grant.token), renew_at };
                *state = State { token: Some(token.clone()), failure: None };
                Ok(token)
            }
            Err(error) => {
                *state = State { token: None, failure: Some(error.clone()) };
                Err(error)
            }
        }
    }

    /// Forgets a token the other side did not take, unless another has replaced it since.
    pub(super) async fn discard(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|current| current.serial == token.serial) {
            state.token = None;
        }
    }
}

/// No moment further away can be told.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
