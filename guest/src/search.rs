//! A search of the stored records by what a user name or a person number begins with. It reads storage and nothing else.
//!
//! Names are the keys of records, and numbers have an index, so either is a scan of a few keys. A pinned user has no entry
//! in the index, and is found by the name alone.

use shift_access_core::ids;
use shift_access_core::record::Record;

use crate::numbers::NUMBERS;
use crate::records::{self, WORKERS};
use crate::roster::{Listing, on_a_page};
use crate::store::{Entry, Pages, StoreError};

/// Records looked at in one call at most.
const LOOKED_AT: usize = 4_000;
/// Records read at once where only those of one status are wanted.
const CHUNK: usize = 500;
/// What a key cannot be longer than, under any prefix; nothing longer is looked for.
const LONGEST: usize = 400;

/// Before a cursor of those found by their names.
const BY_NAME: &str = "name.";
/// Before a cursor of those found by their numbers; alone it stands for the first of them.
const BY_NUMBER: &str = "number.";

/// What is looked for.
struct Sought<'a> {
    /// What the key of the name begins with.
    name: String,
    /// What the number begins with.
    number: &'a str,
    status: Option<&'a str>,
}

/// A page while it is being filled.
struct Filling {
    records: Vec<Record>,
    room: usize,
    left: usize,
}

/// A page of at most `limit` records that fit. It may have fewer although more follow.
pub async fn search(text: &str, status: Option<&str>, cursor: Option<String>, limit: u32) -> Result<Listing, StoreError> {
    let sought = Sought { name: ids::key(text), number: text.trim(), status };
    let mut page = Filling { records: Vec::new(), room: on_a_page(limit), left: LOOKED_AT };
    if sought.name.len() > LONGEST {
        return Ok(Listing { records: Vec::new(), cursor: None });
    }
    let mut number = cursor.as_deref().and_then(|cursor| cursor.strip_prefix(BY_NUMBER)).map(str::to_owned);
    if number.is_none() {
        let at = cursor.map(|cursor| cursor.strip_prefix(BY_NAME).map_or(cursor.clone(), str::to_owned));
        if let Some(next) = page.fill(WORKERS, &sought, at).await? {
            return Ok(page.with(Some(format!("{BY_NAME}{next}"))));
        }
        if sought.name.is_empty() {
            return Ok(page.with(None));
        }
        if page.is_done() {
            return Ok(page.with(Some(BY_NUMBER.to_owned())));
        }
        number = Some(String::new());
    }
    let at = number.filter(|number| !number.is_empty());
    let next = page.fill(NUMBERS, &sought, at).await?;
    Ok(page.with(next.map(|next| format!("{BY_NUMBER}{next}"))))
}

impl Filling {
    /// Adds what fits of the keys under a prefix, and says where to go on.
    async fn fill(&mut self, prefix: &str, sought: &Sought<'_>, mut cursor: Option<String>) -> Result<Option<String>, StoreError> {
        let whole = format!("{prefix}{}", if prefix == WORKERS { &sought.name } else { sought.number });
        loop {
            let missing = self.room - self.records.len();
            let chunk = if sought.status.is_some() { CHUNK.max(missing) } else { missing };
            let mut pages = Pages::resume(&*whole, cursor.clone());
            let entries = pages.next(chunk.min(self.left)).await?.unwrap_or_default();
            self.left = self.left.saturating_sub(entries.len().max(1));
            for (record, read) in read(prefix, sought, &entries).await?.into_iter().zip(1..) {
                self.records.extend(record);
                if self.records.len() == self.room && read < entries.len() {
                    // The page ends amid what was read: a scan that ends there tells where the next begins.
                    let mut pages = Pages::resume(&*whole, cursor);
                    pages.next(read).await?;
                    return Ok(pages.cursor());
                }
            }
            cursor = pages.cursor();
            if cursor.is_none() || self.is_done() {
                return Ok(cursor);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.records.len() >= self.room || self.left == 0
    }

    fn with(self, cursor: Option<String>) -> Listing {
        Listing { records: self.records, cursor }
    }
}

/// The record behind each entry, where there is one that fits.
async fn read(prefix: &str, sought: &Sought<'_>, entries: &[Entry]) -> Result<Vec<Option<Record>>, StoreError> {
    if prefix == WORKERS {
        let found = entries.iter().map(|entry| Ok(records::read(entry)?.filter(|record| sought.is_of_status(record))));
        return found.collect();
    }
    let names: Vec<String> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.value).into_owned()).collect();
    // A number may lead to a name that another leads to as well: each is asked for once.
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    let stored = records::load(&once).await?;
    Ok(names.iter().map(|name| stored.records.get(name).filter(|record| sought.is_of_number(record)).cloned()).collect())
}

impl Sought<'_> {
    fn is_of_status(&self, record: &Record) -> bool {
        self.status.is_none_or(|status| record.status.word() == status)
    }

    /// The index is a hint: the record says whose number it is. Who was found by the name is not found twice.
    fn is_of_number(&self, record: &Record) -> bool {
        let number = record.person_number.as_deref().is_some_and(|number| number.starts_with(self.number));
        number && self.is_of_status(record) && !ids::key(&record.user).starts_with(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn who_is_found_by_the_name_is_not_found_by_the_number_too() {
        let record =
            |user: &str, number: Option<&str>| Record { user: user.into(), person_number: number.map(Into::into), ..testing::record() };
        let sought = |text: &'static str| Sought { name: ids::key(text), number: text, status: None };
        assert!(sought("10").is_of_number(&record("adiaz", Some("1007"))));
        assert!(!sought("10").is_of_number(&record("10-adiaz", Some("1007"))), "the name begins so as well");
        assert!(!sought("10").is_of_number(&record("adiaz", Some("2007"))), "the index is of before");
        assert!(!sought("10").is_of_number(&record("adiaz", None)));
        let other = Sought { status: Some("asleep"), ..sought("10") };
        assert!(!other.is_of_number(&record("adiaz", Some("1007"))));
    }
}
