//! A tenant's configuration as it is kept: the values, and beside them the sealed secrets.
//!
//! Secrets are kept apart by their path, so that nothing that is typed can ever be taken for one. Whoever has a document can
//! show every value of it; of a secret it tells that it is there, and no more.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Path;
use crate::config::document::{quoted, toml_key};
use crate::seal::Sealed;

/// The largest document, in bytes of JSON.
pub const MAX_DOCUMENT_BYTES: usize = 512 << 10;
/// How deep tables and lists may stand in one another; what is good needs half of it.
const DEEPEST: usize = 8;

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Table(BTreeMap<String, Value>),
}

/// A tenant's configuration, with the keys of `[tenants.T]` in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    values: BTreeMap<String, Value>,
    secrets: BTreeMap<Path, Sealed>,
}

/// Why a value cannot stand where it is put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The path is empty.
    #[error("a value needs a key to stand under")]
    NoKey,
    /// The path leads through something that is no table.
    #[error("{0} is no table, so nothing can stand in it")]
    NoTable(Path),
    /// More than anybody means.
    #[error("the configuration is larger than {MAX_DOCUMENT_BYTES} bytes, or its tables stand too deep in one another")]
    TooLarge,
}

impl Document {
    /// Its values.
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// The value at a path; none for a secret.
    pub fn get(&self, path: &Path) -> Option<&Value> {
        value_at(&self.values, path)
    }

    /// The text at a path.
    pub fn text(&self, path: &Path) -> Option<&str> {
        self.get(path)?.text()
    }

    /// Whether there is a secret at a path.
    pub fn has_secret(&self, path: &Path) -> bool {
        self.secrets.contains_key(path)
    }

    /// Where its secrets stand.
    pub fn secrets(&self) -> impl Iterator<Item = &Path> {
        self.secrets.keys()
    }

    pub(crate) fn sealed(&self) -> &BTreeMap<Path, Sealed> {
        &self.secrets
    }

    /// Puts a value at a path, in the place of all that stood there, secrets included.
    ///
    /// # Errors
    /// When it cannot stand there.
    pub(crate) fn set(&mut self, path: &Path, value: Value) -> Result<(), PlaceError> {
        self.secrets.retain(|known, _| !known.is_within(path));
        let (last, tables) = path.keys().split_last().ok_or(PlaceError::NoKey)?;
        let mut entries = &mut self.values;
        let mut here = Path::default();
        for key in tables {
            here = here.at(key);
            let inner = entries.entry(key.clone()).or_insert_with(|| Value::Table(BTreeMap::new()));
            entries = match inner {
                Value::Table(inner) => inner,
                _ => return Err(PlaceError::NoTable(here)),
            };
        }
        entries.insert(last.clone(), value);
        Ok(())
    }

    /// Takes away what stands at a path, secrets included.
    pub(crate) fn remove(&mut self, path: &Path) {
        self.secrets.retain(|known, _| !known.is_within(path));
        let Some((last, tables)) = path.keys().split_last() else { return };
        let entries = tables.iter().try_fold(&mut self.values, |entries, key| match entries.get_mut(key) {
            Some(Value::Table(inner)) => Some(inner),
            _ => None,
        });
        if let Some(entries) = entries {
            entries.remove(last);
        }
    }

    /// Puts a sealed secret at a path, in the place of all that stood there.
    pub(crate) fn put_sealed(&mut self, path: &Path, sealed: Sealed) {
        self.remove(path);
        self.secrets.insert(path.clone(), sealed);
    }

    /// Exchanges every sealed secret.
    pub(crate) fn exchange_sealed(&mut self, mut exchange: impl FnMut(&Path, &Sealed) -> Option<Sealed>) {
        for (path, sealed) in &mut self.secrets {
            if let Some(other) = exchange(path, sealed) {
                *sealed = other;
            }
        }
    }

    /// Every value that is no table, and every table without anything in it, with its path.
    pub(crate) fn leaves(&self) -> BTreeMap<Path, &Value> {
        let mut leaves = BTreeMap::new();
        for (key, value) in &self.values {
            collect(Path::default().at(key), value, &mut leaves);
        }
        leaves
    }

    /// All of it, as what differs from a configuration in which there is nothing.
    pub(crate) fn differences_to_nothing(&self) -> Vec<super::Difference> {
        super::between_versions(&Self::default(), self)
    }

    /// Whether it can be kept at all.
    ///
    /// # Errors
    /// When it is too large, or too deep.
    pub(crate) fn fits(&self) -> Result<(), PlaceError> {
        let deep = |value: &Value| value.depth() > DEEPEST;
        // The depth first: what is too deep cannot be written either.
        if self.values.values().any(deep) || self.secrets.keys().any(|path| path.keys().len() > DEEPEST) {
            return Err(PlaceError::TooLarge);
        }
        let size = serde_json::to_vec(self).map_or(usize::MAX, |bytes| bytes.len());
        if size > MAX_DOCUMENT_BYTES { Err(PlaceError::TooLarge) } else { Ok(()) }
    }
}

