//! The stored form of a record, and the keys records live under.
//!
//! A record is compact JSON under `worker/` and the user name in lower case, with instants as milliseconds since 1970.
//! `v` is the version of the form: what a newer version wrote is refused and never guessed at, so that going back to an
//! older pack cannot misread a permission. What is damaged counts as absent, with a note: a batch reads the worker anew and
//! writes the record over it, and no other worker waits for that.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shift_access_core::ids;
use shift_access_core::record::{AHEAD, Evidence, Record, Source};
use shift_access_core::status::{Reason, SourceKind, Status};

use crate::store::{self, Condition, Entry, StoreError};
use crate::{clock, notes};

/// Where the records are.
pub const WORKERS: &str = "worker/";

/// The version of the form this code writes, and the newest it reads.
const VERSION: u32 = 1;

/// The stored records of some workers by the names' keys, and what each was read at.
#[derive(Debug, Default)]
pub struct Stored {
    /// The records, by the keys of the names.
    pub records: BTreeMap<String, Record>,
    /// What must still hold of each when it is written, by the keys of the names.
    conditions: BTreeMap<String, Condition>,
}

impl Stored {
    /// What must hold of a name's record for a write that rests on this reading.
    pub fn condition(&self, name_key: &str) -> Condition {
        self.conditions.get(name_key).cloned().unwrap_or(Condition::Absent)
    }
}

/// The storage key of a user's record.
pub fn key(user: &str) -> String {
    store::key(WORKERS, &ids::key(user))
}

/// Reads the records of these names, given by their keys (lower case).
pub async fn load(name_keys: &[String]) -> Result<Stored, StoreError> {
    let keys: Vec<String> = name_keys.iter().map(|name| store::key(WORKERS, name)).collect();
    let mut stored = Stored::default();
    for (name, entry) in name_keys.iter().zip(store::get(&keys).await?) {
        stored.conditions.insert(name.clone(), store::as_read(entry.as_ref()));
        if let Some(record) = entry.as_ref().map(read).transpose()?.flatten() {
            stored.records.insert(name.clone(), record);
        }
    }
    Ok(stored)
}

/// Why a stored form is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer version of the pack wrote it.
    #[error("was written by a newer version of the pack (form {0} where this one reads up to {VERSION})")]
    Newer(u32),
    /// It holds no record at all.
    #[error("is damaged: {0}")]
    Damaged(String),
}

/// Reads one stored entry as a record; none where it is damaged, which is noted.
pub fn read(entry: &Entry) -> Result<Option<Record>, StoreError> {
    let known = judge(entry)?;
    Ok(known.map_err(|why| notes::damaged(&why)).ok())
}

/// Reads one entry that this very run has stored as a record: here a damaged one is an error, for nothing mends it.
pub fn read_own(entry: &Entry) -> Result<Record, StoreError> {
    judge(entry)?.map_err(StoreError::Unreadable)
}

/// The record of an entry, or in words how it is damaged. The error is what must not be passed over.
fn judge(entry: &Entry) -> Result<Result<Record, String>, StoreError> {
    let words = |why: &DecodeError| format!("the stored record `{}` {why}", entry.key);
    match decode(&entry.value) {
        // It would count as new for as long, and nothing could replace it.
        Ok(record) if record.observed_at > clock::now() + AHEAD => {
            Ok(Err(format!("the stored record `{}` is of a moment to come, so a clock was wrong", entry.key)))
        }
        Ok(record) => Ok(Ok(record)),
        Err(why @ DecodeError::Damaged(_)) => Ok(Err(words(&why))),
        Err(why @ DecodeError::Newer(_)) => Err(StoreError::Unreadable(words(&why))),
    }
}

/// The stored form of a record.
pub fn encode(record: &Record) -> Vec<u8> {
    // A struct of texts and numbers always has a JSON form.
    serde_json::to_vec(&form(record)).unwrap_or_default()
}

/// The same, for a place inside another form.
pub fn form(record: &Record) -> Form {
    Form {
        v: VERSION,
        u: record.user.clone(),
        p: record.person_number.clone(),
        s: record.status.word().to_owned(),
        r: record.reason.word().to_owned(),
        t: record.since.map(|at| at.timestamp_millis()),
        z: record.zone.clone(),
        o: record.observed_at.timestamp_millis(),
        k: record.source.kind.word().to_owned(),
        n: record.source.run.clone(),
        e: record.evidence.iter().map(|step| (step.at.map(|at| at.timestamp_millis()), step.what.clone())).collect(),
    }
}

/// The record in a stored form.
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    let damaged = |error: serde_json::Error| DecodeError::Damaged(error.to_string());
    let version: Version = serde_json::from_slice(bytes).map_err(damaged)?;
    if version.v > VERSION {
        return Err(DecodeError::Newer(version.v));
    }
    let form: Form = serde_json::from_slice(bytes).map_err(damaged)?;
    form.into_record().ok_or_else(|| DecodeError::Damaged("no such status, reason, kind or instant".to_owned()))
}

