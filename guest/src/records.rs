//! The stored form of a record, and the keys records live under.
//!
//! A record is compact JSON under `worker/` and the user name in lower case, with instants as milliseconds since 1970.
//! `v` is the version of the form: what a newer version wrote is refused and never guessed at, so that going back to an
//! older pack cannot misread a permission.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shift_access_core::ids;
use shift_access_core::record::{Evidence, Record, Source};
use shift_access_core::status::{Reason, SourceKind, Status};

use crate::store::{self, Condition, Entry, StoreError};

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
        if let Some(entry) = entry {
            stored.records.insert(name.clone(), read(&entry)?);
        }
    }
    Ok(stored)
}

/// Reads one stored entry as a record.
pub fn read(entry: &Entry) -> Result<Record, StoreError> {
    decode(&entry.value).map_err(|why| StoreError::Unreadable(format!("the stored record `{}` {why}", entry.key)))
}

/// The stored form of a record.
pub fn encode(record: &Record) -> Vec<u8> {
    let form = Form {
        v: VERSION,
        u: record.user.clone(),
        p: record.person_number.clone(),
        s: record.status.word().to_owned(),
        r: record.reason.word().to_owned(),
        t: record.since.map(|at| at.timestamp_millis()),
        o: record.observed_at.timestamp_millis(),
        k: record.source.kind.word().to_owned(),
        n: record.source.run.clone(),
        e: record.evidence.iter().map(|step| (step.at.map(|at| at.timestamp_millis()), step.what.clone())).collect(),
    };
    // A struct of texts and numbers always has a JSON form.
    serde_json::to_vec(&form).unwrap_or_default()
}

/// The record in a stored form; else, in words, what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Record, String> {
    let version: Version = serde_json::from_slice(bytes).map_err(|error| format!("is damaged: {error}"))?;
    if version.v > VERSION {
        return Err(format!("was written by a newer version of the pack (form {} where this one reads up to {VERSION})", version.v));
    }
    let form: Form = serde_json::from_slice(bytes).map_err(|error| format!("is damaged: {error}"))?;
    form.into_record().ok_or_else(|| "holds a status, a reason or an instant this version does not know".to_owned())
}

/// Only the version, so that a newer form is told apart from a damaged one.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// Short names, because a tenant stores one per worker: user, person number, status, reason, since, observed at, kind,
/// run, evidence.
#[derive(Serialize, Deserialize)]
struct Form {
    v: u32,
    u: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<String>,
    s: String,
    r: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<i64>,
    o: i64,
    k: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    e: Vec<(Option<i64>, String)>,
}

impl Form {
    fn into_record(self) -> Option<Record> {
        let evidence = self.e.into_iter().map(|(at, what)| Some(Evidence { at: optional_instant(at)?, what }));
        Some(Record {
            user: self.u,
            person_number: self.p,
            status: Status::from_word(&self.s)?,
            reason: Reason::from_word(&self.r)?,
            since: optional_instant(self.t)?,
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
    use super::*;

    fn record() -> Record {
        Record {
            user: "ADiaz".into(),
            person_number: Some("0042".into()),
            status: Status::OnBreak,
            reason: Reason::BetweenSpans,
            since: DateTime::from_timestamp_millis(1_700_000_000_000),
            observed_at: DateTime::from_timestamp_millis(1_700_000_060_123).unwrap(),
            source: Source { run: Some("01f0".into()), kind: SourceKind::Batch },
            evidence: vec![
                Evidence { at: DateTime::from_timestamp_millis(-1), what: "in \"early\" – 08:00".into() },
                Evidence { at: None, what: "no zone".into() },
            ],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_stored() {
        let bare = Record {
            person_number: None,
            since: None,
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
            r#"{"v":1,"u":"ADiaz","p":"0042","s":"on-break","r":"between-spans","t":1700000000000,"o":1700000060123,"k":"batch","n":"01f0","e":[[-1,"in \"early\" – 08:00"],[null,"no zone"]]}"#
        );
    }

    #[test]
    fn a_newer_form_is_refused_and_a_damaged_one_named() {
        assert!(decode(br#"{"v":2,"future":true}"#).unwrap_err().contains("newer version"));
        assert!(decode(br#"{"v":1,"u":"a"}"#).unwrap_err().contains("damaged"));
        assert!(decode(b"\xff").unwrap_err().contains("damaged"));
        let odd = br#"{"v":1,"u":"a","s":"asleep","r":"no-punches","o":1,"k":"batch"}"#;
        assert!(decode(odd).unwrap_err().contains("does not know"));
    }

    #[test]
    fn keys_do_not_look_at_case() {
        assert_eq!(key(" ADiaz"), "worker/adiaz");
    }
}
