//! Environment and pack of a tenant: what it is, and what it is made of.

use axum::extract::{Path as PathOf, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::install::ENVIRONMENTS;
use super::save::{self, Late, Stored};
use super::{Subject, component, steps, told};
use crate::config::Problem as Found;
use crate::console::form::{Fields, Posted, given};
use crate::console::frame::{Done, Page, said};
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem};
use crate::managed::{Change, Edit, Path, Value};
use crate::site::Offer;

/// `GET /console/tenants/{tenant}/settings`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(tenant): PathOf<String>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    let problems = subject.managed.as_ref().map(|managed| managed.problems.clone()).filter(|_| !subject.is_draft()).unwrap_or_default();
    Ok(page(&console, &subject, &visitor, &problems).await)
}

/// `POST /console/tenants/{tenant}/settings`
pub(in crate::console) async fn save(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(tenant): PathOf<String>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    subject.stored()?;
    let base = save::base(&posted)?;
    let edits = edits(&console, &subject, base, &posted).await?;
    let change = Change { base: Some(base), edits, draft: subject.is_draft(), by: visitor.name.clone(), note: save::note(&posted) };
    match save::change(&console, &tenant, &change).await? {
        Stored::Made(..) if subject.is_draft() => {
            // It may be another pack by now.
            let described = Subject::of(&console, &tenant).await?.description;
            let next = steps::after(&steps::all(described.as_deref()), steps::BASICS);
            Ok(Done::to(subject.at(next.as_deref().unwrap_or(steps::BASICS))).saying("Saved.").into_response())
        }
        Stored::Made(_, behind) => {
            let done = Done::to(subject.at(steps::BASICS));
            Ok(behind.map_or(done.clone().saying("Saved, and in force."), |why| done.warning(why)).into_response())
        }
        Stored::Refused(problems) => {
            Ok(page(&console, &subject, &visitor, &problems).await.with(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Stored::Late(conflict) => {
            let touched = |key: &str| {
                let wanted = Path::of([key]);
                change.edits.iter().any(|edit| matches!(edit, Edit::Set(path, _) | Edit::Remove(path) if *path == wanted))
            };
            let is_again = |name: &str| (name == "environment" && touched("environment")) || (name == "pack" && touched("component"));
            let again = posted.iter().filter(|(name, _)| is_again(name)).cloned().collect();
            let late = Late { edits: &change.edits, again, secrets: Vec::new(), action: subject.at(steps::BASICS) };
            Ok(save::conflict(&subject, &visitor, &conflict, &late).into_response())
        }
    }
}

async fn edits(console: &Console, subject: &Subject, base: u64, posted: &Posted) -> Result<Vec<Edit>, Problem> {
    let before = save::document(console, subject, base).await?;
    let wrong = |what: &str| Problem::bad_request(format!("There is no such {what}."), "Go back and choose one of the list.");
    let mut edits = Vec::new();
    if let Some(environment) = given(posted, "environment").map(str::to_owned) {
        if !ENVIRONMENTS.iter().any(|(known, _)| *known == environment) {
            return Err(wrong("environment"));
        }
        edits.push((Path::of(["environment"]), Some(environment)));
    }
    if let Some(pack) = given(posted, "pack").map(str::to_owned) {
        let now = before.text(&Path::of(["component"])).unwrap_or_default();
        if pack != now && !console.site.offers().await.iter().any(|offer| offer.component.as_deref().unwrap_or_default() == pack) {
            return Err(wrong("pack"));
        }
        edits.push((Path::of(["component"]), Some(pack).filter(|pack| !pack.is_empty())));
    }
    let changed = edits.into_iter().filter(|(path, wanted)| before.text(path) != wanted.as_deref());
    Ok(changed
        .map(|(path, wanted)| match wanted {
            Some(text) => Edit::Set(path, Value::Text(text)),
            None => Edit::Remove(path),
        })
        .collect())
}

async fn page(console: &Console, subject: &Subject, visitor: &Visitor, problems: &[Found]) -> Page {
    let sheets = steps::all(subject.description.as_deref());
    let offers = if subject.is_editable(visitor) { console.site.offers().await } else { Vec::new() };
    let content = html! {
        (steps::tabs(subject, &sheets, steps::BASICS))
        @if !problems.is_empty() { (told("To look at", problems)) }
        @if subject.is_editable(visitor) { (form(subject, visitor, &offers)) } @else { (shown(subject)) }
    };
    subject.page(steps::BASICS, "Settings", content)
}

fn shown(subject: &Subject) -> Markup {
    html! {
        dl {
            dt { "Environment" } dd { (said(&subject.environment().unwrap_or_default())) }
            dt { "Pack" } dd { @match &subject.description { Some(pack) => { (said(&pack.title)) " " (said(&pack.version)) }, None => "cannot be loaded" } }
            dt { "Component" } dd .code { (said(&component(&subject.view).unwrap_or_else(|| "built in".to_owned()))) }
        }
    }
}

fn form(subject: &Subject, visitor: &Visitor, offers: &[Offer]) -> Markup {
    let (environment, now) = (subject.environment().unwrap_or_default(), component(&subject.view).unwrap_or_default());
    let listed = offers.iter().any(|offer| offer.component.as_deref().unwrap_or_default() == now);
    html! {
        form .card method="post" action=(subject.at(steps::BASICS)) data-busy="Saving" {
            (visitor.form_token())
            input type="hidden" name="base" value=(subject.version().unwrap_or_default());
            div .field {
                label for="environment" { "Environment" }
                select #environment name="environment" {
                    @for (known, means) in ENVIRONMENTS { option value=(known) selected[known == environment] { (known) ": " (means) } }
                }
            }
            div .field {
                label for="pack" { "Pack" }
                select #pack name="pack" {
                    @for offer in offers { (option(offer, &now)) }
                    @if !listed { option value=(now) selected { (now) } }
                }
                span .hint { "Another pack is tried before it takes the place of this one." }
            }
            button type="submit" { (if subject.is_draft() { "Continue" } else { "Save" }) }
        }
    }
}

fn option(offer: &Offer, now: &str) -> Markup {
    let component = offer.component.as_deref().unwrap_or_default();
    html! {
        @if let Some(description) = &offer.description {
            option value=(component) selected[component == now] {
                (description.title) " " (description.version) @if component.is_empty() { " (built in)" } @else { " – " (component) }
            }
        }
    }
}
