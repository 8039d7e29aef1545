//! When the jobs of a tenant start by themselves. Pure: time is an argument.
//!
//! Times of day are local to the schedule's zone. A time that does not exist on a day, because the clocks go forward over
//! it, is the first moment after the gap; one that comes twice is the first of the two. Intervals count on over clock
//! changes. Each tenant has a stable offset, so that a thousand of them do not start in the same second.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use croner::Cron;
use sha2::{Digest, Sha256};

use crate::config::{Cadence, Schedule};

/// A tenant starts at most this much later than a time of day says.
const SPREAD_OF_TIMES: u64 = 60;

/// Ticks counted at most: beyond it nobody asks how many were missed.
const MOST_COUNTED: u64 = 100_000;

/// When one job of one tenant starts by itself. Clones share the rules, which are large.
#[derive(Debug, Clone)]
pub struct Agenda {
    rules: Arc<[Rule]>,
}

#[derive(Debug)]
enum Rule {
    /// At a time of day on some days.
    Time { cron: Box<Cron>, zone: Tz, offset: TimeDelta },
    /// Every so often on some days.
    Every { period: TimeDelta, days: Vec<Weekday>, zone: Tz, offset: TimeDelta },
}

/// The ticks that lie between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: DateTime<Utc>,
}

impl Agenda {
    /// The agenda of a job from the tenant's schedules; where none is of this job, every `interval_minutes`, if given.
    pub fn new(tenant: &str, job: &str, schedules: &[Schedule], interval_minutes: Option<u64>) -> Self {
        let seed = seed(tenant, job);
        let of_job: Vec<&Schedule> = schedules.iter().filter(|schedule| schedule.job == job).collect();
        let rules = if of_job.is_empty() {
            interval_minutes.map(|minutes| every(minutes, WEEK.to_vec(), Tz::UTC, seed)).into_iter().collect()
        } else {
            of_job.into_iter().flat_map(|schedule| rules(schedule, seed)).collect()
        };
        Self { rules }
    }

    /// Whether the job starts by itself at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first tick after a moment.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.rules.iter().filter_map(|rule| rule.next(after)).min()
    }

    /// The next ticks after a moment, in order.
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next(after), |tick| self.next(*tick))
    }

    /// The ticks after one moment, up to and with another.
    pub fn missed(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<Missed> {
        let mut ticks = self.upcoming(after).take_while(|tick| *tick <= until).take(usize::try_from(MOST_COUNTED).unwrap_or(usize::MAX));
        let first = ticks.next()?;
        Some(Missed { first, count: 1 + ticks.count() as u64 })
    }
}

const WEEK: [Weekday; 7] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn rules(schedule: &Schedule, seed: u64) -> Vec<Rule> {
    match &schedule.cadence {
        Cadence::EveryMinutes(minutes) => vec![every(u64::from(*minutes), schedule.days.clone(), schedule.zone, seed)],
        Cadence::Times(times) => {
            let days = schedule.days.iter().map(|day| day.num_days_from_sunday().to_string()).collect::<Vec<_>>().join(",");
            let offset = seconds(seed % SPREAD_OF_TIMES);
            // A pattern made of numbers in their bounds is always one.
            let cron = |time: &chrono::NaiveTime| Cron::from_str(&format!("{} {} * * {days}", time.minute(), time.hour())).ok();
            times.iter().filter_map(cron).map(|cron| Rule::Time { cron: Box::new(cron), zone: schedule.zone, offset }).collect()
        }
    }
}

fn every(minutes: u64, days: Vec<Weekday>, zone: Tz, seed: u64) -> Rule {
    let period = (minutes * 60).max(60);
    Rule::Every { period: seconds(period), days, zone, offset: seconds(seed % period) }
}

fn seconds(seconds: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default())
}

impl Rule {
    fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Time { cron, zone, offset } => {
                let from = (after - *offset).with_timezone(zone);
                // A whole day that a zone leaves out stops the library's search; from the other side of it, it goes on.
                let beyond = || (1..=48).find_map(|hours| cron.find_next_occurrence(&(from + TimeDelta::hours(hours)), true).ok());
                let found = cron.find_next_occurrence(&from, false).ok().or_else(beyond)?;
                Some(found.to_utc() + *offset)
            }
            Self::Every { period, days, zone, offset } => {
                let period = period.num_seconds();
                let done = (after - DateTime::UNIX_EPOCH - *offset).num_seconds().div_euclid(period);
                let tick = |number: i64| DateTime::UNIX_EPOCH + *offset + TimeDelta::seconds(number * period);
                let in_a_week = TimeDelta::days(8).num_seconds() / period + 1;
                (done + 1..=done + in_a_week).map(tick).find(|tick| days.contains(&tick.with_timezone(zone).weekday()))
            }
        }
    }
}

