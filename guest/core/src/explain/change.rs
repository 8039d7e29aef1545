//! What would change a decision: news from the time system, a correction, a property, or time alone.

use chrono::Duration;

use super::{Case, Kept, said};
use crate::decide::{Reach, decide, grace_end};
use crate::record::{Evidence, Record};
use crate::status::{Reason, Verdict};
use crate::unmatched::Unmatched;

/// Groups that a sentence names.
const GROUPS: usize = 3;

impl Case<'_> {
    /// What would change the decision: time alone first, then news.
    pub(super) fn changes(&self) -> Vec<Evidence> {
        if self.exempt {
            return vec![said(None, self.exemption())];
        }
        let Some(record) = self.record else { return vec![said(None, self.new_record())] };
        let of_time = if self.is_too_old() { [None, None] } else { [self.grace(record), self.break_end(record)] };
        let mut changes: Vec<Evidence> = of_time.into_iter().flatten().collect();
        changes.push(said(None, self.news(record)));
        changes
    }

    fn exemption(&self) -> String {
        let groups = names(&self.settings.exempt_groups, "exempt-groups");
        let plain = self.without_exemption(self.reach, self.now);
        let then = if plain.allow { "would still have access" } else { "would have none" };
        format!("The worker keeps access while in an exempt group ({groups}); outside it the worker {then} now ({}).", plain.reason)
    }

    fn new_record(&self) -> String {
        let groups = names(&self.settings.user_groups, "user-groups");
        if matches!(self.kept, Kept::Damaged) {
            return format!(
                "A batch or a look-up that finds the worker in a group that is read ({groups}) writes a new record in its place."
            );
        }
        format!(
            "Check that the user name is right and that the worker is enabled in Workspace ONE Access and in a group that is read ({groups}); then run a batch, which makes the record."
        )
    }

    /// The end of the grace that lets the worker in now.
    fn grace(&self, record: &Record) -> Option<Evidence> {
        let end = grace_end(record, self.settings).filter(|_| self.verdict == Some(Verdict::Grace))?;
        let shown = self.shown(end);
        let what = match self.good_until().is_some_and(|until| until <= end) {
            true => format!("The grace would end after {shown}, but without a new reading what is known is too old by then."),
            false => format!("Access ends after {shown}, unless Kronos shows an in punch before."),
        };
        Some(said(Some(end), what))
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
        let until = self.good_until()?;
        let after = until.checked_add_signed(Duration::seconds(1))?;
        let allows = |reach| decide(self.record, false, reach, self.settings, after).allow;
        let (reached, failed) = (allows(Reach::Reached), allows(Reach::Failed));
        let may = |allow| if allow { "may" } else { "may not" };
        // A grace may end in between, and what is gone then does not go on.
        let before = decide(self.record, false, Reach::Reached, self.settings, until).allow;
        let still = if self.decision.allow == before && before == reached { "still " } else { "" };
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
    fn news(&self, record: &Record) -> String {
        match (self.verdict, self.unmatched) {
            (Some(Verdict::Stale), _) => {
                "A batch or a look-up that reads Kronos brings new knowledge; check when the last batch ran, and how it ended.".to_owned()
            }
            (Some(Verdict::Unreachable), _) => {
                "The first batch or look-up that reaches Kronos again brings new knowledge; test-connection tells what is wrong.".to_owned()
            }
            (_, Some(unmatched)) => of_unmatched(unmatched).to_owned(),
            (_, None) => self.of_reason(record.reason),
        }
    }

    /// What would change the status of each reason, and what comes of that where a property has a say in it.
    fn of_reason(&self, reason: Reason) -> String {
        match reason {
            Reason::ClockedIn => return format!(
                "An out punch counts once Kronos is read again: while Kronos shows the shift in progress, the worker is then on a break and {}; once it shows the shift ended, the worker is off shift and {}.",
                self.on_a_break(),
                self.off_shift("the out punch")
            ),
            Reason::ShiftInProgress => return format!(
                "The end of the shift counts once Kronos is read again: the worker is then off shift and {}. An out punch before it begins a break: the worker then {}.",
                self.off_shift("that end"),
                self.on_a_break()
            ),
            Reason::BetweenSpans => "An in punch puts the worker on shift again, once Kronos is read again.",
            Reason::BreakTooLong => {
                "An in punch puts the worker on shift, once Kronos is read again; if the worker has punched, look for that punch in Kronos."
            }
            Reason::OpenTooLong => {
                "Add the missing out punch in Kronos, or close the shift there: then the next in punch counts, once Kronos is read again. Before that only a punch marked New Shift, or a new shift that Kronos shows, puts the worker on shift."
            }
            Reason::ClockedOut => "An in punch puts the worker on shift, once Kronos is read again.",
            Reason::NoPunches => {
                "An in punch puts the worker on shift, once Kronos is read again; if the worker has punched, look for that punch in Kronos, and check that it is this person number."
            }
            Reason::NotInKronos => {
                "Check the user name in Kronos, the line of the worker in the property identities if there is one, and that the employee group of the API user holds the person. Then run a batch."
            }
            Reason::AmbiguousUser => {
                "If several persons in Kronos have the user name, give it to one of them only, or pin the worker with the property identities; if several users of the directory have it, keep one of them in the groups that are read: no pin tells them apart. Then run a batch."
            }
            Reason::KronosError => "The next batch or look-up asks again; if the error stays, look the person up in Kronos.",
            Reason::ZoneUnknown => {
                "Write the time zone with its IANA name into the property zones, or set default-time-zone. Then run a batch."
            }
            Reason::OnPremise => "It changes once the flag in Kronos is false, and Kronos is read again.",
            Reason::NotOnPremise => "It changes once the flag in Kronos is true, and Kronos is read again.",
            Reason::ReportedIn | Reason::ReportedOut => {
                "The next batch or look-up reads Kronos, and what Kronos shows takes the place of the event."
            }
        }
        .to_owned()
    }

    fn on_a_break(&self) -> String {
        match self.settings.allow_on_break {
            true => {
                let minutes = self.settings.max_break.num_minutes();
                format!("keeps access until a reading finds the break longer than {minutes} min (on-break is allow, max-break-minutes)")
            }
            false => "has no access (on-break is deny)".to_owned(),
        }
    }

    /// `end`: what a grace is counted from.
    fn off_shift(&self, end: &str) -> String {
        match self.settings.grace_after.num_minutes() {
            0 => "has no access".to_owned(),
            minutes => format!("keeps access for {minutes} min after {end} (grace-minutes-after)"),
        }
    }
}

/// What has to be put right for a worker who is not exactly one person.
const fn of_unmatched(unmatched: Unmatched) -> &'static str {
    match unmatched {
        Unmatched::Absent => {
            "Check the user name in Kronos, and that the employee group of the API user holds the person; where the names differ, pin the worker with the property identities. Then run a batch."
        }
        Unmatched::PinnedToNobody => {
            "Correct the person number in the property identities, or take the line out; if the number is right, check that the employee group of the API user holds the person. Then run a batch."
        }
        Unmatched::SeveralPersons => {
            "Give the user name to one person in Kronos only, or pin the worker to the right person number with the property identities. Then run a batch."
        }
        Unmatched::SeveralUsers => {
            "Keep only one of these users of the directory in the groups that are read: no pin tells them apart. Then run a batch."
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
