//! A tenant written as TOML, as the configuration file has it and as `apply` takes it.
//!
//! A secret is written as what stands for it: `{ keep = true }`, which leaves the kept one as it is, or what is sealed, or where
//! it is read from. The secret itself is never written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path as FilePath;

use super::view::{SecretAt, View};
use super::{Document, Path, Value};
use crate::config::document::toml_key;

/// How secrets that are kept in the store are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// As `{ keep = true }`.
    Omit,
    /// Sealed, as they are kept: good for the same tenant wherever the key is.
    Sealed,
}

/// A tenant that is kept in the store.
pub(crate) fn of_document(tenant: &str, document: &Document, secrets: Secrets) -> String {
    let stands = |path: &Path| match document.sealed().get(path).filter(|_| secrets == Secrets::Sealed) {
        Some(sealed) => table("sealed", Value::Text(sealed.to_string())),
        None => table("keep", Value::Switch(true)),
    };
    written(tenant, document.values(), document.secrets().map(|path| (path, stands(path))))
}

/// A tenant of the file, whose secrets are read from where they are now. Files are named from `folder`.
pub(crate) fn of_view(tenant: &str, view: &View, folder: &FilePath) -> String {
    let stands = |at: &SecretAt| match at {
        SecretAt::Kept | SecretAt::Written => table("keep", Value::Switch(true)),
        SecretAt::Variable(name) => table("env", Value::Text(name.clone())),
        SecretAt::File(name) => table("file", Value::Text(folder.join(name).to_string_lossy().into_owned())),
    };
    written(tenant, &view.values, view.secrets.iter().map(|(path, at)| (path, stands(at))))
}

fn table(key: &str, value: Value) -> Value {
    Value::Table([(key.to_owned(), value)].into())
}

fn written<'a>(tenant: &str, values: &BTreeMap<String, Value>, secrets: impl Iterator<Item = (&'a Path, Value)>) -> String {
    let mut root = Value::Table(values.clone());
    let mut secrets: Vec<_> = secrets.collect();
    secrets.sort_by(|(one, _), (two, _)| one.in_place(two));
    for (path, value) in secrets {
        put(&mut root, path.keys(), value);
    }
    let mut text = String::new();
    if let Value::Table(entries) = &root {
        section(&mut text, &format!("tenants.{}", toml_key(tenant)), &Path::default(), entries);
    }
    text
}

/// Puts what stands for a secret into the tree: into a list, where the last key is a number. They come in the order of the list.
fn put(value: &mut Value, keys: &[String], stands: Value) {
    let Some((key, rest)) = keys.split_first() else {
        *value = stands;
        return;
    };
    match value {
        Value::List(items) if rest.is_empty() => items.push(stands),
        Value::Table(entries) => {
            let numbered = matches!(rest, [last] if last.parse::<u16>().is_ok());
            let empty = || if numbered { Value::List(Vec::new()) } else { Value::Table(BTreeMap::new()) };
            put(entries.entry(key.clone()).or_insert_with(empty), rest, stands);
        }
        _ => {}
    }
}

/// One table with its header: what fits on a line first, then the tables in it.
fn section(text: &mut String, header: &str, path: &Path, entries: &BTreeMap<String, Value>) {
    let (inner, lines): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, value)| stands_apart(&path.at(*key), value));
    if !lines.is_empty() || inner.is_empty() {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[{header}]");
    }
    for (key, value) in lines {
        let _ = writeln!(text, "{} = {value}", toml_key(key));
    }
    for (key, value) in inner {
        match value {
            Value::Table(entries) => section(text, &format!("{header}.{}", toml_key(key)), &path.at(key), entries),
            Value::List(items) => items.iter().for_each(|item| each(text, &format!("{header}.{}", toml_key(key)), item)),
            _ => {}
        }
    }
}

/// One table of a list.
fn each(text: &mut String, header: &str, item: &Value) {
    let Value::Table(entries) = item else { return };
    let _ = writeln!(text, "\n[[{header}]]");
    for (key, value) in entries {
        let _ = writeln!(text, "{} = {value}", toml_key(key));
    }
}

