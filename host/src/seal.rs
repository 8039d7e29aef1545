//! Keeps secrets where others may read what is kept: each is sealed with a key that lies elsewhere, and bound to its place.
//!
//! XChaCha20-Poly1305 with a random nonce of 192 bits, so that no two ever meet. The place, which is a tenant and a path within
//! it, is authenticated with the secret: a seal that is moved to another place, or changed, does not open. Beside it stands the
//! id of its key, so that a key can follow another.
//!
//! Nothing here shows a key or a secret: neither has a debug form that does.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// What a sealed text begins with: how it is sealed.
const FORM: &str = "x1";
/// What is authenticated before the place, so that no seal of another use ever opens as one of these.
const USE: &[u8] = b"shift-access secret";

/// A key: 32 random bytes.
#[derive(Clone)]
pub struct Key {
    id: String,
    bytes: Arc<SecretBox<[u8; KEY_BYTES]>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no key: it must be 32 bytes in base64")]
pub struct KeyError;

/// Why something is not sealed or not opened. No secret is in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not at hand.
    #[error("is sealed with the key {0}, which is not at hand")]
    UnknownKey(String),
    /// It was changed, or belongs elsewhere.
    #[error("does not open: it was changed, or belongs to another tenant or place")]
    Broken,
    /// The system has no random numbers.
    #[error("there are no random numbers: {0}")]
    Random(String),
}

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, SealError> {
        random().map(Self::of)
    }

    fn of(bytes: [u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new().chain_update(b"shift-access key").chain_update(bytes).finalize();
        let id = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { id, bytes: Arc::new(SecretBox::new(Box::new(bytes))) }
    }

    /// A name for it, which tells nothing of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As it is written into a file or a variable.
    pub fn expose(&self) -> SecretString {
        SecretString::from(STANDARD.encode(self.bytes.expose_secret()))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyError)?;
        bytes.try_into().map(Self::of).map_err(|_| KeyError)
    }
}

/// The key that seals, and older ones that still open.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Key,
    old: Vec<Key>,
}

impl Keys {
    /// This key seals; it and the old ones open.
    pub fn new(current: Key, old: Vec<Key>) -> Self {
        Self { current, old }
    }

    /// The id of the key that seals.
    pub fn current(&self) -> &str {
        self.current.id()
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(&self, place: &Place<'_>, secret: &SecretString) -> Result<Sealed, SealError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let (bound, msg) = (place.bound(), secret.expose_secret().as_bytes());
        let text =
            self.current.cipher().encrypt(XNonce::from_slice(&nonce), Payload { msg, aad: &bound }).map_err(|_| SealError::Broken)?;
        let parts = [FORM, self.current.id(), &URL_SAFE_NO_PAD.encode(nonce), &URL_SAFE_NO_PAD.encode(text)];
        Ok(Sealed(parts.join(".")))
    }

    /// Opens what was sealed for this very place.
    ///
    /// # Errors
    /// When the key is not at hand, or the seal was changed or belongs elsewhere.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<SecretString, SealError> {
        let [nonce, text] = sealed.parts().ok_or(SealError::Broken)?;
        let id = sealed.key();
        let known = std::iter::once(&self.current).chain(&self.old).find(|key| key.id() == id);
        let key = known.ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        if nonce.len() != NONCE_BYTES {
            return Err(SealError::Broken);
        }
        let bound = place.bound();
        let opened = key.cipher().decrypt(XNonce::from_slice(&nonce), Payload { msg: &text, aad: &bound });
        let opened = opened.map_err(|_| SealError::Broken)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| SealError::Broken)
    }
}

/// Where a secret belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The path within it.
    pub path: &'a str,
}

impl Place<'_> {
    /// With the length of each part, so that no two places run together to the same bytes.
    fn bound(&self) -> Vec<u8> {
        let mut bound = Vec::new();
        for part in [USE, self.tenant.as_bytes(), self.path.as_bytes()] {
            bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bound.extend_from_slice(part);
        }
        bound
    }
}

/// A sealed secret, as text: how it is sealed, the id of the key, the nonce and what was encrypted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sealed(String);

