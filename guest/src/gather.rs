//! Reading the two systems: first who the workers are, group by group, then chunk by chunk what they are doing.
//!
//! Members go straight into storage (see `staging`), so nothing here grows with their number.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use shift_access_core::catalogue;
use shift_access_core::identity::{self, DirectoryUser, Match, Member, Person, Pins};
use shift_access_core::ids;
use shift_access_core::plan::{Found, Reading};
use shift_access_core::settings::{Settings, StatusSource};
use shift_access_core::timecard::Timecard;
use shift_access_core::zone::Zones;

use crate::kronos::{Ids, Kronos, People};
use crate::report::Warnings;
use crate::staging::Shelves;
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, FoundUser, Group, MembersError, MembersSummary};
use crate::{notes, staging};

/// What came of reading some groups.
#[derive(Debug)]
pub struct Groups {
    /// Distinct enabled members.
    pub members: u64,
    /// Whether every group could be read to the last member, so that who is not there is in none of them.
    pub all_read: bool,
    /// Why the first group that failed did.
    pub first_trouble: Option<Trouble>,
}

impl Default for Groups {
    fn default() -> Self {
        Self { members: 0, all_read: true, first_trouble: None }
    }
}

impl Groups {
    /// Takes what came of one group. A group that fails, or hides members, is a warning and the others go on.
    fn add(&mut self, name: &str, outcome: Result<MembersSummary, Trouble>, warnings: &mut Warnings) {
        let trouble = match outcome {
            Ok(summary) => {
                notes::left_out(name, &summary);
                summary.doubt()
            }
            Err(trouble) => Some(trouble),
        };
        if let Some(trouble) = trouble {
            self.all_read = false;
            self.first_trouble.get_or_insert_with(|| trouble.clone());
            warnings.about(name, trouble);
        }
    }
}

/// A configured group as far as it was found. Only the trouble of one group is kept here.
struct Sought<'a> {
    name: &'a str,
    is_exempt: bool,
    found: Result<Group, Trouble>,
}

/// Reads the members of the workers' groups and of the exempt ones, all together so that the directory is read once, and
/// keeps them aside on the shelves. A directory that fails ends it.
pub async fn groups(
    directory: &Directory,
    settings: &Settings,
    shelves: Shelves<'_>,
    warnings: &mut Warnings,
) -> Result<(Groups, Groups), Trouble> {
    let (mut workers, mut exempt) = (Groups::default(), Groups::default());
    let sought = seek(directory, settings).await?;
    let (found, is_exempt): (Vec<Group>, Vec<bool>) =
        sought.iter().filter_map(|sought| Some((sought.found.clone().ok()?, sought.is_exempt))).unzip();
    let sink = async |users: Vec<FoundUser>| -> Result<(), Trouble> {
        let (of_workers, of_exempt) = by_side(users, &is_exempt);
        workers.members += staging::add(shelves.members, of_workers).await?;
        exempt.members += staging::add(shelves.exempt, of_exempt).await?;
        notes::progress(workers.members, None, "members found");
        Ok(())
    };
    let mut outcomes = directory.members(&found, sink).await.map_err(trouble)?.into_iter();
    for Sought { name, is_exempt, found } in sought {
        let side = if is_exempt { &mut exempt } else { &mut workers };
        match found {
            Ok(_) => outcomes.next().into_iter().for_each(|outcome| side.add(name, outcome, warnings)),
            Err(trouble) => side.add(name, Err(trouble), warnings),
        }
    }
    Ok((workers, exempt))
}

async fn seek<'a>(directory: &Directory, settings: &'a Settings) -> Result<Vec<Sought<'a>>, Trouble> {
    let mut sought = Vec::new();
    for (names, is_exempt) in [(&settings.user_groups, false), (&settings.exempt_groups, true)] {
        for name in names {
            let found = directory.find_group(name).await;
            if let Some(trouble) = found.as_ref().err().filter(|trouble| !is_of_the_group(trouble.number)) {
                return Err(trouble.clone());
            }
            sought.push(Sought { name, is_exempt, found });
        }
    }
    Ok(sought)
}

/// The users who are in a group of workers, and those who are in an exempt one.
fn by_side(users: Vec<FoundUser>, is_exempt: &[bool]) -> (Vec<DirectoryUser>, Vec<DirectoryUser>) {
    let (mut workers, mut exempt) = (Vec::new(), Vec::new());
    for FoundUser { user, of } in users {
        let user = DirectoryUser { id: user.id, user_name: user.user_name, domain: user.domain };
        let is_in = |side: bool| of.iter().any(|at| is_exempt.get(*at) == Some(&side));
        if is_in(true) {
            exempt.push(user.clone());
        }
        if is_in(false) {
            workers.push(user);
        }
    }
    (workers, exempt)
}

