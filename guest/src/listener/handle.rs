//! Events: each names a worker, the workers are read from Kronos together, and what Kronos says is stored.
//!
//! Where Kronos cannot be asked, what the events themselves say is stored as reported, and they are brought again so that it is
//! confirmed. Nothing an event holds may stop the others, and none is answered as done before something is stored for it.

use std::collections::{BTreeMap, BTreeSet};

use shift_access_core::catalogue;
use shift_access_core::identity::Member;
use shift_access_core::ids;
use shift_access_core::plan::{Context, Found};
use shift_access_core::settings::Settings;
use shift_access_core::status::SourceKind;
use shift_access_core::zone::Zones;

use super::event::{self, Told};
use super::reported;
use super::whom::{self, People, Whom};
use crate::kronos::Kronos;
use crate::trouble::Trouble;
use crate::{apply, clock, convert, gather, notes, reach};

/// Workers read together (facts/ukg-pro-wfm.md §3.3).
const CHUNK: usize = 500;

/// How soon an event is brought again whose worker Kronos answered an error for, or where the trouble is no passing one.
const RETRY_SECONDS: u32 = 60;

/// How soon after Kronos was not reached, or storage failed.
const RETRY_SOON_SECONDS: u32 = 30;

/// The longest that Kronos's wish to be left alone is heeded at once.
const LONGEST_RETRY_SECONDS: u32 = 3_600;

/// An event as it came.
pub struct Arrived {
    /// The run in hand.
    pub run: String,
    /// The event, as JSON.
    pub body: Vec<u8>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is dealt with.
    Done,
    /// To be brought again after this many seconds.
    Retry(u32),
    /// Not understood: one sentence.
    Rejected(String),
}

/// Deals with events; one outcome each, in order.
pub async fn handle(arrived: Vec<Arrived>) -> Vec<Outcome> {
    let read: Vec<(String, Result<Told, String>)> = arrived.into_iter().map(|Arrived { run, body }| (run, event::read(&body))).collect();
    let understood: Vec<Event<'_>> = read.iter().filter_map(|(run, told)| Some(Event { run, told: told.as_ref().ok()? })).collect();
    let settled = if understood.is_empty() { Vec::new() } else { settle_or_retry(&understood).await };
    let mut settled = settled.into_iter();
    let outcome = |told: &Result<Told, String>| match told {
        Ok(_) => settled.next().unwrap_or(Outcome::Retry(RETRY_SECONDS)),
        Err(message) => Outcome::Rejected(message.clone()),
    };
    read.iter().map(|(_, told)| told).map(outcome).collect()
}

/// An event that was understood.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The run in hand.
    pub run: &'a str,
    /// What it says.
    pub told: &'a Told,
}

/// Where nothing could be done at all, every event is brought again.
async fn settle_or_retry(events: &[Event<'_>]) -> Vec<Outcome> {
    match settle(events).await {
        Ok(outcomes) => outcomes,
        Err(trouble) => {
            notes::trouble(&trouble);
            vec![Outcome::Retry(retry_seconds(&trouble)); events.len()]
        }
    }
}

async fn settle(events: &[Event<'_>]) -> Result<Vec<Outcome>, Trouble> {
    let settings = convert::settings()?;
    let (now, kronos) = (clock::now(), Kronos::for_events());
    let told: Vec<&Told> = events.iter().map(|event| event.told).collect();
    let mut people = whom::find(&told, &kronos, &settings, now).await?;
    let mut looks = Looks { trouble: people.trouble.take(), ..Looks::default() };
    // A question that Kronos does not answer is not the end of every other.
    if let Some(trouble) = looks.trouble.take_if(|trouble| gather::is_bearable_for_zones(trouble.number)) {
        notes::trouble(&trouble);
    }
    let zones = looks.read(events, &people, &kronos, &settings).await;
    if let Some(trouble) = &looks.trouble {
        reach::note_failure(trouble, now).await;
        notes::trouble(trouble);
        if !is_of_storage(trouble) {
            reported::store(events, &people, &looks.unread, &zones, &settings, clock::now()).await?;
        }
    }
    note_strangers(&people.of_events);
    Ok(people.of_events.iter().map(|whom| looks.outcome(whom)).collect())
}

fn note_strangers(of_events: &[Whom]) {
    let strangers = of_events.iter().filter(|whom| whom.workers.is_empty() && whom.later.is_none()).count();
    if strangers > 0 {
        notes::info(&format!("Events about people in none of the configured groups, which change nothing: {strangers}"));
    }
}

/// What came of looking at the workers.
#[derive(Debug, Default)]
struct Looks {
    /// Those Kronos answered an error for: the record says so.
    failed: BTreeSet<String>,
    /// Those who were not read.
    unread: BTreeSet<String>,
    /// Why.
    trouble: Option<Trouble>,
}

impl Looks {
    /// Reads the workers of the events, chunk by chunk. After a failure nothing more is asked: the rest would fare the same.
    async fn read(&mut self, events: &[Event<'_>], people: &People, kronos: &Kronos, settings: &Settings) -> Zones {
        if people.workers.is_empty() {
            return Zones::new(settings, Vec::new());
        }
        let zones = match self.trouble {
            Some(_) => None,
            None => match gather::zones(kronos, settings).await {
                Ok(zones) => Some(zones),
                Err(trouble) => {
                    self.trouble = Some(trouble);
                    None
                }
            },
        };
        let zones = zones.unwrap_or_else(|| Zones::new(settings, Vec::new()));
        for (run, workers) in by_run(events, people) {
            for keys in workers.chunks(CHUNK) {
                if self.trouble.is_none() {
                    let members: Vec<Member> = keys.iter().filter_map(|key| Some(people.workers.get(key)?.member.clone())).collect();
                    self.trouble = self.read_chunk(members, run, kronos, settings, &zones).await.err();
                }
                if self.trouble.is_some() {
                    self.unread.extend(keys.iter().cloned());
                }
            }
        }
        zones
    }

    async fn read_chunk(
        &mut self,
        members: Vec<Member>,
        run: &str,
        kronos: &Kronos,
        settings: &Settings,
        zones: &Zones,
    ) -> Result<(), Trouble> {
        let now = clock::now();
        let readings = gather::readings(kronos, members, settings, now).await?;
        reach::note(true, now).await?;
        let failed = readings.iter().filter(|reading| matches!(reading.found, Found::Failed { .. }));
        let failed: Vec<String> = failed.map(|reading| ids::key(&reading.user)).collect();
        let context = Context { settings, zones, now, run, kind: SourceKind::LookUp };
        apply::store(readings, context).await?;
        self.failed.extend(failed);
        Ok(())
    }

    /// What became of an event about these workers.
    fn outcome(&self, whom: &Whom) -> Outcome {
        let of_worker = |key: &String| {
            if self.unread.contains(key) {
                Some(self.trouble.as_ref().map_or(RETRY_SECONDS, retry_seconds))
            } else {
                self.failed.contains(key).then_some(RETRY_SECONDS)
            }
        };
        // Where Kronos cannot be asked, that is what is waited for.
        let later = whom.later.map(|seconds| self.trouble.as_ref().map_or(seconds, retry_seconds));
        later.max(whom.workers.iter().filter_map(of_worker).max()).map_or(Outcome::Done, Outcome::Retry)
    }
}

/// The workers, by the first run that names each.
fn by_run<'a>(events: &[Event<'a>], people: &People) -> BTreeMap<&'a str, Vec<String>> {
    let (mut runs, mut seen): (BTreeMap<&str, Vec<String>>, _) = (BTreeMap::new(), BTreeSet::new());
    for (event, whom) in events.iter().zip(&people.of_events) {
        let new = whom.workers.iter().filter(|key| seen.insert((*key).clone()));
        runs.entry(event.run).or_default().extend(new.cloned());
    }
    runs
}

