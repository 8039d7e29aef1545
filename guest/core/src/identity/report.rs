//! How far users of the directory and persons of the time system belong together, the likely cause where they do not, and
//! what to do about it. It tells what a batch would find and matches nobody by itself: near names are for a person to judge.

use std::fmt;

use super::names::difference;
use super::{Match, Member, Person, Pins};
use crate::ids;
use crate::status::words;

mod person;
#[cfg(test)]
mod tests;
mod wording;

pub use person::of_person;
use wording::{pin_to, quoted, said, written};

words! {
    /// How far a user and a person belong together.
    State {
        /// One user, one person.
        Matched = "matched",
        /// A user of the configured groups without a person.
        OnlyDirectory = "only-directory",
        /// A person without a user of the configured groups.
        OnlyKronos = "only-kronos",
        /// Several users or several persons.
        Ambiguous = "ambiguous",
    }
}

words! {
    /// The likely cause, in the order of how near two names are where they differ.
    Cause {
        /// The two systems write the name in different case.
        Case = "case",
        /// The names differ by blanks, perhaps such as nobody sees.
        Spaces = "spaces",
        /// One system writes a domain with the name and the other another or none; or the name is in several domains.
        Domain = "domain",
        /// The directory has no user of that name.
        NotSynced = "not-synced",
        /// Kronos shows the API user nobody of that name.
        Hidden = "hidden",
        /// The person has left.
        Terminated = "terminated",
        /// The directory has the user, though in no configured group.
        NotInGroup = "not-in-group",
        /// The directory has the user, who is disabled there.
        Disabled = "disabled",
        /// One user name on several persons.
        SeveralPersons = "several-persons",
        /// One user name on several users of one domain.
        SeveralUsers = "several-users",
        /// The pin names a person number that is nobody's.
        PinUnknown = "pin-unknown",
        /// The user of that name is pinned to somebody else.
        PinnedElsewhere = "pinned-elsewhere",
        /// Two users come to one person.
        Shared = "shared",
        /// The person has no user name in Kronos.
        NoUserName = "no-user-name",
        /// Kronos answered an error.
        KronosError = "kronos-error",
    }
}

/// What was found of a user, a person, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// How far they belong together.
    pub state: State,
    /// The user name as the directory writes it.
    pub user: Option<String>,
    /// The person numbers: one where matched, none where only in the directory.
    pub person_numbers: Vec<String>,
    /// The user name as the time system writes it, of one person; where there is none of that name, of who was probably meant.
    pub person_user: Option<String>,
    /// The property `identities` pins the user to the person.
    pub pinned: bool,
    /// The likely cause, where there is something to say.
    pub cause: Option<Cause>,
    /// The cause in one sentence, or nothing.
    pub explanation: String,
    /// What to do about it, or nothing.
    pub suggestion: String,
}

/// How a user of the directory stands to the configured groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Enabled, and in one of them.
    Member,
    /// Enabled, and in none of them.
    Elsewhere,
    /// Disabled.
    Disabled,
}

/// A user of the directory whose name is a person's, or near it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesake {
    /// The user name as the directory writes it.
    pub user_name: String,
    /// How the user stands to the configured groups.
    pub standing: Standing,
    /// The user is a member who was found to be exactly one person.
    pub is_matched: bool,
}

