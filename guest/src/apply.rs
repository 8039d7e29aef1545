//! From a plan to storage. It decides nothing: what is written, and on what condition, is the plan's.
//!
//! Every write rests on what was read: where a look-up or an event was quicker, nothing of the chunk is stored and the
//! plan is made anew against what is there now.

mod commit;

use shift_access_core::identity::Pins;
use shift_access_core::ids;
use shift_access_core::plan::{self, Before, Context, Plan, Reading, Standing, Step};
use shift_access_core::record::Record;

use crate::exempt;
use crate::records::{self, Stored};
use crate::staging;
use crate::store::{self, Entry, Outcome, Pages, StoreError};
use commit::{Commit, RECORDS};

/// How often a chunk that loses a race is planned anew. Races are with look-ups and events about the same workers, so twice is
/// rare already; and each lost race is one that somebody else has won.
const TRIES: usize = 10;

/// Names told of the workers a held run would close.
const CLOSINGS_TOLD: usize = 20;

/// The workers a run would take access from.
#[derive(Debug, Default)]
pub struct Closings {
    /// How many.
    pub number: u64,
    /// The first of them.
    pub names: Vec<String>,
    /// Of how many workers something was known before.
    pub known: u64,
}

/// How things stood before the run, as the brake has to know it.
#[derive(Debug, Clone, Copy)]
pub struct Stood {
    /// What the decisions rested on.
    pub before: Before,
    /// Whether every exempt group could be read.
    pub exempt_read: bool,
}

impl Closings {
    /// Adds those of another chunk.
    pub fn add(&mut self, other: Closings) {
        self.number += other.number;
        self.known += other.known;
        let room = CLOSINGS_TOLD.saturating_sub(self.names.len());
        self.names.extend(other.names.into_iter().take(room));
    }

    fn count(&mut self, name: &str, closes: bool, known: bool) {
        self.known += u64::from(known);
        self.number += u64::from(closes);
        if closes && self.names.len() < CLOSINGS_TOLD {
            self.names.push(name.to_owned());
        }
    }
}

/// Plans the readings of a chunk against what is stored, and stores the outcome. Readings are of distinct workers.
pub async fn store(readings: Vec<Reading>, context: Context<'_>) -> Result<Plan, StoreError> {
    let mut whole = Plan::default();
    let mut readings = readings;
    while !readings.is_empty() {
        let rest = readings.split_off(readings.len().min(RECORDS));
        whole.add(store_some(readings, context).await?);
        readings = rest;
    }
    Ok(whole)
}

async fn store_some(readings: Vec<Reading>, context: Context<'_>) -> Result<Plan, StoreError> {
    let keys = keys_of(&readings);
    for _ in 0..TRIES {
        let stored = records::load(&keys).await?;
        let plan = plan_of(readings.clone(), &stored, context);
        let mut commit = Commit::new(&context.settings.identities);
        for Step { key, record, .. } in &plan.steps {
            commit.store(key, stored.records.get(key), record, stored.condition(key));
        }
        if commit.done().await? == Outcome::Committed {
            return Ok(plan);
        }
    }
    Err(raced())
}

/// Plans the readings of a chunk, and keeps the planned records aside for when the brake has seen the whole.
pub async fn set_aside(readings: Vec<Reading>, context: Context<'_>, stood: Stood) -> Result<(Plan, Closings), StoreError> {
    let stored = records::load(&keys_of(&readings)).await?;
    let plan = plan_of(readings, &stored, context);
    let keys: Vec<String> = plan.steps.iter().map(|step| step.key.clone()).collect();
    let mut closings = Closings::default();
    for (Step { key, record, .. }, exempt) in plan.steps.iter().zip(exempt::over_run(&keys, stood.exempt_read).await?) {
        let before = Standing { record: stored.records.get(key), exempt: exempt.before };
        let after = Standing { record: Some(record), exempt: exempt.after };
        closings.count(&record.user, plan::closes(before, after, stood.before, context.settings, context.now), before.is_known());
    }
    let aside = |step: &Step| store::write(store::key(staging::PLANNED, &step.key), records::encode(&step.record));
    store::put(plan.steps.iter().map(aside).collect()).await?;
    Ok((plan, closings))
}

/// Stores the records that were kept aside, except where something newer has come meanwhile, and counts those that were
/// new or said something else, also where it fails half way.
pub async fn store_set_aside(pins: &Pins, changed: &mut u64) -> Result<(), StoreError> {
    let mut pages = Pages::of(staging::PLANNED);
    while let Some(entries) = pages.next(RECORDS).await? {
        let planned = entries.iter().map(records::read_own).collect::<Result<Vec<_>, _>>()?;
        *changed += store_records(&planned, pins).await?;
    }
    Ok(())
}