/// Whether a value has a header of its own.
fn stands_apart(path: &Path, value: &Value) -> bool {
    match (path.parts().as_slice(), value) {
        (["listener", _], _) => false,
        ([_] | [_, _], Value::Table(_)) => true,
        (["schedules"], Value::List(items)) => !items.is_empty() && items.iter().all(|item| matches!(item, Value::Table(_))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    fn document() -> Document {
        let mut document = Document::default();
        let schedule = [("job".to_owned(), "batch".into()), ("times".to_owned(), Value::List(vec!["05:45".into()]))];
        document.set(&path("/environment"), "TEST".into()).unwrap();
        document.set(&path("/connections/alpha/url"), "https://acme.example".into()).unwrap();
        document.set(&path("/properties/names"), "a \"b\" '''\n\\ \u{202e}".into()).unwrap();
        document.set(&path("/properties/zones/a b"), "UTC".into()).unwrap();
        document.set(&path("/schedules"), Value::List(vec![Value::Table(schedule.into())])).unwrap();
        document.set(&path("/listener/signature/header"), "X".into()).unwrap();
        document.set(&path("/limits/jobs/cpu-seconds"), Value::Number(5)).unwrap();
        for at in ["/connections/alpha/password", "/listener/signature/secrets/0", "/listener/signature/secrets/1"] {
            document.put_sealed(&path(at), "x1.a.AAAA.AAAA".parse().unwrap());
        }
        document
    }

    #[test]
    fn a_tenant_is_written_as_the_file_has_it_and_secrets_are_left_out() {
        let text = of_document("acme", &document(), Secrets::Omit);
        let wanted = "[tenants.acme]\nenvironment = \"TEST\"\n\n[tenants.acme.connections.alpha]\npassword = { keep = true }\n\
             url = \"https://acme.example\"\n\n[tenants.acme.limits.jobs]\ncpu-seconds = 5\n\n[tenants.acme.listener]\n\
             signature = { header = \"X\", secrets = [{ keep = true }, { keep = true }] }\n\n[tenants.acme.properties]\n";
        assert!(text.starts_with(wanted), "{text}");
        assert!(text.ends_with("\n[[tenants.acme.schedules]]\njob = \"batch\"\ntimes = [\"05:45\"]\n"), "{text}");
        let read: toml::Table = text.parse().unwrap();
        let properties = &read["tenants"]["acme"]["properties"];
        assert_eq!(properties["names"].as_str(), Some("a \"b\" '''\n\\ \u{202e}"));
        assert_eq!(properties["zones"]["a b"].as_str(), Some("UTC"));
        let sealed = of_document("acme", &document(), Secrets::Sealed);
        assert!(sealed.contains("password = { sealed = \"x1.a.AAAA.AAAA\" }"), "{sealed}");
    }

    #[test]
    fn many_secrets_of_a_list_are_written_in_its_order() {
        let mut document = Document::default();
        let seal = |number: usize| format!("x1.k{number}.AAAA.AAAA");
        for number in 0..12 {
            document.put_sealed(&path(&format!("/listener/shared/values/{number}")), seal(number).parse().unwrap());
        }
        let read: toml::Table = of_document("acme", &document, Secrets::Sealed).parse().unwrap();
        let values = read["tenants"]["acme"]["listener"]["shared"]["values"].as_array().unwrap();
        let seals: Vec<_> = values.iter().map(|value| value["sealed"].as_str().unwrap().to_owned()).collect();
        assert_eq!(seals, (0..12).map(seal).collect::<Vec<_>>());
    }

    #[test]
    fn where_secrets_of_the_file_are_is_written_and_one_that_stands_there_is_not() {
        let mut view = View::of(&document());
        let (file, variable) = (SecretAt::File("secrets/pw".to_owned()), SecretAt::Variable("PW".to_owned()));
        view.secrets = [("/connections/alpha/a", file), ("/connections/alpha/b", variable), ("/connections/alpha/c", SecretAt::Written)]
            .map(|(at, secret)| (path(at), secret))
            .into();
        let text = of_view("acme", &view, FilePath::new("/etc/x"));
        assert!(text.contains("a = { file = \"/etc/x/secrets/pw\" }\nb = { env = \"PW\" }\nc = { keep = true }\n"), "{text}");
    }
}
