//! What is stored, page by page.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::caller::Reader;
use super::problem::Problem;
use super::request::{Asked, page_length};
use crate::answer::Listing;
use crate::plugin::CallError;

pub(super) const PATH: &str = "/api/v1/tenants/{tenant}/workers";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only records of this status, in the pack's words, such as `on-shift`.
    status: Option<String>,
    /// Items a page at most.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// The stored records, in the order of user names.
#[utoipa::path(get, path = PATH, operation_id = "listWorkers", tag = "records", params(Wanted), responses(
    (status = 200, description = "A page of records.", body = Listing),
    (status = 400), (status = 404), (status = 500), (status = 502), (status = 503), (status = 504),
))]
pub(super) async fn list(State(app): State<App>, Reader(tenant): Reader, Asked(wanted): Asked<Wanted>) -> Result<Json<Listing>, Problem> {
    let (host, limit, first) = (app.site.host(), page_length(wanted.limit)?, wanted.cursor.is_none());
    let page = |status, cursor, limit| tenant.pack.page(host.lend(&tenant), status, cursor, limit);
    let listing = match page(wanted.status.clone(), wanted.cursor, limit).await {
        Ok(listing) => listing,
        // A plugin that can give the first page could not make sense of the cursor.
        Err(CallError::Failure(_)) if !first && page(None, None, 1).await.is_ok() => {
            return Err(Problem::bad_request("the cursor is not one of this list: begin again without one"));
        }
        Err(error) => return Err(app.failed(&tenant, &error)),
    };
    // A status that is none would list nobody, which looks like an answer.
    if let Some(status) = wanted.status.filter(|_| first && listing.items.is_empty() && listing.next.is_none()) {
        let counts = tenant.pack.counts(host.lend(&tenant)).await.map_err(|error| app.failed(&tenant, &error))?;
        if !counts.iter().any(|(name, _)| *name == status) {
            let names = counts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Problem::bad_request(format!("there is no status {status:?}; write one of: {names}")));
        }
    }
    Ok(Json(listing))
}