impl Sealed {
    /// The id of the key that it was sealed with.
    pub fn key(&self) -> &str {
        self.0.split('.').nth(1).unwrap_or_default()
    }

    /// Nonce and text.
    fn parts(&self) -> Option<[Vec<u8>; 2]> {
        let mut parts = self.0.split('.').skip(2).map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        Some([parts.next()??, parts.next()??])
    }
}

/// Why a text is no sealed secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no sealed secret")]
pub struct SealedError;

impl FromStr for Sealed {
    type Err = SealedError;

    fn from_str(text: &str) -> Result<Self, SealedError> {
        let sealed = Self(text.to_owned());
        let whole = text.split('.').count() == 4 && text.starts_with("x1.") && sealed.parts().is_some();
        whole.then_some(sealed).ok_or(SealedError)
    }
}

impl TryFrom<String> for Sealed {
    type Error = SealedError;

    fn try_from(text: String) -> Result<Self, SealedError> {
        text.parse()
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        sealed.0
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| SealError::Random(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { tenant: "acme", path: "/connections/alpha/password" };

    fn keys(old: &[&Key]) -> Keys {
        Keys::new(Key::random().unwrap(), old.iter().map(|key| (*key).clone()).collect())
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_also_when_that_is_an_old_one() {
        let before = keys(&[]);
        let sealed = before.seal(&PLACE, &"hush-hush".into()).unwrap();
        assert!(!sealed.to_string().contains("hush") && sealed.key() == before.current());
        assert_eq!(before.open(&PLACE, &sealed).unwrap().expose_secret(), "hush-hush");
        assert_eq!(keys(&[&before.current]).open(&PLACE, &sealed).unwrap().expose_secret(), "hush-hush");
        let unknown = SealError::UnknownKey(before.current().to_owned());
        assert_eq!(keys(&[]).open(&PLACE, &sealed).unwrap_err(), unknown);
        assert_ne!(before.seal(&PLACE, &"hush-hush".into()).unwrap(), sealed, "the nonce is another one");
    }

    #[test]
    fn a_seal_opens_at_its_own_place_only() {
        let keys = keys(&[]);
        let sealed = keys.seal(&PLACE, &"hush-hush".into()).unwrap();
        for place in [
            Place { tenant: "other", ..PLACE },
            Place { path: "/connections/alpha/client-secret", ..PLACE },
            Place { tenant: "acme/connections", path: "/alpha/password" },
        ] {
            assert_eq!(keys.open(&place, &sealed).unwrap_err(), SealError::Broken, "{place:?}");
        }
    }

    #[test]
    fn a_seal_that_was_changed_anywhere_does_not_open() {
        let keys = keys(&[]);
        let sealed = keys.seal(&PLACE, &"hush-hush".into()).unwrap().to_string();
        let mut opened = 0;
        for (at, letter) in sealed.char_indices() {
            let other = if letter == 'A' { 'B' } else { 'A' };
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &other.to_string());
            opened += usize::from(changed.parse::<Sealed>().is_ok_and(|changed| keys.open(&PLACE, &changed).is_ok()));
        }
        assert_eq!(opened, 0);
        for text in ["", "x1", "x1.a.b", "x1...", "x2.a.AAAA.AAAA", "x1.a.*.AAAA", "x1.a.AAAA.AAAA.AAAA"] {
            let good = text.parse::<Sealed>().is_ok_and(|sealed| keys.open(&PLACE, &sealed).is_ok());
            assert!(!good, "{text}");
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_shows_nothing() {
        let key = Key::random().unwrap();
        let text = key.expose();
        let text = text.expose_secret();
        assert_eq!(format!("{text}\n").parse::<Key>().unwrap().id(), key.id());
        assert!(!format!("{key:?}{:?}", Keys::new(key.clone(), Vec::new())).contains(text));
        for wrong in ["", "short", &text[4..], &format!("AAAA{text}"), "hunter2"] {
            assert_eq!(wrong.parse::<Key>().unwrap_err(), KeyError);
        }
    }
}
