//! Whom events are about: from a user name or a person number to a worker.
//!
//! A worker with a record is one until the next batch. Somebody without is asked of the directory, as a look-up asks, so that
//! the first punch of a new hire counts at once; who is in no group is marked, and not asked for again for an interval. A number
//! that the index does not know, and that no pin leads from, is asked of Kronos.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use shift_access_core::identity::{DirectoryUser, Member, Person, Pinned};
use shift_access_core::ids;
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;
use shift_access_core::status::Reason;

use super::event::Told;
use super::look_up::{self, FoundGroups};
use super::strangers;
use crate::kronos::{Kronos, People as Persons};
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, DirectoryUserState};
use crate::{notes, numbers, records};

/// Names the directory is asked for in one call. The events of the others are brought again soon, and by then these are marked
/// or have records: a call must end in time even where thousands of people who are no workers clock in.
const ASKED_A_CALL: usize = 200;

/// Names the directory is asked for at once.
const ASKED_AT_ONCE: usize = 4;

/// How soon events are brought again that are about people nobody was asked about yet.
const SOON_SECONDS: u32 = 5;

/// How soon events are brought again where somebody did not answer.
const AFTER_TROUBLE_SECONDS: u32 = 60;

/// One worker whom events are about.
pub struct Worker {
    /// The user name, with the users of the directory.
    pub member: Member,
    /// The person number of the record, where there is one.
    pub number: Option<String>,
    /// Whether it is certain who that is, so that a report can be believed.
    pub is_certain: bool,
}

/// Whom one event is about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Whom {
    /// The keys of the workers; several only where pins lead them to one person.
    pub workers: Vec<String>,
    /// In how many seconds the event is to be brought again, because it is not known yet who else it is about.
    pub later: Option<u32>,
}

/// Whom some events are about.
#[derive(Default)]
pub struct People {
    /// The workers, by the keys of their names.
    pub workers: BTreeMap<String, Worker>,
    /// Whom each event is about, in order.
    pub of_events: Vec<Whom>,
    /// Why Kronos did not say whose the numbers are.
    pub trouble: Option<Trouble>,
}

/// Finds out whom these events are about. The error is one of storage.
pub async fn find(events: &[&Told], kronos: &Kronos, settings: &Settings, now: DateTime<Utc>) -> Result<People, Trouble> {
    let mut search = Search::new(settings, now);
    search.follow_numbers(events).await?;
    search.ask_for_numbers(events, kronos).await?;
    search.follow_names().await?;
    search.ask_for_names().await?;
    let of_events = events.iter().map(|told| search.whom(told)).collect();
    Ok(People { workers: search.workers, of_events, trouble: search.trouble })
}

/// What is known of a person number.
#[derive(Debug, Default)]
struct Lead {
    /// The keys of the users it leads to.
    keys: BTreeSet<String>,
    /// It is known whom it leads to by name, be that nobody.
    is_known: bool,
}

/// What is known of a user name.
enum Name {
    /// As somebody wrote it; nothing is known of it.
    Open(String),
    /// Nobody in a configured group.
    Stranger,
    /// Not asked for yet; in how many seconds to come again.
    Later(u32),
}

struct Search<'a> {
    settings: &'a Settings,
    now: DateTime<Utc>,
    leads: BTreeMap<String, Lead>,
    /// The names that are no workers, or not yet, by their keys.
    names: BTreeMap<String, Name>,
    workers: BTreeMap<String, Worker>,
    /// The keys of names whose record says that they fit several.
    in_doubt: BTreeSet<String>,
    /// The numbers that Kronos was asked for.
    asked: BTreeSet<String>,
    /// The keys of names that the directory has just shown to be strangers.
    found_strange: BTreeSet<String>,
    trouble: Option<Trouble>,
}

impl<'a> Search<'a> {
    fn new(settings: &'a Settings, now: DateTime<Utc>) -> Self {
        Self {
            settings,
            now,
            leads: BTreeMap::new(),
            names: BTreeMap::new(),
            workers: BTreeMap::new(),
            in_doubt: BTreeSet::new(),
            asked: BTreeSet::new(),
            found_strange: BTreeSet::new(),
            trouble: None,
        }
    }

