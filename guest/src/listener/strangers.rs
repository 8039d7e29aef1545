//! The marks of those whom events have named and who are in no configured group, so that each of them costs one question an
//! interval and not one an event.
//!
//! Keys: `stranger/u/NAME` and `stranger/n/NUMBER`, with the moment that was found. A mark is looked at only where there is no
//! record, so a worker whom a batch has found since is none. The batch ends them all: nothing of them grows for long.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::store::{self, Entry, StoreError};

/// Every mark.
pub const ALL: &str = "stranger/";

/// Those of user names.
const USERS: &str = "stranger/u/";

/// Those of person numbers.
const NUMBERS: &str = "stranger/n/";

#[derive(Serialize, Deserialize)]
struct Form {
    /// When it was found, in milliseconds since 1970.
    at: i64,
}

/// Which of these user names, given by their keys, were found to be strangers less than an interval ago.
pub async fn among_users(name_keys: &[String], interval: Duration, now: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
    among(USERS, name_keys, interval, now).await
}

/// Which of these person numbers were.
pub async fn among_numbers(numbers: &[String], interval: Duration, now: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
    among(NUMBERS, numbers, interval, now).await
}

async fn among(prefix: &str, names: &[String], interval: Duration, now: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
    let keys: Vec<String> = names.iter().map(|name| store::key(prefix, name)).collect();
    Ok(store::get(&keys).await?.iter().map(|entry| is_good(entry.as_ref(), interval, now)).collect())
}

/// A mark of a moment to come is of a wrong clock, and none.
fn is_good(entry: Option<&Entry>, interval: Duration, now: DateTime<Utc>) -> bool {
    let form = entry.and_then(|entry| serde_json::from_slice::<Form>(&entry.value).ok());
    let at = form.and_then(|form| DateTime::from_timestamp_millis(form.at));
    at.is_some_and(|at| at <= now && now - at < interval)
}

/// Marks user names, given by their keys, and person numbers.
pub async fn mark(name_keys: &[String], numbers: &[String], now: DateTime<Utc>) -> Result<(), StoreError> {
    // A struct of a number always has a JSON form.
    let value = serde_json::to_vec(&Form { at: now.timestamp_millis() }).unwrap_or_default();
    let under = |prefix: &'static str| move |name: &String| store::key(prefix, name);
    let keys: Vec<String> = name_keys.iter().map(under(USERS)).chain(numbers.iter().map(under(NUMBERS))).collect();
    for some in keys.chunks(store::PAGE) {
        store::put(some.iter().map(|key| store::write(key.clone(), value.clone())).collect()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_good_for_an_interval() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let mark = |minutes: i64| {
            let value = format!(r#"{{"at":{}}}"#, (now - Duration::minutes(minutes)).timestamp_millis());
            Entry { key: "stranger/u/a".into(), value: value.into(), revision: "1".into() }
        };
        for (minutes, good) in [(0, true), (29, true), (30, false), (-1, false)] {
            assert_eq!(is_good(Some(&mark(minutes)), Duration::minutes(30), now), good, "{minutes}");
        }
        assert!(!is_good(None, Duration::minutes(30), now));
        let damaged = Entry { value: b"?".to_vec(), ..mark(0) };
        assert!(!is_good(Some(&damaged), Duration::minutes(30), now));
    }
}
