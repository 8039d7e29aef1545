//! The token of one connection, in memory only: fetched once however many calls wait for it, renewed early.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures::lock::Mutex;

use crate::bindings::exports::shift_access::plugin::http::Error;

/// A token is renewed this long before its end, or a tenth of its life before where that is less.
const EARLY: Duration = Duration::from_secs(30);
/// No moment further away can be told.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a login brought.
pub struct Grant {
    pub token: String,
    pub lifetime: Duration,
}

/// A token in use.
#[derive(Clone)]
pub struct Token {
    pub value: String,
    serial: u64,
    renew_at: Instant,
}

/// The token, and what became of the last login.
#[derive(Default)]
pub struct Tokens {
    state: Mutex<State>,
    /// How many logins have ended.
    logins: Cell<u64>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failure: Option<Error>,
}

impl Tokens {
    /// The token, fetched by `login` where there is none that lives on.
    ///
    /// Whoever waits here while another logs in shares what comes of it, a refusal too: twenty calls with a wrong password are
    /// one failed login, not twenty, which would lock the account.
    pub async fn get<F>(&self, login: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<Grant, Error>>,
    {
        let seen = self.logins.get();
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.clone());
        }
        if let Some(failure) = state.failure.as_ref().filter(|_| self.logins.get() != seen) {
            return Err(failure.clone());
        }
        let ended = login().await;
        let serial = self.logins.get().wrapping_add(1);
        self.logins.set(serial);
        match ended {
            Ok(grant) => {
                let early = EARLY.min(grant.lifetime / 10);
                let renew_at = Instant::now() + grant.lifetime.min(CENTURY).saturating_sub(early);
                let token = Token { value: grant.token, serial, renew_at };
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
    pub async fn discard(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|current| current.serial == token.serial) {
            state.token = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    async fn soon() {
        tokio::task::yield_now().await;
    }

    fn grant(lifetime: u64) -> Result<Grant, Error> {
        Ok(Grant { token: "t".to_owned(), lifetime: Duration::from_secs(lifetime) })
    }

    #[tokio::test]
    async fn however_many_wait_one_logs_in() {
        let (tokens, logins) = (Tokens::default(), Cell::new(0));
        let one = || {
            tokens.get(|| async {
                logins.set(logins.get() + 1);
                soon().await;
                grant(100)
            })
        };
        assert!(join_all((0..8).map(|_| one())).await.iter().all(Result::is_ok));
        assert_eq!(logins.get(), 1);
        let token = one().await.unwrap();
        tokens.discard(&token).await;
        one().await.unwrap();
        tokens.discard(&token).await;
        one().await.unwrap();
        assert_eq!(logins.get(), 2, "a token that was replaced is not discarded again");
    }

    #[tokio::test]
    async fn who_waits_shares_a_refusal_and_who_comes_later_tries_again() {
        let (tokens, logins) = (Tokens::default(), Cell::new(0));
        let one = || {
            tokens.get(|| async {
                logins.set(logins.get() + 1);
                soon().await;
                Err(Error::Timeout)
            })
        };
        assert!(join_all((0..8).map(|_| one())).await.iter().all(Result::is_err));
        assert_eq!(logins.get(), 1);
        assert!(one().await.is_err());
        assert_eq!(logins.get(), 2);
    }

    #[tokio::test]
    async fn a_token_that_ends_is_renewed() {
        let tokens = Tokens::default();
        tokens.get(|| async { grant(0) }).await.unwrap();
        let renewed = tokens.get(|| async { Ok(Grant { token: "u".to_owned(), lifetime: CENTURY * 2 }) }).await.unwrap();
        assert_eq!(renewed.value, "u");
    }
}
