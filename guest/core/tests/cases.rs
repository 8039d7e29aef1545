//! Runs the public set of cases: every file of `cases/` tells one story of a worker, `cases/README.md` says how to read one.
//!
//! A story goes the whole way: who the worker is, what the reading comes to, what is stored, what is decided. No rule is
//! held here; a rule that only this file knew would be in no product.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use expect_test::expect_file;
use serde::Deserialize;
use shift_access_core::decide::{Reach, decide};
use shift_access_core::event::{Direction, Reported};
use shift_access_core::identity::{DirectoryUser, Match, Person, match_members, members};
use shift_access_core::ids;
use shift_access_core::plan::{Change, Context, Found, Reading, plan};
use shift_access_core::record::Record;
use shift_access_core::settings::{Settings, Value};
use shift_access_core::status::{Reason, SourceKind, Status, Verdict};
use shift_access_core::timecard::{Override, Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};
use shift_access_core::zone::{KronosZone, Zones};
use toml::value::Datetime;

/// With fewer stories than this, some have got lost.
const AT_LEAST: usize = 80;
/// The rows of design §5, each of which some story must show.
const ROWS: std::ops::RangeInclusive<u8> = 1..=11;
/// Whom a story is about unless it names others.
const WORKER: &str = "maria";
const NUMBER: &str = "100007";

type Problems = Vec<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    title: String,
    why: String,
    rows: BTreeSet<u8>,
    #[serde(default)]
    ukg: Ukg,
    directory: Option<Vec<UserLine>>,
    #[serde(default)]
    exempt: bool,
    #[serde(default)]
    properties: BTreeMap<String, toml::Value>,
    then: Vec<Step>,
}

/// What UKG holds. What a step says of it replaces what was said before, the rest stays.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Ukg {
    zone: Option<String>,
    person_zone: Option<String>,
    zone_list: Option<Vec<ListedZone>>,
    people: Option<Vec<PersonLine>>,
    punches: Option<Vec<PunchLine>>,
    shifts: Option<Vec<ShiftLine>>,
    error: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct ListedZone {
    id: String,
    names: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct PersonLine {
    number: String,
    user: String,
    zone: Option<String>,
    #[serde(default)]
    terminated: bool,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct PunchLine {
    id: i64,
    at: Datetime,
    zone: Option<String>,
    r#override: Option<String>,
    #[serde(default)]
    transfer: bool,
    #[serde(default)]
    phantom: bool,
    #[serde(default)]
    scheduled: bool,
    entered: Option<Datetime>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ShiftLine {
    id: i64,
    start: Option<Datetime>,
    end: Option<Datetime>,
    zone: Option<String>,
    #[serde(default)]
    in_progress: bool,
    #[serde(default)]
    projected: bool,
    #[serde(default)]
    from_schedule: bool,
    #[serde(default)]
    spans: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct UserLine {
    user: String,
    domain: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Step {
    now: Datetime,
    #[serde(default, rename = "note")]
    _note: String,
    ukg: Option<Ukg>,
    properties: Option<BTreeMap<String, toml::Value>>,
    read: Option<bool>,
    read_at: Option<Datetime>,
    #[serde(default)]
    unreachable: bool,
    event: Option<EventLine>,
    person: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    since: Option<Datetime>,
    decision: Option<String>,
    on_premise: Option<OnPremise>,
}

/// An event that came while UKG could not be asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    direction: Option<String>,
    at: Datetime,
}

/// The same moment, for a tenant with `status-source = "on-premise"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnPremise {
    flag: Option<bool>,
    status: String,
    reason: Option<String>,
    since: Option<Datetime>,
    decision: String,
    differs: Option<String>,
}

#[test]
fn every_story_comes_out_as_it_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut problems = Problems::new();
    let files = stories_in(&folder, &mut problems);
    let mut told = Told::default();
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        let wrong = run_file(file, &mut told).unwrap_or_else(|unread| vec![unread]);
        problems.extend(wrong.into_iter().map(|wrong| format!("{name}\n    {wrong}")));
    }
    problems.extend(told.missing());
    if files.len() < AT_LEAST {
        problems.push(format!("only {} stories, at least {AT_LEAST} wanted", files.len()));
    }
    assert!(problems.is_empty(), "{} of {} stories:\n\n{}\n", problems.len(), files.len(), problems.join("\n\n"));
}

/// Themes that the page of the rules has a section for besides the rows.
const SECTIONS: [(&str, &str); 5] =
    [("Zones", "zones"), ("Clock changes", "clock-changes"), ("Identity", "identity"), ("Events", "events"), ("Decisions", "decisions")];
/// What comes after this line is made from the stories.
const GENERATED: &str = "<!-- From here on written by tests/cases.rs: UPDATE_EXPECT=1 rewrites it. -->\n";

#[test]
fn every_rule_links_the_stories_that_show_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = include_str!("../RULES.md");
    let (by_hand, _) = kept.split_once(GENERATED).unwrap_or_else(|| panic!("RULES.md has no line {GENERATED}"));
    expect_file!["../RULES.md"].assert_eq(&format!("{by_hand}{GENERATED}{}", story_lists(root)));
    for row in ROWS {
        assert!(by_hand.contains(&format!("| [{row}](#row-{row}) |")), "the table of the rules has no row {row}");
    }
    for word in Reason::ALL.iter().map(|reason| reason.word()).chain(Verdict::ALL.iter().map(|verdict| verdict.word())) {
        assert!(by_hand.contains(&format!("`{word}`")), "the rules do not tell of {word}");
    }
}