/// Stores records as they are, of distinct workers, except where what is stored does not yield to them.
pub async fn store_reported(records: &[Record], pins: &Pins) -> Result<(), StoreError> {
    for some in records.chunks(RECORDS) {
        store_records(some, pins).await?;
    }
    Ok(())
}

async fn store_records(records: &[Record], pins: &Pins) -> Result<u64, StoreError> {
    let keys: Vec<String> = records.iter().map(|record| ids::key(&record.user)).collect();
    for _ in 0..TRIES {
        let stored = records::load(&keys).await?;
        let (mut commit, mut changed) = (Commit::new(pins), 0);
        for (key, record) in keys.iter().zip(records) {
            let there = stored.records.get(key);
            if there.is_none_or(|there| there.yields_to(record)) {
                changed += u64::from(there.is_none_or(|there| !there.says_the_same_as(record)));
                commit.store(key, there, record, stored.condition(key));
            }
        }
        if commit.done().await? == Outcome::Committed {
            return Ok(changed);
        }
    }
    Err(raced())
}

/// What removing the records of workers who are in no group any more would close.
pub async fn closings_by_removal(context: Context<'_>, stood: Stood) -> Result<Closings, StoreError> {
    let mut closings = Closings::default();
    let mut pages = Pages::of(records::WORKERS);
    while let Some(entries) = pages.next(store::PAGE).await? {
        let strangers = strangers(entries).await?;
        let keys: Vec<String> = strangers.iter().map(name_key).collect();
        for (entry, exempt) in strangers.iter().zip(exempt::over_run(&keys, stood.exempt_read).await?) {
            let record = records::read(entry)?;
            let before = Standing { record: record.as_ref(), exempt: exempt.before };
            let after = Standing { record: None, exempt: exempt.after };
            let user = record.as_ref().map_or("", |record| record.user.as_str());
            closings.count(user, plan::closes(before, after, stood.before, context.settings, context.now), before.is_known());
        }
    }
    Ok(closings)
}

/// Removes the records of workers who are in no group any more; answers how many there were.
pub async fn remove_strangers(pins: &Pins) -> Result<u64, StoreError> {
    let mut removed = 0;
    let mut pages = Pages::of(records::WORKERS);
    while let Some(entries) = pages.next(RECORDS).await? {
        removed += remove(strangers(entries).await?, pins).await?;
    }
    Ok(removed)
}

/// A record that was refreshed at this very moment stays until the next run.
async fn remove(mut entries: Vec<Entry>, pins: &Pins) -> Result<u64, StoreError> {
    for _ in 0..TRIES {
        let mut commit = Commit::new(pins);
        for entry in &entries {
            commit.remove(entry.key.clone(), &name_key(entry), records::read(entry)?.as_ref(), store::as_read(Some(entry)));
        }
        match commit.done().await? {
            Outcome::Committed => return Ok(u64::try_from(entries.len()).unwrap_or_default()),
            Outcome::Conflict(keys) => entries.retain(|entry| !keys.contains(&entry.key)),
        }
    }
    Err(raced())
}

/// Of some records those whose workers are no members of this run's groups.
async fn strangers(entries: Vec<Entry>) -> Result<Vec<Entry>, StoreError> {
    let keys: Vec<String> = entries.iter().map(|entry| store::moved(&entry.key, records::WORKERS, staging::MEMBERS)).collect();
    let members = store::get(&keys).await?;
    Ok(entries.into_iter().zip(members).filter(|(_, member)| member.is_none()).map(|(entry, _)| entry).collect())
}

fn name_key(entry: &Entry) -> String {
    store::moved(&entry.key, records::WORKERS, "")
}

fn keys_of(readings: &[Reading]) -> Vec<String> {
    readings.iter().map(|reading| ids::key(&reading.user)).collect()
}

/// The core's plan. A look-up by hand belongs to no run, which the core writes as an empty one.
fn plan_of(readings: Vec<Reading>, stored: &Stored, context: Context<'_>) -> Plan {
    let mut plan = plan::plan(readings, &stored.records, context);
    for step in &mut plan.steps {
        step.record.source.run.take_if(|run| run.is_empty());
    }
    plan
}

