//! One's own account: another password, and the end of all sessions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::form::Fields;
use super::super::frame::{Done, Page, said};
use super::super::people::{PasswordError, PeopleError, SHORTEST, User};
use super::super::problem::sentence;
use super::super::visitor::{From, Visitor};
use super::super::{Console, Problem};
use super::{sign_in, welcome};

const PATH: &str = "/console/account";

#[derive(Deserialize)]
pub(in super::super) struct Change {
    current: SecretString,
    password: SecretString,
    again: SecretString,
}

/// `GET /console/account`
pub(in super::super) async fn show(visitor: Visitor) -> Page {
    Page::new("Your account", PATH, content(&visitor, None))
}

/// `POST /console/account/password`. The other sessions end, and this one begins anew.
pub(in super::super) async fn password(
    State(console): State<Console>,
    visitor: Visitor,
    From(address): From,
    Fields(change): Fields<Change>,
) -> Result<Response, Problem> {
    // Who finds a browser that somebody left open has no more tries than anybody at the door.
    console.slow.attempt(&visitor.name, address, console.now()).map_err(Problem::slow_down)?;
    match changed(&console, &visitor, &change).await {
        Ok(Some(user)) => {
            console.slow.succeeded(&visitor.name, address);
            let done = sign_in::begin(&console, &user, PATH, "changed the own password").await?;
            Ok(done.saying("Your password is changed. Every other session of yours has ended.").into_response())
        }
        Ok(None) => Ok(refused(&visitor, "The current password is not right.")),
        Err(error @ PeopleError::Password(PasswordError::Machine(_))) => Err(Problem::internal(&error)),
        Err(error @ PeopleError::Password(_)) => {
            console.slow.succeeded(&visitor.name, address);
            Ok(refused(&visitor, &sentence(&error.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

/// The person with the new password; `None` where the current one is not right.
async fn changed(console: &Console, visitor: &Visitor, change: &Change) -> Result<Option<User>, PeopleError> {
    let user = console.people.get(&visitor.name).await?.ok_or_else(|| PeopleError::Unknown(visitor.name.clone()))?;
    if !console.passwords.verify(user.password, change.current.clone()).await? {
        return Ok(None);
    }
    if change.password.expose_secret() != change.again.expose_secret() {
        return Err(PasswordError::Differs.into());
    }
    let hash = console.passwords.hash(&visitor.name, change.password.clone()).await?;
    console.people.set_password(&visitor.name, &hash).await.map(Some)
}

/// `POST /console/account/sessions`: ends them all, this one too.
pub(in super::super) async fn end_sessions(State(console): State<Console>, visitor: Visitor) -> Result<Done, Problem> {
    console.people.end_sessions(&visitor.name).await?;
    console.note(&visitor, "signed out everywhere", None).await?;
    Ok(sign_in::out())
}

fn refused(visitor: &Visitor, wrong: &str) -> Response {
    Page::new("Your account", PATH, content(visitor, Some(wrong))).with(StatusCode::UNPROCESSABLE_ENTITY).into_response()
}

fn content(visitor: &Visitor, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Your account" }
        p { "You are " strong { (said(&visitor.name)) } ", " (visitor.role) ": " (visitor.role.may()) "." }
        section .card {
            h2 { "Password" }
            @if visitor.elsewhere {
                p { "You sign in elsewhere, and have no password here." }
            } @else {
                @if let Some(wrong) = wrong { p .wrong role="alert" { (wrong) } }
                form method="post" action={ (PATH) "/password" } data-busy="One moment …" {
                    (visitor.form_token())
                    // For the keeper of passwords, which looks for a field of text.
                    input type="text" name="username" autocomplete="username" value=(visitor.name) readonly hidden;
                    div .field {
                        label for="current" { "Current password" }
                        input #current type="password" name="current" autocomplete="current-password" required;
                    }
                    (welcome::password("password", "New password", &format!("At least {SHORTEST} characters. Several words in a row are good.")))
                    (welcome::password("again", "The same once more", ""))
                    button type="submit" { "Change the password" }
                }
            }
        }
        section .card {
            h2 { "Sessions" }
            p { "If you left a browser open somewhere, or are not sure who used your password, end every session, this one too." }
            form method="post" action={ (PATH) "/sessions" } data-busy="" {
                (visitor.form_token())
                button .plain type="submit" { "Sign out everywhere" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::people::Role;
    use super::*;

    #[test]
    fn who_signs_in_elsewhere_changes_no_password_here() {
        let visitor = Visitor::for_tests(Role::Viewer);
        assert!(content(&visitor, Some("Not right.")).0.contains("role=\"alert\">Not right."));
        let shown = content(&Visitor { elsewhere: true, ..visitor }, None).0;
        assert!(!shown.contains("type=\"password\"") && shown.contains("Sign out everywhere"), "{shown}");
    }
}
