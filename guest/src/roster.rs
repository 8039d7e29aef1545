//! The stored records, for people and programs to look at. It reads storage and nothing else. A damaged record is none.

use shift_access_core::ids;
use shift_access_core::record::Record;
use shift_access_core::status::Status;

use crate::changes;
use crate::records;
use crate::store::{self, Pages, StoreError};

/// Entries at most in one page.
const LONGEST_PAGE: u32 = 1_000;

/// One page of records.
pub struct Listing {
    /// The records, in the order of user names.
    pub records: Vec<Record>,
    /// Where the next page begins; absent at the end.
    pub cursor: Option<String>,
}

/// A page of at most `limit` records, of one status or of all. With a status it reads on until the page is full, so that
/// a short page is the last.
pub async fn page(status: Option<&str>, cursor: Option<String>, limit: u32) -> Result<Listing, StoreError> {
    let limit = on_a_page(limit);
    let mut pages = Pages::resume(records::WORKERS, cursor);
    let mut records = Vec::new();
    while records.len() < limit {
        // Never more than fits: a cursor stands behind a page as it was read, not in the middle of it.
        let Some(entries) = pages.next(limit - records.len()).await? else { break };
        for entry in &entries {
            let Some(record) = records::read(entry)? else { continue };
            if status.is_none_or(|status| record.status.word() == status) {
                records.push(record);
            }
        }
    }
    Ok(Listing { records, cursor: pages.cursor() })
}

/// The changes after the one of this number, at most `limit`.
pub async fn changes(after: u64, limit: u32) -> Result<changes::Listing, StoreError> {
    changes::after(after, on_a_page(limit)).await
}

/// A length of a page within the limits.
pub fn on_a_page(limit: u32) -> usize {
    usize::try_from(limit.clamp(1, LONGEST_PAGE)).unwrap_or(1)
}

/// The record of one user.
pub async fn find(user: &str) -> Result<Option<Record>, StoreError> {
    let entry = store::get_one(records::key(user)).await?;
    let record = entry.as_ref().map(records::read).transpose()?.flatten();
    Ok(record.filter(|record| ids::key(&record.user) == ids::key(user)))
}

/// How many records there are of each status.
pub async fn counts() -> Result<Vec<(&'static str, u64)>, StoreError> {
    let mut counts: Vec<(Status, u64)> = Status::ALL.iter().map(|status| (*status, 0)).collect();
    let mut pages = Pages::of(records::WORKERS);
    while let Some(entries) = pages.next(store::PAGE).await? {
        for entry in &entries {
            let Some(found) = records::read(entry)? else { continue };
            counts.iter_mut().filter(|(status, _)| *status == found.status).for_each(|(_, count)| *count += 1);
        }
    }
    Ok(counts.into_iter().map(|(status, count)| (status.word(), count)).collect())
}
