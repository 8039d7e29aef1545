//! What the headers tell of an event: those of Standard Webhooks, and those of CloudEvents in binary mode.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

use super::Unread;

/// What the headers tell.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The id of a Standard Webhook.
    pub(super) webhook_id: Option<String>,
    /// The attributes of CloudEvents, where the body is the data alone.
    pub(super) binary: Option<Binary>,
}

/// The attributes of CloudEvents in binary mode.
#[derive(Debug, Default)]
pub(super) struct Binary {
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) time: Option<String>,
}

/// Reads the headers. With a content type of CloudEvents the body says all itself.
pub(super) fn read(headers: &HeaderMap) -> Result<Told, Unread> {
    let structured =
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"application/cloudevents"));
    let version = attribute(headers, "ce-specversion")?;
    if version.as_ref().is_some_and(|version| !version.starts_with("1.")) {
        return Err(Unread::Header { name: "ce-specversion", what: "tells another version than 1.0" });
    }
    let id = attribute(headers, "ce-id")?;
    let binary = match (id.is_some() || version.is_some()) && !structured {
        true => Some(Binary {
            id,
            source: attribute(headers, "ce-source")?,
            kind: attribute(headers, "ce-type")?,
            time: attribute(headers, "ce-time")?,
        }),
        false => None,
    };
    Ok(Told { webhook_id: text(headers, "webhook-id")?, binary })
}

/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md> §3.1.3.2: quotes first, then
/// percent signs, once.
fn attribute(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Unread> {
    let Some(text) = text(headers, name)? else { return Ok(None) };
    let plain = unquoted(&text);
    let decoded =
        percent_decode_str(&plain).decode_utf8().map_err(|_| Unread::Header { name, what: "is not UTF-8, once its % are read" })?;
    Ok(Some(decoded.into_owned()))
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return text.to_owned() };
    let mut letters = inner.chars();
    let mut plain = String::with_capacity(inner.len());
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next().unwrap_or(letter) } else { letter });
    }
    plain
}

fn text(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Unread> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Unread::Header { name, what: "is there more than once" });
    }
    // Not `to_str`, which takes ASCII only.
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Unread::Header { name, what: "is not UTF-8" })?;
    Ok(Some(text.to_owned()))
}
