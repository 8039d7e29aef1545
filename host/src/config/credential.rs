//! Where a secret comes from: a variable of the environment, a file, or the configuration itself.

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use super::document::{Node, Place, Report, Section, Value};

/// The environment, as the caller lends it.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a secret. `{ file = … }` is relative to `folder`; the end of the last line is no part of it.
pub(super) fn read(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<SecretString> {
    match &node.value {
        Value::Text(text) => bare(text, place, report),
        Value::Table(_) => referenced(node, place, folder, env, report).map(SecretString::from),
        _ => {
            report.wrong_type(place, node, "a secret", remedy(place));
            None
        }
    }
}

/// Reads what `{ env = … }` or `{ file = … }` points at, for a value that is no secret but may come from there.
pub(super) fn referenced(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<String> {
    let mut section = Section::open(node, place.clone(), report)?;
    let variable = section.text("env", "NAME", report);
    let file = section.text("file", "secret.txt", report);
    let named = section.get("env").is_some() || section.get("file").is_some();
    section.finish("key", report);
    match (variable, file) {
        (Some(_), Some(_)) => report.error(place, "names both a variable and a file", remedy(place)),
        (Some((name, _)), None) => return from_variable(&name, place, env, report),
        (None, Some((name, _))) => return from_file(&name, place, folder, report),
        (None, None) if !named => report.error(place, "names neither a variable nor a file", remedy(place)),
        (None, None) => {}
    }
    None
}

fn bare(text: &str, place: &Place, report: &mut Report) -> Option<SecretString> {
    if text.trim().is_empty() {
        report.error(place, "the secret is empty", remedy(place));
        return None;
    }
    report.warning(place, "the secret stands in the configuration in plain text", remedy(place));
    Some(SecretString::from(text))
}

fn from_variable(name: &str, place: &Place, env: Environment<'_>, report: &mut Report) -> Option<String> {
    match env(name) {
        Some(value) if !value.trim().is_empty() => Some(value),
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

fn remedy(place: &Place) -> String {
    let key = place.key.rsplit('.').next().unwrap_or("secret");
    format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"NAME\" }}")
}
