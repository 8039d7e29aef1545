//! What was done, newest first: who, when, what, and for which tenant.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::form::filled;
use super::super::frame::{Page, said};
use super::super::moment::moment;
use super::super::{Console, Problem, link};
use crate::audit::{self, Entry, Wanted};

const PATH: &str = "/console/audit";
/// Entries a page.
const PAGE: u32 = 100;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Asked {
    #[serde(default)]
    who: String,
    #[serde(default)]
    tenant: String,
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

/// `GET /console/audit`
pub(in super::super) async fn show(State(console): State<Console>, Query(asked): Query<Asked>) -> Result<Page, Problem> {
    let wanted = Wanted { who: filled(&asked.who), tenant: filled(&asked.tenant) };
    let (entries, next) = audit::page(&console.records, &wanted, asked.from.clone(), PAGE).await?;
    Ok(Page::new("Audit", PATH, content(&asked, &entries, next.as_deref())))
}

fn content(asked: &Asked, entries: &[Entry], next: Option<&str>) -> Markup {
    html! {
        h1 { "Audit" }
        p { "What was done in the console, and changed on the command line, newest first. Values that are secret are named, never told." }
        form .card method="get" action=(PATH) {
            div .row {
                div { label for="who" { "Who" } input #who name="who" value=(asked.who) autocapitalize="none" spellcheck="false"; }
                div { label for="tenant" { "Tenant" } input #tenant name="tenant" value=(asked.tenant) autocapitalize="none" spellcheck="false"; }
                button type="submit" { "Show" }
                a href=(PATH) { "Show all" }
            }
        }
        @if entries.is_empty() {
            p { @if next.is_some() { "Nothing of this among the newest entries." } @else { "There is nothing of this." } }
        } @else { (table(entries)) }
        @if let Some(next) = next { p { a href=(older(asked, next)) { "Older" } } }
    }
}

fn table(entries: &[Entry]) -> Markup {
    html! {
        div .wide tabindex="0" role="region" aria-label="What was done" {
            table {
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Tenant" } } }
                tbody {
                    @for entry in entries {
                        tr {
                            td { (moment(entry.at)) }
                            td { (said(&entry.who)) }
                            td { (said(&entry.what)) }
                            td { @if let Some(tenant) = &entry.tenant { (said(tenant)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The next page of the same.
fn older(asked: &Asked, next: &str) -> String {
    link::with(PATH, [("who", asked.who.as_str()), ("tenant", &asked.tenant), ("from", next)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text_and_the_next_page_is_of_the_same() {
        let hostile = "\"><script>alert(1)</script>\u{202e}&".to_owned();
        let entry = Entry {
            at: "2026-03-01T05:45:00Z".parse().unwrap(),
            who: hostile.clone(),
            what: hostile.clone(),
            tenant: Some(hostile.clone()),
        };
        let asked = Asked { who: hostile.clone(), tenant: "a b".to_owned(), from: None };
        let shown = content(&asked, &[entry], Some("cur-sor")).0;
        assert!(!shown.contains("<script") && shown.contains("&amp;tenant=a+b&amp;from=cur-sor\""), "{shown}");
        assert_eq!(shown.matches("<bdi>&quot;&gt;&lt;script&gt;").count(), 3);
    }
}
