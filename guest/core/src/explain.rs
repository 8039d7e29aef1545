//! From punch to decision, in plain sentences for a help-desk clerk: the decision, what it rests on, what turned it into
//! the decision, how old the knowledge is, and what would change it. Decides nothing itself; what it tells of a moment to
//! come is what [`decide`](crate::decide) answers then.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use crate::decide::{Decision, Reach, decide, grace_end};
use crate::derive;
use crate::iana;
use crate::record::{Evidence, Record};
use crate::settings::Settings;
use crate::status::{Reason, SourceKind, Status, Verdict};
use crate::unmatched::Unmatched;
use crate::zone::LocalTime;

mod change;
mod words;

/// What is stored of a worker.
#[derive(Debug, Clone, Copy)]
pub enum Kept<'a> {
    /// A record.
    Record(&'a Record),
    /// Something illegible or impossible, which counts as no record.
    Damaged,
    /// Nothing.
    Nothing,
}

impl<'a> Kept<'a> {
    /// What a decision rests on.
    pub const fn record(self) -> Option<&'a Record> {
        match self {
            Kept::Record(record) => Some(record),
            Kept::Damaged | Kept::Nothing => None,
        }
    }
}

/// How the decision comes about that [`decide`](crate::decide::decide()) gives for the same arguments.
///
/// Times are local to the zone of the record, else to one that its evidence names, else to `default-time-zone`, else UTC.
pub fn explain(user: &str, kept: Kept<'_>, exempt: bool, reach: Reach, settings: &Settings, now: DateTime<Utc>) -> Vec<Evidence> {
    let record = kept.record();
    let decision = decide(record, exempt, reach, settings, now);
    let tz = record.and_then(zone).unwrap_or_else(|| settings.zone());
    let user = record.map_or(user, |record| record.user.as_str());
    let (verdict, unmatched) = (Verdict::from_word(decision.reason), record.and_then(Unmatched::of));
    let case = Case { user, kept, record, unmatched, exempt, reach, settings, now, verdict, decision, tz };
    let mut steps = vec![said(None, case.answer())];
    steps.extend(case.evidence());
    steps.push(said(None, case.why()));
    steps.extend(case.knowledge());
    steps.extend(case.changes());
    steps
}

/// The zone to show a record's times in. A record without one may still name one in its evidence, and two zones in one
/// explanation would puzzle.
fn zone(record: &Record) -> Option<Tz> {
    let named = || record.evidence.iter().rev().find_map(|step| named_zone(&step.what));
    record.zone.as_deref().and_then(iana::zone).or_else(named)
}

/// The last IANA zone that stands in brackets, as times are followed by it.
fn named_zone(text: &str) -> Option<Tz> {
    let names = text.rsplit('(').filter_map(|after| after.split_once(')')).map(|(name, _)| name);
    names.filter(|name| name.contains('/')).find_map(iana::zone)
}

/// A decision, and all that it came from.
struct Case<'a> {
    user: &'a str,
    kept: Kept<'a>,
    record: Option<&'a Record>,
    /// Why the worker is not exactly one person, where the record tells.
    unmatched: Option<Unmatched>,
    exempt: bool,
    reach: Reach,
    settings: &'a Settings,
    now: DateTime<Utc>,
    decision: Decision,
    /// What decided, where it was not the record's own reason.
    verdict: Option<Verdict>,
    tz: Tz,
}

