//! A tenant's own extension, whole: who is clocked in, by a JSON feed of punches. Its pages, `?cursor=NEXT` each after the
//! first, are `{"punches": [{"user": "adiaz", "at": "2026-03-01T05:45:00-05:00", "in": true}], "next": "NEXT"}`.
//!
//! What it is and needs, and the words of its errors, stand in `pack.json`. It stores one value, its last reading of the feed,
//! so that who is not in the feed any more is gone. That does for a few thousand users; who has more stores a key a user.
#![allow(missing_docs, reason = "the contract documents what is generated from it")]
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use exports::shift_access::plugin::{access, jobs, jobs::Failure, listener, pack, roster, roster::Entry};
use serde::{Deserialize, Serialize};
use shift_access::plugin::{http, http::Request, properties, properties::Value, storage, storage::Error as Fault};

wit_bindgen::generate!({ path: "../../wit", world: "plugin", additional_derives: [serde::Deserialize, serde::Serialize] });

/// The extension. It keeps no state: instances come and go, and what must last is in the storage.
pub struct PunchFeed;
/// The form of what is stored. Who changes it raises this, so that an older version refuses what it cannot read.
const FORMAT: u32 = 1;
/// Where it is stored.
const KEY: &str = "reading";
/// An in punch that nothing follows for longer than this is a forgotten one.
const LONGEST: TimeDelta = TimeDelta::hours(16);

