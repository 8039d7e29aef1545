//! What one report keeps aside in storage, so that its memory does not grow with the number of workers, and so that its
//! pages can be asked for one by one.
//!
//! Keys, under `identity/MILLIS/`: `head` says that the report is there; `m/NAME` a member of the configured groups;
//! `u/NAME` the users of the directory and `k/NAME` the persons of the time system whose names are near this one;
//! `n/NUMBER` a person nobody was matched with yet; `r/…` what is settled. Two reports never share a key.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shift_access_core::identity::{Cause, Identity, Member, Person, State, loose_key};
use shift_access_core::ids;

use crate::kronos::Listed;
use crate::staging;
use crate::store::{self, Condition, Entry, Outcome, Pages, StoreError, Write};
use crate::workspace_one::ListedUser;

/// Everything that reports keep aside.
const ALL: &str = "identity/";

/// How long a report can be paged through.
const LIFE: Duration = Duration::hours(1);

/// Names near one name that are kept. More say nothing more, and a value has its limit.
const NEAR_AT_MOST: usize = 1_000;

/// Removes what reports have left that nobody pages through any more.
pub async fn clear_old(now: DateTime<Utc>) -> Result<(), StoreError> {
    loop {
        // The oldest comes first, as all moments have the same number of digits.
        let oldest = Pages::of(ALL).next(1).await?.and_then(|mut entries| entries.pop());
        let Some(aside) = oldest.and_then(|entry| Aside::of_key(&entry.key)) else { return Ok(()) };
        if aside.begun.is_some_and(|begun| now - begun < LIFE) {
            return Ok(());
        }
        aside.clear().await?;
    }
}

/// What one report keeps aside.
pub struct Aside {
    prefix: String,
    begun: Option<DateTime<Utc>>,
}

impl Aside {
    /// Begins a report under a key of its own.
    pub async fn begin(now: DateTime<Utc>) -> Result<Self, StoreError> {
        let mut millis = now.timestamp_millis();
        loop {
            let aside = Self { prefix: format!("{ALL}{millis:013}/"), begun: DateTime::from_timestamp_millis(millis) };
            let head = Write { key: aside.head(), value: Some(b"{}".to_vec()), condition: Condition::Absent };
            match store::commit(vec![head]).await? {
                Outcome::Committed => return Ok(aside),
                Outcome::Conflict(_) => millis += 1,
            }
        }
    }

    /// The report a cursor belongs to, and where in it the page begins; none if there is no such report any more.
    pub async fn find(cursor: &str) -> Result<Option<(Self, String)>, StoreError> {
        let Some((millis, at)) = cursor.split_once('.') else { return Ok(None) };
        if millis.is_empty() || !millis.bytes().all(|digit| digit.is_ascii_digit()) {
            return Ok(None);
        }
        let Some(aside) = Self::of_key(&format!("{ALL}{millis}/")) else { return Ok(None) };
        Ok(store::get_one(aside.head()).await?.map(|_| (aside, at.to_owned())))
    }

    fn of_key(key: &str) -> Option<Self> {
        let (millis, _) = key.strip_prefix(ALL)?.split_once('/')?;
        let begun = millis.parse().ok().and_then(DateTime::from_timestamp_millis);
        Some(Self { prefix: format!("{ALL}{millis}/"), begun })
    }

    /// The cursor for a page that begins there.
    pub fn cursor(&self, at: &str) -> String {
        format!("{}.{at}", self.prefix.trim_start_matches(ALL).trim_end_matches('/'))
    }

    fn head(&self) -> String {
        self.under("head")
    }

    fn under(&self, shelf: &str) -> String {
        format!("{}{shelf}", self.prefix)
    }

    /// Where the members of the configured groups are.
    pub fn members(&self) -> String {
        self.under("m/")
    }

    /// Where those of the exempt groups are.
    pub fn exempt(&self) -> String {
        self.under("e/")
    }

    /// Removes the whole report, its head last: what is cut short is taken up by `clear_old`.
    pub async fn clear(&self) -> Result<(), StoreError> {
        for shelf in ["e/", "k/", "m/", "n/", "r/", "u/", "head"] {
            store::clear(&self.under(shelf)).await?;
        }
        Ok(())
    }

    /// Removes all that is not needed once everything is settled.
    pub async fn clear_readings(&self) -> Result<(), StoreError> {
        for shelf in ["e/", "k/", "m/", "n/", "u/"] {
            store::clear(&self.under(shelf)).await?;
        }
        Ok(())
    }

    /// Keeps users of the directory, by what their names have in common with others.
    pub async fn add_users(&self, users: Vec<ListedUser>) -> Result<(), StoreError> {
        let form = |user: ListedUser| (loose_key(&user.user_name), UserForm { i: user.id, u: user.user_name, e: user.enabled });
        add(&self.under("u/"), users.into_iter().map(form).collect()).await
    }

