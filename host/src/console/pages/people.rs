//! Everybody who may use the console, and how somebody is added.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::form::Fields;
use super::super::frame::{Page, said};
use super::super::moment::moment;
use super::super::people::{PeopleError, Role, Ticket, User};
use super::super::problem::sentence;
use super::super::visitor::Visitor;
use super::super::{Console, Problem, link};
use crate::audit::Deed;

pub(super) const PATH: &str = "/console/people";
/// People a page.
const PAGE: u32 = 100;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct From {
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct New {
    name: String,
    role: String,
}

/// What the page shows.
struct View<'a> {
    people: &'a [User],
    next: Option<&'a str>,
    new: &'a New,
    wrong: Option<String>,
}

/// `GET /console/people`
pub(in super::super) async fn show(State(console): State<Console>, visitor: Visitor, Query(from): Query<From>) -> Result<Page, Problem> {
    page(&console, &visitor, from.from, &New::default(), None).await
}

/// `POST /console/people`: adds somebody, and shows the link by which the person chooses a password. The link is told here and nowhere
/// else, so this is an answer to the post itself.
pub(in super::super) async fn add(State(console): State<Console>, visitor: Visitor, Fields(new): Fields<New>) -> Result<Response, Problem> {
    match added(&console, &new).await {
        Ok((user, link)) => {
            console.note(&visitor, Deed::Added(&user.name, user.role), None).await?;
            Ok(invitation(&console, &user, &link).into_response())
        }
        Err(error @ (PeopleError::Name | PeopleError::Exists(_))) => {
            let wrong = Some(sentence(&error.to_string()));
            let page = page(&console, &visitor, None, &new, wrong).await?;
            Ok(page.with(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn added(console: &Console, new: &New) -> Result<(User, Ticket), PeopleError> {
    let role = new.role.parse().unwrap_or(Role::Viewer);
    let user = User::new(new.name.trim(), role, console.now())?;
    console.people.add(&user).await?;
    let link = console.links.make(Some(&user), console.now()).await?;
    Ok((user, link))
}

/// Shows a link that works once.
pub(super) fn invitation(console: &Console, user: &User, link: &Ticket) -> Page {
    let address = console.address_of(&super::welcome(link));
    let content = html! {
        h1 { "A link for " (said(&user.name)) }
        p .lead { "Give this link to " (said(&user.name)) " by a way that nobody else reads. Whoever opens it chooses the password." }
        p { "It works once, within an hour, and is not shown again." }
        pre #link tabindex="0" { (address) }
        p { a href=(PATH) { "To the people" } }
    };
    Page::new(format!("A link for {}", user.name), PATH, content)
}

async fn page(console: &Console, visitor: &Visitor, from: Option<String>, new: &New, wrong: Option<String>) -> Result<Page, Problem> {
    let (people, next) = console.people.page(from, PAGE).await?;
    let view = View { people: &people, next: next.as_deref(), new, wrong };
    Ok(Page::new("People", PATH, content(visitor, &view)))
}

fn content(visitor: &Visitor, view: &View<'_>) -> Markup {
    html! {
        h1 { "People" }
        p { "Who may use the console. Each role includes those before it." }
        div .wide {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Signs in by" } th scope="col" { "Since" } } }
                tbody {
                    @for user in view.people {
                        tr {
                            th scope="row" { a href=(person(&user.name)) { (said(&user.name)) } }
                            td { (user.role) }
                            td { (way_in(user)) }
                            td { (moment(user.created)) }
                        }
                    }
                }
            }
        }
        @if let Some(next) = view.next { p { a href=(link::with(PATH, [("from", next)])) { "More people" } } }
        section .card {
            h2 { "Add somebody" }
            @if let Some(wrong) = &view.wrong { p #wrong .wrong role="alert" { (wrong) } }
            form method="post" action=(PATH) data-busy="" {
                (visitor.form_token())
                div .field {
                    label for="name" { "Name" }
                    input #name name="name" value=(view.new.name) required autocomplete="off" autocapitalize="none" spellcheck="false"
                        aria-describedby="name-hint" aria-invalid=[view.wrong.as_ref().map(|_| "true")];
                    span #name-hint .hint { "To sign in with. A mail address will do." }
                }
                (roles(Some(view.new.role.parse().unwrap_or(Role::Viewer))))
                button type="submit" { "Add, and make a link" }
            }
        }
    }
}

/// A choice of the role.
pub(super) fn roles(chosen: Option<Role>) -> Markup {
    html! {
        div .field {
            label for="role" { "Role" }
            select #role name="role" {
                @for role in Role::ALL { option value=(role) selected[chosen == Some(role)] { (role) " – " (role.may()) } }
            }
        }
    }
}

/// The page of one person.
pub(super) fn person(name: &str) -> String {
    format!("{PATH}/{}", link::part(name))
}

/// How somebody signs in.
pub(super) fn way_in(user: &User) -> Markup {
    html! {
        @match (&user.identity, &user.password) {
            (Some(identity), _) => (said(&identity.issuer)),
            (None, Some(_)) => "a password",
            (None, None) => "a link, no password chosen yet",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::people::Identity;
    use super::*;

    #[test]
    fn hostile_text_stays_text_and_nothing_of_a_password_is_shown() {
        let now = "2026-03-01T05:45:00Z".parse().unwrap();
        let hostile = "\"><script>alert(1)</script>\u{202e}".to_owned();
        let user = User { password: Some("$argon2id$x".to_owned()), ..User::new("ana+1@acme.example", Role::Operator, now).unwrap() };
        let identity = Some(Identity { issuer: hostile.clone(), subject: "subject-7".to_owned() });
        let other = User { identity, ..User::new("bo", Role::Viewer, now).unwrap() };
        let new = New { name: hostile.clone(), role: hostile.clone() };
        let view = View { people: &[user.clone(), other], next: None, new: &new, wrong: Some("A name has letters.".to_owned()) };
        let shown = content(&Visitor::for_tests(Role::Administrator), &view).0;
        assert!(!shown.contains("<script") && shown.contains("href=\"/console/people/ana%2B1%40acme.example\""), "{shown}");
        assert!(!shown.contains("argon2id") && !shown.contains("subject-7") && !shown.contains(&user.stamp), "{shown}");
        assert!(shown.contains("<bdi>&quot;&gt;&lt;script&gt;") && shown.contains("value=\"&quot;&gt;&lt;script&gt;"), "{shown}");
    }
}
