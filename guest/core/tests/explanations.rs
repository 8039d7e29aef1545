//! The explanations a clerk reads, for stories worth one, as one text.
//!
//! `UPDATE_EXPECT=1 cargo nextest run -p shift-access-core` writes the text anew; read the difference before you keep it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Duration, NaiveDateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use expect_test::expect_file;
use shift_access_core::decide::Reach;
use shift_access_core::event::{Direction, Reported};
use shift_access_core::explain::{Kept, explain};
use shift_access_core::plan::{Context, Found, Reading, plan};
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;
use shift_access_core::status::{Reason, SourceKind, Verdict};
use shift_access_core::timecard::{Override, Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};
use shift_access_core::zone::Zones;

const WORKER: &str = "maria";
const NEW_YORK: &str = "America/New_York";

/// One worker, read at one moment and asked about at another.
struct Story {
    title: &'static str,
    found: Option<Found>,
    read: &'static str,
    minutes_later: i64,
    settings: Settings,
    /// Other settings at the reading than now.
    read_under: Option<Settings>,
    damaged: bool,
    exempt: bool,
    reach: Reach,
    kind: SourceKind,
}

impl Story {
    fn of(title: &'static str, card: Timecard) -> Self {
        Self { found: Some(Found::Card { card, person_zone: None }), ..Self::without(title) }
    }

    fn found(title: &'static str, found: Found) -> Self {
        Self { found: Some(found), ..Self::without(title) }
    }

