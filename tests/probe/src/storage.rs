//! The promises of `storage`.

use futures::future::join_all;

use crate::Promises;
use crate::bindings::shift_access::plugin::storage::{Condition, Error, Outcome, Write, commit, get, scan};

fn put(key: &str, value: &str) -> Write {
    Write { key: key.to_owned(), value: Some(value.as_bytes().to_vec()), condition: Condition::Any }
}

fn remove(key: &str) -> Write {
    Write { key: key.to_owned(), value: None, condition: Condition::Any }
}

fn when(condition: Condition, write: Write) -> Write {
    Write { condition, ..write }
}

async fn value(key: &str) -> Option<String> {
    let mut entries = get(vec![key.to_owned()]).await.ok()?;
    String::from_utf8(entries.pop()??.value).ok()
}

async fn revision(key: &str) -> String {
    let entries = get(vec![key.to_owned()]).await.unwrap_or_default();
    entries.into_iter().flatten().next().map(|entry| entry.revision).unwrap_or_default()
}

pub async fn probe(promises: &mut Promises) {
    reads(promises).await;
    conditions(promises).await;
    all_or_nothing(promises).await;
    races(promises).await;
    pages(promises).await;
    limits(promises).await;
}

/// What an instance before this one stored is there, whatever became of that one.
pub async fn kept(promises: &mut Promises) {
    let seen = value("p/a").await;
    promises.check("another instance sees what was committed", seen.as_deref() == Some("3"), &seen);
    let pages = [scan("r/".to_owned(), None, 2_000).await, scan("p/".to_owned(), None, 2_000).await];
    let counts = pages.map(|page| page.map(|page| page.entries.len()));
    promises.check("another instance sees all of a commit, and nothing of one that was refused", counts == [Ok(2_000), Ok(3)], &counts);
}

/// Nothing of another tenant is there.
pub async fn apart(promises: &mut Promises) {
    let (page, seen) = (scan(String::new(), None, 10).await, value("p/a").await);
    let nothing = page.as_ref().is_ok_and(|page| page.entries.is_empty()) && seen.is_none();
    promises.check("one tenant's keys are out of reach of another", nothing, (&page, &seen));
}

async fn reads(promises: &mut Promises) {
    let wrote = commit(vec![put("p/a", "1"), put("p/b", "2")]).await;
    promises.check("a commit without conditions is committed", wrote == Ok(Outcome::Committed), &wrote);
    let seen = value("p/a").await;
    promises.check("a read sees the commit before it", seen.as_deref() == Some("1"), &seen);
    let asked = vec!["p/b".to_owned(), "p/none".to_owned(), "p/a".to_owned()];
    let entries = get(asked).await.unwrap_or_default();
    let keys: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|entry| entry.key.as_str())).collect();
    promises.check("values come in the order asked, none where there is none", keys == [Some("p/b"), None, Some("p/a")], &keys);
    let before = revision("p/a").await;
    let again = commit(vec![put("p/a", "1")]).await;
    let after = revision("p/a").await;
    promises.check("a revision changes with every write", again.is_ok() && before != after, (&before, &after));
    let gone = commit(vec![remove("p/b")]).await;
    let seen = value("p/b").await;
    promises.check("a write without a value removes the key", gone == Ok(Outcome::Committed) && seen.is_none(), &seen);
}

async fn conditions(promises: &mut Promises) {
    let taken = commit(vec![when(Condition::Absent, put("p/a", "x"))]).await;
    promises.check("`absent` fails on a key that is there", taken == Ok(Outcome::Conflict(vec!["p/a".to_owned()])), &taken);
    let free = commit(vec![when(Condition::Absent, put("p/new", "x"))]).await;
    promises.check("`absent` holds on a key that is not there", free == Ok(Outcome::Committed), &free);
    let old = revision("p/a").await;
    let right = commit(vec![when(Condition::Revision(old.clone()), put("p/a", "3"))]).await;
    promises.check("the revision that was read lets a write through", right == Ok(Outcome::Committed), &right);
    let stale = commit(vec![when(Condition::Revision(old), put("p/a", "4"))]).await;
    promises.check("a lost race is an outcome and not an error", matches!(stale, Ok(Outcome::Conflict(_))), &stale);
    let seen = value("p/a").await;
    promises.check("a lost race stores nothing", seen.as_deref() == Some("3"), &seen);
    let old = revision("p/new").await;
    let _ = commit(vec![remove("p/new")]).await;
    let _ = commit(vec![put("p/new", "y")]).await;
    let back = commit(vec![when(Condition::Revision(old), put("p/new", "z"))]).await;
    promises.check("a revision never comes back, not even after removal", matches!(back, Ok(Outcome::Conflict(_))), &back);
}

