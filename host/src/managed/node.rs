//! A kept document as the configuration reads it: a tree with the secrets opened.

use std::collections::BTreeMap;

use super::change::Sealer;
use super::{Document, Path, Value, places};
use crate::config::document::{self, Node, Place, Report};
use crate::seal::SealError;

/// What to do about secrets that do not open.
const NO_SUCH_KEY: &str = "write that key under old-keys in [console], or give the secrets anew";
const NO_KEY: &str = "write key = { file = \"NAME\" } under [console] with that key in it";
const BROKEN: &str = "give the secret anew";

/// The tree of a tenant. A secret that does not open is reported at its place, and so is what may not be kept.
pub(crate) fn of(document: &Document, tenant: &str, sealer: Option<Sealer<'_>>, report: &mut Report) -> Node {
    let root = Place::default().at("tenants", 0).at(tenant, 0);
    let place = |path: &Path| path.keys().iter().fold(root.clone(), |place, key| place.at(key, 0));
    let mut values = document.clone();
    // Nothing writes such a thing, and it would have files of the host read.
    for refused in places::refused(document) {
        report.error(&place(&refused.path), refused.message, refused.remedy);
        values.remove(&refused.path);
    }
    let mut tree = Value::Table(values.values().clone()).into();
    let mut closed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut sealed: Vec<_> = document.sealed().iter().collect();
    sealed.sort_by(|(one, _), (two, _)| one.in_place(two));
    for (path, sealed) in sealed {
        let opened = match sealer.map(|sealer| sealer.open(path, sealed)) {
            Some(Ok(secret)) => Some(secret),
            Some(Err(SealError::UnknownKey(key))) => {
                closed.entry(key).or_default().push(path.to_string());
                None
            }
            Some(Err(error)) => {
                report.error(&place(path), format!("the secret {error}"), BROKEN);
                None
            }
            None => {
                closed.entry(sealed.key().to_owned()).or_default().push(path.to_string());
                None
            }
        };
        put(&mut tree, path.keys(), document::Value::Secret(opened));
    }
    // One problem, and not one for each of them.
    for (key, paths) in closed {
        let remedy = if sealer.is_some() { NO_SUCH_KEY } else { NO_KEY };
        let message = format!("the secrets at {} are sealed with the key {key}, which is not at hand", paths.join(", "));
        report.error(&root, message, remedy);
    }
    tree
}

/// Puts a secret into the tree: what leads to it is a table, and a list where its last key is a number. They come in the order of
/// the list.
fn put(node: &mut Node, keys: &[String], secret: document::Value) {
    let Some((key, rest)) = keys.split_first() else {
        node.value = secret;
        return;
    };
    if rest.is_empty() && key.parse::<u16>().is_ok() {
        if !matches!(node.value, document::Value::List(_)) {
            node.value = document::Value::List(Vec::new());
        }
        if let document::Value::List(items) = &mut node.value {
            items.push(Node { line: 0, value: secret });
        }
        return;
    }
    if !matches!(node.value, document::Value::Table(_)) {
        node.value = document::Value::Table(BTreeMap::new());
    }
    if let document::Value::Table(entries) = &mut node.value {
        let empty = || Node { line: 0, value: document::Value::Table(BTreeMap::new()) };
        put(entries.entry(key.clone()).or_insert_with(empty), rest, secret);
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        let value = match value {
            Value::Switch(switch) => document::Value::Switch(switch),
            Value::Number(number) => document::Value::Number(number),
            Value::Text(text) => document::Value::Text(text),
            Value::List(items) => document::Value::List(items.into_iter().map(Self::from).collect()),
            Value::Table(entries) => document::Value::Table(entries.into_iter().map(|(key, value)| (key, value.into())).collect()),
        };
        Self { line: 0, value }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::seal::{Key, Keys};

    #[test]
    fn the_secrets_of_a_list_are_in_its_order_however_many_there_are() {
        let keys = Keys::new(Key::random().unwrap(), Vec::new());
        let sealer = Sealer { keys: &keys, tenant: "acme" };
        let mut document = Document::default();
        for number in 0..12 {
            let at = Path::of(["listener", "shared", "values"]).at(number.to_string());
            document.put_sealed(&at, sealer.seal(&at, &format!("hush-{number}").into(), None).unwrap());
        }
        let mut report = Report::of(std::path::Path::new("a.toml"));
        let mut node = of(&document, "acme", Some(sealer), &mut report);
        assert!(report.problems.is_empty());
        for key in ["listener", "shared", "values"] {
            let document::Value::Table(mut entries) = node.value else { panic!("there is no {key}") };
            node = entries.remove(key).unwrap();
        }
        let document::Value::List(items) = node.value else { panic!("they are no list") };
        let opened = items.iter().map(|item| match &item.value {
            document::Value::Secret(Some(secret)) => secret.expose_secret().to_owned(),
            _ => panic!("one is no secret"),
        });
        assert_eq!(opened.collect::<Vec<_>>(), (0..12).map(|number| format!("hush-{number}")).collect::<Vec<_>>());
    }
}
