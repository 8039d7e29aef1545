//! An adapter: storage over `wasi:keyvalue` 0.2.0-draft, as far as that draft goes.
//!
//! What it keeps: a value is written and removed whole; a read sees what this instance wrote; a revision changes with every write,
//! because a random one is kept before each value; keys come in order.
//!
//! What the draft cannot keep, and is refused here with an error that says so: a condition (there is no compare-and-swap, and
//! `atomics` can only count), and a commit of several keys (`batch` says of itself that it is not atomic). A claim needs a
//! condition, so none is given: no job runs and no mail goes out, and this store is for trying only. And it does not promise that
//! another instance sees a write: that nobody can tell from here, so it stands in the guide. wasmtime 48 gives each opened bucket
//! a copy of its own, and forgets it with the instance.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;
#[path = "../../bounds.rs"]
mod bounds;
#[path = "../../unique.rs"]
mod unique;

use std::cell::OnceCell;
use std::rc::Rc;

use bindings::exports::shift_access::adapters::claims;
use bindings::exports::shift_access::plugin::storage::{Condition, Entry, Error, Guest, Outcome, Page, Write};
use bindings::wasi::keyvalue::store::{self, Bucket};
use unique::unique;

/// Why a condition is refused.
const NO_CONDITIONS: &str = "this host's wasi:keyvalue 0.2.0-draft has no compare-and-swap, so a write cannot wait for a condition; \
    compose the plugin with a store that can (wasi-filesystem-store)";
/// Why several writes are refused.
const NO_COMMITS: &str = "this host's wasi:keyvalue 0.2.0-draft writes one key at a time, so several cannot be stored all or not at all; \
    compose the plugin with a store that can (wasi-filesystem-store)";
/// Bytes before a value, which are its revision.
const REVISION: usize = 16;

struct Store;

thread_local! {
    /// Opened once: on some hosts a bucket that is opened again is another one.
    static BUCKET: OnceCell<Rc<Bucket>> = const { OnceCell::new() };
}

fn bucket() -> Result<Rc<Bucket>, Error> {
    BUCKET.with(|known| match known.get() {
        Some(bucket) => Ok(bucket.clone()),
        None => {
            let opened = Rc::new(store::open("").map_err(unavailable)?);
            Ok(known.get_or_init(|| opened).clone())
        }
    })
}

fn unavailable(error: store::Error) -> Error {
    Error::Unavailable(format!("the host's key-value store: {error}"))
}

impl Guest for Store {
    async fn get(keys: Vec<String>) -> Result<Vec<Option<Entry>>, Error> {
        bounds::read(&keys).map_err(Error::Invalid)?;
        let bucket = bucket()?;
        let found = keys.into_iter().map(|key| read(&bucket, key)).collect::<Result<Vec<_>, _>>()?;
        bounds::together(found.iter().flatten().map(|entry| entry.value.len()).sum()).map_err(Error::Invalid)?;
        Ok(found)
    }

    async fn commit(writes: Vec<Write>) -> Result<Outcome, Error> {
        let sizes = writes.iter().map(|write| (write.key.as_str(), write.value.as_ref().map_or(0, Vec::len)));
        bounds::commit(sizes).map_err(Error::Invalid)?;
        if let Some(why) = refused(&writes) {
            return Err(Error::Other(why.to_owned()));
        }
        let bucket = bucket()?;
        for Write { key, value, .. } in writes {
            match value {
                Some(value) => bucket.set(&key, &[unique().as_bytes(), &value].concat()),
                None => bucket.delete(&key),
            }
            .map_err(unavailable)?;
        }
        Ok(Outcome::Committed)
    }

    async fn scan(prefix: String, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        let limit = bounds::limit(limit).map_err(Error::Invalid)?;
        let after = cursor.as_deref().map(|cursor| bounds::opened(cursor, &prefix)).transpose().map_err(Error::Invalid)?;
        let bucket = bucket()?;
        let mut keys = keys(&bucket)?;
        keys.retain(|key| key.starts_with(&prefix) && after.is_none_or(|after| key.as_str() > after));
        keys.sort();
        let (mut entries, mut bytes): (Vec<Entry>, usize) = (Vec::new(), 0);
        for key in keys {
            if entries.len() == limit || bytes > bounds::PAGE {
                let cursor = entries.last().map(|last| bounds::cursor_at(&prefix, &last.key));
                return Ok(Page { entries, cursor });
            }
            // One that was removed meanwhile does not come.
            if let Some(entry) = read(&bucket, key)? {
                bytes = bytes.saturating_add(entry.value.len());
                entries.push(entry);
            }
        }
        Ok(Page { entries, cursor: None })
    }
}

impl claims::Guest for Store {
    async fn take(_name: String, _holder: String, _instead: Option<String>, _seconds: u32) -> Result<claims::Outcome, String> {
        Err(NO_CONDITIONS.to_owned())
    }
}

/// Why these writes cannot be promised, where they cannot.
fn refused(writes: &[Write]) -> Option<&'static str> {
    if writes.iter().any(|write| write.condition != Condition::Any) {
        return Some(NO_CONDITIONS);
    }
    (writes.len() > 1).then_some(NO_COMMITS)
}

fn keys(bucket: &Bucket) -> Result<Vec<String>, Error> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor).map_err(unavailable)?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

fn read(bucket: &Bucket, key: String) -> Result<Option<Entry>, Error> {
    let Some(kept) = bucket.get(&key).map_err(unavailable)? else { return Ok(None) };
    let Some((revision, value)) = kept.split_at_checked(REVISION) else {
        return Err(Error::Other(format!("the value of {key:?} was not written by this adapter")));
    };
    Ok(Some(Entry { key, value: value.to_vec(), revision: String::from_utf8_lossy(revision).into_owned() }))
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(Store with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &str, condition: Condition) -> Write {
        Write { key: key.to_owned(), value: None, condition }
    }

    #[test]
    fn what_the_draft_cannot_keep_is_refused() {
        assert_eq!(refused(&[write("a", Condition::Any)]), None);
        assert_eq!(refused(&[write("a", Condition::Absent)]), Some(NO_CONDITIONS));
        assert_eq!(refused(&[write("a", Condition::Revision("1".into()))]), Some(NO_CONDITIONS));
        assert_eq!(refused(&[write("a", Condition::Any), write("b", Condition::Any)]), Some(NO_COMMITS));
    }

    #[test]
    fn a_revision_is_as_long_as_its_place() {
        assert_eq!(unique().len(), REVISION);
    }
}
