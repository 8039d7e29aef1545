//! Names, numbers and lines of the configuration as the report writes them.

use super::super::Person;
use super::Cause;

pub(super) fn said(cause: Cause, user: &str, person_user: &str) -> String {
    let by = match cause {
        Cause::Case => ", which differs in case, and Kronos finds no name by another case",
        Cause::Spaces => ", which differs in blanks",
        Cause::Domain => ", which differs in the domain",
        _ => ", whom Kronos did not give for that name",
    };
    format!("The directory has {user:?}, Kronos has {person_user:?}{by}.")
}

/// The line that pins a user, in words that fit behind "or".
pub(super) fn pin_to(user: &str, numbers: &[String]) -> String {
    match numbers {
        [] => format!("pin the user by hand: {} = \"PERSON NUMBER\" in properties.identities", quoted(user)),
        [number] => format!("pin the user by hand: {} = {} in properties.identities", quoted(user), quoted(number)),
        several => format!(
            "pin the user to the right one of {}: {} = \"PERSON NUMBER\" in properties.identities",
            several.join(", "),
            quoted(user)
        ),
    }
}

/// As TOML writes a text, with an escape for what nobody sees: copied from here, such a letter must not get lost.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\\' | '"' => quoted.extend(['\\', letter]),
            _ if is_seen(letter) => quoted.push(letter),
            _ if letter <= '\u{ffff}' => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => quoted.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

fn is_seen(letter: char) -> bool {
    letter == '\'' || letter.escape_debug().count() == 1
}

pub(super) fn written(person: &Person) -> Option<String> {
    Some(person.user_name.clone()).filter(|name| !name.trim().is_empty())
}
