//! Who is who: how the users of the directory and the persons of the time system match, and what to do where they do not. An operator
//! has both systems read; an administrator pins a user to a person.
//!
//! Pins are in a property of the pack: a table of the name `identities`. A pack without one has no pins.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::form::Fields;
use super::super::super::frame::{Done, Page, said};
use super::super::super::live::{self, Seen};
use super::super::super::moment::{length, moment};
use super::super::super::people::Role;
use super::super::super::reports::{CALL, Reading, Report};
use super::super::super::visitor::Visitor;
use super::super::super::{Console, Problem, ROOT, link};
use super::super::shown_run;
use super::super::tenant::save::{self, Stored};
use super::{failed, head, tenant, word};
use crate::answer::Identity;
use crate::description::Kind;
use crate::managed::{Change, Edit, Path as At, Value};
use crate::plugin::CallError;
use crate::site::{ChangeError, Origin};
use crate::tenant::Tenant;

/// The end of the path.
const PLACE: &str = "identities";
/// Identities a page, at least, where so many fit what is asked.
const ROWS: usize = 50;
/// Calls for one page.
const CALLS: usize = 20;
/// The property that holds the pins.
const PINS: &str = "identities";
/// How often it is looked whether a reading has ended.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct Asked {
    /// Only those of this state.
    #[serde(default)]
    state: String,
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct Pin {
    user: String,
    number: String,
}

/// What the page shows.
struct View<'a> {
    visitor: &'a Visitor,
    tenant: &'a Tenant,
    asked: &'a Asked,
    items: Vec<Identity>,
    next: Option<String>,
}

/// `GET /console/tenants/{tenant}/identities`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let reading = console.reports.of(&tenant, console.now());
    let shown = match &reading {
        Some(Reading::Done(report)) => {
            let (items, next) = page(&console, &tenant, report, &asked).await?;
            let view = View { visitor: &visitor, tenant: &tenant, asked: &asked, items, next };
            found(&view, report)
        }
        Some(Reading::Goes(since)) => html! {
            section .card aria-label="Under way" {
                div data-live=(link::live(&tenant.name, PLACE)) { (goes(&console, *since)) }
                p { a href=(link::tenant(&tenant.name, PLACE)) { "Refresh" } }
            }
        },
        Some(Reading::Failed(failure)) => shown_run::failure(failure),
        None => html! { p { "Nobody has read them within the last hour." } },
    };
    let content = html! {
        (head(&tenant, PLACE, &html! { "Identities" }))
        p { "How the users of the directory and the persons of the time system match, and what to do where they do not." }
        (shown)
        @if !matches!(reading, Some(Reading::Goes(_))) { (read_form(&visitor, &tenant, reading.is_some())) }
    };
    Ok(Page::new(format!("Identities of {}", tenant.name), ROOT, content))
}

