//! When a job starts by itself: days and times, or every so many minutes, in a zone. The next runs are shown before it is saved.

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use axum::extract::{Path as PathOf, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use serde::Deserialize;

use super::run::last_good;
use super::save::{self, Late, Stored};
use super::{Subject, problem_line};
use crate::config::document::Report;
use crate::config::{Cadence, Problem as Found, Schedule, read_schedules};
use crate::console::form::{Fields, Posted, given};
use crate::console::frame::{Done, Page, said};
use crate::console::moment::length;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem};
use crate::description::JobInfo;
use crate::managed::{Change, Document, Edit, Path, Value};
use crate::scheduler::Agenda;

const DAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];
/// Runs that are shown ahead.
const AHEAD: usize = 5;
/// The shortest interval that is proposed, in minutes.
const SHORTEST: u64 = 5;
/// The intervals that are proposed, in minutes.
const PROPOSED: [u64; 13] = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 360, 720, 1440];

#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Asked {
    /// The job of a new schedule.
    #[serde(default)]
    job: Option<String>,
    /// The number of one that is there, from 0.
    #[serde(default)]
    index: Option<usize>,
}

/// A schedule as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Plan {
    job: String,
    days: Vec<String>,
    /// Whether it goes by an interval, and not by times of day.
    every: bool,
    times: String,
    minutes: String,
    zone: String,
}

/// What a plan comes to.
struct Outlook {
    problems: Vec<Found>,
    schedule: Option<Schedule>,
}

/// `GET /console/tenants/{tenant}/schedule`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &name).await?;
    let kept = subject.stored()?;
    let plan = match (asked.index, asked.job) {
        (Some(index), _) => schedules(&kept.document).get(index).map(Plan::of).ok_or_else(no_such)?,
        (None, Some(job)) => Plan { job, every: true, minutes: "30".to_owned(), zone: "UTC".to_owned(), ..Plan::default() },
        (None, None) => return Err(no_such()),
    };
    job(&subject, &plan.job)?;
    page(&console, &subject, &visitor, &plan, asked.index, kept.version, false).await
}

/// `POST /console/tenants/{tenant}/schedule`: looks ahead, or saves.
pub(in crate::console) async fn save(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &name).await?;
    subject.stored()?;
    let base = save::base(&posted)?;
    let plan = Plan::read(&posted);
    let info = job(&subject, &plan.job)?.clone();
    let index = given(&posted, "index").and_then(|index| index.parse::<usize>().ok());
    let outlook = plan.outlook();
    if given(&posted, "do") == Some("look") || outlook.schedule.is_none() {
        let status = if outlook.schedule.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return Ok(page(&console, &subject, &visitor, &plan, index, base, true).await?.with(status).into_response());
    }
    let mut all = schedules(&save::document(&console, &subject, base).await?);
    match index {
        Some(index) => *all.get_mut(index).ok_or_else(no_such)? = plan.value(),
        None => all.push(plan.value()),
    }
    let said = format!("The schedule is saved: {}.", outlook.schedule.as_ref().map(told).unwrap_or_default());
    let short = short(outlook.schedule.as_ref(), last_good(&console, &subject, &info).await?);
    store(&console, &visitor, &subject, base, all, said, short).await
}

/// `POST /console/tenants/{tenant}/schedule/remove`
pub(in crate::console) async fn remove(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
    Fields(posted): Fields<Posted>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &name).await?;
    subject.stored()?;
    let base = save::base(&posted)?;
    let index = given(&posted, "index").and_then(|index| index.parse::<usize>().ok()).ok_or_else(no_such)?;
    let mut all = schedules(&save::document(&console, &subject, base).await?);
    if index >= all.len() {
        return Err(no_such());
    }
    all.remove(index);
    store(&console, &visitor, &subject, base, all, "The schedule is removed.".to_owned(), None).await
}

