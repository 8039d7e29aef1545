//! Links that work once: for the first administrator, and for who is to choose a password.
//!
//! Kept under `sign-in/link/SHA-256`. What a link gives and its end are one commit: of two who use it at once one does.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{People, PeopleError, Role, Ticket, User, added, key};
use crate::history::instant;
use crate::store::records::{self, Kept};
use crate::store::{Scan, Write};

const LINK: &str = "sign-in/link/";

/// How long a link is good for.
pub(crate) const LASTS: TimeDelta = TimeDelta::hours(1);

/// What is kept of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    /// Who may choose a password; `None` for the first administrator, who chooses a name too.
    user: Option<Invited>,
    #[serde(with = "instant")]
    expires: DateTime<Utc>,
}

/// Whom a link invites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Invited {
    name: String,
    /// The stamp the person had: what ends the sessions ends the link too.
    stamp: String,
}

/// What a link that is good lets somebody do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invitation {
    /// Become the first administrator.
    First,
    /// Choose a password.
    Choose(User),
}

/// The links there are.
#[derive(Clone)]
pub(crate) struct Links {
    people: People,
}

impl Links {
    pub(crate) fn new(people: People) -> Self {
        Self { people }
    }

    /// Makes a link: for this user, or for the first administrator.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn make(&self, user: Option<&User>, now: DateTime<Utc>) -> Result<Ticket, PeopleError> {
        self.sweep(now).await?;
        let (ticket, expires) = (Ticket::new()?, (now + LASTS).trunc_subsecs(3));
        let user = user.map(|user| Invited { name: user.name.clone(), stamp: user.stamp.clone() });
        let link = Link { user, expires };
        self.people.records.commit(vec![records::put(place(&ticket), &link)?]).await?;
        Ok(ticket)
    }

    /// What a link is good for; it stays good.
    ///
    /// # Errors
    /// Where it is not good, and the store's.
    pub(crate) async fn look(&self, ticket: &Ticket, now: DateTime<Utc>) -> Result<Invitation, PeopleError> {
        let link = self.kept(ticket, now).await?;
        match link.value.user {
            Some(Invited { name, stamp }) => {
                let user = self.people.get(&name).await?.filter(|user| user.stamp == stamp && user.identity.is_none());
                user.map(Invitation::Choose).ok_or(PeopleError::Link)
            }
            None if self.people.is_empty().await? => Ok(Invitation::First),
            None => Err(PeopleError::Link),
        }
    }

    /// Uses a link up: somebody has this password from now on, and this name where it is the first.
    ///
    /// # Errors
    /// Where it is not good, where the name is taken, and the store's.
    pub(crate) async fn take(&self, ticket: &Ticket, name: &str, hash: String, now: DateTime<Utc>) -> Result<User, PeopleError> {
        let link = self.kept(ticket, now).await?;
        let (user, write) = match self.look(ticket, now).await? {
            Invitation::First => {
                let user = User { password: Some(hash), ..User::new(name, Role::Administrator, now)? };
                let write = added(&user)?;
                (user, write)
            }
            Invitation::Choose(user) => {
                let kept: Option<Kept<User>> = self.people.records.get(&key(&user.name)).await?;
                let mut kept = kept.filter(|kept| kept.value == user).ok_or(PeopleError::Link)?;
                kept.value.password = Some(hash);
                kept.value.stamp = Ticket::new()?.text().to_owned();
                let write = records::replace(&kept)?;
                (kept.value, write)
            }
        };
        match self.people.records.commit(vec![records::remove(&link), write]).await? {
            true => Ok(user),
            false => Err(PeopleError::Link),
        }
    }

    async fn kept(&self, ticket: &Ticket, now: DateTime<Utc>) -> Result<Kept<Link>, PeopleError> {
        let found: Option<Kept<Link>> = self.people.records.get(&place(ticket)).await?;
        found.filter(|link| now < link.value.expires).ok_or(PeopleError::Link)
    }

    /// Removes links that are too old.
    async fn sweep(&self, now: DateTime<Utc>) -> Result<(), PeopleError> {
        let (links, _) = self.people.records.scan::<Link>(&Scan::new(LINK, 500)).await?;
        let old: Vec<Write> = links.iter().filter(|link| link.value.expires <= now).map(|link| Write::remove(&link.key)).collect();
        if !old.is_empty() {
            self.people.records.commit(old).await?;
        }
        Ok(())
    }
}

