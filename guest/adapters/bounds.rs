// The bounds of `storage.wit`, shared by the adapters that keep values (as `mod bounds`); each answers in words.

use std::collections::BTreeSet;

/// Keys of a read, writes of a commit, entries of a page.
const MOST: usize = 2000;
/// Bytes of a key.
const KEY: usize = 512;
/// Bytes of a value.
const VALUE: usize = 1 << 20;
/// Bytes after which a page ends.
pub const PAGE: usize = 8 << 20;
/// Bytes of a read.
const READ: usize = 64 << 20;

fn keys<'k>(keys: impl ExactSizeIterator<Item = &'k str>) -> Result<(), String> {
    if keys.len() > MOST {
        return Err(format!("there are more than {MOST} keys"));
    }
    for key in keys {
        if key.is_empty() || key.len() > KEY {
            return Err(format!("a key has {} bytes, not 1 to {KEY}", key.len()));
        }
    }
    Ok(())
}

/// Whether these keys may be read at once.
pub fn read(asked: &[String]) -> Result<(), String> {
    keys(asked.iter().map(String::as_str))
}

/// Whether so many bytes may be read at once.
pub fn together(bytes: usize) -> Result<(), String> {
    if bytes > READ { Err(format!("the values have more than {READ} bytes together; read fewer keys")) } else { Ok(()) }
}

/// Whether these writes, keys with the bytes of their values, make a commit.
pub fn commit<'k>(writes: impl ExactSizeIterator<Item = (&'k str, usize)> + Clone) -> Result<(), String> {
    keys(writes.clone().map(|(key, _)| key))?;
    let mut seen = BTreeSet::new();
    for (key, bytes) in writes {
        if !seen.insert(key) {
            return Err(format!("the key {key:?} is written twice"));
        }
        if bytes > VALUE {
            return Err(format!("the value of {key:?} has {bytes} bytes, more than {VALUE}"));
        }
    }
    Ok(())
}

/// How many entries a page may have.
pub fn limit(asked: u32) -> Result<usize, String> {
    let limit = usize::try_from(asked).unwrap_or(usize::MAX);
    if (1..=MOST).contains(&limit) { Ok(limit) } else { Err(format!("the limit is 1 to {MOST}")) }
}

/// A cursor says what it is good for; a forged one gives nothing that a scan of its prefix would not give.
pub fn cursor_at(prefix: &str, key: &str) -> String {
    format!("{}.{prefix}{key}", prefix.len())
}

/// The key that the cursor of a scan stands at.
pub fn opened<'c>(cursor: &'c str, prefix: &str) -> Result<&'c str, String> {
    let of = |cursor: &'c str| {
        let (length, rest) = cursor.split_once('.')?;
        let (of, key) = rest.split_at_checked(length.parse().ok()?)?;
        Some(key).filter(|key| of == prefix && key.starts_with(prefix))
    };
    of(cursor).ok_or_else(|| "the cursor is not one of this scan: begin again without one".to_owned())
}