async fn store(
    console: &Console,
    visitor: &Visitor,
    subject: &Subject,
    base: u64,
    all: Vec<Value>,
    said: String,
    short: Option<String>,
) -> Result<Response, Problem> {
    let path = Path::of(["schedules"]);
    let edit = if all.is_empty() { Edit::Remove(path) } else { Edit::Set(path, Value::List(all)) };
    let change = Change { base: Some(base), edits: vec![edit], draft: subject.is_draft(), by: visitor.name.clone(), note: String::new() };
    let to = Done::to(subject.at("run"));
    match save::change(console, &subject.name, &change).await? {
        Stored::Made(_, behind) => Ok(match behind.or(short.map(|short| format!("{said} {short}"))) {
            Some(warning) => to.warning(warning),
            None => to.saying(said),
        }
        .into_response()),
        Stored::Refused(problems) => Err(save::problem(crate::site::ChangeError::Invalid(problems))),
        Stored::Late(conflict) => {
            let late = Late { edits: &change.edits, again: Vec::new(), secrets: Vec::new(), action: subject.at("run") };
            Ok(save::conflict(subject, visitor, &conflict, &late).into_response())
        }
    }
}

fn no_such() -> Problem {
    Problem::not_found("There is no such schedule.")
}

fn job<'s>(subject: &'s Subject, name: &str) -> Result<&'s JobInfo, Problem> {
    let found = subject.described()?.jobs.iter().find(|job| job.name == name && job.schedulable);
    found.ok_or_else(|| Problem::not_found("The pack has no such job to schedule."))
}

/// The schedules of a configuration.
fn schedules(document: &Document) -> Vec<Value> {
    match document.get(&Path::of(["schedules"])) {
        Some(Value::List(items)) => items.clone(),
        _ => Vec::new(),
    }
}

/// A schedule that is written, as it is understood; none where it is not.
pub(super) fn understood(value: &Value) -> Option<Schedule> {
    let mut report = Report::of(FilePath::new(""));
    read_schedules(&Value::List(vec![value.clone()]).into(), &mut report).pop()
}

