//! The first step: the environment, the pack, and the tenant's name. From here on there is a draft, which every further step keeps.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::save::{self, Stored};
use super::{steps, told};
use crate::config::Problem as Found;
use crate::console::form::Fields;
use crate::console::frame::{Done, Page, said};
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, link};
use crate::managed::{Change, Edit, Path, Value};
use crate::site::Offer;

const PATH: &str = "/console/install";
pub(super) const ENVIRONMENTS: [(&str, &str); 2] = [("TEST", "a trial, beside the real one"), ("PROD", "real people, every day")];

#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Wanted {
    name: String,
    #[serde(default)]
    environment: String,
    /// How the pack's component is named; empty for the built-in pack.
    #[serde(default)]
    pack: Option<String>,
}

/// `GET /console/install`
pub(in crate::console) async fn show(State(console): State<Console>, visitor: Visitor) -> Result<Page, Problem> {
    if !console.site.can_manage() {
        return Err(save::no_key());
    }
    Ok(page(&visitor, &console.site.offers().await, &Wanted::default(), None))
}

/// `POST /console/install`
pub(in crate::console) async fn install(
    State(console): State<Console>,
    visitor: Visitor,
    Fields(wanted): Fields<Wanted>,
) -> Result<Response, Problem> {
    let offers = console.site.offers().await;
    let again = |wrong: &str| page(&visitor, &offers, &wanted, Some(wrong)).with(StatusCode::UNPROCESSABLE_ENTITY).into_response();
    let name = wanted.name.trim();
    if !crate::config::is_name(name) {
        return Ok(again("Name: use up to 64 of the letters a to z, digits, - and _."));
    }
    if !ENVIRONMENTS.iter().any(|(environment, _)| *environment == wanted.environment) {
        return Ok(again("Choose an environment: PROD or TEST."));
    }
    let chosen = wanted.pack.as_deref().and_then(|pack| offers.iter().find(|offer| offer.component.as_deref().unwrap_or_default() == pack));
    let Some((offer, description)) = chosen.and_then(|offer| Some((offer, offer.description.as_ref()?))) else {
        return Ok(again("Choose a pack of the list."));
    };
    let taken = console.site.status().await?.iter().any(|status| status.tenant == name && status.state != "deleted");
    if taken || console.site.kept(name).await?.is_some() {
        return Ok(again("Name: there is a tenant of this name already."));
    }
    let mut edits = vec![Edit::Set(Path::of(["environment"]), Value::Text(wanted.environment.clone()))];
    edits.extend(offer.component.clone().map(|component| Edit::Set(Path::of(["component"]), Value::Text(component))));
    // So that what is missing is told at each setting.
    let empty = |name: &str| Edit::Set(Path::of(["connections", name]), Value::Table(BTreeMap::new()));
    edits.extend(description.connections.iter().map(|connection| empty(&connection.name)));
    let change = Change { base: None, edits, draft: true, by: visitor.name.clone(), note: "installed".to_owned() };
    match save::change(&console, name, &change).await? {
        Stored::Made(..) => {
            let sheets = steps::all(Some(description.as_ref()));
            let next = steps::after(&sheets, steps::BASICS).unwrap_or_else(|| steps::BASICS.to_owned());
            Ok(Done::to(link::tenant(name, &next))
                .saying(format!("{} is installed as a draft. Fill in its connections.", description.title))
                .into_response())
        }
        Stored::Refused(problems) => Ok(refused(&visitor, &offers, &wanted, &problems)),
        Stored::Late(_) => Ok(again("Name: there is a tenant of this name already.")),
    }
}

fn refused(visitor: &Visitor, offers: &[Offer], wanted: &Wanted, problems: &[Found]) -> Response {
    let content = html! { (told("This cannot be installed", problems)) (form(visitor, offers, wanted, None)) };
    Page::new("Install a new integration", PATH, html! { h1 { "Install a new integration" } (content) })
        .with(StatusCode::UNPROCESSABLE_ENTITY)
        .into_response()
}

fn page(visitor: &Visitor, offers: &[Offer], wanted: &Wanted, wrong: Option<&str>) -> Page {
    Page::new("Install a new integration", PATH, html! { h1 { "Install a new integration" } (form(visitor, offers, wanted, wrong)) })
}

fn form(visitor: &Visitor, offers: &[Offer], wanted: &Wanted, wrong: Option<&str>) -> Markup {
    html! {
        p .lead { "Choose the environment and the pack, and give the tenant a name. Its connections and properties come next." }
        @if let Some(wrong) = wrong { p .wrong role="alert" { (wrong) } }
        form .card method="post" action=(PATH) data-busy="Installing" {
            (visitor.form_token())
            fieldset {
                legend { "Environment" }
                @for (environment, means) in ENVIRONMENTS {
                    p .check {
                        input id={ "environment-" (environment) } type="radio" name="environment" value=(environment) required checked[wanted.environment == environment];
                        " " label for={ "environment-" (environment) } { strong { (environment) } ": " (means) }
                    }
                }
            }
            fieldset {
                legend { "Pack" }
                @for (index, offer) in offers.iter().enumerate() { (choice(index, offer, wanted)) }
            }
            div .field {
                label for="name" { "Name of the tenant" }
                input #name name="name" value=(wanted.name) required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="name-hint";
                span .hint #name-hint { "Letters a to z, digits, - and _. It stands in addresses, and stays." }
            }
            button type="submit" { "INSTALL" }
        }
    }
}

fn choice(index: usize, offer: &Offer, wanted: &Wanted) -> Markup {
    let component = offer.component.as_deref().unwrap_or_default();
    let chosen = match &wanted.pack {
        Some(pack) => pack == component,
        None => index == 0,
    };
    html! {
        p .check {
            @match &offer.description {
                Some(description) => {
                    input id={ "pack-" (index) } type="radio" name="pack" value=(component) required checked[chosen];
                    " " label for={ "pack-" (index) } {
                        strong { (said(&description.title)) " " (said(&description.version)) }
                        @if component.is_empty() { " (built in)" }
                        ": " (said(&description.summary))
                    }
                }
                None => { span .soft { "This component cannot be loaded: " span .code { (said(component)) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::people::Role;
    use crate::description::Description;

    #[test]
    fn the_list_shows_what_each_pack_says_of_itself_and_what_cannot_be_loaded_is_no_choice() {
        let description =
            |title: &str| Some(Arc::new(Description { title: title.to_owned(), version: "1.2".to_owned(), ..Description::default() }));
        let offers = [
            Offer { component: None, description: description("First") },
            Offer { component: Some("sha256:ab".to_owned()), description: description("<b>Second") },
            Offer { component: Some("broken.wasm".to_owned()), description: None },
        ];
        let shown = form(&Visitor::for_tests(Role::Administrator), &offers, &Wanted::default(), None).0;
        assert!(shown.contains("First") && shown.contains("&lt;b&gt;Second") && shown.contains("cannot be loaded"), "{shown}");
        assert_eq!(shown.matches("name=\"pack\"").count(), 2);
    }
}
