//! The words of the core, said in half a sentence that follows a "because".

use crate::settings::Settings;
use crate::status::{Reason, Verdict};

pub(super) const fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Grace => "the out punch was within the grace",
        Verdict::Exempt => "the worker is in an exempt group",
        Verdict::Stale => "what is known of the worker is too old to decide by",
        Verdict::Unreachable => "what is known of the worker is too old, and Kronos could not be reached",
        Verdict::NoRecord => "nothing is known of this worker",
    }
}

pub(super) fn of_reason(reason: Reason, settings: &Settings) -> String {
    match reason {
        Reason::ClockedIn => "the worker is clocked in",
        Reason::BetweenSpans => "the worker is on a break",
        Reason::BreakTooLong => return format!("the break has lasted longer than {} min", settings.max_break.num_minutes()),
        Reason::ShiftInProgress => "a shift is in progress that needs no punches",
        Reason::OpenTooLong => {
            return format!("a shift was open for longer than {} h: an out punch was probably forgotten", settings.max_shift.num_hours());
        }
        Reason::ClockedOut => "the worker is clocked out",
        Reason::NoPunches => "Kronos shows no punches of the worker in the last days",
        Reason::NotInKronos => "Kronos shows no person with this user name",
        Reason::AmbiguousUser => "the user name fits more than one person or more than one directory user",
        Reason::KronosError => "Kronos answered an error for this worker",
        Reason::ZoneUnknown => "a punch has a time zone that nothing translates",
        Reason::OnPremise => "Kronos says that the worker is on the premises",
        Reason::NotOnPremise => "Kronos says that the worker is not on the premises",
        Reason::ReportedIn => "an event reported an in punch",
        Reason::ReportedOut => "an event reported an out punch",
    }
    .to_owned()
}