const fn is_of_storage(trouble: &Trouble) -> bool {
    matches!(trouble.number, catalogue::STORAGE_FAILED | catalogue::STORAGE_FULL)
}

fn retry_seconds(trouble: &Trouble) -> u32 {
    let seconds = match trouble.number {
        catalogue::KRONOS_UNREACHABLE | catalogue::KRONOS_THROTTLED | catalogue::STORAGE_FAILED => RETRY_SOON_SECONDS,
        _ => RETRY_SECONDS,
    };
    seconds.max(trouble.wait.unwrap_or_default()).min(LONGEST_RETRY_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn whom(keys: &[&str], later: Option<u32>) -> Whom {
        Whom { workers: keys.iter().map(|key| (*key).to_owned()).collect(), later }
    }

    #[test]
    fn an_event_is_done_only_when_all_it_is_about_is() {
        let looks = Looks { failed: keys(&["failed"]), ..Looks::default() };
        for (whom, wanted) in [
            (whom(&[], None), Outcome::Done),
            (whom(&["read"], None), Outcome::Done),
            (whom(&["read", "failed"], None), Outcome::Retry(60)),
            (whom(&["read"], Some(5)), Outcome::Retry(5)),
            (whom(&["failed"], Some(5)), Outcome::Retry(60)),
        ] {
            assert_eq!(looks.outcome(&whom), wanted, "{whom:?}");
        }
    }

    #[test]
    fn whoever_was_not_read_is_looked_at_again_when_kronos_asks_for_it() {
        let throttled = |wait| Trouble { wait, ..Trouble::new(catalogue::KRONOS_THROTTLED, "slow down") };
        for (trouble, seconds) in [
            (Trouble::new(catalogue::KRONOS_UNREACHABLE, "gone"), 30),
            (throttled(None), 30),
            (throttled(Some(5)), 30),
            (throttled(Some(120)), 120),
            (throttled(Some(u32::MAX)), 3_600),
            (Trouble::new(catalogue::KRONOS_LOGIN, "no"), 60),
        ] {
            let looks = Looks { unread: keys(&["a"]), trouble: Some(trouble.clone()), ..Looks::default() };
            assert_eq!(looks.outcome(&whom(&["a"], None)), Outcome::Retry(seconds), "{trouble:?}");
            assert_eq!(looks.outcome(&whom(&[], Some(60))), Outcome::Retry(seconds), "nor is it known whom the number is of");
            assert_eq!(looks.outcome(&whom(&["b"], None)), Outcome::Done, "who was read before is");
        }
    }

    #[test]
    fn a_worker_of_many_events_is_read_once() {
        let told = event::read(br#"{"data":{"user":"a"}}"#).unwrap();
        let events: Vec<Event<'_>> = ["r1", "r1", "r2"].iter().map(|run| Event { run, told: &told }).collect();
        let of_events = vec![whom(&["a", "b"], None), whom(&["b"], None), whom(&["b", "c"], None)];
        let people = People { of_events, ..People::default() };
        let wanted = BTreeMap::from([("r1", vec!["a".to_owned(), "b".to_owned()]), ("r2", vec!["c".to_owned()])]);
        assert_eq!(by_run(&events, &people), wanted);
    }
}
