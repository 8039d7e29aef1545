//! The numbers of an inbox, cheap to keep and to read.
//!
//! Those of what waits are this process's own idea: other hosts take in and deal with events too, so they are counted anew in
//! the store, at the start and once a minute. A count that something came between is a little off until the next.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The numbers of one inbox.
#[derive(Debug, Default)]
pub struct Numbers {
    /// May be below nothing for a moment, when what another host took in is dealt with here.
    waiting: AtomicI64,
    /// In milliseconds; 0 where nothing waits.
    oldest: AtomicI64,
    dead: AtomicI64,
    received: AtomicU64,
    duplicates: AtomicU64,
    refused: AtomicU64,
    /// How often what waits has changed here.
    changes: AtomicU64,
    /// What waits has been counted.
    known: AtomicBool,
}

/// What the numbers were at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Events that wait, those that are to be brought again included.
    pub waiting: u64,
    /// How long ago the oldest of them came, in seconds.
    pub oldest_waiting_seconds: Option<i64>,
    /// Dead letters.
    pub dead_letters: u64,
    /// Events that were stored since the process began.
    pub received: u64,
    /// Events that had come before, since the process began.
    pub duplicates: u64,
    /// Posts that were refused, for whatever reason, since the process began.
    pub refused: u64,
    /// Whether what waits and the dead letters have been counted yet.
    pub counted: bool,
}

impl Numbers {
    /// The numbers as they stand.
    pub fn read(&self, now: DateTime<Utc>) -> Reading {
        let waiting = self.waiting();
        let oldest = self.oldest.load(Relaxed);
        Reading {
            waiting,
            oldest_waiting_seconds: (waiting > 0 && oldest > 0).then(|| (now.timestamp_millis() - oldest).max(0) / 1_000),
            dead_letters: u64::try_from(self.dead.load(Relaxed)).unwrap_or(0),
            received: self.received(),
            duplicates: self.duplicates(),
            refused: self.refused.load(Relaxed),
            counted: self.known.load(Relaxed),
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.waiting.load(Relaxed)).unwrap_or(0)
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates.load(Relaxed)
    }

    pub(super) fn took_in(&self, accepted: u64, duplicates: u64, now: DateTime<Utc>) {
        self.changed();
        self.received.fetch_add(accepted, Relaxed);
        self.duplicates.fetch_add(duplicates, Relaxed);
        if self.waiting.fetch_add(signed(accepted), Relaxed) <= 0 {
            self.oldest.store(now.timestamp_millis(), Relaxed);
        }
    }

    /// A post was refused.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// So many events are dealt with, and so many of them are dead letters now.
    pub(super) fn dealt_with(&self, events: u64, dead: u64) {
        self.changed();
        self.waiting.fetch_sub(signed(events), Relaxed);
        self.dead.fetch_add(signed(dead), Relaxed);
    }

    /// A dead letter is gone; where it is put back, it waits.
    pub(crate) fn letter_gone(&self, put_back: bool) {
        self.changed();
        self.dead.fetch_sub(1, Relaxed);
        self.waiting.fetch_add(i64::from(put_back), Relaxed);
    }

    /// How often what waits has changed here: to be asked before counting.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Relaxed);
    }

    /// What was counted in the store, begun when the changes were so many. Tells whether nothing came between: otherwise the
    /// numbers may be off, and are taken only where there are none yet.
    pub(super) fn counted(&self, begun: u64, waiting: u64, oldest: Option<DateTime<Utc>>, dead: u64) -> bool {
        let undisturbed = self.changes() == begun;
        if undisturbed || !self.known.swap(true, Relaxed) {
            self.waiting.store(signed(waiting), Relaxed);
            self.oldest(oldest);
            self.dead.store(signed(dead), Relaxed);
            self.known.store(true, Relaxed);
        }
        undisturbed
    }

    pub(super) fn oldest(&self, oldest: Option<DateTime<Utc>>) {
        self.oldest.store(oldest.map_or(0, |oldest| oldest.timestamp_millis()), Relaxed);
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
