//! The forms an event comes in.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::headers::{Binary, Told};
use super::{Event, Wrong, digits, kind};
use crate::config::Mapping;

/// Data of more levels than this is refused: wrapped in a document, it must still be readable to everybody.
pub(super) const DEEPEST: usize = 100;

/// A longer id is refused, in characters: ids are kept.
const LONGEST_ID: usize = 256;
/// And a longer source.
const LONGEST_SOURCE: usize = 1_024;

const IDS: [&str; 5] = ["id", "EventId", "eventId", "event_id", "messageId"];
const KINDS: [&str; 4] = ["type", "EventType", "eventType", "event_type"];
const TIMES: [&str; 5] = ["time", "EventTime", "eventTime", "event_time", "timestamp"];

/// Reads one event; `number` is its place in the list, where there is one.
pub(super) fn read(event: Value, number: Option<usize>, mapping: Option<&Mapping>, told: &Told) -> Result<Event, Wrong> {
    if !event.is_object() {
        return Err(Wrong::new("it", format!("is {}", kind(&event)), "each event is an object"));
    }
    if let Some(mapping) = mapping {
        return mapped(&event, mapping, id_of_headers(told, number)?);
    }
    let object = match event {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let event = match &told.binary {
        Some(_) if number.is_some() => return Err(Wrong::new("it", "comes with the header ce-id, which is for one event", "send no list")),
        Some(binary) => binary_event(object, binary)?,
        None if is_cloud_event(&object) => cloud_event(object)?,
        None => plain(object, id_of_headers(told, number)?)?,
    };
    match event.data.values().map(depth).max().unwrap_or(0) < DEEPEST {
        true => Ok(event),
        false => Err(Wrong::new("`data`", format!("is nested more than {DEEPEST} levels deep"), "send less of it")),
    }
}

/// How many levels a value has; what was read from JSON has no more than 128.
fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    below.unwrap_or(0).saturating_add(1)
}

/// The id that the headers give; of a list, each event has its own.
fn id_of_headers(told: &Told, number: Option<usize>) -> Result<Option<String>, Wrong> {
    let (field, id) = match (&told.webhook_id, told.binary.as_ref().and_then(|binary| binary.id.as_ref())) {
        (Some(id), _) => ("the header webhook-id", id),
        (None, Some(id)) => ("the header ce-id", id),
        (None, None) => return Ok(None),
    };
    let id = number.map_or_else(|| id.clone(), |number| format!("{id}/{number}"));
    good_id(field, id).map(Some)
}

/// Design §7: the plain form has no version.
fn is_cloud_event(object: &Map<String, Value>) -> bool {
    let has = |name: &str| object.contains_key(name);
    has("specversion") || has("id") && (has("data") || has("data_base64"))
}

fn cloud_event(mut object: Map<String, Value>) -> Result<Event, Wrong> {
    if let Some(version) = object.get("specversion")
        && !version.as_str().is_some_and(|version| version.starts_with("1."))
    {
        return Err(Wrong::new("`specversion`", "tells another version than 1.0", "send CloudEvents 1.0"));
    }
    let missing = || Wrong::new("`id`", "is missing", "give each event an id of its own, and the same when it is sent again");
    let id = id(object.get("id"), "`id`")?.ok_or_else(missing)?;
    let source = text(object.get("source"), "`source`")?.map(source).transpose()?;
    let kind = text(object.get("type"), "`type`")?;
    let time = text(object.get("time"), "`time`")?;
    let data = match (object.remove("data"), object.remove("data_base64")) {
        (None | Some(Value::Null), Some(coded)) => decoded(&coded)?,
        (data, _) => as_object(data.unwrap_or(Value::Null), "`data`")?,
    };
    Ok(Event { id, source, kind: kind.filter(|kind| !kind.is_empty()), time: time.and_then(moment), data })
}

fn binary_event(data: Map<String, Value>, binary: &Binary) -> Result<Event, Wrong> {
    let missing = || Wrong::new("the header ce-id", "is missing", "CloudEvents in binary mode tell their id there");
    let id = good_id("the header ce-id", binary.id.clone().ok_or_else(missing)?)?;
    let kind = binary.kind.clone().filter(|kind| !kind.is_empty());
    Ok(Event { id, source: binary.source.clone().map(source).transpose()?, kind, time: binary.time.clone().and_then(moment), data })
}

/// Standard Webhooks wrap their data and have their id in a header; whatever else comes is data as a whole.
fn plain(mut object: Map<String, Value>, id_of_headers: Option<String>) -> Result<Event, Wrong> {
    let (kind, time) = (first_text(&object, &KINDS), first_text(&object, &TIMES).and_then(moment));
    let id = match id_of_headers {
        Some(id) => {
            if let Some(Value::Object(data)) = object.get_mut("data") {
                let data = std::mem::take(data);
                return Ok(Event { id, source: None, kind, time, data });
            }
            id
        }
        None => own_id(&object)?,
    };
    Ok(Event { id, source: None, kind, time, data: object })
}

fn own_id(object: &Map<String, Value>) -> Result<String, Wrong> {
    for name in IDS {
        let blank = |value: &&Value| !value.as_str().is_some_and(|text| text.trim().is_empty());
        if let Some(value @ (Value::String(_) | Value::Number(_))) = object.get(name).filter(blank)
            && let Some(id) = id(Some(value), &format!("`{name}`"))?
        {
            return Ok(id);
        }
    }
    Ok(made_id(&Value::Object(object.clone())))
}

/// What an id begins with that was made here.
const MADE: &str = "sha256:";