impl Plan {
    fn of(value: &Value) -> Self {
        let Value::Table(entries) = value else { return Self::default() };
        let text = |key: &str| match entries.get(key) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let list = |key: &str| match entries.get(key) {
            Some(Value::List(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Value::Text(text) => Some(text.to_ascii_lowercase()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let every = entries.contains_key("every-minutes");
        Self {
            job: text("job"),
            days: list("days"),
            every,
            times: list("times").join(", "),
            minutes: text("every-minutes"),
            zone: text("zone"),
        }
    }

    fn read(posted: &Posted) -> Self {
        let text = |key: &str| given(posted, key).unwrap_or_default().trim().to_owned();
        let days = posted.iter().filter(|(name, _)| name == "day").map(|(_, day)| day.clone()).collect();
        Self { job: text("job"), days, every: text("kind") != "times", times: text("times"), minutes: text("minutes"), zone: text("zone") }
    }

    /// As it is written in a configuration. What is no number is kept as it is, and the check tells why it will not do.
    fn value(&self) -> Value {
        let texts = |texts: &[String]| Value::List(texts.iter().map(|text| Value::Text(text.clone())).collect());
        let mut entries = BTreeMap::from([("job".to_owned(), Value::Text(self.job.clone()))]);
        if self.every {
            entries
                .insert("every-minutes".to_owned(), self.minutes.parse().map_or_else(|_| Value::Text(self.minutes.clone()), Value::Number));
        } else {
            let times: Vec<_> = self.times.split([',', ' ', ';', '\n']).map(str::trim).filter(|time| !time.is_empty()).map(whole).collect();
            entries.insert("times".to_owned(), texts(&times));
        }
        if !self.days.is_empty() && self.days.len() < DAYS.len() {
            entries.insert("days".to_owned(), texts(&self.days));
        }
        entries.insert("zone".to_owned(), Value::Text(self.zone.clone()));
        Value::Table(entries)
    }

    fn outlook(&self) -> Outlook {
        let mut report = Report::of(FilePath::new(""));
        let found = read_schedules(&Value::List(vec![self.value()]).into(), &mut report).pop();
        let problems = report.into_problems();
        let schedule = found.filter(|_| !problems.iter().any(Found::is_error));
        Outlook { problems, schedule }
    }
}

/// A time of day with two digits for its hour.
fn whole(time: &str) -> String {
    if time.len() == 4 && time.as_bytes().get(1) == Some(&b':') { format!("0{time}") } else { time.to_owned() }
}

/// A schedule in words.
pub(super) fn told(schedule: &Schedule) -> String {
    let when = match &schedule.cadence {
        Cadence::EveryMinutes(1) => "every minute".to_owned(),
        Cadence::EveryMinutes(minutes) => format!("every {minutes} minutes"),
        Cadence::Times(times) => format!("at {}", times.iter().map(|time| time.format("%H:%M").to_string()).collect::<Vec<_>>().join(", ")),
    };
    let days = match schedule.days.len() {
        7 => "every day".to_owned(),
        _ => schedule.days.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    format!("{when}, {days}, {}", schedule.zone)
}

/// That runs come faster than they end, where they do.
pub(super) fn short(schedule: Option<&Schedule>, took: Option<TimeDelta>) -> Option<String> {
    let (Some(Schedule { cadence: Cadence::EveryMinutes(minutes), .. }), Some(took)) = (schedule, took) else { return None };
    (TimeDelta::minutes(i64::from(*minutes)) <= took).then(|| {
        format!(
            "The interval of {minutes} minutes is shorter than the last run took ({}): runs would be left out. {} minutes would do.",
            length(took),
            proposed(took)
        )
    })
}

/// The interval in minutes that suits a run of this length: it is over after half of it.
pub(super) fn proposed(took: TimeDelta) -> u64 {
    let twice = u64::try_from(took.num_seconds().max(0)).unwrap_or_default().saturating_mul(2).div_ceil(60).max(SHORTEST);
    PROPOSED.into_iter().find(|minutes| *minutes >= twice).unwrap_or(1440)
}

/// Moments that are to come, in a zone and in UTC.
pub(super) fn ahead(agenda: &Agenda, zone: Tz, now: DateTime<Utc>) -> Markup {
    html! {
        ol {
            @for at in agenda.upcoming(now).take(AHEAD) {
                li { time datetime=(at.to_rfc3339()) { (at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M")) " " (zone) } @if zone != Tz::UTC { span .soft { " (" (at.format("%H:%M")) " UTC)" } } }
            }
        }
    }
}

async fn page(
    console: &Console,
    subject: &Subject,
    visitor: &Visitor,
    plan: &Plan,
    index: Option<usize>,
    base: u64,
    tells: bool,
) -> Result<Page, Problem> {
    let outlook = plan.outlook();
    let info = job(subject, &plan.job)?;
    let short = short(outlook.schedule.as_ref(), last_good(console, subject, info).await?);
    let content = html! {
        p { (said(&info.process)) }
        @if tells && !outlook.problems.is_empty() {
            div .card .trouble role="alert" {
                ul { @for problem in &outlook.problems { li { (problem_line(&Found { key: String::new(), ..problem.clone() })) } } }
            }
        }
        @if let Some(short) = &short { p .card .notice role="alert" { strong { "Warning: " } (short) } }
        @if let Some(schedule) = &outlook.schedule {
            section .card {
                h2 { "The next five runs" }
                p { (told(schedule)) }
                (ahead(&Agenda::new(&subject.name, &plan.job, std::slice::from_ref(schedule), None), schedule.zone, console.now()))
            }
        }
        (form(subject, visitor, plan, index, base))
    };
    Ok(subject.page("run", if index.is_some() { "Edit a schedule" } else { "Add a schedule" }, content))
}

fn form(subject: &Subject, visitor: &Visitor, plan: &Plan, index: Option<usize>, base: u64) -> Markup {
    html! {
        form .card method="post" action=(subject.at("schedule")) data-busy="" {
            (visitor.form_token())
            input type="hidden" name="base" value=(base);
            input type="hidden" name="job" value=(plan.job);
            @if let Some(index) = index { input type="hidden" name="index" value=(index); }
            fieldset {
                legend { "Days" }
                p .row {
                    @for (day, name) in DAYS {
                        span .check { input id=(day) type="checkbox" name="day" value=(day) checked[plan.days.is_empty() || plan.days.iter().any(|known| known == day)]; " " label for=(day) { (name) } }
                    }
                }
            }
            fieldset {
                legend { "Time" }
                p .check { input #by-interval type="radio" name="kind" value="every" checked[plan.every]; " " label for="by-interval" { "Every so many minutes" } }
                div .field { label for="minutes" { "Minutes" } input #minutes name="minutes" type="number" min="1" max="1440" value=(plan.minutes); }
                p .check { input #by-times type="radio" name="kind" value="times" checked[!plan.every]; " " label for="by-times" { "At times of day" } }
                div .field {
                    label for="times" { "Times" }
                    input #times name="times" value=(plan.times) autocomplete="off" aria-describedby="times-hint";
                    span .hint #times-hint { "With commas between, such as 05:45, 13:45." }
                }
            }
            div .field {
                label for="zone" { "Time zone" }
                input #zone name="zone" value=(plan.zone) list="zones" required autocomplete="off" spellcheck="false" aria-describedby="zone-hint";
                span .hint #zone-hint { "Such as America/New_York: times of day and days are those there." }
                datalist #zones { @for zone in chrono_tz::TZ_VARIANTS { option value=(zone) {} } }
            }
            div .row {
                button type="submit" name="do" value="save" { "Save" }
                button .plain type="submit" name="do" value="look" { "Show the next five runs" }
                a href=(subject.at("run")) { "Back" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(every: bool, minutes: &str, times: &str) -> Plan {
        let (job, zone) = ("sweep".to_owned(), "Europe/Berlin".to_owned());
        Plan { job, days: vec!["mon".to_owned()], every, times: times.to_owned(), minutes: minutes.to_owned(), zone }
    }

    #[test]
    fn a_plan_is_written_as_a_schedule_and_read_back() {
        let times = plan(false, "", "5:45, 13:45");
        assert_eq!(told(&times.outlook().schedule.unwrap()), "at 05:45, 13:45, Mon, Europe/Berlin");
        assert_eq!(Plan::of(&times.value()).times, "05:45, 13:45");
        let every = plan(true, "15", "");
        assert_eq!(Plan::of(&every.value()), every);
        assert_eq!(told(&understood(&every.value()).unwrap()), "every 15 minutes, Mon, Europe/Berlin");
    }

    #[test]
    fn what_is_no_schedule_is_told_and_not_saved() {
        for (bad, word) in [
            (plan(true, "0", ""), "every-minutes"),
            (plan(true, "soon", ""), "every-minutes"),
            (plan(false, "", "25:00"), "25:00"),
            (plan(false, "", ""), "is empty"),
            (Plan { zone: "Mars/Base".to_owned(), ..plan(true, "5", "") }, "Mars/Base"),
            (Plan { days: vec!["noday".to_owned()], ..plan(true, "5", "") }, "noday"),
        ] {
            let outlook = bad.outlook();
            let told: String = outlook.problems.iter().map(ToString::to_string).collect();
            assert!(outlook.schedule.is_none() && told.contains(word), "{bad:?}: {told}");
        }
    }

    #[test]
    fn a_run_is_over_after_half_of_the_interval_that_is_proposed() {
        for (seconds, minutes) in [(0, 5), (150, 5), (151, 10), (600, 20), (40_000, 1440), (i64::MAX / 2000, 1440)] {
            assert_eq!(proposed(TimeDelta::seconds(seconds)), minutes, "{seconds}");
        }
        let schedule = plan(true, "5", "").outlook().schedule.unwrap();
        assert!(short(Some(&schedule), Some(TimeDelta::minutes(4))).is_none());
        assert!(short(Some(&schedule), Some(TimeDelta::minutes(6))).unwrap().contains("15 minutes would do"));
        assert!(
            short(Some(&schedule), None).is_none()
                && short(plan(false, "", "05:45").outlook().schedule.as_ref(), Some(TimeDelta::days(1))).is_none()
        );
    }
}