async fn all_or_nothing(promises: &mut Promises) {
    let mixed = commit(vec![put("p/c", "1"), when(Condition::Absent, put("p/a", "x")), put("p/d", "1")]).await;
    let stored = [value("p/c").await, value("p/d").await];
    let nothing = matches!(mixed, Ok(Outcome::Conflict(_))) && stored == [None, None];
    promises.check("one condition that fails keeps the whole commit out", nothing, (&mixed, &stored));
    let keys = match mixed {
        Ok(Outcome::Conflict(keys)) => keys,
        _ => Vec::new(),
    };
    promises.check("a conflict names the keys that lost", keys == ["p/a"], &keys);
}

async fn races(promises: &mut Promises) {
    let _ = commit(vec![put("p/race", "0")]).await;
    let seen = revision("p/race").await;
    let rivals = (0..16).map(|n| commit(vec![when(Condition::Revision(seen.clone()), put("p/race", &n.to_string()))]));
    let outcomes = join_all(rivals).await;
    let winners = outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::Committed)).count();
    promises.check("of many writers with one revision exactly one wins", winners == 1, &outcomes);
}

async fn pages(promises: &mut Promises) {
    let wanted: Vec<_> = (0..25).map(|n| format!("q/{n:02}")).collect();
    let _ = commit(wanted.iter().map(|key| put(key, "v")).collect()).await;
    let _ = commit(vec![put("q", "outside"), put("q0", "outside")]).await;
    let mut seen = Vec::new();
    let mut cursor = None;
    let mut rounds = 0;
    loop {
        rounds += 1;
        let page = match scan("q/".to_owned(), cursor.clone(), 10).await {
            Ok(page) => page,
            Err(error) => return promises.check("a scan goes through", false, error),
        };
        seen.extend(page.entries.into_iter().map(|entry| entry.key));
        cursor = page.cursor;
        if cursor.is_none() || rounds > 25 {
            break;
        }
        // A key that is written between two pages must not bring another twice.
        let _ = commit(vec![put("q/00", "changed")]).await;
    }
    promises.check("a scan brings every key of the prefix once, in order", seen == wanted, &seen);
    let first = scan("q/".to_owned(), None, 10).await;
    let cursor = first.ok().and_then(|page| page.cursor);
    let foreign = scan("p/".to_owned(), cursor, 10).await;
    promises.check("a cursor is good for its own prefix only", matches!(foreign, Err(Error::Invalid(_))), &foreign);
    let forged = scan("q/".to_owned(), Some("forged".to_owned()), 10).await;
    promises.check("a forged cursor is refused", matches!(forged, Err(Error::Invalid(_))), &forged);
}

async fn limits(promises: &mut Promises) {
    let long = "k".repeat(513);
    let key = commit(vec![put(&long, "v")]).await;
    promises.check("a key over 512 bytes is refused", matches!(key, Err(Error::Invalid(_))), &key);
    let empty = commit(vec![put("", "v")]).await;
    promises.check("an empty key is refused", matches!(empty, Err(Error::Invalid(_))), &empty);
    let large = Write { key: "p/large".to_owned(), value: Some(vec![0; (1 << 20) + 1]), condition: Condition::Any };
    let value = commit(vec![large]).await;
    promises.check("a value over 1 MiB is refused", matches!(value, Err(Error::Invalid(_))), &value);
    let many = commit((0..2_001).map(|n| put(&format!("r/{n}"), "v")).collect()).await;
    promises.check("a commit over 2,000 writes is refused", matches!(many, Err(Error::Invalid(_))), &many);
    let whole = commit((0..2_000).map(|n| put(&format!("r/{n}"), "v")).collect()).await;
    promises.check("a commit of 2,000 writes goes through", whole == Ok(Outcome::Committed), &whole);
}
