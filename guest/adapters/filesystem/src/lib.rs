//! An adapter: storage in a folder that the host opens at `/store`, one folder a tenant, with every promise of `storage.wit`.
//!
//! It needs of `wasi:filesystem` what every POSIX file system does: hard links and renames that happen wholly or not at all, and
//! a wait until bytes are on the disk. All values are in memory as well, so a read costs two looks at the folder and no more.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;
#[path = "../../bounds.rs"]
mod bounds;
mod claims;
mod journal;
mod record;
mod state;
#[path = "../../unique.rs"]
mod unique;

use std::cell::RefCell;
use std::ops::Bound;
use std::path::Path;

use bindings::exports::shift_access::adapters::claims as claims_export;
use bindings::exports::shift_access::plugin::storage::{Condition, Entry, Error, Guest, Outcome, Page, Write};
use journal::{Journal, StoreError};
use state::{Change, Kept, State};

/// Where the host opens the folder.
const FOLDER: &str = "/store";
/// Bytes that the keys and values of a tenant may have together; they are in memory too.
const BYTES: u64 = 256 << 20;
/// Keys of a tenant: each takes memory beside its bytes.
const KEYS: usize = 1_000_000;

struct Store;

thread_local! {
    /// No state of a request: what is read of the folder, which every call first brings up to date.
    static JOURNAL: RefCell<Option<Journal>> = const { RefCell::new(None) };
}

/// Does something with the folder, which is opened the first time. No call waits in between, so calls do not meet here.
fn with<T>(work: impl FnOnce(&mut Journal) -> Result<T, StoreError>) -> Result<T, StoreError> {
    JOURNAL.with_borrow_mut(|journal| match journal {
        Some(journal) => work(journal),
        None => work(journal.insert(Journal::open(Path::new(FOLDER))?)),
    })
}

fn unavailable(error: StoreError) -> Error {
    Error::Unavailable(format!("{error} (the host opens it with --dir FOLDER::{FOLDER})"))
}

impl Guest for Store {
    async fn get(keys: Vec<String>) -> Result<Vec<Option<Entry>>, Error> {
        bounds::read(&keys).map_err(Error::Invalid)?;
        let found = |journal: &mut Journal| {
            journal.refresh()?;
            let entries = &journal.state.entries;
            let bytes = keys.iter().filter_map(|key| entries.get(key)).map(|kept| kept.value.len()).sum();
            let all = || keys.iter().map(|key| entries.get(key).map(|kept| entry(key, kept))).collect();
            Ok(bounds::together(bytes).map(|()| all()))
        };
        with(found).map_err(unavailable)?.map_err(Error::Invalid)
    }

    async fn commit(writes: Vec<Write>) -> Result<Outcome, Error> {
        let sizes = writes.iter().map(|write| (write.key.as_str(), write.value.as_ref().map_or(0, Vec::len)));
        bounds::commit(sizes).map_err(Error::Invalid)?;
        let changes = writes.iter().map(|write| match &write.value {
            Some(value) => Change::Put(write.key.clone(), value.clone()),
            None => Change::Remove(write.key.clone()),
        });
        let ended = with(|journal| journal.commit(changes.collect(), |state| judge(state, &writes))).map_err(unavailable)?;
        match ended {
            Ok(()) => Ok(Outcome::Committed),
            Err(Against::Conflict(keys)) => Ok(Outcome::Conflict(keys)),
            Err(Against::Bytes) => Err(Error::QuotaExceeded(format!("keys and values would have more than {BYTES} bytes together"))),
            Err(Against::Keys) => Err(Error::QuotaExceeded(format!("there would be more than {KEYS} keys"))),
        }
    }

    async fn scan(prefix: String, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        let limit = bounds::limit(limit).map_err(Error::Invalid)?;
        let after = cursor.as_deref().map(|cursor| bounds::opened(cursor, &prefix)).transpose().map_err(Error::Invalid)?;
        let read = |journal: &mut Journal| {
            journal.refresh()?;
            Ok(page(&journal.state, &prefix, after, limit))
        };
        with(read).map_err(unavailable)
    }
}

impl claims_export::Guest for Store {
    async fn take(name: String, holder: String, instead: Option<String>, seconds: u32) -> Result<claims_export::Outcome, String> {
        let taken = with(|journal| claims::take(journal, name, holder, instead, seconds)).map_err(|error| error.to_string())?;
        Ok(taken.map_or_else(claims_export::Outcome::Held, |()| claims_export::Outcome::Taken))
    }
}

/// What stands against a commit.
#[derive(Debug, PartialEq, Eq)]
enum Against {
    Conflict(Vec<String>),
    Bytes,
    Keys,
}

fn judge(state: &State, writes: &[Write]) -> Result<(), Against> {
    let holds = |write: &&Write| match (&write.condition, state.entries.get(&write.key)) {
        (Condition::Any, _) | (Condition::Absent, None) => true,
        (Condition::Revision(wanted), Some(kept)) => kept.revision.to_string() == *wanted,
        (Condition::Absent, Some(_)) | (Condition::Revision(_), None) => false,
    };
    let lost: Vec<_> = writes.iter().filter(|write| !holds(write)).map(|write| write.key.clone()).collect();
    if !lost.is_empty() {
        return Err(Against::Conflict(lost));
    }
    within_quota(state, writes)
}