/// The stories by row, and by theme where a section tells of it or a story shows no row.
fn story_lists(root: &Path) -> String {
    let files = stories_in(&root.join("tests/cases"), &mut Problems::new());
    let read = |file: &PathBuf| toml::from_str::<Story>(&std::fs::read_to_string(file).unwrap()).unwrap();
    let stories: Vec<_> = files.iter().map(|file| (file.strip_prefix(root).unwrap(), read(file))).collect();
    let theme = |path: &Path| path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let list = |heading: String, chosen: &dyn Fn(&Path, &Story) -> bool| {
        let links = stories.iter().filter(|(path, story)| chosen(path, story));
        let links: Vec<_> = links.map(|(path, story)| format!("- [{}]({})\n", story.title, path.display())).collect();
        format!("\n### {heading}\n\n<details><summary>Stories: {}</summary>\n\n{}\n</details>\n", links.len(), links.concat())
    };
    let themes: BTreeSet<_> = SECTIONS.iter().map(|(_, theme)| (*theme).to_owned()).collect();
    let lost = stories.iter().find(|(path, story)| story.rows.is_empty() && !themes.contains(&theme(path)));
    assert!(lost.is_none_or(|(path, _)| panic!("{} shows no row and is in no section", path.display())));
    let rows = ROWS.map(|row| list(format!("Row {row}"), &|_, story| story.rows.contains(&row)));
    let sections = SECTIONS.iter().map(|(heading, wanted)| list((*heading).to_owned(), &|path, _| theme(path) == *wanted));
    format!("\n## The stories\n{}", rows.chain(sections).collect::<String>())
}

/// What the stories have shown together.
#[derive(Default)]
struct Told {
    rows: BTreeSet<u8>,
    reasons: BTreeSet<String>,
    decided: BTreeSet<String>,
}

impl Told {
    fn missing(&self) -> Problems {
        let rows = ROWS.filter(|row| !self.rows.contains(row)).map(|row| format!("no story shows row {row}"));
        let reasons = Reason::ALL.iter().map(|reason| reason.word()).filter(|word| !self.reasons.contains(*word));
        let verdicts = Verdict::ALL.iter().map(|verdict| verdict.word()).filter(|word| !self.decided.contains(*word));
        rows.chain(reasons.chain(verdicts).map(|word| format!("no story expects the reason {word}"))).collect()
    }
}

