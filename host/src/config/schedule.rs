//! When a job starts by itself.

use std::collections::BTreeSet;

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;

use super::document::{Node, Place, Report, Section, Value, suggestion};
use crate::description::JobInfo;

/// One schedule of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The job.
    pub job: String,
    /// The days it starts on, Monday first, in `zone`.
    pub days: Vec<Weekday>,
    /// When on those days.
    pub cadence: Cadence,
    /// The time zone of days and times.
    pub zone: Tz,
}

/// When a job starts on its days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// At these times, in order.
    Times(Vec<NaiveTime>),
    /// Every so many minutes, 1 to 1440.
    EveryMinutes(u32),
}

const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Mon, "mon"),
    (Weekday::Tue, "tue"),
    (Weekday::Wed, "wed"),
    (Weekday::Thu, "thu"),
    (Weekday::Fri, "fri"),
    (Weekday::Sat, "sat"),
    (Weekday::Sun, "sun"),
];
const DAYS: &str = "write days as a list of mon, tue, wed, thu, fri, sat, sun, or leave it out for every day";
const TIMES: &str = "write times as a list such as [\"05:45\", \"13:45\"]";

/// A schedule and where its job was named, for the second stage.
#[derive(Clone)]
pub(super) struct RawSchedule {
    pub(super) schedule: Schedule,
    pub(super) place: Place,
}

/// Reads the schedules of a tenant.
pub(super) fn read(node: &Node, place: &Place, report: &mut Report) -> Vec<RawSchedule> {
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list of schedules", format!("head each schedule [[{}]]", place.key));
        return Vec::new();
    };
    let mut schedules = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(section) = Section::open(item, place.item(index, item.line), report) {
            schedules.extend(one(section, report));
        }
    }
    schedules
}

/// Checks that the job is one that the pack lets be scheduled.
pub(super) fn resolve(raw: &RawSchedule, jobs: &[JobInfo], report: &mut Report) -> Option<Schedule> {
    let job = &raw.schedule.job;
    let schedulable: Vec<String> = jobs.iter().filter(|job| job.schedulable).map(|job| job.name.clone()).collect();
    if schedulable.contains(job) {
        return Some(raw.schedule.clone());
    }
    let known = jobs.iter().any(|known| known.name == *job);
    let message = if known { format!("the job `{job}` is started by hand only") } else { format!("there is no job `{job}`") };
    report.error(&raw.place, message, suggestion(job, &schedulable));
    None
}

fn one(mut section: Section<'_>, report: &mut Report) -> Option<RawSchedule> {
    let job = section.required_text("job", "NAME", report);
    let days = section.get("days");
    let times = section.get("times");
    let zone = zone(&mut section, days.is_some(), times.is_some(), report);
    let days = days.map_or_else(|| Some(whole_week()), |(node, place)| self::days(node, &place, report));
    let cadence = match (times, section.get("every-minutes").is_some()) {
        (Some((_, place)), true) => {
            report.error(&place, "stands beside every-minutes", "keep either times or every-minutes");
            None
        }
        (Some((node, place)), false) => self::times(node, &place, report).map(Cadence::Times),
        (None, true) => section.number("every-minutes", 1, 1440, report).and_then(|n| u32::try_from(n).ok()).map(Cadence::EveryMinutes),
        (None, false) => {
            let place = section.place.clone();
            report.error(&place, "says neither times nor every-minutes", "add times = [\"05:45\"] or every-minutes = 30");
            None
        }
    };
    section.finish("key", report);
    let (job, place) = job?;
    Some(RawSchedule { schedule: Schedule { job, days: days?, cadence: cadence?, zone: zone? }, place })
}

fn whole_week() -> Vec<Weekday> {
    WEEK.iter().map(|(day, _)| *day).collect()
}

fn days(node: &Node, place: &Place, report: &mut Report) -> Option<Vec<Weekday>> {
    let names = texts(node, place, DAYS, report)?;
    let mut wanted = BTreeSet::new();
    for (name, place) in names {
        match WEEK.iter().position(|(_, short)| name.eq_ignore_ascii_case(short)) {
            Some(day) => {
                wanted.insert(day);
            }
            None => {
                report.error(&place, format!("`{name}` is no day"), DAYS);
                return None;
            }
        }
    }
    Some(WEEK.iter().enumerate().filter(|(index, _)| wanted.contains(index)).map(|(_, (day, _))| *day).collect())
}

fn times(node: &Node, place: &Place, report: &mut Report) -> Option<Vec<NaiveTime>> {
    let mut times = BTreeSet::new();
    for (text, place) in texts(node, place, TIMES, report)? {
        match NaiveTime::parse_from_str(&text, "%H:%M") {
            Ok(time) if text.len() == 5 => {
                times.insert(time);
            }
            _ => {
                report.error(&place, format!("`{text}` is no time of day"), "write hours and minutes from \"00:00\" to \"23:59\"");
                return None;
            }
        }
    }
    Some(times.into_iter().collect())
}

/// A list of texts with at least one in it.
fn texts(node: &Node, place: &Place, remedy: &str, report: &mut Report) -> Option<Vec<(String, Place)>> {
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list", remedy);
        return None;
    };
    if items.is_empty() {
        report.error(place, "is empty", remedy);
        return None;
    }
    let mut texts = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = place.item(index, item.line);
        match &item.value {
            Value::Text(text) => texts.push((text.trim().to_owned(), place)),
            _ => {
                report.wrong_type(&place, item, "a text", remedy);
                return None;
            }
        }
    }
    Some(texts)
}

fn zone(section: &mut Section<'_>, has_days: bool, has_times: bool, report: &mut Report) -> Option<Tz> {
    if section.get("zone").is_none() {
        let meant = match (has_days, has_times) {
            (true, true) => Some("its days and times are"),
            (true, false) => Some("its days begin and end"),
            (false, true) => Some("its times are"),
            (false, false) => None,
        };
        if let Some(meant) = meant {
            let place = section.place.clone();
            let remedy = "add for example zone = \"America/New_York\"; zone = \"UTC\" says that it is meant";
            report.warning(&place, format!("names no zone, so {meant} in UTC"), remedy);
        }
        return Some(Tz::UTC);
    }
    let (text, place) = section.text("zone", "America/New_York", report)?;
    let zone = text.parse::<Tz>().ok();
    if zone.is_none() {
        report.error(&place, format!("`{text}` is no IANA time zone"), "write for example zone = \"America/New_York\"");
    }
    zone
}