/// `POST /console/tenants/{tenant}/identities/read`: has both systems read.
pub(in super::super::super) async fn read(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Done, Problem> {
    let tenant = tenant(&console, &name)?;
    let done = Done::to(link::tenant(&tenant.name, PLACE));
    if !console.reports.begin(&console, &tenant) {
        return Ok(done.warning("They are being read already."));
    }
    console.note(&visitor, "had the identities read", Some(&tenant.name)).await?;
    Ok(done)
}

/// `GET /console/live/tenants/{tenant}/identities`: until the reading has ended.
pub(in super::super::super) async fn follow(State(console): State<Console>, Path(name): Path<String>) -> Result<Response, Problem> {
    let tenant = tenant(&console, &name)?;
    let followed = Arc::new((console.clone(), tenant));
    let look = move || {
        let followed = followed.clone();
        async move {
            let (console, tenant) = &*followed;
            Some(match console.reports.of(tenant, console.now()) {
                Some(Reading::Goes(since)) => Seen::Goes(goes(console, since)),
                _ => Seen::Ended(None, link::tenant(&tenant.name, PLACE)),
            })
        }
    };
    Ok(live::follow(&console, EVERY, look))
}

fn goes(console: &Console, since: DateTime<Utc>) -> Markup {
    html! { p { "Both systems are being read, for " (length(console.now() - since)) " now." } }
}

/// `POST /console/tenants/{tenant}/identities/pin`: pins a user to a person, or tells which line to write where the file has the tenant.
pub(in super::super::super) async fn pin(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    Fields(pin): Fields<Pin>,
) -> Result<Response, Problem> {
    let tenant = tenant(&console, &name)?;
    let (user, number) = (pin.user.trim(), pin.number.trim());
    if user.is_empty() || number.is_empty() || !has_pins(&tenant) {
        return Err(Problem::bad_request("A pin takes a user name and a person number.", "Go back and fill in both."));
    }
    if console.site.origin(&tenant.name) == Some(Origin::File) {
        return Ok(line_to_write(&tenant, user, number).into_response());
    }
    let base = console.site.kept(&tenant.name).await?.map(|kept| kept.version);
    let edit = Edit::Set(At::of(["properties", PINS, user]), Value::Text(number.to_owned()));
    let note = format!("pinned {user} to the person {number}");
    let change = Change { base, edits: vec![edit], draft: false, by: visitor.name.clone(), note: note.clone() };
    match save::change(&console, &tenant.name, &change).await? {
        Stored::Made(_, behind) => {
            let done = Done::to(link::tenant(&tenant.name, PLACE));
            let told = format!("{user} is pinned to the person {number}. It counts from the next run on.");
            Ok(behind.map_or(done.clone().saying(told), |why| done.warning(why)).into_response())
        }
        Stored::Refused(problems) => Err(save::problem(ChangeError::Invalid(problems))),
        Stored::Late(conflict) => Err(save::problem(ChangeError::Conflict(conflict))),
    }
}

fn line_to_write(tenant: &Tenant, user: &str, number: &str) -> Page {
    let quoted = |text: &str| Value::Text(text.to_owned()).to_string();
    let content = html! {
        (head(tenant, PLACE, &html! { "A line to write" }))
        p { "This tenant is in the configuration file, which nothing but an editor changes. Add this line, then have the host read the file again:" }
        pre tabindex="0" { "[tenants." (tenant.name) ".properties." (PINS) "]\n" (quoted(user)) " = " (quoted(number)) "\n" }
        p { "Where the table is there already, add the second line to it." }
        p { a href=(link::tenant(&tenant.name, PLACE)) { "To the identities" } }
    };
    Page::new("A line to write", ROOT, content)
}

fn has_pins(tenant: &Tenant) -> bool {
    tenant.description.properties.iter().any(|info| info.name == PINS && info.kind == Kind::Table)
}

/// Those of a page that fit what is asked, and where the next begins.
async fn page(console: &Console, tenant: &Tenant, report: &Report, asked: &Asked) -> Result<(Vec<Identity>, Option<String>), Problem> {
    let fits = |identity: &Identity| asked.state.is_empty() || identity.state == asked.state;
    let (mut items, mut cursor) = (Vec::new(), asked.from.clone());
    if cursor.is_none() {
        items.extend(report.first.iter().filter(|identity| fits(identity)).cloned());
        cursor = report.next.clone();
    }
    for _ in 0..CALLS {
        let Some(next) = cursor.take_if(|_| items.len() < ROWS) else { break };
        let page = tenant.pack.identities(console.site.host().lend(tenant), Some(next), CALL).await;
        let page = page.map_err(|error| match &error {
            CallError::Failure(failure) => Problem::bad_request(
                format!("The list has no such page any more: {}", failure.message),
                "Begin at its first page, or have them read anew.",
            ),
            _ => failed(console, tenant, &error),
        })?;
        items.extend(page.items.into_iter().filter(fits));
        cursor = page.next;
    }
    Ok((items, cursor))
}

fn read_form(visitor: &Visitor, tenant: &Tenant, again: bool) -> Markup {
    html! {
        @if visitor.is(Role::Operator) {
            form method="post" action={ (link::tenant(&tenant.name, PLACE)) "/read" } data-busy="Reading" {
                (visitor.form_token())
                p { button type="submit" .plain[again] { @if again { "Read both systems again" } @else { "Read both systems" } } }
            }
        } @else { p .soft { "An operator can have both systems read, which makes calls to them." } }
    }
}

fn found(view: &View<'_>, report: &Report) -> Markup {
    html! {
        p .soft { "As read " (moment(report.at)) "." }
        (states(view, report))
        @for warning in &report.warnings {
            p .flash .warns { @if !warning.code.is_empty() { strong { (said(&warning.code)) ": " } } (said(&warning.message)) @if let Some(subject) = &warning.subject { " (" (said(subject)) ")" } }
        }
        @if view.items.is_empty() {
            p { @if view.next.is_some() { "Nobody of this among those looked at; there are more." } @else { "There is nobody of this." } }
        } @else { (table(view)) }
        @if let Some(next) = &view.next { p { a href=(more(view, Some(next))) { "More" } } }
        @if view.visitor.is(Role::Administrator) && has_pins(view.tenant) { (pin_form(view.visitor, view.tenant)) }
    }
}

/// The states, each a way to those of it.
fn states(view: &View<'_>, report: &Report) -> Markup {
    let all: u64 = report.states.iter().map(|(_, number)| number).sum();
    let to =
        |state: &str| more(&View { asked: &Asked { state: state.to_owned(), from: None }, items: Vec::new(), next: None, ..*view }, None);
    html! {
        nav aria-label="States" {
            ul .tabs {
                li { a href=(to("")) aria-current=[view.asked.state.is_empty().then_some("true")] { "everybody " (all) } }
                @for (state, number) in &report.states {
                    li { a href=(to(state)) aria-current=[(view.asked.state == *state).then_some("true")] { (said(&word(state))) " " (number) } }
                }
            }
        }
    }
}

fn table(view: &View<'_>) -> Markup {
    html! {
        div .wide tabindex="0" role="region" aria-label="Identities" {
            table {
                thead { tr { th scope="col" { "User" } th scope="col" { "State" } th scope="col" { "Person" } th scope="col" { "Why, and what to do" } } }
                tbody { @for identity in &view.items { (row(identity)) } }
            }
        }
    }
}

fn row(identity: &Identity) -> Markup {
    html! {
        tr {
            th scope="row" { @match &identity.user { Some(user) => (said(user)), None => "–" } }
            td { span .tag { (said(&word(&identity.state))) } @if identity.pinned { " pinned" } }
            td {
                @for (at, number) in identity.person_numbers.iter().enumerate() { @if at > 0 { ", " } (said(number)) }
                @if let Some(user) = &identity.person_user { " (" (said(user)) ")" }
            }
            td { (said(&identity.explanation)) " " (said(&identity.suggestion)) }
        }
    }
}

fn pin_form(visitor: &Visitor, tenant: &Tenant) -> Markup {
    html! {
        section .card {
            h2 { "Pin a user to a person" }
            p { "Where the names do not tell who is who, say so by hand." }
            form method="post" action={ (link::tenant(&tenant.name, PLACE)) "/pin" } data-busy="" {
                (visitor.form_token())
                div .field { label for="user" { "User name" } input #user name="user" required autocapitalize="none" spellcheck="false"; }
                div .field { label for="number" { "Person number" } input #number name="number" required autocapitalize="none" spellcheck="false"; }
                button type="submit" { "Pin" }
            }
        }
    }
}

/// A page of the same.
fn more(view: &View<'_>, next: Option<&str>) -> String {
    let pairs = [("state", view.asked.state.as_str()), ("from", next.unwrap_or_default())];
    link::with(&link::tenant(&view.tenant.name, PLACE), pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = || "\"><script>alert(1)</script>".to_owned();
        let identity = Identity {
            state: hostile(),
            user: Some(hostile()),
            person_numbers: vec![hostile(), hostile()],
            person_user: Some(hostile()),
            pinned: true,
            cause: None,
            explanation: hostile(),
            suggestion: hostile(),
        };
        let shown = row(&identity).0;
        assert!(!shown.contains("<script") && shown.matches("&lt;script&gt;").count() == 7, "{shown}");
    }
}
