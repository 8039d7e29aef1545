//! The people of the console: who they are, what each may do, and how one proves to be somebody.
//!
//! A person is kept under `user/NAME`, the name in small letters; `identity/DIGEST` says which name somebody at a provider has here. Every session names the stamp that the person had when it
//! began: another password, another role or a removal changes the stamp, and so ends every session of that person at once, on
//! every host of the store. What people do here is written down by `audit`, not here.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::history::instant;
pub use crate::role::Role;
use crate::store::records::{self, Kept, Records};
use crate::store::{Condition, Scan, Store, StoreError, Write};

mod link;
mod password;
mod session;
mod slow;
mod ticket;

pub(crate) use link::{Invitation, Links};
pub(crate) use password::{PasswordError, Passwords, SHORTEST};
pub(crate) use session::{Flash, Rules, Sessions};
pub(crate) use slow::{Slow, Wait};
pub(crate) use ticket::{Ticket, digest};

const USER: &str = "user/";
const IDENTITY: &str = "identity/";
/// Written anew by whatever may leave fewer administrators: of two such changes at once, the second looks again.
const ADMINISTRATORS: &str = "administrators";
/// The longest name of a person, in bytes.
pub(crate) const LONGEST_NAME: usize = 100;
/// How often a change is tried again that somebody else was faster than.
const TRIES: usize = 4;

/// Somebody at a provider of identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The provider.
    pub(crate) issuer: String,
    /// Whom it means; never given to anybody else.
    pub(crate) subject: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    /// The name as it was given.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The hash of the password; `None` for who has not chosen one yet, or signs in elsewhere.
    pub(crate) password: Option<String>,
    /// Where the person signs in, if not here.
    pub(crate) identity: Option<Identity>,
    /// Changes with everything that is to end the person's sessions.
    pub(crate) stamp: String,
    #[serde(with = "instant")]
    pub(crate) created: DateTime<Utc>,
}

impl User {
    /// Somebody new.
    pub(crate) fn new(name: &str, role: Role, now: DateTime<Utc>) -> Result<Self, PeopleError> {
        check_name(name)?;
        let stamp = Ticket::new()?.text().to_owned();
        Ok(Self { name: name.to_owned(), role, password: None, identity: None, stamp, created: now.trunc_subsecs(3) })
    }
}

/// Whether the last administrator with a way in may go: whoever has the machine can make another, and what a provider says holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    May,
    Stays,
}

/// Why something about people could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeopleError {
    /// The name cannot be one.
    #[error("a name has 1 to {LONGEST_NAME} letters, digits and the signs . _ - + @, and begins with a letter or a digit")]
    Name,
    /// Somebody has it.
    #[error("there is already somebody of the name {0}")]
    Exists(String),
    /// Nobody has it.
    #[error("there is nobody of the name {0}")]
    Unknown(String),
    /// Nobody would be left to manage people.
    #[error("{0} is the last administrator: make somebody else one first")]
    LastAdministrator(String),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The link is used up, too old, or never was one.
    #[error("this link is not good any more: it works once, within an hour")]
    Link,
    /// The name belongs to somebody who signs in another way.
    #[error("there is already somebody of the name {0} here who signs in another way")]
    Taken(String),
    /// Others changed the same at the same time.
    #[error("somebody else changed this at the same time: try again")]
    Busy,
    /// The machine gave no random numbers.
    #[error("the machine gives no random numbers: {0}")]
    Random(String),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everybody there is. Clones are the same.
#[derive(Clone)]
pub(crate) struct People {
    records: Records,
}

