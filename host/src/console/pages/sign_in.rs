//! Signing in with a name and a password, and out again.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;

use super::super::form::Fields;
use super::super::frame::{Done, Page};
use super::super::people::User;
use super::super::visitor::{FormToken, From, Visitor};
use super::super::{Console, Problem, ROOT, guard, link};
use super::single_sign_on;
use crate::audit;
use crate::config::ConsoleConfig;

const PATH: &str = "/console/sign-in";

/// Where to go on to.
#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Asked {
    #[serde(default)]
    next: String,
    /// Whether somebody just signed out.
    #[serde(default)]
    out: Option<String>,
}

#[derive(Deserialize)]
pub(in super::super) struct Proof {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// What the page shows.
#[derive(Default)]
struct View<'a> {
    name: &'a str,
    next: &'a str,
    says: Option<&'a str>,
    wrong: bool,
    /// What the button of the provider says, where there is one.
    provider: Option<&'a str>,
}

/// `GET /console/sign-in`
pub(in super::super) async fn show(State(console): State<Console>, token: FormToken, Query(asked): Query<Asked>) -> Page {
    let says = asked.out.map(|_| "You are signed out.");
    let config = console.site.console();
    page(&token, &View { next: own(&asked.next), says, provider: provider(&config), ..View::default() })
}

/// `POST /console/sign-in`
pub(in super::super) async fn enter(
    State(console): State<Console>,
    token: FormToken,
    From(address): From,
    Fields(proof): Fields<Proof>,
) -> Result<Response, Problem> {
    let Proof { name, password, next } = proof;
    let (name, next) = (name.trim(), own(&next));
    console.slow.attempt(name, address, console.now()).map_err(Problem::slow_down)?;
    let user = console.people.get(name).await?;
    let kept = user.as_ref().and_then(|user| user.password.clone());
    let right = console.passwords.verify(kept, password).await.map_err(|error| Problem::internal(&error))?;
    let Some(user) = user.filter(|_| right) else {
        tracing::warn!(%address, "a sign-in to the console failed");
        let config = console.site.console();
        let view = View { name, next, wrong: true, provider: provider(&config), ..View::default() };
        return Ok(page(&token, &view).with(StatusCode::FORBIDDEN).into_response());
    };
    console.slow.succeeded(name, address);
    let to = if next.is_empty() { ROOT } else { next };
    Ok(begin(&console, &user, to, "signed in").await?.into_response())
}

/// `POST /console/sign-out`
pub(in super::super) async fn leave(State(console): State<Console>, visitor: Visitor) -> Result<Done, Problem> {
    console.sessions.end(&visitor.session).await?;
    console.note(&visitor, "signed out", None).await?;
    Ok(out())
}

/// Back at the door.
pub(super) fn out() -> Done {
    Done::to(format!("{PATH}?out=1")).signed_out()
}

/// Begins a session of somebody who has shown who they are.
pub(super) async fn begin(console: &Console, user: &User, to: &str, how: &str) -> Result<Done, Problem> {
    let now = console.now();
    audit::prune(&console.records, now).await?;
    let ticket = console.sessions.begin(user, console.rules(), now).await?;
    audit::note(&console.records, &user.name, how, None, now).await?;
    Ok(Done::to(to).signed_in(ticket))
}

/// Only to a page of the console: nobody is led elsewhere by a link to the sign-in.
fn own(next: &str) -> &str {
    if guard::is_own_page(next) && next != PATH { next } else { "" }
}

fn provider(config: &ConsoleConfig) -> Option<&str> {
    config.oidc.as_ref().map(|oidc| oidc.name.as_str())
}

fn page(token: &FormToken, view: &View<'_>) -> Page {
    Page::new("Sign in", PATH, content(token, view))
}

fn content(token: &FormToken, view: &View<'_>) -> Markup {
    html! {
        div .card .narrow {
            h1 { "Sign in" }
            @if let Some(says) = view.says { p role="status" { (says) } }
            @if view.wrong {
                p #wrong .wrong role="alert" { "The name or the password is not right." }
            }
            form method="post" action=(PATH) data-busy="Signing in …" {
                (token.field())
                input type="hidden" name="next" value=(view.next);
                div .field {
                    label for="name" { "Name" }
                    input #name name="name" value=(view.name) autocomplete="username" autocapitalize="none" spellcheck="false" required
                        autofocus[view.name.is_empty()] aria-describedby=[view.wrong.then_some("wrong")];
                }
                div .field {
                    label for="password" { "Password" }
                    input #password type="password" name="password" autocomplete="current-password" required
                        autofocus[!view.name.is_empty()] aria-describedby=[view.wrong.then_some("wrong")];
                }
                button type="submit" { "Sign in" }
            }
            @if let Some(name) = view.provider {
                // A link and no form: a form could not lead to another site.
                p .apart { a .button .plain href=(there(view.next)) { (name) } }
            }
        }
    }
}

/// The way to the provider.
fn there(next: &str) -> String {
    link::with(single_sign_on::PATH, [("next", next)])
}

#[cfg(test)]
mod tests {
    use super::super::super::people::Ticket;
    use super::*;

    #[test]
    fn what_was_typed_comes_back_as_text_and_the_password_does_not() {
        let token = FormToken::of(&Ticket::new().unwrap());
        let hostile = "\"><script>alert('x')</script>\u{202e}".repeat(200);
        let shown = content(&token, &View { name: &hostile, wrong: true, ..View::default() }).0;
        assert!(!shown.contains("<script") && shown.contains("&quot;&gt;&lt;script&gt;alert('x')"), "{shown}");
        assert!(shown.contains("role=\"alert\"") && !shown.contains("type=\"password\" value"));
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        for path in ["/console", "/console/people?after=x", "/console?x=1", "/console/tenants/acme/runs"] {
            assert_eq!(own(path), path);
        }
        for path in [
            "",
            "//evil.example",
            "/consoles",
            "https://evil.example",
            "/console//evil",
            "/console/../api",
            "/console/\\evil",
            "/console/ä",
            PATH,
            "/console/a\r\nb",
        ] {
            assert_eq!(own(path), "", "{path}");
        }
    }
}
