//! Turns a [`Mail`] into a message as RFC 5322 has it. What could break out of its line is refused, not repaired.

use lettre::Message;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use super::{Mail, MailError};

/// A message for more people than this is a mailing, which this is not for.
const MAX_TO: usize = 50;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 250;
/// The longest key, in bytes.
const MAX_KEY: usize = 256;
/// The largest text and HTML together, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Whether this can be written to.
pub fn is_address(text: &str) -> bool {
    mailbox(text).is_ok()
}

/// Where mail to this goes, where it can be written to at all.
pub(crate) fn domain(text: &str) -> Option<String> {
    mailbox(text).ok().map(|mailbox| mailbox.email.domain().to_owned())
}

/// Checks what of a message does not depend on the server.
pub(super) fn check(mail: &Mail) -> Result<(), MailError> {
    if mail.to.is_empty() || mail.to.len() > MAX_TO {
        return Err(MailError::Invalid(format!("the message has {} recipients, it must have 1 to {MAX_TO}", mail.to.len())));
    }
    if mail.subject.chars().any(char::is_control) || mail.subject.chars().count() > MAX_SUBJECT {
        return Err(MailError::Invalid(format!("the subject must be one line of at most {MAX_SUBJECT} characters")));
    }
    if mail.key.is_empty() || mail.key.len() > MAX_KEY {
        return Err(MailError::Invalid(format!("the key of the message has {} bytes, it must have 1 to {MAX_KEY}", mail.key.len())));
    }
    if mail.text.len() + mail.html.as_ref().map_or(0, String::len) > MAX_BODY {
        return Err(MailError::Invalid(format!("the message has more than {MAX_BODY} bytes")));
    }
    mail.to.iter().try_for_each(|to| mailbox(to).map(|_| ()))
}

/// The message as it goes to the server.
pub(super) fn compose(sender: &Mailbox, mail: &Mail) -> Result<Message, MailError> {
    check(mail)?;
    // `date_now` and `message_id` are given, so nothing in the message depends on the machine's name.
    let mut builder = Message::builder().from(sender.clone()).subject(&mail.subject).date_now();
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    let builder = builder.message_id(Some(message_id(&mail.key, sender.email.domain())));
    let text = mail.text.clone();
    match &mail.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html.clone())),
        None => builder.singlepart(SinglePart::plain(text)),
    }
    .map_err(|error| MailError::Invalid(format!("the message could not be written: {error}")))
}

/// Reads an address, with or without a name before it.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    let refuse = |why: String| MailError::Invalid(format!("{text:?} is no mail address: {why}"));
    if text.chars().any(char::is_control) {
        return Err(refuse("it holds a control character".to_owned()));
    }
    text.trim().parse().map_err(|error: lettre::address::AddressError| refuse(error.to_string()))
}

/// The same key gives the same id, and says nothing about it.
fn message_id(key: &str, domain: &str) -> String {
    let hash = Sha256::digest(key);
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("<{hex}@{domain}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            to: vec!["Operations <ops@acme.example>".to_owned(), "b@acme.example".to_owned()],
            subject: "Größe geändert".to_owned(),
            text: "Grüße,\n.\na line".to_owned(),
            html: None,
            key: "run-17".to_owned(),
        }
    }

    fn written(mail: &Mail) -> String {
        let message = compose(&"host@acme.example".parse().unwrap(), mail).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn a_message_names_everybody_and_carries_date_and_id() {
        let text = written(&mail());
        assert!(text.is_ascii(), "{text}");
        for part in ["From: host@acme.example\r\n", "ops@acme.example", "b@acme.example", "Date: ", "Subject: =?utf-8?", "text/plain"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("Bcc"), "{text}");
    }

    #[test]
    fn html_comes_after_the_text_as_an_alternative() {
        let text = written(&Mail { html: Some("<p>hello</p>".to_owned()), ..mail() });
        let (plain, html) = (text.find("text/plain").unwrap(), text.find("text/html").unwrap());
        assert!(text.contains("multipart/alternative") && plain < html, "{text}");
    }

    #[test]
    fn the_same_key_gives_the_same_message_id() {
        let id = |key: &str| {
            let text = written(&Mail { key: key.to_owned(), ..mail() });
            text.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned()
        };
        assert_eq!(id("run-17"), id("run-17"));
        assert_ne!(id("run-17"), id("run-18"));
        assert!(id("run-17").ends_with("@acme.example>"), "{}", id("run-17"));
    }

    #[test]
    fn what_could_break_out_of_its_line_is_refused() {
        let bad = [
            Mail { subject: "a\r\nBcc: x@evil.example".to_owned(), ..mail() },
            Mail { subject: "a\nb".to_owned(), ..mail() },
            Mail { subject: "a\0b".to_owned(), ..mail() },
            Mail { to: vec!["a@b.example\r\nBcc: x@evil.example".to_owned()], ..mail() },
            Mail { to: vec!["a@b.example>\r\nRCPT TO:<x@evil.example".to_owned()], ..mail() },
            Mail { to: vec!["a@b.example, c@d.example".to_owned()], ..mail() },
            Mail { to: vec!["nobody".to_owned()], ..mail() },
            Mail { to: vec![String::new()], ..mail() },
            Mail { to: vec![], ..mail() },
            Mail { key: String::new(), ..mail() },
            Mail { text: "x".repeat(MAX_BODY + 1), ..mail() },
        ];
        for mail in bad {
            assert!(matches!(check(&mail), Err(MailError::Invalid(_))), "{:?} {:?}", mail.to, mail.subject);
        }
    }
}
