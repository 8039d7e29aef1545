//! Names of people, and when two of them are the same.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The form of a name that is compared and stored under: trimmed, in lower case.
///
/// The directory and the time system must hold the same user name (facts/workspace-one.md §1.2), yet people type its
/// case as they like, and neither side says whether it looks at case.
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A user name. Two are equal if their keys are.
#[derive(Debug, Clone)]
pub struct UserName {
    written: String,
    key: String,
}

impl UserName {
    /// The user name as somebody wrote it.
    pub fn new(written: &str) -> Self {
        Self { written: written.trim().to_owned(), key: key(written) }
    }

    /// As it was written, trimmed.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// What it is compared by and stored under.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for UserName {}

impl PartialOrd for UserName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for UserName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// A person number: the customer's own number for a person in the time system, never the internal person id
/// (facts/ukg-pro-wfm.md §2). It is compared exactly, leading zeros included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonNumber(String);

impl PersonNumber {
    /// The number as the time system writes it.
    pub fn new(written: &str) -> Self {
        Self(written.trim().to_owned())
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_match_without_regard_to_case_or_surrounding_space() {
        assert_eq!(UserName::new(" ADiaz "), UserName::new("adiaz"));
        assert_eq!(UserName::new("JÜRGEN").key(), "jürgen");
        assert_ne!(UserName::new("adiaz"), UserName::new("adiaz2"));
    }

    #[test]
    fn a_user_name_is_shown_as_it_was_written() {
        assert_eq!(UserName::new(" ADiaz ").to_string(), "ADiaz");
    }

    #[test]
    fn person_numbers_keep_their_leading_zeros() {
        assert_ne!(PersonNumber::new("0042"), PersonNumber::new("42"));
    }
}
