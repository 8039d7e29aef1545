//! What went wrong, as a page that says what happened and what to do.

use std::fmt::Display;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::ROOT;
use super::frame::said;
use super::people::{PasswordError, PeopleError, Role, Wait};
use crate::site::SiteError;
use crate::store::StoreError;

/// A page that could not be shown, or something that was not done. It becomes a page in the frame.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// What happened.
    pub(super) text: String,
    /// What to do.
    pub(super) remedy: String,
    /// After how many seconds another try makes sense.
    pub(super) retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status, title, text: text.into(), remedy: remedy.into(), retry_after: None }
    }

    /// What was sent cannot be understood.
    pub(crate) fn bad_request(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That was not understood", text, remedy)
    }

    /// What was asked for is not there.
    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", text, "Check the address, or begin at the overview.")
    }

    /// It cannot be done as things stand.
    pub(crate) fn conflict(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "This was not done", text, remedy)
    }

    /// The plugin did not do it, and says why.
    pub(crate) fn of_plugin(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "The pack could not answer", text, remedy)
    }

    /// The session is over, and something was posted.
    pub(super) fn signed_out() -> Self {
        let remedy = "Sign in again in another tab, come back and send it once more: what you typed is still in the form.";
        Self::new(StatusCode::UNAUTHORIZED, "Your session has ended", "Nobody is signed in here any more, so nothing was done.", remedy)
    }

    /// The role does not cover it.
    pub(super) fn forbidden(least: Role) -> Self {
        let text = format!("This needs the role {least}, and yours is another one.");
        Self::new(StatusCode::FORBIDDEN, "Not for your role", text, "Ask an administrator to do it, or to change your role.")
    }

    /// A post that did not come from a page of ours.
    pub(super) fn elsewhere(text: &str) -> Self {
        let remedy = "Open the page here, in this browser, and send the form again. The console needs cookies, and https unless it is on this very machine.";
        Self::new(StatusCode::FORBIDDEN, "This did not come from the console", text, remedy)
    }

    /// Too many wrong passwords.
    pub(super) fn slow_down(wait: Wait) -> Self {
        let seconds = wait.0.as_secs().max(1) + u64::from(wait.0.subsec_nanos() > 0);
        let text = format!(
            "There were too many wrong passwords for this name, or from your address. The next try is looked at in {seconds} seconds."
        );
        let remedy = "Wait, then try again. If the password is forgotten, ask an administrator for a link.";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many tries", text, remedy);
        Self { retry_after: Some(seconds), ..problem }
    }

    /// A provider of identities does not let somebody in, or cannot be asked.
    pub(super) fn not_vouched(status: StatusCode, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(status, "You were not signed in", text, remedy)
    }

    /// Something that should not be. The cause is in the log only.
    pub(crate) fn internal(error: &dyn Display) -> Self {
        tracing::error!(%error, "a page of the console failed");
        let remedy = "Try again. If it stays so, look into the log of the host at this minute.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "This failed", "The host could not do it, and nothing was changed.", remedy)
    }

    fn store(error: &StoreError) -> Self {
        tracing::error!(%error, "a page of the console needs the store");
        let remedy = "Try again in a moment. If it stays so, look at the disk or the database behind the store.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The store does not answer", "What the page shows is kept there.", remedy)
    }

    /// The page's content.
    pub(super) fn content(&self) -> Markup {
        html! {
            h1 { (self.title) }
            p .lead { (said(&self.text)) }
            p { (said(&self.remedy)) }
            p { a href=(ROOT) { "To the overview" } }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(text) => {
                Self::bad_request(format!("The address of the page is not right: {text}."), "Begin at the first page of the list.")
            }
            error => Self::store(&error),
        }
    }
}

impl From<SiteError> for Problem {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::UnknownTenant(text) => Self::not_found(sentence(&text)),
            SiteError::Store { source, .. } => source.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Store(error) => error.into(),
            PeopleError::Random(_) | PeopleError::Password(PasswordError::Machine(_)) => Self::internal(&error),
            PeopleError::Unknown(_) => Self::not_found(sentence(&error.to_string())),
            PeopleError::Link => Self {
                status: StatusCode::GONE,
                ..Self::conflict(
                    sentence(&error.to_string()),
                    "Ask whoever gave it to you for another one; without anybody to ask, start the host again.",
                )
            },
            PeopleError::Taken(_) => Self::conflict(
                sentence(&error.to_string()),
                "Ask an administrator to remove that person, or to have the provider call you by another name.",
            ),
            error => Self::conflict(sentence(&error.to_string()), "Go back, correct it and send it again."),
        }
    }
}

/// A message of an error as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// The answer to a path that leads nowhere.
pub(super) async fn no_such_page() -> Problem {
    Problem::not_found("There is no page at this address.")
}

/// The answer to a method that a path does not have.
pub(super) async fn wrong_method(request: Request) -> Problem {
    let text = format!("This address does not take {}.", request.method());
    Problem { status: StatusCode::METHOD_NOT_ALLOWED, ..Problem::not_found(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_fails_is_told_as_that_whichever_way_it_was_asked() {
        for (error, status) in [
            (StoreError::Unavailable("the disk is full".to_owned()), StatusCode::SERVICE_UNAVAILABLE),
            (StoreError::Invalid("the cursor is not one of these".to_owned()), StatusCode::BAD_REQUEST),
        ] {
            let told = format!("the store failed: {error}");
            assert_eq!(Problem::from(SiteError::Store { told, source: error }).status, status);
        }
        assert_eq!(Problem::from(SiteError::Host("no".to_owned())).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