    /// Follows the numbers of the events along the pins and the index. An event whose number is not known goes by its user
    /// name, where it has one.
    async fn follow_numbers(&mut self, events: &[&Told]) -> Result<(), Trouble> {
        let numbers: BTreeSet<String> = events.iter().filter_map(|told| told.number.clone()).collect();
        let numbers = Vec::from_iter(numbers);
        let indexed = numbers::find(&numbers).await?;
        let stored = records::load(&distinct(indexed.iter().flatten())).await?.records;
        let pinned = Pinned::of(&self.settings.identities);
        for (number, key) in numbers.into_iter().zip(indexed) {
            let mut lead = Lead { keys: pinned.users(&number).iter().cloned().collect(), is_known: false };
            // A hint and no more: the record must have the number still.
            if let Some(key) = key.filter(|key| stored.get(key).is_some_and(|record| record.person_number.as_ref() == Some(&number))) {
                lead.keys.insert(key);
                lead.is_known = true;
            }
            self.open_all(&lead.keys);
            self.leads.insert(number, lead);
        }
        for told in events {
            if let Some(user) = told.user.as_ref().filter(|_| self.goes_by_name(told)) {
                self.open(user);
            }
        }
        Ok(())
    }

    /// Whether the user name of an event counts: the number goes before it, where that is known to lead to somebody.
    fn goes_by_name(&self, told: &Told) -> bool {
        let lead = told.number.as_ref().and_then(|number| self.leads.get(number));
        told.user.is_some() && !lead.is_some_and(|lead| lead.is_known && !lead.keys.is_empty())
    }

    fn open(&mut self, user: &str) {
        self.names.entry(ids::key(user)).or_insert_with(|| Name::Open(user.trim().to_owned()));
    }

    fn open_all(&mut self, keys: &BTreeSet<String>) {
        for key in keys {
            self.open(key);
        }
    }

    /// Asks Kronos for the user names of the numbers that nothing is known of, unless it was asked within the interval.
    async fn ask_for_numbers(&mut self, events: &[&Told], kronos: &Kronos) -> Result<(), Trouble> {
        let by_number_alone = events.iter().filter(|told| told.user.is_none()).filter_map(|told| told.number.as_ref());
        let open = distinct(by_number_alone.filter(|number| self.leads.get(*number).is_some_and(|lead| !lead.is_known)));
        let marks = strangers::among_numbers(&open, self.settings.interval, self.now).await?;
        let (strange, open): (Vec<_>, Vec<_>) = open.into_iter().zip(marks).partition(|(_, is_stranger)| *is_stranger);
        for (number, _) in strange {
            self.leads.entry(number).or_default().is_known = true;
        }
        let open: Vec<String> = open.into_iter().map(|(number, _)| number).collect();
        if open.is_empty() {
            return Ok(());
        }
        match kronos.people_numbered(&open).await {
            Ok(people) => self.take_numbered(open, people).await,
            Err(trouble) => {
                self.trouble = Some(trouble);
                Ok(())
            }
        }
    }

    async fn take_numbered(&mut self, asked: Vec<String>, people: Persons) -> Result<(), Trouble> {
        let failed: BTreeSet<String> = people.failed.into_iter().map(|(number, _)| number).collect();
        for number in asked.into_iter().filter(|number| !failed.contains(number)) {
            self.leads.entry(number.clone()).or_default().is_known = true;
            self.asked.insert(number);
        }
        // The name of somebody who left may be a new hire's by now, and who is pinned goes by the pin alone.
        let pins = &self.settings.identities;
        let counts = |person: &Person| {
            let key = ids::key(&person.user_name);
            !person.terminated && !key.is_empty() && !pins.contains_key(&key)
        };
        let found = people.found.into_iter().filter(counts).map(|person| (person.person_number, person.user_name));
        let found: Vec<(String, String)> = found.collect();
        for (number, user) in &found {
            self.open(user);
            self.leads.entry(number.clone()).or_default().keys.insert(ids::key(user));
        }
        // Records of before there was an index, and those whose entry got lost.
        let stored = records::load(&distinct(found.iter().map(|(_, user)| ids::key(user)))).await?.records;
        let has = |number: &String, key: &String| stored.get(key).is_some_and(|record| record.person_number.as_ref() == Some(number));
        let lost = found.into_iter().map(|(number, user)| (number, ids::key(&user))).filter(|(number, key)| has(number, key));
        Ok(numbers::keep(lost).await?)
    }

