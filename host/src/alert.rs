//! Alerts: who is told by mail that scheduled runs fail, and that they work again.
//!
//! Deciding is pure: [`decide_alert`] takes what is known of a job, a run and the time, and gives the mail and what is
//! known afterwards. [`Alerts`] does the rest: it reads, and says what to write in the same commit as the end of the run.
//! So an alert is decided once, and is as durable as the run that it tells of; the outbox sends it.
//!
//! What is known of a job is at `alert/JOB` of the host's own space of the tenant.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::history::{Failure, Run, Status, Trigger};
use crate::mail::is_address;
use crate::mail::page::Part;
use crate::outbox::{Letter, MARK, Outbox, as_found};
use crate::store::{Entry, Outcome, Space, StoreError, Write};

mod text;

/// The same failure is mailed again after this time at the earliest.
const QUIET: TimeDelta = TimeDelta::hours(6);

/// What is known of the failures of one job of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AlertState {
    /// When the first failed run of the series in hand started; `None` while the job works.
    pub since: Option<DateTime<Utc>>,
    /// Whether somebody was told of this series, and so is owed the good news.
    pub told: bool,
    /// When each code was last mailed. Outlives a series, so that a job that fails every other time stays quiet too.
    pub mailed: BTreeMap<String, DateTime<Utc>>,
}

/// A mail to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMail {
    /// The subject, one line.
    pub subject: String,
    /// Whether it is good news.
    pub good: bool,
    part: Part,
}

#[cfg(test)]
impl AlertMail {
    /// The text, complete in itself.
    pub fn text(&self) -> String {
        crate::mail::page::text(None, std::slice::from_ref(&self.part))
    }

    /// The same as HTML.
    pub fn html(&self) -> String {
        crate::mail::page::html(None, std::slice::from_ref(&self.part))
    }
}

/// What is to be done about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The mail to send, if any.
    pub mail: Option<AlertMail>,
    /// What is known once the mail is in the outbox, or where there is none to send.
    pub then: AlertState,
    /// What is known where there is nobody to send it to.
    pub untold: AlertState,
}

/// A job that stands still: runs were due, and none has ended.
#[derive(Debug, Clone)]
pub struct Stall<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The job.
    pub job: &'a str,
    /// The name of the process in the history.
    pub process: &'a str,
    /// What to tell of it.
    pub failure: Failure,
    /// When a run last ended, or the watch over it began.
    pub since: DateTime<Utc>,
}

/// Decides whether a run that ended is to be told of. Only scheduled runs are: runs by hand and by events change
/// nothing here. A run that failed without a code of its own is told of under the name of its status.
pub fn decide_alert(state: &AlertState, run: &Run, now: DateTime<Utc>) -> Decision {
    match run.status {
        _ if run.trigger != Trigger::Schedule => unchanged(state),
        Status::Complete | Status::CompleteWarn => recovered(state, run),
        Status::Error | Status::Aborted => failed(state, run, now),
        Status::InProcess | Status::Discarded => unchanged(state),
    }
}

/// Decides whether it is to be told that a job stands still. To the rules it is a failure like any other, with a code of
/// its own; the next run that ends well brings the good news.
pub fn decide_stall(state: &AlertState, stall: &Stall<'_>, now: DateTime<Utc>) -> Decision {
    let since = state.since.unwrap_or(stall.since);
    told_of(state, &stall.failure.code, since, now, || text::stalled(stall))
}

fn unchanged(state: &AlertState) -> Decision {
    Decision { mail: None, then: state.clone(), untold: state.clone() }
}

fn recovered(state: &AlertState, run: &Run) -> Decision {
    let works = AlertState { since: None, told: false, mailed: state.mailed.clone() };
    let mail = state.told.then(|| text::working_again(run, state.since.unwrap_or(run.started)));
    // Good news that nobody waits for is not kept for later.
    Decision { mail, then: works.clone(), untold: works }
}

fn failed(state: &AlertState, run: &Run, now: DateTime<Utc>) -> Decision {
    let failure = failure_of(run);
    let since = state.since.unwrap_or(run.started);
    told_of(state, &failure.code, since, now, || text::failed(run, &failure, since))
}

fn told_of(state: &AlertState, code: &str, since: DateTime<Utc>, now: DateTime<Utc>, mail: impl FnOnce() -> AlertMail) -> Decision {
    // A failure that nobody was told of is told once there is somebody.
    let untold = AlertState { since: Some(since), ..state.clone() };
    if state.mailed.get(code).is_some_and(|last| is_quiet(*last, now)) {
        return unchanged(&untold);
    }
    let mut mailed = state.mailed.clone();
    mailed.retain(|_, last| is_quiet(*last, now));
    mailed.insert(code.to_owned(), now);
    let then = AlertState { since: Some(since), told: true, mailed };
    Decision { mail: Some(mail()), then, untold }
}

/// Whether a mail of this moment still keeps another from going out. A moment in the future comes from a clock that
/// was wrong, and must not keep anybody quiet.
fn is_quiet(last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    last <= now && now - last < QUIET
}

fn failure_of(run: &Run) -> Failure {
    run.failure.clone().unwrap_or_else(|| Failure {
        code: run.status.to_string(),
        title: "The run ended before it was done".to_owned(),
        message: "The run was stopped, or its process ended, before it could say how it went.".to_owned(),
        remedy: "Look at the log of the host at this time. The next run goes on from what is stored.".to_owned(),
    })
}

