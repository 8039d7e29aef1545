//! One Connection tab: where a system is, and how this host logs in there.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::fields;
use super::sheet::{self, Asked, Sheet};
use super::{Subject, steps};
use crate::console::form::{Fields, Posted};
use crate::console::frame::Page;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem};

/// `GET /console/tenants/{tenant}/connections/{connection}`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path((tenant, connection)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    Ok(sheet::show(&subject, &visitor, &of(&subject, &connection)?, &asked))
}

/// `POST /console/tenants/{tenant}/connections/{connection}`
pub(in crate::console) async fn save(
    State(console): State<Console>,
    visitor: Visitor,
    Path((tenant, connection)): Path<(String, String)>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    sheet::save(&console, &visitor, &subject, &of(&subject, &connection)?, &posted).await
}

fn of(subject: &Subject, name: &str) -> Result<Sheet, Problem> {
    let found = subject.described()?.connections.iter().find(|known| known.name == name);
    let info = found.ok_or_else(|| Problem::not_found("The pack has no such connection."))?;
    let (fields, more) = fields::of_connection(info);
    Ok(Sheet { rest: steps::connection_path(name), fields, more })
}
