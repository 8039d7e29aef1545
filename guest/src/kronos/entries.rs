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
    /// Whose it is, where it says so.
    pub key: Option<Whose>,
    /// What it holds, or why it holds nothing.
    pub what: Result<V, Said>,
}

/// How an entry says whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// By the value that was asked for.
    Asked(String),
    /// By UKG's own id of the person, which was not asked for.
    Id(String),
}

/// The values to ask for, by UKG's own ids of the persons. An id and a person number are never interchangeable
/// (facts/ukg-pro-wfm.md §2.1).
pub type Ids = HashMap<String, String>;

impl<V> Entry<V> {
    /// An entry that is an error.
    pub fn error(key: Option<Whose>, said: Said) -> Self {
        Self { key: said.about.clone().map(Whose::Asked).or(key), what: Err(said) }
    }
}

/// The entries of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries<V> {
    list: Vec<Entry<V>>,
    offsets: Vec<usize>,
    /// The form is the one documented to be in the order of the question.
    in_order: bool,
}

/// What an answer says of each one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned<V> {
    /// For each asked, in order: everything said of it.
    pub each: Vec<Vec<Result<V, Said>>>,
    /// Errors that say not whom they are about, and why an entry was given to nobody.
    pub stray: Vec<Said>,
}

impl<V: Item> Entries<V> {
    /// Reads a body; none if it is no list in any form.
    pub fn read(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice(body).ok()? {
            Root::List(list) => {
                Some(Self { list: list.into_iter().map(|Flat(entry)| entry).collect(), offsets: Vec::new(), in_order: false })
            }
            Root::Object(Partial { details }) => {
                let Details { offsets, results } = details.into_object()?;
                if results.odd || (results.items.is_empty() && offsets.items.is_empty()) {
                    return None;
                }
                let list = results.items.into_iter().map(|Flat(entry)| entry).collect();
                Some(Self { list, offsets: offsets.items.iter().filter_map(Word::number).collect(), in_order: true })
            }
        }
    }

    /// Says whom each entry is about. Two values are the same if `same` makes the same of them; `ids` tells whose an
    /// entry with nothing but an id is.
    ///
    /// A time card must never go to the wrong worker. So what an entry that names nobody holds counts for the one at its
    /// place in the question only in the form that is documented to keep the order, and only if the answer is as long as
    /// the question and no other entry is out of place. An error gives nobody anything, and may be placed so in either
    /// form, or by its offset, or by a value in its words that only one of those without an answer has.
    pub fn assign(self, asked: &[String], ids: &Ids, same: impl Fn(&str) -> String) -> Assigned<V> {
        let places: HashMap<String, usize> = asked.iter().enumerate().map(|(place, key)| (same(key), place)).collect();
        let place_of = |key: &str| places.get(&same(key)).copied();
        // None where it names nobody, or by an id nobody knows; inside, none where it names somebody nobody asked for.
        let named = |entry: &Entry<V>| match entry.key.as_ref()? {
            Whose::Asked(key) => Some(place_of(key)),
            Whose::Id(id) => ids.get(id).map(|key| place_of(key)),
        };
        let in_place = |(index, entry): (usize, &Entry<V>)| named(entry).is_none_or(|place| place == Some(index));
        let aligned = self.list.len() == asked.len() && self.list.iter().enumerate().all(in_place);
        let mut assigned = Assigned { each: asked.iter().map(|_| Vec::new()).collect(), stray: Vec::new() };
        let (mut nameless, mut given_to_nobody) = (Vec::new(), false);
        for (index, entry) in self.list.into_iter().enumerate() {
            let by_place = aligned && (self.in_order || entry.what.is_err());
            let named = named(&entry);
            let place = named.unwrap_or_else(|| by_place.then_some(index));
            match (place.and_then(|place| assigned.each.get_mut(place)), entry.what) {
                (Some(of_one), what) => of_one.push(what),
                (None, Err(said)) => nameless.push((index, said)),
                // Somebody nobody asked for, or nobody knows who.
                (None, Ok(_)) => given_to_nobody |= named.is_none(),
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
        assigned.stray.extend(given_to_nobody.then(|| Said::words("an entry of the answer does not say whose it is")));
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
        id: Word,
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
            let key = wire.key.to_text().map(Whose::Asked).or_else(|| wire.id.to_text().map(Whose::Id));
            match error(wire.error) {
                Some(said) => Entry::error(key, said),
                None => Entry { key, what: Ok(Self(wire.value.to_text().unwrap_or_default())) },
            }
        }
    }

    fn assigned(body: &str, asked: &[&str]) -> (Vec<Vec<String>>, usize) {
        assigned_by(body, asked, &[])
    }

    fn assigned_by(body: &str, asked: &[&str], ids: &[(&str, &str)]) -> (Vec<Vec<String>>, usize) {
        let asked: Vec<_> = asked.iter().map(ToString::to_string).collect();
        let ids = ids.iter().map(|(id, key)| ((*id).to_owned(), (*key).to_owned())).collect();
        let assigned = Entries::<Thing>::read(body.as_bytes()).unwrap().assign(&asked, &ids, str::to_lowercase);
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
        let body = r#"[{"key":"a","value":1},{"error":{"errorCode":"E"},"exceptionPresent":true},{"key":"c","value":3}]"#;
        assert_eq!(assigned(body, &["a", "b", "c"]), (vec![one("1"), one("!E"), one("3")], 0));
    }

    #[test]
    fn what_names_nobody_is_given_to_nobody_in_a_list_of_no_known_order() {
        assert_eq!(assigned(r#"[{"key":"a","value":1},{"value":2}]"#, &["a", "b"]), (vec![one("1"), vec![]], 1));
        assert_eq!(assigned(r#"[{"id":72,"value":2},{"id":71,"value":1}]"#, &["a", "b"]), (vec![vec![], vec![]], 1));
    }

    #[test]
    fn an_id_names_whom_it_is_known_to_belong_to_in_any_order_and_form() {
        let ids = [("71", "a"), ("72", "B"), ("79", "x")];
        let body = r#"[{"id":72,"value":2},{"id":79,"value":9},{"id":"71","value":1}]"#;
        assert_eq!(assigned_by(body, &["a", "b"], &ids), (vec![one("1"), one("2")], 0));
        let results = |first: &str, second: &str| format!(r#"{{"details":{{"results":[{{"success":{first}}},{{"success":{second}}}]}}}}"#);
        let (ana, bea, who) = (r#"{"id":71,"value":1}"#, r#"{"id":72,"value":2}"#, r#"{"id":70,"value":3}"#);
        assert_eq!(assigned_by(&results(bea, ana), &["a", "b"], &ids), (vec![one("1"), one("2")], 0));
        assert_eq!(assigned_by(&results(who, bea), &["a", "b"], &ids), (vec![one("3"), one("2")], 0), "in the order of the question");
        assert_eq!(assigned_by(&results(who, ana), &["a", "b"], &ids), (vec![one("1"), vec![]], 1), "in another order");
    }

    #[test]
    fn nothing_without_a_name_counts_when_the_order_is_another() {
        let body = r#"[{"key":"b","value":2},{"error":{"errorCode":"E"}},{"value":"3"}]"#;
        assert_eq!(assigned(body, &["a", "b", "c"]), (vec![vec![], one("2"), vec![]], 2));
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
