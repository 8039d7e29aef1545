//! Where a value stands in a tenant's configuration.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::document::join;

/// The keys that lead to a value, from the tenant's table on. As text it is a JSON pointer (RFC 6901), such as
/// `/connections/alpha/url`; its display form is that of the configuration file, `connections.alpha.url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(Vec<String>);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no path: write for example /properties/names")]
pub struct PathError;

impl Path {
    /// A path of these keys.
    pub fn of<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }

    /// One key further.
    #[must_use]
    pub fn at(&self, key: impl Into<String>) -> Self {
        Self(self.0.iter().cloned().chain([key.into()]).collect())
    }

    /// Its keys.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Its keys, for a match.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// Whether this is the other path, or leads through it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether one of two paths leads through the other.
    pub fn meets(&self, other: &Self) -> bool {
        self.is_within(other) || other.is_within(self)
    }

    /// The order in which values stand: the numbers of a list as numbers, and before names.
    pub(crate) fn in_place(&self, other: &Self) -> Ordering {
        let order = |key: &String| key.parse::<u16>().map_or((true, 0), |number| (false, number));
        let mut keys = self.0.iter().zip(&other.0).map(|(one, two)| order(one).cmp(&order(two)).then_with(|| one.cmp(two)));
        keys.find(|order| order.is_ne()).unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }

    /// As a JSON pointer.
    pub fn pointer(&self) -> String {
        self.0.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().fold(String::new(), |path, key| join(&path, key)))
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let keys = text.strip_prefix('/').ok_or(PathError)?;
        Ok(Self(keys.split('/').map(|key| key.replace("~1", "/").replace("~0", "~")).collect()))
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.pointer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_was_written() {
        for keys in [vec!["connections", "alpha", "url"], vec!["a/b", "~1", "", "~0/"], vec!["\u{202e}\"\n"]] {
            let path = Path::of(keys);
            assert_eq!(path.pointer().parse::<Path>().unwrap(), path);
        }
        assert_eq!("properties".parse::<Path>(), Err(PathError));
        assert_eq!(Path::of(["zones", "a b"]).to_string(), "zones.\"a b\"");
    }

    #[test]
    fn the_numbers_of_a_list_are_in_order_as_numbers() {
        let mut paths: Vec<Path> =
            ["/a/10", "/a/b", "/a/2", "/a/1a", "/a", "/a/2/c", "/a/02", "/a/70000"].iter().map(|text| text.parse().unwrap()).collect();
        paths.sort_by(Path::in_place);
        let sorted: Vec<_> = paths.iter().map(Path::pointer).collect();
        assert_eq!(sorted, ["/a", "/a/02", "/a/2", "/a/2/c", "/a/10", "/a/1a", "/a/70000", "/a/b"]);
    }

    #[test]
    fn paths_meet_where_one_leads_through_the_other() {
        let of = |text: &str| text.parse::<Path>().unwrap();
        assert!(of("/a/b").meets(&of("/a")) && of("/a").meets(&of("/a/b")) && of("/a").meets(&of("/a")));
        assert!(!of("/a/b").meets(&of("/a/bc")) && of("/a/b").is_within(&of("/a")) && !of("/a").is_within(&of("/a/b")));
    }
}
