//! What was done in the console, and about it on the command line: who, when, what, and for which tenant.
//!
//! Kept under `audit/ID`, where the id is a UUID of version 7, so entries order by time. No secret is ever in one: a value that was
//! changed is named, not told.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use super::shelf::{self, Shelf};
use crate::history::instant;
use crate::store::{Scan, StoreError};

const AUDIT: &str = "audit/";
/// Who did what was done with the program itself.
pub(crate) const COMMAND_LINE: &str = "(command line)";
/// Entries looked at for one page at most; whoever wants more goes on from there.
const LOOKED_AT: usize = 5_000;

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
    shelf: &Shelf,
    who: &str,
    what: impl Into<String>,
    tenant: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let at = now.trunc_subsecs(3);
    let entry = Entry { at, who: who.to_owned(), what: what.into(), tenant: tenant.map(str::to_owned) };
    shelf.commit(vec![shelf::put(format!("{AUDIT}{}", id(now)), &entry)?]).await.map(|_| ())
}

/// A page of what was done, newest first, and where the next page begins.
///
/// # Errors
/// The store's.
pub(crate) async fn page(
    shelf: &Shelf,
    wanted: &Wanted,
    mut cursor: Option<String>,
    limit: u32,
) -> Result<(Vec<Entry>, Option<String>), StoreError> {
    let (mut found, mut looked) = (Vec::new(), 0);
    loop {
        let missing = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        let (entries, next) = shelf.scan::<Entry>(&Scan::new(AUDIT, missing).from(cursor).descending()).await?;
        looked += entries.len().max(1);
        found.extend(entries.into_iter().map(|kept| kept.value).filter(|entry| wanted.fits(entry)));
        cursor = next;
        if cursor.is_none() || found.len() >= limit as usize || looked >= LOOKED_AT {
            return Ok((found, cursor));
        }
    }
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
