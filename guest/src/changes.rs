//! What has changed, in numbers without a gap: whoever follows the records asks for what came after the last number known.
//!
//! A change is kept in the same commit as what it tells, so that neither is ever there without the other. Keys:
//! `change/NUMBER` a change, `changes` the latest number. Every commit that tells something takes the next numbers from that
//! one key, on the condition that nobody else has; a commit that tells nothing does not touch it. Only the last 10,000 are
//! kept: each that is added removes the one 10,000 before it.

use serde::{Deserialize, Serialize};
use shift_access_core::record::Record;

use crate::notes;
use crate::records::{self, Form};
use crate::store::{self, Condition, Entry, Outcome, Pages, StoreError, Write};

/// Where the changes are.
const CHANGES: &str = "change/";

/// Where the latest number is.
const LATEST: &str = "changes";

/// How many changes are kept.
const KEPT: u64 = 10_000;

/// How often numbers are taken anew. Each time somebody else has come through, so this is more than can be under way at once,
/// and trying again costs one read: what is told stays the same, only its numbers differ.
const TRIES: usize = 100;

/// The version of the forms this code writes, and the newest it reads.
const VERSION: u32 = 1;

/// What one change tells, without its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told(Vec<u8>);

impl Told {
    /// What is to be told of a record that takes the place of another; none where it says the same.
    pub fn of(before: Option<&Record>, after: &Record) -> Option<Self> {
        let says_the_same = before.is_some_and(|before| before.says_the_same_as(after));
        (!says_the_same).then(|| Self::form(&after.user, Some(after)))
    }

    /// What is to be told of a record that is removed.
    pub fn removed(user: &str) -> Self {
        Self::form(user, None)
    }

    fn form(user: &str, record: Option<&Record>) -> Self {
        let form = ChangeForm { v: VERSION, u: user.to_owned(), r: record.map(records::form) };
        // A struct of texts and numbers always has a JSON form.
        Self(serde_json::to_vec(&form).unwrap_or_default())
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub id: u64,
    /// The user name, as the directory writes it.
    pub user: String,
    /// What was stored; none where the user was removed.
    pub record: Option<Record>,
}

/// Some of the changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The changes, in order.
    pub items: Vec<Change>,
    /// The number of the oldest that is kept; one more than the latest where none is.
    pub oldest: u64,
    /// The number of the latest; 0 before the first.
    pub latest: u64,
}

/// Applies all writes together with the changes they make, or none. A conflict is one of the writes.
pub async fn commit(writes: Vec<Write>, told: &[Told]) -> Result<Outcome, StoreError> {
    if told.is_empty() {
        return store::commit(writes).await;
    }
    for _ in 0..TRIES {
        let counter = store::get_one(LATEST.to_owned()).await?;
        let latest = latest(counter.as_ref()).await?;
        let mut all = writes.clone();
        all.extend(numbered(latest, told, store::as_read(counter.as_ref())));
        match store::commit(all).await? {
            Outcome::Conflict(keys) if keys.iter().all(|key| key == LATEST) => {}
            outcome => return Ok(outcome),
        }
    }
    Err(StoreError::Unreadable("the number of the latest change was taken by something else again and again".to_owned()))
}

/// The writes that keep these changes behind the latest: at most two for each, and the number.
fn numbered(latest: u64, told: &[Told], counter: Condition) -> Vec<Write> {
    let mut writes = Vec::with_capacity(told.len().saturating_mul(2).saturating_add(1));
    let mut id = latest;
    for Told(form) in told {
        id = id.saturating_add(1);
        writes.push(store::write(key(id), form.clone()));
        if let Some(old) = id.checked_sub(KEPT).filter(|old| *old > 0) {
            writes.push(store::removal(key(old)));
        }
    }
    // Numbers always have a JSON form.
    let value = serde_json::to_vec(&LatestForm { v: VERSION, n: id }).unwrap_or_default();
    writes.push(Write { key: LATEST.to_owned(), value: Some(value), condition: counter });
    writes
}

/// The changes after the one of this number, at most so many.
pub async fn after(id: u64, limit: usize) -> Result<Listing, StoreError> {
    let latest = latest(store::get_one(LATEST.to_owned()).await?.as_ref()).await?;
    let oldest = oldest(latest);
    let from = id.saturating_add(1).max(oldest);
    let ids: Vec<u64> = (from..=latest).take(limit).collect();
    let keys: Vec<String> = ids.iter().map(|id| key(*id)).collect();
    let entries = store::get(&keys).await?;
    listing(ids.into_iter().zip(entries).collect(), oldest, latest)
}

/// Whatever has gone since the latest number was read was the oldest then.
fn listing(found: Vec<(u64, Option<Entry>)>, oldest: u64, latest: u64) -> Result<Listing, StoreError> {
    let gone = found.iter().take_while(|(_, entry)| entry.is_none()).map(|(id, _)| id.saturating_add(1)).last();
    let there = found.into_iter().filter_map(|(id, entry)| Some((id, entry?)));
    let items = there.map(|(id, entry)| decode(id, &entry)).filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(Listing { items, oldest: gone.unwrap_or(oldest), latest })
}

fn oldest(latest: u64) -> u64 {
    latest.saturating_sub(KEPT - 1).max(1)
}

fn key(id: u64) -> String {
    format!("{CHANGES}{id:016x}")
}

/// The latest number. Where it is damaged, the changes themselves tell.
async fn latest(entry: Option<&Entry>) -> Result<u64, StoreError> {
    let Some(entry) = entry else { return Ok(0) };
    match serde_json::from_slice::<LatestForm>(&entry.value) {
        Ok(form) if form.v <= VERSION => Ok(form.n),
        Ok(form) => Err(newer(&entry.key, form.v)),
        Err(_) => latest_kept().await,
    }
}

