//! What differs between two configurations: paths, with both values. Of a secret it is said that it differs, and no more.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Document, Path, Value};

/// One path at which two configurations differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where.
    pub path: Path,
    /// What stands there in the first, or stood there before.
    pub before: Shown,
    /// What stands there in the second, or stands there now.
    pub after: Shown,
}

/// What stands at a path, as it may be shown to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A secret.
    Secret,
    /// This value.
    Value(Value),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Secret => f.write_str("a secret"),
            Self::Value(value) => value.fmt(f),
        }
    }
}

/// Paths named at most where no more than their names is told.
const NAMED: usize = 20;
/// The letters of a value that a list of changes shows at most.
const SHORT: usize = 300;

impl Difference {
    /// The same with long values cut, for a page that shows many.
    #[must_use]
    pub(crate) fn shortened(&self) -> Self {
        let short = |shown: &Shown| match shown {
            Shown::Value(value) if value.to_string().chars().nth(SHORT).is_some() => {
                Shown::Value(Value::Text(value.to_string().chars().take(SHORT).chain(['…']).collect()))
            }
            other => other.clone(),
        };
        Self { path: self.path.clone(), before: short(&self.before), after: short(&self.after) }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Shown::Secret, Shown::Secret) => write!(f, "{}: changed", self.path),
            (Shown::Nothing, after) => write!(f, "{}: {after}, new", self.path),
            (before, Shown::Nothing) => write!(f, "{}: removed, was {before}", self.path),
            (before, after) => write!(f, "{}: {before} -> {after}", self.path),
        }
    }
}

/// What changed, by its paths: no value is told.
pub(crate) fn named(changes: &[Difference]) -> String {
    let mut paths: Vec<_> = changes.iter().take(NAMED).map(|change| change.path.to_string()).collect();
    if changes.len() > NAMED {
        paths.push(format!("and {} more", changes.len() - NAMED));
    }
    if paths.is_empty() { "nothing but its state".to_owned() } else { paths.join(", ") }
}

/// What differs, in the order of the paths. Two secrets at one path are the same where `same` says so; by their seals it
/// cannot be told.
pub(crate) fn between(before: &Document, after: &Document, same: impl Fn(&Path) -> bool) -> Vec<Difference> {
    let (old, new) = (before.leaves(), after.leaves());
    let shown = |document: &Document, value: Option<&&Value>, path: &Path| match value {
        _ if document.has_secret(path) => Shown::Secret,
        Some(value) => Shown::Value((*value).clone()),
        None => Shown::Nothing,
    };
    let paths: BTreeSet<&Path> = old.keys().chain(new.keys()).chain(before.secrets()).chain(after.secrets()).collect();
    let differing = paths.into_iter().filter_map(|path| {
        let (was, is) = (shown(before, old.get(path), path), shown(after, new.get(path), path));
        let differs = if (&was, &is) == (&Shown::Secret, &Shown::Secret) { !same(path) } else { was != is };
        differs.then(|| Difference { path: path.clone(), before: was, after: is })
    });
    differing.collect()
}

/// What differs between two versions of one tenant, where a secret that was not touched has the same seal.
pub(crate) fn between_versions(before: &Document, after: &Document) -> Vec<Difference> {
    between(before, after, |path| before.sealed().get(path) == after.sealed().get(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_changed_and_removed_is_told_by_its_path_and_a_secret_is_not_shown() {
        let path = |text: &str| text.parse::<Path>().unwrap();
        let mut before = Document::default();
        before.set(&path("/environment"), "TEST".into()).unwrap();
        before.set(&path("/properties/names"), "a".into()).unwrap();
        before.set(&path("/properties/gone"), Value::Number(5)).unwrap();
        before.put_sealed(&path("/connections/alpha/password"), "x1.a.AAAA.AAAA".parse().unwrap());
        before.put_sealed(&path("/connections/alpha/token"), "x1.a.AAAA.AAAA".parse().unwrap());
        let mut after = before.clone();
        after.set(&path("/properties/names"), Value::List(vec!["a".into(), "b\"".into()])).unwrap();
        after.remove(&path("/properties/gone"));
        after.set(&path("/properties/open"), Value::Switch(true)).unwrap();
        after.put_sealed(&path("/connections/alpha/password"), "x1.a.AAAA.AAAB".parse().unwrap_or("x1.b.AAAA.AAAA".parse().unwrap()));
        after.put_sealed(&path("/connections/alpha/key"), "x1.a.AAAA.AAAA".parse().unwrap());
        let told: Vec<_> = between_versions(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "connections.alpha.key: a secret, new",
                "connections.alpha.password: changed",
                "properties.gone: removed, was 5",
                "properties.names: \"a\" -> [\"a\", \"b\\\"\"]",
                "properties.open: true, new",
            ]
        );
        assert_eq!(between_versions(&after, &after), []);
    }
}
