//! What the other side said when something went wrong, in whichever of its forms, cut to a quotable length.
//!
//! UKG: `{errorCode, message}`, the flat `{error, error_description}`, or no JSON at all (facts/ukg-pro-wfm.md §1.5,
//! §3.7). Access: lists of `{code, message}` or `{code, description}` (facts/workspace-one.md §3.2, §3.5).

use std::fmt;

use serde::Deserialize;

use crate::call::loose::{List, Loose, Word};

/// The longest quotation, in characters.
const LONGEST: usize = 300;

/// An error as it stands in an answer or in one entry of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WireError {
    #[serde(rename = "errorCode")]
    error_code: Word,
    code: Word,
    message: Word,
    description: Word,
    error: Loose<Box<WireError>>,
    error_description: Word,
    errors: List<Loose<WireError>>,
    #[serde(rename = "Errors")]
    capital_errors: List<Loose<WireError>>,
    #[serde(rename = "reportingValue")]
    reporting_value: Word,
}

/// An error in words, with its code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The code, such as `WCO-101263` or `invalid_grant`.
    pub code: Option<String>,
    /// The words.
    pub text: Option<String>,
    /// Whom it is about, where the newer form of a partial answer names it.
    pub about: Option<String>,
}

impl Said {
    /// Reads a whole body that was expected to hold an error.
    pub fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<WireError>(body) {
            Ok(wire) => Self::from(wire),
            Err(_) => Self { text: Some(not_json(body)), ..Self::default() },
        }
    }

    /// An error without a code.
    pub fn words(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Whether it says anything.
    pub const fn is_silent(&self) -> bool {
        self.code.is_none() && self.text.is_none()
    }

    /// Whether it is about an app key: the gateway in front of UKG checks that, and signs with codes of its own.
    pub fn blames_app_key(&self) -> bool {
        let of_the_gateway = self.code.as_deref().is_some_and(|code| code.starts_with("GTW-ERROR"));
        of_the_gateway || self.text.as_deref().is_some_and(speaks_of_app_key)
    }
}

/// Whether a text speaks of the app key.
pub fn speaks_of_app_key(text: &str) -> bool {
    let text: String = text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    text.contains("appkey") || text.contains("apikey")
}

impl From<WireError> for Said {
    fn from(wire: WireError) -> Self {
        let about = wire.reporting_value.to_text();
        let nested = wire.error.object().cloned().map(|inner| Self::from(*inner));
        let listed = || first(&wire.errors).or_else(|| first(&wire.capital_errors));
        let inner = nested.or_else(listed).unwrap_or_default();
        let code = [&wire.error_code, &wire.code].into_iter().find_map(Loose::to_text).or_else(|| wire.error.to_text());
        let text = [&wire.message, &wire.error_description, &wire.description].into_iter().find_map(Loose::to_text);
        Self { code: code.or(inner.code), text: text.or(inner.text), about: about.or(inner.about) }
    }
}

fn first(errors: &List<Loose<WireError>>) -> Option<Said> {
    errors.items.iter().find_map(Loose::object).cloned().map(Said::from)
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.text) {
            (Some(code), Some(text)) => write!(f, "{}: {}", short(code), short(text)),
            (Some(words), None) | (None, Some(words)) => f.write_str(&short(words)),
            (None, None) => f.write_str("no explanation"),
        }
    }
}

/// One line of at most 300 characters: control characters and runs of space become one space.
pub fn short(text: &str) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

/// What stands where JSON was due.
pub fn not_json(body: &[u8]) -> String {
    let start: String = String::from_utf8_lossy(body.get(..64.min(body.len())).unwrap_or_default()).trim_start().to_lowercase();
    if start.is_empty() {
        "an empty body".to_owned()
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        "an HTML page where JSON was due".to_owned()
    } else if start.starts_with('{') || start.starts_with('[') {
        "JSON of an unexpected shape".to_owned()
    } else {
        "something other than JSON".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        Said::read(body.as_bytes()).to_string()
    }

    #[test]
    fn every_form_of_an_error_is_read() {
        assert_eq!(said(r#"{"errorCode":"WCO-1","message":"No such thing","details":{}}"#), "WCO-1: No such thing");
        assert_eq!(said(r#"{"error":"invalid_grant","error_description":"Wrong"}"#), "invalid_grant: Wrong");
        assert_eq!(said(r#"{"error":{"errorCode":"WTK-2","message":"m"}}"#), "WTK-2: m");
        assert_eq!(said(r#"{"errors":[{"code":"c","message":"m","parameters":{}}]}"#), "c: m");
        assert_eq!(said(r#"{"Errors":[{"description":"d","code":400}]}"#), "400: d");
        assert_eq!(said("<html><body>Sign in</body></html>"), "an HTML page where JSON was due");
        assert_eq!(said(""), "an empty body");
        assert_eq!(said("{}"), "no explanation");
    }

    #[test]
    fn a_long_text_is_cut_and_kept_on_one_line() {
        let text = short(&"a\n b\t".repeat(400));
        assert!(text.starts_with("a b a b"), "{text}");
        assert!(text.chars().count() <= LONGEST + 1);
    }

    #[test]
    fn the_app_key_is_recognised_by_code_or_by_name() {
        assert!(Said::read(br#"{"errorCode":"GTW-ERROR-003","message":"x"}"#).blames_app_key());
        assert!(Said::read(br#"{"errorCode":"X","message":"Invalid App-Key"}"#).blames_app_key());
        assert!(!Said::read(br#"{"errorCode":"X","message":"Invalid token"}"#).blames_app_key());
    }
}