/// The id of an event that has none, made from its content: the same event again has the same.
pub(super) fn made_id(event: &Value) -> String {
    // There is nothing in a value that JSON cannot hold.
    let text = serde_json::to_string(&Sorted(event)).unwrap_or_else(|_| event.to_string());
    format!("{MADE}{:x}", Sha256::digest(text))
}

/// A value with the fields of every object in the order of their names, whatever order the JSON reader keeps them in: that
/// is a feature of its crate, which any crate of a program may turn on for all, and ids that are stored must stay as they are.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Sorted(value))).collect::<BTreeMap<_, _>>())
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            scalar => scalar.serialize(serializer),
        }
    }
}

/// Whether an id was made here: then two events of the same content may still be two, some time apart.
pub(crate) fn is_made(id: &str) -> bool {
    id.strip_prefix(MADE).is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn mapped(event: &Value, mapping: &Mapping, id_of_headers: Option<String>) -> Result<Event, Wrong> {
    let found = |name: &str| mapping.fields.get(name).and_then(|pointer| Some((pointer.find(event)?, pointer)));
    let own = match found("id") {
        Some((value, pointer)) => id(Some(value), &format!("`{pointer}`"))?,
        None => None,
    };
    let envelope = |name: &str| found(name).and_then(|(value, _)| scalar(value)).filter(|text| !text.is_empty());
    let mut data = Map::new();
    for (name, pointer) in mapping.fields.iter().filter(|(name, _)| !["id", "type", "time"].contains(&name.as_str())) {
        let Some(value) = pointer.find(event).filter(|value| !value.is_null()) else { continue };
        let Some(word) = scalar(value) else {
            return Err(Wrong::new(
                format!("`{pointer}`"),
                format!("is {}", kind(value)),
                format!("{name} takes a text, a number, or true or false"),
            ));
        };
        let meant = mapping.words.get(name).and_then(|words| words.get(&word));
        data.insert(name.clone(), meant.map_or_else(|| value.clone(), |meant| meant.clone().into()));
    }
    let id = own.or(id_of_headers).unwrap_or_else(|| made_id(event));
    Ok(Event { id, source: None, kind: envelope("type"), time: envelope("time").and_then(moment), data })
}

/// A text, a number or a switch, as a text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn first_text(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| object.get(*name)?.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// An id is a text or a whole number; absent, where there is nothing.
fn id(value: Option<&Value>, field: &str) -> Result<Option<String>, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => good_id(field, text.clone()).map(Some),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        // Two of them could be rounded to one.
        Some(Value::Number(_)) => Err(Wrong::new(field, "is a number with a fraction or an exponent", "send it as a text")),
        Some(other) => Err(Wrong::new(field, format!("is {}", kind(other)), "an id is a text or a whole number")),
    }
}

fn good_id(field: &str, id: String) -> Result<String, Wrong> {
    if id.trim().is_empty() {
        return Err(Wrong::new(field, "is empty", "give each event an id of its own, and the same when it is sent again"));
    }
    if id.chars().count() > LONGEST_ID {
        return Err(Wrong::new(field, format!("has more than {LONGEST_ID} characters"), "send a shorter id"));
    }
    if id.chars().any(char::is_control) {
        return Err(Wrong::new(field, "holds a control character", "send an id of one line"));
    }
    Ok(id)
}

fn source(text: String) -> Result<String, Wrong> {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) || text.chars().count() > LONGEST_SOURCE {
        let what = format!("is empty, holds a space, or has more than {LONGEST_SOURCE} characters");
        return Err(Wrong::new("`source`", what, "send the address of what the event comes from"));
    }
    Ok(text)
}

fn text(value: Option<&Value>, field: &str) -> Result<Option<String>, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Wrong::new(field, format!("is {}", kind(other)), "send a text")),
    }
}

/// CloudEvents want an offset; a time of another form is left out.
fn moment(text: String) -> Option<String> {
    DateTime::parse_from_rfc3339(&text).is_ok().then_some(text)
}

fn decoded(coded: &Value) -> Result<Map<String, Value>, Wrong> {
    let wrong = |what: &str| Wrong::new("`data_base64`", what, "send the data as an object, in `data`");
    let text = coded.as_str().ok_or_else(|| wrong("is no text"))?;
    let bytes = STANDARD.decode(text).map_err(|_| wrong("is not base64"))?;
    let json = std::str::from_utf8(&bytes).ok().and_then(|json| digits::parse(json).ok());
    as_object(json.ok_or_else(|| wrong("holds no JSON"))?, "`data_base64`")
}

fn as_object(value: Value, field: &str) -> Result<Map<String, Value>, Wrong> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Err(Wrong::new(field, "is missing", "send an object with what happened")),
        other => Err(Wrong::new(field, format!("is {}", kind(&other)), "send an object with what happened")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_the_same_text_in_whatever_order_fields_come_or_are_kept() {
        let event = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let one = event(r#"{"b":[{"z":1,"a":null},2.5],"a":{"y":"\u00e4\"","x":-3}}"#);
        let text = r#"{"a":{"x":-3,"y":"ä\""},"b":[{"a":null,"z":1},2.5]}"#;
        assert_eq!(serde_json::to_string(&Sorted(&one)).unwrap(), text);
        assert_eq!(made_id(&one), made_id(&event(text)));
        // printf '{"a":1,"b":2}' | sha256sum
        let known = "sha256:43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777";
        assert_eq!(made_id(&event(r#"{"b":2,"a":1}"#)), known);
    }
}
