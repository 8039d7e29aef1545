//! The Properties tab: every value that the pack describes, by its type.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::fields;
use super::sheet::{self, Asked, Sheet};
use super::{Subject, steps};
use crate::console::form::{Fields, Posted};
use crate::console::frame::Page;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem};

/// `GET /console/tenants/{tenant}/properties`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(tenant): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    Ok(sheet::show(&subject, &visitor, &of(&subject)?, &asked))
}

/// `POST /console/tenants/{tenant}/properties`
pub(in crate::console) async fn save(
    State(console): State<Console>,
    visitor: Visitor,
    Path(tenant): Path<String>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    sheet::save(&console, &visitor, &subject, &of(&subject)?, &posted).await
}

fn of(subject: &Subject) -> Result<Sheet, Problem> {
    let fields = subject.described()?.properties.iter().map(fields::of_property).collect();
    Ok(Sheet { rest: steps::PROPERTIES.to_owned(), fields, more: Vec::new() })
}
