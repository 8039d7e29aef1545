//! Decisions, out of storage only: a decision costs no call to another system.

use chrono::{DateTime, Utc};
use shift_access_core::decide::{self, Decision, Reach};
use shift_access_core::explain::{self, Kept};
use shift_access_core::ids;
use shift_access_core::record::{Evidence, Record};
use shift_access_core::settings::Settings;
use shift_access_core::what_if;

use crate::store::{self, Entry, StoreError};
use crate::{clock, exempt, reach, records, roster};

/// What is stored that a decision about one user rests on.
#[derive(Default)]
struct Known {
    record: Option<Record>,
    /// There is something, and it is no record.
    damaged: bool,
    exempt: bool,
}

impl Known {
    fn kept(&self) -> Kept<'_> {
        match &self.record {
            Some(record) => Kept::Record(record),
            None if self.damaged => Kept::Damaged,
            None => Kept::Nothing,
        }
    }
}

/// Decides for each user, in order.
pub async fn decide(users: &[String], settings: &Settings) -> Result<Vec<Decision>, StoreError> {
    let (known, reach) = read(users).await?;
    let now = clock::now();
    Ok(known.iter().map(|known| decide::decide(known.record.as_ref(), known.exempt, reach, settings, now)).collect())
}

/// How the decision for one user comes about, with what it rests on: all of one moment.
pub struct Explanation {
    /// The moment.
    pub at: DateTime<Utc>,
    /// What is stored.
    pub record: Option<Record>,
    /// The decision.
    pub decision: Decision,
    /// The way to it.
    pub steps: Vec<Evidence>,
}

/// Tells how the decision for one user comes about.
pub async fn explain(user: &str, settings: &Settings) -> Result<Explanation, StoreError> {
    let (known, reach) = read(&[user.to_owned()]).await?;
    Ok(explained(user, known.into_iter().next().unwrap_or_default(), reach, settings, clock::now()))
}

fn explained(user: &str, known: Known, reach: Reach, settings: &Settings, at: DateTime<Utc>) -> Explanation {
    let decision = decide::decide(known.record.as_ref(), known.exempt, reach, settings, at);
    let steps = explain::explain(user, known.kept(), known.exempt, reach, settings, at);
    Explanation { at, record: known.record, decision, steps }
}

/// The decision about one user as it is, and as it would be.
pub struct Comparison {
    /// The user name as the directory writes it.
    pub user: String,
    /// The decision today.
    pub today: Decision,
    /// The decision under the settings asked about.
    pub then: Decision,
}

/// One page of comparisons.
pub struct Comparisons {
    /// The comparisons, in the order of user names.
    pub items: Vec<Comparison>,
    /// Where the next page begins; absent at the end.
    pub cursor: Option<String>,
}

/// Decides about every stored worker under other settings, beside today's decision. Stores nothing.
pub async fn what_if(today: &Settings, then: &Settings, cursor: Option<String>, limit: u32) -> Result<Comparisons, StoreError> {
    let listing = roster::page(None, cursor, limit).await?;
    let users: Vec<String> = listing.records.iter().map(|record| record.user.clone()).collect();
    let mut keys = vec![reach::KEY.to_owned()];
    keys.extend(users.iter().map(|user| exempt::key(user)));
    let mut entries = store::get(&keys).await?.into_iter();
    let reach = reach::read(entries.next().flatten().as_ref());
    let now = clock::now();
    let compare = |(record, mark): (Record, Option<Entry>)| {
        let exempt = mark.is_some();
        let other = if then.max_break == today.max_break { record.clone() } else { what_if::read_anew(&record, then) };
        Comparison {
            today: decide::decide(Some(&record), exempt, reach, today, now),
            then: decide::decide(Some(&other), exempt, reach, then, now),
            user: record.user,
        }
    };
    Ok(Comparisons { items: listing.records.into_iter().zip(entries).map(compare).collect(), cursor: listing.cursor })
}

/// Everything in one read: how the time system was reached, then each user's record and mark.
async fn read(users: &[String]) -> Result<(Vec<Known>, Reach), StoreError> {
    let mut keys = vec![reach::KEY.to_owned()];
    keys.extend(users.iter().flat_map(|user| [records::key(user), exempt::key(user)]));
    let mut entries = store::get(&keys).await?.into_iter();
    let reach = reach::read(entries.next().flatten().as_ref());
    let known = users.iter().map(|user| known(user, entries.next().flatten(), entries.next().flatten())).collect::<Result<_, _>>()?;
    Ok((known, reach))
}

fn known(user: &str, record: Option<Entry>, mark: Option<Entry>) -> Result<Known, StoreError> {
    let read = record.as_ref().map(records::read).transpose()?;
    let damaged = matches!(read, Some(None));
    Ok(Known { record: read.flatten().filter(|record| ids::key(&record.user) == ids::key(user)), damaged, exempt: mark.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_no_record_and_told_apart_from_nothing() {
        let told = |damaged| {
            let explanation =
                explained("maria", Known { damaged, ..Known::default() }, Reach::Reached, &Settings::defaults(), clock::now());
            assert_eq!((explanation.record, explanation.decision.reason), (None, "no-record"));
            explanation.steps.into_iter().map(|step| step.what).collect::<String>()
        };
        assert!(told(true).contains("is damaged") && !told(true).contains("There is no record"));
        assert!(!told(false).contains("is damaged") && told(false).contains("There is no record"));
    }
}