/// What is wrong with one group only.
pub const fn is_of_the_group(number: u8) -> bool {
    matches!(number, catalogue::GROUP_NOT_FOUND | catalogue::GROUP_AMBIGUOUS | catalogue::GROUP_EMPTY)
}

/// Whichever side stopped the reading of a group: the directory, or who took its members.
pub fn trouble(error: MembersError<Trouble>) -> Trouble {
    match error {
        MembersError::Trouble(trouble) | MembersError::Sink(trouble) => trouble,
    }
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
    let who = who(kronos, &members, &settings.identities).await?;
    let wanted = Wanted::of(&who.matches);
    let mut doings = Doings { of: doings(kronos, &wanted.numbers(), &who.ids, settings, now).await?, wanted };
    Ok(members.into_iter().zip(who.matches).map(|(member, matched)| reading(member, matched, &who.failed, settings, &mut doings)).collect())
}

/// Who the members of a chunk are.
pub struct Who {
    /// What each was found to be, in order.
    pub matches: Vec<Match>,
    /// Kronos's words for those it answered an error for, by the keys of their names.
    pub failed: BTreeMap<String, String>,
    /// Everybody who was found by name.
    pub people: Vec<Person>,
    ids: Ids,
}

/// Matches members with persons: those pinned by the number of the pin, the others by their names. Nothing is stored.
pub async fn who(kronos: &Kronos, members: &[Member], pins: &Pins) -> Result<Who, Trouble> {
    // A name on two directory users is not asked for: whatever came back would be a guess.
    let alone = members.iter().filter(|member| member.users.len() == 1);
    let (pinned, free): (Vec<&Member>, Vec<&Member>) = alone.partition(|member| pins.contains_key(&member.key));
    let names: Vec<String> = free.iter().map(|member| member.user.clone()).collect();
    let numbers: BTreeSet<String> = pinned.iter().filter_map(|member| pins.get(&member.key).cloned()).collect();
    let people = kronos.people(&names).await?;
    let numbered = match numbers.is_empty() {
        true => People::default(),
        false => kronos.people_numbered(&Vec::from_iter(numbers)).await?,
    };
    let mut failed: BTreeMap<String, String> = people.failed.into_iter().map(|(name, message)| (ids::key(&name), message)).collect();
    for (number, message) in numbered.failed {
        failed.extend(
            pinned.iter().filter(|member| pins.get(&member.key) == Some(&number)).map(|member| (member.key.clone(), message.clone())),
        );
    }
    let matches = identity::match_members(members, &people.found, &numbered.found, pins);
    Ok(Who { matches, failed, people: people.found, ids: people.ids.into_iter().chain(numbered.ids).collect() })
}

/// How many members of the chunk want what each person is doing: a pin may lead two users to one person.
#[derive(Default)]
struct Wanted(BTreeMap<String, usize>);

impl Wanted {
    fn of(matches: &[Match]) -> Self {
        let mut wanted = Self::default();
        for number in matches.iter().filter_map(number) {
            *wanted.0.entry(number).or_default() += 1;
        }
        wanted
    }

