//! The small company of the demo: two stores, two time zones, and one worker for every case worth telling.

use chrono::{DateTime, Utc};

use crate::world::{EASTERN, HOME_DOMAIN, Override, PACIFIC, Worker, World, hours, minutes};

const EAST: &str = "Store 12 Hourly";
const WEST: &str = "Store 14 Hourly";

impl World {
    /// Twenty-four workers in `Store 12 Hourly` (Eastern Time) and `Store 14 Hourly` (Pacific Time).
    pub fn demo(now: DateTime<Utc>) -> Self {
        let world = Self::new(now);
        ordinary(&world);
        breaks(&world);
        oddities(&world);
        strangers(&world);
        world
    }
}

fn east(world: &World, user_name: &str, name: &str) -> Worker {
    hired(world, user_name, name).zone(EASTERN).in_group(EAST)
}

fn west(world: &World, user_name: &str, name: &str) -> Worker {
    hired(world, user_name, name).zone(PACIFIC).in_group(WEST)
}

fn hired(world: &World, user_name: &str, name: &str) -> Worker {
    let number = (100_001 + world.users().len()).to_string();
    world.person(user_name).named(name).number(&number).email(&format!("{user_name}@stores.example"))
}

fn ordinary(world: &World) {
    east(world, "adiaz", "Ana Diaz").worked(hours(27), hours(19)).clocked_in(hours(3));
    east(world, "bking", "Bo King").clocked_in(hours(1));
    east(world, "cmoss", "Carla Moss").worked(hours(9), hours(1));
    east(world, "dpetrov", "Dmitri Petrov").clocked_in(hours(6)).clocked_out(minutes(5));
    east(world, "eboateng", "Esi Boateng");
    west(world, "fhaddad", "Farid Haddad").clocked_in(minutes(25));
    west(world, "gneill", "Grace O'Neill").worked(hours(30), hours(22));
    west(world, "hlang", "Hugo Lang").clocked_in(minutes(290));
    // Fourteen hours: began on the calendar day before whenever it is not yet two in the afternoon there.
    west(world, "icosta", "Ines Costa").clocked_in(hours(14));
}

fn breaks(world: &World) {
    east(world, "jweber", "Jonas Weber").clocked_in(hours(4)).on_break(minutes(20));
    east(world, "kmensah", "Kofi Mensah").clocked_in(hours(7)).on_break(minutes(135));
    west(world, "lnovak", "Lena Novák").clocked_in(hours(5)).on_break(hours(1)).back_from_meal(minutes(30), "30 Min Meal");
    west(world, "mlin", "Mei Lin").clocked_in(hours(2)).on_break(minutes(10)).in_group(EAST);
}

fn oddities(world: &World) {
    // Forgot to punch out the day before.
    east(world, "nsaid", "Noor Said").clocked_in(hours(26));
    east(world, "oreyes", "Omar Reyes").clocked_in(hours(4)).transferred(hours(2), ";;;Receiving;");
    east(world, "prao", "Priya Rao").worked(hours(12), hours(4)).phantom_punch(hours(1));
    west(world, "qyoung", "Quinn Young").worked(hours(28), hours(20)).punch_untotalled(minutes(4)).last_punch_as(Override::In);
    west(world, "rsilva", "Rita Silva").clocked_in(hours(8)).punch_untotalled(minutes(2)).last_punch_as(Override::Out);
    west(world, "tbauer", "Timo Bauer").projected_shift(hours(2), hours(-6)).scheduled_punch(hours(2));
    // Sent to the other coast for the day: the home zone is Pacific, the punch is not.
    west(world, "uito", "Umi Ito").zone(EASTERN).clocked_in(hours(2)).zone(PACIFIC).in_group(EAST);
}

fn strangers(world: &World) {
    world.directory_user("vcruz").named("Vera Cruz").in_group(EAST);
    east(world, "wmay", "Will May").clocked_in(hours(2)).disabled();
    // The same user name in two domains, and one person in UKG.
    east(world, "xchen", "Xia Chen").clocked_in(hours(2));
    let namesake = world.directory_user_in("xchen", "partners.example").named("Xaver Chen").in_group(EAST);
    drop(namesake);
    east(world, "yali", "Yasin Ali").clocked_in(hours(2)).hidden_from_api_user();
    debug_assert!(world.users().iter().any(|user| user.domain != HOME_DOMAIN));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_its_cases() {
        let world = World::demo(Utc::now());
        assert_eq!(world.people().len(), 23);
        assert_eq!(world.users().len(), 25);
        assert_eq!(world.members_of(EAST).len(), 16);
        assert_eq!(world.members_of(WEST).len(), 10);
    }
}
