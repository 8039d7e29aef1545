//! Sessions: who is signed in, since when, and until when.
//!
//! Kept under `session/SHA-256`; the secret itself is in the person's browser only. A session ends when nothing was asked for some
//! time, some hours after it began whatever was asked, when it is signed out of, and when the person's stamp changes.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{PeopleError, Ticket, User, key};
use crate::history::instant;
use crate::store::records::{self, Kept, Records};
use crate::store::{Scan, Store, StoreError, Write};

const SESSION: &str = "session/";
/// A use is written down when the one before is this old: not every look at a page is a write.
const TOUCH: TimeDelta = TimeDelta::seconds(30);
/// Old sessions looked for at once.
const SWEPT: u32 = 500;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Without anything being asked.
    pub(crate) idle: TimeDelta,
    /// In all.
    pub(crate) longest: TimeDelta,
}

/// What a page says at its top, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flash {
    /// What.
    pub(crate) text: String,
    /// Whether something did not go as it was meant to.
    pub(crate) warns: bool,
}

/// What is kept of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    user: String,
    stamp: String,
    #[serde(with = "instant")]
    began: DateTime<Utc>,
    #[serde(with = "instant")]
    used: DateTime<Utc>,
    flash: Option<Flash>,
}

/// A session that is good, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) user: User,
    /// What the next page is to say.
    pub(crate) flash: Option<Flash>,
}

/// The sessions there are. Clones are the same.
#[derive(Clone)]
pub(crate) struct Sessions {
    records: Records,
}

