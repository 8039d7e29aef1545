//! The words of the core, said in half a sentence that follows a "because".

use crate::status::{Reason, Verdict};
use crate::unmatched::Unmatched;

pub(super) const fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Grace => "the out punch was within the grace",
        Verdict::Exempt => "the worker is in an exempt group",
        Verdict::Stale => "what is known of the worker is too old to decide by",
        Verdict::Unreachable => "what is known of the worker is too old, and Kronos could not be reached",
        Verdict::NoRecord => "nothing is known of this worker",
    }
}

/// No number stands in it: a limit of today may not be the one that held when the record was read, which the evidence tells.
pub(super) const fn of_reason(reason: Reason, unmatched: Option<Unmatched>) -> &'static str {
    match (reason, unmatched) {
        (_, Some(Unmatched::Absent)) => "Kronos shows no person with this user name",
        (_, Some(Unmatched::PinnedToNobody)) => "the worker is pinned to a person whom Kronos does not show",
        (_, Some(Unmatched::SeveralPersons)) => "the user name fits more than one person in Kronos",
        (_, Some(Unmatched::SeveralUsers)) => "the user name fits more than one user of the directory",
        (Reason::ClockedIn, None) => "the worker is clocked in",
        (Reason::BetweenSpans, None) => "the worker is on a break",
        (Reason::BreakTooLong, None) => "the break has lasted too long",
        (Reason::ShiftInProgress, None) => "a shift is in progress that needs no punches",
        (Reason::OpenTooLong, None) => "a shift was open for too long, and Kronos has not ended it",
        (Reason::ClockedOut, None) => "the worker is clocked out",
        (Reason::NoPunches, None) => "Kronos shows no punch of the worker that counts in the days that were read",
        (Reason::NotInKronos, None) => "Kronos shows no person for this worker",
        (Reason::AmbiguousUser, None) => "the user name fits more than one person or more than one directory user",
        (Reason::KronosError, None) => "Kronos answered an error for this worker",
        (Reason::ZoneUnknown, None) => "a punch has a time zone that nothing translates",
        (Reason::OnPremise, None) => "Kronos says that the worker is on the premises",
        (Reason::NotOnPremise, None) => "Kronos says that the worker is not on the premises",
        (Reason::ReportedIn, None) => "an event reported an in punch",
        (Reason::ReportedOut, None) => "an event reported an out punch",
    }
}