/// The stories, in order. Anything else in the folder is a problem, so that no story is left out by its name.
fn stories_in(folder: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let (themes, loose): (Vec<_>, Vec<_>) = entries(folder).into_iter().partition(|path| path.is_dir());
    let (stories, strays): (Vec<_>, Vec<_>) = themes
        .iter()
        .flat_map(|theme| entries(theme))
        .partition(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "toml"));
    let strays = strays.into_iter().chain(loose.into_iter().filter(|path| !path.ends_with("README.md")));
    problems.extend(strays.map(|path| format!("{}: no story, and nothing else belongs here", path.display())));
    stories
}

fn run_file(file: &Path, told: &mut Told) -> Result<Problems, String> {
    let text = std::fs::read_to_string(file).unwrap();
    let story: Story = toml::from_str(&text).map_err(|error| format!("not understood: {error}"))?;
    let sentence = slug(&story.title);
    if file.file_stem().is_none_or(|stem| stem != sentence.as_str()) {
        return Err(format!("a story is named as its title: {sentence}.toml"));
    }
    if story.why.trim().is_empty() || story.then.is_empty() || story.rows.iter().any(|row| !ROWS.contains(row)) {
        return Err("a story says why it matters, has a step, and shows rows of the design".to_owned());
    }
    if story.ukg.error.is_some() {
        return Err("an error is of one reading: say it in the step".to_owned());
    }
    if story.owes_the_flag() {
        return Err(
            "the on-premise flag reads breaks, limits, nights and unknown zones otherwise: say how, in [then.on-premise]".to_owned()
        );
    }
    told.rows.extend(&story.rows);
    run(&story, told)
}

fn slug(title: &str) -> String {
    let plain = title.replace('\'', "").to_lowercase();
    plain.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The world of a story as the steps change it, and the record that each of the two sources has left.
struct World<'a> {
    story: &'a Story,
    ukg: Ukg,
    properties: BTreeMap<String, toml::Value>,
    timecards: Option<Record>,
    on_premise: Option<Record>,
}

fn run(story: &Story, told: &mut Told) -> Result<Problems, String> {
    let mut problems = Problems::new();
    let mut world = World { story, ukg: story.ukg.clone(), properties: story.properties.clone(), timecards: None, on_premise: None };
    for step in &story.then {
        let at = |wrong: String| format!("{}: {wrong}", step.now);
        world.change(step);
        if step.status.is_none() && step.on_premise.is_none() {
            return Err(at("a step without a status expects nothing".to_owned()));
        }
        if let Some(wanted) = Outcome::wanted(&step.status, &step.reason, step.since, &step.decision)? {
            let found = world.timecards(step).map_err(at)?;
            wanted.hold_against(&found, told, &mut problems, step, "");
            let number = world.timecards.as_ref().and_then(|record| record.person_number.as_ref());
            if step.person.as_ref().is_some_and(|person| Some(person) != number) {
                problems.push(at(format!("expected person {:?}, found {number:?}", step.person)));
            }
        }
        if let Some(told_of) = &step.on_premise {
            if step.status.is_some() != told_of.differs.as_ref().is_some_and(|differs| !differs.trim().is_empty()) {
                return Err(at("where both sources are told of, and only there, `differs` says what differs and why".to_owned()));
            }
            let wanted = Outcome::wanted(&Some(told_of.status.clone()), &told_of.reason, told_of.since, &Some(told_of.decision.clone()))?;
            let found = world.on_premise(step, told_of.flag).map_err(at)?;
            wanted.unwrap().hold_against(&found, told, &mut problems, step, " (on-premise)");
        }
    }
    Ok(problems)
}

/// What a step comes to: status, reason, since, and decision.
#[derive(PartialEq, Eq)]
struct Outcome {
    status: String,
    reason: Option<String>,
    since: Option<DateTime<Utc>>,
    decision: String,
}

