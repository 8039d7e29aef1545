//! Mail, through the host's one mail server.

use wasmtime::component::Accessor;

use super::{Lent, Loan, State};
use crate::mail::{Mail, MailError, Receipt};
use crate::plugin::bindings::shift_access::plugin::email;
use crate::store::Space;

const NO_SERVER: &str = "no mail server is configured; add a [smtp] section to the configuration";

impl email::Host for &mut Lent {}

impl email::HostWithStore<State> for Loan {
    async fn send(accessor: &Accessor<State, Self>, message: email::Message) -> Result<email::Receipt, email::Error> {
        let lent = accessor.with(|mut access| access.get().clone());
        let post = lent.post.ok_or_else(|| email::Error::NotGranted(NO_SERVER.to_owned()))?;
        Ok(match post.send(&Space::plugin(&*lent.tenant), &message.into(), lent.clock.now()).await? {
            Receipt::Accepted => email::Receipt::Accepted,
            Receipt::Duplicate => email::Receipt::Duplicate,
        })
    }

    async fn reach(accessor: &Accessor<State, Self>) -> Result<(), email::Error> {
        let post = accessor.with(|mut access| access.get().post.clone());
        let post = post.ok_or_else(|| email::Error::NotGranted(NO_SERVER.to_owned()))?;
        Ok(post.reach().await?)
    }
}

impl From<email::Message> for Mail {
    fn from(message: email::Message) -> Self {
        Self { to: message.to, subject: message.subject, text: message.text, html: message.html, key: message.idempotency_key }
    }
}

impl From<MailError> for email::Error {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Invalid(text) => Self::Invalid(text),
            MailError::NotLetIn(text) | MailError::Refused(text) => Self::Refused(text),
            MailError::Unreachable(text) => Self::Unreachable(text),
            other => Self::Other(other.to_string()),
        }
    }
}
