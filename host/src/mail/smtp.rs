//! SMTP: to one configured server, always with a verified certificate unless the server is on this machine.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::{Mail, MailError, Mailer, compose};
use crate::secret::{self, Scrub};

/// How long it may take to reach the server and log in. The mail library itself waits for an answer without end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Handing over one message may take so many times as long: a server that looks through it before it answers has taken
/// it when it does, and whoever stopped waiting would send it a second time.
const HANDING_OVER: u32 = 4;
/// How long the goodbye may take; nothing depends on it.
const GOODBYE: Duration = Duration::from_secs(2);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all; to this machine only.
    None,
    /// It begins in the clear and is upgraded before anything is said. A server without STARTTLS is refused.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// Which mail server, and who sends.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected. The certificate must be good for `host` and lead to a root that this machine
    /// trusts; `SSL_CERT_FILE` names other roots.
    pub tls: Tls,
    /// The sender's address, such as `host@acme.example` or `Operations <host@acme.example>`.
    pub sender: String,
    /// Whom to log in as; `None` for no login.
    pub username: Option<String>,
    /// The password, where there is a user name.
    pub password: Option<SecretString>,
}

/// Sends through one SMTP server, with a connection of its own for each message.
pub struct SmtpMailer {
    config: SmtpConfig,
    sender: Mailbox,
    /// Servers quote the line they refuse, and the line of a login holds the password.
    scrub: Scrub,
    patience: Duration,
}

impl SmtpMailer {
    /// Checks the configuration; reaches nothing.
    ///
    /// # Errors
    /// [`MailError::Invalid`] for a sender that is no address, a host that is empty, a login without its other half,
    /// and a connection without TLS to another machine.
    pub fn new(config: SmtpConfig) -> Result<Self, MailError> {
        let sender = compose::mailbox(&config.sender)?;
        if config.host.trim().is_empty() {
            return Err(MailError::Invalid("the mail server has no host name".to_owned()));
        }
        if config.username.is_some() != config.password.is_some() {
            return Err(MailError::Invalid("a login to the mail server needs a user name and a password".to_owned()));
        }
        if config.tls == Tls::None && !is_loopback(&config.host) {
            let host = &config.host;
            return Err(MailError::Invalid(format!("mail to {host} needs \"starttls\" or \"implicit\": it is not this machine")));
        }
        let login = config.username.as_ref().zip(config.password.as_ref());
        let secrets = login.map(|(user, password)| secret::mail_login(user, password.expose_secret()));
        let scrub = Scrub::of(secrets.iter().flatten().map(String::as_str));
        Ok(Self { config, sender, scrub, patience: PATIENCE })
    }

    /// A connection that is logged in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let work = async {
            let mut connection = self.open().await?;
            if let (Some(user), Some(password)) = (&self.config.username, &self.config.password) {
                let login = Credentials::new(user.clone(), password.expose_secret().to_owned());
                let done = connection.auth(&[Mechanism::Plain, Mechanism::Login], &login).await;
                done.map_err(|error| match self.sort("the login failed", &error) {
                    MailError::Refused(words) => MailError::NotLetIn(words),
                    other => other,
                })?;
            }
            Ok(connection)
        };
        timeout(self.patience, work).await.unwrap_or_else(|_| Err(self.no_answer(self.patience)))
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let SmtpConfig { host, port, .. } = &self.config;
        let failed = |error: SmtpError| self.sort(&format!("{host}:{port}"), &error);
        let hello = ClientId::default();
        let tls = match self.config.tls {
            Tls::None => None,
            Tls::StartTls | Tls::Implicit => Some(TlsParameters::new(host.clone()).map_err(failed)?),
        };
        let (first, upgrade) = if self.config.tls == Tls::Implicit { (tls, None) } else { (None, tls) };
        let server = (host.as_str(), *port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(self.patience), &hello, first, None).await.map_err(failed)?;
        if let Some(tls) = upgrade {
            connection.starttls(tls, &hello).await.map_err(failed)?;
        }
        Ok(connection)
    }

    fn no_answer(&self, waited: Duration) -> MailError {
        let SmtpConfig { host, port, .. } = &self.config;
        MailError::Unreachable(format!("{host}:{port} did not answer within {} seconds", waited.as_secs()))
    }

    /// What an error means to who sends.
    fn sort(&self, doing: &str, error: &SmtpError) -> MailError {
        let words = format!("{doing}: {}", self.scrub.text(&what(error)));
        if is_certificate(error) {
            return MailError::Other(words);
        }
        if error.is_permanent() || error.is_client() {
            return MailError::Refused(words);
        }
        MailError::Unreachable(words)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose::compose(&self.sender, mail)?;
        let mut connection = self.connect().await?;
        let patience = self.patience * HANDING_OVER;
        let sent = timeout(patience, connection.send(message.envelope(), &message.formatted())).await;
        let sent = sent.map_err(|_| self.no_answer(patience))?;
        sent.map_err(|error| self.sort("the message was not taken", &error))?;
        // Nobody waits for it: until it is noted that the message is out, a killed process would send it again.
        tokio::spawn(goodbye(connection));
        Ok(())
    }

    async fn reach(&self) -> Result<(), MailError> {
        goodbye(self.connect().await?).await;
        Ok(())
    }
}

/// Closes the connection in good manners. The message is taken by now, whatever the server answers here.
async fn goodbye(mut connection: AsyncSmtpConnection) {
    let _ = timeout(GOODBYE, connection.abort()).await;
}

/// The server's own words, or the first cause of all: what stands before it only says "connection error".
fn what(error: &SmtpError) -> String {
    let cause = causes(error).last().map(ToString::to_string);
    match (error.status(), cause) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (Some(code), None) => code.to_string(),
        (None, Some(words)) => words,
        (None, None) => error.to_string(),
    }
}

/// Whether the other side's certificate is the trouble: trying again does not help, and it is no refusal either.
fn is_certificate(error: &SmtpError) -> bool {
    let mut tls = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>());
    error.is_tls() || tls.any(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}

fn causes(error: &SmtpError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
