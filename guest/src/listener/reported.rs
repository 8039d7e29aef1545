//! What events report, stored while Kronos cannot be asked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use shift_access_core::event::Reported;
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;
use shift_access_core::zone::Zones;

use super::handle::Event;
use super::whom::{People, Worker};
use crate::apply;
use crate::trouble::Trouble;

/// Stores what the events report of the workers who were not read, as far as it says enough.
pub async fn store(
    events: &[Event<'_>],
    people: &People,
    unread: &BTreeSet<String>,
    zones: &Zones,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<(), Trouble> {
    let mut latest: BTreeMap<&str, Record> = BTreeMap::new();
    for (event, whom) in events.iter().zip(&people.of_events) {
        for key in whom.workers.iter().filter(|key| unread.contains(*key)) {
            let Some(record) = people.workers.get(key).and_then(|worker| record(event, worker, zones, settings, now)) else { continue };
            match latest.get_mut(key.as_str()) {
                Some(other) if !other.yields_to(&record) => {}
                Some(other) => *other = record,
                None => {
                    latest.insert(key, record);
                }
            }
        }
    }
    Ok(apply::store_reported(&Vec::from_iter(latest.into_values()), &settings.identities).await?)
}

/// The record one event makes of a worker; none where it says too little, or where it is not certain that it is about the
/// worker: a name that fits several, or a number that is another's by now.
fn record(event: &Event<'_>, worker: &Worker, zones: &Zones, settings: &Settings, now: DateTime<Utc>) -> Option<Record> {
    let is_another = worker.number.is_some() && event.told.number.is_some() && worker.number != event.told.number;
    if !worker.is_certain || is_another {
        return None;
    }
    let reported = Reported {
        user: worker.member.user.clone(),
        person_number: worker.number.clone(),
        at: event.told.at(zones)?,
        tz: event.told.tz(zones),
        direction: event.told.direction,
        run: event.run.to_owned(),
    };
    reported.record(settings, now)
}

#[cfg(test)]
mod tests {
    use shift_access_core::identity::Member;
    use shift_access_core::status::{Reason, SourceKind};

    use super::*;
    use crate::listener::event;

    fn worker(number: Option<&str>, is_certain: bool) -> Worker {
        let member = Member { key: "adiaz".into(), user: "ADiaz".into(), users: vec![] };
        Worker { member, number: number.map(str::to_owned), is_certain }
    }

    fn made(data: &str, worker: &Worker) -> Option<Record> {
        let told = event::read(format!(r#"{{"data":{data}}}"#).as_bytes()).unwrap();
        let event = Event { run: "r1", told: &told };
        record(&event, worker, &Zones::default(), &Settings::defaults(), "2026-11-20T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_event_that_says_enough_makes_a_record() {
        let data = r#"{"person_number":"7","at":"2026-11-20T06:58:00","zone":"America/New_York","direction":"out"}"#;
        let record = made(data, &worker(Some("7"), true)).unwrap();
        assert_eq!((record.user.as_str(), record.person_number.as_deref()), ("ADiaz", Some("7")));
        assert_eq!((record.reason, record.source.kind, record.source.run.as_deref()), (Reason::ReportedOut, SourceKind::Event, Some("r1")));
        assert_eq!(record.observed_at, "2026-11-20T11:58:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(record.evidence[0].what, "An event reported an out punch at 2026-11-20 06:58 EST (America/New_York).");
    }

    #[test]
    fn what_says_too_little_or_may_be_about_another_makes_none() {
        let plain = r#"{"person_number":"7","at":"2026-11-20T11:58:00Z","direction":"in"}"#;
        assert!(made(plain, &worker(None, true)).is_some());
        assert_eq!(made(plain, &worker(Some("7"), false)), None, "a name that fits several");
        assert_eq!(made(plain, &worker(Some("8"), true)), None, "a number that is another's");
        for data in [
            r#"{"user":"adiaz","direction":"in"}"#,
            r#"{"user":"adiaz","at":"2026-11-20T06:58:00","direction":"in"}"#,
            r#"{"user":"adiaz","at":"2026-11-20T11:58:00Z"}"#,
            r#"{"user":"adiaz","at":"2026-11-20T11:58:00Z","direction":"transfer"}"#,
            r#"{"user":"adiaz","at":"2026-11-20T12:06:00Z","direction":"in"}"#,
        ] {
            assert_eq!(made(data, &worker(Some("7"), true)), None, "{data}");
        }
    }
}
