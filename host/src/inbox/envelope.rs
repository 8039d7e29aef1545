//! What is brought: a body of any form an event comes in, as CloudEvents of one form.
//!
//! A body is one event or a list. Each becomes one CloudEvents 1.0 document in JSON, which is all that is stored and all that
//! a plugin sees. The forms, in the order they are looked for:
//!
//! | form | its id | its data |
//! |---|---|---|
//! | another one, mapped by the tenant's listener table | the field `id` | the fields of the pack |
//! | CloudEvents, binary mode | the header `ce-id` | the body |
//! | CloudEvents, or plainly `id` and `data` | `id`, with its `source` | `data` |
//! | Standard Webhooks | the header `webhook-id` | `data` |
//! | any other object | `id`, `EventId` and the like | the whole object |
//!
//! An event without an id gets one made from its own content: the same event brought again has the same.
//!
//! What an event means is not known here, and nothing here waits, reads a clock or stores.

mod digits;
pub(crate) mod form;
mod headers;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod law;

use std::collections::{BTreeMap, HashSet};

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::config::Mapping;

/// More events than this are too many for one body.
const MOST: usize = 10_000;

/// An event, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// What tells it from every other event: its id, with its source before it where it tells one.
    pub(crate) id: String,
    /// The event as one CloudEvents document in JSON.
    pub(crate) body: Vec<u8>,
}

/// An event of a list that cannot be read, although others of the list can. It is kept for a person to look at: who sends
/// events would send a list that is refused for one of them again for ever, or drop all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Made from its content.
    pub(crate) id: String,
    /// One CloudEvents document in JSON, with what came as its data.
    pub(crate) body: Vec<u8>,
    /// Which of the list it was, what is wrong with it, and what to do.
    pub(crate) reason: String,
}

/// What a body holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) events: Vec<Arrived>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// Why a body cannot be read; each is a 400. None of its events is taken then, so it can be mended and sent again whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unread {
    /// There is nothing.
    #[error("the body is empty; send one event as a JSON object, or a list of events")]
    Empty,
    /// It is no text.
    #[error("the body is not UTF-8: byte {0} belongs to no character; send JSON in UTF-8")]
    NotUtf8(usize),
    /// It is no JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is nested more deeply than any event.
    #[error("the body is nested too deeply, at line {line} column {column}; send events of at most {most} levels", most = form::DEEPEST)]
    TooDeep {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// It is JSON, but no event.
    #[error("{place} is {found}; send one event as an object, or a list of events")]
    NoEvents {
        /// The body, or what the mapping points at.
        place: String,
        /// What it is instead.
        found: &'static str,
    },
    /// There are too many events in it.
    #[error("the body holds {0} events; send at most {MOST} at once")]
    TooMany(usize),
    /// A header that tells of the event cannot be read.
    #[error("the header {name} {what}")]
    Header {
        /// The header.
        name: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The event is not right, or none of the list is: this is the first.
    #[error("{}{wrong}", place(*.event))]
    Event {
        /// Which of the list, counted from 1; none where the body is the event.
        event: Option<usize>,
        /// What is wrong with it.
        wrong: Wrong,
    },
}

/// What is wrong with one event: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} {what}; {remedy}")]
pub(crate) struct Wrong {
    field: String,
    what: String,
    remedy: String,
}

impl Wrong {
    fn new(field: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into(), remedy: remedy.into() }
    }
}

fn place(event: Option<usize>) -> String {
    event.map_or_else(String::new, |number| format!("event {number} of the list: "))
}

