//! Who calls, and for which tenant: the token shown against the tenant in the path.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::App;
use super::problem::Problem;
use crate::tenant::Tenant;
use crate::token::{Grant, Scope};

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
    app.tokens.check(token, app.now()).await?.ok_or_else(|| Problem::unauthorized(true))
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