/// Only the version, so that a newer form is told apart from a damaged one.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// Short names, because a tenant stores one per worker: user, person number, status, reason, since, zone, observed at, kind,
/// run, evidence.
#[derive(Serialize, Deserialize)]
pub struct Form {
    v: u32,
    u: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<String>,
    s: String,
    r: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    z: Option<String>,
    o: i64,
    k: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    e: Vec<(Option<i64>, String)>,
}

impl Form {
    /// The record; none where a word or a number in it is none that a record can have.
    pub fn into_record(self) -> Option<Record> {
        let evidence = self.e.into_iter().map(|(at, what)| Some(Evidence { at: optional_instant(at)?, what }));
        Some(Record {
            user: self.u,
            person_number: self.p,
            status: Status::from_word(&self.s)?,
            reason: Reason::from_word(&self.r)?,
            since: optional_instant(self.t)?,
            zone: self.z,
            observed_at: DateTime::from_timestamp_millis(self.o)?,
            source: Source { run: self.n, kind: SourceKind::from_word(&self.k)? },
            evidence: evidence.collect::<Option<_>>()?,
        })
    }
}

/// None where there is a number that is no instant.
fn optional_instant(millis: Option<i64>) -> Option<Option<DateTime<Utc>>> {
    match millis {
        None => Some(None),
        Some(millis) => DateTime::from_timestamp_millis(millis).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::testing;

    fn record() -> Record {
        Record {
            status: Status::OnBreak,
            reason: Reason::BetweenSpans,
            zone: Some("America/New_York".into()),
            observed_at: DateTime::from_timestamp_millis(1_700_000_060_123).unwrap(),
            source: Source { run: Some("01f0".into()), kind: SourceKind::Batch },
            evidence: vec![
                Evidence { at: DateTime::from_timestamp_millis(-1), what: "in \"early\" – 08:00".into() },
                Evidence { at: None, what: "no zone".into() },
            ],
            ..testing::record()
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_stored() {
        let bare = Record {
            person_number: None,
            since: None,
            zone: None,
            evidence: vec![],
            source: Source { run: None, kind: SourceKind::Event },
            ..record()
        };
        for record in [record(), bare] {
            assert_eq!(decode(&encode(&record)), Ok(record));
        }
    }

    #[test]
    fn every_word_has_a_stored_form() {
        for (status, reason) in Status::ALL.iter().cycle().zip(Reason::ALL) {
            let record = Record { status: *status, reason: *reason, ..record() };
            assert_eq!(decode(&encode(&record)), Ok(record));
        }
    }

    #[test]
    fn the_stored_form_is_this_one() {
        let form = String::from_utf8(encode(&record())).unwrap();
        assert_eq!(
            form,
            r#"{"v":1,"u":"ADiaz","p":"0042","s":"on-break","r":"between-spans","t":1700000000000,"z":"America/New_York","o":1700000060123,"k":"batch","n":"01f0","e":[[-1,"in \"early\" – 08:00"],[null,"no zone"]]}"#
        );
    }

    #[test]
    fn a_form_from_before_zones_were_stored_is_still_read() {
        let form = String::from_utf8(encode(&record())).unwrap().replace(r#""z":"America/New_York","#, "");
        assert_eq!(decode(form.as_bytes()), Ok(Record { zone: None, ..record() }));
    }

    #[test]
    fn a_newer_form_is_refused_and_a_damaged_one_named() {
        assert_eq!(decode(br#"{"v":2,"future":true}"#), Err(DecodeError::Newer(2)));
        let odd = br#"{"v":1,"u":"a","s":"asleep","r":"no-punches","o":1,"k":"batch"}"#;
        for bytes in [br#"{"v":1,"u":"a"}"#.as_slice(), b"\xff", b"", b"{", b"[]", odd] {
            assert!(matches!(decode(bytes), Err(DecodeError::Damaged(_))), "{bytes:?}");
        }
    }

    #[test]
    fn a_damaged_record_is_passed_over_and_a_newer_one_stops_the_reading() {
        let entry = |value: &[u8]| Entry { key: "worker/adiaz".into(), value: value.to_vec(), revision: "1".into() };
        assert_eq!(judge(&entry(&encode(&record()))), Ok(Ok(record())));
        let damaged = judge(&entry(b"{\"v\":1,")).unwrap().unwrap_err();
        assert!(damaged.starts_with("the stored record `worker/adiaz` is damaged: "), "{damaged}");
        let newer = judge(&entry(br#"{"v":2}"#)).unwrap_err().to_string();
        assert!(newer.starts_with("the stored record `worker/adiaz` was written by a newer version of the pack"), "{newer}");
        assert!(read_own(&entry(b"{")).is_err() && read(&entry(br#"{"v":2}"#)).is_err());
    }

    #[test]
    fn a_record_of_a_moment_to_come_counts_as_damaged() {
        for (ahead, good) in [(Duration::minutes(4), true), (Duration::minutes(6), false), (Duration::days(3), false)] {
            let record = Record { observed_at: clock::now() + ahead, ..record() };
            let entry = Entry { key: "worker/adiaz".into(), value: encode(&record), revision: "1".into() };
            assert_eq!(judge(&entry).unwrap().is_ok(), good, "{ahead}");
        }
    }

    #[test]
    fn keys_do_not_look_at_case() {
        assert_eq!(key(" ADiaz"), "worker/adiaz");
    }
}
