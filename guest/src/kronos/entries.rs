//! The entries of a list answer, whichever of UKG's forms it has, and whom each of them is about.
//!
//! The forms (facts/ukg-pro-wfm.md §3.7): a root list, and under 207 an object with `details.results` in the order of the
//! question and `details.error-offsets`. An entry is the thing itself, or has it as `success`, or is an `error`.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::call::loose::{List, Loose, Root, Word};
use crate::call::said::{Said, WireError};

/// Something a list answer has one entry for.
pub trait Item: Sized {
    /// Its form in JSON.
    type Wire: DeserializeOwned;

    /// Whose it is, where it says so, and what it holds.
    fn from_wire(wire: Self::Wire) -> Entry<Self>;
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<V> {
    /// Whose it is: the value that was asked for.
    pub key: Option<String>,
    /// What it holds, or why it holds nothing.
    pub what: Result<V, Said>,
}

impl<V> Entry<V> {
    /// An entry that is an error.
    pub fn error(key: Option<String>, said: Said) -> Self {
        Self { key: said.about.clone().or(key), what: Err(said) }
    }
}

/// The entries of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries<V> {
    list: Vec<Entry<V>>,
    offsets: Vec<usize>,
}

/// What an answer says of each one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned<V> {
    /// For each asked, in order: everything said of it.
    pub each: Vec<Vec<Result<V, Said>>>,
    /// Errors that say not whom they are about.
    pub stray: Vec<Said>,
}

impl<V: Item> Entries<V> {
    /// Reads a body; none if it is no list in any form.
    pub fn read(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice(body).ok()? {
            Root::List(list) => Some(Self { list: list.into_iter().map(|Flat(entry)| entry).collect(), offsets: Vec::new() }),
            Root::Object(Partial { details }) => {
                let Details { offsets, results } = details.into_object()?;
                if results.odd || (results.items.is_empty() && offsets.items.is_empty()) {
                    return None;
                }
                let list = results.items.into_iter().map(|Flat(entry)| entry).collect();
                Some(Self { list, offsets: offsets.items.iter().filter_map(Word::number).collect() })
            }
        }
    }

    /// Says whom each entry is about. Two values are the same if `same` makes the same of them.
    ///
    /// An entry that names nobody counts for the one at its place in the question, and only if the answer is as long as
    /// the question and no other entry is out of place: a time card must never go to the wrong worker. An error may also
    /// be placed by its offset, or by a value in its words that only one of those without an answer has.
    pub fn assign(self, asked: &[String], same: impl Fn(&str) -> String) -> Assigned<V> {
        let places: HashMap<String, usize> = asked.iter().enumerate().map(|(place, key)| (same(key), place)).collect();
        let place_of = |key: &str| places.get(&same(key)).copied();
        let own_place = |entry: &Entry<V>| entry.key.as_deref().and_then(&place_of);
        let aligned = self.list.len() == asked.len()
            && self.list.iter().enumerate().all(|(index, entry)| entry.key.is_none() || own_place(entry) == Some(index));
        let mut assigned = Assigned { each: asked.iter().map(|_| Vec::new()).collect(), stray: Vec::new() };
        let mut nameless = Vec::new();
        for (index, entry) in self.list.into_iter().enumerate() {
            let place = own_place(&entry).or_else(|| aligned.then_some(index));
            match (place.and_then(|place| assigned.each.get_mut(place)), entry.what) {
                (Some(of_one), what) => of_one.push(what),
                (None, Err(said)) => nameless.push((index, said)),
                // Somebody nobody asked for, or nobody knows who.
                (None, Ok(_)) => {}
            }
        }
        let offsets = offsets_of_question(&self.offsets, &nameless);
        for (nth, (_, said)) in nameless.into_iter().enumerate() {
            let is_open = |place: &usize| assigned.each.get(*place).is_some_and(Vec::is_empty);
            let place = offsets.get(nth).copied().filter(is_open).or_else(|| the_one_named(&said, place_of).filter(is_open));
            match place.and_then(|place| assigned.each.get_mut(place)) {
                Some(of_one) => of_one.push(Err(said)),
                None => assigned.stray.push(said),
            }
        }
        assigned
    }
}

/// The offsets, if they count places in the question. Where they only repeat the places of the errors in an answer that
/// is shorter than the question, they say nothing.
fn offsets_of_question<'a>(offsets: &'a [usize], errors: &[(usize, Said)]) -> &'a [usize] {
    let of_answer = errors.iter().map(|(index, _)| index).eq(offsets);
    if of_answer || errors.len() != offsets.len() { &[] } else { offsets }
}

/// The place of the only value asked for that stands in an error's words.
fn the_one_named(said: &Said, place_of: impl Fn(&str) -> Option<usize>) -> Option<usize> {
    let words =
        said.text.as_deref()?.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '\'' | '"' | '(' | ')' | '[' | ']'));
    let mut places = words.filter_map(|word| place_of(word).or_else(|| place_of(word.trim_end_matches('.'))));
    let first = places.next()?;
    places.all(|place| place == first).then_some(first)
}

/// The object of a partial answer.
#[derive(Deserialize)]
#[serde(default, bound(deserialize = "V: Item"))]
struct Partial<V> {
    details: Loose<Details<V>>,
}

impl<V> Default for Partial<V> {
    fn default() -> Self {
        Self { details: Loose::Nothing }
    }
}

#[derive(Deserialize)]
#[serde(default, bound(deserialize = "V: Item"))]
struct Details<V> {
    #[serde(rename = "error-offsets")]
    offsets: List<Word>,
    results: List<Flat<V>>,
}

impl<V> Default for Details<V> {
    fn default() -> Self {
        Self { offsets: List::default(), results: List::default() }
    }
}

