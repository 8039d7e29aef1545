//! The folder: one file a commit, numbered, and a snapshot now and then.
//!
//! ```text
//! STORE/0000000001/snapshot                 all there was when this generation began
//! STORE/0000000001/00000000000000000042     commit 42
//! STORE/0000000001/next                     the next generation, for the moment before it has its name
//! STORE/tmp/                                what is being written
//! ```
//!
//! A commit is written whole into `tmp`, waits for the disk, and gets its name by a hard link, which fails where the name is there
//! already: of all who would be commit 42 one is, and the others look again. That is the compare-and-swap on which the promises
//! rest; it holds between instances and between processes. Every read first reads what has come since the last one.
//!
//! A generation ends with a commit that says so; whoever reads it makes the next one, by renaming a folder that is whole, if nobody
//! has yet, and by way of the one that ended, so that none can come back once it is gone. One that ended is renamed out of the way
//! before its files go, so that nobody can add to it unseen.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::claims;
use crate::record::{self, Record};
use crate::state::{Change, State};
use crate::unique::unique;

/// Commits of a generation, after which it ends.
const COMMITS: u64 = 500;
/// What was left behind in `tmp` by a process that was killed is removed after this time.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// Why the folder could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system failed.
    #[error("the folder of the store: {0}")]
    Folder(#[from] io::Error),
    /// A file is not what was written, or was written by a later version.
    #[error("the file {} of the store is damaged, or of a later version", .0.display())]
    Damaged(PathBuf),
    /// The generation was removed at the very moment of a commit.
    #[error("it is not known whether the commit was stored; read again")]
    Unknown,
}

/// The folder, and what is known of it.
pub struct Journal {
    root: PathBuf,
    generation: u64,
    /// The number of the commit that the generation began with.
    began: u64,
    pub state: State,
}

