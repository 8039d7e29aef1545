//! Who may bring events: the proof that goes with the raw bytes of a body.
//!
//! Nothing of the body is looked at before it is proved, and what is compared with a secret is compared in constant time.
//! [`presents`] comes before the body is read, so that a stranger cannot make the host read one; [`verify`] comes after.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::config::{
    BasicConfig, ListenerConfig, Part, Proof, SharedConfig, SignatureAlgorithm, SignatureConfig, SignatureEncoding, StandardWebhooksConfig,
    TimestampConfig,
};

const WEBHOOK_ID: &str = "webhook-id";
const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// How far the moment of a Standard Webhook may be from now.
const WEBHOOK_WINDOW_SECONDS: u32 = 300;

/// Why whoever brings something is not let in; each is a 401. It tells what an honest caller needs, and nothing of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// A header is not there.
    #[error("no header {0}")]
    NoHeader(String),
    /// A header is there more than once: who reads the first and who reads the last would not read the same.
    #[error("the header {0} is there more than once")]
    HeaderTwice(String),
    /// The signature is another one, or not readable as one.
    #[error("the signature does not fit")]
    Signature,
    /// The header with the moment of sending holds something else.
    #[error("the header {0} tells no moment: Unix seconds or milliseconds, RFC 3339 and HTTP dates are understood")]
    NoMoment(String),
    /// It was sent too long ago.
    #[error("the timestamp is older than {0} seconds")]
    Older(u32),
    /// It was sent in the future.
    #[error("the timestamp is more than {0} seconds ahead: one of the two clocks is wrong")]
    Ahead(u32),
    /// The shared value is another one.
    #[error("the value of the header {0} is not the one agreed on")]
    Shared(String),
    /// There is no login.
    #[error("no Authorization header")]
    NoLogin,
    /// The login is another one.
    #[error("the user name or the password is not right")]
    Login,
}

/// What a 401 asks for, in its `WWW-Authenticate` header.
pub(crate) fn challenge(config: &ListenerConfig) -> HeaderValue {
    HeaderValue::from_static(match config.proof {
        Proof::Basic(_) => "Basic realm=\"hooks\", charset=\"UTF-8\"",
        _ => "Signature realm=\"hooks\"",
    })
}

/// What can be said without the body: that a proof is there and fresh, and for a shared value or a login, that it is right.
pub(crate) fn presents(config: &ListenerConfig, headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), Refused> {
    if let Some(timestamp) = &config.timestamp {
        fresh(timestamp, headers, now)?;
    }
    match &config.proof {
        Proof::Signature(signature) => shown(signature, headers).map(drop),
        Proof::StandardWebhooks(_) => webhook(headers, now).map(drop),
        Proof::Shared(shared) => agreed(shared, headers),
        Proof::Basic(basic) => logged_in(basic, headers),
    }
}

/// Whether these raw bytes come from whoever holds the secret, and are fresh.
pub(crate) fn verify(config: &ListenerConfig, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<(), Refused> {
    presents(config, headers, now)?;
    match &config.proof {
        Proof::Signature(signature) => signed(signature, config.timestamp.as_ref(), headers, body),
        Proof::StandardWebhooks(webhooks) => signed_webhook(webhooks, headers, body, now),
        Proof::Shared(_) | Proof::Basic(_) => Ok(()),
    }
}

/// The only value of a header.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        (None, _) => Err(Refused::NoHeader(name.to_owned())),
        (Some(_), Some(_)) => Err(Refused::HeaderTwice(name.to_owned())),
    }
}

fn fresh(config: &TimestampConfig, headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), Refused> {
    let value = only(headers, &config.header)?;
    let moment = std::str::from_utf8(value).ok().and_then(|text| moment(text.trim()));
    within(moment.ok_or_else(|| Refused::NoMoment(config.header.clone()))?, config.window_seconds, now)
}

fn within(moment: DateTime<Utc>, window_seconds: u32, now: DateTime<Utc>) -> Result<(), Refused> {
    let (age, window) = (now.signed_duration_since(moment), TimeDelta::seconds(window_seconds.into()));
    if age > window {
        return Err(Refused::Older(window_seconds));
    }
    if -age > window {
        return Err(Refused::Ahead(window_seconds));
    }
    Ok(())
}

/// From here on, a number means milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(number) = text.parse::<i64>() {
        return match number < MILLISECONDS_FROM {
            true => DateTime::from_timestamp(number, 0),
            false => DateTime::from_timestamp_millis(number),
        };
    }
    let rfc_3339 = || DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc()).ok();
    rfc_3339().or_else(|| httpdate::parse_http_date(text).ok().map(DateTime::from))
}

