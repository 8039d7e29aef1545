//! The store in one SQLite file. Several processes may have it open at once.
//!
//! One connection writes and a few read, so that readers never wait for a writer; all of them work on blocking
//! threads, but for a look at a few keys: that is done at once, being quicker than the way to another thread. Write-ahead
//! logging keeps a commit whole; with `synchronous = FULL` it is on the disk before it is answered, so it outlives a killed
//! process and a power cut alike.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;

use super::key::Size;
use super::{Condition, Entry, Guard, Order, Outcome, Owner, Page, Quota, Scan, Space, Store, StoreError, Write, key, lock};

mod schema;

/// How long a write waits for another process to finish its own.
const BUSY: Duration = Duration::from_secs(15);
/// So many keys are looked up by one statement: a decision takes three.
const FEW: usize = 4;
/// So many are looked up at once: some decisions.
const SOME: usize = 64;
/// Pages that the connection which writes keeps in memory, in KiB. Readers forget theirs with every commit, so they keep
/// SQLite's usual 2 MiB.
const CACHE_KIB: i64 = 16 << 10;
/// Pages of the write-ahead log before they are copied to the file.
const LOG_PAGES: i64 = 4_000;
/// Who reads on a thread of its own at once; more wait for their turn. A thousand tenants that look at the same moment would have as
/// many threads, each with a stack and a reader of its own.
const READING: usize = 4;
/// Readers that are kept open: those, and one for each thread that may look at once. More are opened when needed and closed again.
const SPARE_READERS: usize = READING + 8;

/// Keys and values in a SQLite file, locks in the folder `<file>.locks` beside it. Clones share one store.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    locks: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
}

impl SqliteStore {
    /// Opens the store, and makes the file (readable by its owner only) where there is none. Blocks for a moment.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for the file of a later version; otherwise what the file system or SQLite say.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        make_file(&path).map_err(|error| StoreError::Unavailable(format!("could not open {}: {error}", path.display())))?;
        let mut writer = connect(&path)?;
        schema::prepare(&mut writer, &path)?;
        writer.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        let mut locks = path.clone().into_os_string();
        locks.push(".locks");
        let reading = Arc::new(Semaphore::new(READING));
        let shared = Shared { path, locks: locks.into(), writer: Mutex::new(writer), readers: Mutex::default(), reading };
        Ok(Self { shared: Arc::new(shared) })
    }

    async fn write(&self, space: &Space, writes: Vec<Write>, quota: Option<Quota>) -> Result<Outcome, StoreError> {
        key::check_commit(space, &writes)?;
        let work = |shared: &Shared| shared.write(|transaction| commit(transaction, space, &writes, quota));
        if space.owner() == Owner::Host && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            // Who stores something waits for it, and under load it is the way to another thread that takes long. A plugin has
            // a limit to the time in which it keeps a thread busy, which this would count towards.
            return block_in_place(|| work(&self.shared));
        }
        let (space, writes) = (space.clone(), writes);
        self.blocking(move |shared| shared.write(|transaction| commit(transaction, &space, &writes, quota))).await
    }

    /// Reads on a thread of its own, when it is this one's turn; who waits no more gives the turn back once it has read.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.shared.reading).acquire_owned().await;
        let turn = turn.map_err(|error| StoreError::Other(format!("no reader has a turn: {error}")))?;
        self.blocking(move |shared| {
            let _turn = turn;
            shared.read(work)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| Err(StoreError::Other(format!("the store's thread ended: {error}"))))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        key::check_get(keys)?;
        let found = match keys.len() {
            count if count <= FEW => self.shared.read_at_once(|connection| get_few(connection, space, keys)),
            count if count <= SOME => {
                self.shared.read_at_once(|connection| snapshot(connection, |connection| get(connection, space, keys))?)
            }
            _ => None,
        };
        if let Some(found) = found {
            return found;
        }
        let (space, keys) = (space.clone(), keys.to_vec());
        self.read(move |connection| get(connection, &space, &keys)).await
    }

    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        self.write(space, writes, None).await
    }

    async fn commit_within(&self, space: &Space, writes: Vec<Write>, quota: Quota) -> Result<Outcome, StoreError> {
        self.write(space, writes, Some(quota)).await
    }

    async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
        let after = key::check_scan(space, scan)?;
        let (space, wanted) = (space.clone(), scan.clone());
        self.read(move |connection| page(connection, &space, &wanted, after.as_deref())).await
    }

    async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        self.blocking(move |shared| Ok(lock::try_lock(&shared.locks, &tenant, &name)?.map(Guard::new))).await
    }
}

