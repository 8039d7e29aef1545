//! How far users of the directory and persons of the time system belong together, the likely cause where they do not, and
//! what to do about it. It tells what a batch would find and matches nobody by itself: near names are for a person to judge.

use std::fmt;

use super::names::difference;
use super::{Match, Member, Person, Pinned, Pins};
use crate::ids;
use crate::status::words;

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

/// What is to be said of a person whom no member was matched with: `namesakes` are the users of the directory whose name
/// has the same [`loose_key`](super::loose_key), and `pinned` are all `pins`.
pub fn of_person(person: &Person, failed: Option<&str>, pins: &Pins, pinned: &Pinned, namesakes: &[Namesake]) -> Identity {
    let pin = pinned.users(&person.person_number).first();
    let (cause, user, explanation, suggestion) = match pin {
        Some(user) if !person.terminated && namesakes.is_empty() => useless_pin(user),
        Some(user) if !person.terminated => beside_a_useless_pin(user, why_alone(person, failed, pins, namesakes)),
        _ => why_alone(person, failed, pins, namesakes),
    };
    Identity {
        state: State::OnlyKronos,
        user,
        person_numbers: vec![person.person_number.clone()],
        person_user: written(person),
        pinned: pin.is_some(),
        cause: Some(cause),
        explanation,
        suggestion,
    }
}

/// The cause, the user it is about, the explanation and the suggestion.
type Alone = (Cause, Option<String>, String, String);

fn why_alone(person: &Person, failed: Option<&str>, pins: &Pins, namesakes: &[Namesake]) -> Alone {
    let (number, name) = (&person.person_number, &person.user_name);
    let key = ids::key(name);
    if person.terminated {
        return (Cause::Terminated, None, "The person has left.".to_owned(), String::new());
    }
    if let Some(message) = failed {
        let explanation = format!("Kronos does not tell the user name of this person: {message}");
        return (Cause::KronosError, None, explanation, "Ask again; if the error stays, look the person up in Kronos.".to_owned());
    }
    if key.is_empty() {
        let suggestion = format!(
            "Give the person the user name of the directory, or pin the user by hand: \"USER NAME\" = {} in properties.identities.",
            quoted(number)
        );
        return (Cause::NoUserName, None, "The person has no user name in Kronos.".to_owned(), suggestion);
    }
    let exact = namesakes.iter().filter(|user| ids::key(&user.user_name) == key).min_by_key(|user| user.standing);
    if let Some(user) = exact {
        let written = Some(user.user_name.clone());
        let elsewhere = pins.get(&key).filter(|pinned| *pinned != number);
        return match (user.standing, elsewhere) {
            (Standing::Member, Some(other)) if !user.is_matched => {
                let explanation =
                    format!("The property identities pins the user of this name to {other}, who is nobody the API user sees.");
                let suggestion = "Correct the line in properties.identities, or take it out: this person has the very user name.";
                (Cause::PinUnknown, written, explanation, suggestion.to_owned())
            }
            (Standing::Member, Some(other)) => {
                let explanation = format!("The property identities pins the user of this name to person {other}.");
                (Cause::PinnedElsewhere, written, explanation, "Nothing, if the pin is right.".to_owned())
            }
            (Standing::Member, None) => near(person, user),
            (Standing::Elsewhere, _) => {
                let suggestion = "Put the user into one of the groups of user-groups, if the person is to have access by working status.";
                (Cause::NotInGroup, written, "The directory has this user, but in no configured group.".to_owned(), suggestion.to_owned())
            }
            (Standing::Disabled, _) => {
                let suggestion = "Enable the user in Workspace ONE Access, if the person is to have access.";
                (Cause::Disabled, written, "The directory has this user, but disabled.".to_owned(), suggestion.to_owned())
            }
        };
    }
    if let Some(user) = namesakes.iter().min_by_key(|user| user.standing) {
        return near(person, user);
    }
    let suggestion = "Look in Workspace ONE Access whether the directory of this person is synced, and the person with it.";
    (Cause::NotSynced, None, "The directory has no user of this name.".to_owned(), suggestion.to_owned())
}

