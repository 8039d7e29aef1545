//! All there is, in memory: what the commits so far come to.

use std::collections::BTreeMap;

use crate::record::count;

/// One kept value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The number of the commit that wrote it, which no other commit has.
    pub revision: u64,
    pub value: Vec<u8>,
}

/// Who has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub holder: String,
    /// Until when, in milliseconds since 1970.
    pub until: u64,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put(String, Vec<u8>),
    Remove(String),
    /// Without an end the name is nobody's.
    Claim(String, Claim),
}

/// What the commits so far come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The number of the last commit.
    pub last: u64,
    /// The tenant's keys, in the order of their bytes.
    pub entries: BTreeMap<String, Kept>,
    /// The platform's own.
    pub claims: BTreeMap<String, Claim>,
    /// How many bytes the keys and values have together.
    pub bytes: u64,
}

impl State {
    /// Adds the next commit.
    pub fn apply(&mut self, changes: Vec<Change>) {
        self.last = self.last.saturating_add(1);
        for change in changes {
            match change {
                Change::Put(key, value) => {
                    self.remove(&key);
                    self.bytes = self.bytes.saturating_add(size(&key, &value));
                    self.entries.insert(key, Kept { revision: self.last, value });
                }
                Change::Remove(key) => self.remove(&key),
                Change::Claim(name, claim) if claim.until == 0 => drop(self.claims.remove(&name)),
                Change::Claim(name, claim) => drop(self.claims.insert(name, claim)),
            }
        }
    }

    fn remove(&mut self, key: &str) {
        let before = self.entries.remove(key).map_or(0, |kept| size(key, &kept.value));
        self.bytes = self.bytes.saturating_sub(before);
    }
}

/// What an entry takes of the quota, in bytes.
pub fn size(key: &str, value: &[u8]) -> u64 {
    count(key.len()).saturating_add(count(value.len()))
}
