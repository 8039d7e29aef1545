//! Sends each message once.
//!
//! What is promised: of several who send the same key, also at the same time and from several processes, one hands the
//! message over and the others are told `Duplicate`, for seven days. The key is reserved by a lock while the message
//! is under way, and remembered once the server took it.
//!
//! What is not: if the process is killed, or the server's answer is lost, in the moment between the server taking the
//! message and the key being remembered, the next attempt sends it again, under the same `Message-ID`. The other
//! choice would be to lose the message, and to say `Duplicate` of one that was perhaps never taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Mail, MailError, Mailer, compose};
use crate::history::instant;
use crate::store::{Guard, Owner, Scan, Space, Store, StoreError, Write};

/// How long keys are remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(7);
/// How long a sender waits for another who is sending the same key: a little longer than a mailer takes.
const WAIT: Duration = Duration::from_secs(160);
/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(50);
/// How often the keys that are old enough are removed.
const TIDY: Duration = Duration::from_secs(3_600);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// The mail server took it.
    Accepted,
    /// It was taken before under the same key, and was not sent again.
    Duplicate,
}

/// A mailer that remembers what it sent.
pub struct Postbox {
    mailer: Arc<dyn Mailer>,
    store: Arc<dyn Store>,
    tidied: Mutex<BTreeMap<String, Instant>>,
}

/// What is remembered of a message: nothing of its content.
#[derive(Serialize, Deserialize)]
struct Sent {
    #[serde(with = "instant")]
    at: DateTime<Utc>,
}

impl Postbox {
    /// A postbox in front of this mailer, with its memory in this store.
    pub fn new(mailer: Arc<dyn Mailer>, store: Arc<dyn Store>) -> Self {
        Self { mailer, store, tidied: Mutex::default() }
    }

    /// Sends a message unless its key was sent before. Keys of a plugin and of the host, and of two tenants, are
    /// apart, so that none can keep another's mail from going out.
    ///
    /// # Errors
    /// The mailer's; [`MailError::Unreachable`] where the store cannot say whether the key was sent.
    pub async fn send(&self, from: &Space, mail: &Mail, now: DateTime<Utc>) -> Result<Receipt, MailError> {
        compose::check(mail)?;
        let (space, key) = (Space::host(from.tenant()), memory_key(from, &mail.key));
        self.tidy(&space, now).await;
        let _reserved = self.reserve(&space, &key).await?;
        if self.was_sent(&space, &key, now).await? {
            return Ok(Receipt::Duplicate);
        }
        // The mailer knows no tenants: the key it gets is one among all.
        let mail = Mail { key: hash(&format!("{} {key}", from.tenant())), ..mail.clone() };
        self.mailer.send(&mail).await?;
        self.remember(&space, key, now).await;
        Ok(Receipt::Accepted)
    }

    /// Reaches the mail server and logs in, and sends nothing.
    ///
    /// # Errors
    /// The mailer's.
    pub async fn reach(&self) -> Result<(), MailError> {
        self.mailer.reach().await
    }

    /// Waits until nobody else sends this key.
    async fn reserve(&self, space: &Space, key: &str) -> Result<Guard, MailError> {
        let name = format!("mail-{}", hash(key));
        let waited = tokio::time::timeout(WAIT, async {
            loop {
                match self.store.try_lock(space.tenant(), &name).await.map_err(unsure)? {
                    Some(reserved) => return Ok(reserved),
                    None => tokio::time::sleep(LOOK).await,
                }
            }
        });
        waited.await.unwrap_or_else(|_| Err(MailError::Unreachable("the same message is still being sent".to_owned())))
    }

    async fn was_sent(&self, space: &Space, key: &str, now: DateTime<Utc>) -> Result<bool, MailError> {
        let found = self.store.get(space, &[key.to_owned()]).await.map_err(unsure)?;
        Ok(found.into_iter().flatten().any(|entry| is_remembered(&entry.value, now)))
    }

    /// The message is out: if this cannot be written, the most that can come of it is a second copy.
    async fn remember(&self, space: &Space, key: String, now: DateTime<Utc>) {
        let sent = serde_json::to_vec(&Sent { at: now }).unwrap_or_default();
        if let Err(error) = self.store.commit(space, vec![Write::put(key, sent)]).await {
            tracing::warn!(tenant = space.tenant(), %error, "a message was sent but could not be remembered as sent");
        }
    }

    /// Removes keys that are old enough, now and then. Of no weight for what is sent, so it never fails.
    async fn tidy(&self, space: &Space, now: DateTime<Utc>) {
        if !self.is_tidy_due(space.tenant()) {
            return;
        }
        let mut cursor = None;
        loop {
            let Ok(page) = self.store.scan(space, &Scan::new("mail/", 1_000).from(cursor)).await else { return };
            let old = page.entries.into_iter().filter(|entry| !is_remembered(&entry.value, now));
            let writes: Vec<Write> = old.map(|entry| Write::remove(entry.key)).collect();
            if !writes.is_empty() && self.store.commit(space, writes).await.is_err() {
                return;
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return;
            }
        }
    }

    fn is_tidy_due(&self, tenant: &str) -> bool {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        let due = tidied.get(tenant).is_none_or(|last| last.elapsed() > TIDY);
        if due {
            tidied.insert(tenant.to_owned(), Instant::now());
        }
        due
    }
}

/// The key may be as long as a key of the store, so it is kept as a hash.
fn memory_key(from: &Space, key: &str) -> String {
    let owner = match from.owner() {
        Owner::Plugin => "plugin",
        Owner::Host => "host",
    };
    format!("mail/{owner}/{}", hash(key))
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A clock that was set back does not make a message forgotten.
fn is_remembered(value: &[u8], now: DateTime<Utc>) -> bool {
    serde_json::from_slice::<Sent>(value).is_ok_and(|sent| now - sent.at <= REMEMBERED)
}

fn unsure(error: StoreError) -> MailError {
    MailError::Unreachable(format!("whether it was sent before is not known: {error}"))
}

#[cfg(test)]
mod tests;