/// The user of the pin was matched with nobody, so it is not one user of the configured groups.
fn useless_pin(user: &str) -> Alone {
    let explanation =
        format!("The property identities pins {user} to this person, and {user} is not exactly one user of the configured groups.");
    let suggestion = "Put the user into one of the groups of user-groups, or take the line out of properties.identities.";
    (Cause::NotInGroup, Some(user.to_owned()), explanation, suggestion.to_owned())
}

/// A pin that leads nobody here must not hide who was meant.
fn beside_a_useless_pin(pin: &str, (cause, user, mut explanation, suggestion): Alone) -> Alone {
    let (_, _, about_the_pin, _) = useless_pin(pin);
    explanation.push(' ');
    explanation.push_str(&about_the_pin);
    (cause, user, explanation, suggestion)
}

/// Somebody whose name is near a user's, or the same in a way that Kronos does not find.
fn near(person: &Person, user: &Namesake) -> Alone {
    let cause = difference(&user.user_name, &person.user_name).unwrap_or(Cause::Hidden);
    let mut explanation = said(cause, &user.user_name, &person.user_name);
    match user.standing {
        Standing::Member => {}
        Standing::Elsewhere => explanation.push_str(" That user is in no configured group."),
        Standing::Disabled => explanation.push_str(" That user is disabled."),
    }
    let numbers = [person.person_number.clone()];
    let suggestion = format!("Make the two names the same, or, if they are the same human being, {}.", pin_to(&user.user_name, &numbers));
    (cause, Some(user.user_name.clone()), explanation, suggestion)
}

fn said(cause: Cause, user: &str, person_user: &str) -> String {
    let by = match cause {
        Cause::Case => ", which differs in case, and Kronos finds no name by another case",
        Cause::Spaces => ", which differs in blanks",
        Cause::Domain => ", which differs in the domain",
        _ => ", whom Kronos did not give for that name",
    };
    format!("The directory has {user:?}, Kronos has {person_user:?}{by}.")
}

/// The line that pins a user, in words that fit behind "or".
fn pin_to(user: &str, numbers: &[String]) -> String {
    match numbers {
        [] => format!("pin the user by hand: {} = \"PERSON NUMBER\" in properties.identities", quoted(user)),
        [number] => format!("pin the user by hand: {} = {} in properties.identities", quoted(user), quoted(number)),
        several => format!(
            "pin the user to the right one of {}: {} = \"PERSON NUMBER\" in properties.identities",
            several.join(", "),
            quoted(user)
        ),
    }
}

/// As TOML writes a text, with an escape for what nobody sees: copied from here, such a letter must not get lost.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\\' | '"' => quoted.extend(['\\', letter]),
            _ if is_seen(letter) => quoted.push(letter),
            _ if letter <= '\u{ffff}' => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => quoted.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

fn is_seen(letter: char) -> bool {
    letter == '\'' || letter.escape_debug().count() == 1
}

