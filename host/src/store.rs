//! Where everything durable of this host is kept: keys and values of each tenant, and locks.
//!
//! [`Store`] is the whole of what an embedder implements: three calls on keys and values, and a lock. A tenant has two
//! spaces that never meet: what its plugin keeps, and what the host keeps about it (runs, receipts, alerts). All the
//! host's own records are built on the same three calls, so they ask nothing more of a new store.
//!
//! This module decides nothing about what the values mean.

use async_trait::async_trait;

mod key;
mod lock;
mod memory;
mod overlay;
pub(crate) mod records;
mod sqlite;

pub use key::{MAX_COMMIT, MAX_GET, MAX_KEY_BYTES, MAX_SCAN};
pub use memory::MemoryStore;
pub(crate) use overlay::Overlay;
pub use sqlite::SqliteStore;

#[cfg(test)]
mod conformance;

/// Whose keys are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The tenant's plugin. Values of at most 1 MiB, within the tenant's [`Quota`].
    Plugin,
    /// The host, about this tenant. Values of at most 16 MiB, without a quota.
    Host,
}

/// One tenant's keys, of one owner. Spaces never see each other, whatever the tenants are called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space {
    tenant: String,
    owner: Owner,
}

impl Space {
    /// What the tenant's plugin keeps.
    pub fn plugin(tenant: impl Into<String>) -> Self {
        Self { tenant: tenant.into(), owner: Owner::Plugin }
    }

    /// What the host keeps about the tenant; out of the plugin's reach.
    pub fn host(tenant: impl Into<String>) -> Self {
        Self { tenant: tenant.into(), owner: Owner::Host }
    }

    /// The tenant's name.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whose keys these are.
    pub fn owner(&self) -> Owner {
        self.owner
    }
}

/// One stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The revision of this very value. Opaque; it changes with every write and never comes back, not even after the
    /// key was removed and made again.
    pub revision: String,
}

/// What must hold of a key for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// The key is not there.
    Absent,
    /// The key is there, at this revision.
    Revision(String),
}

/// One write of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The new value; `None` removes the key.
    pub value: Option<Vec<u8>>,
    /// What must hold of the key.
    pub condition: Condition,
}

impl Write {
    /// Writes the value whatever is there.
    pub fn put(key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into(), value: Some(value.into()), condition: Condition::Any }
    }

    /// Removes the key if it is there.
    pub fn remove(key: impl Into<String>) -> Self {
        Self { key: key.into(), value: None, condition: Condition::Any }
    }

    /// The same write, only if this holds.
    #[must_use]
    pub fn when(self, condition: Condition) -> Self {
        Self { condition, ..self }
    }
}

/// How much one space may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every write is stored.
    Committed,
    /// Nothing is stored: these keys did not meet their condition.
    Conflict(Vec<String>),
}

/// In which order a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By the bytes of the keys.
    #[default]
    Ascending,
    /// The other way.
    Descending,
}

/// Which page of which keys is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What the keys begin with; empty for all.
    pub prefix: String,
    /// Where the page begins: the cursor of the page before.
    pub cursor: Option<String>,
    /// The most entries wanted, 1 to [`MAX_SCAN`].
    pub limit: u32,
    /// The order of the keys.
    pub order: Order,
}

impl Scan {
    /// The first page, ascending.
    pub fn new(prefix: impl Into<String>, limit: u32) -> Self {
        Self { prefix: prefix.into(), cursor: None, limit, order: Order::Ascending }
    }

    /// The page that begins at this cursor.
    #[must_use]
    pub fn from(self, cursor: Option<String>) -> Self {
        Self { cursor, ..self }
    }

    /// From the last key to the first.
    #[must_use]
    pub fn descending(self) -> Self {
        Self { order: Order::Descending, ..self }
    }
}

/// One page of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The entries, in the order of their keys. May be fewer than asked for although more follow, never none.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end. Good for the same space, prefix and order only.
    pub cursor: Option<String>,
}

/// A held lock. Dropping it, or the end of the process however it comes, lets go.
pub struct Guard {
    _held: Box<dyn Send + Sync>,
}

impl Guard {
    /// Wraps what holds the lock until it is dropped.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

/// Why a store could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It did not answer or failed. A later retry can help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The tenant's quota is used up. A retry cannot help before something is removed.
    #[error("the quota of {quota} bytes is used up: {used} bytes are stored and {wanted} more are wanted")]
    QuotaExceeded {
        /// What the tenant may store, in bytes of keys and values.
        quota: u64,
        /// What it stores.
        used: u64,
        /// How much more the commit would have stored.
        wanted: u64,
    },
    /// The tenant has as many keys as it may have. A retry cannot help before one is removed.
    #[error("the quota of {quota} keys is used up: {used} keys are stored and {wanted} more are wanted")]
    TooManyKeys {
        /// How many keys the tenant may have.
        quota: u64,
        /// How many it has.
        used: u64,
        /// How many more the commit would have made.
        wanted: u64,
    },
    /// A key, value, commit, cursor or lock name is outside the limits. A retry cannot help.
    #[error("{0}")]
    Invalid(String),
    /// The file was written by a later version of this program.
    #[error("{path} has the layout {found}, this program knows {known} and older: use the newer program")]
    Newer {
        /// The file.
        path: String,
        /// The layout it has.
        found: i64,
        /// The newest layout known here.
        known: i64,
    },
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// Keys and values per tenant, and locks.
///
/// What every implementation promises, and the tests of this module check:
/// - a read sees every commit that returned before it, also through another handle;
/// - a commit is applied wholly or not at all, also when the process is killed;
/// - keys order by their bytes; spaces are apart, whatever the tenants are called;
/// - keys that are there during a whole scan come exactly once.
///
/// Every call may be dropped before it is done; a commit is then applied wholly or not at all.
#[async_trait]
pub trait Store: Send + Sync {
    /// The values of these keys in the order asked, `None` where there is none. At most [`MAX_GET`] keys.
    async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError>;

    /// Applies all writes or none; each key at most once, at most [`MAX_COMMIT`] writes. A lost race is an outcome.
    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError>;

    /// The same, unless the space would then hold more than its quota: a commit that makes it smaller, or leaves it as large as
    /// it is, always passes. Every commit of a plugin comes this way. The default keeps no quota, for a storage that has its
    /// own: there the limits `storage-mib` and `keys` are the platform's to hold.
    async fn commit_within(&self, space: &Space, writes: Vec<Write>, _quota: Quota) -> Result<Outcome, StoreError> {
        self.commit(space, writes).await
    }

    /// One page of the keys that begin with a prefix.
    async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError>;

    /// Takes the tenant's lock of this name, or `None` while somebody else holds it. Never waits for the holder. Two
    /// processes that share the store exclude each other; one that is killed lets go.
    async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError>;

    /// Whether the store answers, for a readiness check.
    async fn ping(&self) -> Result<(), StoreError> {
        self.get(&Space::host(""), &["ping".to_owned()]).await.map(|_| ())
    }
}
