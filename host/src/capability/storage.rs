//! The tenant's keys and values. The tenant's name is added here, so no key a plugin makes up reaches another's data.

use wasmtime::component::Accessor;

use super::{Lent, Loan, State};
use crate::limits::raise;
use crate::plugin::bindings::shift_access::plugin::storage;
use crate::store::{Condition, Entry, Outcome, Quota, Scan, Space, StoreError, Write};

impl storage::Host for &mut Lent {}

impl storage::HostWithStore<State> for Loan {
    async fn get(accessor: &Accessor<State, Self>, keys: Vec<String>) -> Result<Vec<Option<storage::Entry>>, storage::Error> {
        let lent = lent(accessor);
        let entries = lent.store.get(&space(&lent), &keys).await?;
        Ok(entries.into_iter().map(|entry| entry.map(storage::Entry::from)).collect())
    }

    async fn commit(accessor: &Accessor<State, Self>, writes: Vec<storage::Write>) -> Result<storage::Outcome, storage::Error> {
        let lent = lent(accessor);
        check_values(&lent, &writes)?;
        let writes = writes.into_iter().map(Write::from).collect();
        Ok(match lent.store.commit_within(&space(&lent), writes, quota(&lent)).await.map_err(|error| told(&lent, error))? {
            Outcome::Committed => {
                lent.commits.raise(&lent.tenant);
                storage::Outcome::Committed
            }
            Outcome::Conflict(keys) => storage::Outcome::Conflict(keys),
        })
    }

    async fn scan(
        accessor: &Accessor<State, Self>,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<storage::Page, storage::Error> {
        let lent = lent(accessor);
        let page = lent.store.scan(&space(&lent), &Scan::new(prefix, limit).from(cursor)).await?;
        Ok(storage::Page { entries: page.entries.into_iter().map(storage::Entry::from).collect(), cursor: page.cursor })
    }
}

fn lent(accessor: &Accessor<State, Loan>) -> Lent {
    accessor.with(|mut access| access.get().clone())
}

fn space(lent: &Lent) -> Space {
    Space::plugin(&*lent.tenant)
}

fn quota(lent: &Lent) -> Quota {
    Quota { bytes: u64::from(lent.limits.storage_mib) << 20, keys: lent.limits.keys.into() }
}

/// Refuses a value that is larger than the tenant's may be.
fn check_values(lent: &Lent, writes: &[storage::Write]) -> Result<(), storage::Error> {
    let most = u64::from(lent.limits.value_kib) << 10;
    let size = |write: &storage::Write| write.value.as_ref().map_or(0, |value| value.len() as u64);
    match writes.iter().find(|write| size(write) > most) {
        Some(large) => {
            let (key, bytes, remedy) = (&large.key, size(large), raise(&lent.tenant, "value-kib"));
            Err(storage::Error::Invalid(format!("the value of {key:?} has {bytes} bytes, at most {most} are allowed; {remedy}")))
        }
        None => Ok(()),
    }
}

/// The store's error; over a quota with the key to raise.
fn told(lent: &Lent, error: StoreError) -> storage::Error {
    let key = match &error {
        StoreError::QuotaExceeded { .. } => "storage-mib",
        StoreError::TooManyKeys { .. } => "keys",
        _ => return error.into(),
    };
    storage::Error::QuotaExceeded(format!("{error}; {}", raise(&lent.tenant, key)))
}

impl From<Entry> for storage::Entry {
    fn from(entry: Entry) -> Self {
        Self { key: entry.key, value: entry.value, revision: entry.revision }
    }
}

impl From<storage::Write> for Write {
    fn from(write: storage::Write) -> Self {
        let condition = match write.condition {
            storage::Condition::Any => Condition::Any,
            storage::Condition::Absent => Condition::Absent,
            storage::Condition::Revision(revision) => Condition::Revision(revision),
        };
        Self { key: write.key, value: write.value, condition }
    }
}

impl From<StoreError> for storage::Error {
    fn from(error: StoreError) -> Self {
        match error {
            quota @ (StoreError::QuotaExceeded { .. } | StoreError::TooManyKeys { .. }) => Self::QuotaExceeded(quota.to_string()),
            StoreError::Invalid(text) => Self::Invalid(text),
            other => Self::Unavailable(other.to_string()),
        }
    }
}