async fn latest_kept() -> Result<u64, StoreError> {
    let mut pages = Pages::of(CHANGES);
    let mut latest = 0;
    while let Some(entries) = pages.next(store::PAGE).await? {
        let ids = entries.iter().filter_map(|entry| u64::from_str_radix(entry.key.strip_prefix(CHANGES)?, 16).ok());
        latest = ids.fold(latest, u64::max);
    }
    Ok(latest)
}

/// One change; none where it is damaged, which is noted: no other waits for it.
fn decode(id: u64, entry: &Entry) -> Result<Option<Change>, StoreError> {
    let form = serde_json::from_slice::<VersionForm>(&entry.value);
    if let Ok(VersionForm { v }) = form
        && v > VERSION
    {
        return Err(newer(&entry.key, v));
    }
    let change = |form: ChangeForm| {
        let record = form.r.map(|form| form.into_record().ok_or(())).transpose().ok()?;
        Some(Change { id, user: form.u, record })
    };
    let found = serde_json::from_slice::<ChangeForm>(&entry.value).ok().and_then(change);
    if found.is_none() {
        notes::warning(&format!("The stored change `{}` is damaged and was left out", entry.key));
    }
    Ok(found)
}

fn newer(key: &str, version: u32) -> StoreError {
    StoreError::Unreadable(format!(
        "`{key}` was written by a newer version of the pack (form {version} where this one reads up to {VERSION})"
    ))
}

/// Version and number.
#[derive(Serialize, Deserialize)]
struct LatestForm {
    v: u32,
    n: u64,
}

#[derive(Deserialize)]
struct VersionForm {
    v: u32,
}

/// Version, user, record.
#[derive(Serialize, Deserialize)]
struct ChangeForm {
    v: u32,
    u: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<Form>,
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use shift_access_core::status::{Reason, Status};

    use super::*;
    use crate::testing::record;

    fn entry(id: u64, Told(form): Told) -> Entry {
        Entry { key: key(id), value: form, revision: "1".into() }
    }

    #[test]
    fn only_another_status_reason_or_since_is_a_change() {
        let before = record();
        let later = Record { observed_at: before.observed_at + Duration::hours(1), person_number: None, ..record() };
        assert_eq!(Told::of(Some(&before), &later), None);
        for changed in [
            Record { status: Status::OffShift, ..record() },
            Record { reason: Reason::ShiftInProgress, ..record() },
            Record { since: None, ..record() },
        ] {
            assert!(Told::of(Some(&before), &changed).is_some(), "{changed:?}");
        }
        assert!(Told::of(None, &before).is_some());
    }

    #[test]
    fn a_change_comes_back_as_it_was_told() {
        let told = Told::of(None, &record()).unwrap();
        assert_eq!(decode(7, &entry(7, told)).unwrap(), Some(Change { id: 7, user: "ADiaz".into(), record: Some(record()) }));
        let gone = Change { id: 8, user: "ADiaz".into(), record: None };
        assert_eq!(decode(8, &entry(8, Told::removed("ADiaz"))).unwrap(), Some(gone));
        assert!(decode(9, &entry(9, Told(br#"{"v":2}"#.to_vec()))).is_err());
    }

    #[test]
    fn the_stored_form_is_this_one() {
        let Told(form) = Told::of(None, &record()).unwrap();
        assert_eq!(
            String::from_utf8(form).unwrap(),
            r#"{"v":1,"u":"ADiaz","r":{"v":1,"u":"ADiaz","p":"0042","s":"on-shift","r":"clocked-in","t":1700000000000,"o":1700000060000,"k":"batch"}}"#
        );
    }

    #[test]
    fn numbers_have_no_gap_and_each_removes_the_one_ten_thousand_before_it() {
        let told = vec![Told::removed("a"), Told::removed("b")];
        let keys = |latest| {
            let writes = numbered(latest, &told, Condition::Absent);
            let split = |kept: bool| writes.iter().filter(|write| write.value.is_some() == kept).map(|write| write.key.clone()).collect();
            let (added, removed): (Vec<String>, Vec<String>) = (split(true), split(false));
            (added, removed, writes.last().unwrap().value.clone().unwrap())
        };
        let (added, removed, counter) = keys(0);
        assert_eq!(added, ["change/0000000000000001", "change/0000000000000002", "changes"]);
        assert_eq!((removed, counter), (vec![], br#"{"v":1,"n":2}"#.to_vec()));
        let (added, removed, _) = keys(9_999);
        assert_eq!(added, ["change/0000000000002710", "change/0000000000002711", "changes"]);
        assert_eq!(removed, ["change/0000000000000001"]);
        assert_eq!(keys(10_000).1, ["change/0000000000000001", "change/0000000000000002"]);
    }

    #[test]
    fn the_ring_keeps_exactly_the_last_ten_thousand() {
        for (latest, wanted) in [(0, 1), (1, 1), (10_000, 1), (10_001, 2), (25_000, 15_001)] {
            assert_eq!(oldest(latest), wanted, "{latest}");
        }
    }

    #[test]
    fn what_went_while_it_was_read_was_the_oldest() {
        let told = |id| (id, Some(entry(id, Told::removed("a"))));
        let listed = listing(vec![(5, None), (6, None), told(7), told(8)], 5, 8).unwrap();
        assert_eq!((listed.items.iter().map(|change| change.id).collect::<Vec<_>>(), listed.oldest), (vec![7, 8], 7));
        assert_eq!(listing(vec![told(5)], 5, 8).unwrap().oldest, 5);
        assert_eq!(listing(vec![], 1, 0).unwrap(), Listing { items: vec![], oldest: 1, latest: 0 });
    }
}
