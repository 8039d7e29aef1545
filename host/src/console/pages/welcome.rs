//! Where a one-time link leads: the first administrator chooses a name and a password, anybody else a password.
//!
//! To look at the page uses nothing up, since mail readers look at links before people do.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::form::Fields;
use super::super::frame::{Page, said};
use super::super::people::{Invitation, PasswordError, PeopleError, SHORTEST, Ticket, User};
use super::super::problem::sentence;
use super::super::visitor::FormToken;
use super::super::{Console, Problem, ROOT};
use super::sign_in;

#[derive(Deserialize)]
pub(in super::super) struct Choice {
    #[serde(default)]
    name: String,
    password: SecretString,
    again: SecretString,
}

/// What the page shows.
struct View<'a> {
    link: &'a Ticket,
    /// Whose password it is; `None` where a name is chosen too.
    user: Option<&'a str>,
    name: &'a str,
    wrong: Option<String>,
}

/// `GET /console/welcome/{link}`
pub(in super::super) async fn show(State(console): State<Console>, token: FormToken, Path(link): Path<String>) -> Result<Page, Problem> {
    let (link, invitation) = look(&console, &link).await?;
    let user = user(&invitation);
    Ok(page(&token, &View { link: &link, user, name: "", wrong: None }))
}

/// `POST /console/welcome/{link}`
pub(in super::super) async fn take(
    State(console): State<Console>,
    token: FormToken,
    Path(link): Path<String>,
    Fields(choice): Fields<Choice>,
) -> Result<Response, Problem> {
    let (link, invitation) = look(&console, &link).await?;
    let chosen = user(&invitation).unwrap_or_else(|| choice.name.trim());
    match chooses(&console, &link, chosen, &choice).await {
        Ok(user) => Ok(sign_in::begin(&console, &user, ROOT, "chose a password by a link").await?.saying("Welcome.").into_response()),
        Err(error @ (PeopleError::Name | PeopleError::Exists(_) | PeopleError::Password(_))) => {
            let view = View { link: &link, user: user(&invitation), name: &choice.name, wrong: Some(sentence(&error.to_string())) };
            Ok(page(&token, &view).with(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn chooses(console: &Console, link: &Ticket, name: &str, choice: &Choice) -> Result<User, PeopleError> {
    if choice.password.expose_secret() != choice.again.expose_secret() {
        return Err(PasswordError::Differs.into());
    }
    let hash = console.passwords.hash(name, choice.password.clone()).await?;
    console.links.take(link, name, hash, console.now()).await
}

async fn look(console: &Console, link: &str) -> Result<(Ticket, Invitation), PeopleError> {
    let ticket = Ticket::shown(link).ok_or(PeopleError::Link)?;
    let invitation = console.links.look(&ticket, console.now()).await?;
    Ok((ticket, invitation))
}

fn user(invitation: &Invitation) -> Option<&str> {
    match invitation {
        Invitation::First => None,
        Invitation::Choose(user) => Some(&user.name),
    }
}

fn page(token: &FormToken, view: &View<'_>) -> Page {
    Page::new("Welcome", "", content(token, view))
}

fn content(token: &FormToken, view: &View<'_>) -> Markup {
    html! {
        div .card .narrow {
            h1 { "Welcome" }
            @match view.user {
                Some(name) => p { "Choose a password for " strong { (said(name)) } "." },
                None => p { "You are the first administrator of this host. Choose a name and a password to sign in with." },
            }
            @if let Some(wrong) = &view.wrong { p #wrong .wrong role="alert" { (wrong) } }
            form method="post" action=(super::welcome(view.link)) data-busy="One moment …" {
                (token.field())
                @match view.user {
                    Some(name) => input type="text" name="username" autocomplete="username" value=(name) readonly hidden;,
                    None => div .field {
                        label for="name" { "Name" }
                        input #name name="name" value=(view.name) autocomplete="username" autocapitalize="none" spellcheck="false" required
                            autofocus;
                    },
                }
                (password("password", "Password", &format!("At least {SHORTEST} characters. Several words in a row are good.")))
                (password("again", "The same once more", ""))
                button type="submit" { "Choose it and sign in" }
            }
        }
    }
}

/// A field for a new password.
pub(super) fn password(name: &str, label: &str, hint: &str) -> Markup {
    let described = format!("{name}-hint");
    html! {
        div .field {
            label for=(name) { (label) }
            input id=(name) type="password" name=(name) autocomplete="new-password" required aria-describedby=[(!hint.is_empty()).then_some(&described)];
            @if !hint.is_empty() { span .hint id=(described) { (hint) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_administrator_chooses_a_name() {
        let (link, token) = (Ticket::new().unwrap(), FormToken::of(&Ticket::new().unwrap()));
        let first = content(&token, &View { link: &link, user: None, name: "\"><b>", wrong: Some("A name has letters.".to_owned()) }).0;
        assert!(first.contains("name=\"name\" value=\"&quot;&gt;&lt;b&gt;\"") && first.contains("role=\"alert\""), "{first}");
        let invited = content(&token, &View { link: &link, user: Some("ana"), name: "", wrong: None }).0;
        assert!(!invited.contains("name=\"name\"") && invited.contains("ana"), "{invited}");
    }
}
