//! Whether a tenant runs: paused, resumed, removed, brought back; a draft dropped; and the tenant as a file to take away.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use maud::{Markup, html};

use super::{Subject, save};
use crate::audit::Deed;
use crate::console::form::{Fields, Sure};
use crate::console::frame::{Done, said};
use crate::console::moment::moment;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, ROOT, link};
use crate::managed::Secrets;
use crate::site::Restored;
use crate::standing::GRACE_DAYS;

/// `POST /console/tenants/{tenant}/pause`
pub(in crate::console) async fn pause(State(console): State<Console>, visitor: Visitor, Path(name): Path<String>) -> Result<Done, Problem> {
    console.site.pause(&name).await?;
    console.note(&visitor, Deed::Paused(&name), Some(&name)).await?;
    Ok(Done::to(link::tenant(&name, "")).saying("Paused: no job begins, and what is stored still answers."))
}

/// `POST /console/tenants/{tenant}/resume`
pub(in crate::console) async fn resume(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Done, Problem> {
    console.site.resume(&name).await?;
    console.note(&visitor, Deed::Resumed(&name), Some(&name)).await?;
    Ok(Done::to(link::tenant(&name, "")).saying("Its jobs run again."))
}

/// `POST /console/tenants/{tenant}/remove`
pub(in crate::console) async fn remove(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    Fields(sure): Fields<Sure>,
) -> Result<Done, Problem> {
    let subject = Subject::of(&console, &name).await?;
    if !sure.is_ticked() {
        return Ok(Done::to(subject.at("")).warning("Nothing was removed: tick the box beside the button first."));
    }
    if subject.is_draft() && subject.status.is_none() {
        console.site.forget(&name, &visitor.name).await?;
        save::take_over(&console, &name).await;
        return Ok(Done::to(ROOT).saying(format!("The draft {name} is gone.")));
    }
    let at = console.site.remove(&name, TimeDelta::days(GRACE_DAYS.into())).await?;
    console.note(&visitor, Deed::Removed(&name, Some(at)), Some(&name)).await?;
    Ok(Done::to(subject.at(""))
        .saying(format!("Removed. Until {} it can be restored with everything that is stored of it.", at.format("%Y-%m-%d"))))
}

/// `POST /console/tenants/{tenant}/restore`
pub(in crate::console) async fn restore(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Done, Problem> {
    let restored = console.site.restore(&name).await?;
    console.note(&visitor, Deed::Restored(&name), Some(&name)).await?;
    let back = Done::to(link::tenant(&name, ""));
    Ok(match restored {
        Restored::Whole => back.saying("It is back, with everything that is stored of it."),
        Restored::Anew => back.saying("It is back, and begins anew: what was stored is gone."),
        Restored::Free => {
            Done::to(ROOT).saying(format!("There is no configuration of {name}. The name is free again: set it up with Install."))
        }
    })
}

/// `GET /console/tenants/{tenant}/export`: the tenant as TOML, without a secret in it.
pub(in crate::console) async fn export(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let text = console.site.export(&name, Secrets::Omit, &|_| None).await.map_err(save::problem)?;
    console.note(&visitor, Deed::Exported(&name, false), Some(&name)).await?;
    let file = format!("attachment; filename=\"{name}.toml\"");
    Ok(([(CONTENT_TYPE, "application/toml; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, file)], text).into_response())
}

/// What an administrator can do with the tenant as a whole.
pub(super) fn forms(subject: &Subject, visitor: &Visitor) -> Markup {
    let state = subject.status.as_ref().map(|status| status.state);
    let button = |end: &str, text: &str| {
        html! { form method="post" action=(subject.at(end)) data-busy="" { (visitor.form_token()) button .plain type="submit" { (text) } } }
    };
    html! {
        h2 { "Manage" }
        div .card {
            div .row {
                @match state {
                    Some("serving") => (button("pause", "Pause")),
                    Some("paused") => (button("resume", "Resume")),
                    Some("removed") => (button("restore", "Restore")),
                    _ => "",
                }
                @if subject.kept.is_some() { a .button .plain href=(subject.at("copy")) { "Copy into another tenant" } }
                @if subject.origin.is_some() { a .button .plain href=(subject.at("export")) { "Export as a file" } }
            }
            @if let Some(at) = subject.status.as_ref().and_then(|status| status.delete_after) { p { "Everything stored of it goes on " (moment(at)) "." } }
            @if state != Some("removed") {
                form method="post" action=(subject.at("remove")) data-busy="Removing" {
                    (visitor.form_token())
                    (Sure::ask(&html! { "Yes, remove " (said(&subject.name)) @if state.is_some() { ". For " (GRACE_DAYS) " days it can be restored." } }))
                    button .risky type="submit" { (if subject.is_draft() && state.is_none() { "Drop the draft" } else { "Remove" }) }
                }
            }
        }
    }
}
