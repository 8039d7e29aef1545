//! What proves where events come from. Exactly one way is configured.

mod read;

use std::fmt;
use std::str::FromStr;

use secrecy::{SecretSlice, SecretString};
use thiserror::Error;

pub(super) use read::{read, timestamp};

/// How whoever brings events proves where they come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// A signature over the raw body.
    Signature(SignatureConfig),
    /// The signature of the Standard Webhooks specification.
    StandardWebhooks(StandardWebhooksConfig),
    /// A header with a value nobody else knows.
    Shared(SharedConfig),
    /// A user name and password (RFC 7617).
    Basic(BasicConfig),
}

/// A signature over the raw body.
#[derive(Clone, Debug)]
pub struct SignatureConfig {
    /// The header that carries it.
    pub header: String,
    /// How it is made.
    pub algorithm: SignatureAlgorithm,
    /// The shared secrets; any of them may have made it, so that one can follow another without a gap.
    pub secrets: Vec<SecretString>,
    /// How it is written.
    pub encoding: SignatureEncoding,
    /// What stands before it in the header.
    pub prefix: String,
    /// What it is made over.
    pub signed: SignedText,
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// HMAC with SHA-1; weak.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureEncoding {
    /// Two digits a byte, large or small.
    #[default]
    Hex,
    /// Base64, with or without padding, of either alphabet.
    Base64,
}

/// What a signature is made over: the body once, with what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedText(Vec<Part>);

/// A part of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// This text.
    Text(String),
    /// The value of the timestamp's header, as it was sent.
    Timestamp,
    /// The raw body.
    Body,
}

/// A template of what is signed cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignedTextError {
    /// The body is not in it, or more than once.
    #[error("does not hold {{body}} exactly once")]
    Body,
    /// Something else stands between braces.
    #[error("holds `{{{0}`, which stands for nothing")]
    Unknown(String),
}

/// The shared secrets of Standard Webhooks, as keys.
#[derive(Clone, Debug)]
pub struct StandardWebhooksConfig {
    /// Any of them may have signed.
    pub keys: Vec<SecretSlice<u8>>,
}

/// A header with a value nobody else knows.
#[derive(Clone, Debug)]
pub struct SharedConfig {
    /// The header.
    pub header: String,
    /// The values it may have.
    pub values: Vec<SecretString>,
}

/// A user name and password.
#[derive(Clone, Debug)]
pub struct BasicConfig {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// The moment of sending: Unix seconds or milliseconds, RFC 3339, or a date of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampConfig {
    /// The header that tells it.
    pub header: String,
    /// How many seconds it may be away from now, in either direction.
    pub window_seconds: u32,
}

impl SignedText {
    /// The body alone.
    pub fn body() -> Self {
        Self(vec![Part::Body])
    }

    /// Its parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    fn has_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }
}

impl FromStr for SignedText {
    type Err = SignedTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            parts.extend(Some(before).filter(|text| !text.is_empty()).map(|text| Part::Text(text.to_owned())));
            let (part, after) = [("timestamp}", Part::Timestamp), ("body}", Part::Body)]
                .into_iter()
                .find_map(|(name, part)| Some((part, after.strip_prefix(name)?)))
                .ok_or_else(|| SignedTextError::Unknown(after.to_owned()))?;
            parts.push(part);
            rest = after;
        }
        parts.extend(Some(rest).filter(|text| !text.is_empty()).map(|text| Part::Text(text.to_owned())));
        if parts.iter().filter(|part| **part == Part::Body).count() != 1 {
            return Err(SignedTextError::Body);
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for SignedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Timestamp => f.write_str("{timestamp}"),
            Part::Body => f.write_str("{body}"),
        })
    }
}
