//! Reading the two systems: first who the workers are, group by group, then chunk by chunk what they are doing.
//!
//! Members go straight into storage (see `staging`), so nothing here grows with their number.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use shift_access_core::catalogue;
use shift_access_core::identity::{self, DirectoryUser, Match, Member, Person};
use shift_access_core::ids;
use shift_access_core::plan::{Found, Reading};
use shift_access_core::settings::{Settings, StatusSource};
use shift_access_core::timecard::Timecard;
use shift_access_core::zone::Zones;

use crate::kronos::Kronos;
use crate::report::Warnings;
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, MemberUser, MembersError, MembersSummary};
use crate::{notes, staging};

/// What came of reading some groups.
#[derive(Debug, Default)]
pub struct Groups {
    /// Distinct enabled members.
    pub members: u64,
    /// Whether every group could be read to the last member, so that who is not there is in none of them.
    pub all_read: bool,
    /// Why the first group that failed did.
    pub first_trouble: Option<Trouble>,
}

/// Reads the members of these groups, in their order, and keeps them aside under `prefix`. A group that fails is a
/// warning and the others go on; a directory that fails ends it.
pub async fn groups(directory: &Directory, names: &[String], prefix: &'static str, warnings: &mut Warnings) -> Result<Groups, Trouble> {
    let mut groups = Groups { all_read: true, ..Groups::default() };
    for name in names {
        match group(directory, name, prefix, &mut groups.members).await {
            Ok(summary) => {
                groups.all_read &= summary.unreadable == 0;
                notes::left_out(name, &summary);
            }
            Err(trouble) if is_of_the_group(trouble.number) => {
                groups.all_read = false;
                groups.first_trouble.get_or_insert_with(|| trouble.clone());
                warnings.about(name, trouble);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(groups)
}

/// What is wrong with one group only.
pub const fn is_of_the_group(number: u8) -> bool {
    matches!(number, catalogue::GROUP_NOT_FOUND | catalogue::GROUP_AMBIGUOUS | catalogue::GROUP_EMPTY)
}

async fn group(directory: &Directory, name: &str, prefix: &'static str, members: &mut u64) -> Result<MembersSummary, Trouble> {
    let group = directory.find_group(name).await?;
    let sink = async |users: Vec<MemberUser>| -> Result<(), Trouble> {
        *members += staging::add(prefix, users.into_iter().map(directory_user).collect()).await?;
        notes::progress(*members, None, "members found");
        Ok(())
    };
    directory.members(&group, sink).await.map_err(trouble)
}

/// Whichever side stopped the reading of a group: the directory, or who took its members.
pub fn trouble(error: MembersError<Trouble>) -> Trouble {
    match error {
        MembersError::Trouble(trouble) | MembersError::Sink(trouble) => trouble,
    }
}

fn directory_user(user: MemberUser) -> DirectoryUser {
    DirectoryUser { id: user.id, user_name: user.user_name, domain: user.domain }
}

/// The tenant's zones. An API user who may not read the list gets by with what the pack knows of zones itself.
pub async fn zones(kronos: &Kronos, settings: &Settings) -> Result<Zones, Trouble> {
    let list = match kronos.zones().await {
        Ok(list) => list,
        Err(trouble) if is_bearable_for_zones(trouble.number) => {
            notes::info(&format!(
                "The list of time zones could not be read, so only what the pack knows of them counts: {}",
                trouble.message
            ));
            Vec::new()
        }
        Err(trouble) => return Err(trouble),
    };
    Ok(Zones::new(settings, list))
}

/// Why the list of zones may be missing without harm.
pub const fn is_bearable_for_zones(number: u8) -> bool {
    matches!(number, catalogue::KRONOS_FORBIDDEN | catalogue::KRONOS_NOT_UNDERSTOOD)
}

/// Reads what the members of one chunk are doing. The error is one of the whole chunk; what is wrong with one worker is
/// in the worker's reading.
pub async fn readings(kronos: &Kronos, members: Vec<Member>, settings: &Settings, now: DateTime<Utc>) -> Result<Vec<Reading>, Trouble> {
    // A name on two directory users is not asked for: whatever came back would be a guess.
    let names: Vec<String> = members.iter().filter(|member| member.users.len() == 1).map(|member| member.user.clone()).collect();
    let people = kronos.people(&names).await?;
    let failed: BTreeMap<String, String> = people.failed.into_iter().map(|(name, message)| (ids::key(&name), message)).collect();
    let matches = identity::match_members(&members, &people.found);
    let numbers: Vec<String> = matches.iter().filter_map(number).collect();
    let mut doings = doings(kronos, &numbers, settings, now).await?;
    Ok(members.into_iter().zip(matches).map(|(member, matched)| reading(member, matched, &failed, &mut doings)).collect())
}

/// What one person is doing, or the time system's words for why it does not say.
enum Doing {
    Card(Timecard),
    OnPremise(bool),
    Failed(String),
}

async fn doings(kronos: &Kronos, numbers: &[String], settings: &Settings, now: DateTime<Utc>) -> Result<BTreeMap<String, Doing>, Trouble> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(match settings.status_source {
        StatusSource::Timecards => {
            let (from, until) = window(settings.max_shift, now);
            let cards = kronos.timecards(numbers, from, until).await?;
            cards.into_iter().map(|(number, card)| (number, card.map_or_else(Doing::Failed, Doing::Card))).collect()
        }
        StatusSource::OnPremise => {
            let flags = kronos.on_premise(numbers).await?;
            flags.into_iter().map(|(number, flag)| (number, flag.map_or_else(Doing::Failed, Doing::OnPremise))).collect()
        }
    })
}

/// The days to ask for, the last one excluded: the longest shift and half a day more, whatever zone a worker is in. Zones
/// reach from twelve hours behind UTC to fourteen ahead.
pub fn window(max_shift: Duration, now: DateTime<Utc>) -> (NaiveDate, NaiveDate) {
    let from = (now - max_shift - Duration::hours(12) - Duration::hours(12)).date_naive();
    let last = (now + Duration::hours(14)).date_naive();
    (from, last.checked_add_days(Days::new(1)).unwrap_or(last))
}

fn number(matched: &Match) -> Option<String> {
    match matched {
        Match::One(person) => Some(person.person_number.clone()),
        _ => None,
    }
}

fn reading(member: Member, matched: Match, failed: &BTreeMap<String, String>, doings: &mut BTreeMap<String, Doing>) -> Reading {
    let (person_number, found) = match matched {
        Match::One(person) => (Some(person.person_number.clone()), found(doings.remove(&person.person_number), person)),
        Match::None => (None, failed.get(&member.key).map_or(Found::NotInKronos, |message| Found::Failed { message: message.clone() })),
        Match::SeveralPersons(numbers) => (None, Found::AmbiguousPersons(numbers)),
        Match::SeveralUsers(domains) => (None, Found::AmbiguousUsers(domains)),
    };
    Reading { user: member.user, person_number, found }
}

fn found(doing: Option<Doing>, person: Person) -> Found {
    match doing {
        Some(Doing::Card(card)) => Found::Card { card, person_zone: person.zone },
        Some(Doing::OnPremise(flag)) => Found::OnPremise(flag),
        Some(Doing::Failed(message)) => Found::Failed { message },
        None => Found::Failed { message: "the answer left this person out".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_window_holds_the_longest_shift_in_every_zone() {
        let (from, until) = window(Duration::hours(16), at("2026-03-10T12:00:00Z"));
        assert_eq!((from, until), (date("2026-03-08"), date("2026-03-12")));
        let (from, until) = window(Duration::hours(48), at("2026-03-10T00:30:00Z"));
        assert_eq!((from, until), (date("2026-03-07"), date("2026-03-11")));
    }

    fn member(name: &str, ids: &[&str]) -> Member {
        let users = ids.iter().map(|id| DirectoryUser { id: (*id).into(), user_name: name.into(), domain: None });
        Member { key: ids::key(name), user: name.into(), users: users.collect() }
    }

    fn person(number: &str) -> Person {
        Person { person_number: number.into(), user_name: "adiaz".into(), zone: None, terminated: false }
    }

    #[test]
    fn a_person_the_answer_leaves_out_is_a_failed_one_and_not_an_absent_one() {
        let read = reading(member("ADiaz", &["1"]), Match::One(person("7")), &BTreeMap::new(), &mut BTreeMap::new());
        assert_eq!(read.person_number.as_deref(), Some("7"));
        assert!(matches!(read.found, Found::Failed { .. }));
    }

    #[test]
    fn an_error_for_one_name_is_that_workers_alone() {
        let failed = BTreeMap::from([("adiaz".to_owned(), "WCO-1".to_owned())]);
        let read = reading(member("ADiaz", &["1"]), Match::None, &failed, &mut BTreeMap::new());
        assert_eq!(read.found, Found::Failed { message: "WCO-1".into() });
        let read = reading(member("Other", &["2"]), Match::None, &failed, &mut BTreeMap::new());
        assert_eq!(read.found, Found::NotInKronos);
    }
}
