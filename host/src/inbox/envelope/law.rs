//! What holds of every body, whoever made it: what is read from it can be read again, and says the same.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::{Arrived, Brought, form, read};
use crate::config::Mapping;

/// Reads headers and body from one text, and checks what was read. The headers are the lines before the first empty line, as
/// in HTTP; `mapping: on` among them stands for a mapping. Without an empty line all of it is the body.
pub(crate) fn check(input: &[u8]) {
    let cut = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = cut.and_then(|at| Some((input.get(..at)?, input.get(at.checked_add(2)?..)?))).unwrap_or((b"", input));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
            headers.append(name, value);
        }
    }
    let mapping = headers.contains_key("mapping").then(mapping);
    holds(mapping.as_ref(), &headers, body);
}

/// The form of UKG's Pro HCM webhooks (facts §5), in a list below `records`.
pub(crate) fn mapping() -> Mapping {
    let pointers = [
        ("id", "/EventId"),
        ("type", "/EventType"),
        ("time", "/EventTime"),
        ("person_number", "/Payload/PersonNumber"),
        ("direction", "/Payload/Kind"),
        ("at", "/Payload/At"),
    ];
    let words = [("IN_PUNCH", "in"), ("1", "in"), ("OUT_PUNCH", "out")].map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()));
    Mapping {
        events: "/records".parse().ok(),
        fields: pointers.iter().filter_map(|(name, pointer)| Some(((*name).to_owned(), pointer.parse().ok()?))).collect(),
        words: [("direction".to_owned(), words.into())].into(),
    }
}

/// What must hold, whatever the body is.
fn holds(mapping: Option<&Mapping>, headers: &HeaderMap, body: &[u8]) {
    let brought = match read(mapping, headers, body) {
        Ok(brought) => brought,
        Err(unread) => return assert!(!unread.to_string().is_empty()),
    };
    assert_eq!(read(mapping, headers, body).as_ref(), Ok(&brought), "the same body again is read the same");
    let Brought { events: arrived, unreadable } = brought;
    assert!(unreadable.is_empty() || !arrived.is_empty(), "a list of which nothing can be read is refused");
    assert!(unreadable.iter().all(|event| event.reason.starts_with("event ") && form::is_made(&event.id)), "{unreadable:?}");
    let mut ids: Vec<&str> = arrived.iter().map(|event| event.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), arrived.len(), "no two events have one id");
    arrived.iter().for_each(stands);
}

/// A document is a CloudEvent, and read again it is itself.
fn stands(event: &Arrived) {
    let document: Value = serde_json::from_slice(&event.body).unwrap_or_default();
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    assert!(!event.id.trim().is_empty() && event.id.ends_with(text("id")), "{event:?}");
    assert!((1..=256).contains(&text("id").chars().count()), "{document}");
    assert!(text("specversion") == "1.0" && !text("source").is_empty() && !text("type").is_empty(), "{document}");
    assert!(document.get("data").is_some_and(Value::is_object), "{document}");
    assert_eq!(
        read(None, &HeaderMap::new(), &event.body).map(|brought| brought.events).as_ref(),
        Ok(&vec![event.clone()]),
        "read again it is itself"
    );
}
