//! Whom a person number leads to: an index beside the records, for events that name a worker by number.
//!
//! A number is `number/NUMBER` in small letters, its value the key of the user name that Kronos has for the person. Of the users
//! who go by one number there is one such; the others are pinned to it, and the pins are in the settings. The index is a hint and
//! no more: whoever follows an entry looks whether the record has the number still, and a number without an entry is asked of Kronos.

use std::collections::BTreeMap;

use shift_access_core::identity::Pins;
use shift_access_core::ids;
use shift_access_core::record::Record;

use crate::store::{self, StoreError, Write};

/// Where the numbers are.
pub const NUMBERS: &str = "number/";

/// The keys of the users these numbers may lead to, in the order asked.
pub async fn find(numbers: &[String]) -> Result<Vec<Option<String>>, StoreError> {
    let keys: Vec<String> = numbers.iter().map(|number| key(number)).collect();
    let entries = store::get(&keys).await?;
    Ok(entries.into_iter().map(|entry| String::from_utf8(entry?.value).ok()).collect())
}

/// Keeps whom numbers lead to, where that was found in another way.
pub async fn keep(found: impl IntoIterator<Item = (String, String)>) -> Result<(), StoreError> {
    let mut moved = Moved::default();
    for (number, name_key) in found {
        moved.0.insert(key(&number), Some(name_key));
    }
    for part in moved.writes().chunks(store::PAGE) {
        store::put(part.to_vec()).await?;
    }
    Ok(())
}

fn key(number: &str) -> String {
    store::key(NUMBERS, &ids::key(number))
}

/// The entries that one commit moves. A number that somebody gets goes before the same number that somebody gives up.
#[derive(Debug, Default)]
pub struct Moved(BTreeMap<String, Option<String>>);

impl Moved {
    /// Follows the number of one user from the record before to the one after. A pinned user has no entry.
    pub fn follow(&mut self, name_key: &str, before: Option<&Record>, after: Option<&Record>, pins: &Pins) {
        let number = |record: Option<&Record>| record.and_then(|record| record.person_number.clone());
        let (before, after) = (number(before), number(after));
        if before == after || pins.contains_key(name_key) {
            return;
        }
        if let Some(number) = before {
            self.0.entry(key(&number)).or_insert(None);
        }
        if let Some(number) = after {
            self.0.insert(key(&number), Some(name_key.to_owned()));
        }
    }

    /// The writes, each key once.
    pub fn writes(self) -> Vec<Write> {
        let write = |(key, name): (String, Option<String>)| match name {
            Some(name) => store::write(key, name.into_bytes()),
            None => store::removal(key),
        };
        self.0.into_iter().map(write).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn record(number: Option<&str>) -> Record {
        Record { person_number: number.map(str::to_owned), ..testing::record() }
    }

    fn moved(moves: &[(&str, Option<&str>, Option<&str>)], pins: &Pins) -> Vec<(String, Option<String>)> {
        let mut moved = Moved::default();
        for (name, before, after) in moves {
            moved.follow(name, Some(&record(*before)), Some(&record(*after)), pins);
        }
        let text = |value: Option<Vec<u8>>| value.map(|value| String::from_utf8(value).unwrap());
        moved.writes().into_iter().map(|write| (write.key, text(write.value))).collect()
    }

    #[test]
    fn a_number_that_stays_writes_nothing() {
        assert!(moved(&[("adiaz", Some("7"), Some("7")), ("bking", None, None)], &Pins::new()).is_empty());
    }

    #[test]
    fn an_entry_follows_the_number_of_its_user() {
        let entry = |key: &str, name: Option<&str>| (key.to_owned(), name.map(str::to_owned));
        assert_eq!(moved(&[("adiaz", None, Some("7"))], &Pins::new()), [entry("number/7", Some("adiaz"))]);
        assert_eq!(moved(&[("adiaz", Some("7"), Some("8"))], &Pins::new()), [entry("number/7", None), entry("number/8", Some("adiaz"))]);
        let mut gone = Moved::default();
        gone.follow("adiaz", Some(&record(Some("7"))), None, &Pins::new());
        assert_eq!(gone.writes().len(), 1);
    }

    #[test]
    fn two_who_change_numbers_write_each_key_once() {
        for order in [[0, 1], [1, 0]] {
            let moves = [("adiaz", Some("7"), Some("8")), ("bking", Some("8"), Some("7"))];
            let written = moved(&order.map(|at| moves[at]), &Pins::new());
            assert_eq!(written, [("number/7".to_owned(), Some("bking".to_owned())), ("number/8".to_owned(), Some("adiaz".to_owned()))]);
        }
    }

    #[test]
    fn a_pinned_user_takes_no_number_from_the_one_it_belongs_to() {
        let pins = Pins::from([("bking".to_owned(), "7".to_owned())]);
        assert!(moved(&[("bking", None, Some("7")), ("bking", Some("7"), None)], &pins).is_empty());
    }
}
