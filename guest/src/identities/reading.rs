//! Reads both systems for one report and settles every identity: the members of the groups, all users of the directory,
//! everybody in the time system, then each member as a batch would match it, then the persons who are left.

use std::collections::BTreeSet;

use shift_access_core::catalogue;
use shift_access_core::identity::{self, Cause, Identity, Match, Member, Namesake, Person, Pinned, Pins, Standing, State};
use shift_access_core::ids;
use shift_access_core::settings::Settings;

use super::aside::{self, Aside};
use crate::call::blame;
use crate::kronos::{Kronos, Listed};
use crate::report::{Warning, Warnings};
use crate::staging::{self, Shelves};
use crate::store::Pages;
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, ListedUser};
use crate::{gather, notes};

/// Members or persons settled at once.
const CHUNK: usize = 500;

/// The warning that the list of people could not be read is about what it makes unknown: the state `only-kronos`.
const UNKNOWN_WITHOUT_THE_LIST: State = State::OnlyKronos;

/// What the identities are settled with.
struct Settling<'a> {
    kronos: &'a Kronos,
    aside: &'a Aside,
    pins: &'a Pins,
    /// The pins of those who are exactly one user of the configured groups.
    pinned: Pinned,
    /// Whether everybody in the time system could be listed.
    listed: bool,
}

/// Reads and settles everything. What was read is gone then, and what is settled stays.
pub async fn read(aside: &Aside, settings: &Settings, warnings: &mut Warnings) -> Result<(), Trouble> {
    let members = read_members(aside, settings, warnings).await?;
    read_directory(aside, warnings).await?;
    let kronos = Kronos::new();
    let listed = read_kronos(&kronos, aside, warnings).await?;
    let pins = &settings.identities;
    let settling = Settling { kronos: &kronos, aside, pins, pinned: pins_of_members(aside, pins).await?, listed };
    settling.members(members).await?;
    settling.shared().await?;
    if listed {
        settling.people().await?;
    }
    Ok(aside.clear_readings().await?)
}

/// The members of the configured groups, and of the exempt ones, who may bear the same names; how many workers there are.
async fn read_members(aside: &Aside, settings: &Settings, warnings: &mut Warnings) -> Result<u64, Trouble> {
    let (members, exempt) = (aside.members(), aside.exempt());
    let shelves = Shelves { members: &members, exempt: &exempt };
    let (members, _) = gather::groups(&Directory::new(), settings, shelves, warnings).await?;
    let empty = || Trouble::new(catalogue::GROUP_EMPTY, "no configured group has an enabled member");
    if members.members == 0 { Err(members.first_trouble.unwrap_or_else(empty)) } else { Ok(members.members) }
}

/// Every user of the directory, to tell those who are not synced from those who are in no group.
async fn read_directory(aside: &Aside, warnings: &mut Warnings) -> Result<(), Trouble> {
    let mut seen = 0;
    let sink = async |users: Vec<ListedUser>| {
        seen += u64::try_from(users.len()).unwrap_or_default();
        aside.add_users(users).await?;
        notes::progress(seen, None, "users of the directory read");
        Ok(())
    };
    if !Directory::new().everybody(sink).await? {
        let message = "the list of users of Workspace ONE Access ended early or moved while it was read, so somebody who is told as \
                       not-synced may be there";
        warnings.add(Warning { number: catalogue::ACCESS_NOT_UNDERSTOOD, message: message.to_owned(), subject: None });
    }
    Ok(())
}

/// Everybody in the time system; whether they could be listed. An API user who may not do so still has the members' names.
async fn read_kronos(kronos: &Kronos, aside: &Aside, warnings: &mut Warnings) -> Result<bool, Trouble> {
    let mut seen = 0;
    let sink = async |people: Vec<Listed>| {
        let new = aside.add_people(people).await?;
        seen += new;
        notes::progress(seen, None, "people of Kronos read");
        Ok(new)
    };
    let roll = match kronos.everybody(sink).await {
        Ok(roll) => roll,
        Err(trouble) if is_bearable(trouble.number) => {
            warnings.about(UNKNOWN_WITHOUT_THE_LIST.word(), Trouble::new(trouble.number, without_the_list(&trouble)));
            return Ok(false);
        }
        Err(trouble) => return Err(trouble),
    };
    if let Some(total) = roll.total.filter(|total| roll.seen < *total) {
        let message = format!("Kronos ended its list of people after {} of {total}, so persons may be missing from this report", roll.seen);
        warnings.add(Warning { number: catalogue::KRONOS_NOT_UNDERSTOOD, message, subject: None });
    }
    Ok(true)
}

/// Why the list of people may be missing without harm for what is said of the members.
const fn is_bearable(number: u8) -> bool {
    matches!(number, catalogue::KRONOS_FORBIDDEN | catalogue::KRONOS_NOT_UNDERSTOOD)
}

