//! The links to UKG: the host, the token, the right to call each function the batch calls, and some workers read.

use shift_access_core::catalogue;
use shift_access_core::settings::{Settings, StatusSource};
use shift_access_core::zone::Zones;

use super::access_links::Sample;
use super::lines::Lines;
use super::sample;
use super::zone_doubts::ZoneDoubts;
use crate::kronos::{CurrentUser, Ids, Kronos};
use crate::trouble::Trouble;
use crate::{clock, gather, reach};

const REACHED: &str = "Kronos name resolved and reached";
const TOKEN: &str = "Kronos token";
const PEOPLE: &str = "Kronos rights: people (persons/extensions/multi_read)";
const TIMECARDS: &str = "Kronos rights: time cards (timecard/multi_read)";
const ON_PREMISE: &str = "Kronos rights: on-premise (data/multi_read)";
const ZONES: &str = "Kronos rights: time zones (commons/setup/timezones)";

/// Tries UKG, with some members of the workers' groups.
pub async fn attempt(kronos: &Kronos, settings: &Settings, sample: &Sample, lines: &mut Lines) {
    let doing = match settings.status_source {
        StatusSource::Timecards => TIMECARDS,
        StatusSource::OnPremise => ON_PREMISE,
    };
    let user = match login(kronos, lines).await {
        Ok(user) => user,
        Err(why) => {
            for title in [PEOPLE, doing, ZONES, sample::TITLE] {
                lines.skipped(title, why);
            }
            return;
        }
    };
    // Only what it is good for is asked: the login works, so a store that fails shows in the line of its own.
    let _ = reach::note(true, clock::now()).await;
    let may_read_people = people(kronos, user.as_ref(), sample, lines).await;
    let may_read_doings = doings(kronos, settings, user.as_ref(), doing, lines).await;
    let mut doubts = ZoneDoubts::default();
    let zones = zones(kronos, settings, &mut doubts, lines).await;
    if may_read_people && may_read_doings {
        sample::attempt(kronos, settings, (&zones, &mut doubts), sample, lines).await;
    } else {
        lines.skipped(sample::TITLE, "the API user may not read workers");
    }
}

/// Host and token, which one call shows: no login succeeds at a host that was not reached. Answers who the API user is,
/// where it may ask; else why nothing more can be tried.
async fn login(kronos: &Kronos, lines: &mut Lines) -> Result<Option<CurrentUser>, &'static str> {
    match kronos.current_user().await {
        Ok(user) => {
            lines.passed(REACHED, "the host answers");
            lines.passed(TOKEN, format!("logged in as {}", user.user_name));
            Ok(Some(user))
        }
        // The login went well; only this function is closed, and the batch does not need it.
        Err(trouble) if trouble.number == catalogue::KRONOS_FORBIDDEN => {
            lines.passed(REACHED, "the host answers");
            lines.passed(TOKEN, "logged in; the API user may not read its own data, which nothing else needs");
            Ok(None)
        }
        Err(trouble) if trouble.number == catalogue::KRONOS_UNREACHABLE => {
            lines.failed(REACHED, &trouble);
            lines.skipped(TOKEN, "the host was not reached");
            Err("the host was not reached")
        }
        Err(trouble) => {
            lines.passed(REACHED, "the host answers");
            lines.failed(TOKEN, &trouble);
            Err("there is no token")
        }
    }
}

async fn people(kronos: &Kronos, user: Option<&CurrentUser>, sample: &Sample, lines: &mut Lines) -> bool {
    let Some(name) = user.map(|user| &user.user_name).or(sample.users.first().map(|user| &user.user_name)) else {
        lines.skipped(PEOPLE, "there is no user name to ask for");
        return true;
    };
    let outcome = kronos.people(std::slice::from_ref(name)).await.map(|_| "allowed".to_owned());
    let allowed = outcome.is_ok();
    lines.tried(PEOPLE, outcome);
    allowed
}

async fn doings(kronos: &Kronos, settings: &Settings, user: Option<&CurrentUser>, title: &str, lines: &mut Lines) -> bool {
    let Some(number) = user.and_then(|user| user.person_number.clone()) else {
        lines.skipped(title, "there is no person number to ask for; the sample worker shows it");
        return true;
    };
    let numbers = [number];
    let outcome: Result<(), Trouble> = match settings.status_source {
        StatusSource::Timecards => {
            let (from, until) = gather::window(settings.max_shift, clock::now());
            kronos.timecards(&numbers, &Ids::new(), from, until).await.map(drop)
        }
        StatusSource::OnPremise => kronos.on_premise(&numbers).await.map(drop),
    };
    let allowed = outcome.is_ok();
    lines.tried(title, outcome.map(|()| "allowed".to_owned()));
    allowed
}

/// The list is of help and not needed, so a closed function is only something to look at. A zone in it that nothing
/// translates has hurt nobody yet: the first punch made there would.
async fn zones(kronos: &Kronos, settings: &Settings, doubts: &mut ZoneDoubts, lines: &mut Lines) -> Zones {
    match kronos.zones().await {
        Ok(list) => {
            let zones = Zones::new(settings, list.clone());
            let names = doubts.of_list(&list, &zones, lines);
            let listed = format!("{} time zones listed", list.len());
            if names.is_empty() {
                lines.passed(ZONES, listed);
            } else {
                lines.warned_of(ZONES, format!("{listed}; to look at: {}", names.join(", ")));
            }
            return zones;
        }
        Err(trouble) if gather::is_bearable_for_zones(trouble.number) => {
            let detail = format!("not needed, but of help with zones of the tenant's own: {}", trouble.message);
            lines.warned(ZONES, "time zones", trouble.number, detail);
        }
        Err(trouble) => lines.failed(ZONES, &trouble),
    }
    Zones::new(settings, Vec::new())
}
