//! Reads JSON without rounding a whole number, however many digits it has.
//!
//! The JSON reader keeps whole numbers of 64 bits and rounds larger ones: two ids, or two persons, could become one. Its
//! feature `arbitrary_precision` would keep them, for every value of every crate of the program. So here a whole number that
//! is too large becomes a text of the same digits, which is what ids and numbers of persons are compared by.

use std::borrow::Cow;

use serde_json::{Error, Value};

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Value, Error> {
    let value = serde_json::from_str(text)?;
    match may_round(text).then(|| kept(text)) {
        Some(Cow::Owned(text)) => serde_json::from_str(&text),
        _ => Ok(value),
    }
}

/// The least digits of a number that 64 bits do not hold.
const MANY: usize = 19;

/// Whether so many digits stand together anywhere: in most documents they do not.
fn may_round(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits >= MANY
    })
}

/// What is good JSON, with whole numbers that are too large in quotation marks.
fn kept(text: &str) -> Cow<'_, str> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(|letter: char| letter == '"' || letter == '-' || letter.is_ascii_digit()) {
        let (before, token) = rest.split_at(start);
        let (token, after) = token.split_at(end(token));
        done.push_str(before);
        match is_too_large(token) {
            true => done.extend(["\"", token, "\""]),
            false => done.push_str(token),
        }
        rest = after;
    }
    done.push_str(rest);
    if done.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(done) }
}

/// Where a text or a number ends that begins here.
fn end(token: &str) -> usize {
    let mut escaped = false;
    let after = match token.strip_prefix('"') {
        Some(text) => text.find(|letter: char| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        }),
        None => return token.find(|letter: char| !matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(token.len()),
    };
    after.map_or(token.len(), |end| end.saturating_add(2))
}

fn is_too_large(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    digits.bytes().all(|byte| byte.is_ascii_digit()) && token.parse::<i64>().is_err() && token.parse::<u64>().is_err()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_whole_numbers_that_would_be_rounded_become_texts() {
        let text = r#"{"a": [18446744073709551615, -9223372036854775808, 18446744073709551616, -9223372036854775809],
            "b \\\" 18446744073709551616": "18446744073709551616 \"", "c\\": 100000000000000000000.5, "d": 1e30, "é": 36893488147419103232}"#;
        let wanted = json!({
            "a": [u64::MAX, i64::MIN, "18446744073709551616", "-9223372036854775809"],
            "b \\\" 18446744073709551616": "18446744073709551616 \"",
            "c\\": 100_000_000_000_000_000_000.5, "d": 1e30, "é": "36893488147419103232",
        });
        assert_eq!(parse(text).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in ["{100000000000000000000: 1}", "100000000000000000000 1", "0100000000000000000000"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
