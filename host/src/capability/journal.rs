//! What a plugin tells of the run in hand: kept for the history, and passed on to whoever watches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Lent;
use crate::history::{Level, Note};
use crate::plugin::bindings::shift_access::plugin::journal;

/// Notes of one run at most: enough for a trouble with every group and many users, and no plugin can fill the disk.
const MOST_NOTES: usize = 4_000;

/// Counts of one run at most.
const MOST_COUNTS: usize = 200;

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
    counts: Mutex<Vec<(String, u64)>>,
    progress: watch::Sender<Progress>,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new(watch::Sender::new(Progress::default()))
    }
}

impl Journal {
    /// A journal whose progress shows on `progress`.
    pub fn new(progress: watch::Sender<Progress>) -> Self {
        Self { notes: Mutex::default(), counts: Mutex::default(), progress }
    }

    /// Follows the progress.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The counts so far.
    pub fn counts(&self) -> Vec<(String, u64)> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The notes so far.
    pub fn notes(&self) -> Vec<Note> {
        self.lock().clone()
    }

    fn add(&self, note: Note) {
        let mut notes = self.lock();
        if notes.len() < MOST_NOTES {
            notes.push(note);
        } else if notes.len() == MOST_NOTES {
            let message = format!("more than {MOST_NOTES} notes; the rest is left out");
            notes.push(Note { level: Level::Warning, code: None, message, subject: None, ..note });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl journal::Host for &mut Lent {
    fn progress(&mut self, done: u64, total: Option<u64>, label: String) {
        self.journal.progress.send_replace(Progress { done, total, label });
    }

    fn counts(&mut self, counts: Vec<(String, u64)>) {
        let counts = counts.into_iter().take(MOST_COUNTS).collect();
        *self.journal.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    fn add(&mut self, note: journal::Note) {
        let level = match note.level {
            journal::Level::Info => Level::Info,
            journal::Level::Warning => Level::Warning,
            journal::Level::Error => Level::Error,
        };
        let at = self.clock.now();
        self.journal.add(Note { at, level, code: note.code, message: note.message, subject: note.subject });
    }
}