fn written(person: &Person) -> Option<String> {
    Some(person.user_name.clone()).filter(|name| !name.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::{DirectoryUser, members};
    use super::*;

    fn member(name: &str, domains: &[&str]) -> Member {
        let user =
            |(at, domain): (usize, &&str)| DirectoryUser { id: at.to_string(), user_name: name.into(), domain: Some((*domain).into()) };
        members(domains.iter().enumerate().map(user).collect()).remove(0)
    }

    fn person(number: &str, name: &str) -> Person {
        Person { person_number: number.into(), user_name: name.into(), zone: None, terminated: false }
    }

    fn left(person: Person) -> Person {
        Person { terminated: true, ..person }
    }

    fn pins(rows: &[(&str, &str)]) -> Pins {
        rows.iter().map(|(user, number)| ((*user).to_owned(), (*number).to_owned())).collect()
    }

    #[test]
    fn a_plain_match_has_nothing_to_say() {
        let adiaz = person("7", "adiaz");
        let found = of_member(&member("adiaz", &["a"]), &Match::One(adiaz.clone()), None, &Pins::new(), std::slice::from_ref(&adiaz), true);
        let wanted = Identity {
            state: State::Matched,
            user: Some("adiaz".into()),
            person_numbers: vec!["7".into()],
            person_user: Some("adiaz".into()),
            pinned: false,
            cause: None,
            explanation: String::new(),
            suggestion: String::new(),
        };
        assert_eq!(found, wanted);
    }

    #[test]
    fn every_way_of_a_member_has_its_cause() {
        let one = |person: Person| (Match::One(person), None);
        let none = || (Match::None, None);
        let several = |numbers: &[&str]| (Match::SeveralPersons(numbers.iter().map(|n| (*n).to_owned()).collect()), None);
        type Row<'a> = (&'a str, (Match, Option<&'a str>), Pins, Vec<Person>, State, Option<Cause>, &'a str);
        let rows: Vec<Row<'_>> = vec![
            ("ADiaz", one(person("7", "adiaz")), pins(&[]), vec![], State::Matched, Some(Cause::Case), ""),
            ("adiaz", one(left(person("7", "adiaz"))), pins(&[]), vec![], State::Matched, Some(Cause::Terminated), "Disable the user"),
            ("adiaz", one(person("7", "adiaz")), pins(&[("ghost", "7")]), vec![], State::Matched, None, ""),
            ("adiaz", one(person("8", "ana.diaz")), pins(&[("adiaz", "8")]), vec![], State::Matched, None, ""),
            (
                "adiaz",
                several(&["7", "8"]),
                pins(&[]),
                vec![person("7", "adiaz"), person("8", "adiaz")],
                State::Ambiguous,
                Some(Cause::SeveralPersons),
                "the right one of 7, 8",
            ),
            (
                "adiaz",
                several(&["7", "8"]),
                pins(&[]),
                vec![person("7", "adiaz"), person("8", "ADIAZ")],
                State::Ambiguous,
                Some(Cause::Case),
                "\"adiaz\" = ",
            ),
            ("adiaz", none(), pins(&[]), vec![], State::OnlyDirectory, Some(Cause::Hidden), "\"adiaz\" = \"PERSON NUMBER\""),
            ("adiaz", none(), pins(&[]), vec![person("7", "ADiaz")], State::OnlyDirectory, Some(Cause::Case), "\"adiaz\" = \"7\""),
            ("adiaz", none(), pins(&[]), vec![person("7", "a diaz")], State::OnlyDirectory, Some(Cause::Spaces), "\"adiaz\" = \"7\""),
            (
                "ACME\\adiaz",
                none(),
                pins(&[]),
                vec![person("7", "adiaz")],
                State::OnlyDirectory,
                Some(Cause::Domain),
                "\"ACME\\\\adiaz\" = \"7\"",
            ),
            (
                "adiaz",
                none(),
                pins(&[]),
                vec![left(person("6", "a diaz")), person("7", "adiaz@x")],
                State::OnlyDirectory,
                Some(Cause::Domain),
                "= \"7\"",
            ),
            (
                "adiaz",
                none(),
                pins(&[]),
                vec![person("7", "adiaz@x"), person("8", "adiaz@y")],
                State::OnlyDirectory,
                Some(Cause::Domain),
                "one of 7, 8",
            ),
            ("adiaz", none(), pins(&[("adiaz", "9")]), vec![], State::OnlyDirectory, Some(Cause::PinUnknown), "Correct the person number"),
            (
                "adiaz",
                none(),
                pins(&[("adiaz", "9")]),
                vec![person("7", "adiaz")],
                State::OnlyDirectory,
                Some(Cause::PinUnknown),
                "person 7 has this",
            ),
            ("adiaz", (Match::None, Some("WCO-1")), pins(&[]), vec![], State::OnlyDirectory, Some(Cause::KronosError), "Ask again"),
        ];
        for (name, (found, failed), pins, near, state, cause, suggestion) in rows {
            let said = of_member(&member(name, &["a"]), &found, failed, &pins, &near, true);
            assert_eq!((said.state, said.cause), (state, cause), "{said:?}");
            assert_eq!(said.explanation.is_empty(), cause.is_none(), "{said:?}");
            assert!(said.suggestion.contains(suggestion) && said.suggestion.is_empty() == suggestion.is_empty(), "{said:?}");
            assert_eq!(said.pinned, pins.contains_key(&ids::key(name)), "{said:?}");
            let alone = said.state == State::OnlyDirectory;
            assert_eq!(said.person_numbers.is_empty(), alone, "{said:?}");
        }
    }

    #[test]
    fn one_name_in_several_domains_cannot_be_pinned() {
        let found = Match::SeveralUsers(vec!["a".into(), "b".into()]);
        let said = of_member(&member("adiaz", &["a", "b"]), &found, None, &pins(&[("adiaz", "7")]), &[person("7", "adiaz")], true);
        assert_eq!((said.state, said.cause, said.person_numbers), (State::Ambiguous, Some(Cause::Domain), vec!["7".to_owned()]));
        assert!(said.suggestion.contains("cannot tell them apart"), "{}", said.suggestion);
        assert_eq!(said.explanation, "The directory has this user name in several domains: a, b.");
        let same = of_member(&member("adiaz", &["a", "a"]), &Match::SeveralUsers(vec!["a".into()]), None, &Pins::new(), &[], true);
        assert_eq!((same.state, same.cause), (State::Ambiguous, Some(Cause::SeveralUsers)));
    }

    #[test]
    fn without_the_list_of_people_nothing_is_claimed_of_who_is_near() {
        let of = |found: Match, pins: &Pins| of_member(&member("adiaz", &["a"]), &found, None, pins, &[], false);
        let said = of(Match::None, &Pins::new());
        assert_eq!((said.state, said.cause), (State::OnlyDirectory, None));
        assert!(said.explanation.contains("is not known") && said.suggestion.contains("\"adiaz\" = "), "{said:?}");
        assert_eq!(of(Match::None, &pins(&[("adiaz", "9")])).cause, Some(Cause::PinUnknown));
        assert_eq!(of(Match::One(person("7", "ADiaz")), &Pins::new()).cause, Some(Cause::Case));
    }

    #[test]
    fn whoever_comes_to_one_person_is_told_of_the_others() {
        let row = |name: &str, pins: &Pins| of_member(&member(name, &["a"]), &Match::One(person("7", "gneill")), None, pins, &[], true);
        let rows = vec![row("gneill", &Pins::new()), row("adiaz", &pins(&[("adiaz", "7")]))];
        let told = shared(rows.clone());
        for (row, other) in told.iter().zip(["\"adiaz\" comes", "\"gneill\" comes"]) {
            assert_eq!((row.state, row.cause), (State::Matched, Some(Cause::Shared)));
            assert!(row.explanation.starts_with(other) && row.explanation.ends_with("the punches of 7."), "{row:?}");
            assert!(row.suggestion.ends_with("is not this person: \"adiaz\"."), "{row:?}");
        }
        assert_eq!(shared(rows[..1].to_vec()), rows[..1]);
        let three = shared(vec![row("a", &Pins::new()), row("b", &Pins::new()), row("c", &Pins::new())]);
        assert!(three[0].explanation.starts_with("\"b\", \"c\" come to"), "{three:?}");
    }

    #[test]
    fn two_who_are_near_one_person_are_told_of_each_other_once() {
        let row = |name: &str| of_member(&member(name, &["a"]), &Match::None, None, &Pins::new(), &[person("3", "u ser")], true);
        let told = rivals(rivals(vec![row("dom\\user"), row("user")]));
        assert!(told[0].explanation.ends_with("domain. As near in the directory: \"user\"."), "{told:?}");
        assert!(told[1].explanation.ends_with("blanks. As near in the directory: \"dom\\\\user\"."), "{told:?}");
        assert_eq!(rivals(vec![row("user")]), [row("user")]);
    }

    #[test]
    fn whoever_is_near_is_told_with_the_name_and_the_others_are_told_where_there_are_more() {
        let near = [person("3", "a diaz"), person("4", "acme\\adiaz")];
        let of = |near: &[Person]| of_member(&member("adiaz", &["a"]), &Match::None, None, &Pins::new(), near, true);
        assert_eq!(
            (of(&near[..1]).person_user.as_deref(), of(&near[..1]).explanation.contains("Others are near")),
            (Some("a diaz"), false)
        );
        assert!(of(&near).explanation.ends_with("Others are near as well: 3, 4."), "{:?}", of(&near));
    }

    #[test]
    fn a_pin_that_lost_its_zeros_is_told_with_them() {
        let said = of_member(&member("adiaz", &["a"]), &Match::None, None, &pins(&[("adiaz", "42")]), &[], true);
        assert_eq!(
            short_of_zeros(said, "0042").suggestion,
            "Write the person number with its zeros: \"adiaz\" = \"0042\" in properties.identities."
        );
    }

    #[test]
    fn what_nobody_sees_in_a_name_is_written_so_that_it_can_be_copied() {
        for (name, written) in [
            ("o'neil", r#""o'neil""#),
            ("JÜRGEN ", r#""JÜRGEN ""#),
            (r#"ACME\a"b"#, r#""ACME\\a\"b""#),
            ("a\u{200b}\tb", r#""a\u200B\u0009b""#),
            ("a\u{e0041}b", r#""a\U000E0041b""#),
        ] {
            assert_eq!(quoted(name), written);
        }
    }

    #[test]
    fn a_pin_that_leads_nobody_here_hides_no_near_user() {
        let ghost = pins(&[("ghost", "5")]);
        let users = [Namesake { user_name: "ACME\\evans".into(), standing: Standing::Member, is_matched: false }];
        let said = of_person(&person("5", "evans"), None, &ghost, &Pinned::of(&ghost), &users);
        assert_eq!((said.cause, said.user.as_deref(), said.pinned), (Some(Cause::Domain), Some("ACME\\evans"), true));
        assert!(said.explanation.contains("ghost is not exactly one user"), "{said:?}");
    }

    #[test]
    fn a_pin_to_nobody_is_told_to_the_person_of_the_very_name() {
        let lost = pins(&[("adiaz", "999")]);
        let users = [Namesake { user_name: "adiaz".into(), standing: Standing::Member, is_matched: false }];
        let said = of_person(&person("7", "adiaz"), None, &lost, &Pinned::of(&lost), &users);
        assert_eq!((said.cause, said.user.as_deref()), (Some(Cause::PinUnknown), Some("adiaz")));
    }

    #[test]
    fn every_way_of_a_person_has_its_cause() {
        let user = |name: &str, standing| Namesake { user_name: name.to_owned(), standing, is_matched: true };
        let (inside, elsewhere, disabled) = (Standing::Member, Standing::Elsewhere, Standing::Disabled);
        for (person, failed, pins, users, cause, named) in [
            (person("7", "adiaz"), None, pins(&[]), vec![], Cause::NotSynced, None),
            (left(person("7", "adiaz")), None, pins(&[]), vec![], Cause::Terminated, None),
            (person("7", ""), None, pins(&[]), vec![], Cause::NoUserName, None),
            (person("7", ""), Some("WCO-1"), pins(&[]), vec![], Cause::KronosError, None),
            (person("7", "adiaz"), None, pins(&[]), vec![user("ADiaz", elsewhere)], Cause::NotInGroup, Some("ADiaz")),
            (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz", disabled)], Cause::Disabled, Some("adiaz")),
            (
                person("7", "adiaz"),
                None,
                pins(&[]),
                vec![user("adiaz", disabled), user("adiaz", elsewhere)],
                Cause::NotInGroup,
                Some("adiaz"),
            ),
            (person("7", "adiaz"), None, pins(&[("adiaz", "8")]), vec![user("adiaz", inside)], Cause::PinnedElsewhere, Some("adiaz")),
            (person("7", "x"), None, pins(&[("adiaz", "7")]), vec![], Cause::NotInGroup, Some("adiaz")),
            (person("7", "adiaz"), None, pins(&[]), vec![user("ADiaz", inside)], Cause::Case, Some("ADiaz")),
            (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz@x", inside)], Cause::Domain, Some("adiaz@x")),
            (person("7", "a diaz"), None, pins(&[]), vec![user("adiaz", inside)], Cause::Spaces, Some("adiaz")),
            (person("7", "adiaz"), None, pins(&[]), vec![user("adiaz", inside)], Cause::Hidden, Some("adiaz")),
        ] {
            let said = of_person(&person, failed, &pins, &Pinned::of(&pins), &users);
            assert_eq!((said.state, said.cause, said.user.as_deref()), (State::OnlyKronos, Some(cause), named), "{said:?}");
            assert_eq!(said.person_numbers, ["7"]);
            assert!(!said.explanation.is_empty(), "{said:?}");
            assert_eq!(said.suggestion.is_empty(), cause == Cause::Terminated, "{said:?}");
        }
    }
}
