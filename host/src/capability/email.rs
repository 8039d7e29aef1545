//! Mail, through the host's one mail server: so much, and to whom, as the tenant's limits say.

use wasmtime::component::Accessor;

use super::{Lent, Loan, State};
use crate::limits::{MAIL_DOMAINS, raise};
use crate::mail::{self, Mail, MailError, Receipt};
use crate::plugin::bindings::shift_access::plugin::email;
use crate::store::Space;
use crate::tenant::alert_address;

const NO_SERVER: &str = "no mail server is configured; add a [smtp] section to the configuration";

impl email::Host for &mut Lent {}

impl email::HostWithStore<State> for Loan {
    async fn send(accessor: &Accessor<State, Self>, message: email::Message) -> Result<email::Receipt, email::Error> {
        let lent = accessor.with(|mut access| access.get().clone());
        let post = lent.post.as_ref().ok_or_else(no_server)?;
        let mail = Mail::from(message);
        let recipients = granted(&lent, &mail)?;
        counted(&lent, recipients)?;
        Ok(match post.send(&Space::plugin(&*lent.tenant), &mail, lent.clock.now()).await? {
            Receipt::Accepted => email::Receipt::Accepted,
            Receipt::Duplicate => {
                lent.scope.account.unmail(recipients);
                email::Receipt::Duplicate
            }
        })
    }

    async fn reach(accessor: &Accessor<State, Self>) -> Result<(), email::Error> {
        let lent = accessor.with(|mut access| access.get().clone());
        let post = lent.post.as_ref().ok_or_else(no_server)?;
        // The mail server is everybody's: it is not to be reached as often as a plugin likes either.
        counted(&lent, 1)?;
        Ok(post.reach().await?)
    }
}

fn no_server() -> email::Error {
    email::Error::NotGranted(NO_SERVER.to_owned())
}

/// How many recipients a mail has, where the tenant's plugin may write to all of them. What is wrong with a mail in itself is
/// not said here.
fn granted(lent: &Lent, mail: &Mail) -> Result<u32, email::Error> {
    let alerts = lent.scope.description.as_ref().and_then(|description| alert_address(description, &lent.properties));
    let own = alerts.and_then(mail::domain);
    for domain in mail.to.iter().filter_map(|to| mail::domain(to)) {
        if !lent.limits.may_mail(&domain, own.as_deref()) {
            let table = format!("[tenants.{}.limits]", lent.tenant);
            let text = format!("mail to {domain} is not granted; add it to {MAIL_DOMAINS} under {table}");
            return Err(email::Error::NotGranted(text));
        }
    }
    Ok(u32::try_from(mail.to.len()).unwrap_or(u32::MAX))
}

fn counted(lent: &Lent, recipients: u32) -> Result<(), email::Error> {
    if lent.scope.account.mail(recipients) {
        return Ok(());
    }
    let (most, remedy) = (lent.limits.mails_an_hour, raise(&lent.tenant, "mails-an-hour"));
    Err(email::Error::Other(format!("more than {most} mails within an hour; {remedy}")))
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