impl Sessions {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store) }
    }

    /// Begins a session.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn begin(&self, user: &User, rules: Rules, now: DateTime<Utc>) -> Result<Ticket, PeopleError> {
        self.sweep(rules, now).await?;
        let (ticket, now) = (Ticket::new()?, now.trunc_subsecs(3));
        let session = Session { user: user.name.clone(), stamp: user.stamp.clone(), began: now, used: now, flash: None };
        self.records.commit(vec![records::put(place(&ticket), &session)?]).await?;
        Ok(ticket)
    }

    /// The session of this secret, if it is good. Where `used`, it goes on from now.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn find(&self, ticket: &Ticket, rules: Rules, used: bool, now: DateTime<Utc>) -> Result<Option<Found>, StoreError> {
        let Some(mut kept): Option<Kept<Session>> = self.records.get(&place(ticket)).await? else { return Ok(None) };
        if kept.value.is_over(rules, now) {
            return Ok(None);
        }
        let Some(user): Option<Kept<User>> = self.records.get(&key(&kept.value.user)).await? else { return Ok(None) };
        if user.value.stamp != kept.value.stamp {
            return Ok(None);
        }
        if used && now - kept.value.used >= TOUCH {
            kept.value.used = now.trunc_subsecs(3);
            // Who was faster has done the same.
            self.records.commit(vec![records::replace(&kept)?]).await?;
        }
        Ok(Some(Found { user: user.value, flash: kept.value.flash }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn end(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.records.commit(vec![Write::remove(place(ticket))]).await.map(|_| ())
    }

    /// Has the next page of a session say this, or nothing.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn say(&self, ticket: &Ticket, flash: Option<Flash>) -> Result<(), StoreError> {
        for _ in 0..super::TRIES {
            let Some(mut kept): Option<Kept<Session>> = self.records.get(&place(ticket)).await? else { return Ok(()) };
            kept.value.flash = flash.clone();
            if self.records.commit(vec![records::replace(&kept)?]).await? {
                break;
            }
        }
        Ok(())
    }

    /// Removes sessions that are over.
    async fn sweep(&self, rules: Rules, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut cursor = None;
        loop {
            let (sessions, next) = self.records.scan::<Session>(&Scan::new(SESSION, SWEPT).from(cursor)).await?;
            let over: Vec<_> = sessions.iter().filter(|kept| kept.value.is_over(rules, now)).map(|kept| Write::remove(&kept.key)).collect();
            if !over.is_empty() {
                self.records.commit(over).await?;
            }
            cursor = next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

impl Session {
    fn is_over(&self, rules: Rules, now: DateTime<Utc>) -> bool {
        now - self.used >= rules.idle || now - self.began >= rules.longest
    }
}

fn place(ticket: &Ticket) -> String {
    format!("{SESSION}{}", ticket.digest())
}

#[cfg(test)]
mod tests {
    use super::super::tests::now;
    use super::super::{Last, People, Role};
    use super::*;
    use crate::store::{MemoryStore, Space};

    const RULES: Rules = Rules { idle: TimeDelta::minutes(30), longest: TimeDelta::hours(12) };

    async fn signed_in() -> (MemoryStore, People, Sessions, Ticket) {
        let store = MemoryStore::default();
        let (people, sessions) = (People::new(Arc::new(store.clone())), Sessions::new(Arc::new(store.clone())));
        let user = User::new("Ana", Role::Viewer, now()).unwrap();
        people.add(&user).await.unwrap();
        let ticket = sessions.begin(&user, RULES, now()).await.unwrap();
        (store, people, sessions, ticket)
    }

    async fn good(sessions: &Sessions, ticket: &Ticket, after: TimeDelta) -> bool {
        sessions.find(ticket, RULES, true, now() + after).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_session_ends_when_nothing_was_asked_for_a_while() {
        let (_, _, sessions, ticket) = signed_in().await;
        assert!(good(&sessions, &ticket, TimeDelta::minutes(29)).await);
        assert!(good(&sessions, &ticket, TimeDelta::minutes(58)).await, "it goes on with each use");
        assert!(!good(&sessions, &ticket, TimeDelta::minutes(88)).await);
    }

    #[tokio::test]
    async fn what_a_page_asks_for_by_itself_is_no_use() {
        let (_, _, sessions, ticket) = signed_in().await;
        for minutes in [10, 20] {
            assert!(sessions.find(&ticket, RULES, false, now() + TimeDelta::minutes(minutes)).await.unwrap().is_some());
        }
        assert!(!good(&sessions, &ticket, TimeDelta::minutes(30)).await);
    }

    #[tokio::test]
    async fn a_session_ends_after_some_hours_whatever_was_asked() {
        let (_, _, sessions, ticket) = signed_in().await;
        for quarter in 1..48 {
            assert!(good(&sessions, &ticket, TimeDelta::minutes(15 * quarter)).await, "{quarter}");
        }
        assert!(!good(&sessions, &ticket, TimeDelta::hours(12)).await);
    }

    #[tokio::test]
    async fn a_session_ends_with_what_changes_its_user() {
        for change in ["role", "password", "everywhere", "removed", "out"] {
            let (_, people, sessions, ticket) = signed_in().await;
            assert!(good(&sessions, &ticket, TimeDelta::zero()).await);
            match change {
                "role" => drop(people.set_role("ana", Role::Operator, Last::May).await.unwrap()),
                "password" => drop(people.set_password("ana", "hash").await.unwrap()),
                "everywhere" => drop(people.end_sessions("ana").await.unwrap()),
                "removed" => drop(people.remove("ana", Last::May).await.unwrap()),
                _ => sessions.end(&ticket).await.unwrap(),
            }
            assert!(!good(&sessions, &ticket, TimeDelta::zero()).await, "{change}");
        }
    }

    #[tokio::test]
    async fn the_store_never_sees_the_secret_and_keeps_no_session_that_is_over() {
        let (store, people, sessions, ticket) = signed_in().await;
        let keys = async || {
            let page = store.scan(&Space::host(""), &Scan::new(SESSION, 10)).await.unwrap();
            assert!(!format!("{page:?}").contains(ticket.text()));
            page.entries.len()
        };
        assert_eq!(keys().await, 1);
        let user = people.get("ana").await.unwrap().unwrap();
        sessions.begin(&user, RULES, now() + TimeDelta::hours(13)).await.unwrap();
        assert_eq!(keys().await, 1);
    }

    #[tokio::test]
    async fn a_session_carries_what_the_next_page_says() {
        let (_, _, sessions, ticket) = signed_in().await;
        let flash = Flash { text: "Done.".to_owned(), warns: false };
        sessions.say(&ticket, Some(flash.clone())).await.unwrap();
        let said = async || sessions.find(&ticket, RULES, true, now()).await.unwrap().unwrap().flash;
        assert_eq!(said().await, Some(flash));
        sessions.say(&ticket, None).await.unwrap();
        assert_eq!(said().await, None);
    }
}
