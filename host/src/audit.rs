//! What was done in the console, and changed on the command line: who, when, what, and for which tenant. On the command line a run, a
//! look-up or an export leaves nothing here, save an export with its secrets; a run stands in the history.
//!
//! Kept under `audit/ID`, where the id is a UUID of version 7, so entries order by time. No secret is ever in one: a value that was
//! changed is named, not told.

use std::fmt;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use crate::history::instant;
use crate::role::Role;
use crate::store::records::{self, Records};
use crate::store::{Scan, StoreError, Write};

const AUDIT: &str = "audit/";
/// Who did what was done with the program itself.
pub(crate) const COMMAND_LINE: &str = "(command line)";
/// Entries looked at for one page at most; whoever wants more goes on from there.
const LOOKED_AT: usize = 5_000;

/// Entries looked at in one go where not all of them are wanted.
const LOOK: u32 = 500;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(with = "instant")]
    pub(crate) at: DateTime<Utc>,
    /// The person's name.
    pub(crate) who: String,
    /// A sentence in the past: "added ana as viewer".
    pub(crate) what: String,
    /// For which tenant, where it was for one.
    pub(crate) tenant: Option<String>,
}

/// What can be done in more than one place, told in the same words from each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed<'a> {
    Paused(&'a str),
    Resumed(&'a str),
    Restored(&'a str),
    /// A tenant, and when everything of it goes, if it has not gone at once.
    Removed(&'a str, Option<DateTime<Utc>>),
    /// A tenant, and whether its secrets are in it, encrypted.
    Exported(&'a str, bool),
    /// A dead letter.
    PutBack(&'a str),
    /// The same.
    Discarded(&'a str),
    /// A person.
    Added(&'a str, Role),
    MadeRole(&'a str, Role),
    MadeLink(&'a str),
    RemovedPerson(&'a str),
}

impl fmt::Display for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Paused(tenant) => write!(f, "paused {tenant}"),
            Self::Resumed(tenant) => write!(f, "resumed {tenant}"),
            Self::Restored(tenant) => write!(f, "restored {tenant}"),
            Self::Removed(tenant, Some(until)) => write!(f, "removed {tenant}; everything of it goes on {}", until.format("%Y-%m-%d")),
            Self::Removed(tenant, None) => write!(f, "removed {tenant}, with everything of it"),
            Self::Exported(tenant, false) => write!(f, "exported {tenant}, without its secrets"),
            Self::Exported(tenant, true) => write!(f, "exported {tenant}, its secrets encrypted"),
            Self::PutBack(letter) => write!(f, "put the dead letter {letter} back into the queue"),
            Self::Discarded(letter) => write!(f, "discarded the dead letter {letter}"),
            Self::Added(person, role) => write!(f, "added {person} as {role}"),
            Self::MadeRole(person, role) => write!(f, "made {person} {role}"),
            Self::MadeLink(person) => write!(f, "made a link for {person}"),
            Self::RemovedPerson(person) => write!(f, "removed {person}"),
        }
    }
}

impl From<Deed<'_>> for String {
    fn from(deed: Deed<'_>) -> Self {
        deed.to_string()
    }
}

/// How long an entry is kept.
const KEPT: TimeDelta = TimeDelta::days(400);
/// Old entries removed at once.
const PRUNED: u32 = 500;

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) who: Option<String>,
    pub(crate) tenant: Option<String>,
}

/// Writes down what was done.
///
/// # Errors
/// The store's.
pub(crate) async fn note(
    records: &Records,
    who: &str,
    what: impl Into<String>,
    tenant: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    records.commit(vec![entry(who, what, tenant, now)?]).await.map(|_| ())
}

/// What writes down what was done, to go into the commit that does it.
///
/// # Errors
/// The store's.
pub(crate) fn entry(who: &str, what: impl Into<String>, tenant: Option<&str>, now: DateTime<Utc>) -> Result<Write, StoreError> {
    let at = now.trunc_subsecs(3);
    let entry = Entry { at, who: who.to_owned(), what: what.into(), tenant: tenant.map(str::to_owned) };
    records::put(format!("{AUDIT}{}", id(now)), &entry)
}

/// A page of what was done, newest first, and where the next page begins.
///
/// # Errors
/// The store's.
pub(crate) async fn page(
    records: &Records,
    wanted: &Wanted,
    mut cursor: Option<String>,
    limit: u32,
) -> Result<(Vec<Entry>, Option<String>), StoreError> {
    let (mut found, mut looked) = (Vec::new(), 0);
    loop {
        let missing = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        // Where few fit, many are looked at together.
        let length = if *wanted == Wanted::default() { missing } else { LOOK.max(missing) };
        let scan = Scan::new(AUDIT, length).from(cursor).descending();
        let (entries, next) = records.scan::<Entry>(&scan).await?;
        looked += entries.len().max(1);
        let count = entries.len();
        for (kept, read) in entries.into_iter().zip(1..) {
            found.extend(Some(kept.value).filter(|entry| wanted.fits(entry)));
            if found.len() >= limit as usize && (read as usize) < count {
                // The page ends amid what was read: a scan that ends there tells where the next begins.
                let (_, next) = records.scan::<Entry>(&Scan { limit: read, ..scan }).await?;
                return Ok((found, next));
            }
        }
        cursor = next;
        if cursor.is_none() || found.len() >= limit as usize || looked >= LOOKED_AT {
            return Ok((found, cursor));
        }
    }
}

/// Removes what is too old.
///
/// # Errors
/// The store's.
pub(crate) async fn prune(records: &Records, now: DateTime<Utc>) -> Result<(), StoreError> {
    let (oldest, _) = records.scan::<Entry>(&Scan::new(AUDIT, PRUNED)).await?;
    let old: Vec<_> = oldest.iter().filter(|kept| now - kept.value.at >= KEPT).map(|kept| Write::remove(&kept.key)).collect();
    if old.is_empty() { Ok(()) } else { records.commit(old).await.map(|_| ()) }
}

impl Wanted {
    fn fits(&self, entry: &Entry) -> bool {
        let who = self.who.as_ref().is_none_or(|who| entry.who.eq_ignore_ascii_case(who));
        who && self.tenant.as_ref().is_none_or(|tenant| entry.tenant.as_ref() == Some(tenant))
    }
}

fn id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::MemoryStore;

    fn now() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    async fn all(records: &Records, wanted: &Wanted) -> Vec<String> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let (entries, next) = page(records, wanted, cursor, 2).await.unwrap();
            assert!(entries.len() <= 2);
            found.extend(entries.into_iter().map(|entry| entry.what));
            cursor = next;
            if cursor.is_none() {
                return found;
            }
        }
    }

    #[tokio::test]
    async fn what_was_done_is_listed_newest_first_page_by_page_and_by_whom() {
        let records = Records::new(Arc::new(MemoryStore::default()));
        for (number, (who, tenant)) in
            [("ana", None), ("bo", Some("acme")), ("Ana", Some("acme")), ("ana", Some("other"))].iter().enumerate()
        {
            let at = now() + TimeDelta::seconds(i64::try_from(number).unwrap());
            note(&records, who, number.to_string(), *tenant, at).await.unwrap();
        }
        let wanted = |who: Option<&str>, tenant: Option<&str>| Wanted { who: who.map(str::to_owned), tenant: tenant.map(str::to_owned) };
        assert_eq!(all(&records, &Wanted::default()).await, ["3", "2", "1", "0"]);
        assert_eq!(all(&records, &wanted(Some("ANA"), None)).await, ["3", "2", "0"]);
        assert_eq!(all(&records, &wanted(Some("ana"), Some("acme"))).await, ["2"]);
        assert!(all(&records, &wanted(Some("an"), None)).await.is_empty());
    }

    #[tokio::test]
    async fn what_is_too_old_goes_and_nothing_else() {
        let records = Records::new(Arc::new(MemoryStore::default()));
        note(&records, "ana", "old", None, now() - KEPT).await.unwrap();
        note(&records, "ana", "new", None, now() - KEPT + TimeDelta::seconds(1)).await.unwrap();
        prune(&records, now()).await.unwrap();
        assert_eq!(all(&records, &Wanted::default()).await, ["new"]);
    }
}