impl Journal {
    /// Opens the folder, and reads all of it.
    ///
    /// # Errors
    /// A folder that is not there, or cannot be read or written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        match fs::create_dir(root.join("tmp")) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let mut journal = Self { root: root.to_owned(), generation: 0, began: 0, state: State::default() };
        journal.load()?;
        journal.refresh()?;
        Ok(journal)
    }

    /// Reads what has come since the last time.
    ///
    /// # Errors
    /// The file system's, and a damaged file.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        loop {
            let path = self.commit_path(self.state.last.saturating_add(1));
            match fs::read(&path) {
                Ok(bytes) => match Record::read(&bytes).ok_or(StoreError::Damaged(path))? {
                    Record::Commit(changes) => self.state.apply(changes),
                    Record::Seal => self.advance()?,
                },
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                // Where the generation is still there, nothing was missed.
                Err(_) if exists(&self.folder(self.generation))? => return Ok(()),
                Err(_) => self.load()?,
            }
        }
    }

    /// Stores the changes, if `judge` finds nothing against them in what is there at that very moment.
    ///
    /// # Errors
    /// The file system's, and a damaged file; inside, what `judge` found.
    pub fn commit<C>(&mut self, changes: Vec<Change>, judge: impl Fn(&State) -> Result<(), C>) -> Result<Result<(), C>, StoreError> {
        self.refresh()?;
        if let Err(against) = judge(&self.state) {
            return Ok(Err(against));
        }
        let written = self.write(&Record::Commit(changes.clone()))?;
        let outcome = loop {
            match self.name(&written) {
                Ok(true) => break Ok(Ok(())),
                Ok(false) => {}
                Err(error) => break Err(error),
            }
            match self.refresh().map(|()| judge(&self.state)) {
                Ok(Ok(())) => {}
                Ok(Err(against)) => break Ok(Err(against)),
                Err(error) => break Err(error),
            }
        };
        // It has its other name, or none.
        let _ = fs::remove_file(&written);
        if matches!(outcome, Ok(Ok(()))) {
            self.state.apply(changes);
            self.end_generation();
        }
        outcome
    }

    /// Makes what was written the next commit; false where another is.
    fn name(&self, written: &Path) -> Result<bool, StoreError> {
        let path = self.commit_path(self.state.last.saturating_add(1));
        match fs::hard_link(written, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            // The generation is gone, unless it is what was written that is.
            Err(error) if error.kind() == ErrorKind::NotFound && exists(written)? => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        if !exists(&path)? {
            return Err(StoreError::Unknown);
        }
        self.sync(&self.folder(self.generation));
        Ok(true)
    }

    /// Writes a file that nobody sees yet, down to the disk.
    fn write(&self, record: &Record) -> Result<PathBuf, StoreError> {
        let path = self.root.join("tmp").join(unique());
        write(&path, &record.bytes())?;
        Ok(path)
    }

    /// Ends the generation, if it is long enough. What fails here is tried again by whoever reads or commits next.
    fn end_generation(&mut self) {
        if self.state.last.saturating_sub(self.began) < COMMITS {
            return;
        }
        if let Ok(written) = self.write(&Record::Seal) {
            let _ = self.name(&written);
            let _ = fs::remove_file(&written);
            let _ = self.refresh();
        }
    }

    /// Goes on in the next generation, which begins with all there is, the seal among it; makes it, if nobody has yet. Only then
    /// does the seal count as read: where this fails, it is read again, and nothing is added behind it.
    fn advance(&mut self) -> Result<(), StoreError> {
        let (ended, next) = (self.generation, self.generation.saturating_add(1));
        let seal = self.state.last.saturating_add(1);
        claims::forget_over(&mut self.state);
        if !exists(&self.folder(next))? && !self.begin_next(next, seal)? {
            return self.load();
        }
        (self.generation, self.began, self.state.last) = (next, seal, seal);
        self.tidy(ended);
        Ok(())
    }

    /// Makes the next generation; false where this one is gone, so that others are further on.
    ///
    /// It goes by way of this one's folder, which is gone before the next one is. So whoever stood still in here while others
    /// passed generations finds no way, and brings none back that came and went.
    fn begin_next(&self, next: u64, seal: u64) -> Result<bool, StoreError> {
        let (ended, made) = (self.folder(self.generation), self.write_generation(seal)?);
        let ready = ended.join("next");
        let placed = fs::rename(&made, &ready);
        if placed.is_err() {
            let _ = fs::remove_dir_all(&made);
        }
        // Another may have been faster, here or before: what it made begins with the same.
        let moved = fs::rename(&ready, self.folder(next));
        self.sync(&self.root);
        if exists(&self.folder(next))? {
            return Ok(true);
        }
        if exists(&ended)? { placed.and(moved).map(|()| true).map_err(StoreError::Folder) } else { Ok(false) }
    }

    /// Makes the first generation, of nothing. There is none before it to go by way of, so this one could come back: where two
    /// open an empty folder at once, and one stands still in here while the other passes two generations. What is read is the
    /// newest even so; only a third that slept since the first would take it for its own, until it is tidied away.
    fn begin_first(&self) -> Result<(), StoreError> {
        let made = self.write_generation(0)?;
        let moved = fs::rename(&made, self.folder(1));
        if moved.is_err() {
            let _ = fs::remove_dir_all(&made);
        }
        self.sync(&self.root);
        // Another may have been faster.
        if self.generations()?.is_empty() { moved.map_err(StoreError::Folder) } else { Ok(()) }
    }

    /// Writes a generation that nobody sees yet, which begins with all there is, as of this commit.
    fn write_generation(&self, last: u64) -> Result<PathBuf, StoreError> {
        let made = self.root.join("tmp").join(unique());
        fs::create_dir(&made)?;
        write(&made.join("snapshot"), &record::snapshot(&self.state, last))?;
        Ok(made)
    }

    /// Reads the newest generation's beginning.
    fn load(&mut self) -> Result<(), StoreError> {
        loop {
            let newest = self.generations()?.into_iter().max();
            let Some(generation) = newest else {
                self.state = State::default();
                self.begin_first()?;
                continue;
            };
            let path = self.folder(generation).join("snapshot");
            match fs::read(&path) {
                Ok(bytes) => {
                    self.state = record::read_snapshot(&bytes).ok_or(StoreError::Damaged(path))?;
                    (self.generation, self.began) = (generation, self.state.last);
                    return Ok(());
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                // It was tidied away meanwhile: there is a newer one.
                Err(_) if exists(&self.folder(generation))? => return Err(StoreError::Damaged(path)),
                Err(_) => {}
            }
        }
    }

    fn generations(&self) -> Result<Vec<u64>, StoreError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
        }
        Ok(found)
    }

    /// Removes the generations before this one, and what was left behind. Others may do the same at the same time.
    fn tidy(&self, oldest: u64) {
        let tmp = self.root.join("tmp");
        let mut over = self.generations().unwrap_or_default();
        over.retain(|generation| *generation < oldest);
        over.sort_unstable();
        for generation in over {
            let away = tmp.join(unique());
            // None goes before the one that leads to it is gone: see `begin_next`.
            match fs::rename(self.folder(generation), &away).and_then(|()| fs::remove_dir_all(away)) {
                Err(error) if error.kind() != ErrorKind::NotFound => break,
                _ => {}
            }
        }
        let old = |path: &Path| {
            let age = |changed: SystemTime| SystemTime::now().duration_since(changed).unwrap_or_default();
            fs::metadata(path).and_then(|known| known.modified()).is_ok_and(|changed| age(changed) > FORGOTTEN)
        };
        for path in fs::read_dir(&tmp).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| old(path)) {
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }

    fn folder(&self, generation: u64) -> PathBuf {
        self.root.join(format!("{generation:010}"))
    }

    fn commit_path(&self, number: u64) -> PathBuf {
        self.folder(self.generation).join(format!("{number:020}"))
    }

    /// Waits until a new name is on the disk. Where a host cannot wait for a folder, a power failure may take the name along,
    /// but never half of a commit.
    fn sync(&self, folder: &Path) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
