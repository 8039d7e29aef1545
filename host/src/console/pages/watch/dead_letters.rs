//! The events that are not brought again by themselves: why, and what came. An operator puts them back or discards them.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::form::{Fields, Sure};
use super::super::super::frame::{Done, Page, said};
use super::super::super::moment::moment;
use super::super::super::people::Role;
use super::super::super::visitor::Visitor;
use super::super::super::{Console, Problem, ROOT, link};
use super::{head, tenant};
use crate::audit::Deed;
use crate::inbox::{DeadLetter, Found};
use crate::tenant::Tenant;

/// The end of the path.
const PLACE: &str = "dead-letters";
/// Letters a page.
const PAGE: u32 = 50;
/// What is shown of an event at most, in characters: it may have a megabyte.
const LONGEST: usize = 20_000;

#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct From {
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

/// `GET /console/tenants/{tenant}/dead-letters`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    Path(name): Path<String>,
    Query(from): Query<From>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let page = console.site.host().dead_letters(&tenant).list(from.from, PAGE, false).await?;
    Ok(Page::new(format!("Dead letters of {}", tenant.name), ROOT, list(&tenant, &page.items, page.next.as_deref())))
}

/// `GET /console/tenants/{tenant}/dead-letters/{letter}`
pub(in super::super::super) async fn one(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, id)): Path<(String, String)>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    match console.site.host().dead_letters(&tenant).read(&id).await? {
        Found::One(letter) => Ok(Page::new(format!("Dead letter {}", letter.id), ROOT, content(&visitor, &tenant, &letter))),
        Found::Several => Err(Problem::bad_request("Several dead letters begin so.", "Choose one in the list.")),
        Found::None => Err(gone()),
    }
}

/// `POST /console/tenants/{tenant}/dead-letters/{letter}/replay`
pub(in super::super::super) async fn replay(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, id)): Path<(String, String)>,
) -> Result<Done, Problem> {
    let tenant = tenant(&console, &name)?;
    let letter = console.site.host().dead_letters(&tenant).replay(&id, console.now()).await?.ok_or_else(gone)?;
    let inbox = console.site.host().inbox(&tenant);
    inbox.numbers().letter_gone(true);
    inbox.wake();
    console.note(&visitor, Deed::PutBack(&letter.id), Some(&tenant.name)).await?;
    Ok(Done::to(link::tenant(&tenant.name, PLACE)).saying(format!("The event {} is back in the queue.", letter.event_id)))
}

/// `POST /console/tenants/{tenant}/dead-letters/{letter}/discard`
pub(in super::super::super) async fn discard(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, id)): Path<(String, String)>,
    Fields(sure): Fields<Sure>,
) -> Result<Done, Problem> {
    let tenant = tenant(&console, &name)?;
    if !sure.is_ticked() {
        return Ok(Done::to(letter_path(&tenant.name, &id)).warning("Nothing was discarded: tick the box beside the button first."));
    }
    let letter = console.site.host().dead_letters(&tenant).discard(&id).await?.ok_or_else(gone)?;
    console.site.host().inbox(&tenant).numbers().letter_gone(false);
    console.note(&visitor, Deed::Discarded(&letter.id), Some(&tenant.name)).await?;
    Ok(Done::to(link::tenant(&tenant.name, PLACE)).saying(format!("The event {} is discarded.", letter.event_id)))
}

fn gone() -> Problem {
    Problem::not_found("There is no such dead letter any more: somebody put it back or discarded it.")
}

fn letter_path(tenant: &str, id: &str) -> String {
    link::tenant(tenant, &format!("{PLACE}/{}", link::part(id)))
}

fn list(tenant: &Tenant, letters: &[DeadLetter], next: Option<&str>) -> Markup {
    html! {
        (head(tenant, PLACE, &html! { "Dead letters" }))
        p { "Events that are not brought to the pack again by themselves: look why, then put them back or discard them." }
        @if letters.is_empty() { p { "There is none." } } @else {
            div .wide tabindex="0" role="region" aria-label="Dead letters" {
                table {
                    thead { tr { th scope="col" { "Letter" } th scope="col" { "Given up" } th scope="col" { "Error" } th scope="col" { "Why" } th .number scope="col" { "Tries" } } }
                    tbody { @for letter in letters { (row(letter)) } }
                }
            }
        }
        @if let Some(next) = next { p { a href=(link::with(&link::tenant(&tenant.name, PLACE), [("from", next)])) { "Older" } } }
    }
}

fn row(letter: &DeadLetter) -> Markup {
    let why: String = letter.message.chars().take(300).collect();
    html! {
        tr {
            th scope="row" { a href=(letter_path(&letter.tenant, &letter.id)) { code { (letter.id) } } }
            td { (moment(letter.at)) }
            td { (said(letter.code.as_deref().unwrap_or_default())) }
            td { (said(&why)) }
            td .number { (letter.attempts) }
        }
    }
}

fn content(visitor: &Visitor, tenant: &Tenant, letter: &DeadLetter) -> Markup {
    html! {
        (head(tenant, PLACE, &html! { "Dead letter " (letter.id) }))
        section .card .trouble {
            h2 { "Why" }
            p { @if let Some(code) = &letter.code { (said(code)) " " } (said(&letter.message)) }
        }
        dl {
            dt { "Event" } dd { (said(&letter.event_id)) }
            dt { "Arrived" } dd { (moment(letter.arrived)) }
            dt { "Given up" } dd { (moment(letter.at)) ", after " (letter.attempts) " tries" }
        }
        @if let Some(event) = &letter.event { (body(&serde_json::to_string_pretty(event).unwrap_or_default())) }
        @if visitor.is(Role::Operator) { (acts(visitor, letter)) }
        p { a href=(link::tenant(&tenant.name, PLACE)) { "To the dead letters" } }
    }
}

/// What came.
fn body(event: &str) -> Markup {
    let shown: String = event.chars().take(LONGEST).collect();
    html! {
        h2 { "What came" }
        pre tabindex="0" { (shown) }
        @if shown.len() < event.len() { p .soft { "There is more of it: the API gives it whole." } }
    }
}

fn acts(visitor: &Visitor, letter: &DeadLetter) -> Markup {
    let at = letter_path(&letter.tenant, &letter.id);
    html! {
        section .card {
            form method="post" action={ (at) "/replay" } data-busy="" {
                (visitor.form_token())
                p { "It is brought again as if it had just arrived." }
                button type="submit" { "Put it back into the queue" }
            }
        }
        section .card {
            form method="post" action={ (at) "/discard" } data-busy="" {
                (visitor.form_token())
                p { "It goes for good, and is left out as well when it is sent again within a week." }
                (Sure::ask(&html! { "Yes, discard it" }))
                button .risky type="submit" { "Discard it" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_megabyte_does_not_fill_the_page() {
        let shown = body(&"<\u{202e}".repeat(500_000)).0;
        assert!(shown.len() < 100_000 && shown.contains("There is more of it") && !shown.contains("<\u{202e}"), "{}", shown.len());
    }
}