/// The value at a path.
pub(super) fn value_at<'v>(values: &'v BTreeMap<String, Value>, path: &Path) -> Option<&'v Value> {
    let (first, rest) = path.keys().split_first()?;
    rest.iter().try_fold(values.get(first)?, |value, key| match value {
        Value::Table(entries) => entries.get(key),
        _ => None,
    })
}

fn collect<'a>(path: Path, value: &'a Value, leaves: &mut BTreeMap<Path, &'a Value>) {
    match value {
        Value::Table(entries) if !entries.is_empty() => entries.iter().for_each(|(key, value)| collect(path.at(key), value, leaves)),
        _ => {
            leaves.insert(path, value);
        }
    }
}

impl Value {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How deep tables and lists stand in one another in it. It goes no deeper than it must to know that it is too deep.
    fn depth(&self) -> usize {
        let mut level = vec![self];
        let mut depth = 0;
        while !level.is_empty() && depth <= DEEPEST {
            depth += 1;
            level = level.into_iter().flat_map(Self::inside).collect();
        }
        depth
    }

    fn inside(&self) -> Vec<&Self> {
        match self {
            Self::List(items) => items.iter().collect(),
            Self::Table(entries) => entries.values().collect(),
            Self::Text(_) | Self::Number(_) | Self::Switch(_) => Vec::new(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// As TOML on one line, in which every letter shows: what does not is written as an escape.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(switch) => switch.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => write!(f, "[{}]", items.iter().map(Self::to_string).collect::<Vec<_>>().join(", ")),
            Self::Table(entries) if entries.is_empty() => f.write_str("{}"),
            Self::Table(entries) => {
                let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{} = {value}", toml_key(key))).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_takes_the_place_of_what_stood_there() {
        let mut document = Document::default();
        document.set(&path("/connections/alpha/url"), "a".into()).unwrap();
        document.put_sealed(&path("/connections/alpha/password"), "x1.a.AAAA.AAAA".parse().unwrap());
        document.set(&path("/connections/beta/url"), "b".into()).unwrap();
        assert_eq!(document.text(&path("/connections/alpha/url")), Some("a"));
        assert!(document.has_secret(&path("/connections/alpha/password")) && document.get(&path("/connections/alpha/password")).is_none());
        document.set(&path("/connections/alpha"), Value::Table(BTreeMap::new())).unwrap();
        assert_eq!((document.secrets().count(), document.leaves().len()), (0, 2));
        document.put_sealed(&path("/connections/beta/url"), "x1.a.AAAA.AAAA".parse().unwrap());
        assert_eq!(document.text(&path("/connections/beta/url")), None, "a secret stands alone");
        document.remove(&path("/connections"));
        assert_eq!(document, Document::default());
        document.remove(&path("/not/there"));
    }

    #[test]
    fn nothing_stands_in_what_is_no_table() {
        let mut document = Document::default();
        document.set(&path("/environment"), "TEST".into()).unwrap();
        assert_eq!(document.set(&path("/environment/x"), "a".into()), Err(PlaceError::NoTable(path("/environment"))));
        assert_eq!(document.set(&Path::default(), "a".into()), Err(PlaceError::NoKey));
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_not_kept_and_what_is_kept_is_read_again() {
        let mut document = Document::default();
        document.set(&path("/properties/zones/~1\u{202e}"), "\"'\\\n</script>".into()).unwrap();
        document.set(&path("/properties/number"), Value::Number(i64::MIN)).unwrap();
        document.set(&path("/schedules"), Value::List(vec![Value::Table([("a".to_owned(), Value::Switch(true))].into())])).unwrap();
        document.fits().unwrap();
        let json = serde_json::to_vec(&document).unwrap();
        assert_eq!(serde_json::from_slice::<Document>(&json).unwrap(), document);
        let mut deep = Value::Switch(true);
        for _ in 0..100_000 {
            deep = Value::List(vec![deep]);
        }
        let mut much = document.clone();
        much.set(&path("/properties/text"), Value::Text("x".repeat(MAX_DOCUMENT_BYTES))).unwrap();
        assert_eq!(much.fits(), Err(PlaceError::TooLarge));
        document.set(&path("/properties/deep"), Value::List(vec![deep_at(DEEPEST)])).unwrap();
        assert_eq!(document.fits(), Err(PlaceError::TooLarge));
        assert_eq!(deep.depth(), DEEPEST + 1);
        std::mem::forget(deep);
    }

    fn deep_at(depth: usize) -> Value {
        (0..depth).fold(Value::Switch(true), |inner, _| Value::List(vec![inner]))
    }
}