impl Shared {
    /// Reads from one snapshot, which holds every commit that returned before.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = match self.spare_reader() {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let found = snapshot(&connection, work)?;
        self.spare(connection);
        found
    }

    /// Reads without waiting for anything: `None` where no reader is to spare, or the file is locked for
    /// the moment.
    fn read_at_once<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Option<Result<T, StoreError>> {
        let connection = self.spare_reader()?;
        connection.busy_timeout(Duration::ZERO).ok()?;
        let found = work(&connection).ok()?;
        connection.busy_timeout(BUSY).ok()?;
        self.spare(connection);
        Some(Ok(found))
    }

    fn spare_reader(&self) -> Option<Connection> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn spare(&self, connection: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < SPARE_READERS {
            readers.push(connection);
        }
    }

    /// Writes all or nothing: whatever is not [`Outcome::Committed`] is rolled back.
    fn write(&self, work: impl FnOnce(&Transaction<'_>) -> Result<Outcome, StoreError>) -> Result<Outcome, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Immediate: the wait for another process comes before the first read, so what is read stays true.
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let outcome = work(&transaction)?;
        if outcome == Outcome::Committed {
            transaction.commit().map_err(failed)?;
        }
        Ok(outcome)
    }
}

/// Works in a transaction of its own. The outer error is the transaction's; the connection is of no use after it.
fn snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<Result<T, StoreError>, StoreError> {
    step(connection, "BEGIN")?;
    let found = work(connection);
    step(connection, "COMMIT")?;
    Ok(found)
}

/// A statement that is prepared once: to read it anew would take longer than many a look at a key.
fn step(connection: &Connection, statement: &str) -> Result<(), StoreError> {
    connection.prepare_cached(statement).and_then(|mut statement| statement.execute([])).map(drop).map_err(failed)
}

fn get(connection: &Connection, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
    let query = "SELECT key, value, revision FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?3";
    let mut select = connection.prepare_cached(query).map_err(failed)?;
    let mut found = Vec::with_capacity(keys.len());
    let mut bytes = 0;
    for key in keys {
        let row = params![space.tenant(), owner(space), key.as_bytes()];
        let entry = select.query_row(row, entry).optional().map_err(failed)?;
        bytes += entry.as_ref().map_or(0, |entry| entry.value.len());
        key::check_get_bytes(bytes)?;
        found.push(entry);
    }
    Ok(found)
}

/// The same for a few keys, in one statement: it is a transaction by itself.
fn get_few(connection: &Connection, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
    let query = "SELECT key, value, revision, 0 FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?3 UNION ALL
                 SELECT key, value, revision, 1 FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?4 UNION ALL
                 SELECT key, value, revision, 2 FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?5 UNION ALL
                 SELECT key, value, revision, 3 FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?6";
    let mut select = connection.prepare_cached(query).map_err(failed)?;
    let key = |at: usize| keys.get(at).map(|key| key.as_bytes());
    let mut rows = select.query(params![space.tenant(), owner(space), key(0), key(1), key(2), key(3)]).map_err(failed)?;
    let (mut found, mut bytes) = (vec![None; keys.len()], 0);
    while let Some(row) = rows.next().map_err(failed)? {
        let entry = entry(row).map_err(failed)?;
        bytes += entry.value.len();
        key::check_get_bytes(bytes)?;
        if let Some(place) = found.get_mut(usize::from(row.get::<_, u8>(3).map_err(failed)?)) {
            *place = Some(entry);
        }
    }
    Ok(found)
}

