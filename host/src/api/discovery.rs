//! Where decisions are to be had, for programs that look it up (AuthZEN 1.0, "Policy Decision Point Metadata").
//!
//! Each tenant is a decision point of its own, `/tenants/T`; its metadata stands where RFC 8615 puts it, before that path.
//! Without a tenant in the path it is the one of the caller's token, or the only one there is.

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::request::Named;
use super::{App, caller};

pub(super) const PATH: &str = "/.well-known/authzen-configuration";
pub(super) const TENANT_PATH: &str = "/.well-known/authzen-configuration/tenants/{tenant}";

/// What a program has to know to ask for decisions.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "policy_decision_point": "https://pdp.acme.example/tenants/acme",
    "access_evaluation_endpoint": "https://pdp.acme.example/tenants/acme/access/v1/evaluation",
    "access_evaluations_endpoint": "https://pdp.acme.example/tenants/acme/access/v1/evaluations"
}))]
pub(super) struct Metadata {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
}

/// Where decisions about a tenant's users are to be had.
#[utoipa::path(get, path = TENANT_PATH, operation_id = "discoverTenant", tag = "decisions", security(()), responses(
    (status = 200, description = "The metadata.", body = Metadata), (status = 400), (status = 404),
))]
pub(super) async fn of_a_tenant(
    State(app): State<App>,
    Named(tenant): Named,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Metadata>, Problem> {
    app.site.tenant(&tenant).map_err(|_| Problem::not_found(format!("there is no tenant {tenant}")))?;
    let base = base(&uri, &headers)?;
    Ok(Json(Metadata::new(format!("{base}/tenants/{tenant}"), &base, &tenant)))
}

/// Where decisions are to be had: of the token's tenant, or of the only one.
#[utoipa::path(get, path = PATH, operation_id = "discover", tag = "decisions", security((), ("bearer" = [])), responses(
    (status = 200, description = "The metadata.", body = Metadata), (status = 400), (status = 401), (status = 404), (status = 503),
))]
pub(super) async fn of_the_caller(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Json<Metadata>, Problem> {
    let mut tenants = app.site.tenants();
    let tenant = match (headers.contains_key(AUTHORIZATION), tenants.next(), tenants.next()) {
        (false, Some(only), None) => only.name.to_string(),
        (false, ..) => {
            let remedy = "show a token, or ask for /.well-known/authzen-configuration/tenants/TENANT";
            return Err(Problem::not_found("there are several tenants, each a decision point of its own").remedy(remedy));
        }
        (true, ..) => caller::grant(&app, &headers).await?.tenant,
    };
    let base = base(&uri, &headers)?;
    Ok(Json(Metadata::new(base.clone(), &base, &tenant)))
}

impl Metadata {
    fn new(policy_decision_point: String, base: &str, tenant: &str) -> Self {
        let access = format!("{base}/tenants/{tenant}/access/v1");
        Self {
            policy_decision_point,
            access_evaluation_endpoint: format!("{access}/evaluation"),
            access_evaluations_endpoint: format!("{access}/evaluations"),
        }
    }
}

/// What the caller reaches this host by. What a proxy says of the scheme is taken at its word: it is told to nobody but who
/// sent it.
fn base(uri: &Uri, headers: &HeaderMap) -> Result<String, Problem> {
    let host = uri.authority().map(Authority::as_str).or_else(|| headers.get(HOST)?.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok()).filter(|host| !host.as_str().contains('@'));
    let host = host.ok_or_else(|| Problem::bad_request("the header Host is missing, or names no host"))?;
    let https = headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    Ok(format!("{}://{host}", if https { "https" } else { "http" }))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Result<String, u16> {
        use axum::response::IntoResponse;
        let pairs = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        base(&Uri::from_static("/.well-known/authzen-configuration"), &pairs.collect())
            .map_err(|problem| problem.into_response().status().as_u16())
    }

    #[test]
    fn addresses_are_those_by_which_the_caller_came() {
        assert_eq!(asked(&[("host", "127.0.0.1:8480")]), Ok("http://127.0.0.1:8480".to_owned()));
        assert_eq!(asked(&[("host", "pdp.acme.example"), ("x-forwarded-proto", "https")]), Ok("https://pdp.acme.example".to_owned()));
        assert_eq!(asked(&[("host", "pdp.acme.example"), ("x-forwarded-proto", "javascript")]), Ok("http://pdp.acme.example".to_owned()));
        for wrong in ["", "a b", "me@pdp.acme.example", "pdp.acme.example/x"] {
            assert_eq!(asked(&[("host", wrong)]), Err(400), "{wrong}");
        }
        assert_eq!(asked(&[]), Err(400));
    }
}
