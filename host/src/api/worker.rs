//! One record with its explanation.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::App;
use super::caller::Reader;
use super::problem::Problem;
use super::request::{Asked, Named};
use crate::answer::{Decision, Entry, Explanation};
use crate::tenant::Tenant;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/workers/{user}";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Ask the time system now instead of showing what is stored. Who asks for the same user within a second gets the same
    /// answer.
    #[serde(default)]
    refresh: bool,
}

/// One record with its explanation.
#[utoipa::path(get, path = PATH, operation_id = "showWorker", tag = "records",
    params(Wanted, ("If-None-Match" = Option<String>, Header, description = "Tags of what the caller has.")),
    responses(
        (status = 200, description = "The record, with the explanation of the decision about the user as its evidence.", body = Entry,
            headers(("ETag" = String, description = "Weak: it changes with everything but ages."))),
        (status = 304, description = "The caller has it already."),
        (status = 400), (status = 404), (status = 409), (status = 500), (status = 502), (status = 503), (status = 504),
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    Reader(tenant): Reader,
    Named(user): Named,
    Asked(wanted): Asked<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let failed = |error| app.failed(&tenant, &error);
    let host = app.site.host();
    if wanted.refresh && tenant.paused {
        return Err(Problem::paused(&tenant));
    }
    if wanted.refresh {
        let read = host.look_up_within(&tenant, &user, &app.life).await.ok_or_else(Problem::stopping)?;
        read.map_err(|error| Problem::of_call(&tenant, &error))?;
    }
    let Explanation { entry, decision, steps } = tenant.pack.explain(host.lend(&tenant), &user, None).await.map_err(failed)?;
    let entry = entry.ok_or_else(|| Problem::not_found(format!("there is no record of {user}")))?;
    let tag = tag(&tenant, &entry, &decision);
    // A copy may be kept by the caller, who asks each time whether it still holds.
    let headed = [(CACHE_CONTROL, HeaderValue::from_static("private, no-cache")), (ETAG, tag.clone())];
    if held(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headed).into_response());
    }
    Ok((headed, Json(Entry { evidence: steps, ..entry })).into_response())
}

/// A tag of what is known of a user, and of what comes of it: a record that nobody read anew gets stale, and that is a
/// change. The tag is a weak one (RFC 9110 §8.8.1), since of two answers that are the same in all of this the ages differ.
fn tag(tenant: &Tenant, entry: &Entry, decision: &Decision) -> HeaderValue {
    let entry = Entry { age_seconds: None, ..entry.clone() };
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&entry).unwrap_or_default());
    hash.update(serde_json::to_vec(&(decision.decision, &decision.reason)).unwrap_or_default());
    // What the explanation says rests on the tenant's properties.
    hash.update(format!("{:?}", tenant.properties));
    let text = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(hash.finalize()));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether the caller has this already (RFC 9110 §13.1.2, which compares weakly).
fn held(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = tag.to_str().map(opaque).unwrap_or_default();
    let shown = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    shown.flat_map(|value| value.split(',')).any(|shown| shown.trim() == "*" || opaque(shown) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_not() {
        let tag = HeaderValue::from_static("W/\"abc\"");
        for (shown, found) in [
            ("W/\"abc\"", true),
            ("\"abc\"", true),
            ("\"x\", W/\"abc\"", true),
            ("*", true),
            ("\"ab\"", false),
            ("abc", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::try_from(shown).unwrap())]);
            assert_eq!(held(&headers, &tag), found, "{shown}");
        }
        assert!(!held(&HeaderMap::new(), &tag));
    }
}
