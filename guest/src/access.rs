//! Decisions, out of storage only: a decision costs no call to another system.

use shift_access_core::decide::{self, Decision, Reach};
use shift_access_core::explain::{self, Kept};
use shift_access_core::ids;
use shift_access_core::record::{Evidence, Record};
use shift_access_core::settings::Settings;
use shift_access_core::what_if;

use crate::store::{self, Entry, StoreError};
use crate::{clock, exempt, reach, records, roster};

/// What is stored that a decision about one user rests on.
struct Known {
    record: Option<Record>,
    exempt: bool,
}

/// Decides for each user, in order.
pub async fn decide(users: &[String], settings: &Settings) -> Result<Vec<Decision>, StoreError> {
    let (known, reach) = read(users).await?;
    let now = clock::now();
    Ok(known.iter().map(|known| decide::decide(known.record.as_ref(), known.exempt, reach, settings, now)).collect())
}

/// Tells how the decision for one user comes about.
pub async fn explain(user: &str, settings: &Settings) -> Result<Vec<Evidence>, StoreError> {
    let (known, reach) = read(&[user.to_owned()]).await?;
    let (record, exempt) = known.first().map_or((None, false), |known| (known.record.as_ref(), known.exempt));
    Ok(explain::explain(user, record.map_or(Kept::Nothing, Kept::Record), exempt, reach, settings, clock::now()))
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
    let record = record.as_ref().map(records::read).transpose()?.flatten();
    Ok(Known { record: record.filter(|record| ids::key(&record.user) == ids::key(user)), exempt: mark.is_some() })
}