    fn numbers(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// What the persons of a chunk are doing.
struct Doings {
    of: BTreeMap<String, Doing>,
    wanted: Wanted,
}

impl Doings {
    /// What one person is doing; the last who wants it takes it.
    fn take(&mut self, number: &str) -> Option<Doing> {
        let left = self.wanted.0.get_mut(number).map_or(0, |left| {
            *left = left.saturating_sub(1);
            *left
        });
        if left > 0 { self.of.get(number).cloned() } else { self.of.remove(number) }
    }
}

/// What one person is doing, or the time system's words for why it does not say.
#[derive(Clone)]
enum Doing {
    Card(Timecard),
    OnPremise(bool),
    Failed(String),
}

async fn doings(
    kronos: &Kronos,
    numbers: &[String],
    ids: &Ids,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<BTreeMap<String, Doing>, Trouble> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(match settings.status_source {
        StatusSource::Timecards => {
            let (from, until) = window(settings.max_shift, now);
            let cards = kronos.timecards(numbers, ids, from, until).await?;
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

fn reading(member: Member, matched: Match, failed: &BTreeMap<String, String>, settings: &Settings, doings: &mut Doings) -> Reading {
    let (person_number, found) = match matched {
        Match::One(person) => (Some(person.person_number.clone()), found(doings.take(&person.person_number), person)),
        Match::None => (None, nobody(failed.get(&member.key), settings.identities.get(&member.key))),
        Match::SeveralPersons(numbers) => (None, Found::AmbiguousPersons(numbers)),
        Match::SeveralUsers(domains) => (None, Found::AmbiguousUsers(domains)),
    };
    Reading { user: member.user, person_number, found }
}

fn nobody(failed: Option<&String>, pin: Option<&String>) -> Found {
    match (failed, pin) {
        (Some(message), _) => Found::Failed { message: message.clone() },
        (None, Some(number)) => Found::PinnedToNobody(number.clone()),
        (None, None) => Found::NotInKronos,
    }
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
    use crate::workspace_one::MemberUser;

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

    #[test]
    fn a_user_goes_to_the_side_of_every_group_they_are_in() {
        let user = |name: &str, of: &[usize]| FoundUser {
            user: MemberUser { id: name.into(), user_name: name.into(), domain: None },
            of: of.to_vec(),
        };
        let users = vec![user("worker", &[0]), user("boss", &[1]), user("both", &[0, 1])];
        let (workers, exempt) = by_side(users, &[false, true]);
        let names = |users: Vec<DirectoryUser>| users.into_iter().map(|user| user.user_name).collect::<Vec<_>>();
        assert_eq!((names(workers), names(exempt)), (vec!["worker".into(), "both".into()], vec!["boss".into(), "both".into()]));
    }

    #[test]
    fn a_group_that_hides_members_is_a_warning_and_forbids_removal() {
        let (mut groups, mut warnings) = (Groups::default(), Warnings::default());
        groups.add("Store 12", Ok(MembersSummary { enabled: 4, ..MembersSummary::default() }), &mut warnings);
        assert!(groups.all_read && groups.first_trouble.is_none());
        groups.add("Store 14", Ok(MembersSummary { enabled: 4, unreadable: 1, ..MembersSummary::default() }), &mut warnings);
        groups.add("Store 16", Err(Trouble::new(22, "no such group")), &mut warnings);
        assert_eq!((groups.all_read, groups.first_trouble.map(|trouble| trouble.number)), (false, Some(25)));
        let told: Vec<_> = warnings.into_vec().into_iter().map(|warning| (warning.number, warning.subject)).collect();
        assert_eq!(told, [(25, Some("Store 14".to_owned())), (22, Some("Store 16".to_owned()))]);
    }

    fn member(name: &str, ids: &[&str]) -> Member {
        let users = ids.iter().map(|id| DirectoryUser { id: (*id).into(), user_name: name.into(), domain: None });
        Member { key: ids::key(name), user: name.into(), users: users.collect() }
    }

    fn person(number: &str) -> Person {
        Person { person_number: number.into(), user_name: "adiaz".into(), zone: None, terminated: false }
    }

    fn read(matched: Match, name: &str, failed: &BTreeMap<String, String>, settings: &Settings) -> Reading {
        let mut doings = Doings { of: BTreeMap::new(), wanted: Wanted::of(std::slice::from_ref(&matched)) };
        reading(member(name, &["1"]), matched, failed, settings, &mut doings)
    }

    #[test]
    fn a_person_the_answer_leaves_out_is_a_failed_one_and_not_an_absent_one() {
        let read = read(Match::One(person("7")), "ADiaz", &BTreeMap::new(), &Settings::defaults());
        assert_eq!(read.person_number.as_deref(), Some("7"));
        assert!(matches!(read.found, Found::Failed { .. }));
    }

    #[test]
    fn an_error_for_one_name_is_that_workers_alone() {
        let failed = BTreeMap::from([("adiaz".to_owned(), "WCO-1".to_owned())]);
        let settings = Settings { identities: Pins::from([("other".to_owned(), "8".to_owned())]), ..Settings::defaults() };
        let found = |name| read(Match::None, name, &failed, &settings).found;
        assert_eq!(found("ADiaz"), Found::Failed { message: "WCO-1".into() });
        assert_eq!(found("Nobody"), Found::NotInKronos);
        assert_eq!(found("Other"), Found::PinnedToNobody("8".into()));
    }

    #[test]
    fn two_users_of_one_person_both_get_what_the_person_is_doing() {
        let wanted = Wanted::of(&[Match::One(person("7")), Match::None, Match::One(person("7"))]);
        assert_eq!(wanted.numbers(), ["7"]);
        let mut doings = Doings { of: BTreeMap::from([("7".to_owned(), Doing::OnPremise(true))]), wanted };
        assert!(doings.take("7").is_some() && doings.take("7").is_some());
        assert!(doings.take("7").is_none() && doings.of.is_empty());
    }
}
