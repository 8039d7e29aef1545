//! Mails that wait to be sent: written with what they are about, sent later, and tried again until they are out.
//!
//! In the host's own space of a tenant:
//! - `outbox/ID` a mail that waits, in the commit of the run that it is about;
//! - `outbox-told/ID` what became of a mail, for people to look at, for 90 days;
//! - `outbox-mark` changes with every mail that is written, and when the tenant is found to have none.
//!
//! In the host's own space of no tenant:
//! - `outbox-of/TENANT` there if the tenant may have mails, so that nobody looks through a thousand that have none. It is
//!   written before the mail, and removed only while `outbox-mark` says that none was written meanwhile;
//! - `outbox-group/ID` many mails as one. It is written before they are taken out of their tenants and before it is sent,
//!   so a mail goes out either by itself or in a group, wherever the process is killed;
//! - `outbox-pace/HASH` what an address was sent in the last minute.
//!
//! What is promised: a mail that was written is sent, however long the mail server is away and wherever the process is
//! killed, and by one host at a time. What is not: if the process is killed, or the answer lost, in the moment between the
//! server taking a mail and that being stored, the mail goes out again under the same `Message-ID` (see [`Postbox`]).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::history::instant;
use crate::mail::page::{self, Part};
use crate::mail::{Mail, Postbox};
use crate::metrics::Outgoing;
use crate::store::records;
use crate::store::{Condition, Entry, Store, StoreError, Write};

mod pace;
mod sender;
mod together;
mod told;

pub(crate) use sender::{keep, send_now};
pub(crate) use told::{Alert, Standing};

/// Changes whenever a mail of the tenant is written.
pub(crate) const MARK: &str = "outbox-mark";

const WAITING: &str = "outbox/";
const MARKED: &str = "outbox-of/";
const GROUP: &str = "outbox-group/";
const PACE: &str = "outbox-pace/";

/// The numbers of the outbox, for who watches. `waiting` and `oldest` are as the host that sends saw them last; of several
/// hosts on one store the others show none.
#[derive(Debug, Default)]
pub struct OutboxNumbers {
    /// Mails that wait.
    pub waiting: AtomicU64,
    /// When the oldest of them was written, in seconds since 1970; 0 where none waits.
    pub oldest: AtomicI64,
    /// Mails that the server took since this host started.
    pub sent: AtomicU64,
    /// Tries that failed since this host started.
    pub failed: AtomicU64,
    /// Mails given up since this host started: refused for days, or of no form that can be sent.
    pub dropped: AtomicU64,
}

impl OutboxNumbers {
    /// The numbers as they stand.
    pub fn read(&self, now: DateTime<Utc>) -> Outgoing {
        Outgoing {
            waiting: self.waiting.load(Ordering::Relaxed),
            oldest_seconds: self.oldest_age_seconds(now),
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// How long the oldest mail waits, in seconds; none where no mail does.
    pub fn oldest_age_seconds(&self, now: DateTime<Utc>) -> Option<i64> {
        let oldest = self.oldest.load(Ordering::Relaxed);
        (oldest != 0).then(|| (now.timestamp() - oldest).max(0))
    }
}

/// Where a letter is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    tenant: String,
    key: String,
}

/// A mail that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// One address.
    pub(crate) to: String,
    /// One line.
    pub(crate) subject: String,
    /// What stands before the parts.
    pub(crate) opening: Option<String>,
    /// What it says; one part, or one of each letter that was put in.
    pub(crate) parts: Vec<Part>,
    /// Names it, so that it goes out once.
    pub(crate) key: String,
    /// Whether it is good news.
    pub(crate) good: bool,
    /// The tenant; empty for a group.
    pub(crate) tenant: String,
    /// The job; empty for a group.
    pub(crate) job: String,
    /// The run, where it is about one.
    pub(crate) run: Option<String>,
    /// When it was written.
    #[serde(with = "instant")]
    pub(crate) created: DateTime<Utc>,
    /// When the server first refused it for good.
    pub(crate) refused: Option<DateTime<Utc>>,
    /// For a group: where its letters were. Not one of them is sent by itself any more.
    pub(crate) members: Vec<Place>,
}

impl Letter {
    /// The mail as it is sent.
    pub(crate) fn mail(&self) -> Mail {
        Mail {
            to: vec![self.to.clone()],
            subject: page::clipped(&page::one_line(&self.subject), 240),
            text: page::text(self.opening.as_deref(), &self.parts),
            html: Some(page::html(self.opening.as_deref(), &self.parts)),
            key: self.key.clone(),
        }
    }
}

/// The mails that wait in a store, and the way out of it.
pub(crate) struct Outbox {
    store: Arc<dyn Store>,
    post: Option<Arc<Postbox>>,
    clock: Arc<dyn Clock>,
    numbers: OutboxNumbers,
    /// The tenants that mails were written for in this process, and that nobody looked at since.
    told: Mutex<BTreeSet<String>>,
    written: Notify,
    complained: AtomicBool,
}

impl Outbox {
    /// The outbox of this store; without a postbox nothing is written and nothing sent.
    pub(crate) fn new(store: Arc<dyn Store>, post: Option<Arc<Postbox>>, clock: Arc<dyn Clock>) -> Self {
        let numbers = OutboxNumbers::default();
        Self { store, post, clock, numbers, told: Mutex::default(), written: Notify::new(), complained: AtomicBool::new(false) }
    }

    /// Where it is kept.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Its numbers.
    pub(crate) fn numbers(&self) -> &OutboxNumbers {
        &self.numbers
    }

    /// Whether there is a mail server; says once that there is none.
    pub(crate) fn has_server(&self) -> bool {
        if self.post.is_none() && !self.complained.swap(true, Ordering::Relaxed) {
            tracing::warn!("there is something to mail and no mail server: add a table [smtp] to the configuration");
        }
        self.post.is_some()
    }

    /// What writes these letters of a tenant, to be committed in one with what they are about. `mark` is what [`MARK`]
    /// held when it was decided to write them. Once it is committed, [`Outbox::wake`] has them sent.
    pub(crate) async fn writes(&self, tenant: &str, mark: Option<&Entry>, letters: &[(String, Letter)]) -> Result<Vec<Write>, StoreError> {
        if letters.is_empty() {
            return Ok(Vec::new());
        }
        // Before the letters: a mark without a letter is looked at in vain, a letter without a mark is never found.
        self.store.commit(&records::space(), vec![Write::put(format!("{MARKED}{tenant}"), [])]).await?;
        let mut writes = vec![Write::put(MARK, []).when(as_found(mark))];
        for (id, letter) in letters {
            writes.push(records::put(format!("{WAITING}{id}"), letter)?);
        }
        Ok(writes)
    }

    /// Has the letters of a tenant sent now, if this host is the one that sends.
    pub(crate) fn wake(&self, tenant: &str) {
        self.told().insert(tenant.to_owned());
        self.written.notify_one();
    }

    fn told(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The condition that a key is as it was found.
pub(crate) fn as_found(entry: Option<&Entry>) -> Condition {
    entry.map_or(Condition::Absent, |entry| Condition::Revision(entry.revision.clone()))
}

/// What says that a tenant may have mails, in the host's own space of no tenant.
pub(crate) fn mark_of(tenant: &str) -> String {
    format!("{MARKED}{tenant}")
}
