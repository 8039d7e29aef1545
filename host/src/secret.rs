//! Takes known secrets out of texts that leave the platform.
//!
//! A server may echo what it was sent, in an error or in a page. Whoever reads that must find `[secret]`. This is the
//! last line, not the first: it knows the secrets of one connection in the forms below, and no others.
//!
//! A short secret could be any word: an app key `2026` stands in every date. In an error that costs a word; in data it
//! would make a false time. So data is searched for long secrets and for tokens only.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use url::form_urlencoded;

/// What stands where a secret was.
pub const PLACEHOLDER: &str = "[secret]";

/// Shorter secrets are left alone: their letters stand everywhere, and taking them out would spoil the text.
const SHORTEST: usize = 4;
/// Shorter secrets are left alone in data: anything up to here may be a date, a number or a name.
const SHORTEST_IN_DATA: usize = 12;

/// Finds a set of secrets, each as it is, percent-encoded and JSON-escaped. Its debug form shows none.
#[derive(Default)]
pub struct Scrub {
    all: Finder,
    certain: Finder,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrub").field("forms", &self.all.forms).finish_non_exhaustive()
    }
}

impl Scrub {
    /// Looks for these secrets. Those of fewer than four characters are not looked for.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with_tokens(secrets, [])
    }

    /// The same, and for tokens, which a server issued and which are no words, whatever their length.
    pub fn with_tokens<'a>(secrets: impl IntoIterator<Item = &'a str>, tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets: Vec<&str> = secrets.into_iter().collect();
        let tokens: Vec<String> = tokens.into_iter().flat_map(|token| forms(token, SHORTEST)).collect();
        let from = |shortest| secrets.iter().flat_map(move |secret| forms(secret, shortest)).chain(tokens.iter().cloned()).collect();
        Self { all: Finder::of(from(SHORTEST)), certain: Finder::of(from(SHORTEST_IN_DATA)) }
    }

    /// The text without the secrets.
    pub fn text(&self, text: &str) -> String {
        self.all.text(text)
    }

    /// The bytes without the secrets; the very same where there is none.
    pub fn bytes(&self, bytes: Bytes) -> Bytes {
        self.all.bytes(bytes)
    }

    /// A header of data without tokens and without the secrets that are too long to be anything else.
    pub fn data_text(&self, text: &str) -> String {
        self.certain.text(text)
    }

    /// The same of its body.
    pub fn data_bytes(&self, bytes: Bytes) -> Bytes {
        self.certain.bytes(bytes)
    }
}

/// Finds any of some texts in one walk.
#[derive(Default)]
struct Finder {
    automaton: Option<AhoCorasick>,
    forms: usize,
}

impl Finder {
    fn of(mut patterns: Vec<String>) -> Self {
        patterns.sort();
        patterns.dedup();
        let forms = patterns.len();
        // The longest form wins: of a secret that begins with another one, nothing is left over. The usual kind, with a row of
        // the table for every letter of every token, would be the largest thing that an idle connection keeps.
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA));
        let automaton = builder.build(patterns).ok().filter(|_| forms > 0);
        Self { automaton, forms }
    }

    fn text(&self, text: &str) -> String {
        match &self.automaton {
            Some(automaton) => automaton.replace_all(text, &vec![PLACEHOLDER; self.forms]),
            None => text.to_owned(),
        }
    }

    fn bytes(&self, bytes: Bytes) -> Bytes {
        match &self.automaton {
            Some(automaton) if automaton.is_match(&bytes) => automaton.replace_all_bytes(&bytes, &vec![PLACEHOLDER; self.forms]).into(),
            _ => bytes,
        }
    }
}

/// The credentials of an HTTP Basic login, encoded.
pub(crate) fn basic(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}

/// What of a login to a mail server is secret: the password, and what the two mechanisms send for it.
pub(crate) fn mail_login(user: &str, password: &str) -> [String; 4] {
    let sent = format!("\0{user}\0{password}");
    [password.to_owned(), STANDARD.encode(password), STANDARD.encode(user), STANDARD.encode(sent)]
}

/// A secret as it may stand in a text; no form is shorter than `shortest`, so that none is empty.
fn forms(secret: &str, shortest: usize) -> Vec<String> {
    let secret = secret.trim();
    if secret.chars().count() < shortest {
        return Vec::new();
    }
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json).to_owned();
    let forms = [
        secret.to_owned(),
        percent.replace('+', "%20"),
        lower_hex(&percent.replace('+', "%20")),
        lower_hex(&percent),
        percent,
        json.replace('/', "\\/"),
        ascii(&json),
        json,
        secret.trim_end_matches('=').to_owned(),
    ];
    forms.into_iter().filter(|form| form.chars().count() >= shortest).collect()
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
    fn data_keeps_what_may_be_a_word_and_loses_tokens() {
        let scrub = Scrub::with_tokens(["2026", "twelve-chars", "======", "abc========="], ["tok-1"]);
        let text = "2026-11-20 twelve-chars tok-1 a=1 abc";
        assert_eq!(scrub.data_text(text), "2026-11-20 [secret] [secret] a=1 abc");
        assert_eq!(scrub.data_bytes(Bytes::from(text)), "2026-11-20 [secret] [secret] a=1 abc");
        assert_eq!(scrub.text(text), "[secret]-11-20 [secret] [secret] a=1 abc");
    }

    #[test]
    fn a_mail_login_is_found_as_it_travels() {
        let sent = "me\0hush hush aHVzaA== bWVAYWNtZS5leGFtcGxl AG1lAGh1c2g=";
        let scrub = Scrub::of(mail_login("me", "hush").iter().map(String::as_str));
        assert_eq!(scrub.text("hush aHVzaA AG1lAGh1c2g="), "[secret] [secret] [secret]");
        assert!(!scrub.text(sent).contains("hush") && !scrub.text(sent).contains("aHVza"));
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
