//! Which component lies in a file, known without reading it again while the file is as it was.
//!
//! It is never a reason to run the bytes of a file: what is compiled was read, and has the digest that it was asked for by.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::config::ComponentDigest;
use crate::plugin::{LoadError, Pack};

/// A file that was written so shortly before it was read may be written once more without another time to show for it.
const SETTLED: Duration = Duration::from_secs(2);

/// Files that were read.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<PathBuf, (Stamp, ComponentDigest)>);

/// What is another for a file that was written since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: SystemTime,
    bytes: u64,
    /// The file itself, and when anything of it changed: whoever writes to it can set back when it was modified, but not this.
    #[cfg(unix)]
    inode: (u64, i64, i64),
}

/// The bytes of a file.
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: ComponentDigest,
    stamp: Option<Stamp>,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        Self::read(&std::fs::metadata(file).ok()?)
    }

    fn read(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            modified: metadata.modified().ok()?,
            bytes: metadata.len(),
            #[cfg(unix)]
            inode: (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Whether the file is as it was. It may take its time, as reading one does.
    pub(super) fn is_of(&self, file: &Path) -> bool {
        Self::of(file).as_ref() == Some(self)
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        now.duration_since(self.modified).is_ok_and(|since| since >= SETTLED)
    }
}

/// Reads a file. It may take its time: not for a thread on which others wait.
pub(super) fn read(file: &Path) -> Result<Bytes, LoadError> {
    // Before the bytes: what is written meanwhile has another one.
    let stamp = Stamp::of(file).filter(|stamp| stamp.is_settled(SystemTime::now()));
    let bytes = Pack::read(file)?;
    Ok(Bytes { digest: ComponentDigest::of(&bytes), bytes, stamp })
}

impl Seen {
    /// What lay there when it was read, and how the file was then.
    pub(super) fn of(&self, file: &Path) -> Option<(Stamp, ComponentDigest)> {
        self.0.get(file).cloned()
    }

    /// Every file, as it was when it was read.
    pub(super) fn all(&self) -> Vec<(PathBuf, Stamp)> {
        self.0.iter().map(|(file, (stamp, _))| (file.clone(), stamp.clone())).collect()
    }

    /// Remembers what was read.
    pub(super) fn note(&mut self, file: &Path, read: &Bytes) {
        match &read.stamp {
            Some(stamp) => self.0.insert(file.to_owned(), (stamp.clone(), read.digest)),
            None => self.0.remove(file),
        };
    }

    /// Forgets files that are others by now, or gone, unless they were read anew since.
    pub(super) fn forget(&mut self, gone: &[(PathBuf, Stamp)]) {
        for (file, stamp) in gone {
            if self.0.get(file).is_some_and(|(known, _)| known == stamp) {
                self.0.remove(file);
            }
        }
    }

    pub(super) fn has(&self, digest: &ComponentDigest) -> bool {
        self.0.values().any(|(_, known)| known == digest)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn unchanged(seen: &Seen, file: &Path) -> Option<ComponentDigest> {
        let (stamp, digest) = seen.of(file)?;
        stamp.is_of(file).then_some(digest)
    }

    fn long_ago(file: &Path) {
        File::options().write(true).open(file).unwrap().set_modified(SystemTime::now() - SETTLED * 10).unwrap();
    }

    #[test]
    fn a_file_is_known_while_it_is_as_it_was_and_not_a_moment_longer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        let mut seen = Seen::default();
        let look = |seen: &mut Seen| {
            let bytes = read(&file).unwrap();
            seen.note(&file, &bytes);
            bytes.digest
        };
        std::fs::write(&file, "one").unwrap();
        look(&mut seen);
        assert_eq!(unchanged(&seen, &file), None, "it may be written once more in the same moment");
        long_ago(&file);
        let one = look(&mut seen);
        assert_eq!(unchanged(&seen, &file), Some(one));
        std::fs::write(&file, "longer").unwrap();
        long_ago(&file);
        assert_eq!(unchanged(&seen, &file), None);
        let longer = look(&mut seen);
        assert_eq!((unchanged(&seen, &file), seen.has(&longer), seen.has(&one)), (Some(longer), true, false));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(unchanged(&seen, &file), None);
        let gone: Vec<_> = seen.all().into_iter().filter(|(file, stamp)| !stamp.is_of(file)).collect();
        seen.forget(&gone);
        assert!(!seen.has(&longer));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_the_same_length_and_time_is_another_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        std::fs::write(&file, "one").unwrap();
        long_ago(&file);
        let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
        let mut seen = Seen::default();
        seen.note(&file, &read(&file).unwrap());
        assert!(unchanged(&seen, &file).is_some());
        std::fs::write(folder.path().join("b.wasm"), "two").unwrap();
        std::fs::rename(folder.path().join("b.wasm"), &file).unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), modified);
        assert_eq!(unchanged(&seen, &file), None);
    }
}