fn raced() -> StoreError {
    StoreError::Unreadable("the same records were changed by something else again and again".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, Duration, Utc};
    use futures::future::join_all;
    use shift_access_core::plan::Found;
    use shift_access_core::settings::Settings;
    use shift_access_core::status::{SourceKind, Status};
    use shift_access_core::zone::Zones;

    use super::*;
    use crate::testing::wait;
    use crate::{changes, numbers, testing};

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::minutes(minute)
    }

    fn reading(worker: usize, flag: bool) -> Reading {
        Reading { user: format!("User{worker}"), person_number: Some(worker.to_string()), found: Found::OnPremise(flag) }
    }

    /// Stores what is read of some workers at some minute.
    async fn read(readings: Vec<Reading>, minute: i64) -> Plan {
        let (settings, zones) = (Settings::defaults(), Zones::default());
        let context = Context { settings: &settings, zones: &zones, now: at(minute), run: "r", kind: SourceKind::Batch };
        store(readings, context).await.unwrap()
    }

    async fn told() -> Vec<(u64, String, Option<Status>)> {
        let listing = changes::after(0, 100_000).await.unwrap();
        listing.items.into_iter().map(|change| (change.id, change.user, change.record.map(|record| record.status))).collect()
    }

    #[test]
    fn a_commit_tells_what_changed_and_nothing_else() {
        wait(async {
            read(vec![reading(1, true), reading(2, false)], 0).await;
            read(vec![reading(1, true), reading(2, false)], 1).await;
            read(vec![reading(1, false), reading(2, false)], 2).await;
            let (on, off) = (Some(Status::OnShift), Some(Status::OffShift));
            assert_eq!(told().await, [(1, "User1".into(), on), (2, "User2".into(), off), (3, "User1".into(), off)]);
            let commits = testing::commits();
            let plan = read(vec![reading(1, false), reading(2, false)], 2).await;
            assert_eq!((plan.counts.unchanged, testing::commits() - commits), (2, 1));
        });
    }

    #[test]
    fn many_at_once_leave_no_gap_and_lose_no_change() {
        wait(async {
            let chunk = |chunk: usize| (0..100).map(|worker| reading(chunk * 100 + worker, true)).collect();
            let plans = join_all((0..20).map(|number| read(chunk(number), 0))).await;
            assert!(plans.iter().all(|plan| plan.counts.changed == 100));
            let ids: Vec<u64> = told().await.into_iter().map(|(id, ..)| id).collect();
            assert_eq!(ids, (1..=2_000).collect::<Vec<_>>());
        });
    }

    #[test]
    fn what_races_for_the_same_workers_is_planned_anew() {
        wait(async {
            let all = || (0..5).map(|worker| reading(worker, true)).collect::<Vec<_>>();
            join_all((0..5).map(|minute| read(all(), minute))).await;
            assert_eq!(told().await.len(), 5, "each is new once");
        });
    }

    #[test]
    fn more_than_a_commit_takes_is_stored_in_several() {
        wait(async {
            let plan = read((0..1_000).map(|worker| reading(worker, true)).collect(), 0).await;
            assert_eq!((plan.counts.members, plan.steps.len()), (1_000, 1_000));
            assert_eq!(told().await.len(), 1_000);
            // Every number moves, every status changes, and every change makes room: the most that one commit can be.
            for minute in 1..=11 {
                let moved =
                    |worker: usize| Reading { person_number: Some(format!("{minute}-{worker}")), ..reading(worker, minute % 2 == 0) };
                read((0..1_000).map(moved).collect(), minute).await;
            }
            let listing = changes::after(0, 1_000).await.unwrap();
            assert_eq!((listing.oldest, listing.latest, testing::keys("change/").len()), (2_001, 12_000, 10_000));
            assert_eq!(listing.items.first().map(|change| change.id), Some(2_001));
            assert_eq!(testing::keys("number/").len(), 1_000);
        });
    }

    #[test]
    fn whoever_leaves_is_told_of_and_leaves_no_number() {
        wait(async {
            let pins = Pins::new();
            read((0..700).map(|worker| reading(worker, true)).collect(), 0).await;
            let stays = store::write(store::key(staging::MEMBERS, "user7"), b"{}".to_vec());
            store::put(vec![stays]).await.unwrap();
            assert_eq!(remove_strangers(&pins).await.unwrap(), 699);
            let gone = told().await.into_iter().filter(|(_, _, status)| status.is_none()).count();
            assert_eq!((gone, testing::keys(records::WORKERS).len()), (699, 1));
            let found = numbers::find(&["7".to_owned(), "8".to_owned()]).await.unwrap();
            assert_eq!(found, [Some("user7".to_owned()), None]);
            assert_eq!(remove_strangers(&pins).await.unwrap(), 0);
        });
    }

    #[test]
    fn a_report_is_stored_only_where_nothing_newer_is() {
        wait(async {
            let stored = read(vec![reading(1, true)], 0).await.steps.remove(0).record;
            let reported = |minute| Record {
                status: Status::OffShift,
                observed_at: at(minute),
                source: shift_access_core::record::Source { run: None, kind: SourceKind::Event },
                ..stored.clone()
            };
            store_reported(&[reported(0)], &Pins::new()).await.unwrap();
            store_reported(&[reported(-1)], &Pins::new()).await.unwrap();
            assert_eq!(told().await.len(), 1);
            store_reported(&[reported(1)], &Pins::new()).await.unwrap();
            assert_eq!(told().await.len(), 2);
            let now: BTreeMap<_, _> = records::load(&["user1".to_owned()]).await.unwrap().records;
            assert_eq!(now.get("user1").map(|record| record.observed_at), Some(at(1)));
        });
    }
}