fn without_the_list(trouble: &Trouble) -> String {
    let is_a_right = trouble.number == catalogue::KRONOS_FORBIDDEN && !blame::is_unlicensed(trouble);
    let remedy = if is_a_right {
        ". The function access profile of the API user must have the right LIGHT_WEIGHT_EMPLOYEE_RECORDS_READ (POST \
         /api/v1/commons/persons/apply_read)"
    } else {
        ""
    };
    format!(
        "The list of people in Kronos (POST /api/v1/commons/persons/apply_read) could not be read, so this report tells neither who is only in \
         Kronos nor whose names are near: {}{remedy}",
        trouble.message.trim_end_matches('.')
    )
}

/// The pins of those who are exactly one user of the configured groups. No other pin leads anybody anywhere.
async fn pins_of_members(aside: &Aside, pins: &Pins) -> Result<Pinned, Trouble> {
    let users: Vec<String> = pins.keys().cloned().collect();
    let members = aside.members_named(&users).await?.into_iter().flatten().collect();
    let members = staging::with_namesakes(members, &aside.exempt()).await?;
    let alone: BTreeSet<String> = members.into_iter().filter(|member| member.users.len() == 1).map(|member| member.key).collect();
    let pins = pins.iter().filter(|(user, _)| alone.contains(*user));
    Ok(Pinned::of(&pins.map(|(user, number)| (user.clone(), number.clone())).collect()))
}