impl Case<'_> {
    /// The decision in one sentence.
    fn answer(&self) -> String {
        let may = if self.decision.allow { "may" } else { "may not" };
        // Where a property lets somebody in whom nothing shows at work, a "because" would be wrong.
        let granted = self.decision.allow
            && match self.verdict {
                Some(Verdict::Grace | Verdict::Exempt) => false,
                Some(_) => true,
                None => self.decision.status != Status::OnShift,
            };
        let link = if granted { "although" } else { "because" };
        format!("{} {may} open this now, {link} {} ({}).", self.user, self.because(), self.decision.reason)
    }

    fn because(&self) -> String {
        match (self.verdict, self.record) {
            (Some(Verdict::Grace), Some(record)) => {
                let ago = record.since.map(|since| self.ago(since)).unwrap_or_default();
                format!("the out punch was {ago}, within the grace")
            }
            (Some(verdict), _) => words::of_verdict(verdict).to_owned(),
            (None, Some(record)) => words::of_reason(record.reason, self.unmatched).to_owned(),
            // Without a record there is always a verdict.
            (None, None) => String::new(),
        }
    }

    /// What the status rests on, as it was read. A record that holds none is of an event or of another version of the pack.
    fn evidence(&self) -> Vec<Evidence> {
        match self.record {
            None => vec![said(None, self.nothing().to_owned())],
            Some(record) if record.evidence.is_empty() => {
                let since = record.since.map(|since| format!(" since {}", self.shown(since))).unwrap_or_default();
                let status = said(record.since, format!("The status is {}{since}.", record.status));
                vec![said(None, derive::rule_of(record.reason).to_owned()), status]
            }
            Some(record) => record.evidence.clone(),
        }
    }

    const fn nothing(&self) -> &'static str {
        match self.kept {
            Kept::Damaged => "What is stored of this worker is damaged, or of a moment yet to come, so it counts as no record.",
            Kept::Record(_) | Kept::Nothing => {
                "There is no record of this worker: no batch and no look-up has made one yet, or a batch found the worker in none of the groups any more, or disabled, and took it away."
            }
        }
    }

    /// Which property or verdict turned the status into the decision.
    fn why(&self) -> String {
        let unknown = switch("authorize-unknown", self.settings.authorize_unknown);
        match self.verdict {
            Some(Verdict::Grace) => {
                let minutes = self.settings.grace_after.num_minutes();
                format!("A worker off shift has no access, but keeps it for {minutes} min after the out punch (grace-minutes-after).")
            }
            Some(Verdict::Exempt) => format!(
                "Without more the answer would be no ({}), but a member of an exempt group always has access (exempt-groups).",
                self.without_exemption(self.reach, self.now).reason
            ),
            Some(Verdict::Stale) => format!("What is too old to decide by counts as unknown, and there a property decides: {unknown}."),
            Some(Verdict::Unreachable) => {
                let unreachable = switch("authorize-unreachable", self.settings.authorize_unreachable);
                format!("It is too old, and the last attempt to reach Kronos failed; there a property decides: {unreachable}.")
            }
            Some(Verdict::NoRecord) => format!("A worker without a record counts as unknown, and there a property decides: {unknown}."),
            None => self.why_of_status(&unknown),
        }
    }

    fn why_of_status(&self, unknown: &str) -> String {
        match self.decision.status {
            Status::OnShift => "A worker on shift has access.".to_owned(),
            Status::OnBreak => {
                let on_break = if self.settings.allow_on_break { "allow" } else { "deny" };
                format!("For a worker on a break a property decides: on-break is {on_break}.")
            }
            Status::OffShift => match self.record.and_then(|record| grace_end(record, self.settings)) {
                Some(end) => format!("A worker off shift has no access; the grace (grace-minutes-after) ended at {}.", self.shown(end)),
                None => "A worker off shift has no access.".to_owned(),
            },
            Status::Unknown => format!("For a worker whose status is unknown a property decides: {unknown}."),
        }
    }

    /// How old the knowledge is, what it comes from, and how long it is good.
    fn knowledge(&self) -> Vec<Evidence> {
        let mut steps = self.record.map(|record| self.reading(record)).unwrap_or_default();
        if self.reach == Reach::Failed && self.verdict != Some(Verdict::Unreachable) {
            steps.push(said(None, "The last attempt to reach Kronos failed.".to_owned()));
        }
        steps
    }

    fn reading(&self, record: &Record) -> Vec<Evidence> {
        let (at, ago) = (self.shown(record.observed_at), self.ago(record.observed_at));
        let run = record.source.run.as_deref().filter(|run| !run.is_empty()).map(|run| format!(", run {run}")).unwrap_or_default();
        let read = match record.source.kind {
            SourceKind::Batch => format!("{} {ago}, at {at}, by a batch{run}.", self.read(record.reason)),
            SourceKind::LookUp => format!("{} {ago}, at {at}, by a look-up of this worker alone{run}.", self.read(record.reason)),
            SourceKind::Event => format!("The punch that an event reported was {ago}, at {at}{run}; Kronos itself was not read."),
        };
        let minutes = self.settings.freshness.num_minutes();
        let good = self.good_until().map(|until| {
            let (is, then) = if self.is_too_old() { ("was", None) } else { ("is", self.once_too_old()) };
            let then = then.unwrap_or_default();
            said(Some(until), format!("That {is} good until {}, for {minutes} min (freshness-minutes).{then}", self.shown(until)))
        });
        std::iter::once(said(Some(record.observed_at), read)).chain(good).collect()
    }

    /// What was done: an error is an answer and no reading, and a name of several users is not asked for.
    fn read(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::KronosError => "Kronos was asked",
            Reason::AmbiguousUser if self.unmatched != Some(Unmatched::SeveralPersons) => "This was found",
            _ => "Kronos was read",
        }
    }

    /// The last moment at which the record is not too old.
    fn good_until(&self) -> Option<DateTime<Utc>> {
        self.record?.observed_at.checked_add_signed(self.settings.freshness)
    }

    fn is_too_old(&self) -> bool {
        self.good_until().is_some_and(|until| self.now > until)
    }

    /// The decision for the same worker outside every exempt group.
    fn without_exemption(&self, reach: Reach, now: DateTime<Utc>) -> Decision {
        decide(self.record, false, reach, self.settings, now)
    }

    fn shown(&self, at: DateTime<Utc>) -> LocalTime {
        LocalTime { at, tz: self.tz, named: true }
    }

    /// How long ago a moment was. A clock that runs behind makes it now.
    fn ago(&self, at: DateTime<Utc>) -> String {
        let passed = (self.now - at).max(Duration::zero());
        match passed.num_minutes() {
            0 => "less than a minute ago".to_owned(),
            minutes @ 1..120 => format!("{minutes} min ago"),
            minutes @ 120..2880 => format!("{} h ago", minutes / 60),
            minutes => format!("{} days ago", minutes / 1440),
        }
    }
}

fn switch(name: &str, on: bool) -> String {
    format!("{name} is {on}")
}

fn said(at: Option<DateTime<Utc>>, what: String) -> Evidence {
    Evidence { at, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Source;

    #[test]
    fn a_record_as_old_as_allowed_is_still_good() {
        let observed_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let record = Record {
            user: "maria".into(),
            person_number: None,
            status: Status::OnShift,
            reason: Reason::ClockedIn,
            since: Some(observed_at),
            zone: None,
            observed_at,
            source: Source { run: None, kind: SourceKind::Batch },
            evidence: vec![],
        };
        let settings = Settings::defaults();
        let last = observed_at + settings.freshness;
        for (now, wanted) in [(last, "That is good until"), (last + Duration::milliseconds(1), "That was good until")] {
            let steps = explain("maria", Kept::Record(&record), false, Reach::Reached, &settings, now);
            assert!(steps.iter().any(|step| step.what.starts_with(wanted)), "{steps:?}");
        }
    }
}
