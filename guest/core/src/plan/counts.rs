//! The numbers of a run (design §7), and the sums that hold between them.

use crate::record::Record;
use crate::status::{Reason, Status};

/// The numbers of a chunk, or of a run.
///
/// members = matched + unmatched = on_shift + on_break + off_shift + unknown = changed + unchanged; `failed` is a part of
/// `unknown`; `removed` stands apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Distinct enabled workers.
    pub members: u64,
    /// Workers found as exactly one person.
    pub matched: u64,
    /// The others.
    pub unmatched: u64,
    /// Workers on shift.
    pub on_shift: u64,
    /// Workers on a break.
    pub on_break: u64,
    /// Workers off shift.
    pub off_shift: u64,
    /// Workers whose status is unknown.
    pub unknown: u64,
    /// New records, and those whose status, reason or since differ.
    pub changed: u64,
    /// The others.
    pub unchanged: u64,
    /// Workers for whom the time system gave an error.
    pub failed: u64,
    /// Records that were removed, because their workers are in no group any more.
    pub removed: u64,
}

impl Counts {
    /// Adds the numbers of another chunk.
    pub fn add(&mut self, other: &Counts) {
        self.members += other.members;
        self.matched += other.matched;
        self.unmatched += other.unmatched;
        self.on_shift += other.on_shift;
        self.on_break += other.on_break;
        self.off_shift += other.off_shift;
        self.unknown += other.unknown;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.failed += other.failed;
        self.removed += other.removed;
    }

    /// These numbers where only so many of the changes were stored.
    #[must_use]
    pub const fn with_changed(self, changed: u64) -> Counts {
        Counts { changed, unchanged: self.members.saturating_sub(changed), ..self }
    }

    /// The numbers with their names, in the order to show.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("members", self.members),
            ("matched", self.matched),
            ("unmatched", self.unmatched),
            ("on_shift", self.on_shift),
            ("on_break", self.on_break),
            ("off_shift", self.off_shift),
            ("unknown", self.unknown),
            ("changed", self.changed),
            ("unchanged", self.unchanged),
            ("failed", self.failed),
            ("removed", self.removed),
        ]
    }

    /// Counts one worker by the record that stands after the run.
    pub(super) fn count(&mut self, record: &Record, matched: bool, changed: bool) {
        self.members += 1;
        *(if matched { &mut self.matched } else { &mut self.unmatched }) += 1;
        *(if changed { &mut self.changed } else { &mut self.unchanged }) += 1;
        self.failed += u64::from(record.reason == Reason::KronosError);
        *(match record.status {
            Status::OnShift => &mut self.on_shift,
            Status::OnBreak => &mut self.on_break,
            Status::OffShift => &mut self.off_shift,
            Status::Unknown => &mut self.unknown,
        }) += 1;
    }
}
