//! Whom something is stored of: a search by what a user name or a person number begins with, page by page.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::form::filled;
use super::super::super::frame::{Page, said};
use super::super::super::moment::{length, moment};
use super::super::super::{Console, Problem, ROOT, link};
use super::{failed, head, tenant, word};
use crate::answer::Entry;
use crate::plugin::CallError;
use crate::tenant::Tenant;

/// The end of the path.
pub(super) const PLACE: &str = "workers";
/// Records a page.
const PAGE: u32 = 50;
/// Times that the plugin is asked for one page: it may answer with less than a page although more follow.
const ASKED: usize = 3;

#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct Asked {
    /// What the name or the number begins with.
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

/// What the page shows.
struct View<'a> {
    tenant: &'a Tenant,
    asked: &'a Asked,
    /// The statuses there are, as far as they are known by now.
    statuses: Vec<String>,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// `GET /console/tenants/{tenant}/workers`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let (entries, next) = found(&console, &tenant, &asked).await?;
    let counted = console.counted.of(&console, &tenant).await;
    let statuses = counted.map(|counted| counted.counts.into_iter().map(|(status, _)| status).collect()).unwrap_or_default();
    let view = View { tenant: &tenant, asked: &asked, statuses, entries, next };
    Ok(Page::new(format!("Workers of {}", tenant.name), ROOT, content(&view)))
}

/// Where one user is shown.
pub(super) fn worker_path(tenant: &str, user: &str) -> String {
    link::tenant(tenant, &format!("{PLACE}/{}", link::part(user)))
}

async fn found(console: &Console, tenant: &Tenant, asked: &Asked) -> Result<(Vec<Entry>, Option<String>), Problem> {
    let status = filled(&asked.status);
    let (mut entries, mut cursor) = (Vec::new(), asked.from.clone());
    for _ in 0..ASKED {
        let missing = PAGE.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let lent = console.site.host().lend(tenant);
        let page = tenant.pack.search(lent, asked.q.trim(), status.clone(), cursor.clone(), missing).await;
        let page = page.map_err(|error| match (&error, &cursor) {
            // What is wrong may be the cursor, which came with the address.
            (CallError::Failure(failure), Some(_)) => {
                Problem::bad_request(format!("The list has no such page: {}", failure.message), "Begin at the first page of the list.")
            }
            _ => failed(console, tenant, &error),
        })?;
        entries.extend(page.items);
        cursor = page.next;
        if cursor.is_none() || entries.len() >= PAGE as usize {
            break;
        }
    }
    Ok((entries, cursor))
}

fn content(view: &View<'_>) -> Markup {
    html! {
        (head(view.tenant, PLACE, &html! { "Workers" }))
        (form(view))
        @if view.entries.is_empty() {
            p { @if view.next.is_some() { "Nobody like this among those looked at; there are more." } @else { "Nothing is stored of anybody like this." } }
        } @else { (table(view)) }
        @if let Some(next) = &view.next { p { a href=(more(view, next)) { "More" } } }
    }
}

fn form(view: &View<'_>) -> Markup {
    let path = link::tenant(&view.tenant.name, PLACE);
    html! {
        form .card method="get" action=(path) role="search" {
            div .row {
                div {
                    label for="q" { "User name or person number" }
                    input #q type="search" name="q" value=(view.asked.q) aria-describedby="q-hint" autocapitalize="none" spellcheck="false";
                    span #q-hint .hint { "Its beginning is enough." }
                }
                div {
                    label for="status" { "Status" }
                    select #status name="status" {
                        option value="" { "Every status" }
                        @for status in &view.statuses { option value=(status) selected[view.asked.status == *status] { (word(status)) } }
                        @if !view.asked.status.is_empty() && !view.statuses.contains(&view.asked.status) {
                            option value=(view.asked.status) selected { (word(&view.asked.status)) }
                        }
                    }
                }
                button type="submit" { "Search" }
                a href=(path) { "Show all" }
            }
        }
    }
}

fn table(view: &View<'_>) -> Markup {
    html! {
        div .wide tabindex="0" role="region" aria-label="Workers" {
            table {
                thead {
                    tr {
                        th scope="col" { "User" } th scope="col" { "Person number" } th scope="col" { "Status" } th scope="col" { "Reason" }
                        th scope="col" { "Since" } th scope="col" { "Read" }
                    }
                }
                tbody {
                    @for entry in &view.entries {
                        tr {
                            th scope="row" { a href=(worker_path(&entry.tenant, &entry.user)) { (said(&entry.user)) } }
                            td { @if let Some(number) = &entry.person_number { (said(number)) } @else { "–" } }
                            td { span .tag { (said(&word(&entry.status))) } }
                            td { (said(&word(&entry.reason))) }
                            td { @if let Some(since) = entry.since { (moment(since)) } @else { "–" } }
                            td { @if let Some(age) = entry.age_seconds { (old(age)) " ago" } @else { "–" } }
                        }
                    }
                }
            }
        }
    }
}

/// An age in words.
pub(super) fn old(seconds: u64) -> String {
    length(i64::try_from(seconds).ok().and_then(chrono::TimeDelta::try_seconds).unwrap_or(chrono::TimeDelta::MAX))
}

/// The next page of the same.
fn more(view: &View<'_>, next: &str) -> String {
    let pairs = [("q", view.asked.q.as_str()), ("status", &view.asked.status), ("from", next)];
    link::with(&link::tenant(&view.tenant.name, PLACE), pairs)
}