impl Outcome {
    fn wanted(
        status: &Option<String>,
        reason: &Option<String>,
        since: Option<Datetime>,
        decision: &Option<String>,
    ) -> Result<Option<Self>, String> {
        let Some(status) = status.clone() else {
            let nothing = reason.is_none() && since.is_none() && decision.is_none();
            return if nothing { Ok(None) } else { Err("a reason, a since or a decision without a status".to_owned()) };
        };
        let decision = decision.clone().ok_or("a status without a decision")?;
        Ok(Some(Self { status, reason: reason.clone(), since: since.map(instant).transpose()?, decision }))
    }

    fn found(record: Option<&Record>, story: &Story, reach: Reach, settings: &Settings, now: DateTime<Utc>) -> Self {
        let decision = decide(record, story.exempt, reach, settings, now);
        let may = if decision.allow { "allow" } else { "deny" };
        Self {
            status: decision.status.word().to_owned(),
            reason: record.map(|record| record.reason.word().to_owned()),
            since: decision.since,
            decision: format!("{may}, {}", decision.reason),
        }
    }

    fn hold_against(&self, found: &Self, told: &mut Told, problems: &mut Problems, step: &Step, source: &str) {
        told.reasons.extend(self.reason.clone());
        told.decided.extend(self.decision.split(", ").nth(1).map(str::to_owned));
        if self != found {
            problems.push(format!("{}{source}\n    expected {}\n    found    {}", step.now, self.said(), found.said()));
        }
    }

    fn said(&self) -> String {
        let since = self.since.map_or("nothing".to_owned(), |since| since.to_rfc3339_opts(SecondsFormat::Secs, true));
        format!("{} ({}) since {since}; {}", self.status, self.reason.as_deref().unwrap_or("no record"), self.decision)
    }
}

