//! The tenant's keys and values, with the platform's limits kept and its errors named. It knows no record and no worker.

#[cfg(not(test))]
use crate::bindings::shift_access::plugin::storage;
#[cfg(test)]
use crate::testing::storage;
use crate::trouble::Trouble;

pub use storage::{Condition, Entry, Outcome, Write};

/// Values at most in one read, one page or one commit. The platform allows 2,000; less keeps what is held at once small.
pub const PAGE: usize = 1_000;

/// The longest name that is a key as it is, in bytes. The platform takes keys of 512 bytes, prefix included.
const LONGEST_NAME: usize = 480;

/// Why storage could not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer or failed.
    #[error("storage failed: {0}")]
    Failed(String),
    /// The tenant's quota is used up.
    #[error("the storage quota is used up: {0}")]
    QuotaUsedUp(String),
    /// What is stored cannot be read, or keeps changing under our hands.
    #[error("{0}")]
    Unreadable(String),
}

impl From<storage::Error> for StoreError {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::QuotaExceeded(text) => Self::QuotaUsedUp(text),
            storage::Error::Unavailable(text) | storage::Error::Invalid(text) | storage::Error::Other(text) => Self::Failed(text),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let number = if matches!(error, StoreError::QuotaUsedUp(_)) { 31 } else { 30 };
        Trouble::new(number, error.to_string())
    }
}

/// The values of these keys, in the order asked.
pub async fn get(keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
    let mut values = Vec::with_capacity(keys.len());
    for part in keys.chunks(PAGE) {
        values.append(&mut storage::get(part.to_vec()).await?);
    }
    Ok(values)
}

/// One value.
pub async fn get_one(key: String) -> Result<Option<Entry>, StoreError> {
    Ok(storage::get(vec![key]).await?.pop().flatten())
}

/// Applies all writes or none; nothing to write is committed at once.
pub async fn commit(writes: Vec<Write>) -> Result<Outcome, StoreError> {
    if writes.is_empty() {
        return Ok(Outcome::Committed);
    }
    Ok(storage::commit(writes).await?)
}

/// Applies writes that nothing else can race for; a conflict all the same is an error.
pub async fn put(writes: Vec<Write>) -> Result<(), StoreError> {
    match commit(writes).await? {
        Outcome::Committed => Ok(()),
        Outcome::Conflict(keys) => Err(StoreError::Unreadable(format!("{} keys were changed by another run at the same time", keys.len()))),
    }
}

/// A write without a precondition.
pub fn write(key: String, value: Vec<u8>) -> Write {
    Write { key, value: Some(value), condition: Condition::Any }
}

/// A removal without a precondition.
pub fn removal(key: String) -> Write {
    Write { key, value: None, condition: Condition::Any }
}

/// What must still hold of a key for a write that rests on this reading of it.
pub fn as_read(entry: Option<&Entry>) -> Condition {
    entry.map_or(Condition::Absent, |entry| Condition::Revision(entry.revision.clone()))
}

/// Reads the keys under a prefix page by page.
pub struct Pages {
    prefix: String,
    cursor: Option<String>,
    ended: bool,
}

impl Pages {
    /// Begins a scan.
    pub fn of(prefix: impl Into<String>) -> Self {
        Self::resume(prefix, None)
    }

    /// Goes on with a scan where its cursor stands.
    pub fn resume(prefix: impl Into<String>, cursor: Option<String>) -> Self {
        Self { prefix: prefix.into(), cursor, ended: false }
    }

    /// The next page of at most `limit` entries; none at the end.
    pub async fn next(&mut self, limit: usize) -> Result<Option<Vec<Entry>>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let page = storage::scan(self.prefix.clone(), self.cursor.take(), limit).await?;
        self.ended = page.cursor.is_none();
        self.cursor = page.cursor;
        Ok(Some(page.entries))
    }

    /// Where the next page begins; absent at the end.
    pub fn cursor(self) -> Option<String> {
        self.cursor
    }
}

/// Removes everything under a prefix.
pub async fn clear(prefix: &str) -> Result<(), StoreError> {
    let mut pages = Pages::of(prefix);
    while let Some(entries) = pages.next(PAGE).await? {
        put(entries.into_iter().map(|entry| removal(entry.key)).collect()).await?;
    }
    Ok(())
}

/// The key of a name under a prefix. A name too long for a key is cut and told apart by a digest of the whole: the
/// directory allows more bytes than a key has, and one such name must not make a whole read fail. What follows the
/// prefix is the same under every prefix.
pub fn key(prefix: &str, name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return format!("{prefix}{name}");
    }
    let cut = name.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= LONGEST_NAME - 17).last();
    let digest = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{prefix}{}~{digest:016x}", name.get(..cut.unwrap_or(0)).unwrap_or_default())
}

/// The key that stands under `to` for what `key` is under `from`.
pub fn moved(key: &str, from: &str, to: &str) -> String {
    format!("{to}{}", key.strip_prefix(from).unwrap_or(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_usual_length_is_its_key() {
        assert_eq!(key("worker/", "adiaz"), "worker/adiaz");
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let (one, other) = ("ö".repeat(300) + "1", "ö".repeat(300) + "2");
        assert!(key("worker/", &one).len() <= 512);
        assert_ne!(key("worker/", &one), key("worker/", &other));
        assert!(key("worker/", &one).starts_with("worker/ö"));
    }

    #[test]
    fn a_name_is_the_same_under_every_prefix() {
        for name in ["adiaz".to_owned(), "ö".repeat(300)] {
            assert_eq!(moved(&key("worker/", &name), "worker/", "gather/m/"), key("gather/m/", &name));
        }
    }
}
