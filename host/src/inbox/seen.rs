//! Which events came already, by their ids.
//!
//! A mark is `seen/ID`: the id itself, since the ids of one sender mostly count up and so lie together, or a hash of one that
//! is long or odd. It is written on condition that it is absent in the very commit that stores the event: so of two hosts
//! that get one event at once one stores it. What one commit marked stands in a list, `seen-of/MOMENT/LIST`, by which the
//! marks are removed again when they are old: no search for a mark, and none that goes through all of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::store::{Condition, Entry, MAX_COMMIT, Scan, Space, Store, StoreError, Write};

const MARKS: &str = "seen/";
const LISTS: &str = "seen-of/";

/// How long an id is remembered.
const KEPT: TimeDelta = TimeDelta::days(7);

/// Lists that are looked at at once.
const LOOK: u32 = 500;

/// The longest id that is kept as it is, in bytes: longer ones would take more room than a hash does.
const LONGEST: usize = 80;

/// What a hash begins with.
const HASHED: &str = "sha256=";

/// What an id is remembered by. No id that is kept as it is looks like a hash.
pub(super) fn name(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if !id.is_empty() && id.len() <= LONGEST && id.bytes().all(plain) && !id.starts_with(HASHED) {
        return id.to_owned();
    }
    format!("{HASHED}{}", URL_SAFE_NO_PAD.encode(Sha256::digest(id)))
}

/// The writes that note ids as seen, and fail where one was seen before. At most as many as a segment has events.
pub(super) fn writes<'a>(names: impl Iterator<Item = &'a str> + Clone, now: DateTime<Utc>) -> impl Iterator<Item = Write> {
    let list = names.clone().collect::<Vec<_>>().join("\n");
    let list = Write::put(format!("{LISTS}{:014}/{}", super::millis(now), Uuid::now_v7().simple()), list);
    names.map(|name| Write::put(mark(name), [])).chain([list]).map(|write| write.when(Condition::Absent))
}

/// The name in the key of one of these writes.
pub(super) fn name_of(key: &str) -> Option<&str> {
    key.strip_prefix(MARKS)
}

/// Removes some of what is remembered no longer; false when nothing is left of it.
pub(super) async fn prune(store: &dyn Store, space: &Space, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let page = store.scan(space, &Scan::new(LISTS, LOOK)).await?;
    let oldest_kept = format!("{LISTS}{:014}", super::millis(now - KEPT));
    let mut writes = Vec::new();
    for list in page.entries.into_iter().take_while(|list| list.key < oldest_kept) {
        let more = removal(&list);
        if writes.len() + more.len() > MAX_COMMIT {
            break;
        }
        writes.extend(more);
    }
    if writes.is_empty() {
        return Ok(false);
    }
    store.commit(space, writes).await.map(|_| true)
}

/// Takes a list away with its marks, unless another host has done so: somebody may have come again since.
fn removal(list: &Entry) -> Vec<Write> {
    let names = String::from_utf8_lossy(&list.value);
    let marks = names.split_terminator('\n').map(|name| Write::remove(mark(name)));
    marks.chain([Write::remove(&*list.key).when(Condition::Revision(list.revision.clone()))]).collect()
}

fn mark(name: &str) -> String {
    format!("{MARKS}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Outcome};

    #[test]
    fn an_id_is_kept_as_it_is_or_as_a_hash_that_no_id_looks_like() {
        assert_eq!(name("/hooks e1"), "/hooks e1");
        let hashed = name("a\nb");
        assert!(hashed.starts_with(HASHED) && name(&hashed) != hashed);
        assert_ne!(name("ä"), name("ö"));
        assert_ne!(name(&"a".repeat(81)), name(&"a".repeat(82)));
        for odd in ["", " ", "a\nb", "ä", &hashed, &"a".repeat(500)] {
            assert!(!name(odd).is_empty() && !name(odd).contains('\n') && name(odd).len() <= LONGEST, "{odd:?}");
        }
    }

    #[tokio::test]
    async fn who_came_again_since_another_host_forgot_it_is_not_forgotten() {
        let (store, space) = (MemoryStore::default(), Space::host("acme"));
        let now: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let mark = || store.commit(&space, writes(["h"].into_iter(), now).collect());
        mark().await.unwrap();
        let list = store.scan(&space, &Scan::new(LISTS, 1)).await.unwrap().entries.remove(0);
        assert!(prune(&store, &space, now + KEPT + TimeDelta::seconds(1)).await.unwrap());
        assert_eq!(mark().await.unwrap(), Outcome::Committed);
        assert!(matches!(store.commit(&space, removal(&list)).await.unwrap(), Outcome::Conflict(_)));
        assert!(matches!(mark().await.unwrap(), Outcome::Conflict(_)));
    }
}