impl World<'_> {
    fn change(&mut self, step: &Step) {
        if let Some(ukg) = step.ukg.clone() {
            let was = std::mem::take(&mut self.ukg);
            self.ukg = Ukg {
                zone: ukg.zone.or(was.zone),
                person_zone: ukg.person_zone.or(was.person_zone),
                zone_list: ukg.zone_list.or(was.zone_list),
                people: ukg.people.or(was.people),
                punches: ukg.punches.or(was.punches),
                shifts: ukg.shifts.or(was.shifts),
                // An error is of one reading.
                error: ukg.error,
            };
        } else {
            self.ukg.error = None;
        }
        self.properties.extend(step.properties.clone().into_iter().flatten());
    }

    fn settings(&self, source: &str) -> Result<Settings, String> {
        let groups = ("user-groups".to_owned(), Value::Text("Hourly staff".to_owned()));
        let given = self.properties.iter().map(|(key, value)| Ok((key.clone(), property(value)?)));
        let mut values: BTreeMap<String, Value> = given.collect::<Result<_, String>>()?;
        values.extend([groups, ("status-source".to_owned(), Value::Text(source.to_owned()))]);
        Settings::from_values(&values).map_err(|problems| format!("the properties are wrong: {problems:?}"))
    }

    fn timecards(&mut self, step: &Step) -> Result<Outcome, String> {
        let settings = self.settings("timecards")?;
        if let Some(event) = &step.event {
            let arriving = reported(event, &settings, step)?;
            let stored = self.timecards.take();
            self.timecards = match (stored, arriving) {
                (Some(stored), Some(arriving)) if !stored.yields_to(&arriving) => Some(stored),
                (stored, arriving) => arriving.or(stored),
            };
        } else if step.reads() {
            let card = self.ukg.card()?;
            let reversed = twice_in_reverse(&card);
            let found = |card| Found::Card { card, person_zone: None };
            let once = self.read(found(card), self.timecards.clone(), &settings, step)?;
            let twice = self.read(found(reversed), self.timecards.clone(), &settings, step)?;
            let same = match (&once, &twice) {
                (Some(once), Some(twice)) => once.says_the_same_as(twice),
                _ => once.is_none() && twice.is_none(),
            };
            if !same {
                return Err(format!("order and duplicates matter: {once:?} and {twice:?}"));
            }
            self.timecards = once;
        }
        Ok(Outcome::found(self.timecards.as_ref(), self.story, step.reach(), &settings, instant(step.now)?))
    }

    fn on_premise(&mut self, step: &Step, flag: Option<bool>) -> Result<Outcome, String> {
        let settings = self.settings("on-premise")?;
        if let Some(flag) = flag.filter(|_| step.reads()) {
            self.on_premise = self.read(Found::OnPremise(flag), self.on_premise.clone(), &settings, step)?;
        }
        Ok(Outcome::found(self.on_premise.as_ref(), self.story, step.reach(), &settings, instant(step.now)?))
    }

    /// The record of the worker after a reading that finds `held` for the person whom the worker is matched with.
    fn read(&self, held: Found, stored: Option<Record>, settings: &Settings, step: &Step) -> Result<Option<Record>, String> {
        let now = instant(step.read_at.unwrap_or(step.now))?;
        let zones = Zones::new(settings, self.ukg.zone_list());
        let members = members(self.story.directory());
        let matched = match_members(&members, &self.ukg.people(), &self.ukg.people(), &settings.identities);
        let readings: Vec<_> = members
            .iter()
            .zip(matched)
            .map(|(member, matched)| {
                let nothing = || Found::Card { card: Timecard::default(), person_zone: None };
                self.reading(&member.user, matched, if member.key == WORKER { held.clone() } else { nothing() })
            })
            .collect();
        let context = Context { settings, zones: &zones, now, run: "r1", kind: SourceKind::Batch };
        let mut records: BTreeMap<_, _> = stored.map(|record| (WORKER.to_owned(), record)).into_iter().collect();
        let first = plan(readings.clone(), &records, context);
        records.extend(first.steps.into_iter().map(|step| (step.key, step.record)));
        match plan(readings, &records, context).steps.iter().find(|step| step.change != Change::Unchanged) {
            Some(step) => Err(format!("planned again, it changes: {}", step.why)),
            None => Ok(records.remove(WORKER)),
        }
    }

    /// As the gather step of the plugin puts it.
    fn reading(&self, user: &str, matched: Match, held: Found) -> Reading {
        let (person_number, found) = match matched {
            Match::None => (None, Found::NotInKronos),
            Match::SeveralPersons(numbers) => (None, Found::AmbiguousPersons(numbers)),
            Match::SeveralUsers(domains) => (None, Found::AmbiguousUsers(domains)),
            Match::One(person) => {
                let found = match (held, self.ukg.error.clone()) {
                    (_, Some(message)) => Found::Failed { message },
                    (Found::Card { card, .. }, None) => Found::Card { card, person_zone: person.zone },
                    (held, None) => held,
                };
                (Some(person.person_number), found)
            }
        };
        Reading { user: user.to_owned(), person_number, found }
    }
}

impl Story {
    fn directory(&self) -> Vec<DirectoryUser> {
        let only = vec![UserLine { user: WORKER.to_owned(), domain: None }];
        let users = self.directory.clone().unwrap_or(only).into_iter().enumerate();
        users.map(|(at, line)| DirectoryUser { id: format!("u{at}"), user_name: line.user, domain: line.domain }).collect()
    }
}

/// The reasons that rest on what the on-premise flag does not know: breaks, limits, zones, and shifts that need no punch.
const WITHOUT_FLAG: [Reason; 5] =
    [Reason::BetweenSpans, Reason::BreakTooLong, Reason::OpenTooLong, Reason::ZoneUnknown, Reason::ShiftInProgress];

impl Story {
    /// Whether it tells of a moment at which the flag may say otherwise, and never what it says.
    fn owes_the_flag(&self) -> bool {
        let tells = self.then.iter().any(|step| step.on_premise.is_some());
        !tells && self.then.iter().any(|step| step.rests_on_what_the_flag_does_not_know() || step.is_after_midnight())
    }
}