/// Decides what people are told, and writes it.
pub struct Alerts<'a> {
    outbox: &'a Outbox,
    /// One address, or several with commas between.
    addresses: &'a str,
    now: DateTime<Utc>,
}

/// What an alert is about.
struct Occasion<'a> {
    tenant: &'a str,
    job: &'a str,
    run: Option<&'a str>,
    /// Names it among all of the tenant.
    id: String,
}

/// What is to be written about an occasion.
#[derive(Debug, Default)]
pub struct Told {
    /// The writes, into the host's own space of the tenant.
    pub writes: Vec<Write>,
    /// How many mails are among them.
    pub mails: usize,
}

impl<'a> Alerts<'a> {
    /// Alerts to these addresses, at this moment.
    pub(crate) fn new(outbox: &'a Outbox, addresses: Option<&'a str>, now: DateTime<Utc>) -> Self {
        Self { outbox, addresses: addresses.unwrap_or_default(), now }
    }

    /// What is to be written with the end of a run. Ask for every run in the order of their ends, also for those that were
    /// found dead; not for one that the host itself stopped because it shuts down. Where the commit loses a race, ask again.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn of_run(&self, run: &Run) -> Result<Told, StoreError> {
        let occasion = Occasion { tenant: &run.tenant, job: &run.job, run: Some(&run.run), id: format!("{}-{}", run.run, run.status) };
        self.of(&occasion, &|state| decide_alert(state, run, self.now)).await
    }

    /// Writes what is to be told of a job that stands still, and says how many mails that is.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn of_stall(&self, stall: &Stall<'_>) -> Result<usize, StoreError> {
        let id = format!("stall-{}-{}", stall.job, self.now.timestamp_millis());
        let occasion = Occasion { tenant: stall.tenant, job: stall.job, run: None, id };
        loop {
            let Told { writes, mails } = self.of(&occasion, &|state| decide_stall(state, stall, self.now)).await?;
            if writes.is_empty() || self.outbox.store().commit(&Space::host(stall.tenant), writes).await? == Outcome::Committed {
                return Ok(mails);
            }
        }
    }

    async fn of(&self, occasion: &Occasion<'_>, decide: &(dyn Fn(&AlertState) -> Decision + Send + Sync)) -> Result<Told, StoreError> {
        let key = format!("alert/{}", occasion.job);
        let found = self.outbox.store().get(&Space::host(occasion.tenant), &[key.clone(), MARK.to_owned()]).await?;
        let mut found = found.iter().map(Option::as_ref);
        let (stored, mark) = (found.next().flatten(), found.next().flatten());
        let state = stored.map(|entry| read(occasion, entry)).unwrap_or_default();
        let Decision { mail, then, untold } = decide(&state);
        let letters = mail.as_ref().map(|mail| self.letters(occasion, mail)).unwrap_or_default();
        let known = if mail.is_some() && letters.is_empty() { untold } else { then };
        let mut writes = Vec::new();
        if known != state {
            let bytes = serde_json::to_vec(&known).map_err(|error| StoreError::Other(format!("could not write {key}: {error}")))?;
            writes.push(Write::put(key, bytes).when(as_found(stored)));
        }
        writes.extend(self.outbox.writes(occasion.tenant, mark, &letters).await?);
        Ok(Told { writes, mails: letters.len() })
    }

    /// One letter an address, so that one that the server refuses keeps nobody else from knowing.
    fn letters(&self, occasion: &Occasion<'_>, mail: &AlertMail) -> Vec<(String, Letter)> {
        let given = self.addresses.split(',').map(str::trim).filter(|to| !to.is_empty());
        let (good, bad): (Vec<&str>, Vec<&str>) = given.partition(|to| is_address(to));
        if !bad.is_empty() {
            tracing::error!(tenant = occasion.tenant, "{} of the alert addresses cannot be written to", bad.len());
        }
        if good.is_empty() || !self.outbox.has_server() {
            return Vec::new();
        }
        good.into_iter().enumerate().map(|(at, to)| self.letter(occasion, mail, at, to)).collect()
    }

    fn letter(&self, occasion: &Occasion<'_>, mail: &AlertMail, at: usize, to: &str) -> (String, Letter) {
        let id = format!("{}-{at}", occasion.id);
        let letter = Letter {
            to: to.to_owned(),
            subject: mail.subject.clone(),
            opening: None,
            parts: vec![mail.part.clone()],
            key: format!("alert/{id}"),
            good: mail.good,
            tenant: occasion.tenant.to_owned(),
            job: occasion.job.to_owned(),
            run: occasion.run.map(str::to_owned),
            created: self.now,
            refused: None,
            members: Vec::new(),
        };
        (id, letter)
    }
}

/// A state that cannot be read must not keep runs from ending: at worst something is told twice.
fn read(occasion: &Occasion<'_>, entry: &Entry) -> AlertState {
    serde_json::from_slice(&entry.value).unwrap_or_else(|error| {
        tracing::error!(tenant = occasion.tenant, job = occasion.job, %error, "what is known of the alerts is damaged, and begins anew");
        AlertState::default()
    })
}

#[cfg(test)]
mod tests;
