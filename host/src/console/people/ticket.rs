//! A secret of 256 random bits that is handed out once: a session, a link. Only its SHA-256 is kept, which is enough for a secret
//! that nobody finds by trying.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use super::PeopleError;

const BYTES: usize = 32;

/// The secret. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket(String);

impl Ticket {
    /// A new one.
    pub(crate) fn new() -> Result<Self, PeopleError> {
        let mut bytes = [0; BYTES];
        OsRng.try_fill_bytes(&mut bytes).map_err(|error| PeopleError::Random(error.to_string()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What somebody shows, if it has the form of one.
    pub(crate) fn shown(text: &str) -> Option<Self> {
        let formed = URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == BYTES);
        formed.then(|| Self(text.to_owned()))
    }

    /// The secret itself.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket")
    }
}

/// The SHA-256 of a text, as it can stand in a key.
pub(crate) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_the_form_is_none_and_the_debug_form_tells_nothing() {
        let ticket = Ticket::new().unwrap();
        assert_eq!(Ticket::shown(ticket.text()), Some(ticket.clone()));
        assert!(!format!("{ticket:?}").contains(ticket.text()));
        for text in ["", "abc", &ticket.text()[1..], &format!("{}A", ticket.text()), &"a".repeat(10_000)] {
            assert_eq!(Ticket::shown(text), None, "{text}");
        }
    }
}
