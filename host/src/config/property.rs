//! A property's value, typed by the pack's description. Bounds and choices of meaning are the pack's own check.

use std::collections::BTreeMap;

use super::document::{Node, Place, Report, Section, Value, join};
use crate::description::{Kind, PropertyInfo, PropertyValue};

/// Types every property of a tenant and fills in the defaults. The result is ordered as the description is.
pub(super) fn resolve(
    node: Option<&(Node, Place)>,
    infos: &[PropertyInfo],
    lines: &mut BTreeMap<String, usize>,
    report: &mut Report,
) -> Vec<(String, PropertyValue)> {
    let mut section = node.and_then(|(node, place)| Section::open(node, place.clone(), report));
    let mut values = Vec::new();
    for info in infos {
        let given = section.as_mut().and_then(|section| section.get(&info.name));
        let value = given.and_then(|(node, place)| {
            lines.insert(info.name.clone(), node.line);
            typed(node, &place, info, report)
        });
        values.extend(value.or_else(|| info.default.clone()).map(|value| (info.name.clone(), value)));
    }
    if let Some(section) = section {
        section.finish("property", report);
    }
    values
}

fn typed(node: &Node, place: &Place, info: &PropertyInfo, report: &mut Report) -> Option<PropertyValue> {
    match (&info.kind, &node.value) {
        (Kind::Text, Value::Text(text)) => Some(PropertyValue::Text(text.trim().to_owned())),
        (Kind::Number(..), Value::Number(number)) => Some(PropertyValue::Number(*number)),
        (Kind::Switch, Value::Switch(switch)) => Some(PropertyValue::Switch(*switch)),
        (Kind::Items, Value::Text(text)) => Some(PropertyValue::Items(split(text))),
        (Kind::Items, Value::List(items)) => list(items, place, info, report).map(PropertyValue::Items),
        (Kind::Table, Value::Table(entries)) => table(entries, place, info, report).map(PropertyValue::Table),
        (Kind::Choice(choices), Value::Text(text)) => choice(text.trim(), choices, place, info, report),
        (kind, _) => {
            report.wrong_type(place, node, wanted(kind), remedy(info));
            None
        }
    }
}

/// Splits at commas; `\,` is a comma. Blank pieces are left out.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            ',' => pieces.push(String::new()),
            _ => {
                let escaped = next == '\\' && rest.next_if_eq(&',').is_some();
                if let Some(piece) = pieces.last_mut() {
                    piece.push(if escaped { ',' } else { next });
                }
            }
        }
    }
    kept(pieces)
}

fn kept(pieces: impl IntoIterator<Item = String>) -> Vec<String> {
    pieces.into_iter().map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

fn list(items: &[Node], place: &Place, info: &PropertyInfo, report: &mut Report) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match &item.value {
            Value::Text(text) => texts.push(text.clone()),
            _ => {
                report.wrong_type(&place.item(index, item.line), item, "a text", remedy(info));
                return None;
            }
        }
    }
    Some(kept(texts))
}

fn table(entries: &BTreeMap<String, Node>, place: &Place, info: &PropertyInfo, report: &mut Report) -> Option<Vec<(String, String)>> {
    let mut rows = Vec::new();
    for (name, node) in entries {
        match &node.value {
            Value::Text(text) => rows.push((name.clone(), text.trim().to_owned())),
            _ => {
                let place = Place { key: join(&place.key, name), line: Some(node.line) };
                report.wrong_type(&place, node, "a text", remedy(info));
                return None;
            }
        }
    }
    Some(rows)
}

fn choice(text: &str, choices: &[String], place: &Place, info: &PropertyInfo, report: &mut Report) -> Option<PropertyValue> {
    if choices.iter().any(|choice| choice == text) {
        return Some(PropertyValue::Text(text.to_owned()));
    }
    report.error(place, format!("`{text}` is none of the choices"), remedy(info));
    None
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Choice(_) => "a text",
        Kind::Number(..) => "a whole number",
        Kind::Switch => "true or false",
        Kind::Items => "a text or a list",
        Kind::Table => "a table",
    }
}

fn remedy(info: &PropertyInfo) -> String {
    match &info.kind {
        Kind::Text => format!("write {} = \"…\", in quotes", info.name),
        Kind::Number(low, high) => format!("write a number from {low} to {high}, without quotes"),
        Kind::Switch => "write true or false, without quotes".to_owned(),
        Kind::Items => format!("write {} = \"first, second\" or a list of texts", info.name),
        Kind::Table => "write a table of texts, one `\"name\" = \"text\"` a line".to_owned(),
        Kind::Choice(choices) => format!("write one of: {}", choices.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_items_is_split_at_commas_that_are_not_escaped() {
        for (text, items) in [
            ("a, b", vec!["a", "b"]),
            (r"Store 12\, Hourly,Store 14", vec!["Store 12, Hourly", "Store 14"]),
            (r"DOMAIN\group , x", vec![r"DOMAIN\group", "x"]),
            (" , ,", vec![]),
            ("", vec![]),
            (r"a\", vec![r"a\"]),
        ] {
            assert_eq!(split(text), items, "{text}");
        }
    }
}
