//! What the time system holds for one person, in its own terms: local wall-clock times with a zone reference.
//!
//! The reader of UKG answers fills these; nothing here knows JSON. See facts/ukg-pro-wfm.md §3.4, §3.5 and §6.

use chrono::NaiveDateTime;

/// A reference to a zone, as it stands on a punch, a span or a person: any of the three may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneRef {
    /// The Kronos number, such as `13411`.
    pub id: Option<String>,
    /// The Kronos name, such as `(GMT -05:00) Eastern Time`, or an IANA name.
    pub qualifier: Option<String>,
    /// The display name, where it differs.
    pub name: Option<String>,
}

impl ZoneRef {
    /// A reference by a name alone.
    pub fn named(name: impl Into<String>) -> Self {
        Self { qualifier: Some(name.into()), ..Self::default() }
    }
}

/// What a punch was said to be, where somebody or a device said so. Most punches carry none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Override {
    /// `In Punch`.
    In,
    /// `Out Punch`.
    Out,
    /// `New Shift`.
    NewShift,
    /// One of the customer's break or meal rules, put on the return punch: its name.
    Break(String),
}

/// One clock event. It has no direction of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Punch {
    /// The id, kept over edits; of two punches at one instant the higher is later. Zero and below stand for a punch
    /// without an id of its own.
    pub id: i64,
    /// Local wall-clock time in `zone`.
    pub at: NaiveDateTime,
    /// The zone of `at`; usually the person's home zone.
    pub zone: ZoneRef,
    /// What it was said to be.
    pub kind: Option<Override>,
    /// A transfer ends one span and starts the next; the worker stays in.
    pub transfer: bool,
    /// Made by the system and not by the worker.
    pub phantom: bool,
    /// Made from a scheduled span.
    pub scheduled: bool,
    /// When it was entered or last edited, for telling two versions of one id apart. The zone is not stated.
    pub entered: Option<NaiveDateTime>,
}

/// A span of work inside a shift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkedSpan {
    /// Local start.
    pub start: NaiveDateTime,
    /// Zone of the start.
    pub start_zone: ZoneRef,
    /// Local end; none while the span is open.
    pub end: Option<NaiveDateTime>,
    /// Zone of the end.
    pub end_zone: ZoneRef,
    /// Whether the start is a punch, and which. Zero and below: one whose id is not said, which may be any of its instant.
    pub start_punch: Option<i64>,
    /// Whether the end is a punch, and which, as with the start; a span without one is open (inferred, facts §3.5), even if it shows an end.
    pub end_punch: Option<i64>,
    /// Projected into the future, not worked.
    pub projected: bool,
}

/// A shift as the totalizer has built it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkedShift {
    /// The id.
    pub id: i64,
    /// Local start.
    pub start: NaiveDateTime,
    /// Zone of the start.
    pub start_zone: ZoneRef,
    /// Local end, where there is one.
    pub end: Option<NaiveDateTime>,
    /// Zone of the end.
    pub end_zone: ZoneRef,
    /// Going on now.
    pub in_progress: bool,
    /// Projected, not worked.
    pub projected: bool,
    /// Made from the schedule.
    pub from_schedule: bool,
    /// The spans, in any order.
    pub spans: Vec<WorkedSpan>,
}

/// Everything read for one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timecard {
    /// The punches, in any order, duplicates allowed.
    pub punches: Vec<Punch>,
    /// The shifts, in any order, duplicates allowed.
    pub shifts: Vec<WorkedShift>,
}
