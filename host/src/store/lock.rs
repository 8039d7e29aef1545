//! Locks between processes: one file each in a folder beside the database, held with the kernel's file lock.
//!
//! The kernel lets go when the process ends, however it ends, so no lock is ever left behind. The file itself is
//! removed by its holder; a file that a killed process left is taken over and removed by the next.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;

/// Longer names do not fit into a file name on every file system.
const MAX_NAME_BYTES: usize = 240;

/// A lock that is held.
pub(super) struct FileLock {
    /// Keeps the kernel's lock; closed after the file is removed.
    _file: File,
    path: PathBuf,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While the lock is still held: nobody else can hold this file, and whoever waits with it open sees that the
        // path no longer leads to it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes the lock, or `None` while another holder has it.
pub(super) fn try_lock(folder: &Path, tenant: &str, name: &str) -> Result<Option<FileLock>, StoreError> {
    let path = folder.join(file_name(tenant, name)?);
    let failed = |error: io::Error| StoreError::Unavailable(format!("could not lock {}: {error}", path.display()));
    // Each turn but the last means that a holder removed the file between our opening and locking it.
    for _ in 0..100 {
        let file = open(folder, &path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) if leads_to(&path, &file).map_err(failed)? => return Ok(Some(FileLock { _file: file, path })),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    Ok(None)
}

fn open(folder: &Path, path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            super::sqlite::make_folder(folder)?;
            options.open(path)
        }
        other => other,
    }
}

/// Whether the path still leads to the open file, so that everybody who opens it meets this lock.
#[cfg(unix)]
fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(now) => Ok((now.dev(), now.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn leads_to(_path: &Path, _file: &File) -> io::Result<bool> {
    Ok(true)
}

/// One file name for each tenant and name, on every file system: what is not a small letter, a digit or a dash is
/// written as its bytes.
fn file_name(tenant: &str, name: &str) -> Result<String, StoreError> {
    let file = format!("{}.{}.lock", plain(tenant), plain(name));
    if file.len() > MAX_NAME_BYTES {
        return Err(StoreError::Invalid(format!("the lock name {name:?} of {tenant:?} is too long")));
    }
    Ok(file)
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => plain.push(char::from(byte)),
            _ => plain.push_str(&format!("_{byte:02x}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder_and_never_meets_another() {
        let names = [("a", "b"), ("a.b", ""), ("", "a.b"), ("a_2eb", ""), ("A", "b"), ("../a", "b"), ("a/b", ""), ("ä", "b"), ("a\0", "b")];
        let files: std::collections::BTreeSet<_> = names.iter().map(|(tenant, name)| file_name(tenant, name).unwrap()).collect();
        assert_eq!(files.len(), names.len(), "{files:?}");
        assert!(files.iter().all(|file| !file.contains('/') && !file.starts_with("..")), "{files:?}");
        assert!(file_name(&"x".repeat(300), "b").is_err());
    }

    #[test]
    fn a_file_that_a_killed_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("acme.batch.lock"), "").unwrap();
        let held = try_lock(folder.path(), "acme", "batch").unwrap();
        assert!(held.is_some());
        assert!(try_lock(folder.path(), "acme", "batch").unwrap().is_none());
        drop(held);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_many_who_come_and_go_only_one_holds_the_lock() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let Some(held) = try_lock(folder.path(), "acme", "batch").unwrap() else { continue };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        taken.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 0);
    }
}
