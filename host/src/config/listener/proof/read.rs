//! Reads the one way of proof from the configuration.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::{
    BasicConfig, Proof, SharedConfig, SignatureAlgorithm, SignatureConfig, SignatureEncoding, SignedText, StandardWebhooksConfig,
    TimestampConfig,
};
use crate::config::credential::{self, Environment};
use crate::config::document::{Node, Place, Report, Section, Value};

const WAYS: [&str; 4] = ["signature", "standard-webhooks", "shared", "basic"];
const EXAMPLE: &str = "add signature = { header = \"X-Signature\", algorithm = \"hmac-sha256\", secret = { env = \"NAME\" } }; \
                       or standard-webhooks, shared or basic";
const DEFAULT_WINDOW_SECONDS: u32 = 300;

/// Where secrets come from.
struct Surroundings<'a> {
    folder: &'a Path,
    env: Environment<'a>,
}

/// Reads the one way of proof. `timestamped` tells whether a header with the moment of sending is configured.
pub(in crate::config::listener) fn read(
    section: &mut Section<'_>,
    timestamped: bool,
    folder: &Path,
    env: Environment<'_>,
    report: &mut Report,
) -> Option<Proof> {
    let from = Surroundings { folder, env };
    let given: Vec<_> = WAYS.into_iter().filter_map(|way| Some((way, section.get(way)?))).collect();
    let Some(((first, _), others)) = given.split_first() else {
        section.missing("signature", EXAMPLE, report);
        return None;
    };
    for (_, (_, place)) in others {
        report.error(place, format!("there is {first} already"), "keep one of the two: one way of proof is asked for");
    }
    let mut proofs = Vec::new();
    for (way, (node, place)) in given {
        let Some(section) = Section::open(node, place, report) else { continue };
        proofs.extend(match way {
            "signature" => signature(section, timestamped, &from, report).map(Proof::Signature),
            "standard-webhooks" => standard_webhooks(section, &from, report).map(Proof::StandardWebhooks),
            "shared" => shared(section, &from, report).map(Proof::Shared),
            _ => basic(section, &from, report).map(Proof::Basic),
        });
    }
    proofs.into_iter().next()
}

/// Reads the header with the moment of sending.
pub(in crate::config::listener) fn timestamp(
    mut section: Section<'_>,
    proof: Option<&Proof>,
    report: &mut Report,
) -> Option<TimestampConfig> {
    let header = header(&mut section, "X-Timestamp", report);
    let window = section.get("window-seconds").is_some();
    let seconds = section.number("window-seconds", 1, 86_400, report).and_then(|number| u32::try_from(number).ok());
    let place = section.place.clone();
    section.finish("key", report);
    match proof {
        Some(Proof::StandardWebhooks(_)) => {
            let remedy = format!("leave it out: webhook-timestamp is checked, within {DEFAULT_WINDOW_SECONDS} seconds");
            report.error(&place, "is not used with standard-webhooks", remedy);
        }
        Some(Proof::Signature(signature)) if !signature.signed.has_timestamp() => {
            let remedy = "write what the sender signs, for example signed = \"{timestamp}.{body}\"; if it signs the body alone, old \
                          events can be sent again under a new timestamp";
            report.warning(&place, "the signature does not cover the timestamp", remedy);
        }
        _ => {}
    }
    let window_seconds = if window { seconds? } else { DEFAULT_WINDOW_SECONDS };
    Some(TimestampConfig { header: header?, window_seconds })
}

fn signature(mut section: Section<'_>, timestamped: bool, from: &Surroundings<'_>, report: &mut Report) -> Option<SignatureConfig> {
    let header = header(&mut section, "X-Signature", report);
    let algorithm = section.required_text("algorithm", "hmac-sha256", report).and_then(|(text, place)| algorithm(&text, &place, report));
    let secrets = several(&mut section, "secret", "secrets", from, report);
    let encoding = match section.get("encoding") {
        Some(_) => section.text("encoding", "hex", report).and_then(|(text, place)| encoding(&text, &place, report)),
        None => Some(SignatureEncoding::Hex),
    };
    let prefix = section.text("prefix", "sha256=", report).map(|(text, _)| text).unwrap_or_default();
    let signed = match section.get("signed") {
        Some(_) => section.text("signed", "{body}", report).and_then(|(text, place)| signed(&text, timestamped, &place, report)),
        None => Some(SignedText::body()),
    };
    section.finish("key", report);
    let secrets = secrets?.into_iter().map(|(secret, _)| secret).collect();
    Some(SignatureConfig { header: header?, algorithm: algorithm?, secrets, encoding: encoding?, prefix, signed: signed? })
}

fn standard_webhooks(mut section: Section<'_>, from: &Surroundings<'_>, report: &mut Report) -> Option<StandardWebhooksConfig> {
    let secrets = several(&mut section, "secret", "secrets", from, report);
    section.finish("key", report);
    let secrets = secrets?;
    let keys: Vec<_> = secrets.iter().filter_map(|(secret, place)| key(secret, place, report)).collect();
    (keys.len() == secrets.len()).then_some(StandardWebhooksConfig { keys })
}

fn shared(mut section: Section<'_>, from: &Surroundings<'_>, report: &mut Report) -> Option<SharedConfig> {
    let header = header(&mut section, "X-Token", report);
    let values = several(&mut section, "value", "values", from, report);
    section.finish("key", report);
    Some(SharedConfig { header: header?, values: values?.into_iter().map(|(value, _)| value).collect() })
}