/// The signature that the header shows.
fn shown(config: &SignatureConfig, headers: &HeaderMap) -> Result<Vec<u8>, Refused> {
    let value = only(headers, &config.header)?;
    let text = value.strip_prefix(config.prefix.as_bytes()).ok_or(Refused::Signature)?;
    match config.encoding {
        SignatureEncoding::Hex => hex(text),
        SignatureEncoding::Base64 => base64(text),
    }
    .ok_or(Refused::Signature)
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()).flatten()
}

/// Senders differ in padding and in the two last letters.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn signed(config: &SignatureConfig, timestamp: Option<&TimestampConfig>, headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let given = shown(config, headers)?;
    let mut text: Vec<&[u8]> = Vec::new();
    for part in config.signed.parts() {
        text.push(match part {
            Part::Text(text) => text.as_bytes(),
            Part::Body => body,
            Part::Timestamp => only(headers, &timestamp.ok_or(Refused::Signature)?.header)?,
        });
    }
    let fits = match config.algorithm {
        SignatureAlgorithm::HmacSha1 => fits::<Hmac<Sha1>>,
        SignatureAlgorithm::HmacSha256 => fits::<Hmac<Sha256>>,
        SignatureAlgorithm::HmacSha384 => fits::<Hmac<Sha384>>,
        SignatureAlgorithm::HmacSha512 => fits::<Hmac<Sha512>>,
    };
    // Each secret is tried, whether one before it fits or not: how long it takes tells nothing.
    let any = config.secrets.iter().fold(false, |any, secret| fits(secret.expose_secret().as_bytes(), &text, &given) | any);
    if any { Ok(()) } else { Err(Refused::Signature) }
}

fn fits<M: Mac + KeyInit>(key: &[u8], text: &[&[u8]], given: &[u8]) -> bool {
    let Ok(mut mac) = <M as Mac>::new_from_slice(key) else { return false };
    text.iter().for_each(|part| mac.update(part));
    mac.verify_slice(given).is_ok()
}

/// The three headers of a Standard Webhook.
struct Webhook<'a> {
    id: &'a [u8],
    timestamp: &'a [u8],
    signatures: Vec<Vec<u8>>,
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
fn webhook(headers: &HeaderMap, now: DateTime<Utc>) -> Result<Webhook<'_>, Refused> {
    let (id, timestamp) = (only(headers, WEBHOOK_ID)?, only(headers, WEBHOOK_TIMESTAMP)?);
    let seconds = std::str::from_utf8(timestamp).ok().and_then(|text| text.parse().ok());
    let moment = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    within(moment.ok_or_else(|| Refused::NoMoment(WEBHOOK_TIMESTAMP.to_owned()))?, WEBHOOK_WINDOW_SECONDS, now)?;
    // Signatures of other versions stand beside those of the first.
    let each = only(headers, WEBHOOK_SIGNATURE)?.split(|byte| *byte == b' ');
    let signatures: Vec<_> = each.filter_map(|signature| base64(signature.strip_prefix(b"v1,")?)).collect();
    if signatures.is_empty() { Err(Refused::Signature) } else { Ok(Webhook { id, timestamp, signatures }) }
}

fn signed_webhook(config: &StandardWebhooksConfig, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<(), Refused> {
    let webhook = webhook(headers, now)?;
    let mut any = subtle::Choice::from(0);
    for key in &config.keys {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key.expose_secret()) else { continue };
        [webhook.id, b".", webhook.timestamp, b".", body].iter().for_each(|part| mac.update(part));
        let right = mac.finalize().into_bytes();
        for signature in &webhook.signatures {
            any |= right.as_slice().ct_eq(signature);
        }
    }
    if any.into() { Ok(()) } else { Err(Refused::Signature) }
}

fn agreed(config: &SharedConfig, headers: &HeaderMap) -> Result<(), Refused> {
    let given = only(headers, &config.header)?;
    let any = config.values.iter().fold(false, |any, value| same(value.expose_secret().as_bytes(), given) | any);
    if any { Ok(()) } else { Err(Refused::Shared(config.header.clone())) }
}

fn logged_in(config: &BasicConfig, headers: &HeaderMap) -> Result<(), Refused> {
    let given = only(headers, AUTHORIZATION.as_str()).map_err(|refused| match refused {
        Refused::NoHeader(_) => Refused::NoLogin,
        other => other,
    })?;
    let (scheme, rest) = given.split_at_checked("Basic ".len()).ok_or(Refused::Login)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return Err(Refused::Login);
    }
    let login = base64(rest.trim_ascii()).ok_or(Refused::Login)?;
    let right = format!("{}:{}", config.username, config.password.expose_secret());
    if same(right.as_bytes(), &login) { Ok(()) } else { Err(Refused::Login) }
}

/// Compares digests, so that not even the length of the secret shows in the time it takes.
fn same(secret: &[u8], given: &[u8]) -> bool {
    Sha256::digest(secret).as_slice().ct_eq(Sha256::digest(given).as_slice()).into()
}

#[cfg(test)]
mod tests;
