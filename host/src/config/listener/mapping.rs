//! How events of another form are read: where the list of them lies, and where in an event each field is.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;
use thiserror::Error;

use crate::config::document::{Node, Place, Report, Section, Value, suggestion};
use crate::description::EventField;

/// What fills the envelope; every other field goes into the event's data.
const ENVELOPE: [&str; 3] = ["id", "type", "time"];

/// How a body of another form becomes events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Where in a body the list of events lies; absent: the body is the event, or the list.
    pub events: Option<Pointer>,
    /// Where in an event each field lies: `id`, `type` and `time` fill the envelope, the others its data. Empty: events are
    /// read as if there were no mapping.
    pub fields: BTreeMap<String, Pointer>,
    /// What the words of a field mean, by field. A word that is not there stays as it is.
    pub words: BTreeMap<String, BTreeMap<String, String>>,
}

/// A JSON pointer (RFC 6901) that leads below the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

/// A text is no JSON pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointerError {
    /// It does not begin with a slash.
    #[error("does not begin with a slash")]
    Slash,
    /// A tilde stands alone.
    #[error("has a `~` that is not followed by 0 or 1")]
    Tilde,
}

impl Pointer {
    /// What it points at.
    pub fn find<'a>(&self, document: &'a Json) -> Option<&'a Json> {
        document.pointer(&self.0)
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with('/') {
            return Err(PointerError::Slash);
        }
        let whole = |rest: &str| rest.starts_with(['0', '1']);
        if !text.split('~').skip(1).all(whole) {
            return Err(PointerError::Tilde);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a mapping was written, for what is found wrong with it once the pack is known.
#[derive(Clone, Default)]
pub(super) struct Places {
    fields: Vec<(String, Place)>,
    words: Vec<(String, String, Place)>,
}

impl Places {
    /// Whether every field is one of the pack's, and every word one that the field takes.
    pub(super) fn check(&self, known: &[EventField], report: &mut Report) {
        let names: Vec<String> = ENVELOPE.iter().copied().chain(known.iter().map(|field| field.name.as_str())).map(str::to_owned).collect();
        for (_, place) in self.fields.iter().filter(|(name, _)| !names.contains(name)) {
            report.error(place, "unknown field", format!("write one of: {}", names.join(", ")));
        }
        for (field, word, place) in &self.words {
            let takes = known.iter().find(|known| known.name == *field).map(|known| known.words.as_slice()).unwrap_or_default();
            if !takes.is_empty() && !takes.contains(word) {
                report.error(place, format!("`{word}` is no word of {field}"), suggestion(word, takes));
            }
        }
    }
}

/// Reads `events`, `fields` and `words`; none of them: no mapping.
pub(super) fn read(section: &mut Section<'_>, report: &mut Report) -> (Option<Mapping>, Places) {
    let mut mapping = Mapping::default();
    let mut places = Places::default();
    let events = section.text("events", "/records", report);
    mapping.events = events.and_then(|(text, place)| pointer(&text, &place, report));
    if let Some((node, place)) = section.get("fields") {
        fields(node, place, &mut mapping, &mut places, report);
    }
    if let Some((node, place)) = section.get("words") {
        words(node, place, &mut mapping, &mut places, report);
    }
    (Some(mapping).filter(|mapping| *mapping != Mapping::default()), places)
}

fn fields(node: &Node, place: Place, mapping: &mut Mapping, places: &mut Places, report: &mut Report) {
    let Some(mut section) = Section::open(node, place, report) else { return };
    let names: Vec<_> = section.all().map(|(name, _, place)| (name.to_owned(), place)).collect();
    for (name, place) in names {
        let found = section.text(&name, "/EventId", report);
        if let Some(pointer) = found.and_then(|(text, place)| pointer(&text, &place, report)) {
            mapping.fields.insert(name.clone(), pointer);
        }
        places.fields.push((name, place));
    }
}

fn pointer(text: &str, place: &Place, report: &mut Report) -> Option<Pointer> {
    let remedy = "write a JSON pointer, such as /EventId or /Payload/PersonNumber";
    text.parse().map_err(|error: PointerError| report.error(place, format!("`{text}` {error}"), remedy)).ok()
}

fn words(node: &Node, place: Place, mapping: &mut Mapping, places: &mut Places, report: &mut Report) {
    let Some(mut section) = Section::open(node, place, report) else { return };
    for (field, node, place) in section.all() {
        if !places.fields.iter().any(|(name, _)| name == field) {
            report.error(&place, "is not among the fields", format!("add {field:?} to fields, or leave its words out"));
            continue;
        }
        let Some(mut section) = Section::open(node, place, report) else { continue };
        let mut translated = BTreeMap::new();
        for (word, node, place) in section.all() {
            match &node.value {
                Value::Text(text) => {
                    translated.insert(word.to_owned(), text.clone());
                    places.words.push((field.to_owned(), text.clone(), place));
                }
                _ => report.wrong_type(&place, node, "a text", "write the word of the pack that it means"),
            }
        }
        mapping.words.insert(field.to_owned(), translated);
    }
}
