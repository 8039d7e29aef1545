//! Reaches for what belongs to another tenant: `good`, which keeps values under `greed/0` and so on.

use crate::Tries;
use crate::bindings::shift_access::plugin::email;
use crate::bindings::shift_access::plugin::http::{self, Request};
use crate::bindings::shift_access::plugin::storage::{Condition, Entry, Error, Write, commit, get, scan};

/// Names for a key of the neighbour's, and keys that a careless store takes for something else.
const KEYS: [&str; 22] = [
    "greed/0",
    "good/greed/0",
    "/good/greed/0",
    "../good/greed/0",
    "../../good/plugin/greed/0",
    "..%2fgood%2fgreed%2f0",
    "..\\good\\greed\\0",
    "good:greed/0",
    "good\u{0}greed/0",
    "\u{0}good\u{0}greed/0",
    "\u{1}",
    "\u{1f}good\u{1f}greed/0",
    "good\ngreed/0",
    "..",
    ".",
    "/",
    "%",
    "_",
    "greed/_",
    "' OR '1' = '1",
    "'; DELETE FROM entries; --",
    "\u{10ffff}",
];

/// What is stored under a key here, as long as it is nobody else's.
const MINE: &[u8] = b"mine";

pub async fn keys(tries: &mut Tries) {
    for key in KEYS {
        let found = get(vec![key.to_owned()]).await;
        tries.add(format!("get {key:?}"), matches!(found.as_deref(), Ok([None]) | Err(Error::Invalid(_))), &found);
        let page = scan(key.to_owned(), None, 100).await;
        let is_held = page.as_ref().map_or_else(|error| matches!(error, Error::Invalid(_)), |page| all_mine(&page.entries));
        tries.add(format!("scan {key:?}"), is_held, &page);
        let write = Write { key: key.to_owned(), value: Some(MINE.to_vec()), condition: Condition::Absent };
        let written = commit(vec![write]).await;
        tries.add(format!("put {key:?}"), matches!(written, Ok(_) | Err(Error::Invalid(_))), &written);
    }
    let page = scan(String::new(), None, 100).await;
    let is_held = page.as_ref().is_ok_and(|page| page.entries.len() <= KEYS.len() && all_mine(&page.entries));
    tries.add("scan everything", is_held, &page);
}

fn all_mine(entries: &[Entry]) -> bool {
    entries.iter().all(|entry| entry.value == MINE && KEYS.contains(&entry.key.as_str()))
}

/// Cursors that are made up, cut, or another's.
pub async fn cursors(tries: &mut Tries, foreign: &str) {
    let writes = (0..3).map(|number| Write { key: format!("greed/{number}"), value: Some(MINE.to_vec()), condition: Condition::Any });
    let _ = commit(writes.collect()).await;
    let mine = scan("greed/".to_owned(), None, 1).await.ok().and_then(|page| page.cursor).unwrap_or_default();
    let long = "A".repeat(100_000);
    for cursor in [foreign, "", "forged", "AAAAAAAAAAAAAAAA", "../good", "' OR 1=1", "\u{0}", &long, &mine[..mine.len() / 2]] {
        let page = scan("greed/".to_owned(), Some(cursor.to_owned()), 10).await;
        let short: String = cursor.chars().take(40).collect();
        tries.add(format!("cursor {short:?}"), matches!(page, Err(Error::Invalid(_))), &page);
    }
    for prefix in ["", "greed", "greed/0"] {
        let page = scan(prefix.to_owned(), Some(mine.clone()), 10).await;
        tries.add(format!("cursor of another prefix than {prefix:?}"), matches!(page, Err(Error::Invalid(_))), &page);
    }
}

/// Connections and mails under names that are another's.
pub async fn names(tries: &mut Tries) {
    for name in ["good", "good/main", "../good/main", "good.main", "MAIN", "main\u{0}", " main", ""] {
        let request = Request { connection: name.to_owned(), ..crate::inject::request() };
        let answer = http::send(request).await;
        tries.add(format!("connection {name:?}"), matches!(answer, Err(http::Error::UnknownConnection)), &answer);
    }
    for key in ["greed-0", "good greed-0", "good/greed-0"] {
        let message = email::Message { idempotency_key: key.to_owned(), ..crate::inject::message() };
        let answer = email::send(message).await;
        // "Duplicate" would tell of a mail of the neighbour's, and keep this one from going out.
        tries.add(format!("mail with the key {key:?}"), answer == Ok(email::Receipt::Accepted), &answer);
    }
}