/// What is to be said of a member: `found` is the match as a batch would make it, `failed` the time system's words where it
/// answered an error instead, `near` everybody known whose name has the same [`loose_key`](super::loose_key). Without the
/// list of everybody (`listed` is false) nobody knows who is near, and nothing is claimed of it.
pub fn of_member(member: &Member, found: &Match, failed: Option<&str>, pins: &Pins, near: &[Person], listed: bool) -> Identity {
    let pin = pins.get(&member.key).map(String::as_str);
    let blank = Identity {
        state: State::OnlyDirectory,
        user: Some(member.user.clone()),
        person_numbers: Vec::new(),
        person_user: None,
        pinned: pin.is_some(),
        cause: None,
        explanation: String::new(),
        suggestion: String::new(),
    };
    match (found, failed, pin) {
        (Match::One(person), ..) => matched(blank, member, person),
        (Match::SeveralPersons(numbers), ..) => several_persons(blank, member, numbers, near),
        (Match::SeveralUsers(domains), ..) => several_users(blank, member, domains, near),
        (Match::None, Some(message), _) => Identity {
            cause: Some(Cause::KronosError),
            explanation: format!("Kronos answered an error for this user: {message}"),
            suggestion: "Ask again; if the error stays, look the person up in Kronos.".to_owned(),
            ..blank
        },
        (Match::None, None, Some(number)) => pinned_to_nobody(blank, member, number, near),
        (Match::None, None, None) if !listed => Identity {
            explanation:
                "Kronos shows the API user nobody of this user name. The list of people could not be read, so whether somebody has a \
                          name near this one is not known."
                    .to_owned(),
            suggestion: format!("Let the list of people be read and ask again, or {}.", pin_to(&member.user, &[])),
            ..blank
        },
        (Match::None, None, None) => only_directory(blank, member, near),
    }
}

fn matched(blank: Identity, member: &Member, person: &Person) -> Identity {
    let number = &person.person_number;
    let differs = difference(&member.user, &person.user_name).filter(|_| !blank.pinned);
    let (cause, explanation, suggestion) = if person.terminated {
        let suggestion = "Disable the user in Workspace ONE Access or take the user out of the group. If the person came back under \
                          another number, pin the user to that number in properties.identities.";
        (Some(Cause::Terminated), format!("Person {number} has left, says Kronos."), suggestion.to_owned())
    } else if differs.is_some() {
        let explanation = format!("The directory writes {:?}, Kronos writes {:?}; they match all the same.", member.user, person.user_name);
        (differs, explanation, String::new())
    } else {
        (None, String::new(), String::new())
    };
    Identity {
        state: State::Matched,
        person_numbers: vec![number.clone()],
        person_user: written(person),
        cause,
        explanation,
        suggestion,
        ..blank
    }
}

/// What is to be said of a member whose pin names nobody, where this person has the number but for the zeros before it.
pub fn short_of_zeros(identity: Identity, number: &str) -> Identity {
    let user = quoted(identity.user.as_deref().unwrap_or_default());
    let suggestion = format!("Write the person number with its zeros: {user} = {} in properties.identities.", quoted(number));
    Identity { suggestion, ..identity }
}

/// Members without a person who are near one and the same person: each is told of the others, as one person is not both.
pub fn rivals(rows: Vec<Identity>) -> Vec<Identity> {
    let names: Vec<String> = rows.iter().map(|row| format!("{:?}", row.user.as_deref().unwrap_or_default())).collect();
    let one = |(at, row): (usize, Identity)| {
        let others: Vec<_> = names.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, name)| name.as_str()).collect();
        let said = format!(" As near in the directory: {}.", others.join(", "));
        let is_new = !others.is_empty() && !row.explanation.ends_with(&said);
        Identity { explanation: if is_new { row.explanation + &said } else { row.explanation }, ..row }
    };
    rows.into_iter().enumerate().map(one).collect()
}

/// What is to be said of members who come to one and the same person, which only a pin leads to. One row alone stays.
pub fn shared(rows: Vec<Identity>) -> Vec<Identity> {
    if rows.len() < 2 {
        return rows;
    }
    let users: Vec<(String, bool)> = rows.iter().map(|row| (row.user.clone().unwrap_or_default(), row.pinned)).collect();
    let pins: Vec<String> = users.iter().filter(|(_, pinned)| *pinned).map(|(user, _)| quoted(user)).collect();
    let one = |(at, row): (usize, Identity)| {
        let others = users.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, (user, _))| format!("{user:?}"));
        let others = others.collect::<Vec<_>>();
        let (others, come) = (others.join(", "), if others.len() > 1 { "come" } else { "comes" });
        Identity {
            cause: Some(Cause::Shared),
            explanation: format!(
                "{others} {come} to the same person: these users all go by the punches of {}.",
                row.person_numbers.join(", ")
            ),
            suggestion: format!(
                "Correct the person number in properties.identities, or take the line out, of whoever is not this person: {}.",
                pins.join(", ")
            ),
            ..row
        }
    };
    rows.into_iter().enumerate().map(one).collect()
}

