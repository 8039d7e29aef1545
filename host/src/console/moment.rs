//! Moments and lengths of time as pages tell them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

/// A moment to the second, in UTC.
pub(crate) fn moment(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(text(at)) { (at.format("%Y-%m-%d %H:%M:%S")) " UTC" } }
}

/// The same in another zone.
pub(crate) fn moment_in(at: DateTime<Utc>, zone: Tz) -> Markup {
    html! { time datetime=(text(at)) { (at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z")) } }
}

/// The same in the zone of who reads it, where the browser runs the script; else in UTC.
pub(crate) fn at_the_reader(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(text(at)) data-local="" { (at.format("%Y-%m-%d %H:%M:%S")) " UTC" } }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A length of time in the units that say something: `42 s`, `1 h 30 min`. What is negative is none.
pub(crate) fn length(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        86_400..172_800 => format!("1 day {} h", seconds % 86_400 / 3_600),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_the_units_that_say_something() {
        let told = [-5, 0, 59, 60, 3_599, 5_400, 86_400, 200_000].map(|seconds| length(TimeDelta::seconds(seconds)));
        assert_eq!(told, ["0 s", "0 s", "59 s", "1 min", "59 min", "1 h 30 min", "1 day 0 h", "2 days 7 h"]);
    }

    #[test]
    fn a_moment_is_told_to_people_and_to_programs() {
        let told = moment("2026-03-01T05:45:00.123Z".parse().unwrap()).0;
        assert_eq!(told, "<time datetime=\"2026-03-01T05:45:00Z\">2026-03-01 05:45:00 UTC</time>");
    }
}