    /// Keeps persons of the time system, by number and by what their names have in common with others.
    /// Answers how many numbers are new: a list that moves while it is read may show somebody twice.
    pub async fn add_people(&self, people: Vec<Listed>) -> Result<u64, StoreError> {
        let forms: BTreeMap<String, PersonForm> =
            people.into_iter().map(PersonForm::of).map(|form| (store::key(&self.under("n/"), &form.n), form)).collect();
        let known = store::get(&forms.keys().cloned().collect::<Vec<_>>()).await?;
        let new = known.iter().filter(|entry| entry.is_none()).count();
        let forms: Vec<PersonForm> = forms.into_values().collect();
        let write = |form: &PersonForm| store::write(store::key(&self.under("n/"), &form.n), encode(form));
        put(forms.iter().map(write).collect()).await?;
        let named = forms.into_iter().filter(|form| !ids::key(&form.u).is_empty());
        add(&self.under("k/"), named.map(|form| (loose_key(&form.u), form)).collect()).await?;
        Ok(u64::try_from(new).unwrap_or_default())
    }

    /// The persons near each of these names.
    pub async fn people_near(&self, names: &[&str]) -> Result<Vec<Vec<Person>>, StoreError> {
        let lists: Vec<Vec<PersonForm>> = near(&self.under("k/"), names).await?;
        Ok(lists.into_iter().map(|list| list.into_iter().map(|form| form.listed().person).collect()).collect())
    }

    /// The users of the directory near each of these names.
    pub async fn users_near(&self, names: &[&str]) -> Result<Vec<Vec<ListedUser>>, StoreError> {
        let lists: Vec<Vec<UserForm>> = near(&self.under("u/"), names).await?;
        let listed = |form: UserForm| ListedUser { id: form.i, user_name: form.u, enabled: form.e };
        Ok(lists.into_iter().map(|list| list.into_iter().map(listed).collect()).collect())
    }

    /// The members of these names, given by their keys.
    pub async fn members_named(&self, keys: &[String]) -> Result<Vec<Option<Member>>, StoreError> {
        let keys: Vec<String> = keys.iter().map(|key| store::key(&self.members(), key)).collect();
        store::get(&keys).await?.iter().map(|entry| entry.as_ref().map(staging::read).transpose()).collect()
    }

    /// What the members of these names, given by their keys, were settled to be.
    pub async fn settled_named(&self, keys: &[String]) -> Result<Vec<Option<Identity>>, StoreError> {
        let keys: Vec<String> = keys.iter().map(|key| store::key(&self.under("r/d/"), key)).collect();
        store::get(&keys).await?.iter().map(|entry| entry.as_ref().map(settled).transpose()).collect()
    }

    /// The first of these person numbers that is somebody's whom nobody was matched with.
    pub async fn first_alone(&self, numbers: &[String]) -> Result<Option<String>, StoreError> {
        let keys: Vec<String> = numbers.iter().map(|number| store::key(&self.under("n/"), number)).collect();
        let entries = store::get(&keys).await?;
        Ok(numbers.iter().zip(entries).find(|(_, entry)| entry.is_some()).map(|(number, _)| number.clone()))
    }

    /// Pages of the persons nobody was matched with.
    pub fn alone(&self) -> Pages {
        Pages::of(self.under("n/"))
    }

    /// Settles identities of members, and takes whom they are about from those who are alone.
    pub async fn settle_members(&self, settled: Vec<(String, Identity)>) -> Result<(), StoreError> {
        let mut writes = BTreeMap::new();
        for (key, identity) in settled {
            for number in identity.person_numbers.iter().filter(|_| identity.state != State::OnlyDirectory) {
                let key = store::key(&self.under("n/"), number);
                writes.insert(key.clone(), store::removal(key));
            }
            let key = store::key(&self.under("r/d/"), &key);
            writes.insert(key.clone(), store::write(key, encode(&IdentityForm::of(identity))));
        }
        put(writes.into_values().collect()).await
    }

    /// Settles identities of persons who are alone, by number.
    pub async fn settle_people(&self, settled: Vec<(String, Identity)>) -> Result<(), StoreError> {
        let write = |(number, identity): (String, Identity)| {
            store::write(store::key(&self.under("r/k/"), &number), encode(&IdentityForm::of(identity)))
        };
        put(settled.into_iter().map(write).collect()).await
    }

    /// A page of what is settled, and where the next one begins.
    pub async fn settled(&self, at: Option<String>, limit: usize) -> Result<(Vec<Identity>, Option<String>), StoreError> {
        let mut pages = Pages::resume(self.under("r/"), at);
        let entries = pages.next(limit).await?.unwrap_or_default();
        Ok((entries.iter().map(settled).collect::<Result<_, _>>()?, pages.cursor()))
    }
}

fn settled(entry: &Entry) -> Result<Identity, StoreError> {
    read::<IdentityForm>(entry)?.identity().ok_or_else(|| damaged(entry))
}

/// Reads a person who is alone.
pub fn read_person(entry: &Entry) -> Result<Listed, StoreError> {
    Ok(read::<PersonForm>(entry)?.listed())
}