impl Step {
    fn rests_on_what_the_flag_does_not_know(&self) -> bool {
        WITHOUT_FLAG.iter().any(|reason| self.reason.as_deref() == Some(reason.word()))
    }

    /// On shift since another day: the flag tells of the current day alone (facts/ukg-pro-wfm.md §3.1).
    fn is_after_midnight(&self) -> bool {
        let on_shift = self.status.as_deref() == Some(Status::OnShift.word());
        on_shift && self.since.is_some_and(|since| since.date != self.now.date)
    }

    fn reads(&self) -> bool {
        self.read.unwrap_or(!self.unreachable)
    }

    fn reach(&self) -> Reach {
        if self.unreachable { Reach::Failed } else { Reach::Reached }
    }
}

impl Ukg {
    fn people(&self) -> Vec<Person> {
        let only = vec![PersonLine { number: NUMBER.to_owned(), user: WORKER.to_owned(), zone: None, terminated: false }];
        let people = self.people.clone().unwrap_or(only).into_iter();
        let person = |line: PersonLine| Person {
            person_number: line.number,
            user_name: line.user,
            zone: line.zone.or_else(|| self.person_zone.clone()).map(ZoneRef::named),
            terminated: line.terminated,
        };
        people.map(person).collect()
    }

    fn zone_list(&self) -> Vec<KronosZone> {
        self.zone_list.iter().flatten().map(|zone| KronosZone { id: Some(zone.id.clone()), names: zone.names.clone() }).collect()
    }

    fn card(&self) -> Result<Timecard, String> {
        let punches = self.punches.iter().flatten().map(|line| self.punch(line)).collect::<Result<Vec<_>, _>>()?;
        let shifts = self.shifts.iter().flatten().map(|line| self.shift(line, &punches)).collect::<Result<_, _>>()?;
        Ok(Timecard { punches, shifts })
    }

    /// A zone reference: all digits are the Kronos number, anything else the name, nothing at all no reference.
    fn zone(&self, own: Option<&String>) -> ZoneRef {
        match own.or(self.zone.as_ref()) {
            Some(text) if text.is_empty() => ZoneRef::default(),
            Some(text) if text.bytes().all(|letter| letter.is_ascii_digit()) => ZoneRef { id: Some(text.clone()), ..ZoneRef::default() },
            text => ZoneRef { qualifier: text.cloned(), ..ZoneRef::default() },
        }
    }

    fn punch(&self, line: &PunchLine) -> Result<Punch, String> {
        let kind = line.r#override.as_deref().map(|name| match name {
            "In Punch" => Override::In,
            "Out Punch" => Override::Out,
            "New Shift" => Override::NewShift,
            rule => Override::Break(rule.to_owned()),
        });
        Ok(Punch {
            id: line.id,
            at: local(line.at)?,
            zone: self.zone(line.zone.as_ref()),
            kind,
            transfer: line.transfer,
            phantom: line.phantom,
            scheduled: line.scheduled,
            entered: line.entered.map(local).transpose()?,
        })
    }

    fn shift(&self, line: &ShiftLine, punches: &[Punch]) -> Result<WorkedShift, String> {
        let zone = self.zone(line.zone.as_ref());
        let spans = line.spans.iter().map(|text| span(text, &zone, punches)).collect::<Result<Vec<_>, _>>()?;
        let (first, last) = (spans.first(), spans.last());
        let start = line.start.map(local).transpose()?.or(first.map(|span| span.start)).ok_or("a shift without a start")?;
        let end = line.end.map(local).transpose()?.or(last.and_then(|span| span.end).filter(|_| !line.in_progress));
        Ok(WorkedShift {
            id: line.id,
            start,
            start_zone: first.map_or(zone.clone(), |span| span.start_zone.clone()),
            end,
            end_zone: last.map_or(zone, |span| span.end_zone.clone()),
            in_progress: line.in_progress,
            projected: line.projected,
            from_schedule: line.from_schedule,
            spans,
        })
    }
}