fn page(connection: &Connection, space: &Space, scan: &Scan, after: Option<&str>) -> Result<Page, StoreError> {
    let mut first = scan.prefix.as_bytes().to_vec();
    // No key of UTF-8 holds this byte, so it is beyond them all.
    let mut end = key::end_of(&scan.prefix).unwrap_or_else(|| vec![0xFF]);
    match (scan.order, after) {
        // Of the keys after one, the first is itself with a zero at its end.
        (Order::Ascending, Some(after)) => first = [after.as_bytes(), &[0]].concat(),
        (Order::Descending, Some(after)) => end = after.as_bytes().to_vec(),
        (_, None) => {}
    }
    let mut select = connection.prepare_cached(scanned(scan.order)).map_err(failed)?;
    let mut rows = select.query(params![space.tenant(), owner(space), first, end]).map_err(failed)?;

    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        if page.entries.len() >= scan.limit as usize || bytes > key::MAX_PAGE_BYTES {
            page.cursor = page.entries.last().map(|last| key::cursor_after(space, scan, &last.key));
            break;
        }
        let entry = entry(row).map_err(failed)?;
        bytes += entry.value.len();
        page.entries.push(entry);
    }
    Ok(page)
}

/// The statement of a scan: from a key on, to the one before which it ends. Both bounds are always there, so that the index goes by
/// them: one that may be absent would keep it from that, and a prefix of nobody would be a walk through all that follows.
const fn scanned(order: Order) -> &'static str {
    match order {
        Order::Ascending => {
            "SELECT key, value, revision FROM entries WHERE tenant = ?1 AND owner = ?2 AND key >= ?3 AND key < ?4 ORDER BY key"
        }
        Order::Descending => {
            "SELECT key, value, revision FROM entries WHERE tenant = ?1 AND owner = ?2 AND key >= ?3 AND key < ?4 ORDER BY key DESC"
        }
    }
}

fn commit(transaction: &Transaction<'_>, space: &Space, writes: &[Write], quota: Option<Quota>) -> Result<Outcome, StoreError> {
    let (new, known): (Vec<&Write>, Vec<&Write>) = writes.iter().partition(|write| is_new(write));
    let old = sizes(transaction, space, &known)?;
    let before = old.iter().flatten().map(|old| Size { bytes: old.bytes, keys: 1 }).sum();
    let after = Size::after(writes);
    let counted = match lost(&known, &old).is_empty() {
        true => count(transaction, space, before, after, quota),
        false => Ok(()),
    };
    // What lost a race is told before a quota that it would not have needed.
    if counted.is_err() || !lost(&known, &old).is_empty() {
        let writes: Vec<&Write> = writes.iter().collect();
        let lost = lost(&writes, &sizes(transaction, space, &writes)?);
        return if lost.is_empty() { counted.map(|()| Outcome::Committed) } else { Ok(Outcome::Conflict(lost)) };
    }
    // What is not there needs no removal; many a write only asks for that.
    let there = known.into_iter().zip(&old).filter(|(write, old)| old.is_some() || write.value.is_some()).map(|(write, _)| write);
    let lost = apply(transaction, space, there, new)?;
    Ok(if lost.is_empty() { Outcome::Committed } else { Outcome::Conflict(lost) })
}

/// Whether a write puts something where nothing may be. Then writing it is the quickest way to learn whether something is.
fn is_new(write: &Write) -> bool {
    write.condition == Condition::Absent && write.value.is_some()
}

fn lost(writes: &[&Write], old: &[Option<Old>]) -> Vec<String> {
    let lost = writes.iter().zip(old).filter(|(write, old)| !holds(&write.condition, old.as_ref().map(|old| old.revision)));
    lost.map(|(write, _)| write.key.clone()).collect()
}

/// What a key holds before it is written.
struct Old {
    revision: i64,
    bytes: u64,
}

fn sizes(transaction: &Transaction<'_>, space: &Space, writes: &[&Write]) -> Result<Vec<Option<Old>>, StoreError> {
    let query = "SELECT revision, length(key) + length(value) FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?3";
    let mut select = transaction.prepare_cached(query).map_err(failed)?;
    let mut old = |write: &Write| {
        let row = params![space.tenant(), owner(space), write.key.as_bytes()];
        select
            .query_row(row, |row| Ok(Old { revision: row.get(0)?, bytes: row.get::<_, i64>(1)?.unsigned_abs() }))
            .optional()
            .map_err(failed)
    };
    writes.iter().map(|write| old(write)).collect()
}