impl People {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store) }
    }

    /// Whether there is anybody.
    pub(crate) async fn is_empty(&self) -> Result<bool, PeopleError> {
        let (found, _) = self.records.scan::<User>(&Scan::new(USER, 1)).await?;
        Ok(found.is_empty())
    }

    /// The person of this name, however the letters are written.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<User>, PeopleError> {
        Ok(self.kept(name).await?.map(|kept| kept.value))
    }

    /// A page of people by name.
    pub(crate) async fn page(&self, cursor: Option<String>, limit: u32) -> Result<(Vec<User>, Option<String>), PeopleError> {
        let (found, cursor) = self.records.scan(&Scan::new(USER, limit).from(cursor)).await?;
        Ok((found.into_iter().map(|kept| kept.value).collect(), cursor))
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// Where the name is taken, and the store's.
    pub(crate) async fn add(&self, user: &User) -> Result<(), PeopleError> {
        match self.records.commit(vec![added(user)?]).await? {
            true => Ok(()),
            false => Err(PeopleError::Exists(user.name.clone())),
        }
    }

    /// Somebody whom a provider vouches for: known from now on under this name, with this role. Where the role is another one than
    /// before, the sessions end.
    ///
    /// # Errors
    /// Where somebody else has the name, and the store's.
    pub(crate) async fn vouched(&self, identity: &Identity, name: &str, role: Role, now: DateTime<Utc>) -> Result<User, PeopleError> {
        let is = |user: &User| user.identity.as_ref() == Some(identity);
        // The provider may call somebody by another name from one day to the next.
        let place = identity_key(identity);
        let known = match self.records.get::<String>(&place).await? {
            Some(known) => self.get(&known.value).await?.filter(is),
            None => None,
        };
        let name = known.as_ref().map_or(name, |known| &known.name);
        if known.is_none() {
            let new = User { identity: Some(identity.clone()), ..User::new(name, role, now)? };
            if self.records.commit(vec![added(&new)?, records::put(place, &new.name)?]).await? {
                return Ok(new);
            }
        }
        match self.known(name).await?.value {
            user if !is(&user) => Err(PeopleError::Taken(user.name)),
            user if user.role == role => Ok(user),
            user => self.set_role(&user.name, role, Last::May).await,
        }
    }

    /// Removes somebody, and ends the sessions.
    ///
    /// # Errors
    /// Where there is nobody of this name, [`PeopleError::LastAdministrator`] unless the last one may go, and the store's.
    pub(crate) async fn remove(&self, name: &str, last: Last) -> Result<User, PeopleError> {
        for _ in 0..TRIES {
            let administrators = self.administrators().await?;
            let kept = self.known(name).await?;
            self.check_another(&kept.value, last).await?;
            let identity = kept.value.identity.as_ref().map(|identity| Write::remove(identity_key(identity)));
            if self.records.commit([administrators, records::remove(&kept)].into_iter().chain(identity).collect()).await? {
                return Ok(kept.value);
            }
        }
        Err(PeopleError::Busy)
    }

    /// Gives somebody another role. The sessions end, unless it is the role there was.
    ///
    /// # Errors
    /// Where there is nobody of this name, [`PeopleError::LastAdministrator`] unless the last one may go, and the store's.
    pub(crate) async fn set_role(&self, name: &str, role: Role, last: Last) -> Result<User, PeopleError> {
        for _ in 0..TRIES {
            let administrators = self.administrators().await?;
            let mut kept = self.known(name).await?;
            if kept.value.role == role {
                return Ok(kept.value);
            }
            self.check_another(&kept.value, last).await?;
            kept.value.role = role;
            kept.value.stamp = Ticket::new()?.text().to_owned();
            if self.records.commit(vec![administrators, records::replace(&kept)?]).await? {
                return Ok(kept.value);
            }
        }
        Err(PeopleError::Busy)
    }

    /// Gives somebody another password, by its hash. The sessions end.
    ///
    /// # Errors
    /// Where there is nobody of this name, and the store's.
    pub(crate) async fn set_password(&self, name: &str, hash: &str) -> Result<User, PeopleError> {
        self.change(name, |user| {
            user.password = Some(hash.to_owned());
            true
        })
        .await
    }

    /// Ends every session of somebody.
    ///
    /// # Errors
    /// Where there is nobody of this name, and the store's.
    pub(crate) async fn end_sessions(&self, name: &str) -> Result<User, PeopleError> {
        self.change(name, |_| true).await
    }

    /// To be read before anything else of a change that may leave fewer administrators, and written with it.
    async fn administrators(&self) -> Result<Write, PeopleError> {
        let found = self.records.entry(ADMINISTRATORS).await?;
        let condition = found.map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
        Ok(records::put(ADMINISTRATORS, &())?.when(condition))
    }

    /// Refuses where this is an administrator who must not go, and nobody else is one with a way in.
    async fn check_another(&self, than: &User, last: Last) -> Result<(), PeopleError> {
        if last == Last::May || than.role != Role::Administrator {
            return Ok(());
        }
        let mut cursor = None;
        loop {
            let (people, next) = self.page(cursor, 500).await?;
            let can = |user: &User| user.role == Role::Administrator && (user.password.is_some() || user.identity.is_some());
            if people.iter().any(|user| can(user) && small(&user.name) != small(&than.name)) {
                return Ok(());
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Err(PeopleError::LastAdministrator(than.name.clone())),
            }
        }
    }

    /// Changes somebody; where `change` says so, the sessions end.
    pub(crate) async fn change(&self, name: &str, change: impl Fn(&mut User) -> bool) -> Result<User, PeopleError> {
        for _ in 0..TRIES {
            let mut kept = self.known(name).await?;
            if change(&mut kept.value) {
                kept.value.stamp = Ticket::new()?.text().to_owned();
            }
            if self.records.commit(vec![records::replace(&kept)?]).await? {
                return Ok(kept.value);
            }
        }
        Err(PeopleError::Busy)
    }

    async fn known(&self, name: &str) -> Result<Kept<User>, PeopleError> {
        self.kept(name).await?.ok_or_else(|| PeopleError::Unknown(name.to_owned()))
    }

    async fn kept(&self, name: &str) -> Result<Option<Kept<User>>, PeopleError> {
        // What can be no name cannot be there, and may be too long for a key.
        match check_name(name) {
            Ok(()) => Ok(self.records.get(&key(name)).await?),
            Err(_) => Ok(None),
        }
    }
}

