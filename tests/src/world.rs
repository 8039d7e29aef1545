//! The world both simulators answer from: people, punches and shifts on the time side, users and groups on the directory side.
//!
//! One [`World`] is shared by every simulator of a test and may change while they run, so a story can go on between two batches.
//! It decides nothing: what a status is, the product derives. It must never be read by the product itself.
//!
//! ```
//! use shift_access_tests::world::{World, hours, minutes};
//!
//! let world = World::new(chrono::Utc::now());
//! world.person("adiaz").named("Ana Diaz").number("100007").in_group("Store 12 Hourly").clocked_in(hours(3));
//! world.person("bking").named("Bo King").in_group("Store 12 Hourly").clocked_in(hours(4)).on_break(minutes(20));
//! // … a batch runs …
//! world.person("adiaz").clocked_out(minutes(0));
//! ```

mod company;
mod demo;
mod directory;
mod group;
mod person;
mod worker;
mod zone;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;

pub use directory::{Group, GroupKind, User};
pub(crate) use directory::{Member, ancestors};
pub use group::GroupEntry;
pub use person::{Override, Person, Punch, Shift, Span, Trouble};
pub use worker::Worker;
pub use zone::{ARIZONA, BERLIN, CENTRAL, EASTERN, LONDON, MOUNTAIN, Moment, PACIFIC, Zone};

/// The domain a user is in unless the test says otherwise.
pub const HOME_DOMAIN: &str = "stores.example";

/// So many hours.
pub fn hours(count: i64) -> TimeDelta {
    TimeDelta::hours(count)
}

/// So many minutes.
pub fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

/// A handle to the one world; clones see the same.
#[derive(Debug, Clone)]
pub struct World {
    state: Arc<RwLock<State>>,
}

/// Everything there is. Lists only grow, so an index stays good.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub now: DateTime<Utc>,
    pub zones: Vec<Zone>,
    pub people: Vec<Person>,
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    last_id: u64,
    logins: HashMap<String, Vec<usize>>,
    numbers: HashMap<String, usize>,
    person_ids: HashMap<u64, usize>,
    user_names: HashMap<String, Vec<usize>>,
    user_ids: HashMap<String, usize>,
    group_ids: HashMap<String, usize>,
}

impl World {
    /// An empty world with the usual zones. `now` is cut to the whole second, as UKG's times have no smaller unit.
    pub fn new(now: DateTime<Utc>) -> Self {
        let state = State { now: now.trunc_subsecs(0), zones: Zone::usual(), last_id: 9_000_000, ..State::default() };
        Self { state: Arc::new(RwLock::new(state)) }
    }

    /// The moment all stories are told from.
    pub fn now(&self) -> DateTime<Utc> {
        self.read().now
    }