impl Settling<'_> {
    /// Settles the members, each as a batch would match it.
    async fn members(&self, total: u64) -> Result<(), Trouble> {
        let mut pages = Pages::of(self.aside.members());
        let mut done = 0;
        while let Some(entries) = pages.next(CHUNK).await? {
            let members = entries.iter().map(staging::read).collect::<Result<Vec<_>, _>>()?;
            done += u64::try_from(members.len()).unwrap_or_default();
            self.some_members(staging::with_namesakes(members, &self.aside.exempt()).await?).await?;
            notes::progress(done, Some(total), "members matched");
        }
        Ok(())
    }

    async fn some_members(&self, members: Vec<Member>) -> Result<(), Trouble> {
        let names: Vec<&str> = members.iter().map(|member| member.user.as_str()).collect();
        let near = self.free(&members, self.aside.people_near(&names).await?).await?;
        let (mut settled, mut asked, mut near_asked) = (Vec::new(), Vec::new(), Vec::new());
        for (member, near) in members.into_iter().zip(near) {
            match sure(&member, self.pins, &near) {
                Some(person) => {
                    let found = Match::One(person.clone());
                    settled.push((member.key.clone(), self.of_member(&member, &found, None, &near)));
                }
                None => {
                    asked.push(member);
                    near_asked.push(near);
                }
            }
        }
        let who = gather::who(self.kronos, &asked, self.pins).await?;
        for ((member, found), mut near) in asked.iter().zip(&who.matches).zip(near_asked) {
            let of_name = who.people.iter().filter(|person| ids::key(&person.user_name) == member.key);
            for person in of_name {
                if near.iter().all(|known| known.person_number != person.person_number) {
                    near.push(person.clone());
                }
            }
            let failed = who.failed.get(&member.key).map(String::as_str);
            let told = self.with_zeros(self.of_member(member, found, failed, &near), &member.key).await?;
            settled.push((member.key.clone(), told));
        }
        Ok(self.aside.settle_members(settled).await?)
    }

    fn of_member(&self, member: &Member, found: &Match, failed: Option<&str>, near: &[Person]) -> Identity {
        identity::of_member(member, found, failed, self.pins, near, self.listed)
    }

    /// A pin that names nobody may only have lost its zeros.
    async fn with_zeros(&self, told: Identity, key: &str) -> Result<Identity, Trouble> {
        let pin = self.pins.get(key).filter(|_| told.cause == Some(Cause::PinUnknown));
        let numbers = pin.map(|number| identity::other_zeros(number)).unwrap_or_default();
        match self.aside.first_alone(&numbers).await? {
            Some(number) => Ok(identity::short_of_zeros(told, &number)),
            None => Ok(told),
        }
    }

    /// Leaves out whom somebody else has: near persons of another name who are another member by that name, or by a pin.
    async fn free(&self, members: &[Member], near: Vec<Vec<Person>>) -> Result<Vec<Vec<Person>>, Trouble> {
        let mut others = Vec::new();
        for (member, near) in members.iter().zip(&near) {
            others.extend(near.iter().map(|person| ids::key(&person.user_name)).filter(|key| *key != member.key));
        }
        let known = self.aside.members_named(&others).await?.into_iter().flatten().map(|member| member.key).collect();
        let is_free = |member: &Member, person: &Person| is_free(member, person, &known, self.pins, &self.pinned);
        Ok(members.iter().zip(near).map(|(member, near)| near.into_iter().filter(|person| is_free(member, person)).collect()).collect())
    }

    /// Tells members who come to one person of each other. Only a pin leads to that: so each pinned person is looked at, with
    /// those who are pinned there and the member of the person's own user name.
    async fn shared(&self) -> Result<(), Trouble> {
        for (number, users) in self.pinned.numbers() {
            let mut rows = self.at(number, users).await?;
            let own_name = rows.iter().find_map(|row| row.person_user.as_deref()).map(ids::key);
            if let Some(name) = own_name.filter(|name| !users.contains(name)) {
                rows.extend(self.at(number, &[name]).await?);
            }
            let told = identity::shared(rows).into_iter().filter_map(|row| Some((ids::key(row.user.as_deref()?), row)));
            self.aside.settle_members(told.collect()).await?;
        }
        Ok(())
    }

    /// What was settled of those of these users who were found to be this very person.
    async fn at(&self, number: &str, users: &[String]) -> Result<Vec<Identity>, Trouble> {
        let mut rows: Vec<Identity> = self.aside.settled_named(users).await?.into_iter().flatten().collect();
        rows.retain(|row| row.state == State::Matched && row.person_numbers == [number]);
        Ok(rows)
    }

    /// Tells members who are near one person of each other.
    async fn rivals(&self, namesakes: Vec<Namesake>) -> Result<(), Trouble> {
        let unmatched = namesakes.into_iter().filter(|user| user.standing == Standing::Member && !user.is_matched);
        let keys: BTreeSet<String> = unmatched.map(|user| ids::key(&user.user_name)).collect();
        if keys.len() < 2 {
            return Ok(());
        }
        let mut rows: Vec<Identity> = self.aside.settled_named(&Vec::from_iter(keys)).await?.into_iter().flatten().collect();
        rows.retain(|row| matches!(row.cause, Some(Cause::Case | Cause::Spaces | Cause::Domain)) && row.state == State::OnlyDirectory);
        let told = identity::rivals(rows).into_iter().filter_map(|row| Some((ids::key(row.user.as_deref()?), row)));
        Ok(self.aside.settle_members(told.collect()).await?)
    }

    /// Settles the persons nobody was matched with.
    async fn people(&self) -> Result<(), Trouble> {
        let all_pins = Pinned::of(self.pins);
        let mut pages = self.aside.alone();
        let mut done = 0;
        while let Some(entries) = pages.next(CHUNK).await? {
            let people = entries.iter().map(aside::read_person).collect::<Result<Vec<_>, _>>()?;
            done += u64::try_from(people.len()).unwrap_or_default();
            let names: Vec<&str> = people.iter().map(|listed| listed.person.user_name.as_str()).collect();
            let namesakes = namesakes(self.aside, &names, self.aside.users_near(&names).await?).await?;
            let settled = people.iter().zip(&namesakes).map(|(listed, namesakes)| {
                let identity = identity::of_person(&listed.person, listed.failed.as_deref(), self.pins, &all_pins, namesakes);
                (listed.person.person_number.clone(), identity)
            });
            self.aside.settle_people(settled.collect()).await?;
            for namesakes in namesakes {
                self.rivals(namesakes).await?;
            }
            notes::progress(done, None, "people without a member told");
        }
        Ok(())
    }
}

fn is_free(member: &Member, person: &Person, members: &BTreeSet<String>, pins: &Pins, pinned: &Pinned) -> bool {
    let key = ids::key(&person.user_name);
    let by_name = members.contains(&key) && pins.get(&key).is_none_or(|number| *number == person.person_number);
    let by_pin = pinned.users(&person.person_number).iter().any(|user| *user != member.key);
    key == member.key || !(by_name || by_pin)
}

/// The person a batch finds for a member beyond doubt: the only one of the name, written in the very same way. What a batch
/// would find for any other is known only by asking as it does.
fn sure<'a>(member: &Member, pins: &Pins, near: &'a [Person]) -> Option<&'a Person> {
    let mut of_name = near.iter().filter(|person| ids::key(&person.user_name) == member.key);
    let person = of_name.next().filter(|person| person.user_name == member.user)?;
    let alone = of_name.next().is_none() && member.users.len() == 1 && !pins.contains_key(&member.key);
    alone.then_some(person)
}