/// Writes somebody new, unless the name is taken.
fn added(user: &User) -> Result<Write, PeopleError> {
    Ok(records::put(key(&user.name), user)?.when(Condition::Absent))
}

/// Names are told apart without regard to case.
fn small(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn key(name: &str) -> String {
    format!("{USER}{}", small(name))
}

/// Where it stands who somebody at a provider is here.
fn identity_key(identity: &Identity) -> String {
    format!("{IDENTITY}{}", digest(&format!("{}\n{}", identity.issuer, identity.subject)))
}

/// Signs that mean nothing in a page, a path, a log or a terminal; a mail address is a name.
fn check_name(name: &str) -> Result<(), PeopleError> {
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    let good = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte));
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if fits && good && begins { Ok(()) } else { Err(PeopleError::Name) }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::store::{Entry, Guard, MemoryStore, Outcome, Page, Space};

    pub(super) fn now() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    fn people() -> People {
        People::new(Arc::new(MemoryStore::default()))
    }

    async fn with(name: &str, role: Role) -> People {
        let people = people();
        people.add(&User::new(name, role, now()).unwrap()).await.unwrap();
        people
    }

    #[tokio::test]
    async fn a_name_is_one_person_however_it_is_written() {
        let people = with("Ana", Role::Viewer).await;
        let again = people.add(&User::new("ANA", Role::Administrator, now()).unwrap()).await;
        assert!(matches!(again, Err(PeopleError::Exists(_))), "{again:?}");
        assert_eq!(people.get("aNa").await.unwrap().unwrap().role, Role::Viewer);
    }

    #[tokio::test]
    async fn what_can_be_no_name_is_refused_and_found_nowhere() {
        let people = with("ana", Role::Viewer).await;
        for name in ["", "a b", "<b>", "../x", "ä", "-a", "a/b", "a\u{202e}", &"a".repeat(101)] {
            assert!(matches!(User::new(name, Role::Viewer, now()), Err(PeopleError::Name)), "{name}");
            assert!(people.get(name).await.unwrap().is_none(), "{name}");
        }
        assert!(User::new("ana.diaz+1@acme.example", Role::Viewer, now()).is_ok());
    }

    #[tokio::test]
    async fn the_stamp_changes_with_all_that_ends_sessions_and_with_nothing_else() {
        let people = with("ana", Role::Viewer).await;
        let stamp = async || people.get("ana").await.unwrap().unwrap().stamp;
        let first = stamp().await;
        people.set_role("ana", Role::Viewer, Last::Stays).await.unwrap();
        assert_eq!(first, stamp().await);
        people.set_role("ana", Role::Operator, Last::Stays).await.unwrap();
        let second = stamp().await;
        people.set_password("ana", "hash").await.unwrap();
        let third = stamp().await;
        people.end_sessions("ana").await.unwrap();
        let all = std::collections::BTreeSet::from([first, second, third, stamp().await]);
        assert_eq!(all.len(), 4);
        people.remove("ana", Last::May).await.unwrap();
        people.add(&User::new("ana", Role::Viewer, now()).unwrap()).await.unwrap();
        assert!(!all.contains(&stamp().await), "a session of the one before would be good for the one now");
    }

    #[tokio::test]
    async fn the_last_administrator_with_a_way_in_stays_unless_told_to_go() {
        let people = with("ana", Role::Administrator).await;
        people.add(&User::new("bo", Role::Administrator, now()).unwrap()).await.unwrap();
        let stays = async |name| {
            let ended = [people.set_role(name, Role::Viewer, Last::Stays).await, people.remove(name, Last::Stays).await];
            ended.iter().all(|ended| matches!(ended, Err(PeopleError::LastAdministrator(_))))
        };
        assert!(stays("Ana").await, "bo has no password");
        people.set_password("ana", "hash").await.unwrap();
        people.set_role("BO", Role::Viewer, Last::Stays).await.unwrap();
        assert!(stays("ana").await);
        people.remove("bo", Last::Stays).await.unwrap();
        people.set_role("ana", Role::Administrator, Last::Stays).await.unwrap();
        people.remove("ana", Last::May).await.unwrap();
    }

    /// Whoever looks through everybody lets others do something before what was seen is used.
    struct Slow(MemoryStore);

    #[async_trait]
    impl Store for Slow {
        async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
            self.0.get(space, keys).await
        }

        async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
            self.0.commit(space, writes).await
        }

        async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
            let page = self.0.scan(space, scan).await;
            tokio::task::yield_now().await;
            page
        }

        async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
            self.0.try_lock(tenant, name).await
        }
    }

    #[tokio::test]
    async fn of_two_administrators_who_do_away_with_each_other_at_once_one_stays() {
        for removes in [false, true] {
            let people = People::new(Arc::new(Slow(MemoryStore::default())));
            for name in ["ana", "bo"] {
                people.add(&User::new(name, Role::Administrator, now()).unwrap()).await.unwrap();
                people.set_password(name, "hash").await.unwrap();
            }
            let goes = async |name| match removes {
                true => people.remove(name, Last::Stays).await,
                false => people.set_role(name, Role::Viewer, Last::Stays).await,
            };
            let (ana, bo) = tokio::join!(goes("ana"), goes("bo"));
            let refused = [&ana, &bo].map(|ended| matches!(ended, Err(PeopleError::LastAdministrator(_))));
            assert!(ana.is_ok() != bo.is_ok() && refused.contains(&true), "{ana:?} {bo:?}");
        }
    }

    #[tokio::test]
    async fn who_is_vouched_for_is_one_person_and_takes_nobodys_name() {
        let people = with("ana", Role::Viewer).await;
        let identity = |subject: &str| Identity { issuer: "https://id.acme.example".to_owned(), subject: subject.to_owned() };
        let vouched = async |subject, name, role| people.vouched(&identity(subject), name, role, now()).await;
        assert!(matches!(vouched("1", "Ana", Role::Administrator).await, Err(PeopleError::Taken(_))), "ana has a password here");
        let bo = vouched("1", "bo", Role::Viewer).await.unwrap();
        assert_eq!(vouched("1", "BO", Role::Viewer).await.unwrap(), bo);
        assert!(matches!(vouched("2", "bo", Role::Administrator).await, Err(PeopleError::Taken(_))), "another one of the name");
        let risen = vouched("1", "bo", Role::Operator).await.unwrap();
        assert!(risen.role == Role::Operator && risen.stamp != bo.stamp);
        assert_eq!(vouched("1", "bo.diaz", Role::Operator).await.unwrap(), risen, "the provider calls bo by another name now");
        people.remove("bo", Last::Stays).await.unwrap();
        assert_eq!(vouched("1", "bo.diaz", Role::Viewer).await.unwrap().name, "bo.diaz");
        assert_eq!(people.get("ana").await.unwrap().unwrap().role, Role::Viewer);
    }

    #[tokio::test]
    async fn whose_name_here_is_somebody_elses_by_now_comes_in_by_the_name_the_provider_gives() {
        let people = with("ana", Role::Viewer).await;
        let identity = Identity { issuer: "https://id.acme.example".to_owned(), subject: "1".to_owned() };
        let stale = records::put(identity_key(&identity), &"ana").unwrap();
        assert!(people.records.commit(vec![stale]).await.unwrap());
        assert!(matches!(people.vouched(&identity, "ana", Role::Viewer, now()).await, Err(PeopleError::Taken(_))));
        let new = people.vouched(&identity, "ana.diaz", Role::Viewer, now()).await.unwrap();
        assert_eq!((&*new.name, &new.identity), ("ana.diaz", &Some(identity.clone())));
        assert_eq!(people.vouched(&identity, "ana", Role::Viewer, now()).await.unwrap(), new, "and stays that one");
    }

    #[tokio::test]
    async fn nobody_is_changed_or_removed_who_is_not_there() {
        let people = people();
        assert!(people.is_empty().await.unwrap());
        assert!(matches!(people.remove("ana", Last::May).await, Err(PeopleError::Unknown(_))));
        assert!(matches!(people.set_role("ana", Role::Viewer, Last::May).await, Err(PeopleError::Unknown(_))));
    }
}
