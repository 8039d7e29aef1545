//! One tenant's settings for another, as from TEST to PROD: what differs, and which of it is to be the same.

use axum::extract::{Path as PathOf, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::install::ENVIRONMENTS;
use super::save::{self, Late, Stored};
use super::{Subject, told};
use crate::console::form::{Fields, Posted, given};
use crate::console::frame::{Done, Page, said};
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, link};
use crate::managed::{Difference, Path, Shown};
use crate::site::Copy;

const PATH: &str = "copy";
/// Differences a page.
const MOST: usize = 500;

#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Asked {
    /// Whose settings become like these.
    #[serde(default)]
    to: Option<String>,
    /// The environment of a tenant that is new.
    #[serde(default)]
    environment: Option<String>,
}

/// What a copy would go into.
struct Target {
    name: String,
    /// The version that is looked at; none for a tenant that is new.
    base: Option<u64>,
    environment: String,
    differences: Vec<Difference>,
}

/// `GET /console/tenants/{tenant}/copy`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &name).await?;
    let kept = subject.stored()?;
    let Some(to) = asked.to.as_deref().map(str::trim).filter(|to| !to.is_empty()) else {
        return Ok(subject.page(PATH, "Copy", choose(&console, &subject)));
    };
    check_name(&name, to)?;
    let environment =
        asked.environment.filter(|wanted| ENVIRONMENTS.iter().any(|(known, _)| known == wanted)).unwrap_or_else(|| "PROD".to_owned());
    let target = match console.site.kept(to).await? {
        Some(other) => {
            let differences = console.site.differences(to, &name).await.map_err(save::problem)?;
            Target { name: to.to_owned(), base: Some(other.version), environment, differences }
        }
        None if console.site.origin(to).is_some() => {
            return Err(Problem::conflict(
                format!("The tenant {to} is set up in the configuration file."),
                "Copy into one that is kept here, or under a new name.",
            ));
        }
        None => {
            let differences = kept.document.differences_to_nothing();
            Target { name: to.to_owned(), base: None, environment, differences }
        }
    };
    Ok(subject.page(PATH, "Copy", compare(&subject, &visitor, target)))
}

/// `POST /console/tenants/{tenant}/copy`
pub(in crate::console) async fn copy(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &name).await?;
    subject.stored()?;
    let missing = || Problem::bad_request("The form does not say where to copy to.", "Go back, reload the page and send it again.");
    let to = given(&posted, "to").ok_or_else(missing)?;
    check_name(&name, to)?;
    let base = given(&posted, "base").filter(|base| !base.is_empty()).map(|base| base.parse().map_err(|_| missing())).transpose()?;
    let paths: Vec<Path> = posted.iter().filter(|(name, _)| name == "path").filter_map(|(_, path)| path.parse().ok()).collect();
    if paths.is_empty() {
        return Ok(Done::to(into(&subject, to)).warning("Nothing was copied: choose what is to be copied first.").into_response());
    }
    let environment = given(&posted, "environment").unwrap_or("PROD").to_owned();
    let (by, note) = (visitor.name.clone(), format!("copied from {name}"));
    let secrets = given(&posted, "secrets").is_some();
    let wanted = Copy { from: name.clone(), to: to.to_owned(), base, environment, paths: Some(paths), secrets, by, note };
    let copied = console.site.copy(&wanted).await;
    match save::settle(&console, to, copied).await? {
        Stored::Made(changed, behind) => {
            let draft = console.site.kept(to).await?.is_some_and(|kept| kept.draft);
            let done = Done::to(link::tenant(to, ""));
            Ok(if draft {
                done.warning("Copied as a draft: something is still missing, such as secrets that were not copied.")
            } else {
                behind.map_or(done.clone().saying(format!("Copied, as version {}.", changed.version)), |why| done.warning(why))
            }
            .into_response())
        }
        Stored::Refused(problems) => {
            let content = html! { (told("This cannot be copied", &problems)) p { a href=(into(&subject, to)) { "Choose again" } } };
            Ok(subject.page(PATH, "Copy", content).with(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Stored::Late(conflict) => {
            let late = Late { edits: &[], again: Vec::new(), secrets: Vec::new(), action: into(&subject, to) };
            Ok(save::conflict(&subject, &visitor, &conflict, &late).into_response())
        }
    }
}

/// Where it is shown what a copy into this tenant would change.
fn into(subject: &Subject, to: &str) -> String {
    link::with(&subject.at(PATH), [("to", to)])
}

fn check_name(from: &str, to: &str) -> Result<(), Problem> {
    if crate::config::is_name(to) && to != from {
        return Ok(());
    }
    Err(Problem::bad_request("That is no name of another tenant.", "Use up to 64 of the letters a to z, digits, - and _."))
}

fn choose(console: &Console, subject: &Subject) -> Markup {
    let others: Vec<_> = console.site.managed().into_iter().filter(|managed| managed.name != subject.name).collect();
    html! {
        p { "Copy what is set up here into another tenant, as from TEST to PROD. You see what differs before anything is done." }
        @if !others.is_empty() {
            h2 { "Into a tenant that is there" }
            ul {
                @for other in others.iter().take(MOST) {
                    li { a href=(into(subject, &other.name)) { (other.name) } @if let Some(environment) = &other.environment { " " span .tag { (said(environment)) } } }
                }
            }
        }
        h2 { "Into a new tenant" }
        form .card method="get" action=(subject.at(PATH)) {
            div .field { label for="to" { "Name" } input #to name="to" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false"; }
            div .field {
                label for="environment" { "Environment" }
                select #environment name="environment" { @for (known, means) in ENVIRONMENTS { option value=(known) selected[known == "PROD"] { (known) ": " (means) } } }
            }
            button type="submit" { "Show what differs" }
        }
    }
}

fn compare(subject: &Subject, visitor: &Visitor, target: Target) -> Markup {
    let own_choice = |difference: &Difference| difference.path == Path::of(["environment"]);
    let shown: Vec<_> = target.differences.iter().filter(|difference| !own_choice(difference)).take(MOST).collect();
    let has_secrets = shown.iter().any(|difference| difference.after == Shown::Secret || difference.before == Shown::Secret);
    html! {
        h2 { (said(&subject.name)) " → " (said(&target.name)) @if target.base.is_none() { " (new, " (target.environment) ")" } }
        @if shown.is_empty() { p { "They are the same." } } @else {
            form method="post" action=(subject.at(PATH)) data-busy="Copying" {
                (visitor.form_token())
                input type="hidden" name="to" value=(target.name);
                input type="hidden" name="base" value=(target.base.map(|base| base.to_string()).unwrap_or_default());
                input type="hidden" name="environment" value=(target.environment);
                fieldset {
                    legend { "What differs: " (shown.len()) }
                    @for (index, difference) in shown.iter().enumerate() {
                        p .check {
                            input id={ "path-" (index) } type="checkbox" name="path" value=(difference.path.pointer()) checked;
                            " " label for={ "path-" (index) } { (save::difference(&difference.shortened())) }
                        }
                    }
                }
                @if has_secrets {
                    p .check { input #secrets type="checkbox" name="secrets" value="yes"; " " label for="secrets" { "Copy the secrets among them too. Without, those of " (said(&target.name)) " stay as they are." } }
                }
                button type="submit" { "Copy what is ticked" }
            }
        }
    }
}