/// Adds to lists by name, each thing once.
async fn add<T: Serialize + DeserializeOwned + PartialEq>(prefix: &str, things: Vec<(String, T)>) -> Result<(), StoreError> {
    let mut by_name: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for (name, thing) in things {
        by_name.entry(store::key(prefix, &name)).or_default().push(thing);
    }
    let keys: Vec<String> = by_name.keys().cloned().collect();
    let kept = store::get(&keys).await?;
    let mut writes = Vec::new();
    for ((key, things), kept) in by_name.into_iter().zip(kept) {
        let mut list: Vec<T> = kept.as_ref().map(read).transpose()?.unwrap_or_default();
        for thing in things {
            if list.len() < NEAR_AT_MOST && !list.contains(&thing) {
                list.push(thing);
            }
        }
        writes.push(store::write(key, encode(&list)));
    }
    put(writes).await
}

/// The lists of these names.
async fn near<T: DeserializeOwned>(prefix: &str, names: &[&str]) -> Result<Vec<Vec<T>>, StoreError> {
    let keys: Vec<String> = names.iter().map(|name| store::key(prefix, &loose_key(name))).collect();
    let entries = store::get(&keys).await?;
    entries.iter().map(|entry| Ok(entry.as_ref().map(read).transpose()?.unwrap_or_default())).collect()
}

async fn put(mut writes: Vec<Write>) -> Result<(), StoreError> {
    while !writes.is_empty() {
        let rest = writes.split_off(writes.len().min(store::PAGE));
        store::put(writes).await?;
        writes = rest;
    }
    Ok(())
}

fn encode(form: &impl Serialize) -> Vec<u8> {
    // Structs and lists of texts always have a JSON form.
    serde_json::to_vec(form).unwrap_or_default()
}

fn read<T: DeserializeOwned>(entry: &Entry) -> Result<T, StoreError> {
    serde_json::from_slice(&entry.value).map_err(|_| damaged(entry))
}

fn damaged(entry: &Entry) -> StoreError {
    StoreError::Unreadable(format!("`{}` is damaged", entry.key))
}

/// A user of the directory: id, name, enabled.
#[derive(PartialEq, Serialize, Deserialize)]
struct UserForm {
    i: String,
    u: String,
    e: bool,
}

/// A person: number, name, left, and why the name could not be read.
#[derive(PartialEq, Serialize, Deserialize)]
struct PersonForm {
    n: String,
    u: String,
    t: bool,
    f: Option<String>,
}

impl PersonForm {
    fn of(listed: Listed) -> Self {
        let Person { person_number, user_name, terminated, .. } = listed.person;
        Self { n: person_number, u: user_name, t: terminated, f: listed.failed }
    }

    fn listed(self) -> Listed {
        Listed { person: Person { person_number: self.n, user_name: self.u, zone: None, terminated: self.t }, failed: self.f }
    }
}

/// What is settled.
#[derive(Serialize, Deserialize)]
struct IdentityForm {
    state: String,
    user: Option<String>,
    numbers: Vec<String>,
    person_user: Option<String>,
    pinned: bool,
    cause: Option<String>,
    explanation: String,
    suggestion: String,
}

impl IdentityForm {
    fn of(identity: Identity) -> Self {
        Self {
            state: identity.state.word().to_owned(),
            user: identity.user,
            numbers: identity.person_numbers,
            person_user: identity.person_user,
            pinned: identity.pinned,
            cause: identity.cause.map(|cause| cause.word().to_owned()),
            explanation: identity.explanation,
            suggestion: identity.suggestion,
        }
    }

    fn identity(self) -> Option<Identity> {
        Some(Identity {
            state: State::from_word(&self.state)?,
            user: self.user,
            person_numbers: self.numbers,
            person_user: self.person_user,
            pinned: self.pinned,
            cause: match self.cause {
                Some(word) => Some(Cause::from_word(&word)?),
                None => None,
            },
            explanation: self.explanation,
            suggestion: self.suggestion,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_keys_and_cursors_of_its_own() {
        let aside = Aside::of_key("identity/1764000000000/r/d/adiaz").unwrap();
        assert_eq!(aside.members(), "identity/1764000000000/m/");
        assert_eq!(aside.cursor("abc.def"), "1764000000000.abc.def");
        assert!(aside.begun.is_some());
        assert!(Aside::of_key("identity/odd").is_none());
    }

    #[test]
    fn an_identity_comes_back_as_it_was_settled() {
        let identity = Identity {
            state: State::Ambiguous,
            user: Some("adiaz".into()),
            person_numbers: vec!["7".into(), "8".into()],
            person_user: None,
            pinned: false,
            cause: Some(Cause::SeveralPersons),
            explanation: "e".into(),
            suggestion: "s".into(),
        };
        let form = IdentityForm::of(identity.clone());
        let back: IdentityForm = serde_json::from_slice(&encode(&form)).unwrap();
        assert_eq!(back.identity(), Some(identity));
    }
}
