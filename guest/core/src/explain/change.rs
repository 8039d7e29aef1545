//! What would change a decision: news from the time system, a correction, a property, or time alone.

use chrono::Duration;

use super::{Case, said};
use crate::decide::{Reach, decide, grace_end};
use crate::record::{Evidence, Record};
use crate::status::{Reason, Verdict};

/// Groups that a sentence names.
const GROUPS: usize = 3;

impl Case<'_> {
    /// What would change the decision: time alone first, then news.
    pub(super) fn changes(&self) -> Vec<Evidence> {
        if self.exempt {
            return vec![said(None, self.exemption())];
        }
        let Some(record) = self.record else { return vec![said(None, self.first_record())] };
        let of_time = if self.is_too_old() { [None, None] } else { [self.grace(record), self.break_end(record)] };
        let mut changes: Vec<Evidence> = of_time.into_iter().flatten().collect();
        changes.push(said(None, self.news(record).to_owned()));
        changes
    }

    fn exemption(&self) -> String {
        let groups = names(&self.settings.exempt_groups, "exempt-groups");
        let plain = self.without_exemption(self.reach, self.now);
        let then = if plain.allow { "would still have access" } else { "would have none" };
        format!("The worker keeps access while in an exempt group ({groups}); outside it the worker {then} now ({}).", plain.reason)
    }

    fn first_record(&self) -> String {
        let groups = names(&self.settings.user_groups, "user-groups");
        format!(
            "Check that the user name is right and that the worker is enabled in Workspace ONE Access and in a group that is read ({groups}); then run a batch, which makes the record."
        )
    }

    /// The end of the grace that lets the worker in now.
    fn grace(&self, record: &Record) -> Option<Evidence> {
        let end = grace_end(record, self.settings).filter(|_| self.verdict == Some(Verdict::Grace))?;
        Some(said(Some(end), format!("Access ends after {}, unless Kronos shows an in punch before.", self.shown(end))))
    }

    /// When the break comes to be too long.
    fn break_end(&self, record: &Record) -> Option<Evidence> {
        let since = record.since.filter(|_| record.reason == Reason::BetweenSpans)?;
        let (end, minutes) = (since.checked_add_signed(self.settings.max_break)?, self.settings.max_break.num_minutes());
        let what = format!(
            "If nobody comes back, any reading after {} finds the worker off shift, after {minutes} min of break (max-break-minutes).",
            self.shown(end)
        );
        Some(said(Some(end), what))
    }

    /// What the decision becomes once the knowledge is too old; nothing for an exempt worker, whose access does not age.
    pub(super) fn once_too_old(&self) -> Option<String> {
        let after = self.good_until()?.checked_add_signed(Duration::seconds(1))?;
        let allows = |reach| decide(self.record, false, reach, self.settings, after).allow;
        let (reached, failed) = (allows(Reach::Reached), allows(Reach::Failed));
        let may = |allow| if allow { "may" } else { "may not" };
        let still = if reached == self.decision.allow { "still " } else { "" };
        let then = if reached == failed {
            format!("the worker {still}{} open this: authorize-unknown and authorize-unreachable are {reached}", may(reached))
        } else {
            format!(
                "the worker {still}{} open this (authorize-unknown is {reached}), but {} if Kronos could not be reached (authorize-unreachable is {failed})",
                may(reached),
                may(failed)
            )
        };
        (!self.exempt).then(|| format!(" If nothing is read by then, it is too old, and {then}."))
    }

    /// What news would change the decision, and where to look if it should be another.
    fn news(&self, record: &Record) -> &'static str {
        match self.verdict {
            Some(Verdict::Stale) => {
                "A batch or a look-up that reads Kronos brings new knowledge; check when the last batch ran, and how it ended."
            }
            Some(Verdict::Unreachable) => {
                "The first batch or look-up that reaches Kronos again brings new knowledge; test-connection tells what is wrong."
            }
            _ => of_reason(record.reason),
        }
    }
}

/// What would change the status of each reason.
const fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::ClockedIn | Reason::ShiftInProgress => "An out punch changes it, once Kronos is read again.",
        Reason::BetweenSpans => "An in punch puts the worker on shift again, once Kronos is read again.",
        Reason::BreakTooLong => {
            "An in punch puts the worker on shift, once Kronos is read again; if the worker has punched, look for that punch in Kronos."
        }
        Reason::OpenTooLong => "The missing punch, added in Kronos, or a new in punch corrects it, once Kronos is read again.",
        Reason::ClockedOut => "An in punch puts the worker on shift, once Kronos is read again.",
        Reason::NoPunches => {
            "An in punch puts the worker on shift, once Kronos is read again; if the worker has punched, check that it is this person number."
        }
        Reason::NotInKronos => {
            "Check the user name in Kronos, and that the employee group of the API user holds the person; where the names differ, pin the worker with the property identities. Then run a batch."
        }
        Reason::AmbiguousUser => {
            "Give the user name to one person and one directory user only, or pin the worker with the property identities. Then run a batch."
        }
        Reason::KronosError => "The next batch or look-up asks again; if the error stays, Kronos has to be asked about this person.",
        Reason::ZoneUnknown => {
            "Write the time zone with its IANA name into the property zones, or set default-time-zone. Then run a batch."
        }
        Reason::OnPremise => "It changes once the flag in Kronos is false, and Kronos is read again.",
        Reason::NotOnPremise => "It changes once the flag in Kronos is true, and Kronos is read again.",
        Reason::ReportedIn | Reason::ReportedOut => {
            "The next batch or look-up reads Kronos, and what Kronos shows takes the place of the event."
        }
    }
}

fn names(groups: &[String], property: &str) -> String {
    let named = groups.iter().take(GROUPS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match groups.len() {
        0 => format!("the property {property}"),
        more if more > GROUPS => format!("{named} and {} more", more - GROUPS),
        _ => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_groups_are_named_and_the_rest_is_counted() {
        let groups: Vec<String> = (1..=GROUPS + 2).map(|number| format!("Store {number}")).collect();
        for (number, wanted) in [
            (0, "the property user-groups"),
            (1, "Store 1"),
            (GROUPS, "Store 1, Store 2, Store 3"),
            (GROUPS + 2, "Store 1, Store 2, Store 3 and 2 more"),
        ] {
            assert_eq!(names(&groups[..number], "user-groups"), wanted);
        }
    }
}