/// A number that a tenant's job keeps over restarts and machines.
fn seed(tenant: &str, job: &str) -> u64 {
    let digest = Sha256::digest(format!("{tenant}\n{job}"));
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn daily(time: &str, zone: Tz) -> Schedule {
        let times = vec![NaiveTime::parse_from_str(time, "%H:%M").unwrap()];
        Schedule { job: "batch".into(), days: WEEK.to_vec(), cadence: Cadence::Times(times), zone }
    }

    /// The agenda of a schedule, with the tenant's offset taken off each tick.
    fn ticks(schedule: Schedule, after: &str, number: usize) -> Vec<String> {
        let agenda = Agenda::new("acme", "batch", &[schedule], None);
        let offset = seconds(seed("acme", "batch") % SPREAD_OF_TIMES);
        agenda.upcoming(at(after)).take(number).map(|tick| (tick - offset).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).collect()
    }

    #[test]
    fn a_time_that_does_not_exist_is_the_first_after_the_gap() {
        let new_york = ticks(daily("02:30", Tz::America__New_York), "2026-03-07T00:00:00Z", 3);
        assert_eq!(new_york, ["2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]);
        let lord_howe = ticks(daily("02:15", Tz::Australia__Lord_Howe), "2026-10-03T12:00:00Z", 2);
        assert_eq!(lord_howe, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
        let apia = ticks(daily("12:00", Tz::Pacific__Apia), "2011-12-29T00:00:00Z", 2);
        assert_eq!(apia, ["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"], "a day that was left out");
    }

    #[test]
    fn a_time_that_comes_twice_runs_once() {
        let new_york = ticks(daily("01:30", Tz::America__New_York), "2026-10-31T12:00:00Z", 2);
        assert_eq!(new_york, ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
        let sydney = ticks(daily("02:30", Tz::Australia__Sydney), "2026-04-04T00:00:00Z", 2);
        assert_eq!(sydney, ["2026-04-04T15:30:00Z", "2026-04-05T16:30:00Z"]);
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let mut schedule = daily("23:30", Tz::America__Los_Angeles);
        schedule.days = vec![Weekday::Fri, Weekday::Sun];
        // Friday evening there is Saturday in UTC.
        let found = ticks(schedule, "2026-11-18T00:00:00Z", 3);
        assert_eq!(found, ["2026-11-21T07:30:00Z", "2026-11-23T07:30:00Z", "2026-11-28T07:30:00Z"]);
    }

    #[test]
    fn an_interval_goes_on_over_a_clock_change_and_keeps_to_its_days() {
        let every = |days: &[Weekday]| Schedule {
            job: "batch".into(),
            days: days.to_vec(),
            cadence: Cadence::EveryMinutes(45),
            zone: Tz::Europe__Berlin,
        };
        let agenda = Agenda::new("acme", "batch", &[every(&WEEK)], None);
        let found: Vec<_> = agenda.upcoming(at("2026-10-24T22:00:00Z")).take(8).collect();
        assert!(found.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(45)), "{found:?}");
        let mondays = Agenda::new("acme", "batch", &[every(&[Weekday::Mon])], None);
        let found: Vec<_> = mondays.upcoming(at("2026-11-17T00:00:00Z")).take(40).collect();
        assert!(found.iter().all(|tick| tick.with_timezone(&Tz::Europe__Berlin).weekday() == Weekday::Mon), "{found:?}");
        assert_eq!(
            found.iter().map(|tick| tick.with_timezone(&Tz::Europe__Berlin).date_naive()).collect::<std::collections::BTreeSet<_>>().len(),
            2
        );
    }

    #[test]
    fn the_earliest_of_several_schedules_is_next() {
        let schedules = [daily("13:45", Tz::UTC), daily("05:45", Tz::UTC), Schedule { job: "other".into(), ..daily("00:01", Tz::UTC) }];
        let agenda = Agenda::new("acme", "batch", &schedules, Some(5));
        let next = agenda.next(at("2026-11-20T00:00:00Z")).unwrap();
        assert_eq!(next.format("%H:%M").to_string(), "05:45", "and the interval does not count beside a schedule");
    }

    #[test]
    fn without_a_schedule_the_interval_counts_and_without_both_nothing_starts() {
        let agenda = Agenda::new("acme", "batch", &[], Some(30));
        let found: Vec<_> = agenda.upcoming(at("2026-11-20T00:00:00Z")).take(3).collect();
        assert!(found.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(30)));
        let none = Agenda::new("acme", "test-connection", &[], None);
        assert!(none.is_empty() && none.next(at("2026-11-20T00:00:00Z")).is_none());
    }

    #[test]
    fn a_thousand_tenants_do_not_start_at_once_and_each_keeps_its_moment() {
        let mut a_second: std::collections::BTreeMap<DateTime<Utc>, u32> = std::collections::BTreeMap::new();
        for number in 0..1_000 {
            let agenda = || Agenda::new(&format!("tenant-{number}"), "batch", &[], Some(30));
            let next = agenda().next(at("2026-11-20T00:00:00Z")).unwrap();
            assert_eq!(agenda().next(at("2026-11-20T00:00:00Z")), Some(next));
            *a_second.entry(next).or_default() += 1;
        }
        assert!(a_second.values().all(|tenants| *tenants <= 8), "{a_second:?}");
    }

    #[test]
    fn what_was_missed_is_counted_from_the_first() {
        let agenda = Agenda::new("acme", "batch", &[daily("05:45", Tz::UTC)], None);
        let last = agenda.next(at("2026-11-16T12:00:00Z")).unwrap();
        assert_eq!(agenda.missed(last, last + TimeDelta::hours(23)), None);
        let missed = agenda.missed(last, last + TimeDelta::days(3)).unwrap();
        assert_eq!((missed.count, missed.first), (3, last + TimeDelta::days(1)));
    }
}
