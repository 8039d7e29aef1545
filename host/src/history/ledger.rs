//! Keeps runs in the store. Per tenant, in the host's own space:
//!
//! - `run/ID` the run; ids order by start, so the newest page is one short scan;
//! - `run-story/ID` what one run alone shows;
//! - `run-open/ID` there while the run is open. Its process holds the lock `run-ID` meanwhile;
//! - `run-ended/JOB` when a run of this job last came to its end;
//! - what `latest` keeps of each job.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::{ContextV7, Timestamp, Uuid};

use super::latest;
use super::{Call, Ending, Filter, Level, NewRun, Note, OpenRun, Run, RunDetail, RunPage, Status, Step, Story, Warning, Witness};
use crate::store::{Condition, Entry, Outcome, Scan, Space, Store, StoreError, Write};

/// How long a run is kept unless the host says otherwise.
pub(crate) const KEPT: TimeDelta = TimeDelta::days(90);

/// Runs read at once where only some are wanted.
const LOOK: u32 = 500;
/// The most warnings, notes, steps or calls of one run; later ones are dropped, and a note says so. A plugin cannot
/// fill the disk or make a run too large to store.
const MAX_LINES: usize = 5_000;
/// The longest text of one line, in characters.
const MAX_TEXT: usize = 500;
/// The longest text of a failure, in characters.
const MAX_FAILURE: usize = 10_000;
/// The most counts of one run.
const MAX_COUNTS: usize = 200;
/// How many of the oldest runs a new one clears away.
const PRUNED_AT_ONCE: u32 = 20;
/// How often the end of a run is written anew because of a lost race. Each time somebody else got on, so more than a few
/// come from a store that does not keep its word.
const MOST_RACES: u32 = 100;

/// What is noted of a run whose process was killed.
const DEAD: &str = "the process ended before the run did";

/// The execution history of every tenant.
pub struct History {
    pub(super) store: Arc<dyn Store>,
    kept: TimeDelta,
    /// Makes ids of one millisecond order by their making.
    ids: Mutex<ContextV7>,
}

