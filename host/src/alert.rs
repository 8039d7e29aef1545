//! Alerts: who is told by mail that scheduled runs fail, and that they work again.
//!
//! Deciding is pure: [`decide_alert`] takes what is known of a job, a run and the time, and gives the mail and what is
//! known afterwards. [`Alerts`] does the rest: it reads, sends and remembers.
//!
//! A mail counts as sent only when the mail server took it for somebody, so a mail that could not go out is tried
//! again with the next failed run.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::history::{Failure, Run, Status, Trigger};
use crate::mail::{Mail, MailError, Postbox, is_address};
use crate::store::{Space, Store, StoreError, Write};

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
    /// The text, complete in itself.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// What is to be done about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The mail to send, if any.
    pub mail: Option<AlertMail>,
    /// What is known once the mail is out, or where there is none to send.
    pub then: AlertState,
    /// What is known where the mail could not go out.
    pub unsent: AlertState,
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

fn unchanged(state: &AlertState) -> Decision {
    Decision { mail: None, then: state.clone(), unsent: state.clone() }
}

fn recovered(state: &AlertState, run: &Run) -> Decision {
    let works = AlertState { since: None, told: false, mailed: state.mailed.clone() };
    let mail = state.told.then(|| text::working_again(run, state.since.unwrap_or(run.started)));
    // Unsent, the good news is still owed: the next good run brings it.
    let unsent = if state.told { state.clone() } else { works.clone() };
    Decision { mail, then: works, unsent }
}

fn failed(state: &AlertState, run: &Run, now: DateTime<Utc>) -> Decision {
    let failure = failure_of(run);
    let since = state.since.unwrap_or(run.started);
    let unsent = AlertState { since: Some(since), ..state.clone() };
    if state.mailed.get(&failure.code).is_some_and(|last| is_quiet(*last, now)) {
        return unchanged(&unsent);
    }
    let mut mailed = state.mailed.clone();
    mailed.retain(|_, last| is_quiet(*last, now));
    mailed.insert(failure.code.clone(), now);
    let then = AlertState { since: Some(since), told: true, mailed };
    Decision { mail: Some(text::failed(run, &failure, since)), then, unsent }
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

/// What became of the alert about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alerted {
    /// There was nothing to tell.
    Nothing,
    /// There was something to tell and nobody to tell it to.
    Nobody,
    /// The mail server took it.
    Mailed,
}

/// Why an alert did not go out.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// What is known of the job could not be read or written.
    #[error("the state of the alerts is not known")]
    Store(#[from] StoreError),
    /// What is known of the job is not understood.
    #[error("the state of the alerts is damaged")]
    State(#[from] serde_json::Error),
    /// None of the addresses can be written to.
    #[error("the alert address is no mail address")]
    Address,
    /// No mail server is configured.
    #[error("no mail server is configured")]
    NoPostbox,
    /// The mail could not be sent to anybody.
    #[error("the alert could not be mailed")]
    Mail(#[source] MailError),
}

/// Tells people of failed runs.
pub struct Alerts {
    store: Arc<dyn Store>,
    postbox: Option<Arc<Postbox>>,
}

impl Alerts {
    /// Alerts with their memory in this store; without a postbox nothing can be mailed.
    pub fn new(store: Arc<dyn Store>, postbox: Option<Arc<Postbox>>) -> Self {
        Self { store, postbox }
    }

    /// Takes note of a run that ended, and mails what is to be told of it to the addresses (one, or several with
    /// commas between). Call it for every run in the order of their ends, also for those that were found dead; not
    /// for one that the host itself stopped because it shuts down.
    ///
    /// # Errors
    /// Where the alert did not go out; it is then tried again with the next run.
    pub async fn after(&self, run: &Run, addresses: Option<&str>, now: DateTime<Utc>) -> Result<Alerted, AlertError> {
        let (space, key) = (Space::host(&run.tenant), format!("alert/{}", run.job));
        let state = self.state(&space, &key).await?;
        let Decision { mail, then, unsent } = decide_alert(&state, run, now);
        let alerted = match &mail {
            None => Ok(Alerted::Nothing),
            Some(mail) => self.mail(&space, run, mail, addresses.unwrap_or_default(), now).await,
        };
        let known = match alerted {
            Ok(Alerted::Nothing | Alerted::Mailed) => then,
            // A failure is told once there is an address; good news that nobody waits for is not kept.
            Ok(Alerted::Nobody) if run.status.is_good() => then,
            Ok(Alerted::Nobody) | Err(_) => unsent,
        };
        if known != state {
            self.store.commit(&space, vec![Write::put(key, serde_json::to_vec(&known)?)]).await?;
        }
        alerted
    }

    async fn state(&self, space: &Space, key: &str) -> Result<AlertState, AlertError> {
        let found = self.store.get(space, &[key.to_owned()]).await?;
        match found.into_iter().flatten().next() {
            Some(entry) => Ok(serde_json::from_slice(&entry.value)?),
            None => Ok(AlertState::default()),
        }
    }

    /// One mail an address, so that one that the server refuses keeps nobody else from knowing.
    async fn mail(&self, from: &Space, run: &Run, alert: &AlertMail, to: &str, now: DateTime<Utc>) -> Result<Alerted, AlertError> {
        let to: Vec<&str> = to.split(',').map(str::trim).filter(|to| !to.is_empty()).collect();
        if to.is_empty() {
            return Ok(Alerted::Nobody);
        }
        let postbox = self.postbox.as_ref().ok_or(AlertError::NoPostbox)?;
        let mut alerted = Err(AlertError::Address);
        for (at, to) in to.into_iter().enumerate().filter(|(_, to)| is_address(to)) {
            match postbox.send(from, &addressed(run, alert, at, to), now).await {
                Ok(_) => alerted = Ok(Alerted::Mailed),
                Err(error) if alerted.is_err() => alerted = Err(AlertError::Mail(error)),
                Err(_) => tracing::warn!(tenant = run.tenant, run = run.run, "an alert was refused for one of its addresses"),
            }
        }
        alerted
    }
}

/// The run's id makes the key, so an alert that is decided twice goes out once.
fn addressed(run: &Run, alert: &AlertMail, at: usize, to: &str) -> Mail {
    Mail {
        to: vec![to.to_owned()],
        subject: alert.subject.clone(),
        text: alert.text.clone(),
        html: Some(alert.html.clone()),
        key: format!("alert/{}/{}/{at}", run.run, run.status),
    }
}

#[cfg(test)]
mod tests;