fn several_persons(blank: Identity, member: &Member, numbers: &[String], near: &[Person]) -> Identity {
    let mut names: Vec<&str> = near.iter().filter(|p| numbers.contains(&p.person_number)).map(|person| person.user_name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (cause, explanation) = if names.len() > 1 {
        let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
        (Cause::Case, format!("Several persons in Kronos have this user name, in different case or spacing: {}.", names.join(", ")))
    } else {
        (Cause::SeveralPersons, format!("Several persons in Kronos have this user name: {}.", numbers.join(", ")))
    };
    Identity {
        state: State::Ambiguous,
        person_numbers: numbers.to_vec(),
        cause: Some(cause),
        explanation,
        suggestion: format!("Give each person a user name of their own in Kronos, or {}.", pin_to(&member.user, numbers)),
        ..blank
    }
}

fn several_users(blank: Identity, member: &Member, domains: &[String], near: &[Person]) -> Identity {
    let of_name = near.iter().filter(|person| ids::key(&person.user_name) == member.key);
    let (cause, explanation) = if domains.len() > 1 {
        (Cause::Domain, format!("The directory has this user name in several domains: {}.", domains.join(", ")))
    } else {
        (Cause::SeveralUsers, format!("The directory has {} users of this name in {}.", member.users.len(), domains.join(", ")))
    };
    Identity {
        state: State::Ambiguous,
        person_numbers: of_name.map(|person| person.person_number.clone()).collect(),
        cause: Some(cause),
        explanation,
        suggestion: "Keep one of these users in the configured groups. A pin cannot tell them apart: access is asked for by the user name."
            .to_owned(),
        ..blank
    }
}

fn pinned_to_nobody(blank: Identity, member: &Member, number: &str, near: &[Person]) -> Identity {
    let of_name = near.iter().find(|person| ids::key(&person.user_name) == member.key);
    let remedy = of_name.map_or_else(
        || {
            "Correct the person number in properties.identities; if it is right, the employee group of the API user must cover the person."
                .to_owned()
        },
        |person| {
            let number = &person.person_number;
            format!("Correct the line in properties.identities, or take it out: person {number} has this very user name.")
        },
    );
    Identity {
        cause: Some(Cause::PinUnknown),
        explanation: format!(
            "The property identities pins this user to person {number}, who is not in Kronos, or hidden from the API user."
        ),
        suggestion: remedy,
        ..blank
    }
}

fn only_directory(blank: Identity, member: &Member, near: &[Person]) -> Identity {
    let employed: Vec<&Person> = near.iter().filter(|person| !person.terminated).collect();
    let meant = if employed.is_empty() { near.iter().collect() } else { employed };
    let closest =
        meant.iter().filter_map(|person| Some((difference(&member.user, &person.user_name)?, *person))).min_by_key(|(cause, _)| *cause);
    let Some((cause, person)) = closest else {
        return Identity {
            cause: Some(Cause::Hidden),
            explanation:
                "Kronos shows the API user nobody of this user name: the person is outside its employee group, or spelled quite otherwise."
                    .to_owned(),
            suggestion: format!(
                "Look the person up in Kronos. Let the employee group of the API user cover the person, or {}.",
                pin_to(&member.user, &[])
            ),
            ..blank
        };
    };
    let numbers: Vec<String> = meant.iter().map(|person| person.person_number.clone()).collect();
    let mut explanation = said(cause, &member.user, &person.user_name);
    if numbers.len() > 1 {
        explanation.push_str(&format!(" Others are near as well: {}.", numbers.join(", ")));
    }
    Identity {
        person_user: written(person),
        cause: Some(cause),
        explanation,
        suggestion: format!("Make the two names the same, or, if they are the same human being, {}.", pin_to(&member.user, &numbers)),
        ..blank
    }
}
