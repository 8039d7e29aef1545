//! A big company, made up from a seed: the same seed gives the same company, to the minute.
//!
//! No moment lies near a limit of the default properties, so the count of each status is known beforehand and does not change
//! while a slow test runs.

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::world::{CENTRAL, EASTERN, Override, PACIFIC, Worker, World, hours, minutes};

const FIRST: [&str; 16] =
    ["Ana", "Bo", "Carla", "Dmitri", "Esi", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kofi", "Lena", "Mei", "Noor", "Omar", "Priya"];
const LAST: [&str; 16] = [
    "Diaz", "King", "Moss", "Petrov", "Boateng", "Haddad", "O'Neill", "Lang", "Costa", "Weber", "Mensah", "Novák", "Lin", "Said", "Reyes",
    "Rao",
];

/// How many workers of a company are in which status, under the default properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// `on-shift`.
    pub on_shift: usize,
    /// `on-break`.
    pub on_break: usize,
    /// `off-shift`.
    pub off_shift: usize,
    /// `unknown`.
    pub unknown: usize,
}

impl World {
    /// A company of so many workers, spread over the groups `Store 12 Hourly` and `Store 14 Hourly`.
    pub fn company(now: DateTime<Utc>, workers: usize, seed: u64) -> Self {
        Self::company_in(now, workers, seed, &["Store 12 Hourly", "Store 14 Hourly"]).0
    }

    /// A company spread evenly over these groups, with the statuses it should come to.
    pub fn company_in(now: DateTime<Utc>, workers: usize, seed: u64, groups: &[&str]) -> (Self, Tally) {
        let world = Self::new(now);
        let (mut dice, mut tally) = (StdRng::seed_from_u64(seed), Tally::default());
        for at in 0..workers {
            let worker = hire(&world, at, &mut dice);
            let worker = groups.get(at % groups.len().max(1)).map_or(worker.clone(), |group| worker.in_group(group));
            live(worker, &mut dice, &mut tally);
        }
        (world, tally)
    }
}

fn hire(world: &World, at: usize, dice: &mut StdRng) -> Worker {
    let first = FIRST.get(dice.random_range(0..FIRST.len())).copied().unwrap_or_default();
    let last = LAST.get(dice.random_range(0..LAST.len())).copied().unwrap_or_default();
    let zone = [EASTERN, EASTERN, EASTERN, CENTRAL, PACIFIC].get(dice.random_range(0..5)).copied().unwrap_or(EASTERN);
    let user_name = format!("w{at:05}");
    let worker = world.person(&user_name).named(&format!("{first} {last}"));
    worker.number(&(200_000 + at).to_string()).zone(zone).badge(&(700_000 + at).to_string()).email(&format!("{user_name}@stores.example"))
}

/// Yesterday was an ordinary day for everyone; today the dice decide.
fn live(worker: Worker, dice: &mut StdRng, tally: &mut Tally) {
    let began = minutes(dice.random_range(150..600));
    let recently = minutes(dice.random_range(3..60));
    let chance = dice.random_range(0..100);
    if chance < 2 {
        tally.unknown += 1;
        drop(worker.not_in_kronos());
        return;
    }
    if chance < 10 {
        tally.off_shift += 1;
        return;
    }
    let worker = worker.worked(began + hours(24), began + hours(17));
    match chance {
        10..45 => worker.clocked_in(began),
        45..60 => worker.clocked_in(began).on_break(recently + hours(1)).back_from_meal(recently + minutes(30), "30 Min Meal"),
        60..63 => worker.clocked_in(began).transferred(recently, ";;;Checkout;"),
        63..66 => worker.worked(began + hours(1), began).punch_untotalled(recently).last_punch_as(Override::In),
        66..74 => worker.clocked_in(began + hours(1)).on_break(recently),
        74..76 => worker.clocked_in(began + hours(3)).on_break(recently + minutes(100)),
        76..78 => worker.clocked_in(began + hours(18)),
        78..80 => worker.worked(began, recently).phantom_punch(minutes(1)),
        _ => worker.worked(began + hours(2), recently),
    };
    match chance {
        10..66 => tally.on_shift += 1,
        66..74 => tally.on_break += 1,
        _ => tally.off_shift += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_company() {
        let now = Utc::now();
        let (one, tally) = World::company_in(now, 1300, 7, &["A", "B"]);
        let (two, again) = World::company_in(now, 1300, 7, &["A", "B"]);
        assert_eq!(format!("{:?}", one.people()), format!("{:?}", two.people()));
        assert_eq!((tally, tally.on_shift + tally.on_break + tally.off_shift + tally.unknown), (again, 1300));
        assert_eq!((one.members_of("A").len(), one.members_of("B").len()), (650, 650));
        assert!(tally.on_shift > 500 && tally.on_break > 50 && tally.unknown > 5);
    }
}
