//! Where a secret comes from: a variable of the environment, a file, or the configuration itself.

use std::fs;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::document::{Node, Place, Report, Section, Value};

/// A shorter secret is soon guessed, and is not taken out of data: it could be any word there.
const SHORT: usize = 8;

/// The environment, as the caller lends it.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a secret. `{ file = … }` is relative to `folder`; the end of the last line is no part of it.
pub(crate) fn read(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<SecretString> {
    let secret = match &node.value {
        Value::Text(text) => one_line(bare(text, place, report)?, place, report)?,
        Value::Table(_) => referenced(node, place, folder, env, report)?,
        Value::Secret(secret) => one_line(secret.as_ref()?.expose_secret().to_owned(), place, report)?,
        _ => {
            report.wrong_type(place, node, "a secret", remedy(place));
            return None;
        }
    };
    if secret.trim().chars().count() < SHORT {
        let remedy = "ask for a longer one: a short one is soon guessed, and could be any word of a text it must be kept out of";
        report.warning(place, format!("the secret has fewer than {SHORT} characters"), remedy);
    }
    Some(SecretString::from(secret))
}

/// Refuses a value that cannot stand in a header, and that nobody types on purpose.
pub(super) fn one_line(value: String, place: &Place, report: &mut Report) -> Option<String> {
    if !value.chars().any(char::is_control) {
        return Some(value);
    }
    let remedy = "write it on one line, without tabs; a file may end with one line break, which is no part of the value";
    report.error(place, "holds a line break or another control character", remedy);
    None
}

/// Reads what `{ env = … }` or `{ file = … }` points at, for a value that is no secret but may come from there.
pub(crate) fn referenced(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<String> {
    let mut section = Section::open(node, place.clone(), report)?;
    let variable = section.text("env", "NAME", report);
    let file = section.text("file", "secret.txt", report);
    let named = section.get("env").is_some() || section.get("file").is_some();
    section.finish("key", report);
    let value = match (variable, file) {
        (Some(_), Some(_)) => {
            report.error(place, "names both a variable and a file", remedy(place));
            None
        }
        (Some((name, _)), None) => from_variable(&name, place, env, report),
        (None, Some((name, _))) => from_file(&name, place, folder, report),
        (None, None) if !named => {
            report.error(place, "names neither a variable nor a file", remedy(place));
            None
        }
        (None, None) => None,
    };
    one_line(value?, place, report)
}

fn bare(text: &str, place: &Place, report: &mut Report) -> Option<String> {
    if text.trim().is_empty() {
        report.error(place, "the secret is empty", remedy(place));
        return None;
    }
    report.warning(place, "the secret stands in the configuration in plain text", remedy(place));
    Some(text.to_owned())
}

fn from_variable(name: &str, place: &Place, env: Environment<'_>, report: &mut Report) -> Option<String> {
    match env(name) {
        Some(value) if !value.trim().is_empty() => Some(value),
        // Somebody may have typed the secret itself: what is no name is not repeated.
        _ if !is_variable(name) => {
            report.error(
                place,
                "what stands after env is not the name of a variable",
                format!("{}; the secret itself does not belong here", remedy(place)),
            );
            None
        }
        Some(_) => {
            report.error(place, format!("the environment variable {name} is empty"), format!("set {name} to the secret"));
            None
        }
        None => {
            report.error(
                place,
                format!("the environment variable {name} is not set"),
                format!("set {name} to the secret before starting, or use {{ file = … }}"),
            );
            None
        }
    }
}

fn from_file(name: &str, place: &Place, folder: &Path, report: &mut Report) -> Option<String> {
    match fs::read_to_string(folder.join(name)) {
        Ok(text) => {
            let value = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
            if value.trim().is_empty() {
                report.error(place, format!("the file {name} is empty"), "write the secret into it, on one line");
                return None;
            }
            Some(value.to_owned())
        }
        Err(error) => {
            report.error(
                place,
                format!("the file {name} cannot be read: {error}"),
                "relative names start at the configuration file's folder",
            );
            None
        }
    }
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn remedy(place: &Place) -> String {
    let key = place.key.rsplit('.').next().unwrap_or("secret");
    if key.ends_with(']') {
        return "write { env = \"NAME\" } or { file = \"NAME\" }".to_owned();
    }
    format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"NAME\" }}")
}