impl History {
    /// A history in this store that keeps runs for 90 days.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::keeping(store, KEPT)
    }

    /// A history that keeps runs for this long.
    pub(crate) fn keeping(store: Arc<dyn Store>, kept: TimeDelta) -> Self {
        Self { store, kept, ids: Mutex::new(ContextV7::new()) }
    }

    /// Writes that a run starts. Closes this tenant's dead runs and clears away its oldest ones first.
    ///
    /// A run that is never begun is started and finished at once, as [`Status::Discarded`].
    ///
    /// # Errors
    /// The store's.
    #[cfg(test)]
    pub(crate) async fn start(&self, new: NewRun, now: DateTime<Utc>) -> Result<OpenRun, StoreError> {
        self.start_before(&Nobody, new, now).await
    }

    /// The same before a witness, who sees the dead runs end.
    ///
    /// # Errors
    /// The store's, and the witness's.
    pub(crate) async fn start_before(&self, witness: &dyn Witness, new: NewRun, now: DateTime<Utc>) -> Result<OpenRun, StoreError> {
        let space = Space::host(&new.tenant);
        self.close_dead(&space, witness, now).await?;
        self.prune(&space, now).await?;
        let run = Run {
            run: self.id(now),
            tenant: new.tenant,
            job: new.job,
            process: new.process,
            trigger: new.trigger,
            status: Status::InProcess,
            started: now.trunc_subsecs(3),
            duration_ms: None,
            counts: None,
            warnings: Vec::new(),
            failure: None,
        };
        let lock = self.store.try_lock(&run.tenant, &lock_name(&run.run)).await?;
        let alive = lock.ok_or_else(|| StoreError::Other(format!("the run {} is there already", run.run)))?;
        let mut writes = vec![put(run_key(&run.run), &run)?, Write::put(open_key(&run.run), [])];
        writes.extend(latest::writes(&run)?);
        self.store.commit(&space, writes).await?;
        Ok(OpenRun { run, alive })
    }

    /// Writes how a run ended, and gives all that is kept of it.
    ///
    /// # Errors
    /// The store's; the run then becomes `ABORTED`.
    pub(crate) async fn finish(&self, open: OpenRun, ending: Ending, now: DateTime<Utc>) -> Result<RunDetail, StoreError> {
        self.finish_before(&Nobody, open, ending, now).await
    }

    /// The same before a witness.
    ///
    /// # Errors
    /// The store's, and the witness's; the run then becomes `ABORTED`.
    pub(crate) async fn finish_before(
        &self,
        witness: &dyn Witness,
        open: OpenRun,
        ending: Ending,
        now: DateTime<Utc>,
    ) -> Result<RunDetail, StoreError> {
        let OpenRun { mut run, alive, .. } = open;
        let mut ending = ending;
        clip(&mut ending, now);
        run.status = ending.status;
        run.duration_ms = Some(u64::try_from((now - run.started).num_milliseconds()).unwrap_or(0));
        run.counts = ending.counts;
        run.warnings = ending.warnings;
        run.failure = ending.failure;
        let (space, story) = (Space::host(&run.tenant), ending.story);
        for _ in 0..MOST_RACES {
            let mut writes = vec![put(run_key(&run.run), &run)?, put(story_key(&run.run), &story)?, Write::remove(open_key(&run.run))];
            if run.status != Status::Discarded {
                writes.push(put(ended_key(&run.job), &now)?);
            }
            writes.extend(latest::writes(&run)?);
            writes.extend(witness.saw(&run).await?);
            if self.store.commit(&space, writes).await? == Outcome::Committed {
                drop(alive);
                return Ok(RunDetail { run, story });
            }
        }
        Err(StoreError::Other(format!("the end of the run {} lost every race", run.run)))
    }

    /// When a run of this job last came to its end, well or badly; not one that was found dead or never begun.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn last_end(&self, tenant: &str, job: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let found = self.store.get(&Space::host(tenant), &[ended_key(job)]).await?;
        found.first().and_then(Option::as_ref).map(take).transpose()
    }

    /// A page of runs, newest first; at most `limit`, 1 to 2,000.
    ///
    /// # Errors
    /// The store's; [`StoreError::Invalid`] for a cursor from elsewhere.
    pub async fn list(&self, tenant: &str, filter: &Filter, cursor: Option<String>, limit: u32) -> Result<RunPage, StoreError> {
        self.list_among(tenant, filter, cursor, limit, u32::MAX).await
    }

    /// The same, of the next `most` runs only: the page may have fewer than `limit`, even none, although more follow.
    ///
    /// # Errors
    /// The store's; [`StoreError::Invalid`] for a cursor from elsewhere.
    pub async fn list_among(
        &self,
        tenant: &str,
        filter: &Filter,
        cursor: Option<String>,
        limit: u32,
        most: u32,
    ) -> Result<RunPage, StoreError> {
        let (space, mut left) = (Space::host(tenant), most);
        let mut page = RunPage { items: Vec::new(), next: cursor };
        loop {
            let missing = limit.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
            let length = if missing == 0 || *filter == Filter::default() { missing } else { LOOK.max(missing) };
            let scan = Scan::new("run/", length.min(left)).from(page.next.take()).descending();
            let found = self.store.scan(&space, &scan).await?;
            left = left.saturating_sub(u32::try_from(found.entries.len()).unwrap_or(u32::MAX).max(1));
            for (entry, read) in found.entries.iter().zip(1..) {
                let run = self.as_it_stands(&space, take(entry)?).await?;
                if wanted(filter, &run) {
                    page.items.push(run);
                }
                if page.items.len() >= limit as usize && (read as usize) < found.entries.len() {
                    // The page ends amid what was read: a scan that ends there tells where the next begins.
                    page.next = self.store.scan(&space, &Scan { limit: read, ..scan }).await?.cursor;
                    return Ok(page);
                }
            }
            page.next = found.cursor;
            if page.next.is_none() || page.items.len() >= limit as usize || left == 0 {
                return Ok(page);
            }
        }
    }

    /// One run with its story, `None` where there is none of this id.
    ///
    /// # Errors
    /// The store's.
    pub async fn one(&self, tenant: &str, run: &str) -> Result<Option<RunDetail>, StoreError> {
        // What is no id cannot be there, and may be too long for a key.
        let Ok(id) = Uuid::parse_str(run) else { return Ok(None) };
        let (space, id) = (Space::host(tenant), id.to_string());
        let found = self.store.get(&space, &[run_key(&id), story_key(&id)]).await?;
        let mut found = found.iter().map(Option::as_ref);
        let Some(run) = found.next().flatten() else { return Ok(None) };
        let mut story: Story = found.next().flatten().map(take).transpose()?.unwrap_or_default();
        let stored: Run = take(run)?;
        let was = stored.status;
        let run = self.as_it_stands(&space, stored).await?;
        if was == Status::InProcess && run.status == Status::Aborted {
            story.notes.push(note(Level::Error, DEAD.to_owned(), run.started));
        }
        Ok(Some(RunDetail { run, story }))
    }

    /// How a run stands; `None` where it is not kept any more.
    pub(super) async fn stands(&self, space: &Space, id: &str) -> Result<Option<Status>, StoreError> {
        let found = self.store.get(space, &[run_key(id)]).await?;
        let Some(entry) = found.first().and_then(Option::as_ref) else { return Ok(None) };
        Ok(Some(self.as_it_stands(space, take(entry)?).await?.status))
    }

    /// A run that is open although nobody works on it any more is shown as `ABORTED`. Only the next start writes it so:
    /// it tells whom a dead run concerns, and a look at the history must not take that away.
    async fn as_it_stands(&self, space: &Space, run: Run) -> Result<Run, StoreError> {
        if run.status != Status::InProcess {
            return Ok(run);
        }
        let Some(_dead) = self.store.try_lock(space.tenant(), &lock_name(&run.run)).await? else { return Ok(run) };
        // It may have ended between the two looks.
        let again = self.store.get(space, &[run_key(&run.run)]).await?;
        let mut run: Run = again.first().and_then(Option::as_ref).map_or(Ok(run), take)?;
        if run.status == Status::InProcess {
            run.status = Status::Aborted;
        }
        Ok(run)
    }

    /// Marks as `ABORTED` what is open although nobody works on it any more.
    async fn close_dead(&self, space: &Space, witness: &dyn Witness, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut cursor = None;
        loop {
            let page = self.store.scan(space, &Scan::new("run-open/", 1_000).from(cursor)).await?;
            for entry in &page.entries {
                let id = entry.key.trim_start_matches("run-open/");
                // Whoever works on it holds the lock; two who look at once do not both close it.
                if let Some(_dead) = self.store.try_lock(space.tenant(), &lock_name(id)).await? {
                    self.close(space, id, witness, now).await?;
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn close(&self, space: &Space, id: &str, witness: &dyn Witness, now: DateTime<Utc>) -> Result<(), StoreError> {
        for _ in 0..MOST_RACES {
            let found = self.store.get(space, &[run_key(id)]).await?;
            let mut writes = vec![Write::remove(open_key(id))];
            if let Some(entry) = found.first().and_then(Option::as_ref) {
                let mut run: Run = take(entry)?;
                if run.status == Status::InProcess {
                    run.status = Status::Aborted;
                    // Who finished it in this very moment knows better: the next turn sees it.
                    writes.push(put(run_key(id), &run)?.when(Condition::Revision(entry.revision.clone())));
                    let notes = vec![note(Level::Error, DEAD.to_owned(), now)];
                    writes.push(put(story_key(id), &Story { notes, ..Story::default() })?);
                    writes.extend(witness.saw(&run).await?);
                }
            }
            if self.store.commit(space, writes).await? == Outcome::Committed {
                return Ok(());
            }
        }
        Err(StoreError::Other(format!("the end of the dead run {id} lost every race")))
    }

    /// Removes the oldest of what is older than is kept; a few at a time, so no start takes long.
    async fn prune(&self, space: &Space, now: DateTime<Utc>) -> Result<(), StoreError> {
        let page = self.store.scan(space, &Scan::new("run/", PRUNED_AT_ONCE)).await?;
        let ids = page.entries.iter().filter_map(|entry| entry.key.strip_prefix("run/"));
        let old = ids.take_while(|id| started(id).is_none_or(|started| now - started > self.kept));
        let writes: Vec<Write> = old.flat_map(|id| [run_key(id), story_key(id), open_key(id)]).map(Write::remove).collect();
        if !writes.is_empty() {
            self.store.commit(space, writes).await?;
        }
        Ok(())
    }

    fn id(&self, now: DateTime<Utc>) -> String {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        Uuid::new_v7(Timestamp::from_unix(&self.ids, seconds, now.timestamp_subsec_nanos())).to_string()
    }
}

/// A witness who has nothing to say.
struct Nobody;

#[async_trait]
impl Witness for Nobody {
    async fn saw(&self, _run: &Run) -> Result<Vec<Write>, StoreError> {
        Ok(Vec::new())
    }
}

fn wanted(filter: &Filter, run: &Run) -> bool {
    filter.status.is_none_or(|status| run.status == status) && filter.job.as_ref().is_none_or(|job| run.job == *job)
}

/// When a run of this id started, by the id itself.
fn started(id: &str) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// Brings an ending into bounds, and notes what was dropped.
fn clip(ending: &mut Ending, now: DateTime<Utc>) {
    let mut dropped = Vec::new();
    drop_from(&mut ending.warnings, "warnings", &mut dropped);
    drop_from(&mut ending.story.steps, "steps", &mut dropped);
    drop_from(&mut ending.story.calls, "calls", &mut dropped);
    drop_from(&mut ending.story.notes, "notes", &mut dropped);
    if let Some(counts) = &mut ending.counts {
        counts.0.truncate(MAX_COUNTS);
        counts.0.iter_mut().for_each(|(name, _)| clip_text(name, MAX_TEXT));
    }
    for Warning { code, message, subject } in &mut ending.warnings {
        clip_texts([Some(code), Some(message), subject.as_mut()]);
    }
    for Step { title, detail, .. } in &mut ending.story.steps {
        clip_texts([Some(title), Some(detail), None]);
    }
    for Note { code, message, subject, .. } in &mut ending.story.notes {
        clip_texts([code.as_mut(), Some(message), subject.as_mut()]);
    }
    for Call { method, path, request_id, .. } in &mut ending.story.calls {
        clip_texts([Some(method), Some(path), request_id.as_mut()]);
    }
    if let Some(failure) = &mut ending.failure {
        let texts = [&mut failure.code, &mut failure.title, &mut failure.message, &mut failure.remedy];
        texts.into_iter().for_each(|text| clip_text(text, MAX_FAILURE));
    }
    ending.story.notes.extend(dropped.into_iter().map(|message| note(Level::Warning, message, now)));
}

fn drop_from<T>(lines: &mut Vec<T>, what: &str, dropped: &mut Vec<String>) {
    if lines.len() > MAX_LINES {
        dropped.push(format!("{} more {what} were dropped", lines.len() - MAX_LINES));
        lines.truncate(MAX_LINES);
    }
}

fn clip_texts(texts: [Option<&mut String>; 3]) {
    texts.into_iter().flatten().for_each(|text| clip_text(text, MAX_TEXT));
}

fn clip_text(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
}

fn note(level: Level, message: String, at: DateTime<Utc>) -> Note {
    Note { at: at.trunc_subsecs(3), level, code: None, message, subject: None }
}

fn run_key(id: &str) -> String {
    format!("run/{id}")
}

fn story_key(id: &str) -> String {
    format!("run-story/{id}")
}

fn open_key(id: &str) -> String {
    format!("run-open/{id}")
}

fn ended_key(job: &str) -> String {
    format!("run-ended/{job}")
}

fn lock_name(id: &str) -> String {
    format!("run-{id}")
}

pub(super) fn put(key: String, value: &impl Serialize) -> Result<Write, StoreError> {
    let bytes = serde_json::to_vec(value).map_err(|error| StoreError::Other(format!("could not write {key}: {error}")))?;
    Ok(Write::put(key, bytes))
}

pub(super) fn take<T: DeserializeOwned>(entry: &Entry) -> Result<T, StoreError> {
    serde_json::from_slice(&entry.value).map_err(|error| StoreError::Other(format!("could not read {}: {error}", entry.key)))
}

#[cfg(test)]
mod tests;
