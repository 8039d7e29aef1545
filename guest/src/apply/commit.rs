//! One commit of records, with all that goes beside them: the index of person numbers, and the changes it tells.

use shift_access_core::identity::Pins;
use shift_access_core::record::Record;

use crate::changes::{self, Told};
use crate::numbers::Moved;
use crate::records;
use crate::store::{Condition, Outcome, StoreError, Write};

/// Records at most in one commit. Each is up to five writes: the record, the number it had and the one it has, the change, and
/// the change that makes room; and the platform takes 2,000.
pub const RECORDS: usize = 300;

/// Records to store and to remove at once.
pub struct Commit<'a> {
    pins: &'a Pins,
    writes: Vec<Write>,
    numbers: Moved,
    told: Vec<Told>,
}

impl<'a> Commit<'a> {
    /// Begins an empty one.
    pub fn new(pins: &'a Pins) -> Self {
        Self { pins, writes: Vec::new(), numbers: Moved::default(), told: Vec::new() }
    }

    /// Stores a record in the place of another.
    pub fn store(&mut self, name_key: &str, before: Option<&Record>, after: &Record, condition: Condition) {
        self.writes.push(Write { key: records::key(name_key), value: Some(records::encode(after)), condition });
        self.numbers.follow(name_key, before, Some(after), self.pins);
        self.told.extend(Told::of(before, after));
    }

    /// Removes the record under a storage key. One that cannot be read is told of by the key of its name.
    pub fn remove(&mut self, key: String, name_key: &str, before: Option<&Record>, condition: Condition) {
        self.writes.push(Write { key, value: None, condition });
        self.numbers.follow(name_key, before, None, self.pins);
        self.told.push(Told::removed(before.map_or(name_key, |record| &record.user)));
    }

    /// Applies everything or nothing. A conflict names keys of records.
    pub async fn done(mut self) -> Result<Outcome, StoreError> {
        self.writes.extend(self.numbers.writes());
        changes::commit(self.writes, &self.told).await
    }
}
