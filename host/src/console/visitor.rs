//! Who asks for a page.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use maud::{Markup, html};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::people::{Flash, Role, Ticket};
use super::problem::Problem;
use super::{Console, form};

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The person's name.
    pub(crate) name: String,
    /// What the person may do.
    pub(crate) role: Role,
    /// Whether the person signs in elsewhere, and so has no password here.
    pub(crate) elsewhere: bool,
    /// The session.
    pub(super) session: Ticket,
    /// The token of the forms of this session.
    pub(crate) csrf: FormToken,
}

impl Visitor {
    /// Whether the person may do what needs this role.
    pub(crate) fn is(&self, least: Role) -> bool {
        self.role >= least
    }

    /// Somebody of this role.
    #[cfg(test)]
    pub(crate) fn for_tests(role: Role) -> Self {
        let session = Ticket::shown(&"A".repeat(43)).unwrap();
        Self { name: "ana".to_owned(), role, elsewhere: false, csrf: FormToken::of(&session), session }
    }

    /// To stand in every form that is posted.
    pub(crate) fn form_token(&self) -> Markup {
        self.csrf.field()
    }
}

/// What shows that a form was made for the browser that posts it. It follows from a secret in a cookie, and does not tell it.
#[derive(Debug, Clone)]
pub(crate) struct FormToken {
    secret: Ticket,
    token: String,
}

impl FormToken {
    pub(super) fn of(secret: &Ticket) -> Self {
        Self { token: derived(secret, &["form"]), secret: secret.clone() }
    }

    /// Another secret of this browser, for one purpose and one occasion. It is never shown in a form.
    pub(super) fn derived(&self, purpose: &str, occasion: &str) -> String {
        derived(&self.secret, &[purpose, ":", occasion])
    }

    /// To stand in every form that is posted.
    pub(crate) fn field(&self) -> Markup {
        html! { input type="hidden" name=(form::TOKEN) value=(self.token); }
    }

    /// Whether this is it; how far it agrees does not show in the time it takes.
    pub(super) fn is(&self, shown: &str) -> bool {
        !self.token.is_empty() && bool::from(self.token.as_bytes().ct_eq(shown.as_bytes()))
    }
}

fn derived(secret: &Ticket, parts: &[&str]) -> String {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.text().as_bytes()) else { return String::new() };
    let mac = parts.iter().fold(mac, |mac, part| mac.chain_update(part));
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// A request, as far as it is known who asks.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) console: Console,
    pub(super) visitor: Option<Visitor>,
    /// What the page is to say.
    pub(super) flash: Option<Flash>,
    /// The token of forms, also for who is not signed in.
    pub(super) csrf: FormToken,
    /// Whether the secret behind it came with the request, and not with the answer to come.
    pub(super) known: bool,
    /// Where the person asks from.
    pub(super) address: IpAddr,
}

/// Where a request comes from: as the connection has it, or as the proxy says whom the configuration names.
pub(super) struct From(pub(super) IpAddr);

impl FromRequestParts<Console> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        arrival(parts)?.visitor.clone().ok_or_else(Problem::signed_out)
    }
}

impl FromRequestParts<Console> for FormToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        Ok(arrival(parts)?.csrf.clone())
    }
}

impl FromRequestParts<Console> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        Ok(Self(arrival(parts)?.address))
    }
}

/// There on every request, since nothing answers without [`guard::around`](super::guard::around).
fn arrival(parts: &Parts) -> Result<&Arrival, Problem> {
    parts.extensions.get::<Arrival>().ok_or_else(|| Problem::internal(&"a page that is not guarded"))
}
