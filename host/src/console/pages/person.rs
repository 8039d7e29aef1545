//! One person: another role, a link for a new password, the end of the sessions, removal.

use axum::extract::{Path, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::form::{Fields, Sure};
use super::super::frame::{Done, Page, said};
use super::super::moment::moment;
use super::super::people::{Last, PeopleError, Role, User};
use super::super::visitor::Visitor;
use super::super::{Console, Problem};
use super::people::{self, PATH, invitation, person, roles, way_in};
use crate::audit::Deed;

#[derive(Debug, Deserialize)]
pub(in super::super) struct NewRole {
    role: String,
}

/// `GET /console/people/{name}`
pub(in super::super) async fn show(State(console): State<Console>, visitor: Visitor, Path(name): Path<String>) -> Result<Page, Problem> {
    let user = known(&console, &name).await?;
    Ok(Page::new(user.name.clone(), PATH, content(&visitor, &user)))
}

/// `POST /console/people/{name}/role`
pub(in super::super) async fn role(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    Fields(new): Fields<NewRole>,
) -> Result<Done, Problem> {
    let wrong = |()| Problem::bad_request("There is no such role.", "Go back and choose one of the list.");
    let role: Role = new.role.parse().map_err(wrong)?;
    let user = console.people.set_role(&name, role, Last::Stays).await?;
    console.note(&visitor, Deed::MadeRole(&user.name, role), None).await?;
    Ok(Done::to(person(&user.name)).saying(format!("{} is {role} now, and has to sign in again.", user.name)))
}

/// `POST /console/people/{name}/link`: shows the link, which is told here and nowhere else.
pub(in super::super) async fn link(State(console): State<Console>, visitor: Visitor, Path(name): Path<String>) -> Result<Page, Problem> {
    let user = known(&console, &name).await?;
    if user.identity.is_some() {
        let remedy = "The password is changed where the person signs in.";
        return Err(Problem::conflict(format!("{} has no password here.", user.name), remedy));
    }
    let link = console.links.make(Some(&user), console.now()).await?;
    console.note(&visitor, Deed::MadeLink(&user.name), None).await?;
    Ok(invitation(&console, &user, &link))
}

/// `POST /console/people/{name}/sessions`: ends them.
pub(in super::super) async fn end_sessions(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Done, Problem> {
    let user = console.people.end_sessions(&name).await?;
    console.note(&visitor, format!("ended the sessions of {}", user.name), None).await?;
    Ok(Done::to(person(&user.name)).saying(format!("{} is signed out everywhere.", user.name)))
}

/// `POST /console/people/{name}/remove`
pub(in super::super) async fn remove(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
    Fields(sure): Fields<Sure>,
) -> Result<Done, Problem> {
    if !sure.is_ticked() {
        return Ok(Done::to(person(&name)).warning("Nobody was removed: tick the box beside the button first."));
    }
    let user = console.people.remove(&name, Last::Stays).await?;
    console.note(&visitor, Deed::RemovedPerson(&user.name), None).await?;
    Ok(Done::to(people::PATH).saying(format!("{} is removed.", user.name)))
}

async fn known(console: &Console, name: &str) -> Result<User, Problem> {
    Ok(console.people.get(name).await?.ok_or_else(|| PeopleError::Unknown(name.to_owned()))?)
}

fn content(visitor: &Visitor, user: &User) -> Markup {
    let at = person(&user.name);
    html! {
        h1 { (said(&user.name)) }
        dl {
            dt { "Role" } dd { (user.role) ": " (user.role.may()) }
            dt { "Signs in by" } dd { (way_in(user)) }
            dt { "Since" } dd { (moment(user.created)) }
        }
        section .card {
            h2 { "Role" }
            form method="post" action={ (at) "/role" } data-busy="" {
                (visitor.form_token())
                (roles(Some(user.role)))
                @if user.identity.is_some() { p .hint { "Each sign-in gives the role that the provider says." } }
                button type="submit" { "Change the role" }
            }
        }
        section .card {
            h2 { "Signing in" }
            div .row {
                @if user.identity.is_none() {
                    form method="post" action={ (at) "/link" } data-busy="" {
                        (visitor.form_token())
                        button .plain type="submit" { "Make a link for a new password" }
                    }
                }
                form method="post" action={ (at) "/sessions" } data-busy="" {
                    (visitor.form_token())
                    button .plain type="submit" { "Sign out everywhere" }
                }
            }
        }
        section .card {
            h2 { "Remove" }
            form method="post" action={ (at) "/remove" } data-busy="" {
                (visitor.form_token())
                @if user.identity.is_some() { p .hint { "Who signs in elsewhere comes back with the next sign-in, as long as the provider gives a role." } }
                (Sure::ask(&html! { "Yes, remove " (said(&user.name)) }))
                button .risky type="submit" { "Remove" }
            }
        }
        p { a href=(PATH) { "To the people" } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::people::Identity;
    use super::*;

    #[test]
    fn who_signs_in_elsewhere_is_offered_no_password() {
        let user = User::new("ana", Role::Viewer, "2026-03-01T05:45:00Z".parse().unwrap()).unwrap();
        let visitor = Visitor::for_tests(Role::Administrator);
        assert!(content(&visitor, &user).0.contains("/console/people/ana/link"));
        let identity = Some(Identity { issuer: "https://id.acme.example".to_owned(), subject: "7".to_owned() });
        let shown = content(&visitor, &User { identity, ..user }).0;
        assert!(!shown.contains("/link\"") && shown.contains("https://id.acme.example"), "{shown}");
    }
}
