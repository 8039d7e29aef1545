//! Decisions, out of storage only: a decision costs no call to another system.

use shift_access_core::decide::{self, Decision, Reach};
use shift_access_core::ids;
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;

use crate::store::{self, Entry, StoreError};
use crate::{clock, exempt, reach, records};

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
pub async fn explain(user: &str, settings: &Settings) -> Result<Vec<String>, StoreError> {
    let (known, reach) = read(&[user.to_owned()]).await?;
    let (record, exempt) = known.first().map_or((None, false), |known| (known.record.as_ref(), known.exempt));
    Ok(decide::explain(user, record, exempt, reach, settings, clock::now()))
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