/// An entry, turned from JSON into what it holds at once, so that only one entry's JSON form exists.
struct Flat<V>(Entry<V>);

impl<'de, V: Item> Deserialize<'de> for Flat<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Loose::deserialize(deserializer).map(|wire| Self(entry(wire)))
    }
}

fn entry<V: Item>(wire: Loose<V::Wire>) -> Entry<V> {
    match wire.into_object() {
        Some(wire) => V::from_wire(wire),
        None => Entry::error(None, Said::words("an entry of the answer is empty")),
    }
}

/// The error of an entry, if it has one.
pub fn error(error: Loose<WireError>) -> Option<Said> {
    match error {
        Loose::Object(wire) => Some(Said::from(wire)),
        Loose::Text(text) => Some(Said::words(text)),
        Loose::Nothing | Loose::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Thing(String);

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct WireThing {
        key: Word,
        value: Word,
        success: Loose<Box<WireThing>>,
        error: Loose<WireError>,
    }

    impl Item for Thing {
        type Wire = WireThing;

        fn from_wire(wire: WireThing) -> Entry<Self> {
            if let Loose::Object(success) = wire.success {
                return Self::from_wire(*success);
            }
            let key = wire.key.to_text();
            match error(wire.error) {
                Some(said) => Entry::error(key, said),
                None => Entry { key, what: Ok(Self(wire.value.to_text().unwrap_or_default())) },
            }
        }
    }

    fn assigned(body: &str, asked: &[&str]) -> (Vec<Vec<String>>, usize) {
        let asked: Vec<_> = asked.iter().map(ToString::to_string).collect();
        let assigned = Entries::<Thing>::read(body.as_bytes()).unwrap().assign(&asked, str::to_lowercase);
        let show = |result: Result<Thing, Said>| result.map_or_else(|said| format!("!{said}"), |thing| thing.0);
        (assigned.each.into_iter().map(|one| one.into_iter().map(show).collect()).collect(), assigned.stray.len())
    }

    fn one(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn a_root_list_in_any_order_with_errors_that_name_their_person() {
        let body = r#"[{"key":"B","value":2},{"key":"a","value":1},{"error":{"errorCode":"E","message":"m","reportingValue":"c"}}]"#;
        assert_eq!(assigned(body, &["a", "b", "c"]), (vec![one("1"), one("2"), one("!E: m")], 0));
    }

    #[test]
    fn an_error_without_a_name_counts_by_its_place() {
        let body = r#"[{"key":"a","value":1},{"error":{"errorCode":"E"},"exceptionPresent":true},{"value":3}]"#;
        assert_eq!(assigned(body, &["a", "b", "c"]), (vec![one("1"), one("!E"), one("3")], 0));
    }

    #[test]
    fn nothing_without_a_name_counts_when_the_order_is_another() {
        let body = r#"[{"key":"b","value":2},{"error":{"errorCode":"E"}},{"value":"3"}]"#;
        assert_eq!(assigned(body, &["a", "b", "c"]), (vec![vec![], one("2"), vec![]], 1));
    }

    #[test]
    fn a_partial_answer_in_the_order_of_the_question() {
        let body = r#"{"errorCode":"W","message":"partly","details":{"error-offsets":[1],
            "results":[{"success":{"key":"a","value":1}},{"error":{"errorCode":"E","message":"m"}}]}}"#;
        assert_eq!(assigned(body, &["a", "b"]), (vec![one("1"), one("!E: m")], 0));
    }

    #[test]
    fn a_partial_answer_that_is_shorter_goes_by_its_offsets() {
        let body = r#"{"details":{"error-offsets":[2],"results":[{"success":{"key":"b","value":2}},{"error":{"errorCode":"E"}}]}}"#;
        assert_eq!(assigned(body, &["a", "b", "c"]), (vec![vec![], one("2"), one("!E")], 0));
    }

    #[test]
    fn a_root_list_of_outcomes() {
        let body = r#"[{"success":{"key":"a","value":1}},{"error":{"errorCode":"E","message":"m"}}]"#;
        assert_eq!(assigned(body, &["a", "b"]), (vec![one("1"), one("!E: m")], 0));
    }

    #[test]
    fn an_error_beside_people_left_out_goes_by_its_words_and_never_to_somebody_with_an_answer() {
        let body = |words: &str| {
            format!(
                r#"{{"details":{{"error-offsets":[1],"results":[{{"success":{{"key":"a","value":1}}}},
                   {{"error":{{"errorCode":"E","message":"{words}"}}}}]}}}}"#
            )
        };
        assert_eq!(
            assigned(&body("qualifier: B not found."), &["h", "a", "b"]),
            (vec![vec![], one("1"), one("!E: qualifier: B not found.")], 0)
        );
        assert_eq!(assigned(&body("who is that?"), &["h", "a", "b"]), (vec![vec![], one("1"), vec![]], 1));
        assert_eq!(assigned(&body("neither b nor h"), &["h", "a", "b"]), (vec![vec![], one("1"), vec![]], 1));
        assert_eq!(assigned(&body("a failed"), &["h", "a", "b"]), (vec![vec![], one("1"), vec![]], 1));
    }

    #[test]
    fn somebody_nobody_asked_for_is_dropped() {
        assert_eq!(assigned(r#"[{"key":"x","value":1}]"#, &["a"]), (vec![vec![]], 0));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for body in ["<html>", "{}", r#"{"errorCode":"E","message":"m"}"#, r#"{"error":"e"}"#, "3", r#"[{"#] {
            assert_eq!(Entries::<Thing>::read(body.as_bytes()), None, "{body}");
        }
    }
}
