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
use crate::status::{SourceKind, Status, Verdict};
use crate::zone::LocalTime;

mod change;
mod words;

/// How the decision comes about that [`decide`](crate::decide::decide()) gives for the same arguments.
///
/// Times are local to the zone of the moment that decided, else to `default-time-zone`, else UTC.
pub fn explain(user: &str, record: Option<&Record>, exempt: bool, reach: Reach, settings: &Settings, now: DateTime<Utc>) -> Vec<Evidence> {
    let decision = decide(record, exempt, reach, settings, now);
    let tz = record.and_then(|record| record.zone.as_deref()).and_then(iana::zone).unwrap_or_else(|| settings.zone());
    let user = record.map_or(user, |record| record.user.as_str());
    let case = Case { user, record, exempt, reach, settings, now, verdict: Verdict::from_word(decision.reason), decision, tz };
    let mut steps = vec![said(None, case.answer())];
    steps.extend(case.evidence());
    steps.push(said(None, case.why()));
    steps.extend(case.knowledge());
    steps.extend(case.changes());
    steps
}

/// A decision, and all that it came from.
struct Case<'a> {
    user: &'a str,
    record: Option<&'a Record>,
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
            (None, record) => record.map(|record| words::of_reason(record.reason, self.settings)).unwrap_or_default(),
        }
    }

    /// What the status rests on, as it was read. A record that holds none is of an event or of another version of the pack.
    fn evidence(&self) -> Vec<Evidence> {
        match self.record {
            None => vec![said(None, "There is no record of this worker: no batch and no look-up has read one.".to_owned())],
            Some(record) if record.evidence.is_empty() => {
                let since = record.since.map(|since| format!(" since {}", self.shown(since))).unwrap_or_default();
                let status = said(record.since, format!("The status is {}{since}.", record.status));
                vec![said(None, derive::rule(record.reason, self.settings)), status]
            }
            Some(record) => record.evidence.clone(),
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
            SourceKind::Batch => format!("Kronos was read {ago}, at {at}, by a batch{run}."),
            SourceKind::LookUp => format!("Kronos was read {ago}, at {at}, by a look-up of this worker alone{run}."),
            SourceKind::Event => format!("An event reported this {ago}, at {at}{run}; Kronos itself was not read."),
        };
        let minutes = self.settings.freshness.num_minutes();
        let good = self.good_until().map(|until| {
            let (is, then) = if self.is_too_old() { ("was", None) } else { ("is", self.once_too_old()) };
            let then = then.unwrap_or_default();
            said(Some(until), format!("That {is} good until {}, for {minutes} min (freshness-minutes).{then}", self.shown(until)))
        });
        std::iter::once(said(Some(record.observed_at), read)).chain(good).collect()
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
    use crate::status::Reason;

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
            let steps = explain("maria", Some(&record), false, Reach::Reached, &settings, now);
            assert!(steps.iter().any(|step| step.what.starts_with(wanted)), "{steps:?}");
        }
    }
}
