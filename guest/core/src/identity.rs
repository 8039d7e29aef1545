//! Who is who: members of the directory's groups against persons of the time system. They share nothing but the
//! user name (facts/workspace-one.md §1.2), so anything but one to one is not guessed at. Where the names differ, or say too
//! little, the property `identities` pins a user to a person by hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids;
use crate::timecard::ZoneRef;

mod names;
mod report;

pub use names::{loose_key, other_zeros};
pub use report::{Cause, Identity, Namesake, Standing, State, of_member, of_person, rivals, shared, short_of_zeros};

/// One user of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryUser {
    /// The directory's id.
    pub id: String,
    /// The user name as the directory writes it.
    pub user_name: String,
    /// The domain, which together with the name makes a user unique there.
    pub domain: Option<String>,
}

/// One person of the time system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The customer's number for the person.
    pub person_number: String,
    /// The user name as the time system writes it.
    pub user_name: String,
    /// The person's own time zone.
    pub zone: Option<ZoneRef>,
    /// No longer employed.
    pub terminated: bool,
}

/// One user name of the configured groups, with every directory user that bears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What the name is compared by and stored under.
    pub key: String,
    /// The user name as the directory writes it.
    pub user: String,
    /// The directory users of that name in the configured groups, exempt ones included; more than one only across domains.
    pub users: Vec<DirectoryUser>,
}

/// Who is pinned to whom by hand: keys of user names, and person numbers (property `identities`).
pub type Pins = BTreeMap<String, String>;

/// Whom pins lead to: keys of user names by person number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned(BTreeMap<String, Vec<String>>);

impl Pinned {
    /// The same pins, the other way round.
    pub fn of(pins: &Pins) -> Self {
        let mut by_number: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (user, number) in pins {
            by_number.entry(number.clone()).or_default().push(user.clone());
        }
        Self(by_number)
    }

    /// The keys of the users who are pinned to this number.
    pub fn users(&self, number: &str) -> &[String] {
        self.0.get(number).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every number, with the keys of its users.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(number, users)| (number.as_str(), users.as_slice()))
    }
}

/// What a member was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Exactly one person.
    One(Person),
    /// Nobody, or nobody the API user may see.
    None,
    /// Several persons: their numbers.
    SeveralPersons(Vec<String>),
    /// Several directory users: their domains.
    SeveralUsers(Vec<String>),
}

/// Puts directory users together by name: distinct users, in the order of their keys. A user who is in several groups
/// counts once.
pub fn members(users: Vec<DirectoryUser>) -> Vec<Member> {
    let mut by_key: BTreeMap<String, BTreeMap<String, DirectoryUser>> = BTreeMap::new();
    for user in users {
        by_key.entry(ids::key(&user.user_name)).or_default().entry(user.id.clone()).or_insert(user);
    }
    by_key
        .into_iter()
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, users)| {
            let users: Vec<_> = users.into_values().collect();
            let user = users.first().map(|user| user.user_name.trim().to_owned()).unwrap_or_default();
            Member { key, user, users }
        })
        .collect()
}

/// Matches each member of a chunk against the persons found for the chunk; one answer each, in order.
///
/// `people` were found by the members' names, `numbered` by the numbers of the pins. They are kept apart: whoever was
/// only found by number must not make a name ambiguous that happens to be in the same chunk. A pinned member is the person
/// of that number and nobody else, whatever the person's own user name is. Several directory users of one name stay
/// several also where the name is pinned: access is asked for by the name, so the pin cannot say which of them is meant.
pub fn match_members(members: &[Member], people: &[Person], numbered: &[Person], pins: &Pins) -> Vec<Match> {
    let mut by_key: BTreeMap<String, BTreeMap<&str, &Person>> = BTreeMap::new();
    for person in people {
        by_key.entry(ids::key(&person.user_name)).or_default().insert(&person.person_number, person);
    }
    let by_number: BTreeMap<&str, &Person> = numbered.iter().map(|person| (person.person_number.as_str(), person)).collect();
    let match_one = |member: &Member| match pins.get(&member.key) {
        _ if member.users.len() > 1 => several_users(member),
        Some(number) => by_number.get(number.as_str()).map_or(Match::None, |person| Match::One((*person).clone())),
        None => by_name(by_key.get(&member.key)),
    };
    members.iter().map(match_one).collect()
}

fn several_users(member: &Member) -> Match {
    Match::SeveralUsers(domains(&member.users))
}

/// The domains of some users, each once, in order.
pub fn domains(users: &[DirectoryUser]) -> Vec<String> {
    let domains: BTreeSet<_> = users.iter().map(|user| user.domain.clone().unwrap_or_else(|| "no domain".to_owned())).collect();
    domains.into_iter().collect()
}