#[derive(Deserialize)]
struct Page {
    punches: Vec<Punch>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Punch {
    user: String,
    at: DateTime<Utc>,
    r#in: bool,
}

/// What the whole feed said at a moment. The default stands for a storage in which nothing, or nothing whole, is.
#[derive(Default, Deserialize, Serialize)]
struct Reading {
    at: DateTime<Utc>,
    source: Option<roster::Source>,
    /// By user: the moment of the last punch, and whether it is an out punch.
    last: BTreeMap<String, (DateTime<Utc>, bool)>,
}

impl Reading {
    /// What the last punch of a user says.
    fn entry(&self, user: &str) -> Option<Entry> {
        let user = user.to_lowercase();
        let (last, out) = *self.last.get(&user)?;
        let [status, reason, what] = match (out, self.at - last > LONGEST) {
            (true, _) => ["off-shift", "clocked-out", "The last punch in the feed is an out punch."],
            (false, true) => ["off-shift", "open-too-long", "The last punch in the feed is an in punch, too long ago."],
            (false, false) => ["on-shift", "clocked-in", "The last punch in the feed is an in punch."],
        }
        .map(str::to_owned);
        let (since, observed_at) = (Some(last.timestamp_millis()), self.at.timestamp_millis());
        let age_seconds = (Utc::now() - self.at).num_seconds().max(0) as u64;
        let evidence = vec![roster::Evidence { at: since, what }];
        Some(Entry { user, person_number: None, status, reason, since, observed_at, age_seconds, source: self.source.clone()?, evidence })
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.last.keys().filter_map(|user| self.entry(user))
    }
}

/// A failure in the words of the catalogue, and what it was this time.
fn failure(number: &str, what: impl std::fmt::Display) -> Failure {
    let pack = <PunchFeed as pack::Guest>::describe();
    let (title, remedy) = pack.errors.into_iter().find(|it| it.number == number).map(|it| (it.title, it.remedy)).unwrap_or_default();
    let report = jobs::Report { counts: vec![], warnings: vec![], steps: vec![] };
    Failure { code: pack.code_prefix + number, message: format!("{title}: {what}."), title, remedy, report }
}

/// That the storage failed, in its own words.
fn no_storage((Fault::Unavailable(text) | Fault::QuotaExceeded(text) | Fault::Invalid(text) | Fault::Other(text)): Fault) -> Failure {
    failure("30", text)
}

async fn read_page(cursor: Option<String>) -> Result<Page, Failure> {
    let (connection, method, path, headers, body) = ("feed".into(), "GET".into(), "/punches".into(), vec![], vec![]);
    let query = cursor.into_iter().map(|value| http::Field { name: "cursor".into(), value }).collect();
    let call = Request { connection, method, path, query, headers, body, timeout_ms: None, max_response_bytes: None, repeat_safe: true };
    match http::send(call).await {
        Ok(answer) if answer.status == 200 => serde_json::from_slice(&answer.body).map_err(|error| failure("12", error)),
        Ok(answer) => Err(failure("10", format!("it answered {}", answer.status))),
        Err(http::Error::NotGranted(text) | http::Error::Unreachable(text) | http::Error::Other(text)) => Err(failure("10", text)),
        Err(_) => Err(failure("10", "it did not answer in time, or with too much, or asks to come back later")),
    }
}

/// Reads the whole feed. A punch of a moment to come does not count yet; of two at one moment the out is the later.
async fn read_feed(source: roster::Source) -> Result<Reading, Failure> {
    let (mut reading, mut cursor) = (Reading { at: Utc::now(), source: Some(source), last: BTreeMap::new() }, None);
    loop {
        let page = read_page(cursor.clone()).await?;
        for Punch { user, at, r#in } in page.punches.into_iter().filter(|punch| punch.at <= reading.at) {
            reading.last.entry(user.to_lowercase()).and_modify(|last| *last = (*last).max((at, !r#in))).or_insert((at, !r#in));
        }
        match page.next {
            None => return Ok(reading),
            next if next == cursor => return Err(failure("12", "it names itself as the next one")),
            next => cursor = next,
        }
    }
}

/// What is stored, and what must hold for it to be replaced.
async fn stored() -> Result<(Reading, storage::Condition), Failure> {
    let values = storage::get(vec![KEY.into()]).await.map_err(no_storage)?;
    let Some(stored) = values.into_iter().flatten().next() else { return Ok((Reading::default(), storage::Condition::Absent)) };
    let reading = parse(&stored.value).ok_or_else(|| failure("30", "a newer version of this extension stored what is there"))?;
    Ok((reading, storage::Condition::Revision(stored.revision)))
}

/// A stored reading: none where a newer version stored it, an empty one where it is damaged, which the next run replaces.
fn parse(value: &[u8]) -> Option<Reading> {
    let (format, reading) = serde_json::from_slice::<(u32, serde_json::Value)>(value).unwrap_or_default();
    (format <= FORMAT).then(|| serde_json::from_value(reading).unwrap_or_default())
}

/// Reads the feed and stores what it says, unless what is stored was read later.
async fn refresh(kind: &str, run: Option<String>) -> Result<jobs::Report, Failure> {
    let new = read_feed(roster::Source { run, kind: kind.into() }).await?;
    loop {
        let (old, condition) = stored().await?;
        let newest = if old.at > new.at { &old } else { &new };
        let value = serde_json::to_vec(&(FORMAT, newest)).map_err(|error| failure("30", error))?;
        let write = storage::Write { key: KEY.into(), value: Some(value), condition };
        // Where another run stored its reading meanwhile, there is another one to look at.
        if let storage::Outcome::Committed = storage::commit(vec![write]).await.map_err(no_storage)? {
            return Ok(report(&old, newest));
        }
    }
}

fn report(old: &Reading, new: &Reading) -> jobs::Report {
    let same = |entry: &Entry| old.entry(&entry.user).is_some_and(|old| old.reason == entry.reason && old.since == entry.since);
    let (members, unchanged) = (new.last.len() as u64, new.entries().filter(same).count() as u64);
    let [on, off] = ["on-shift", "off-shift"].map(|status| new.entries().filter(|entry| entry.status == status).count() as u64);
    let counts = [("members", members), ("on_shift", on), ("off_shift", off), ("changed", members - unchanged), ("unchanged", unchanged)];
    jobs::Report { counts: counts.map(|(name, value)| jobs::Count { name: name.into(), value }).into(), warnings: vec![], steps: vec![] }
}

fn good_for_seconds() -> u64 {
    let freshness = properties::all().into_iter().find(|property| property.name == "freshness-minutes");
    if let Some(Value::Number(minutes)) = freshness.map(|property| property.value) { minutes as u64 * 60 } else { 0 }
}

/// Only who is on shift by a reading that is not too old may.
fn decision(entry: Option<&Entry>, question: access::Question, good_for_seconds: u64) -> access::Decision {
    let stale = entry.is_some_and(|entry| entry.age_seconds > good_for_seconds);
    let status = entry.map_or("unknown", |entry| &entry.status).to_owned();
    let reason = if stale { "stale" } else { entry.map_or("no-record", |entry| &entry.reason) }.to_owned();
    let allow = status == "on-shift" && !stale;
    let (since, as_of) = (entry.and_then(|entry| entry.since), entry.map(|entry| entry.observed_at));
    let (age_seconds, source) = entry.map(|entry| (entry.age_seconds, entry.source.clone())).unzip();
    access::Decision { user: question.user, surface: question.surface, allow, reason, status, since, as_of, age_seconds, source }
}

impl pack::Guest for PunchFeed {
    /// A test reads `pack.json`. A component that could not would end here, and the platform would refuse it when it loads it.
    fn describe() -> pack::Description {
        serde_json::from_str(include_str!("../pack.json")).unwrap_or_else(|_| std::process::abort())
    }

    /// What the description says of the values, the platform has checked already: there is no more to it.
    fn check(_: Vec<properties::Property>) -> Vec<pack::Problem> {
        vec![]
    }
}

impl jobs::Guest for PunchFeed {
    async fn run(job: jobs::Job) -> Result<jobs::Report, Failure> {
        if job.name == "batch" {
            return refresh("batch", Some(job.run)).await;
        }
        let detail = format!("{} punches are on its first page.", read_page(None).await?.punches.len());
        let answers = jobs::Step { title: "The feed answers".into(), outcome: jobs::StepOutcome::Passed, detail };
        Ok(jobs::Report { counts: vec![], warnings: vec![], steps: vec![answers] })
    }
}

impl listener::Guest for PunchFeed {
    async fn handle(events: Vec<listener::Event>) -> Vec<listener::Disposition> {
        let read = refresh("event", events.first().map(|event| event.run.clone())).await;
        vec![if read.is_ok() { listener::Disposition::Done } else { listener::Disposition::Retry(60) }; events.len()]
    }

    async fn look_up(user: String) -> Result<Entry, Failure> {
        refresh("look-up", None).await?;
        stored().await?.0.entry(&user).ok_or_else(|| failure("62", "the feed has no punch of this user"))
    }
}

impl access::Guest for PunchFeed {
    async fn decide(questions: Vec<access::Question>) -> Result<Vec<access::Decision>, Failure> {
        let (reading, _) = stored().await?;
        Ok(questions.into_iter().map(|question| decision(reading.entry(&question.user).as_ref(), question, good_for_seconds())).collect())
    }

    async fn explain(question: access::Question) -> Result<access::Explanation, Failure> {
        let entry = stored().await?.0.entry(&question.user);
        let decision = decision(entry.as_ref(), question, good_for_seconds());
        let (at, word) = (decision.as_of, if decision.allow { "Allowed" } else { "Denied" });
        let first = roster::Evidence { at, what: format!("{word} for the reason {}.", decision.reason) };
        let steps = [first].into_iter().chain(entry.iter().flat_map(|entry| entry.evidence.clone())).collect();
        Ok(access::Explanation { entry, decision, steps })
    }

    async fn what_if(_: Vec<properties::Property>, _: Option<String>, _: u32) -> Result<access::Comparisons, Failure> {
        Err(failure("02", "no property can be tried out here"))
    }
}

impl roster::Guest for PunchFeed {
    async fn page(status: Option<String>, cursor: Option<String>, limit: u32) -> Result<roster::Listing, Failure> {
        Self::search(String::new(), status, cursor, limit).await
    }

    async fn search(text: String, status: Option<String>, cursor: Option<String>, limit: u32) -> Result<roster::Listing, Failure> {
        let (text, (reading, _)) = (text.trim().to_lowercase(), stored().await?);
        let fits = |entry: &Entry| entry.user.starts_with(&text) && status.as_ref().is_none_or(|status| entry.status == *status);
        let mut wanted = reading.entries().filter(|entry| Some(&entry.user) > cursor.as_ref() && fits(entry));
        let entries: Vec<_> = wanted.by_ref().take(limit as usize).collect();
        let cursor = wanted.next().and(entries.last()).map(|last| last.user.clone());
        Ok(roster::Listing { entries, cursor })
    }

    async fn find(user: String) -> Result<Option<Entry>, Failure> {
        Ok(stored().await?.0.entry(&user))
    }

    async fn counts() -> Result<Vec<roster::Count>, Failure> {
        let (reading, _) = stored().await?;
        let of = |status| reading.entries().filter(|entry| entry.status == status).count() as u64;
        Ok(["off-shift", "on-shift"].map(|status| roster::Count { name: status.into(), value: of(status) }).into())
    }

    async fn changes(_: u64, _: u32) -> Result<roster::ChangeListing, Failure> {
        Err(failure("02", "the changes are not kept"))
    }

    async fn identities(_: Option<String>, _: u32) -> Result<roster::IdentityListing, Failure> {
        Err(failure("02", "there is no directory to compare the users with"))
    }
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
export!(PunchFeed);
