//! Who is who: members of the directory's groups against persons of the time system. They share nothing but the
//! user name (facts/workspace-one.md §1.2), so anything but one to one is not guessed at.

use crate::timecard::ZoneRef;
use std::collections::{BTreeMap, BTreeSet};

use crate::ids;

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
    /// The directory users of that name; more than one only across domains.
    pub users: Vec<DirectoryUser>,
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
pub fn match_members(members: &[Member], people: &[Person]) -> Vec<Match> {
    let mut by_key: BTreeMap<String, BTreeMap<&str, &Person>> = BTreeMap::new();
    for person in people {
        by_key.entry(ids::key(&person.user_name)).or_default().insert(&person.person_number, person);
    }
    members.iter().map(|member| match_one(member, by_key.get(&member.key))).collect()
}

fn match_one(member: &Member, people: Option<&BTreeMap<&str, &Person>>) -> Match {
    if member.users.len() > 1 {
        let domains: BTreeSet<_> = member.users.iter().map(|user| user.domain.clone().unwrap_or_else(|| "no domain".to_owned())).collect();
        return Match::SeveralUsers(domains.into_iter().collect());
    }
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
        let found = match_members(&members(users), people);
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
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
    fn users_without_a_name_are_no_members() {
        assert!(members(vec![user("1", "  ", "a")]).is_empty());
    }
}
