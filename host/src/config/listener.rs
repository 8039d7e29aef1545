//! How events from outside are accepted.

use std::path::Path;

use secrecy::SecretString;

use super::credential::{self, Environment};
use super::document::{Place, Report, Section};

/// The listener of a tenant.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// How an event proves where it comes from.
    pub signature: SignatureConfig,
}

/// A signature over the raw body.
#[derive(Clone, Debug)]
pub struct SignatureConfig {
    /// The header that carries it.
    pub header: String,
    /// How it is made.
    pub algorithm: SignatureAlgorithm,
    /// The shared secret.
    pub secret: SecretString,
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// HMAC with SHA-256.
    HmacSha256,
}

const EXAMPLE: &str = "add signature = { header = \"X-Signature\", algorithm = \"hmac-sha256\", secret = { env = \"NAME\" } }";

/// Reads the listener's table. Keys to come are read here, beside `signature`.
pub(super) fn read(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<ListenerConfig> {
    let signature = section.get("signature");
    if signature.is_none() {
        section.missing("signature", EXAMPLE, report);
    }
    section.finish("key", report);
    let (node, place) = signature?;
    let signature = self::signature(Section::open(node, place, report)?, folder, env, report)?;
    Some(ListenerConfig { signature })
}

fn signature(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<SignatureConfig> {
    let header = section.required_text("header", "X-Signature", report).and_then(|(text, place)| header(text, &place, report));
    let algorithm = section.required_text("algorithm", "hmac-sha256", report).and_then(|(text, place)| algorithm(&text, &place, report));
    let secret = section.get("secret");
    if secret.is_none() {
        section.missing("secret", "add secret = { env = \"NAME\" }", report);
    }
    section.finish("key", report);
    let secret = secret.and_then(|(node, place)| credential::read(node, &place, folder, env, report));
    Some(SignatureConfig { header: header?, algorithm: algorithm?, secret: secret? })
}

fn header(text: String, place: &Place, report: &mut Report) -> Option<String> {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {
        return Some(text);
    }
    report.error(place, format!("`{text}` is no header name"), "write for example header = \"X-Signature\"");
    None
}

fn algorithm(text: &str, place: &Place, report: &mut Report) -> Option<SignatureAlgorithm> {
    if text.eq_ignore_ascii_case("hmac-sha256") {
        return Some(SignatureAlgorithm::HmacSha256);
    }
    report.error(place, format!("the algorithm `{text}` is not known"), "write algorithm = \"hmac-sha256\"");
    None
}