    fn without(title: &'static str) -> Self {
        let settings = Settings {
            user_groups: vec!["Store 12 Hourly".into(), "Store 14 Hourly".into()],
            exempt_groups: vec!["Managers".into()],
            ..Settings::defaults()
        };
        let (found, read, reach) = (None, "2026-11-20T19:00:00Z", Reach::Reached);
        let kind = SourceKind::Batch;
        Self { title, found, read, minutes_later: 2, settings, read_under: None, damaged: false, exempt: false, reach, kind }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    fn at_home_in(mut self, zone: &str) -> Self {
        if let Some(Found::Card { person_zone, .. }) = &mut self.found {
            *person_zone = Some(ZoneRef::named(zone));
        }
        self
    }

    fn read(&self) -> DateTime<Utc> {
        self.read.parse().unwrap()
    }

    fn record(&self) -> Option<Record> {
        let reading = Reading { user: WORKER.into(), person_number: Some("100007".into()), found: self.found.clone()? };
        let settings = self.read_under.as_ref().unwrap_or(&self.settings);
        let zones = Zones::new(settings, Vec::new());
        let run = if self.kind == SourceKind::Batch { "01f0" } else { "" };
        let context = Context { settings, zones: &zones, now: self.read(), run, kind: self.kind };
        plan(vec![reading], &BTreeMap::new(), context).steps.pop().map(|step| step.record)
    }

    fn told(&self, record: Option<&Record>) -> String {
        let now = self.read() + Duration::minutes(self.minutes_later);
        let mut text = format!("## {}\n", self.title);
        let kept = match record {
            Some(record) => Kept::Record(record),
            None if self.damaged => Kept::Damaged,
            None => Kept::Nothing,
        };
        for step in explain(WORKER, kept, self.exempt, self.reach, &self.settings, now) {
            let at = step.at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
            writeln!(text, "{at:20}  {}", step.what).unwrap();
        }
        text
    }
}

fn local(text: &str) -> NaiveDateTime {
    let whole = if text.len() == 8 { format!("2026-11-{text}:00") } else { format!("{text}:00") };
    whole.parse().unwrap()
}

fn punch(id: i64, at: &str) -> Punch {
    let zone = ZoneRef::named(NEW_YORK);
    Punch { id, at: local(at), zone, kind: None, transfer: false, phantom: false, scheduled: false, entered: None }
}

fn marked(id: i64, at: &str, kind: Override) -> Punch {
    Punch { kind: Some(kind), ..punch(id, at) }
}

fn transfer(id: i64, at: &str) -> Punch {
    Punch { transfer: true, ..punch(id, at) }
}

/// A span such as `20T08:00..20T12:00`, or `20T08:00..` while it is open; its ends are punches.
fn span(text: &str) -> WorkedSpan {
    let (start, end) = text.split_once("..").unwrap();
    let end = Some(end).filter(|end| !end.is_empty()).map(local);
    let ends = |at: NaiveDateTime| -at.and_utc().timestamp();
    WorkedSpan {
        start: local(start),
        start_zone: ZoneRef::named(NEW_YORK),
        end,
        end_zone: ZoneRef::default(),
        start_punch: Some(ends(local(start))),
        end_punch: end.map(ends),
        projected: false,
    }
}

fn shift(id: i64, in_progress: bool, start: &str, spans: &[&str]) -> WorkedShift {
    let spans: Vec<_> = spans.iter().copied().map(span).collect();
    WorkedShift {
        id,
        start: local(start),
        start_zone: ZoneRef::named(NEW_YORK),
        end: spans.iter().filter_map(|span| span.end).max().filter(|_| !in_progress),
        end_zone: ZoneRef::default(),
        in_progress,
        projected: false,
        from_schedule: false,
        spans,
    }
}

fn card(punches: Vec<Punch>, shifts: Vec<WorkedShift>) -> Timecard {
    Timecard { punches, shifts }
}

fn working() -> Timecard {
    card(vec![], vec![shift(1, true, "20T08:00", &["20T08:00.."])])
}

fn clocked_out() -> Timecard {
    card(vec![], vec![shift(1, false, "20T06:00", &["20T06:00..20T10:00", "20T10:30..20T13:55"])])
}

fn unpunched() -> Timecard {
    card(vec![], vec![shift(1, true, "20T08:00", &[])])
}

fn forgotten() -> Timecard {
    card(vec![], vec![shift(1, true, "19T18:00", &["19T18:00.."])])
}

/// Under which a break of a quarter of an hour is too long.
fn short_break_limit() -> Settings {
    Settings { max_break: Duration::minutes(10), ..Settings::defaults() }
}

fn phantoms() -> impl Iterator<Item = Punch> {
    (10..15).map(|minute| Punch { phantom: true, ..punch(100 + minute, &format!("20T09:{minute}")) })
}

fn left_out() -> Timecard {
    let scheduled = Punch { scheduled: true, ..punch(200, "20T17:00") };
    let edited = Punch { entered: Some(local("20T08:30")), ..punch(1, "20T08:20") };
    let edit = Punch { entered: Some(local("20T08:40")), ..punch(1, "20T08:00") };
    let ahead = punch(2, "20T15:30");
    let by_schedule = WorkedShift { from_schedule: true, ..shift(7, false, "21T08:00", &["21T08:00.."]) };
    let projected = WorkedShift { projected: true, ..shift(8, false, "22T08:00", &["22T08:00.."]) };
    let punches = phantoms().chain([scheduled, edited, edit, ahead]).collect();
    card(punches, vec![by_schedule, projected, shift(1, true, "20T08:00", &["20T08:00.."])])
}

fn not_totalled() -> Timecard {
    let punches = vec![
        transfer(2, "20T09:00"),
        punch(3, "20T11:00"),
        transfer(4, "20T11:10"),
        marked(5, "20T11:30", Override::Break("30 Min Meal".into())),
        marked(6, "20T12:00", Override::In),
        marked(7, "20T13:00", Override::Out),
        punch(8, "20T13:20"),
        marked(9, "20T13:40", Override::NewShift),
    ];
    card(punches, vec![shift(1, true, "20T08:00", &["20T08:00.."])])
}

fn stories() -> Vec<Story> {
    let pausing = || card(vec![], vec![shift(1, true, "20T08:00", &["20T08:00..20T13:45"])]);
    let many = || (0..40).map(|at| punch(at + 1, &format!("20T{:02}:{:02}", 8 + at / 10, at % 10 * 5))).collect();
    let night = "2026-11-01T09:00:00Z";
    let away = Punch { zone: ZoneRef::named("Nowhere"), ..punch(1, "20T08:00") };
    let nowhere = Punch { zone: ZoneRef { id: Some("99".into()), ..ZoneRef::default() }, ..punch(1, "20T08:00") };
    vec![
        Story::of("Clocked in", working()),
        Story {
            kind: SourceKind::LookUp,
            ..Story::of(
                "Clocked in, after a break and a transfer, read by a look-up",
                card(vec![], vec![shift(1, true, "20T06:00", &["20T06:00..20T09:00", "20T09:30..20T11:00", "20T11:00.."])]),
            )
        },
        Story::of("A break", pausing()),
        Story::of("A break, where on-break = deny", pausing()).with(|settings| settings.allow_on_break = false),
        Story::of("A break late in a long shift", card(vec![], vec![shift(1, true, "19T22:30", &["19T22:30..20T13:45"])])),
        Story::of("A break that grew too long", card(vec![], vec![shift(1, true, "20T08:00", &["20T08:00..20T11:00"])])),
        Story { read_under: Some(short_break_limit()), ..Story::of("A break that grew too long, by the setting of then", pausing()) },
        Story::of("A shift that needs no punches", unpunched()),
        Story::of("A shift that needs no punches, where on-break = deny, with a grace", unpunched()).with(|settings| {
            settings.allow_on_break = false;
            settings.grace_after = Duration::minutes(15);
        }),
        Story::of("Clocked in, where on-break = deny", working()).with(|settings| settings.allow_on_break = false),
        Story::of("Clocked in, with a grace", working()).with(|settings| settings.grace_after = Duration::minutes(15)),
        Story::of("A forgotten out punch", forgotten()),
        Story { read_under: Some(Settings::defaults()), ..Story::of("A forgotten out punch, by the setting of then", forgotten()) }
            .with(|settings| settings.max_shift = Duration::hours(20)),
        Story::of(
            "Clocked out of a shift that Kronos has not ended",
            card(vec![], vec![shift(1, true, "19T18:00", &["19T18:00..19T23:00"])]),
        ),
        Story::of(
            "Yesterday's out punch forgotten, clocked in today",
            card(vec![], vec![shift(1, true, "19T18:00", &["19T18:00.."]), shift(2, true, "20T08:00", &["20T08:00.."])]),
        ),
        Story::of("Clocked out", clocked_out()),
        Story::of("Clocked out, in grace", clocked_out()).with(|settings| settings.grace_after = Duration::minutes(15)),
        Story { minutes_later: 20, ..Story::of("Clocked out, after the grace", clocked_out()) }
            .with(|settings| settings.grace_after = Duration::minutes(15)),
        Story::of("Clocked out, in a grace that ends before the reading is too old, where authorize-unknown = true", clocked_out()).with(
            |settings| {
                settings.grace_after = Duration::minutes(15);
                settings.authorize_unknown = true;
            },
        ),
        Story::of("Clocked out, in a grace longer than a reading is good", clocked_out())
            .with(|settings| settings.grace_after = Duration::minutes(120)),
        Story { exempt: true, ..Story::of("Clocked out, in an exempt group", clocked_out()) },
        Story { exempt: true, ..Story::of("Clocked in, in an exempt group", working()) },
        Story::of("Nothing", card(vec![], vec![])),
        Story::of("Nothing, of a person whose zone is known", card(vec![], vec![])).at_home_in("America/Chicago"),
        Story::of("Nothing that counts", card(phantoms().collect(), vec![])),
        Story::of("The first punch of the day, in no shift yet", card(vec![punch(1, "20T13:50")], vec![])),
        Story::of("In and out, in no shift yet", card(vec![punch(1, "20T08:00"), punch(2, "20T13:50")], vec![])),
        Story::of("Punches in no shift yet, of every kind", not_totalled()),
        Story::of("Forty punches in no shift yet", card(many(), vec![shift(1, true, "20T07:00", &[])])),
        Story::of("Punches and shifts left out", left_out()),
        Story {
            read: night,
            ..Story::of(
                "A night shift on which the clocks go back",
                card(vec![], vec![shift(1, true, "2026-10-31T20:00", &["2026-10-31T20:00..2026-11-01T01:40", "2026-11-01T02:10.."])]),
            )
        },
        Story { minutes_later: 90, ..Story::of("Too old", working()) },
        Story { minutes_later: 90, ..Story::of("Too old, where authorize-unknown = true", working()) }
            .with(|settings| settings.authorize_unknown = true),
        Story { minutes_later: 90, reach: Reach::Failed, ..Story::of("Too old, and Kronos not reached", working()) },
        Story { reach: Reach::Failed, ..Story::of("Clocked in, and Kronos not reached since", working()) }
            .with(|settings| settings.authorize_unreachable = true),
        Story::without("No record"),
        Story::without("No record, where authorize-unknown = true").with(|settings| settings.authorize_unknown = true),
        Story { exempt: true, ..Story::without("No record, in an exempt group") },
        Story { damaged: true, ..Story::without("A damaged record") },
        Story::found("Not in Kronos", Found::NotInKronos),
        Story::found("Pinned to nobody", Found::PinnedToNobody("100099".into())),
        Story::found("Several persons", Found::AmbiguousPersons(vec!["100007".into(), "100019".into()])),
        Story::found("Several users of the directory", Found::AmbiguousUsers(vec!["acme.example".into(), "shop.example".into()])),
        Story::found("An error of Kronos", Found::Failed { message: "WTK-112000 The employee is locked.".into() })
            .with(|settings| settings.authorize_unknown = true),
        Story::of("A zone that nothing translates", card(vec![nowhere], vec![])),
        Story::of("A zone that nothing translates, of a person whose own is known", card(vec![away], vec![])).at_home_in("America/Chicago"),
        Story::found("On the premises", Found::OnPremise(true)),
        Story::found("Not on the premises, with a default time zone", Found::OnPremise(false))
            .with(|settings| settings.default_time_zone = Some(NEW_YORK.into())),
    ]
}

/// Records as an event leaves them that came while Kronos could not be asked.
fn reported(direction: Direction, title: &'static str) -> String {
    let story = Story { reach: Reach::Failed, kind: SourceKind::Event, ..Story::without(title) };
    let reported = Reported {
        user: WORKER.into(),
        person_number: Some("100007".into()),
        at: story.read() - Duration::minutes(1),
        tz: Some(Tz::America__Chicago),
        direction: Some(direction),
        run: "01f1".into(),
    };
    story.told(reported.record(&story.settings, story.read()).as_ref())
}

fn explanations() -> String {
    let mut told: Vec<String> = stories().iter().map(|story| story.told(story.record().as_ref())).collect();
    told.push(reported(Direction::In, "An in punch that an event reported"));
    told.push(reported(Direction::Out, "An out punch that an event reported"));
    format!("The moment of a step, where it has one, and the step.\n\n{}", told.join("\n"))
}

#[test]
fn the_explanations_are_as_they_were() {
    expect_file!["explanations.txt"].assert_eq(&explanations());
}

#[test]
fn every_reason_and_every_verdict_is_explained() {
    let told = explanations();
    let words = Reason::ALL.iter().map(|reason| reason.word()).chain(Verdict::ALL.iter().map(|verdict| verdict.word()));
    for word in words {
        let answered = told.lines().any(|line| line.contains("open this now") && line.ends_with(&format!("({word}).")));
        assert!(answered, "no story is decided by {word}");
    }
}

#[test]
fn every_rule_is_named() {
    let told = explanations();
    for row in 1..=11 {
        assert!(told.contains(&format!("  Rule {row}: ")), "no story names rule {row}");
    }
}

#[test]
fn no_sentence_names_a_zone_twice() {
    for line in explanations().lines() {
        assert!(line.matches("(America/New_York)").count() <= 1, "{line}");
    }
}

/// The record that a forgotten shift leaves with one more punch in it, or with what else Kronos comes to show.
fn forgotten_and(punches: Vec<Punch>, shifts: Vec<WorkedShift>) -> Record {
    let shifts = if shifts.is_empty() { forgotten().shifts } else { shifts };
    Story::of("", card(punches, shifts)).record().unwrap()
}

#[test]
fn a_forgotten_shift_needs_what_its_explanation_says() {
    let ended = || shift(1, false, "19T18:00", &["19T18:00..19T23:00"]);
    let at = "20T13:00";
    for (punches, shifts, wanted) in [
        (vec![punch(9, at)], vec![], Reason::OpenTooLong),
        (vec![marked(9, at, Override::In)], vec![], Reason::OpenTooLong),
        (vec![marked(9, at, Override::NewShift)], vec![], Reason::ClockedIn),
        (vec![], vec![ended()], Reason::ClockedOut),
        (vec![punch(9, at)], vec![ended()], Reason::ClockedIn),
        (vec![], vec![forgotten().shifts.remove(0), shift(2, true, at, &["20T13:00.."])], Reason::ClockedIn),
    ] {
        assert_eq!(forgotten_and(punches.clone(), shifts.clone()).reason, wanted, "{punches:?} {shifts:?}");
    }
}

#[test]
fn a_record_without_a_zone_is_told_in_the_one_its_evidence_names() {
    let story = Story::of("", clocked_out());
    let record = Record { zone: None, ..story.record().unwrap() };
    assert_eq!(story.told(Some(&record)), story.told(story.record().as_ref()));
}

#[test]
fn a_record_without_evidence_tells_no_limit_of_today() {
    for reason in [Reason::OpenTooLong, Reason::BreakTooLong] {
        let story = Story::of("", forgotten());
        let told = story.told(Some(&Record { reason, evidence: vec![], ..story.record().unwrap() }));
        assert!(!told.contains("16 h") && !told.contains("90 min"), "{told}");
    }
}

#[test]
fn whoever_is_not_one_person_is_told_what_is_true_of_all_where_the_record_holds_no_more() {
    for (found, wanted) in [
        (Found::NotInKronos, "the line of the worker in the property identities if there is one"),
        (Found::AmbiguousUsers(vec![]), "if several users of the directory have it, keep one of them"),
    ] {
        let story = Story::found("", found);
        let told = story.told(Some(&Record { evidence: vec![], ..story.record().unwrap() }));
        assert!(told.contains(wanted), "{told}");
    }
}
