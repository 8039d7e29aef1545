//! A tenant's own extension, whole: who is clocked in, by a JSON feed of punches. Its pages, `?cursor=NEXT` each after the
//! first, are `{"punches": [{"user": "adiaz", "at": "2026-03-01T05:45:00-05:00", "in": true}], "next": "NEXT"}`.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]
mod describe;
#[cfg(test)]
mod tests;
mod bindings {
    #![allow(missing_docs, clippy::all, clippy::restriction, reason = "generated from the contract")]
    wit_bindgen::generate!({ path: "../../wit", world: "plugin", additional_derives: [serde::Deserialize, serde::Serialize] });
}
use std::collections::BTreeMap;

use bindings::exports::shift_access::plugin::{access, jobs, listener, roster};
use bindings::shift_access::plugin::{http, properties, storage};
use chrono::{DateTime, FixedOffset, Utc};
use describe::{away, failure, report};
use jobs::Failure;
use properties::Value;

/// The extension. It keeps no state: instances come and go, and what must last is in the storage.
struct PunchFeed;
/// The form of what is stored. Who changes it raises this, so that an older version refuses what it cannot read.
const FORMAT: u32 = 1;
/// An in punch that nothing follows is a forgotten one after so many milliseconds.
const LONGEST: i64 = 16 * 3_600_000;

#[derive(serde::Deserialize)]
struct Page {
    punches: Vec<Punch>,
    next: Option<String>,
}

#[derive(serde::Deserialize)]
struct Punch {
    user: String,
    at: DateTime<FixedOffset>,
    r#in: bool,
}

fn now() -> i64 {
    DateTime::<Utc>::from(std::time::SystemTime::now()).timestamp_millis()
}

fn value(name: &str) -> Option<Value> {
    properties::all().into_iter().find(|property| property.name == name).map(|property| property.value)
}

fn key(user: &str) -> String {
    format!("worker/{}", user.to_lowercase())
}

async fn page(cursor: Option<String>) -> Result<Page, Failure> {
    let path = if let Some(Value::Text(path)) = value("path") { path } else { String::new() };
    let query = cursor.into_iter().map(|value| http::Field { name: "cursor".into(), value }).collect();
    let (connection, method, timeout_ms, max_response_bytes) = ("feed".into(), "GET".into(), None, None);
    let (headers, body, repeat_safe) = (Vec::new(), Vec::new(), true);
    let request = http::Request { connection, method, path, query, headers, body, timeout_ms, max_response_bytes, repeat_safe };
    let answer = http::send(request).await.map_err(away)?;
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|error| failure("12", format!("The feed answered no page: {error}."))),
        status => Err(failure("10", format!("The feed answered {status}."))),
    }
}

