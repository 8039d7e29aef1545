//! What a plugin tells of the run in hand: kept for the history, and passed on to whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Lent;
use crate::history::{Level, Note};
use crate::limits::Limits;
use crate::plugin::bindings::shift_access::plugin::journal;

/// Counts of one run at most.
const MOST_COUNTS: usize = 200;

/// The longest text of a note, of a count's name and of a label, in characters: what the history keeps of it. A plugin may
/// hand over megabytes, and they would lie here for as long as the run takes.
const LONGEST: usize = 500;

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Things done.
    pub done: u64,
    /// Of how many, where known.
    pub total: Option<u64>,
    /// What they are.
    pub label: String,
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    notes: Mutex<Vec<Note>>,
    most: usize,
    dropped: AtomicU64,
    counts: Mutex<Vec<(String, u64)>>,
    progress: watch::Sender<Progress>,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new(watch::Sender::new(Progress::default()))
    }
}

impl Journal {
    /// A journal whose progress shows on `progress`, with as many notes as a run has by default.
    pub fn new(progress: watch::Sender<Progress>) -> Self {
        let most = Limits::default().jobs.notes;
        Self {
            notes: Mutex::default(),
            most: usize::try_from(most).unwrap_or(0),
            dropped: AtomicU64::new(0),
            counts: Mutex::default(),
            progress,
        }
    }

    /// The same with at most so many notes.
    #[must_use]
    pub fn with_notes(self, most: u32) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), ..self }
    }

    /// How many notes were over the limit, and left out.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Follows the progress.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// The counts so far.
    pub fn counts(&self) -> Vec<(String, u64)> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The notes so far.
    pub fn notes(&self) -> Vec<Note> {
        self.lock().clone()
    }

    /// The last of the notes so far, this many at most: of thousands, whoever watches a run sees some.
    pub fn last_notes(&self, most: usize) -> Vec<Note> {
        let notes = self.lock();
        notes.get(notes.len().saturating_sub(most)..).unwrap_or_default().to_vec()
    }

    fn add(&self, note: Note) {
        let mut notes = self.lock();
        if notes.len() < self.most {
            notes.push(note);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl journal::Host for &mut Lent {
    fn progress(&mut self, done: u64, total: Option<u64>, label: String) {
        self.journal.progress.send_replace(Progress { done, total, label: short(label) });
    }

    fn counts(&mut self, counts: Vec<(String, u64)>) {
        let counts = counts.into_iter().take(MOST_COUNTS).map(|(name, value)| (short(name), value)).collect();
        *self.journal.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    fn add(&mut self, note: journal::Note) {
        let level = match note.level {
            journal::Level::Info => Level::Info,
            journal::Level::Warning => Level::Warning,
            journal::Level::Error => Level::Error,
        };
        let at = self.clock.now();
        self.journal.add(Note { at, level, code: note.code.map(short), message: short(note.message), subject: note.subject.map(short) });
    }
}

/// A text that is no longer than it may be.
fn short(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
