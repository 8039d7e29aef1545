//! The limits of keys, values, commits and scans, and the cursors: one place for every store.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Order, Owner, Quota, Scan, Space, StoreError, Write};

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// The most keys of one `get`.
pub const MAX_GET: usize = 2_000;
/// The most writes of one commit.
pub const MAX_COMMIT: usize = 2_000;
/// The most entries of one page.
pub const MAX_SCAN: u32 = 2_000;

/// A page ends early once it holds this much, so that a scan of large values cannot fill the memory.
pub(super) const MAX_PAGE_BYTES: usize = 8 << 20;
/// A `get` cannot end early; it is refused above this.
pub(super) const MAX_GET_BYTES: usize = 64 << 20;

const CHECK_BYTES: usize = 8;

/// The largest value, in bytes.
fn max_value_bytes(owner: Owner) -> usize {
    match owner {
        Owner::Plugin => 1 << 20,
        Owner::Host => 16 << 20,
    }
}

/// Checks the keys of a `get`.
pub(super) fn check_get(keys: &[String]) -> Result<(), StoreError> {
    if keys.len() > MAX_GET {
        return Err(invalid(format!("{} keys are asked for at once, at most {MAX_GET} may be", keys.len())));
    }
    keys.iter().try_for_each(|key| check_key(key))
}

/// Refuses a `get` whose values are too large together.
pub(super) fn check_get_bytes(bytes: usize) -> Result<(), StoreError> {
    if bytes > MAX_GET_BYTES {
        return Err(invalid(format!("the values asked for are more than {MAX_GET_BYTES} bytes together: ask for fewer keys at once")));
    }
    Ok(())
}

/// Checks the writes of a commit.
pub(super) fn check_commit(space: &Space, writes: &[Write]) -> Result<(), StoreError> {
    if writes.len() > MAX_COMMIT {
        return Err(invalid(format!("the commit has {} writes, at most {MAX_COMMIT} are allowed", writes.len())));
    }
    let mut seen = BTreeSet::new();
    for write in writes {
        check_key(&write.key)?;
        if !seen.insert(&write.key) {
            return Err(invalid(format!("the key {:?} is written twice in one commit", write.key)));
        }
        let (bytes, most) = (write.value.as_ref().map_or(0, Vec::len), max_value_bytes(space.owner()));
        if bytes > most {
            return Err(invalid(format!("the value of {:?} has {bytes} bytes, at most {most} are allowed", write.key)));
        }
    }
    Ok(())
}

/// How much there is, of a space or of the keys of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    /// Bytes of keys and values.
    pub(super) bytes: u64,
    /// Keys.
    pub(super) keys: u64,
}

impl Size {
    /// Of one key with its value.
    pub(super) fn of(key: &str, value: &[u8]) -> Self {
        Self { bytes: (key.len() + value.len()) as u64, keys: 1 }
    }

    /// What a commit leaves of its keys.
    pub(super) fn after(writes: &[Write]) -> Self {
        writes.iter().filter_map(|write| Some(Self::of(&write.key, write.value.as_ref()?))).sum()
    }

    /// The whole, with one part in the place of another.
    pub(super) fn exchange(self, before: Self, after: Self) -> Self {
        let exchange = |whole: u64, before: u64, after: u64| whole.saturating_sub(before).saturating_add(after);
        Self { bytes: exchange(self.bytes, before.bytes, after.bytes), keys: exchange(self.keys, before.keys, after.keys) }
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |sum, size| sum.exchange(Self::default(), size))
    }
}

/// Refuses a commit that makes the space larger than its quota. One that makes it smaller always passes, so that a
/// tenant above its quota can clean up.
///
/// `used` is the whole space; `before` and `after` are the keys of the commit.
pub(super) fn check_quota(quota: Quota, used: Size, before: Size, after: Size) -> Result<(), StoreError> {
    let over = |quota: u64, used: u64, wanted: u64| wanted > 0 && used.saturating_add(wanted) > quota;
    let (bytes, keys) = (after.bytes.saturating_sub(before.bytes), after.keys.saturating_sub(before.keys));
    if over(quota.bytes, used.bytes, bytes) {
        return Err(StoreError::QuotaExceeded { quota: quota.bytes, used: used.bytes, wanted: bytes });
    }
    if over(quota.keys, used.keys, keys) {
        return Err(StoreError::TooManyKeys { quota: quota.keys, used: used.keys, wanted: keys });
    }
    Ok(())
}

/// Checks a scan, and gives the last key of the page before.
pub(super) fn check_scan(space: &Space, scan: &Scan) -> Result<Option<String>, StoreError> {
    if scan.limit == 0 || scan.limit > MAX_SCAN {
        return Err(invalid(format!("the limit is {}, it must be 1 to {MAX_SCAN}", scan.limit)));
    }
    if scan.prefix.len() > MAX_KEY_BYTES {
        return Err(invalid(format!("the prefix has {} bytes, keys have at most {MAX_KEY_BYTES}", scan.prefix.len())));
    }
    scan.cursor.as_deref().map(|cursor| open_cursor(space, scan, cursor)).transpose()
}

/// The cursor of the page that follows this key.
///
/// It carries the key and a check sum over what it is good for. A forged one gives nothing that a scan of the same
/// prefix would not give; the sum is there to refuse a cursor used in the wrong place.
pub(super) fn cursor_after(space: &Space, scan: &Scan, key: &str) -> String {
    let mut bytes = check_sum(space, scan, key).to_vec();
    bytes.extend_from_slice(key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The first bytes after every key that begins with this prefix, `None` for the empty one. Keys are UTF-8, so no byte
/// of a prefix is 0xFF and the last can always be raised.
pub(super) fn end_of(prefix: &str) -> Option<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    let last = end.last_mut()?;
    *last = last.saturating_add(1);
    Some(end)
}

fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(invalid(format!("a key has {} bytes, it must have 1 to {MAX_KEY_BYTES}", key.len())));
    }
    Ok(())
}

fn open_cursor(space: &Space, scan: &Scan, cursor: &str) -> Result<String, StoreError> {
    let refuse = || invalid("the cursor is not one of this scan: begin again without one".to_owned());
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refuse())?;
    let (sum, key) = bytes.split_at_checked(CHECK_BYTES).ok_or_else(refuse)?;
    let key = String::from_utf8(key.to_vec()).map_err(|_| refuse())?;
    if !key.starts_with(&scan.prefix) || sum != check_sum(space, scan, &key) {
        return Err(refuse());
    }
    Ok(key)
}

fn check_sum(space: &Space, scan: &Scan, key: &str) -> [u8; CHECK_BYTES] {
    let owner = match space.owner() {
        Owner::Plugin => "plugin",
        Owner::Host => "host",
    };
    let order = match scan.order {
        Order::Ascending => "up",
        Order::Descending => "down",
    };
    let mut hash = Sha256::new();
    for part in [space.tenant(), owner, &scan.prefix, order, key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut sum = [0; CHECK_BYTES];
    sum.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    sum
}

fn invalid(message: String) -> StoreError {
    StoreError::Invalid(message)
}