/// What makes the store smaller, or leaves it as it is, is always within.
fn within_quota(state: &State, writes: &[Write]) -> Result<(), Against> {
    let (mut bytes, mut keys, mut less_bytes, mut less_keys) = (0_u64, 0, 0_u64, 0);
    for Write { key, value, .. } in writes {
        if let Some(value) = value {
            (bytes, keys) = (bytes + state::size(key, value), keys + 1);
        }
        if let Some(kept) = state.entries.get(key) {
            (less_bytes, less_keys) = (less_bytes + state::size(key, &kept.value), less_keys + 1);
        }
    }
    if bytes > less_bytes && state.bytes.saturating_add(bytes) > BYTES.saturating_add(less_bytes) {
        return Err(Against::Bytes);
    }
    if keys > less_keys && state.entries.len().saturating_add(keys) > KEYS.saturating_add(less_keys) {
        return Err(Against::Keys);
    }
    Ok(())
}

fn page(state: &State, prefix: &str, after: Option<&str>, limit: usize) -> Page {
    let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
    let within = state.entries.range::<str, _>((from, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
    let (mut entries, mut bytes): (Vec<Entry>, usize) = (Vec::new(), 0);
    for (key, kept) in within {
        if entries.len() == limit || bytes > bounds::PAGE {
            let cursor = entries.last().map(|last| bounds::cursor_at(prefix, &last.key));
            return Page { entries, cursor };
        }
        bytes = bytes.saturating_add(kept.value.len());
        entries.push(entry(key, kept));
    }
    Page { entries, cursor: None }
}

fn entry(key: &str, kept: &Kept) -> Entry {
    Entry { key: key.to_owned(), value: kept.value.clone(), revision: kept.revision.to_string() }
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(Store with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &str, value: Option<Vec<u8>>, condition: Condition) -> Write {
        Write { key: key.to_owned(), value, condition }
    }

    fn state(keys: &[&str]) -> State {
        let mut state = State::default();
        state.apply(keys.iter().map(|key| Change::Put((*key).to_owned(), vec![0; 10])).collect());
        state
    }

    #[test]
    fn a_conflict_names_every_key_that_lost() {
        let state = state(&["a", "b"]);
        let writes = [
            write("a", None, Condition::Absent),
            write("b", None, Condition::Revision("1".into())),
            write("c", None, Condition::Revision("1".into())),
            write("d", None, Condition::Absent),
        ];
        assert_eq!(judge(&state, &writes), Err(Against::Conflict(vec!["a".into(), "c".into()])));
    }

    #[test]
    fn a_full_store_takes_what_makes_it_smaller() {
        let mut state = state(&["a"]);
        assert_eq!(state.bytes, 11, "the key counts as well");
        state.bytes = BYTES;
        for value in [vec![], vec![1]] {
            assert_eq!(judge(&state, &[write("b", Some(value), Condition::Any)]), Err(Against::Bytes));
        }
        assert_eq!(judge(&state, &[write("a", Some(vec![1]), Condition::Any)]), Ok(()));
        assert_eq!(judge(&state, &[write("a", None, Condition::Any)]), Ok(()));
        state.apply(vec![Change::Remove("a".into())]);
        assert_eq!(state.bytes, BYTES - 11);
    }

    #[test]
    fn no_more_than_so_many_keys_are_taken() {
        let mut state = State::default();
        state.apply((0..KEYS).map(|n| Change::Put(n.to_string(), Vec::new())).collect());
        let read = record::read_snapshot(&record::snapshot(&state, state.last)).unwrap();
        assert_eq!((read.entries.len(), read.bytes), (KEYS, state.bytes));
        let one_more = write("one more", Some(Vec::new()), Condition::Any);
        assert_eq!(judge(&state, std::slice::from_ref(&one_more)), Err(Against::Keys));
        assert_eq!(judge(&state, &[one_more, write("7", None, Condition::Any)]), Ok(()));
        assert_eq!(judge(&state, &[write("7", Some(Vec::new()), Condition::Any)]), Ok(()));
    }

    #[test]
    fn pages_bring_every_key_of_the_prefix_once_and_a_foreign_cursor_nothing() {
        let state = state(&["p", "q/1", "q/2", "q/3", "q0"]);
        let first = page(&state, "q/", None, 2);
        let keys = |page: &Page| page.entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&first), ["q/1", "q/2"]);
        let cursor = first.cursor.unwrap();
        let rest = page(&state, "q/", Some(bounds::opened(&cursor, "q/").unwrap()), 2);
        assert_eq!((keys(&rest), rest.cursor), (vec!["q/3".to_owned()], None));
        for (cursor, prefix) in [(cursor.as_str(), "p"), (cursor.as_str(), "q"), ("forged", "q/"), ("9.q/", "q/"), ("2.q/p", "q/")] {
            assert!(bounds::opened(cursor, prefix).is_err(), "{cursor} {prefix}");
        }
    }
}
