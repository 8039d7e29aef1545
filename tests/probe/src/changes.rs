//! Changes to steer: a job that makes some and keeps them in storage, and the answer about them.
//!
//! Under `change/NUMBER` stands the user of a change, and under `changes` the oldest that is kept and the latest. A number
//! that is divisible by five is a removal.

use crate::bindings::exports::shift_access::plugin::pack::{Kind, PropertyInfo};
use crate::bindings::exports::shift_access::plugin::{jobs, roster};
use crate::bindings::shift_access::plugin::properties::Value;
use crate::bindings::shift_access::plugin::storage::{Condition, Write, commit, get};
use crate::failure;

const SPAN: &str = "changes";

fn put(key: String, value: String) -> Write {
    Write { key, value: Some(value.into_bytes()), condition: Condition::Any }
}

fn key(number: u64) -> String {
    format!("change/{number}")
}

async fn values(keys: Vec<String>) -> Result<Vec<Option<String>>, jobs::Failure> {
    let entries = get(keys).await.map_err(|error| failure(&format!("{error:?}")))?;
    Ok(entries.into_iter().map(|entry| String::from_utf8(entry?.value).ok()).collect())
}

/// The oldest that is kept, and the latest.
async fn span() -> Result<(u64, u64), jobs::Failure> {
    let found = values(vec![SPAN.to_owned()]).await?;
    let found = found.into_iter().flatten().next();
    let numbers = found.as_deref().and_then(|text| text.split_once(' '));
    Ok(numbers.and_then(|(oldest, latest)| Some((oldest.parse().ok()?, latest.parse().ok()?))).unwrap_or((1, 0)))
}

/// What the job can be told.
pub fn options() -> Vec<PropertyInfo> {
    let option = |name: &str| PropertyInfo {
        name: name.to_owned(),
        title: name.to_owned(),
        summary: name.to_owned(),
        kind: Kind::Number((0, 1_000)),
        default: None,
        required: false,
        what_if: false,
    };
    ["count", "keep", "forget"].map(option).to_vec()
}

/// Makes as many changes as the option `count` says, and forgets all but the last `keep`; with the option `forget` it begins
/// again with the number 1, as another store would.
pub async fn run(options: &[jobs::Property]) -> Result<(), jobs::Failure> {
    let number = |name: &str| {
        options.iter().find(|option| option.name == name).and_then(|option| match option.value {
            Value::Number(number) => u64::try_from(number).ok(),
            _ => None,
        })
    };
    let (oldest, latest) = if number("forget").is_some_and(|forget| forget > 0) { (1, 0) } else { span().await? };
    let end = latest + number("count").unwrap_or(1);
    let oldest = number("keep").map_or(oldest, |keep| oldest.max((end + 1).saturating_sub(keep)));
    let mut writes: Vec<_> = (latest + 1..=end).map(|number| put(key(number), format!("user-{number}"))).collect();
    writes.push(put(SPAN.to_owned(), format!("{oldest} {end}")));
    commit(writes).await.map(|_| ()).map_err(|error| failure(&format!("{error:?}")))
}

/// The changes after this one.
pub async fn after(after: u64, limit: u32) -> Result<roster::ChangeListing, roster::Failure> {
    let (oldest, latest) = span().await?;
    let numbers: Vec<_> = (after.saturating_add(1).max(oldest)..=latest).take(limit as usize).collect();
    let users = values(numbers.iter().copied().map(key).collect()).await?;
    let change = |(id, user): (u64, Option<String>)| {
        let user = user?;
        let entry = (id % 5 != 0).then(|| entry(&user));
        Some(roster::Change { id, user, entry })
    };
    Ok(roster::ChangeListing { items: numbers.into_iter().zip(users).filter_map(change).collect(), oldest, latest })
}

/// A record that was read in the year 2000.
fn entry(user: &str) -> roster::Entry {
    roster::Entry {
        user: user.to_owned(),
        person_number: None,
        status: "known".to_owned(),
        reason: "probed".to_owned(),
        since: None,
        observed_at: 946_684_800_000,
        age_seconds: 0,
        source: roster::Source { run: None, kind: "batch".to_owned() },
        evidence: Vec::new(),
    }
}