/// Tells of the users near each name whether they are members, and leaves out who has another name and a match.
async fn namesakes(aside: &Aside, names: &[&str], users: Vec<Vec<ListedUser>>) -> Result<Vec<Vec<Namesake>>, Trouble> {
    let keys: Vec<String> = users.iter().flatten().map(|user| ids::key(&user.user_name)).collect();
    let mut settled = aside.settled_named(&keys).await?.into_iter();
    let mut members = aside.members_named(&keys).await?.into_iter();
    let mut all = Vec::new();
    for (name, users) in names.iter().zip(users) {
        let mut of_one = Vec::new();
        for user in users {
            let (member, settled) = (members.next().flatten(), settled.next().flatten());
            let standing = standing(&user, member.as_ref());
            let is_matched = standing == Standing::Member && settled.is_some_and(|settled| settled.state == State::Matched);
            if ids::key(&user.user_name) == ids::key(name) || !is_matched {
                of_one.push(Namesake { standing, user_name: user.user_name, is_matched });
            }
        }
        all.push(of_one);
    }
    Ok(all)
}

fn standing(user: &ListedUser, member: Option<&Member>) -> Standing {
    let is_member = member.is_some_and(|member| member.users.iter().any(|of_name| of_name.id == user.id));
    match (is_member, user.enabled) {
        (true, _) => Standing::Member,
        (false, true) => Standing::Elsewhere,
        (false, false) => Standing::Disabled,
    }
}

#[cfg(test)]
mod tests {
    use shift_access_core::identity::DirectoryUser;

    use super::*;

    fn member(name: &str, ids: &[&str]) -> Member {
        let users = ids.iter().map(|id| DirectoryUser { id: (*id).into(), user_name: name.into(), domain: None });
        Member { key: ids::key(name), user: name.into(), users: users.collect() }
    }

    fn person(number: &str, name: &str) -> Person {
        Person { person_number: number.into(), user_name: name.into(), zone: None, terminated: false }
    }

    #[test]
    fn only_one_person_of_the_very_same_name_is_beyond_doubt() {
        let pins = Pins::from([("pinned".to_owned(), "9".to_owned())]);
        for (name, ids, near, expected) in [
            ("adiaz", &["1"][..], vec![person("7", "adiaz")], true),
            ("adiaz", &["1"], vec![person("7", "adiaz"), person("8", "adiaz@x")], true),
            ("adiaz", &["1"], vec![person("7", "ADiaz")], false),
            ("adiaz", &["1"], vec![person("7", " adiaz")], false),
            ("adiaz", &["1"], vec![person("7", "adiaz"), person("8", "ADIAZ")], false),
            ("adiaz", &["1", "2"], vec![person("7", "adiaz")], false),
            ("pinned", &["1"], vec![person("7", "pinned")], false),
            ("adiaz", &["1"], vec![], false),
        ] {
            assert_eq!(sure(&member(name, ids), &pins, &near).is_some(), expected, "{name} {near:?}");
        }
    }

    #[test]
    fn a_near_person_whom_somebody_else_has_is_not_meant() {
        let members = BTreeSet::from(["adiaz".to_owned()]);
        let pins = Pins::from([("boss".to_owned(), "9".to_owned()), ("adiaz".to_owned(), "7".to_owned())]);
        let office = member("adiaz@office", &["1"]);
        let free = |person: Person, pins: &Pins| is_free(&office, &person, &members, pins, &Pinned::of(pins));
        assert!(!free(person("7", "adiaz"), &Pins::new()));
        assert!(free(person("6", "adiaz"), &pins), "the member of that name is pinned to another");
        assert!(free(person("8", "acme\\adiaz"), &pins) && !free(person("9", "acme\\adiaz"), &pins));
        let own = is_free(&member("adiaz", &["1"]), &person("7", "adiaz"), &members, &Pins::new(), &Pinned::default());
        assert!(own, "one's own name is one's own");
        assert!(is_free(&office, &person("9", "acme\\adiaz"), &members, &pins, &Pinned::default()), "the pin is of nobody who is a member");
    }

    #[test]
    fn a_right_is_advised_only_where_one_is_missing() {
        let advises = |number, message: &str| without_the_list(&Trouble::new(number, message)).contains("LIGHT_WEIGHT");
        assert!(advises(14, "UKG does not let the API user call this function (403, WFP-1)"));
        assert!(!advises(14, "the tenant has no licence for it (403, WFA-000030)") && !advises(16, "UKG answered 404"));
    }

    #[test]
    fn a_user_is_a_member_by_id_and_not_by_name() {
        let user = |id: &str, enabled| ListedUser { id: id.into(), user_name: "adiaz".into(), enabled };
        let adiaz = member("adiaz", &["1"]);
        assert_eq!(standing(&user("1", true), Some(&adiaz)), Standing::Member);
        assert_eq!(standing(&user("2", true), Some(&adiaz)), Standing::Elsewhere);
        assert_eq!(standing(&user("2", false), None), Standing::Disabled);
    }
}
