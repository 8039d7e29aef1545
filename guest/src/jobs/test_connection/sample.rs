//! Some members read as the batch would read them: whether the names of both systems match, what one of them is doing, and
//! which time zones nothing but the default covers.

use chrono::{DateTime, Utc};
use shift_access_core::catalogue;
use shift_access_core::derive::derive;
use shift_access_core::identity::{self, DirectoryUser};
use shift_access_core::plan::{Found, Reading};
use shift_access_core::settings::Settings;
use shift_access_core::zone::Zones;

use super::lines::Lines;
use super::zone_doubts::ZoneDoubts;
use crate::kronos::Kronos;
use crate::{clock, gather};

/// The line's title.
pub const TITLE: &str = "Sample worker";

/// Reads the sample; its names are those of members of the configured groups.
pub async fn attempt(
    kronos: &Kronos,
    settings: &Settings,
    (zones, doubts): (&Zones, &mut ZoneDoubts),
    names: &[String],
    lines: &mut Lines,
) {
    if names.is_empty() {
        lines.skipped(TITLE, "no group gave a member to try");
        return;
    }
    let user = |name: &String| DirectoryUser { id: name.clone(), user_name: name.clone(), domain: None };
    let members = identity::members(names.iter().map(user).collect());
    let tried = members.len();
    let now = clock::now();
    let readings = match gather::readings(kronos, members, settings, now).await {
        Ok(readings) => readings,
        Err(trouble) => return lines.failed(TITLE, &trouble),
    };
    let found = readings.iter().filter(|reading| reading.person_number.is_some()).count();
    let Some(first) = readings.iter().find(|reading| matches!(reading.found, Found::Card { .. } | Found::OnPremise(_))) else {
        lines.warned(TITLE, "sample", catalogue::NOT_IN_KRONOS, none_found(tried, found, &readings));
        return;
    };
    let status = status(first, settings, zones, now);
    let detail = format!("{} is {status}; {found} of {tried} members tried are in Kronos", first.user);
    let untranslated = untranslated(&readings, settings, zones, doubts, lines);
    if untranslated.is_empty() {
        lines.passed(TITLE, detail);
    } else {
        lines.warned_of(TITLE, format!("{detail}; time zones to look at: {}", untranslated.join(", ")));
    }
}

fn none_found(tried: usize, found: usize, readings: &[Reading]) -> String {
    let said = readings.iter().find_map(|reading| match &reading.found {
        Found::Failed { message } => Some(format!("; Kronos said of {}: {message}", reading.user)),
        _ => None,
    });
    format!(
        "{found} of {tried} members tried are in Kronos, and none could be read. User names must be the same in both systems, and the \
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
