//! What UKG holds about a person: who they are, their punches, and the shifts the totalizer made of them.
//!
//! Plain data. How it is written as JSON is the simulator's business; how a test says it is [`crate::world::Worker`]'s.

use crate::world::zone::{EASTERN, Moment};

/// A person in UKG Pro WFM.
#[derive(Debug, Clone)]
pub struct Person {
    /// `personId`, which is also the employee id: a number of UKG's own.
    pub id: u64,
    /// `personNumber`, the qualifier of employee references: the customer's number, a text.
    pub number: String,
    /// The login name.
    pub user_name: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The home zone, by Kronos number.
    pub zone: u32,
    /// The badge, if there is one.
    pub badge: Option<String>,
    /// The mail address, if there is one.
    pub email: Option<String>,
    /// Whether the person is employed now.
    pub active: bool,
    /// Outside the employee group of the API user.
    pub hidden: bool,
    /// What `TK_ON_PREMISE` answers; derived from the shifts if `None`.
    pub on_premise: Option<bool>,
    /// The trouble every timecard read has with this person.
    pub trouble: Option<Trouble>,
    /// Not in UKG (any more): no call finds this person.
    pub gone: bool,
    /// Every punch, also phantom and scheduled ones, in the order they came in.
    pub punches: Vec<Punch>,
    /// Every worked shift.
    pub shifts: Vec<Shift>,
}

impl Person {
    /// An active person in Eastern Time who never punched.
    pub(crate) fn new(id: u64, number: String, user_name: &str) -> Self {
        Self {
            id,
            number,
            user_name: user_name.to_owned(),
            first_name: String::new(),
            last_name: user_name.to_owned(),
            zone: EASTERN,
            badge: None,
            email: None,
            active: true,
            hidden: false,
            on_premise: None,
            trouble: None,
            gone: false,
            punches: Vec::new(),
            shifts: Vec::new(),
        }
    }

    /// First and last name in UKG's order.
    pub fn full_name(&self) -> String {
        if self.first_name.is_empty() { self.last_name.clone() } else { format!("{}, {}", self.last_name, self.first_name) }
    }

    /// The shift in progress, the newest if there are several.
    pub(crate) fn open_shift(&mut self) -> Option<&mut Shift> {
        self.shifts.iter_mut().rev().find(|shift| shift.in_progress)
    }
}

/// An error UKG answers for one worker, in an answer that holds others.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Such as `WTK-145000`.
    pub code: String,
    /// The text beside it.
    pub message: String,
}

/// One clock event.
#[derive(Debug, Clone)]
pub struct Punch {
    /// The id; stays the same when the punch is edited.
    pub id: u64,
    /// When.
    pub at: Moment,
    /// In which zone the clock stood.
    pub zone: u32,
    /// The type override, where someone or a device set one. A punch has no other direction.
    pub kind: Option<Override>,
    /// The transfer string, where the punch is a transfer.
    pub transfer: Option<String>,
    /// Made by the system.
    pub phantom: bool,
    /// Made from a scheduled span.
    pub scheduled: bool,
    /// When it reached UKG; the moment of the punch if `None`.
    pub entered: Option<Moment>,
    /// When it was last edited.
    pub updated: Option<Moment>,
    /// The function area it came by, such as `DCM` or `OFFLINE_DATA`.
    pub source: String,
}

impl Punch {
    /// A punch as a clock at the door makes it: no override, no transfer.
    pub fn plain(id: u64, at: impl Into<Moment>, zone: u32) -> Self {
        Self {
            id,
            at: at.into(),
            zone,
            kind: None,
            transfer: None,
            phantom: false,
            scheduled: false,
            entered: None,
            updated: None,
            source: "DCM".to_owned(),
        }
    }
}

/// What a type override says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Override {
    /// `In Punch`.
    In,
    /// `Out Punch`.
    Out,
    /// `New Shift`.
    NewShift,
    /// A break or meal rule, named by the customer, such as `30 Min Meal`; it is set on the punch that returns.
    BreakRule(String),
}

impl Override {
    /// The qualifier.
    pub fn qualifier(&self) -> &str {
        match self {
            Self::In => "In Punch",
            Self::Out => "Out Punch",
            Self::NewShift => "New Shift",
            Self::BreakRule(name) => name,
        }
    }
}

/// A worked shift.
#[derive(Debug, Clone)]
pub struct Shift {
    /// The id.
    pub id: u64,
    /// The start.
    pub start: Moment,
    /// The end; `None` while nobody knows it.
    pub end: Option<Moment>,
    /// The zone of both.
    pub zone: u32,
    /// `inProgress`.
    pub in_progress: bool,
    /// `projected`.
    pub projected: bool,
    /// `fromSchedule`.
    pub from_schedule: bool,
    /// The spans, in order.
    pub spans: Vec<Span>,
}

/// One unbroken stretch inside a shift.
#[derive(Debug, Clone)]
pub struct Span {
    /// The id.
    pub id: u64,
    /// The start.
    pub start: Moment,
    /// The end; `None` while the span is open.
    pub end: Option<Moment>,
    /// The punch that began it.
    pub start_punch: Option<u64>,
    /// The punch that ended it.
    pub end_punch: Option<u64>,
    /// `projected`.
    pub projected: bool,
}

impl Span {
    /// An open span.
    pub fn open(id: u64, start: Moment, start_punch: u64) -> Self {
        Self { id, start, end: None, start_punch: Some(start_punch), end_punch: None, projected: false }
    }
}