    /// Moves that moment; what was told stays where it was.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.write().now = now.trunc_subsecs(0);
    }

    /// Adds a zone, or replaces the one with the same number.
    pub fn zone(&self, zone: Zone) -> u32 {
        let mut state = self.write();
        let id = zone.id;
        state.zones.retain(|known| known.id != id);
        state.zones.push(zone);
        id
    }

    /// The worker with exactly this user name, on both sides; made if missing.
    pub fn person(&self, user_name: &str) -> Worker {
        let worker = self.kronos_person(user_name);
        worker.with_user(user_name, None);
        worker
    }

    /// The person with exactly this user name in UKG only; made if missing. A name that differs in case is another person.
    pub fn kronos_person(&self, user_name: &str) -> Worker {
        let mut state = self.write();
        let person = state.find_login(user_name).unwrap_or_else(|| state.add_person(user_name));
        let user = state.find_user(user_name, None);
        drop(state);
        Worker::new(self.clone(), Some(person), user)
    }

    /// The user with exactly this name in the directory only; made if missing.
    pub fn directory_user(&self, user_name: &str) -> Worker {
        let worker = Worker::new(self.clone(), self.read().find_login(user_name), None);
        worker.with_user(user_name, None);
        worker
    }

    /// The user with this name in this domain; made if missing. It shares nothing with a namesake elsewhere.
    pub fn directory_user_in(&self, user_name: &str, domain: &str) -> Worker {
        let worker = Worker::new(self.clone(), None, None);
        worker.with_user(user_name, Some(domain));
        worker
    }

    /// The first group with this name; made in [`HOME_DOMAIN`] if missing.
    pub fn group(&self, name: &str) -> GroupEntry {
        let mut state = self.write();
        let at = state.find_group(name, None).unwrap_or_else(|| state.add_group(name, HOME_DOMAIN));
        drop(state);
        GroupEntry::new(self.clone(), at)
    }

    /// The group with this name in this domain; made if missing.
    pub fn group_in(&self, name: &str, domain: &str) -> GroupEntry {
        let mut state = self.write();
        let at = state.find_group(name, Some(domain)).unwrap_or_else(|| state.add_group(name, domain));
        drop(state);
        GroupEntry::new(self.clone(), at)
    }

    /// A copy of everyone in UKG.
    pub fn people(&self) -> Vec<Person> {
        self.read().people.iter().filter(|person| !person.gone).cloned().collect()
    }

    /// A copy of everyone in the directory.
    pub fn users(&self) -> Vec<User> {
        self.read().users.iter().filter(|user| !user.gone).cloned().collect()
    }

    /// The distinct enabled users of a group and the groups inside it: what a batch should count as members.
    pub fn members_of(&self, name: &str) -> Vec<User> {
        let state = self.read();
        let Some(at) = state.find_group(name, None) else { return Vec::new() };
        let users = state.users_below(at);
        users.into_iter().filter_map(|at| state.users.get(at)).filter(|user| user.enabled()).cloned().collect()
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn zone_of(&self, id: u32) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.id == id)
    }

    /// The clock of a zone; a number nobody knows ticks in UTC.
    pub(crate) fn clock(&self, id: u32) -> Tz {
        self.zone_of(id).map_or(Tz::UTC, |zone| zone.iana)
    }

    pub(crate) fn person_by_id(&self, id: u64) -> Option<&Person> {
        self.person_ids.get(&id).and_then(|at| self.people.get(*at)).filter(|person| !person.gone)
    }

    pub(crate) fn person_by_number(&self, number: &str) -> Option<&Person> {
        self.numbers.get(number).and_then(|at| self.people.get(*at)).filter(|person| !person.gone)
    }

    /// Everyone whose user name is this one, whatever its case.
    pub(crate) fn people_by_login(&self, user_name: &str) -> impl Iterator<Item = &Person> {
        let found = self.logins.get(&user_name.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter_map(|at| self.people.get(*at)).filter(|person| !person.gone)
    }

    pub(crate) fn user_by_id(&self, id: &str) -> Option<&User> {
        self.user_ids.get(id).and_then(|at| self.users.get(*at)).filter(|user| !user.gone)
    }

    pub(crate) fn group_by_id(&self, id: &str) -> Option<usize> {
        self.group_ids.get(id).copied().filter(|at| self.groups.get(*at).is_some_and(|group| !group.gone))
    }

    /// Every user in a group or in a group inside it, each once.
    pub(crate) fn users_below(&self, group: usize) -> Vec<usize> {
        let (mut groups, mut users) = (vec![group], Vec::new());
        let (mut seen_groups, mut seen_users) = (std::collections::HashSet::from([group]), std::collections::HashSet::new());
        while let Some(group) = groups.pop().and_then(|at| self.groups.get(at)) {
            for member in group.members.iter().filter(|_| group.synced) {
                match *member {
                    Member::User(at) if seen_users.insert(at) => users.push(at),
                    Member::Group(at) if seen_groups.insert(at) => groups.push(at),
                    _ => {}
                }
            }
        }
        users
    }

    fn find_login(&self, user_name: &str) -> Option<usize> {
        let known = self.logins.get(&user_name.to_lowercase())?;
        known.iter().copied().find(|at| self.people.get(*at).is_some_and(|person| person.user_name == user_name))
    }

    fn find_user(&self, user_name: &str, domain: Option<&str>) -> Option<usize> {
        let known = self.user_names.get(&user_name.to_lowercase())?;
        let fits = |user: &User| user.user_name == user_name && domain.is_none_or(|domain| domain == user.domain);
        known.iter().copied().find(|at| self.users.get(*at).is_some_and(fits))
    }

    fn find_group(&self, name: &str, domain: Option<&str>) -> Option<usize> {
        self.groups.iter().position(|group| !group.gone && group.name == name && domain.is_none_or(|domain| domain == group.domain))
    }

    pub(crate) fn add_person(&mut self, user_name: &str) -> usize {
        let at = self.people.len();
        let id = 401 + at as u64;
        // Far from the numbers tests choose, since two people with one number would be a quiet lie.
        let number = (5_000_001 + at).to_string();
        self.people.push(Person::new(id, number.clone(), user_name));
        self.logins.entry(user_name.to_lowercase()).or_default().push(at);
        self.numbers.insert(number, at);
        self.person_ids.insert(id, at);
        at
    }

    pub(crate) fn add_user(&mut self, user_name: &str, domain: &str) -> usize {
        let at = self.users.len();
        let id = format!("22222222-aaaa-4bbb-8ccc-{:012x}", at + 1);
        self.users.push(User::new(id.clone(), user_name, domain));
        self.user_names.entry(user_name.to_lowercase()).or_default().push(at);
        self.user_ids.insert(id, at);
        at
    }

    fn add_group(&mut self, name: &str, domain: &str) -> usize {
        let at = self.groups.len();
        let id = format!("11111111-aaaa-4bbb-8ccc-{:012x}", at + 1);
        self.groups.push(Group::new(id.clone(), name, domain));
        self.group_ids.insert(id, at);
        at
    }

    pub(crate) fn renumber(&mut self, at: usize, number: &str) {
        if let Some(person) = self.people.get_mut(at) {
            self.numbers.remove(&person.number);
            number.clone_into(&mut person.number);
            self.numbers.insert(number.to_owned(), at);
        }
    }

    pub(crate) fn rename_login(&mut self, at: usize, user_name: &str) {
        if let Some(person) = self.people.get_mut(at) {
            let known = self.logins.entry(person.user_name.to_lowercase()).or_default();
            known.retain(|other| *other != at);
            user_name.clone_into(&mut person.user_name);
            self.logins.entry(user_name.to_lowercase()).or_default().push(at);
        }
    }

    pub(crate) fn rename_user(&mut self, at: usize, user_name: &str) {
        if let Some(user) = self.users.get_mut(at) {
            let known = self.user_names.entry(user.user_name.to_lowercase()).or_default();
            known.retain(|other| *other != at);
            user_name.clone_into(&mut user.user_name);
            self.user_names.entry(user_name.to_lowercase()).or_default().push(at);
        }
    }

    /// Puts a member into a group, once.
    pub(crate) fn join(&mut self, group: usize, member: Member) {
        let above = match member {
            Member::User(at) => self.users.get_mut(at).map(|user| &mut user.groups),
            Member::Group(at) => self.groups.get_mut(at).map(|child| &mut child.parents),
        };
        if let Some(above) = above.filter(|above| !above.contains(&group)) {
            above.push(group);
            if let Some(group) = self.groups.get_mut(group) {
                group.members.push(member);
            }
        }
    }

    /// Takes a member out of a group.
    pub(crate) fn leave(&mut self, group: usize, member: Member) {
        match member {
            Member::User(at) => self.users.get_mut(at).map(|user| user.groups.retain(|above| *above != group)),
            Member::Group(at) => self.groups.get_mut(at).map(|child| child.parents.retain(|above| *above != group)),
        };
        if let Some(group) = self.groups.get_mut(group) {
            group.members.retain(|known| *known != member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new("2026-07-01T16:00:00.75Z".parse().unwrap())
    }

    #[test]
    fn a_name_that_differs_in_case_is_another_person() {
        let world = world();
        world.person("adiaz").number("100007");
        world.kronos_person("ADIAZ").number("100008");
        world.person("adiaz").named("Ana Diaz");
        let state = world.read();
        assert_eq!(state.people_by_login("Adiaz").count(), 2);
        assert_eq!(state.person_by_number("100007").unwrap().full_name(), "Diaz, Ana");
        assert_eq!(state.users.len(), 1);
    }

    #[test]
    fn groups_know_their_ancestors_even_in_a_circle() {
        let world = world();
        world.group("All").contains_group("Region");
        world.group("Region").contains_group("Store");
        world.group("Store").contains_group("All");
        world.person("adiaz").in_group("Store");
        assert_eq!(world.members_of("All").len(), 1);
        let state = world.read();
        let store = state.find_group("Store", None).unwrap();
        assert_eq!(ancestors(&state.groups, &[store]).len(), 2);
    }

    #[test]
    fn leaving_a_group_undoes_joining() {
        let world = world();
        world.person("adiaz").in_group("Store").in_group("Store").left_group("Store");
        assert!(world.members_of("Store").is_empty());
        assert!(world.users()[0].groups.is_empty());
    }

    #[test]
    fn now_is_a_whole_second() {
        assert_eq!(world().now().to_rfc3339(), "2026-07-01T16:00:00+00:00");
    }
}
