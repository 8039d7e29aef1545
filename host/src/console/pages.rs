//! The pages: one a file. See the head of [`console`](super) for how one is added.

use axum::response::Redirect;

use super::ROOT;
use super::people::Ticket;

pub(super) mod account;
pub(super) mod audit;
mod bar;
pub(super) mod overview;
pub(super) mod people;
pub(super) mod person;
mod shown_run;
pub(super) mod sign_in;
pub(super) mod single_sign_on;
pub(super) mod tenant;
pub(super) mod watch;
pub(super) mod welcome;

/// `GET /`
pub(super) async fn home() -> Redirect {
    Redirect::to(ROOT)
}

/// The page on which a link is used.
pub(super) fn welcome(link: &Ticket) -> String {
    format!("{ROOT}/welcome/{}", link.text())
}