    /// Makes workers of the names that have a record.
    async fn follow_names(&mut self) -> Result<(), Trouble> {
        let keys: Vec<String> = self.names.keys().cloned().collect();
        let stored = records::load(&keys).await?.records;
        for (key, record) in stored.into_iter().filter(|(key, record)| ids::key(&record.user) == *key) {
            if record.reason == Reason::AmbiguousUser {
                self.in_doubt.insert(key);
            } else {
                self.names.remove(&key);
                self.workers.insert(key, recorded(record));
            }
        }
        Ok(())
    }

    /// Asks the directory for the names that have no record.
    async fn ask_for_names(&mut self) -> Result<(), Trouble> {
        let keys: Vec<String> = self.names.keys().cloned().collect();
        let marks = strangers::among_users(&keys, self.settings.interval, self.now).await?;
        let mut open = Vec::new();
        for (key, is_stranger) in keys.into_iter().zip(marks) {
            match self.names.get_mut(&key) {
                Some(name) if is_stranger => *name = Name::Stranger,
                Some(name) if open.len() >= ASKED_A_CALL => *name = Name::Later(SOON_SECONDS),
                Some(Name::Open(user)) => open.push((key, user.clone())),
                _ => {}
            }
        }
        let directory = Directory::new();
        let mut groups = FoundGroups::of(&directory);
        for some in open.chunks(ASKED_AT_ONCE) {
            let found = join_all(some.iter().map(async |(_, user)| look_up::bearers(&directory, user).await)).await;
            for ((key, _), of_name) in some.iter().zip(found) {
                if let Err(trouble) = self.settle(key, of_name, &mut groups).await {
                    // The others would fare the same. Their names stay open, and their events come again.
                    notes::trouble(&trouble);
                    return self.mark().await;
                }
            }
        }
        self.mark().await
    }

    /// A worker, or nobody.
    async fn settle(
        &mut self,
        key: &str,
        of_name: Result<Vec<DirectoryUserState>, Trouble>,
        groups: &mut FoundGroups<'_>,
    ) -> Result<(), Trouble> {
        let users = look_up::in_groups(groups, of_name?, self.in_doubt.contains(key), self.settings).await?;
        match look_up::member_of(users) {
            Some(member) => {
                let is_certain = member.users.len() == 1 && !self.in_doubt.contains(key);
                self.names.remove(key);
                self.workers.insert(key.to_owned(), Worker { member, number: None, is_certain });
            }
            None => {
                self.names.insert(key.to_owned(), Name::Stranger);
                self.found_strange.insert(key.to_owned());
            }
        }
        Ok(())
    }

    /// Remembers who was found to be nobody now, and which numbers that were asked for lead to nobody but by pins. A mark that is
    /// there already is not made anew, or it would never end.
    async fn mark(&self) -> Result<(), Trouble> {
        let by_pin = |key: &String| self.settings.identities.contains_key(key);
        let is_stranger = |key: &String| by_pin(key) || matches!(self.names.get(key), Some(Name::Stranger));
        let nobodys = |number: &&String| self.leads.get(*number).is_some_and(|lead| lead.is_known && lead.keys.iter().all(is_stranger));
        let numbers: Vec<String> = self.asked.iter().filter(nobodys).cloned().collect();
        let names: Vec<String> = self.found_strange.iter().cloned().collect();
        Ok(strangers::mark(&names, &numbers, self.now).await?)
    }

