//! A search of the stored records by what a user name or a person number begins with, without regard to case. It reads storage and
//! nothing else.
//!
//! Names are the keys of records, and numbers have an index, so either is a scan of a few keys. A pinned user has no entry in the
//! index: whose pin begins so is looked at last.

use std::ops::Bound;

use shift_access_core::identity::Pins;
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

/// The parts of a search, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Names,
    Numbers,
    Pins,
}

/// What is looked for.
struct Sought<'a> {
    /// What the key of the name, or of the number, begins with.
    text: String,
    status: Option<&'a str>,
    pins: &'a Pins,
}

/// A page while it is being filled.
struct Filling {
    records: Vec<Record>,
    room: usize,
    left: usize,
}

/// A page of at most `limit` records that fit. It may have fewer although more follow.
pub async fn search(text: &str, status: Option<&str>, cursor: Option<String>, limit: u32, pins: &Pins) -> Result<Listing, StoreError> {
    let sought = Sought { text: ids::key(text), status, pins };
    let mut page = Filling { records: Vec::new(), room: on_a_page(limit), left: LOOKED_AT };
    if sought.text.len() > LONGEST {
        return Ok(Listing { records: Vec::new(), cursor: None });
    }
    let (mut part, mut at) = Part::of(cursor);
    loop {
        let next = match part {
            Part::Names => page.fill(WORKERS, &sought, at).await?,
            Part::Numbers => page.fill(NUMBERS, &sought, at).await?,
            Part::Pins => page.fill_pinned(&sought, at).await?,
        };
        if let Some(next) = next {
            return Ok(page.with(Some(format!("{}{next}", part.mark()))));
        }
        part = match part {
            // An empty text fits every name, so nobody is left to be found by a number.
            Part::Names if !sought.text.is_empty() => Part::Numbers,
            Part::Numbers if !pins.is_empty() => Part::Pins,
            _ => return Ok(page.with(None)),
        };
        at = None;
        if page.is_done() {
            return Ok(page.with(Some(part.mark().to_owned())));
        }
    }
}

impl Part {
    /// What stands before a cursor of this part; alone it stands for the beginning of the part.
    fn mark(self) -> &'static str {
        match self {
            Self::Names => "name.",
            Self::Numbers => "number.",
            Self::Pins => "pin.",
        }
    }

    /// The part that a cursor is of, and where to go on in it.
    fn of(cursor: Option<String>) -> (Self, Option<String>) {
        let Some(cursor) = cursor else { return (Self::Names, None) };
        for part in [Self::Names, Self::Numbers, Self::Pins] {
            if let Some(at) = cursor.strip_prefix(part.mark()) {
                return (part, Some(at.to_owned()).filter(|at| !at.is_empty()));
            }
        }
        // It is none, which the storage says better.
        (Self::Names, Some(cursor))
    }
}

