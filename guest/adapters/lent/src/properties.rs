//! The tenant's values, as a person writes them, in the types of the contract: `properties.wit`.

use std::collections::BTreeMap;

use crate::bindings::exports::shift_access::plugin::properties::{Property, Value};
use crate::described::{self, Kind};

/// A property that was given or has a default; none where it has neither.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub fn read(described: &described::Property, given: Option<&str>, rows: BTreeMap<String, String>) -> Result<Option<Property>, String> {
    let value = match (&described.kind, given) {
        (Kind::Table, None) if !rows.is_empty() => Some(Value::Table(rows.into_iter().collect())),
        (_, Some(text)) => Some(value(&described.kind, text)?),
        (_, None) => described.default.clone().map(of_description),
    };
    if value.is_none() && described.required {
        return Err("must be given".to_owned());
    }
    Ok(value.map(|value| Property { name: described.name.clone(), value }))
}

fn value(kind: &Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Number((least, most)) => {
            let number = text.parse().ok().filter(|number| (least..=most).contains(&number));
            number.map(Value::Number).ok_or_else(|| format!("write a number from {least} to {most}"))
        }
        Kind::Switch => text.parse().map(Value::Switch).map_err(|_| "write true or false".to_owned()),
        Kind::Items => Ok(Value::Items(items(text))),
        Kind::Table => Err("is a table; give each of its rows a setting of its own, with the row's name after a dot".to_owned()),
        Kind::Choice(texts) if texts.iter().any(|known| known == text) => Ok(Value::Text(text.to_owned())),
        Kind::Choice(texts) => Err(format!("write one of: {}", texts.join(", "))),
    }
}

/// At commas; `\,` is a comma.
fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = letter == '\\' && letters.peek() == Some(&',');
        match (letter, items.last_mut()) {
            (',', _) => items.push(String::new()),
            (_, Some(item)) => item.push(if escaped { letters.next().unwrap_or(',') } else { letter }),
            (_, None) => {}
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn of_description(value: described::Value) -> Value {
    match value {
        described::Value::Text(text) => Value::Text(text),
        described::Value::Number(number) => Value::Number(number),
        described::Value::Switch(on) => Value::Switch(on),
        described::Value::Items(items) => Value::Items(items),
        described::Value::Table(rows) => Value::Table(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_of_items_is_split_and_an_escaped_comma_is_not() {
        assert_eq!(items(r"Store 12\, Hourly, Store 14,, a\b "), ["Store 12, Hourly", "Store 14", r"a\b"]);
        assert!(items(" , ").is_empty());
    }

    #[test]
    fn values_are_typed_and_bounded() {
        assert_eq!(value(&Kind::Number((1, 9)), "9"), Ok(Value::Number(9)));
        assert!(value(&Kind::Number((1, 9)), "10").is_err() && value(&Kind::Number((1, 9)), "x").is_err());
        assert_eq!(value(&Kind::Switch, "true"), Ok(Value::Switch(true)));
        assert!(value(&Kind::Switch, "yes").is_err() && value(&Kind::Table, "a").is_err());
        assert!(value(&Kind::Choice(vec!["a".into()]), "b").is_err());
    }
}
