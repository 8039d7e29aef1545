//! A tenant's configuration to look at and to write out, whether it is kept in the store or stands in the file.

use std::collections::BTreeMap;

use super::document::value_at;
use super::places::{self, Places};
use super::{Document, Path, Value};
use crate::config::document::{self, Node};

/// What is configured of a tenant: every value that may be shown, and where its secrets are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The values.
    pub values: BTreeMap<String, Value>,
    /// The secrets, by their path; and other values that are read from elsewhere.
    pub secrets: BTreeMap<Path, SecretAt>,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretAt {
    /// In the store, sealed.
    Kept,
    /// In this variable of the environment.
    Variable(String),
    /// In this file, which is named from the configuration file's folder.
    File(String),
    /// In the configuration file itself.
    Written,
}

impl View {
    /// Of a tenant that is kept in the store.
    pub fn of(document: &Document) -> Self {
        let secrets = document.secrets().map(|path| (path.clone(), SecretAt::Kept)).collect();
        Self { values: document.values().clone(), secrets }
    }

    /// The value at a path; none for a secret.
    pub fn get(&self, path: &Path) -> Option<&Value> {
        value_at(&self.values, path)
    }

    /// The text at a path; none for a secret.
    pub fn text(&self, path: &Path) -> Option<&str> {
        self.get(path)?.text()
    }

    /// Of a tenant's table in the file. What is no value of any tenant, such as a date, is left out.
    pub(crate) fn of_file(node: &Node, places: Places<'_>) -> Self {
        let mut view = Self::default();
        if let document::Value::Table(entries) = &node.value {
            for (key, node) in entries {
                let value = view.take(&Path::default().at(key), node, places);
                view.values.extend(value.map(|value| (key.clone(), value)));
            }
        }
        view
    }

    /// The value of a node; none where it is a secret, which is noted.
    fn take(&mut self, path: &Path, node: &Node, places: Places<'_>) -> Option<Value> {
        Some(match &node.value {
            document::Value::Text(_) if places.is_secret(path) => {
                self.secrets.insert(path.clone(), SecretAt::Written);
                return None;
            }
            document::Value::Text(text) => Value::Text(text.clone()),
            document::Value::Number(number) => Value::Number(*number),
            document::Value::Switch(switch) => Value::Switch(*switch),
            document::Value::List(items) => {
                let items = items.iter().enumerate().map(|(index, item)| self.take(&path.at(index.to_string()), item, places));
                let taken: Vec<_> = items.collect();
                let there: Vec<_> = taken.into_iter().flatten().collect();
                // A list of secrets stands with the secrets.
                if there.is_empty() && places.is_secret(path) {
                    return None;
                }
                Value::List(there)
            }
            document::Value::Table(_) if places::takes_text(path) => {
                self.secrets.extend(reference(node).map(|at| (path.clone(), at)));
                return None;
            }
            document::Value::Table(entries) => {
                let mut table = BTreeMap::new();
                for (key, node) in entries {
                    table.extend(self.take(&path.at(key), node, places).map(|value| (key.clone(), value)));
                }
                Value::Table(table)
            }
            document::Value::Fraction | document::Value::Moment | document::Value::Secret(_) => return None,
        })
    }
}

/// What `{ env = … }` and `{ file = … }` point at.
fn reference(node: &Node) -> Option<SecretAt> {
    let document::Value::Table(entries) = &node.value else { return None };
    let text = |key: &str| match entries.get(key).map(|node| &node.value) {
        Some(document::Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    text("env").map(SecretAt::Variable).or_else(|| text("file").map(SecretAt::File))
}
