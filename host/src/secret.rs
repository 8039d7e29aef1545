//! Takes known secrets out of texts that leave the platform.
//!
//! A server may echo what it was sent, in an error or in a page. Whoever reads that must find `[secret]`. This is the
//! last line, not the first: it knows the secrets of one connection in the forms below, and no others.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use url::form_urlencoded;

/// What stands where a secret was.
pub const PLACEHOLDER: &str = "[secret]";

/// Shorter secrets are left alone: their letters stand everywhere, and taking them out would spoil the text.
const SHORTEST: usize = 4;

/// Finds a set of secrets, each as it is, percent-encoded and JSON-escaped. Its debug form shows none.
#[derive(Default)]
pub struct Scrub {
    finder: Option<AhoCorasick>,
    forms: usize,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrub").field("forms", &self.forms).finish_non_exhaustive()
    }
}

impl Scrub {
    /// Looks for these secrets. Those of fewer than four characters are not looked for.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns: Vec<String> =
            secrets.into_iter().map(str::trim).filter(|secret| secret.chars().count() >= SHORTEST).flat_map(forms).collect();
        patterns.sort();
        patterns.dedup();
        let forms = patterns.len();
        // The longest form wins: of a secret that begins with another one, nothing is left over.
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns).ok().filter(|_| forms > 0);
        Self { finder, forms }
    }

    /// The text without the secrets.
    pub fn text(&self, text: &str) -> String {
        match &self.finder {
            Some(finder) => finder.replace_all(text, &vec![PLACEHOLDER; self.forms]),
            None => text.to_owned(),
        }
    }

    /// The bytes without the secrets; the very same where there is none.
    pub fn bytes(&self, bytes: Bytes) -> Bytes {
        match &self.finder {
            Some(finder) if finder.is_match(&bytes) => finder.replace_all_bytes(&bytes, &vec![PLACEHOLDER; self.forms]).into(),
            _ => bytes,
        }
    }
}

/// The credentials of an HTTP Basic login, encoded.
pub(crate) fn basic(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}

fn forms(secret: &str) -> Vec<String> {
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json).to_owned();
    vec![
        secret.to_owned(),
        percent.replace('+', "%20"),
        lower_hex(&percent.replace('+', "%20")),
        lower_hex(&percent),
        percent,
        json.replace('/', "\\/"),
        ascii(&json),
        json,
        secret.trim_end_matches('=').to_owned(),
    ]
}

/// `%2F` as `%2f`.
fn lower_hex(percent: &str) -> String {
    let mut pieces = percent.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        text.extend(["%", &hex.to_ascii_lowercase(), rest]);
    }
    text
}

/// Letters outside ASCII as `\u00e4`, the way many servers write JSON.
fn ascii(json: &str) -> String {
    let mut text = String::new();
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            text.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let scrub = Scrub::of([r#"p/ä "+ss\="#, "abc"]);
        for form in [
            r#"p/ä "+ss\="#,
            "p%2F%C3%A4%20%22%2Bss%5C%3D",
            "p%2f%c3%a4%20%22%2bss%5c%3d",
            "p%2F%C3%A4+%22%2Bss%5C%3D",
            r#"p/ä \"+ss\\="#,
            r#"p\/ä \"+ss\\="#,
            r#"p/\u00e4 \"+ss\\="#,
        ] {
            assert_eq!(scrub.text(&format!("<{form}>")), "<[secret]>", "{form}");
            assert_eq!(scrub.bytes(Bytes::from(format!("<{form}>"))), "<[secret]>", "{form}");
        }
    }

    #[test]
    fn short_secrets_and_other_bytes_stay() {
        let scrub = Scrub::of(["abc", ""]);
        assert_eq!(scrub.text("abc abc"), "abc abc");
        let bytes = Bytes::from_static(&[0, 255, 1]);
        assert_eq!(Scrub::of(["abcd"]).bytes(bytes.clone()), bytes);
    }

    #[test]
    fn a_secret_inside_a_longer_one_leaves_nothing_over() {
        assert_eq!(Scrub::of(["pass", "password"]).text("password pass"), "[secret] [secret]");
    }

    #[test]
    fn its_debug_form_shows_nothing() {
        assert!(!format!("{:?}", Scrub::of(["hush-hush"])).contains("hush"));
    }
}