fn place(ticket: &Ticket) -> String {
    format!("{LINK}{}", ticket.digest())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::now;
    use super::super::{Identity, Last};
    use super::*;
    use crate::store::MemoryStore;

    fn links() -> Links {
        Links::new(People::new(Arc::new(MemoryStore::default())))
    }

    #[tokio::test]
    async fn the_first_administrator_comes_by_a_link_that_works_once() {
        let links = links();
        let (one, two) = (links.make(None, now()).await.unwrap(), links.make(None, now()).await.unwrap());
        assert_eq!(links.look(&one, now()).await.unwrap(), Invitation::First);
        let user = links.take(&one, "Ana", "hash".to_owned(), now()).await.unwrap();
        assert_eq!((user.role, user.password.as_deref()), (Role::Administrator, Some("hash")));
        for used in [one, two] {
            assert!(matches!(links.look(&used, now()).await, Err(PeopleError::Link)));
            assert!(matches!(links.take(&used, "bo", "hash".to_owned(), now()).await, Err(PeopleError::Link)));
        }
    }

    #[tokio::test]
    async fn of_two_who_use_a_link_at_once_one_does() {
        let links = links();
        let ticket = links.make(None, now()).await.unwrap();
        let (a, b) =
            tokio::join!(links.take(&ticket, "ana", "hash".to_owned(), now()), links.take(&ticket, "bo", "hash".to_owned(), now()),);
        assert_ne!(a.is_ok(), b.is_ok());
    }

    #[tokio::test]
    async fn a_link_ends_after_an_hour_or_with_its_user() {
        let links = links();
        let ana = User::new("ana", Role::Viewer, now()).unwrap();
        links.people.add(&ana).await.unwrap();
        let ticket = links.make(Some(&ana), now()).await.unwrap();
        assert!(matches!(links.look(&ticket, now() + LASTS).await, Err(PeopleError::Link)));
        assert!(matches!(links.look(&ticket, now()).await.unwrap(), Invitation::Choose(user) if user.name == "ana"));
        links.people.remove("ana", Last::May).await.unwrap();
        assert!(matches!(links.take(&ticket, "ana", "hash".to_owned(), now()).await, Err(PeopleError::Link)));
    }

    #[tokio::test]
    async fn a_link_ends_with_the_sessions_of_its_user_and_gives_no_password_to_who_signs_in_elsewhere() {
        let links = links();
        let ana = User::new("ana", Role::Viewer, now()).unwrap();
        links.people.add(&ana).await.unwrap();
        let ticket = links.make(Some(&ana), now()).await.unwrap();
        let ana = links.people.end_sessions("ana").await.unwrap();
        assert!(matches!(links.take(&ticket, "ana", "hash".to_owned(), now()).await, Err(PeopleError::Link)));

        let (one, two) = (links.make(Some(&ana), now()).await.unwrap(), links.make(Some(&ana), now()).await.unwrap());
        links.take(&one, "ana", "hash".to_owned(), now()).await.unwrap();
        assert!(matches!(links.look(&two, now()).await, Err(PeopleError::Link)), "the password was chosen with the other");

        links.people.remove("ana", Last::May).await.unwrap();
        let identity = Identity { issuer: "https://id.acme.example".to_owned(), subject: "1".to_owned() };
        let ana = links.people.vouched(&identity, "ana", Role::Viewer, now()).await.unwrap();
        let ticket = links.make(Some(&ana), now()).await.unwrap();
        assert!(matches!(links.look(&ticket, now()).await, Err(PeopleError::Link)));
    }

    #[tokio::test]
    async fn a_password_that_is_chosen_ends_the_sessions_there_were() {
        let links = links();
        let before = User::new("ana", Role::Operator, now()).unwrap();
        links.people.add(&before).await.unwrap();
        let ticket = links.make(Some(&before), now()).await.unwrap();
        let after = links.take(&ticket, "somebody", "hash".to_owned(), now()).await.unwrap();
        assert_eq!((after.name.as_str(), after.role), ("ana", Role::Operator), "the link says who, not the form");
        assert_ne!(before.stamp, after.stamp);
    }
}
