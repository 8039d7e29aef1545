//! The versions of a tenant: who changed what, when and why; and the way back to one of them.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::save::{self, Late, Stored};
use super::{Subject, told};
use crate::console::form::{Fields, Posted};
use crate::console::frame::{Done, Page, said};
use crate::console::moment::moment;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, link};
use crate::managed::{Version, Versions};

const PATH: &str = "versions";
/// Versions a page.
const PAGE: u32 = 20;
/// Changes of a version, and letters of a value, shown at most.
const SHOWN: usize = 30;

#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    from: Option<String>,
}

/// `GET /console/tenants/{tenant}/versions`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &name).await?;
    if subject.kept.is_none() {
        let content = html! { p { "This tenant is set up in the configuration file, whose versions are kept where the file is." } };
        return Ok(subject.page(PATH, "Versions", content));
    }
    let versions = console.site.versions(&name, PAGE, asked.from).await?;
    Ok(subject.page(PATH, "Versions", content(&subject, &visitor, &versions)))
}

/// `POST /console/tenants/{tenant}/versions/{number}/restore`
pub(in crate::console) async fn restore(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, number)): Path<(String, u64)>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &name).await?;
    subject.stored()?;
    let base = save::base(&posted)?;
    let changed = console.site.restore_version(&name, number, base, &visitor.name).await;
    match save::settle(&console, &name, changed).await? {
        Stored::Made(changed, behind) => {
            let done = Done::to(subject.at(PATH));
            let restored = format!("Version {number} is restored, as version {}.", changed.version);
            Ok(behind.map_or(done.clone().saying(restored), |why| done.warning(why)).into_response())
        }
        Stored::Refused(problems) => {
            let content = html! { (told(&format!("Version {number} cannot be restored"), &problems)) p { a href=(subject.at(PATH)) { "To the versions" } } };
            Ok(subject.page(PATH, "Versions", content).with(axum::http::StatusCode::CONFLICT).into_response())
        }
        Stored::Late(conflict) => {
            let late = Late { edits: &[], again: Vec::new(), secrets: Vec::new(), action: subject.at(PATH) };
            Ok(save::conflict(&subject, &visitor, &conflict, &late).into_response())
        }
    }
}

fn content(subject: &Subject, visitor: &Visitor, versions: &Versions) -> Markup {
    let newest = subject.version();
    html! {
        p { "Every change is a version. Of a secret it is told that it changed, and nothing more." }
        @for version in &versions.items { (one(subject, visitor, version, newest)) }
        @if let Some(next) = &versions.next {
            p { a href=(link::with(&subject.at(PATH), [("from", next.as_str())])) { "Older" } }
        }
    }
}

fn one(subject: &Subject, visitor: &Visitor, version: &Version, newest: Option<u64>) -> Markup {
    let is_newest = newest == Some(version.number);
    html! {
        section .card {
            h2 { "Version " (version.number) @if is_newest { " (newest)" } @if version.draft { " (draft)" } }
            p { (moment(version.at)) " by " (said(&version.by)) @if !version.note.is_empty() { ": " (said(&shortened(&version.note))) } }
            @if !version.changes.is_empty() {
                ul {
                    @for change in version.changes.iter().take(SHOWN) { li { (save::difference(&change.shortened())) } }
                    @if version.changes.len() > SHOWN { li { "and " (version.changes.len() - SHOWN) " more" } }
                }
            }
            @if !is_newest && subject.is_editable(visitor) {
                form method="post" action={ (subject.at(PATH)) "/" (version.number) "/restore" } data-busy="Restoring" {
                    (visitor.form_token())
                    input type="hidden" name="base" value=(newest.unwrap_or_default());
                    button .plain type="submit" { "Restore version " (version.number) }
                }
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(500).collect()
}