fn basic(mut section: Section<'_>, from: &Surroundings<'_>, report: &mut Report) -> Option<BasicConfig> {
    let username = section.required_text("username", "webhooks", report).and_then(|(text, place)| {
        if text.contains(':') {
            report.error(&place, "holds a colon, which ends a user name", "write another user name");
            return None;
        }
        Some(text)
    });
    let password = section.get("password");
    if password.is_none() {
        section.missing("password", "add password = { env = \"NAME\" }", report);
    }
    section.finish("key", report);
    let password = password.and_then(|(node, place)| credential::read(node, &place, from.folder, from.env, report));
    Some(BasicConfig { username: username?, password: password? })
}

/// One secret under one key, or several under another. None of them is lost: a listener with fewer would refuse a sender.
fn several(
    section: &mut Section<'_>,
    one: &str,
    many: &str,
    from: &Surroundings<'_>,
    report: &mut Report,
) -> Option<Vec<(SecretString, Place)>> {
    let mut read = |node: &Node, place: &Place| credential::read(node, place, from.folder, from.env, report).map(|it| (it, place.clone()));
    match (section.get(one), section.get(many)) {
        (Some((node, place)), None) => Some(vec![read(node, &place)?]),
        (None, Some((Node { value: Value::List(items), .. }, place))) if !items.is_empty() => {
            let read: Vec<_> = items.iter().enumerate().map(|(index, item)| read(item, &place.item(index, item.line))).collect();
            read.into_iter().collect()
        }
        (Some(_), Some((_, place))) => {
            report.error(&place, format!("there is {one} already"), format!("put it among {many}, and leave {one} out"));
            None
        }
        (None, Some((node, place))) => {
            let remedy = format!("write {many} = [{{ env = \"NEW\" }}, {{ env = \"OLD\" }}]");
            match &node.value {
                Value::List(_) => report.error(&place, "is empty", remedy),
                _ => report.wrong_type(&place, node, "a list", remedy),
            }
            None
        }
        (None, None) => {
            section.missing(one, format!("add {one} = {{ env = \"NAME\" }}, or {many} = [ … ] where one follows another"), report);
            None
        }
    }
}

fn header(section: &mut Section<'_>, example: &str, report: &mut Report) -> Option<String> {
    let (text, place) = section.required_text("header", example, report)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {
        return Some(text);
    }
    report.error(&place, format!("`{text}` is no header name"), format!("write for example header = {example:?}"));
    None
}

fn algorithm(text: &str, place: &Place, report: &mut Report) -> Option<SignatureAlgorithm> {
    match text.to_ascii_lowercase().as_str() {
        "hmac-sha256" => Some(SignatureAlgorithm::HmacSha256),
        "hmac-sha384" => Some(SignatureAlgorithm::HmacSha384),
        "hmac-sha512" => Some(SignatureAlgorithm::HmacSha512),
        "hmac-sha1" => {
            report.warning(place, "hmac-sha1 is weak", "write \"hmac-sha256\" as soon as the sender can make it");
            Some(SignatureAlgorithm::HmacSha1)
        }
        _ => {
            let remedy = "write algorithm = \"hmac-sha256\"; \"hmac-sha384\", \"hmac-sha512\" and \"hmac-sha1\" are known too";
            report.error(place, format!("the algorithm `{text}` is not known"), remedy);
            None
        }
    }
}

fn encoding(text: &str, place: &Place, report: &mut Report) -> Option<SignatureEncoding> {
    match text {
        "hex" => Some(SignatureEncoding::Hex),
        "base64" => Some(SignatureEncoding::Base64),
        _ => {
            report.error(place, format!("the encoding `{text}` is not known"), "write encoding = \"hex\" or encoding = \"base64\"");
            None
        }
    }
}

fn signed(text: &str, timestamped: bool, place: &Place, report: &mut Report) -> Option<SignedText> {
    match text.parse::<SignedText>() {
        Ok(signed) if signed.has_timestamp() && !timestamped => {
            let remedy = "add timestamp = { header = \"X-Timestamp\" } to the listener";
            report.error(place, "holds {timestamp}, and no header is configured that tells it", remedy);
            None
        }
        Ok(signed) => Some(signed),
        Err(error) => {
            report.error(place, error.to_string(), "write for example signed = \"{body}\" or signed = \"{timestamp}.{body}\"");
            None
        }
    }
}

/// The fewest bytes of a key, by the specification.
const SHORTEST_KEY: usize = 24;

fn key(secret: &SecretString, place: &Place, report: &mut Report) -> Option<SecretSlice<u8>> {
    let text = secret.expose_secret();
    if text.starts_with("whpk_") || text.starts_with("whsk_") {
        report.error(place, "is a key of an asymmetric signature, which is not understood", "choose a secret that begins with whsec_");
        return None;
    }
    let Ok(key) = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)) else {
        report.error(place, "is no secret of Standard Webhooks", "copy it as the sender shows it: whsec_ and a text in base64");
        return None;
    };
    if key.len() < SHORTEST_KEY {
        report.warning(place, format!("the key has fewer than {SHORTEST_KEY} bytes"), "let the sender make a longer one");
    }
    Some(SecretSlice::from(key))
}
