//! The layout of the file, and the steps from each layout to the next. A step that was released is never changed.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::super::StoreError;
use super::{BUSY, failed};

/// How often a busy file is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// `STEPS[n]` leads from layout `n` to `n + 1`; the layout is kept in `PRAGMA user_version`.
pub(super) const STEPS: [&str; 2] = [
    "
    -- owner: 0 the plugin, 1 the host. The key is a blob, so that keys order by their bytes. Most values are small, so they lie
    -- where the keys do: one way down the tree instead of two.
    CREATE TABLE entries (
        tenant TEXT NOT NULL,
        owner INTEGER NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (tenant, owner, key)
    ) STRICT, WITHOUT ROWID;

    -- How many bytes of keys and values each space holds.
    CREATE TABLE spaces (
        tenant TEXT NOT NULL,
        owner INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (tenant, owner)
    ) STRICT;

    -- One row: the last revision given out. It only grows, so that no revision comes twice.
    CREATE TABLE revisions (last INTEGER NOT NULL) STRICT;
    INSERT INTO revisions (last) VALUES (0);
",
    "
    -- How many keys each space holds.
    ALTER TABLE spaces ADD COLUMN keys INTEGER NOT NULL DEFAULT 0;
    UPDATE spaces SET keys = (
        SELECT count(*) FROM entries WHERE entries.tenant = spaces.tenant AND entries.owner = spaces.owner
    );
",
];

const KNOWN: i64 = STEPS.len() as i64;

/// Brings the file to the newest layout, or refuses it untouched. Of two processes that come at once, one waits.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    // In one transaction, so that the layout and the tables are of one moment.
    let looking = connection.transaction().map_err(failed)?;
    check(&looking, path)?;
    looking.finish().map_err(failed)?;
    use_write_ahead_log(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = check(&transaction, path)?;
    for step in STEPS.iter().skip(found) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    if found < STEPS.len() {
        transaction.pragma_update(None, "user_version", KNOWN).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// Kept in the file; cannot change inside a transaction. While another process makes the same change SQLite says that
/// the file is busy without waiting, so the wait is here.
fn use_write_ahead_log(connection: &Connection) -> Result<(), StoreError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < BUSY => sleep(PAUSE),
            done => return done.map_err(failed),
        }
    }
}

/// The layout of the file, if it is one of this program's.
fn check(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if found > KNOWN {
        return Err(StoreError::Newer { path: path.display().to_string(), found, known: KNOWN });
    }
    match usize::try_from(found) {
        Ok(found) if (found > 0) == (tables > 0) => Ok(found),
        _ => Err(StoreError::Other(format!("{} is the database of another program", path.display()))),
    }
}