/// A span: `#1 to #2` between two punches, `#1 to` open, `#1 to 2026-11-20T00:00:00` an end that is no punch, `#1 at
/// 2026-11-20T08:00:00 to` a punch that the span shows at another time; with ` projected` at the end, not worked yet.
fn span(text: &str, zone: &ZoneRef, punches: &[Punch]) -> Result<WorkedSpan, String> {
    let (text, projected) = text.strip_suffix(" projected").map_or((text, false), |text| (text, true));
    let (start, end) = text.split_once(" to").ok_or_else(|| format!("a span without \" to\": {text}"))?;
    let side = |text: &str| -> Result<(NaiveDateTime, ZoneRef, Option<i64>), String> {
        let local = |text: &str| text.parse::<NaiveDateTime>().map_err(|_| format!("no punch and no local time: {text}"));
        let Some(punch) = text.strip_prefix('#') else {
            return Ok((local(text)?, zone.clone(), None));
        };
        let (id, at) = punch.split_once(" at ").map_or((punch, None), |(id, at)| (id, Some(at)));
        let punch = punches.iter().find(|punch| id.parse() == Ok(punch.id)).ok_or_else(|| format!("there is no punch #{id}"))?;
        Ok((at.map(local).transpose()?.unwrap_or(punch.at), punch.zone.clone(), Some(punch.id)))
    };
    let (start, start_zone, start_punch) = side(start.trim())?;
    let end = Some(end.trim()).filter(|end| !end.is_empty()).map(side).transpose()?;
    let (end, end_zone, end_punch) = end.map_or((None, ZoneRef::default(), None), |(at, zone, punch)| (Some(at), zone, punch));
    Ok(WorkedSpan { start, start_zone, end, end_zone, start_punch, end_punch, projected })
}

/// The record as an event leaves it that came while UKG could not be asked; none where it says too little.
fn reported(event: &EventLine, settings: &Settings, step: &Step) -> Result<Option<Record>, String> {
    let direction = event.direction.as_deref().map(|word| Direction::from_word(word).ok_or_else(|| format!("no direction is {word}")));
    let reported = Reported {
        user: WORKER.to_owned(),
        person_number: Some(NUMBER.to_owned()),
        at: instant(event.at)?,
        tz: None,
        direction: direction.transpose()?,
        run: String::new(),
    };
    Ok(reported.record(settings, instant(step.now)?))
}

fn twice_in_reverse(card: &Timecard) -> Timecard {
    let mut turned = card.clone();
    turned.punches.extend(card.punches.clone());
    turned.shifts.extend(card.shifts.clone());
    turned.punches.reverse();
    turned.shifts.reverse();
    turned.shifts.iter_mut().for_each(|shift| shift.spans.reverse());
    turned
}

fn property(value: &toml::Value) -> Result<Value, String> {
    let text = |value: &toml::Value| value.as_str().map(str::to_owned).ok_or_else(|| format!("not a text: {value}"));
    Ok(match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Number(*number),
        toml::Value::Boolean(on) => Value::Switch(*on),
        toml::Value::Array(items) => Value::Items(items.iter().map(text).collect::<Result<_, _>>()?),
        toml::Value::Table(rows) => {
            Value::Table(rows.iter().map(|(key, value)| Ok((ids::key(key), text(value)?))).collect::<Result<_, String>>()?)
        }
        other => return Err(format!("no property is {other}")),
    })
}

fn instant(at: Datetime) -> Result<DateTime<Utc>, String> {
    at.to_string().parse().map_err(|_| format!("{at} must carry an offset"))
}

fn local(at: Datetime) -> Result<NaiveDateTime, String> {
    at.to_string().parse().map_err(|_| format!("{at} must be a local time without an offset"))
}