/// Reads a body. Of events with the same id the first counts; an empty list holds none. A list is read event by event: it is
/// refused only where none of it can be read.
pub(crate) fn read(mapping: Option<&Mapping>, headers: &HeaderMap, body: &[u8]) -> Result<Brought, Unread> {
    let told = headers::read(headers)?;
    let (events, listed) = events(mapping, parse(body)?)?;
    if events.len() > MOST {
        return Err(Unread::TooMany(events.len()));
    }
    let fields = mapping.filter(|mapping| !mapping.fields.is_empty());
    let (mut seen, mut wrong) = (HashSet::new(), BTreeMap::new());
    let mut arrived = Vec::with_capacity(events.len());
    for (event, number) in events.into_iter().zip(1_usize..) {
        let place = listed.then_some(number);
        match form::read(event, place, fields, &told) {
            Ok(event) => {
                let event = Arrived { id: event.key(), body: event.into_document() };
                if seen.insert(event.id.clone()) {
                    arrived.push(event);
                }
            }
            Err(found) => drop(wrong.insert(number, Unread::Event { event: place, wrong: found })),
        }
    }
    match wrong.pop_first() {
        None => Ok(Brought { events: arrived, unreadable: Vec::new() }),
        Some((_, first)) if arrived.is_empty() => Err(first),
        Some((number, first)) => {
            wrong.insert(number, first);
            Ok(Brought { events: arrived, unreadable: unreadable(mapping, body, &wrong)? })
        }
    }
}

/// What came in these places of the list. Reading is done with what it read, and it is rarely asked for: so the body is read
/// once more.
fn unreadable(mapping: Option<&Mapping>, body: &[u8], wrong: &BTreeMap<usize, Unread>) -> Result<Vec<Unreadable>, Unread> {
    let (events, _) = events(mapping, parse(body)?)?;
    let found = events.into_iter().zip(1_usize..).filter_map(|(event, number)| Some((event, wrong.get(&number)?)));
    Ok(found.map(|(event, wrong)| Unreadable::new(event, wrong)).collect())
}

impl Unreadable {
    fn new(event: Value, wrong: &Unread) -> Self {
        let id = form::made_id(&event);
        let data = match event {
            Value::Object(object) => object,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let document = Event { id: id.clone(), source: None, kind: None, time: None, data };
        Self { id, body: document.into_document(), reason: wrong.to_string() }
    }
}

fn parse(body: &[u8]) -> Result<Value, Unread> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| Unread::NotUtf8(error.valid_up_to().saturating_add(1)))?;
    if text.trim().is_empty() {
        return Err(Unread::Empty);
    }
    digits::parse(text).map_err(|error| {
        let told = error.to_string();
        match told.starts_with("recursion limit") {
            true => Unread::TooDeep { line: error.line(), column: error.column() },
            false => Unread::NotJson(told),
        }
    })
}

/// The events of a body, and whether they are a list.
fn events(mapping: Option<&Mapping>, document: Value) -> Result<(Vec<Value>, bool), Unread> {
    let (document, place) = match mapping.and_then(|mapping| mapping.events.as_ref()) {
        Some(pointer) => (pointer.find(&document).cloned().unwrap_or(Value::Null), format!("what lies at {pointer} in the body")),
        None => (document, "the body".to_owned()),
    };
    match document {
        Value::Array(events) => Ok((events, true)),
        Value::Object(_) => Ok((vec![document], false)),
        other => Err(Unread::NoEvents { place, found: kind(&other) }),
    }
}

/// What a value is, for "is a number".
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What an event tells, whatever its form was.
#[derive(Debug)]
struct Event {
    id: String,
    source: Option<String>,
    kind: Option<String>,
    time: Option<String>,
    data: Map<String, Value>,
}

/// The source of an event that tells none, and its type: CloudEvents must have both.
const SOURCE: &str = "/hooks";
const KIND: &str = "event";

impl Event {
    /// CloudEvents are told apart by source and id together. No source holds a space, so what stands before the first one is
    /// the source; an id that holds one itself is never without.
    fn key(&self) -> String {
        match self.source.as_deref().unwrap_or(SOURCE) {
            SOURCE if !self.id.contains(' ') => self.id.clone(),
            source => format!("{source} {}", self.id),
        }
    }

    fn into_document(self) -> Vec<u8> {
        let document = Document {
            data: &self.data,
            id: &self.id,
            source: self.source.as_deref().unwrap_or(SOURCE),
            specversion: "1.0",
            time: self.time.as_deref(),
            kind: self.kind.as_deref().unwrap_or(KIND),
        };
        // What was read from JSON has texts for keys, which is all that could fail.
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

/// How an event is stored.
#[derive(Serialize)]
struct Document<'a> {
    data: &'a Map<String, Value>,
    id: &'a str,
    source: &'a str,
    specversion: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a str,
}

#[cfg(test)]
mod tests;
