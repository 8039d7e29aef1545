//! Who calls, and for which tenant: the token shown against the tenant in the path.
//!
//! A token that was found good is taken for good for a second, without another look into the store: who asks for many
//! decisions shows the same one each time. So a token that is revoked or expires may work for a second more, and no longer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use super::App;
use super::problem::Problem;
use crate::tenant::Tenant;
use crate::token::{Grant, Scope};

/// How long a good token is taken for good.
const HOLDS: Duration = Duration::from_secs(1);

/// Good tokens remembered at most.
const MOST: usize = 1_000;

/// What tokens grant, and when they were found good.
type Good = HashMap<[u8; 32], (Instant, Grant)>;

/// The good tokens of the last second, by their SHA-256. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Callers {
    good: Arc<Mutex<Good>>,
}

impl Callers {
    fn recall(&self, token: &[u8; 32], now: Instant) -> Option<Grant> {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(token).filter(|(found, _)| now - *found < HOLDS).map(|(_, grant)| grant.clone())
    }

    fn remember(&self, token: [u8; 32], grant: Grant, now: Instant) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= MOST {
            good.retain(|_, (found, _)| now - *found < HOLDS);
        }
        if good.len() < MOST {
            good.insert(token, (now, grant));
        }
    }
}

/// The tenant in the path, to a caller who may read.
pub(super) struct Reader(pub(super) Tenant);

/// The tenant in the path, to a caller who may start jobs.
pub(super) struct Operator(pub(super) Tenant);

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admitted(parts, app, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admitted(parts, app, Scope::Operate).await.map(Self)
    }
}

/// What the caller may do, if a good token is shown.
pub(super) async fn grant(app: &App, headers: &HeaderMap) -> Result<Grant, Problem> {
    let token = bearer(headers).ok_or_else(|| Problem::unauthorized(false))?;
    let hash = Sha256::digest(token).into();
    if let Some(grant) = app.callers.recall(&hash, Instant::now()) {
        return Ok(grant);
    }
    // As of before the look: what is revoked while it lasts is not remembered for longer.
    let now = Instant::now();
    let grant = app.tokens.check(token, app.now()).await?.ok_or_else(|| Problem::unauthorized(true))?;
    app.callers.remember(hash, grant.clone(), now);
    Ok(grant)
}

/// The tenant as it is now, where a caller who was admitted as a reader would still be. While the store does not answer
/// nobody is sent away.
pub(super) async fn still(app: &App, headers: &HeaderMap, tenant: &str) -> Option<Tenant> {
    let token = bearer(headers)?;
    let may = match app.tokens.check(token, app.now()).await {
        Ok(grant) => grant.is_some_and(|grant| grant.tenant == tenant && grant.scope.includes(Scope::Read)),
        Err(_) => true,
    };
    app.site.tenant(tenant).ok().filter(|_| may)
}

async fn admitted(parts: &mut Parts, app: &App, wanted: Scope) -> Result<Tenant, Problem> {
    let grant = grant(app, &parts.headers).await?;
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::bad_request("the path is not UTF-8"))?;
    let name = params.iter().find(|(name, _)| *name == "tenant").map(|(_, value)| value).unwrap_or_default();
    if grant.tenant != name {
        return Err(Problem::other_tenant());
    }
    if !grant.scope.includes(wanted) {
        return Err(Problem::scope(wanted));
    }
    // Its tokens outlive a tenant that was taken out of the configuration.
    app.site.tenant(name).map_err(|_| Problem::not_found(format!("there is no tenant {name} in the configuration")))
}

/// The token of `Authorization: Bearer …`; the word's case does not matter (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Scope;

    fn grant() -> Grant {
        Grant { tenant: "acme".to_owned(), scope: Scope::Read }
    }

    #[test]
    fn a_good_token_is_remembered_for_a_second() {
        let callers = Callers::default();
        let now = Instant::now();
        callers.remember([1; 32], grant(), now);
        let late = now + HOLDS - Duration::from_millis(1);
        assert_eq!((callers.recall(&[1; 32], late), callers.recall(&[2; 32], late)), (Some(grant()), None));
        assert_eq!(callers.recall(&[1; 32], now + HOLDS), None);
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let callers = Callers::default();
        let now = Instant::now();
        let token = |number: usize| -> [u8; 32] { Sha256::digest(number.to_le_bytes()).into() };
        for number in 0..=MOST {
            callers.remember(token(number), grant(), now);
        }
        assert_eq!((callers.recall(&token(0), now), callers.recall(&token(MOST), now)), (Some(grant()), None));
        let later = now + HOLDS;
        callers.remember(token(MOST), grant(), later);
        assert_eq!((callers.recall(&token(MOST), later), callers.good.lock().unwrap().len()), (Some(grant()), 1));
    }
}
