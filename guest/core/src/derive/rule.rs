//! Which rule decided, as a sentence that names its row in the table of design §5.

use super::state::Read;
use crate::settings::Settings;
use crate::status::Reason;

/// The rule behind a reason. `by`: how the last punch that changed anything was read, where no shift holds that punch yet.
pub(super) fn sentence(reason: Reason, by: Option<Read>, settings: &Settings) -> String {
    let (hours, minutes) = (settings.max_shift.num_hours(), settings.max_break.num_minutes());
    match (reason, by) {
        (Reason::OpenTooLong, _) => format!(
            "Rule 4: the shift has been open for longer than {hours} h (max-shift-hours) and Kronos has not ended it; an out punch was probably forgotten, or the shift not closed, so the worker counts as off shift."
        ),
        (Reason::BreakTooLong, _) => {
            format!("Rule 2: nobody came back from the break within {minutes} min (max-break-minutes), so the worker counts as off shift.")
        }
        (Reason::ClockedIn, Some(read)) => format!(
            "Rule 5: the last punch that changes anything is in no shift of Kronos yet and was read as {}, so the worker is on shift.",
            read.word()
        ),
        (Reason::BetweenSpans, Some(_)) => {
            "Rule 5: the last punch that changes anything was read as out inside a shift in progress, so the worker is on a break."
                .to_owned()
        }
        (Reason::ClockedOut, Some(_)) => {
            "Rule 5: the last punch that changes anything was read as out with no shift in progress, so the worker is off shift.".to_owned()
        }
        (reason, _) => of_reason(reason).to_owned(),
    }
}

/// The rule where it needs no number and no punch: also that of a record which does not hold what it was concluded from.
pub(crate) const fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::ClockedIn => "Rule 1: the shift is in progress and its last span of work is open, so the worker is on shift.",
        Reason::BetweenSpans => "Rule 2: the shift is in progress and its last span of work has ended, so the worker is on a break.",
        Reason::BreakTooLong => "Rule 2: the break has lasted too long, so the worker counts as off shift.",
        Reason::ShiftInProgress => "Rule 3: a shift is in progress that needs no punches, so the worker is on shift.",
        Reason::OpenTooLong => {
            "Rule 4: the shift has been open for too long and Kronos has not ended it, so the worker counts as off shift."
        }
        Reason::ClockedOut => "Rule 6: no shift is in progress and the last one has ended, so the worker is off shift.",
        Reason::NoPunches => "Rule 7: there is no punch and no shift that counts in the days that were read, so the worker is off shift.",
        Reason::NotInKronos => "Rule 8: a worker for whom Kronos shows no person has no status, so the status is unknown.",
        Reason::AmbiguousUser => "Rule 9: a user name that fits more than one is never guessed at, so the status is unknown.",
        Reason::KronosError => "Rule 10: without an answer from Kronos for this worker the status is unknown.",
        Reason::ZoneUnknown => "The rule for time zones: a local time without a known zone is no moment, so the status is unknown.",
        Reason::OnPremise => "Rule 11: the on-premise flag is true, so the worker is on shift.",
        Reason::NotOnPremise => "Rule 11: the on-premise flag is false, so the worker is off shift.",
        Reason::ReportedIn => "The rule for events: an in punch was reported and Kronos could not be asked, so the worker is on shift.",
        Reason::ReportedOut => "The rule for events: an out punch was reported and Kronos could not be asked, so the worker is off shift.",
    }
}
