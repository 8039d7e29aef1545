//! What is written: the changes of a commit, and a snapshot of all there is. Numbers are little-endian, texts and values have
//! their length before them, and both begin with the number of this form.

use crate::state::{self, Change, Claim, Kept, State};

/// The form written here; a higher one is of a later version, and not read.
const FORM: u8 = 1;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const CLAIM: u8 = 3;
const SEAL: u8 = 4;

/// The changes of one commit, or the end of a generation.
#[derive(Debug, PartialEq, Eq)]
pub enum Record {
    Commit(Vec<Change>),
    /// Nothing follows here; all goes on in the next generation.
    Seal,
}

impl Record {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Writer(vec![FORM]);
        match self {
            Self::Seal => out.0.push(SEAL),
            Self::Commit(changes) => changes.iter().for_each(|change| out.change(change)),
        }
        out.0
    }

    /// Reads it; none where it is damaged, or of a later version.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader::of(bytes)?;
        let mut changes = Vec::new();
        while !rest.0.is_empty() {
            match rest.byte()? {
                PUT => changes.push(Change::Put(rest.text()?, rest.blob()?)),
                REMOVE => changes.push(Change::Remove(rest.text()?)),
                CLAIM => changes.push(Change::Claim(rest.text()?, Claim { holder: rest.text()?, until: rest.number()? })),
                SEAL if changes.is_empty() && rest.0.is_empty() => return Some(Self::Seal),
                _ => return None,
            }
        }
        Some(Self::Commit(changes))
    }
}

/// All there is, as of the commit of this number.
pub fn snapshot(state: &State, last: u64) -> Vec<u8> {
    let mut out = Writer(vec![FORM]);
    out.number(last);
    out.number(count(state.entries.len()));
    for (key, kept) in &state.entries {
        out.blob(key.as_bytes());
        out.number(kept.revision);
        out.blob(&kept.value);
    }
    for (name, claim) in &state.claims {
        out.change(&Change::Claim(name.clone(), claim.clone()));
    }
    out.0
}

/// Reads a snapshot.
pub fn read_snapshot(bytes: &[u8]) -> Option<State> {
    let mut rest = Reader::of(bytes)?;
    let mut state = State { last: rest.number()?, ..State::default() };
    for _ in 0..rest.number()? {
        let (key, revision, value) = (rest.text()?, rest.number()?, rest.blob()?);
        state.bytes = state.bytes.saturating_add(state::size(&key, &value));
        state.entries.insert(key, Kept { revision, value });
    }
    while !rest.0.is_empty() {
        let CLAIM = rest.byte()? else { return None };
        state.claims.insert(rest.text()?, Claim { holder: rest.text()?, until: rest.number()? });
    }
    Some(state)
}

/// A length as it is written.
pub fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.number(count(bytes.len()));
        self.0.extend(bytes);
    }

    fn change(&mut self, change: &Change) {
        let (tag, name) = match change {
            Change::Put(key, _) => (PUT, key),
            Change::Remove(key) => (REMOVE, key),
            Change::Claim(name, _) => (CLAIM, name),
        };
        self.0.push(tag);
        self.blob(name.as_bytes());
        match change {
            Change::Put(_, value) => self.blob(value),
            Change::Remove(_) => {}
            Change::Claim(_, claim) => {
                self.blob(claim.holder.as_bytes());
                self.number(claim.until);
            }
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn of(bytes: &'b [u8]) -> Option<Self> {
        let (form, rest) = bytes.split_first()?;
        (*form == FORM).then_some(Self(rest))
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn blob(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (blob, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(blob.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.blob()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> Record {
        let claim = Claim { holder: "me".into(), until: 9 };
        Record::Commit(vec![Change::Put("k".into(), vec![1, 2]), Change::Remove("l".into()), Change::Claim("job".into(), claim)])
    }

    #[test]
    fn what_is_written_is_read() {
        for record in [commit(), Record::Seal, Record::Commit(Vec::new())] {
            assert_eq!(Record::read(&record.bytes()), Some(record));
        }
        let mut state = State::default();
        let Record::Commit(changes) = commit() else { unreachable!() };
        state.apply(changes);
        assert_eq!(read_snapshot(&snapshot(&state, state.last)), Some(state));
    }

    #[test]
    fn what_is_cut_off_or_of_a_later_version_is_not_read() {
        let bytes = commit().bytes();
        let whole: Vec<_> = (0..bytes.len()).filter(|end| Record::read(&bytes[..*end]).is_some_and(|read| read == commit())).collect();
        assert_eq!(whole, Vec::<usize>::new());
        assert_eq!(Record::read(&[FORM + 1]), None);
        assert_eq!(read_snapshot(&[]), None);
    }
}