impl Filling {
    /// Adds what fits of the keys under a prefix, and says where to go on.
    async fn fill(&mut self, prefix: &str, sought: &Sought<'_>, mut cursor: Option<String>) -> Result<Option<String>, StoreError> {
        let whole = format!("{prefix}{}", sought.text);
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

    /// Adds those who are pinned to a number that fits, by the names after this one, and says where to go on.
    async fn fill_pinned(&mut self, sought: &Sought<'_>, after: Option<String>) -> Result<Option<String>, StoreError> {
        let after = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let pinned = sought.pins.range::<str, _>((after, Bound::Unbounded));
        let mut names = pinned.filter(|(_, number)| ids::key(number).starts_with(&sought.text)).map(|(name, _)| name.clone());
        loop {
            let part: Vec<String> = names.by_ref().take(self.left.min(self.room - self.records.len())).collect();
            let Some(last) = part.last().cloned() else { return Ok(None) };
            self.left = self.left.saturating_sub(part.len());
            let stored = records::load(&part).await?.records;
            self.records.extend(part.iter().filter_map(|name| stored.get(name)).filter(|record| sought.is_of_number(record)).cloned());
            if self.is_done() {
                return Ok(Some(last));
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
    let stored = records::load(&once).await?.records;
    // An entry of before a pin: the pinned are looked at by themselves.
    let by_index = |name: &String| stored.get(name).filter(|record| !sought.pins.contains_key(name) && sought.is_of_number(record));
    Ok(names.iter().map(|name| by_index(name).cloned()).collect())
}

impl Sought<'_> {
    fn is_of_status(&self, record: &Record) -> bool {
        self.status.is_none_or(|status| record.status.word() == status)
    }

    /// Index and pins are hints: the record says whose number it is. Who was found by the name is not found twice.
    fn is_of_number(&self, record: &Record) -> bool {
        let number = record.person_number.as_deref().is_some_and(|number| ids::key(number).starts_with(&self.text));
        number && self.is_of_status(record) && !ids::key(&record.user).starts_with(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{numbers, store, testing};

    fn record(user: &str, number: Option<&str>) -> Record {
        Record { user: user.into(), person_number: number.map(Into::into), ..testing::record() }
    }

    fn sought<'a>(text: &str, pins: &'a Pins) -> Sought<'a> {
        Sought { text: ids::key(text), status: None, pins }
    }

    #[test]
    fn who_is_found_by_the_name_is_not_found_by_the_number_too() {
        let pins = Pins::new();
        let ten = sought("10", &pins);
        assert!(ten.is_of_number(&record("adiaz", Some("1007"))));
        assert!(!ten.is_of_number(&record("10-adiaz", Some("1007"))), "the name begins so as well");
        assert!(!ten.is_of_number(&record("adiaz", Some("2007"))), "the index is of before");
        assert!(!ten.is_of_number(&record("adiaz", None)));
        let other = Sought { status: Some("asleep"), ..ten };
        assert!(!other.is_of_number(&record("adiaz", Some("1007"))));
    }

    /// Goes through the pages of a search: who was found, in order.
    async fn found(text: &str, limit: u32, pins: &Pins) -> Vec<String> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = search(text, None, cursor, limit, pins).await.unwrap();
            assert!(page.records.len() <= limit as usize);
            found.extend(page.records.into_iter().map(|record| record.user));
            cursor = page.cursor;
            if cursor.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn numbers_are_found_without_regard_to_case_and_those_of_the_pinned_as_well_each_once() {
        testing::wait(async {
            let everybody = [("adiaz", "Ab7"), ("bking", "aB8"), ("cyoung", "AB9"), ("ab-dlee", "AB10"), ("enoor", "7")];
            for (user, number) in everybody {
                let write = store::write(records::key(user), records::encode(&record(user, Some(number))));
                store::put(vec![write]).await.unwrap();
            }
            // An entry of before the pin is still there.
            let indexed = [("Ab7", "adiaz"), ("AB9", "cyoung"), ("AB10", "ab-dlee"), ("7", "enoor")];
            numbers::keep(indexed.map(|(number, name)| (number.to_owned(), name.to_owned()))).await.unwrap();
            let pin = |name: &str, number: &str| (name.to_owned(), number.to_owned());
            let pins = Pins::from([pin("bking", "AB8"), pin("cyoung", "AB9"), pin("ab-dlee", "AB10"), pin("nobody", "AB11")]);
            for (text, limit) in [("ab", 1), ("AB", 2), (" aB ", 3), ("ab", 100)] {
                assert_eq!(found(text, limit, &pins).await, ["ab-dlee", "adiaz", "bking", "cyoung"], "{text:?} {limit}");
            }
            assert_eq!(found("aB8", 1, &pins).await, ["bking"]);
            assert_eq!(found("7", 1, &Pins::new()).await, ["enoor"]);
            assert_eq!(found("", 2, &pins).await.len(), everybody.len());
        });
    }
}
