//! Some members read as the batch would read them: whether the names of both systems match, what one of them is doing, and
//! which time zones nothing but the default covers.

use chrono::{DateTime, Utc};
use shift_access_core::catalogue;
use shift_access_core::derive::derive;
use shift_access_core::identity;
use shift_access_core::plan::{Found, Reading};
use shift_access_core::settings::Settings;
use shift_access_core::zone::Zones;

use super::access_links::Sample;
use super::lines::Lines;
use super::zone_doubts::ZoneDoubts;
use crate::kronos::Kronos;
use crate::{clock, gather};

/// The line's title.
pub const TITLE: &str = "Sample worker";

/// Reads the sample.
pub async fn attempt(kronos: &Kronos, settings: &Settings, (zones, doubts): (&Zones, &mut ZoneDoubts), sample: &Sample, lines: &mut Lines) {
    if sample.users.is_empty() {
        lines.skipped(TITLE, "no group gave a member to try");
        return;
    }
    let members = identity::members(sample.users.clone());
    let tried = tried(members.len(), sample);
    let now = clock::now();
    let readings = match gather::readings(kronos, members, settings, now).await {
        Ok(readings) => readings,
        Err(trouble) => return lines.failed(TITLE, &trouble),
    };
    let found = readings.iter().filter(|reading| reading.person_number.is_some()).count();
    let Some(first) = readings.iter().find(|reading| matches!(reading.found, Found::Card { .. } | Found::OnPremise(_))) else {
        lines.warned(TITLE, "sample", catalogue::NOT_IN_KRONOS, none_found(&tried, found, &readings));
        return;
    };
    let status = status(first, settings, zones, now);
    let detail = format!("{} is {status}; {found} of {tried} are in Kronos as exactly one person", first.user);
    let untranslated = untranslated(&readings, settings, zones, doubts, lines);
    if untranslated.is_empty() {
        lines.passed(TITLE, detail);
    } else {
        lines.warned_of(TITLE, format!("{detail}; time zones to look at: {}", untranslated.join(", ")));
    }
}

/// How many names were tried, and of how many: more than a sample was not asked for.
fn tried(names: usize, sample: &Sample) -> String {
    let users = u64::try_from(sample.users.len()).unwrap_or(u64::MAX);
    if users < sample.of {
        format!("{names} members tried, out of {},", grouped(sample.of))
    } else {
        format!("{names} members, all there are,")
    }
}

/// A number as people read it: `4,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn none_found(tried: &str, found: usize, readings: &[Reading]) -> String {
    let said = readings.iter().find_map(|reading| match &reading.found {
        Found::Failed { message } => Some(format!("; Kronos said of {}: {message}", reading.user)),
        _ => None,
    });
    format!(
        "{found} of {tried} are in Kronos as exactly one person, and none could be read. User names must be the same in both systems, and the \
         employee group of the API user must cover the workers{}",
        said.unwrap_or_default()
    )
}

fn status(reading: &Reading, settings: &Settings, zones: &Zones, now: DateTime<Utc>) -> String {
    match &reading.found {
        Found::Card { card, person_zone } => {
            let derivation = derive(card, person_zone.as_ref(), zones, settings, now);
            format!("{} ({})", derivation.status, derivation.reason)
        }
        Found::OnPremise(flag) => if *flag { "on the premises" } else { "not on the premises" }.to_owned(),
        _ => "not known".to_owned(),
    }
}

/// Warns of the zones of the sample that nothing translates, or nothing but the default, and answers those not named yet.
fn untranslated(readings: &[Reading], settings: &Settings, zones: &Zones, doubts: &mut ZoneDoubts, lines: &mut Lines) -> Vec<String> {
    let now = clock::now();
    let mut names = Vec::new();
    for reading in readings {
        let Found::Card { card, person_zone } = &reading.found else { continue };
        let derivation = derive(card, person_zone.as_ref(), zones, settings, now);
        names.extend(derivation.unknown_zone.and_then(|zone| doubts.unknown(zone, lines)));
        names.extend(derivation.default_zone.and_then(|zone| doubts.only_default(zone, lines)));
    }
    names
}

#[cfg(test)]
mod tests {
    use shift_access_core::identity::DirectoryUser;

    use super::*;

    #[test]
    fn it_is_said_how_many_of_how_many_were_tried() {
        let user = |n: usize| DirectoryUser { id: n.to_string(), user_name: format!("w{n}"), domain: None };
        let sample = |of| Sample { users: (0..25).map(user).collect(), of };
        assert_eq!(tried(25, &sample(4_000)), "25 members tried, out of 4,000,");
        assert_eq!(tried(23, &sample(25)), "23 members, all there are,");
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(grouped).each_ref().map(String::as_str));
    }
}