    /// Whom an event is about, as far as that is known now.
    fn whom(&self, told: &Told) -> Whom {
        let lead = told.number.as_ref().and_then(|number| self.leads.get(number));
        let mut keys: BTreeSet<String> = lead.map(|lead| lead.keys.clone()).unwrap_or_default();
        let mut later = None;
        if let Some(user) = told.user.as_ref().filter(|_| self.goes_by_name(told)) {
            keys.insert(ids::key(user));
        } else if lead.is_some_and(|lead| !lead.is_known) {
            later = Some(AFTER_TROUBLE_SECONDS);
        }
        for key in &keys {
            later = later.max(match self.names.get(key) {
                Some(Name::Later(seconds)) => Some(*seconds),
                Some(Name::Open(_)) => Some(AFTER_TROUBLE_SECONDS),
                Some(Name::Stranger) | None => None,
            });
        }
        Whom { workers: keys.into_iter().filter(|key| self.workers.contains_key(key)).collect(), later }
    }
}

/// A worker by the record: the membership that a batch found stands until the next.
fn recorded(record: Record) -> Worker {
    let key = ids::key(&record.user);
    let user = DirectoryUser { id: String::new(), user_name: record.user.clone(), domain: None };
    Worker { member: Member { key, user: record.user, users: vec![user] }, number: record.person_number, is_certain: true }
}

fn distinct<S: Into<String>>(texts: impl Iterator<Item = S>) -> Vec<String> {
    texts.map(Into::into).collect::<BTreeSet<String>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::event;

    fn told(data: &str) -> Told {
        event::read(format!(r#"{{"data":{data}}}"#).as_bytes()).unwrap()
    }

    fn worker(key: &str) -> Worker {
        let member = Member { key: key.into(), user: key.into(), users: vec![] };
        Worker { member, number: None, is_certain: true }
    }

    fn whom(workers: &[&str], later: Option<u32>) -> Whom {
        Whom { workers: workers.iter().map(|key| (*key).to_owned()).collect(), later }
    }

    /// Number 7 is of a worker and of another who is pinned to it, 8 of nobody, 9 not known.
    fn search(settings: &Settings) -> Search<'_> {
        let mut search = Search::new(settings, DateTime::UNIX_EPOCH);
        let lead = |keys: &[&str], is_known| Lead { keys: keys.iter().map(|key| (*key).to_owned()).collect(), is_known };
        search.leads.insert("7".into(), lead(&["adiaz", "bking"], true));
        search.leads.insert("8".into(), lead(&[], true));
        search.leads.insert("9".into(), lead(&[], false));
        for key in ["adiaz", "bking", "carol"] {
            search.workers.insert(key.into(), worker(key));
        }
        search.names.insert("other".into(), Name::Stranger);
        search.names.insert("unasked".into(), Name::Open("Unasked".into()));
        search.names.insert("many".into(), Name::Later(SOON_SECONDS));
        search
    }

    #[test]
    fn an_event_is_about_whom_its_number_leads_to_and_else_about_its_user() {
        let settings = Settings::defaults();
        for (data, wanted) in [
            (r#"{"person_number":7}"#, whom(&["adiaz", "bking"], None)),
            (r#"{"person_number":7,"user":"carol"}"#, whom(&["adiaz", "bking"], None)),
            (r#"{"person_number":8}"#, whom(&[], None)),
            (r#"{"person_number":8,"user":"CAROL"}"#, whom(&["carol"], None)),
            (r#"{"person_number":9}"#, whom(&[], Some(AFTER_TROUBLE_SECONDS))),
            (r#"{"person_number":9,"user":"carol"}"#, whom(&["carol"], None)),
            (r#"{"user":" Carol "}"#, whom(&["carol"], None)),
            (r#"{"user":"other"}"#, whom(&[], None)),
            (r#"{"user":"unasked"}"#, whom(&[], Some(AFTER_TROUBLE_SECONDS))),
            (r#"{"user":"many"}"#, whom(&[], Some(SOON_SECONDS))),
        ] {
            assert_eq!(search(&settings).whom(&told(data)), wanted, "{data}");
        }
    }
}
