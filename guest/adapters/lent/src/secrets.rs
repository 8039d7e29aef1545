//! What must not reach the plugin: the secrets of one connection, and what finds them in a text. Servers echo what they were sent.

use aho_corasick::{AhoCorasick, MatchKind};
use percent_encoding::utf8_percent_encode;
use std::cell::RefCell;
use std::rc::Rc;

use crate::bindings::exports::shift_access::plugin::http::{Error, Refusal, Throttle};
use crate::target::VALUE;

/// What stands in its place.
const PLACEHOLDER: &str = "[secret]";
/// A shorter one would be found everywhere.
const SHORTEST: usize = 4;
/// In what a call brought, a shorter one may be a date or a name.
const SHORTEST_IN_DATA: usize = 12;
/// Tokens that are looked for: a call that began with the last one may still be under way.
const TOKENS: usize = 2;

/// The secrets of one connection.
pub struct Secrets {
    settings: Vec<String>,
    tokens: RefCell<Vec<String>>,
    finders: RefCell<Option<Rc<[Finder; 2]>>>,
}

/// Finds secrets of at least some length.
pub struct Finder(Option<AhoCorasick>);

impl Secrets {
    pub const fn new(settings: Vec<String>) -> Self {
        Self { settings, tokens: RefCell::new(Vec::new()), finders: RefCell::new(None) }
    }

    /// From now on this token is looked for too.
    pub fn learn(&self, token: String) {
        let mut tokens = self.tokens.borrow_mut();
        tokens.push(token);
        if tokens.len() > TOKENS {
            tokens.remove(0);
        }
        *self.finders.borrow_mut() = None;
    }

    /// What finds them in words, and what finds them in data.
    pub fn finders(&self) -> Rc<[Finder; 2]> {
        let make = || {
            let tokens = self.tokens.borrow();
            let of = |least| Finder::of(self.settings.iter().filter(|secret| secret.len() >= least).chain(tokens.iter()));
            Rc::new([of(SHORTEST), of(SHORTEST_IN_DATA)])
        };
        self.finders.borrow_mut().get_or_insert_with(make).clone()
    }

    /// An error whose words hold no secret.
    pub fn clean(&self, error: Error) -> Error {
        let finders = self.finders();
        let [words, _] = &*finders;
        let text = |text: String| words.text(&text);
        match error {
            Error::NotGranted(said) => Error::NotGranted(text(said)),
            Error::Unreachable(said) => Error::Unreachable(text(said)),
            Error::Other(said) => Error::Other(text(said)),
            Error::CredentialsRefused(said) => Error::CredentialsRefused(Refusal {
                code: said.code.map(text),
                text: text(said.text),
                request_id: said.request_id.map(text),
                ..said
            }),
            Error::Throttled(said) => Error::Throttled(Throttle { request_id: said.request_id.map(text), ..said }),
            Error::UnknownConnection | Error::Timeout | Error::TooLarge(_) => error,
        }
    }
}

impl Finder {
    /// Looks for each as it is, and as an address, a form or JSON has it.
    fn of<'s>(secrets: impl Iterator<Item = &'s String>) -> Self {
        let forms = |secret: &String| {
            let json = serde_json::Value::from(secret.as_str()).to_string();
            let percent = utf8_percent_encode(secret, VALUE).to_string();
            [secret.clone(), percent.replace("%20", "+"), percent, json.trim_matches('"').to_owned()]
        };
        let forms: Vec<String> = secrets.flat_map(forms).filter(|form| form.len() >= SHORTEST).collect();
        // Of a secret that begins with another nothing is left over.
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        Self(finder.ok().filter(|_| !forms.is_empty()))
    }

    pub fn text(&self, text: &str) -> String {
        match &self.0 {
            Some(finder) if finder.is_match(text) => finder.replace_all(text, &vec![PLACEHOLDER; finder.patterns_len()]),
            _ => text.to_owned(),
        }
    }

    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        match &self.0 {
            Some(finder) if finder.is_match(&bytes) => finder.replace_all_bytes(&bytes, &vec![PLACEHOLDER; finder.patterns_len()]),
            _ => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_as_it_is_and_in_an_address_a_form_and_json() {
        let secrets = Secrets::new(vec!["pa/ss wö\"rd1".to_owned()]);
        let finders = secrets.finders();
        let [words, _] = &*finders;
        for text in ["pa/ss wö\"rd1", "pa%2Fss%20w%C3%B6%22rd1", "pa%2Fss+w%C3%B6%22rd1", "pa/ss wö\\\"rd1"] {
            assert_eq!(words.text(&format!("a {text} b")), "a [secret] b");
        }
        assert_eq!(words.bytes(b"x".to_vec()), b"x");
    }

    #[test]
    fn in_data_only_long_ones_and_tokens_are_looked_for() {
        let secrets = Secrets::new(vec!["1234".to_owned(), "hush-hush-hush".to_owned()]);
        for token in ["token-1", "token-2", "token-3"] {
            secrets.learn(token.to_owned());
        }
        let finders = secrets.finders();
        let [words, data] = &*finders;
        let text = "1234 hush-hush-hush token-1 token-2 token-3";
        assert_eq!(words.text(text), "[secret] [secret] token-1 [secret] [secret]");
        assert_eq!(data.text(text), "1234 [secret] token-1 [secret] [secret]");
    }
}