/// Reads the whole feed, then stores one record a user. A punch of a moment to come does not count yet.
async fn refresh(kind: &str, run: Option<String>) -> Result<jobs::Report, Failure> {
    let (began, mut cursor, mut last) = (now(), None, BTreeMap::new());
    loop {
        let page = page(cursor.clone()).await?;
        for Punch { user, at, r#in } in page.punches.into_iter().filter(|punch| punch.at.timestamp_millis() <= began) {
            // Of two punches at one moment the out is the later.
            let punch = (at.timestamp_millis(), !r#in);
            last.entry(user.to_lowercase()).and_modify(|last| *last = punch.max(*last)).or_insert(punch);
        }
        match page.next {
            None => break,
            next if next == cursor => return Err(failure("12", "A page of the feed names itself as the next one.")),
            next => cursor = next,
        }
    }
    let source = roster::Source { run, kind: kind.into() };
    let entries: Vec<_> = last.into_iter().map(|(user, (at, out))| entry(user, at, out, began, source.clone())).collect();
    let (mut changed, all) = (0, entries.len());
    for chunk in entries.chunks(1_000) {
        changed += store(chunk).await?;
    }
    let on = entries.iter().filter(|entry| entry.status == "on-shift").count();
    let counts = [("members", all), ("on_shift", on), ("off_shift", all - on), ("changed", changed), ("unchanged", all - changed)];
    Ok(report(counts.map(|(name, value)| jobs::Count { name: name.into(), value: value as u64 }).into(), Vec::new()))
}

fn entry(user: String, at: i64, out: bool, observed_at: i64, source: roster::Source) -> roster::Entry {
    let (status, reason, what) = match (out, observed_at - at > LONGEST) {
        (true, _) => ("off-shift", "clocked-out", "The last punch in the feed is an out punch."),
        (_, true) => ("off-shift", "open-too-long", "The last punch in the feed is an in punch, too long ago."),
        _ => ("on-shift", "clocked-in", "The last punch in the feed is an in punch."),
    };
    let (since, evidence) = (Some(at), vec![roster::Evidence { at: Some(at), what: what.into() }]);
    let (status, reason) = (status.into(), reason.into());
    roster::Entry { user, person_number: None, status, reason, since, observed_at, age_seconds: 0, source, evidence }
}

/// Stores records in one commit, unless newer ones are there, and tells how many say something else than before.
async fn store(entries: &[roster::Entry]) -> Result<usize, Failure> {
    let (mut writes, mut changed) = (Vec::new(), 0);
    for (entry, stored) in entries.iter().zip(get(entries.iter().map(|entry| key(&entry.user)).collect()).await?) {
        let known = stored.as_ref().map(read).transpose()?.flatten();
        changed += usize::from(known.as_ref().is_none_or(|known| (&known.reason, known.since) != (&entry.reason, entry.since)));
        if known.is_none_or(|known| known.observed_at <= entry.observed_at) {
            let condition = stored.map_or(storage::Condition::Absent, |stored| storage::Condition::Revision(stored.revision));
            writes.push(storage::Write { key: key(&entry.user), value: serde_json::to_vec(&(FORMAT, entry)).ok(), condition });
        }
    }
    match storage::commit(writes).await.map_err(lost)? {
        storage::Outcome::Committed => Ok(changed),
        storage::Outcome::Conflict(_) => Err(failure("30", "Another run stored the same users meanwhile.")),
    }
}

fn lost(error: storage::Error) -> Failure {
    failure("30", format!("The storage failed: {error}."))
}

async fn get(keys: Vec<String>) -> Result<Vec<Option<storage::Entry>>, Failure> {
    storage::get(keys).await.map_err(lost)
}

/// A record as of now; none where it is damaged, which the next run mends.
#[expect(clippy::result_large_err, reason = "the failure is the contract's")]
fn read(stored: &storage::Entry) -> Result<Option<roster::Entry>, Failure> {
    let (format, record) = serde_json::from_slice::<(u32, serde_json::Value)>(&stored.value).unwrap_or_default();
    if format > FORMAT {
        return Err(failure("30", format!("A newer version stored a record in the format {format}; this one knows {FORMAT}.")));
    }
    let aged = |entry: roster::Entry| roster::Entry { age_seconds: (now() - entry.observed_at).max(0) as u64 / 1_000, ..entry };
    Ok(serde_json::from_value(record).ok().map(aged))
}

fn decision(question: access::Question, entry: Option<&roster::Entry>, fresh_minutes: u64) -> access::Decision {
    let stale = entry.is_some_and(|entry| entry.age_seconds > fresh_minutes * 60);
    let status = entry.map_or("unknown", |entry| &entry.status).to_owned();
    let reason = if stale { "stale" } else { entry.map_or("no-record", |entry| &entry.reason) }.to_owned();
    let (allow, since) = (status == "on-shift" && !stale, entry.and_then(|entry| entry.since));
    let (as_of, age_seconds) = (entry.map(|entry| entry.observed_at), entry.map(|entry| entry.age_seconds));
    let source = entry.map(|entry| entry.source.clone());
    access::Decision { user: question.user, surface: question.surface, allow, reason, status, since, as_of, age_seconds, source }
}

impl jobs::Guest for PunchFeed {
    async fn run(job: jobs::Job) -> Result<jobs::Report, Failure> {
        if job.name == "batch" {
            return refresh("batch", Some(job.run)).await;
        }
        let detail = format!("{} punches are on its first page.", page(None).await?.punches.len());
        Ok(report(Vec::new(), vec![jobs::Step { title: "The feed answers".into(), outcome: jobs::StepOutcome::Passed, detail }]))
    }
}

impl listener::Guest for PunchFeed {
    async fn handle(events: Vec<listener::Event>) -> Vec<listener::Disposition> {
        let read = refresh("event", events.first().map(|event| event.run.clone())).await;
        let one = |_| if read.is_ok() { listener::Disposition::Done } else { listener::Disposition::Retry(60) };
        events.into_iter().map(one).collect()
    }

    async fn look_up(user: String) -> Result<listener::Entry, Failure> {
        refresh("look-up", None).await?;
        let found = <Self as roster::Guest>::find(user).await?;
        found.ok_or_else(|| failure("62", "The feed has no punch of this user."))
    }
}

impl access::Guest for PunchFeed {
    async fn decide(questions: Vec<access::Question>) -> Result<Vec<access::Decision>, Failure> {
        let mut decisions = Vec::new();
        for question in questions {
            decisions.push(Self::explain(question).await?.decision);
        }
        Ok(decisions)
    }

    async fn explain(question: access::Question) -> Result<access::Explanation, Failure> {
        let fresh = if let Some(Value::Number(minutes)) = value("freshness-minutes") { minutes.max(0) as u64 } else { 0 };
        let entry = <Self as roster::Guest>::find(question.user.clone()).await?;
        let decision = decision(question, entry.as_ref(), fresh);
        let verdict = if decision.allow { "Allowed" } else { "Denied" };
        let what = format!("{verdict} for the reason {}; a record is good for {fresh} minutes.", decision.reason);
        let first = roster::Evidence { at: decision.as_of, what };
        let steps = std::iter::once(first).chain(entry.iter().flat_map(|entry| entry.evidence.clone())).collect();
        Ok(access::Explanation { entry, decision, steps })
    }

    async fn what_if(_: Vec<access::Property>, _: Option<String>, _: u32) -> Result<access::Comparisons, Failure> {
        Err(failure("02", "No property can be tried out here."))
    }
}

impl roster::Guest for PunchFeed {
    async fn page(status: Option<String>, cursor: Option<String>, limit: u32) -> Result<roster::Listing, Failure> {
        let page = storage::scan("worker/".into(), cursor, limit).await.map_err(lost)?;
        let entries = page.entries.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let wanted = |entry: &roster::Entry| status.as_ref().is_none_or(|status| entry.status == *status);
        Ok(roster::Listing { entries: entries.into_iter().flatten().filter(wanted).collect(), cursor: page.cursor })
    }

    async fn find(user: String) -> Result<Option<roster::Entry>, Failure> {
        let stored = get(vec![key(&user)]).await?.into_iter().next().flatten();
        Ok(stored.as_ref().map(read).transpose()?.flatten())
    }

    async fn counts() -> Result<Vec<roster::Count>, Failure> {
        let (mut counts, mut cursor) = (BTreeMap::from([("on-shift", 0), ("off-shift", 0)]), None);
        loop {
            let page = Self::page(None, cursor, 1_000).await?;
            for status in page.entries.iter().map(|entry| entry.status.as_str()) {
                counts.entry(if status == "on-shift" { "on-shift" } else { "off-shift" }).and_modify(|count| *count += 1);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(counts.into_iter().map(|(name, value)| roster::Count { name: name.into(), value }).collect());
            }
        }
    }

    async fn changes(_: u64, _: u32) -> Result<roster::ChangeListing, Failure> {
        Err(failure("02", "The changes are not kept."))
    }

    async fn identities(_: Option<String>, _: u32) -> Result<roster::IdentityListing, Failure> {
        Err(failure("02", "There is no directory to compare the users with."))
    }
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(PunchFeed with_types_in bindings);
