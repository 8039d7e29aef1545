//! What became of the mails of a tenant, for people to look at: those that wait, and a small record of each that is gone.
//!
//! A record is at `outbox-told/MOMENT-DIGEST` of the host's own space of the tenant, the moment being that of its writing, so that
//! a mail that goes out twice is told of once. Nothing is sent or held back by it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::sender::hash;
use super::{GROUP, Letter, Outbox, WAITING};
use crate::history::instant;
use crate::store::records;
use crate::store::{Entry, Scan, Space, StoreError, Write};

const TOLD: &str = "outbox-told/";
/// How long it is told of a mail.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Old records that a new one clears away.
const PRUNED_AT_ONCE: u32 = 20;
/// Groups that are looked at for those that wait.
const GROUPS: u32 = 100;

/// A mail to one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alert {
    /// The address.
    pub(crate) to: String,
    /// The subject.
    pub(crate) subject: String,
    /// When it was written.
    #[serde(with = "instant")]
    pub(crate) written: DateTime<Utc>,
    /// How many more alerts were in the same mail.
    pub(crate) with: usize,
    /// What became of it.
    pub(crate) standing: Standing,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// It waits to be sent.
    Waits,
    /// The server refuses it since then; it is tried on.
    Refused(DateTime<Utc>),
    /// The server took it.
    Sent(DateTime<Utc>),
    /// It is not tried any more, and why.
    GivenUp(DateTime<Utc>, String),
}

impl Alert {
    fn of(letter: &Letter, standing: Standing) -> Self {
        let with = letter.members.len().saturating_sub(1);
        Self { to: letter.to.clone(), subject: letter.subject.clone(), written: letter.created, with, standing }
    }
}

impl Outbox {
    /// Keeps what became of a letter, for each tenant that it is about.
    pub(super) async fn tell(&self, letter: &Letter, standing: Standing, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tenants: Vec<&str> = letter.members.iter().map(|member| member.tenant.as_str()).collect();
        tenants.extend(Some(letter.tenant.as_str()).filter(|tenant| !tenant.is_empty()));
        tenants.sort_unstable();
        tenants.dedup();
        let (alert, key) = (Alert::of(letter, standing), format!("{}{}", place(letter.created), hash(&letter.key)));
        for tenant in tenants {
            let space = Space::host(tenant);
            let old = self.store.scan(&space, &Scan::new(TOLD, PRUNED_AT_ONCE)).await?;
            let old = old.entries.into_iter().take_while(|entry| entry.key < place(now - KEPT)).map(|entry| Write::remove(entry.key));
            let writes = old.chain([records::put(&*key, &alert)?]).collect();
            self.store.commit(&space, writes).await?;
        }
        Ok(())
    }

    /// The mails of a tenant that wait, oldest first.
    pub(crate) async fn waiting(&self, tenant: &str, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let mut letters: Vec<Letter> = read(self.store.scan(&Space::host(tenant), &Scan::new(WAITING, limit)).await?.entries);
        let groups: Vec<Letter> = read(self.store.scan(&records::space(), &Scan::new(GROUP, GROUPS)).await?.entries);
        letters.extend(groups.into_iter().filter(|group| group.members.iter().any(|member| member.tenant == tenant)));
        let standing = |letter: &Letter| letter.refused.map_or(Standing::Waits, Standing::Refused);
        Ok(letters.iter().map(|letter| Alert::of(letter, standing(letter))).collect())
    }

    /// A page of those that are gone, newest first, and where the next begins.
    pub(crate) async fn gone(&self, tenant: &str, cursor: Option<String>, limit: u32) -> Result<(Vec<Alert>, Option<String>), StoreError> {
        let page = self.store.scan(&Space::host(tenant), &Scan::new(TOLD, limit).from(cursor).descending()).await?;
        Ok((read(page.entries), page.cursor))
    }
}

/// The keys of what was written at a moment begin so.
fn place(at: DateTime<Utc>) -> String {
    format!("{TOLD}{:014}-", at.timestamp_millis().max(0))
}

/// What cannot be read is of a later version of this program, or broken: there is nothing to tell of it.
fn read<T: serde::de::DeserializeOwned>(entries: Vec<Entry>) -> Vec<T> {
    entries.iter().filter_map(|entry| serde_json::from_slice(&entry.value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Place;
    use super::*;
    use crate::clock::SystemClock;
    use crate::store::MemoryStore;

    fn letter(key: &str, created: DateTime<Utc>) -> Letter {
        Letter {
            to: "ops@acme.example".into(),
            subject: format!("about {key}"),
            opening: None,
            parts: vec![],
            key: key.into(),
            good: false,
            tenant: "acme".into(),
            job: "sweep".into(),
            run: None,
            created,
            refused: None,
            members: vec![],
        }
    }

    #[tokio::test]
    async fn it_is_told_once_of_a_mail_for_as_long_as_runs_are_kept() {
        let outbox = Outbox::new(Arc::new(MemoryStore::default()), None, Arc::new(SystemClock));
        let now: DateTime<Utc> = "2026-03-01T05:45:00Z".parse().unwrap();
        let old = now - TimeDelta::days(91);
        outbox.tell(&letter("old", old), Standing::Sent(old), old).await.unwrap();
        outbox.tell(&letter("new", now), Standing::Sent(now), now).await.unwrap();
        outbox.tell(&letter("new", now), Standing::GivenUp(now, "why".into()), now).await.unwrap();
        let (gone, next) = outbox.gone("acme", None, 10).await.unwrap();
        assert_eq!((gone.len(), next), (1, None), "{gone:?}");
        assert_eq!(gone[0].standing, Standing::GivenUp(now, "why".into()));
        assert!(outbox.gone("other", None, 10).await.unwrap().0.is_empty());
    }

    #[tokio::test]
    async fn a_mail_about_several_tenants_is_told_to_each() {
        let outbox = Outbox::new(Arc::new(MemoryStore::default()), None, Arc::new(SystemClock));
        let now: DateTime<Utc> = "2026-03-01T05:45:00Z".parse().unwrap();
        let members = ["acme", "bolt", "acme"].map(|tenant| Place { tenant: tenant.into(), key: "outbox/1".into() }).to_vec();
        let group = Letter { tenant: String::new(), members, ..letter("group", now) };
        outbox.tell(&group, Standing::Sent(now), now).await.unwrap();
        for tenant in ["acme", "bolt"] {
            assert_eq!(outbox.gone(tenant, None, 10).await.unwrap().0[0].with, 2);
        }
    }
}