fn by_name(people: Option<&BTreeMap<&str, &Person>>) -> Match {
    let all: Vec<&Person> = people.into_iter().flat_map(|people| people.values().copied()).collect();
    // A name that went to a new hire may still stand on the person who left.
    let employed: Vec<&Person> = all.iter().copied().filter(|person| !person.terminated).collect();
    let candidates = if employed.is_empty() { all } else { employed };
    match candidates.as_slice() {
        [] => Match::None,
        [one] => Match::One((*one).clone()),
        several => Match::SeveralPersons(several.iter().map(|person| person.person_number.clone()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, name: &str, domain: &str) -> DirectoryUser {
        DirectoryUser { id: id.into(), user_name: name.into(), domain: Some(domain.into()) }
    }

    fn person(number: &str, name: &str) -> Person {
        Person { person_number: number.into(), user_name: name.into(), zone: None, terminated: false }
    }

    fn one(users: Vec<DirectoryUser>, people: &[Person]) -> Match {
        pinned(users, people, &[], &[])
    }

    fn pinned(users: Vec<DirectoryUser>, people: &[Person], numbered: &[Person], pins: &[(&str, &str)]) -> Match {
        let pins = pins.iter().map(|(user, number)| ((*user).to_owned(), (*number).to_owned())).collect();
        let found = match_members(&members(users), people, numbered, &pins);
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_pin_goes_before_the_name() {
        let (named, meant) = (person("7", "adiaz"), person("8", "ana.diaz"));
        let found = pinned(vec![user("1", "ADiaz", "a")], &[named], std::slice::from_ref(&meant), &[("adiaz", "8")]);
        assert_eq!(found, Match::One(meant));
    }

    #[test]
    fn a_pin_that_names_nobody_is_nobody_and_never_the_name() {
        assert_eq!(pinned(vec![user("1", "adiaz", "a")], &[person("7", "adiaz")], &[], &[("adiaz", "8")]), Match::None);
    }

    #[test]
    fn a_pinned_person_who_left_is_matched_all_the_same() {
        let left = Person { terminated: true, ..person("8", "") };
        let found = pinned(vec![user("1", "adiaz", "a")], &[], std::slice::from_ref(&left), &[("adiaz", "8")]);
        assert_eq!(found, Match::One(left));
    }

    #[test]
    fn a_pin_cannot_tell_two_directory_users_of_one_name_apart() {
        let users = vec![user("1", "adiaz", "a"), user("2", "adiaz", "b")];
        let found = pinned(users, &[], &[person("8", "x")], &[("adiaz", "8")]);
        assert_eq!(found, Match::SeveralUsers(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn whoever_is_found_by_number_makes_no_name_ambiguous() {
        let users = vec![user("1", "adiaz", "a"), user("2", "bking", "a")];
        let pins = Pins::from([("bking".to_owned(), "8".to_owned())]);
        let found = match_members(&members(users), &[person("7", "adiaz")], &[person("8", "ADIAZ")], &pins);
        assert_eq!(found, [Match::One(person("7", "adiaz")), Match::One(person("8", "ADIAZ"))]);
    }

    #[test]
    fn two_users_may_come_to_one_person() {
        let users = vec![user("1", "adiaz", "a"), user("2", "bking", "a")];
        let pins = Pins::from([("bking".to_owned(), "7".to_owned())]);
        let (by_name, by_number) = (person("7", "adiaz"), person("7", "adiaz"));
        let found = match_members(&members(users), std::slice::from_ref(&by_name), &[by_number], &pins);
        assert_eq!(found, [Match::One(by_name.clone()), Match::One(by_name)]);
    }

    #[test]
    fn names_match_without_regard_to_case() {
        assert_eq!(one(vec![user("1", "ADiaz", "a")], &[person("7", "adiaz")]), Match::One(person("7", "adiaz")));
    }

    #[test]
    fn a_name_that_is_only_similar_is_nobody() {
        assert_eq!(one(vec![user("1", "adiaz", "a")], &[person("7", "adiaz2")]), Match::None);
    }

    #[test]
    fn a_user_in_two_groups_is_one_user() {
        let found = one(vec![user("1", "adiaz", "a"), user("1", "adiaz", "a")], &[person("7", "adiaz")]);
        assert_eq!(found, Match::One(person("7", "adiaz")));
    }

    #[test]
    fn the_same_name_in_two_domains_is_not_guessed_at() {
        let found = one(vec![user("2", "adiaz", "b"), user("1", "ADIAZ", "a")], &[person("7", "adiaz")]);
        assert_eq!(found, Match::SeveralUsers(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn one_name_on_two_persons_is_not_guessed_at() {
        let found = one(vec![user("1", "adiaz", "a")], &[person("8", "adiaz"), person("7", "ADIAZ")]);
        assert_eq!(found, Match::SeveralPersons(vec!["7".into(), "8".into()]));
    }

    #[test]
    fn a_person_listed_twice_is_one_person() {
        assert_eq!(one(vec![user("1", "adiaz", "a")], &[person("7", "adiaz"), person("7", "adiaz")]), Match::One(person("7", "adiaz")));
    }

    #[test]
    fn somebody_who_left_does_not_stand_in_the_way_of_the_new_hire() {
        let left = Person { terminated: true, ..person("6", "adiaz") };
        assert_eq!(one(vec![user("1", "adiaz", "a")], &[left.clone(), person("7", "adiaz")]), Match::One(person("7", "adiaz")));
        assert_eq!(one(vec![user("1", "adiaz", "a")], std::slice::from_ref(&left)), Match::One(left));
    }

    #[test]
    fn pins_are_found_by_their_number() {
        let pins = Pins::from([("a".to_owned(), "7".to_owned()), ("b".to_owned(), "8".to_owned()), ("c".to_owned(), "7".to_owned())]);
        let pinned = Pinned::of(&pins);
        assert_eq!((pinned.users("7"), pinned.users("8").len()), (&["a".to_owned(), "c".to_owned()][..], 1));
        assert!(pinned.users("9").is_empty());
        assert_eq!(pinned.numbers().map(|(number, users)| (number, users.len())).collect::<Vec<_>>(), [("7", 2), ("8", 1)]);
    }

    #[test]
    fn users_without_a_name_are_no_members() {
        assert!(members(vec![user("1", "  ", "a")]).is_empty());
    }
}
