//! Mail: one message to a few people, through one mail server that belongs to the host.
//!
//! A [`Mailer`] hands a message to a server; a [`Postbox`] sees that one message goes out once, however often it is
//! asked for. Addresses, subjects and bodies are never logged.

use async_trait::async_trait;

mod compose;
mod exchange;
pub(crate) mod page;
mod postbox;
mod smtp;

pub(crate) use compose::domain;
pub use compose::is_address;
pub(crate) use exchange::Exchangeable;
pub use postbox::{Postbox, Receipt};
pub use smtp::{SmtpConfig, SmtpMailer, Tls};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The recipients, 1 to 50, such as `ops@acme.example` or `Operations <ops@acme.example>`.
    pub to: Vec<String>,
    /// The subject: one line of at most 250 characters.
    pub subject: String,
    /// The text, complete in itself.
    pub text: String,
    /// The same as HTML, if wanted. Text and HTML have at most 1 MiB together.
    pub html: Option<String>,
    /// Names this message, in 1 to 256 bytes; see [`Postbox`].
    pub key: String,
}

/// Why a message was not sent. The texts may quote the mail server, and so an address: show them, do not log them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// An address, the subject, the key or the configuration is not well formed. A retry cannot help.
    #[error("{0}")]
    Invalid(String),
    /// The server refused the login. It concerns every message, and helps once the login is mended.
    #[error("the mail server refused: {0}")]
    NotLetIn(String),
    /// The server refused this message, or its recipient, for good. A retry cannot help.
    #[error("the mail server refused: {0}")]
    Refused(String),
    /// The server was not reached, did not answer in time, or asks to come back. A later retry can help.
    #[error("the mail server was not reached: {0}")]
    Unreachable(String),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// Hands messages to a mail server.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one message. `Ok` means that the server took it for every recipient. The same key gives the same
    /// `Message-ID`, so that a second copy can be told as one.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;

    /// Reaches the server and logs in, and sends nothing.
    async fn reach(&self) -> Result<(), MailError>;
}