/// Keeps the size of the space, and holds it to the quota.
fn count(transaction: &Transaction<'_>, space: &Space, before: Size, after: Size, quota: Option<Quota>) -> Result<(), StoreError> {
    let row = params![space.tenant(), owner(space)];
    let query = "SELECT bytes, keys FROM spaces WHERE tenant = ?1 AND owner = ?2";
    let size = |row: &Row<'_>| Ok(Size { bytes: row.get::<_, i64>(0)?.unsigned_abs(), keys: row.get::<_, i64>(1)?.unsigned_abs() });
    let used = transaction.prepare_cached(query).and_then(|mut select| select.query_row(row, size).optional()).map_err(failed)?;
    let used = used.unwrap_or_default();
    if let Some(quota) = quota {
        key::check_quota(quota, used, before, after)?;
    }
    let upsert = "INSERT INTO spaces (tenant, owner, bytes, keys) VALUES (?1, ?2, ?3, ?4)
                  ON CONFLICT DO UPDATE SET bytes = excluded.bytes, keys = excluded.keys";
    let left = used.exchange(before, after);
    let [bytes, keys] = [left.bytes, left.keys].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    transaction
        .prepare_cached(upsert)
        .and_then(|mut upsert| upsert.execute(params![space.tenant(), owner(space), bytes, keys]))
        .map_err(failed)?;
    Ok(())
}

/// Writes what is known to hold, and what must be new; gives the keys of what was not.
fn apply<'a>(
    transaction: &Transaction<'_>,
    space: &Space,
    writes: impl Iterator<Item = &'a Write>,
    new: Vec<&Write>,
) -> Result<Vec<String>, StoreError> {
    let count = "UPDATE revisions SET last = last + 1 RETURNING last";
    let revision: i64 = transaction.prepare_cached(count).and_then(|mut count| count.query_row([], |row| row.get(0))).map_err(failed)?;
    let upsert = "INSERT INTO entries (tenant, owner, key, value, revision) VALUES (?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT DO UPDATE SET value = excluded.value, revision = excluded.revision";
    let insert = "INSERT INTO entries (tenant, owner, key, value, revision) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let delete = "DELETE FROM entries WHERE tenant = ?1 AND owner = ?2 AND key = ?3";
    let mut upsert = transaction.prepare_cached(upsert).map_err(failed)?;
    let mut insert = transaction.prepare_cached(insert).map_err(failed)?;
    let mut delete = transaction.prepare_cached(delete).map_err(failed)?;
    let (tenant, owner) = (space.tenant(), owner(space));
    for Write { key, value, .. } in writes {
        match value {
            Some(value) => upsert.execute(params![tenant, owner, key.as_bytes(), value, revision]),
            None => delete.execute(params![tenant, owner, key.as_bytes()]),
        }
        .map_err(failed)?;
    }
    let mut lost = Vec::new();
    for Write { key, value, .. } in new {
        if insert.execute(params![tenant, owner, key.as_bytes(), value, revision]).map_err(failed)? == 0 {
            lost.push(key.clone());
        }
    }
    Ok(lost)
}

fn holds(condition: &Condition, revision: Option<i64>) -> bool {
    match condition {
        Condition::Any => true,
        Condition::Absent => revision.is_none(),
        Condition::Revision(wanted) => revision.is_some_and(|revision| revision.to_string() == *wanted),
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let revision: i64 = row.get(2)?;
    Ok(Entry { key: text(row.get_ref(0)?)?, value: row.get(1)?, revision: revision.to_string() })
}

/// Keys are stored as bytes, so that they order by their bytes.
fn text(key: ValueRef<'_>) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(key.as_blob()?).into_owned())
}

fn owner(space: &Space) -> i64 {
    match space.owner() {
        Owner::Plugin => 0,
        Owner::Host => 1,
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    // A path is a path: no `file:` addresses, and no file that `make_file` did not make.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
    // A page that is written again and again goes from the log to the file once.
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(failed)?;
    Ok(connection)
}

/// Makes the file before SQLite does, for its mode; the write-ahead log takes over the mode of the file.
fn make_file(path: &Path) -> io::Result<()> {
    // A folder that is not there is a mistyped path: an empty store made beside it would answer "nobody is known".
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// Makes a folder for its owner only; leaves one that is there as it is.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What can pass by itself is unavailable; what cannot is something else.
fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Other(format!("the file is damaged: {error}")),
        Some(_) => StoreError::Unavailable(error.to_string()),
        None => StoreError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
