//! The time zones that nothing translates, or nothing but the default: each is warned of once, whatever shows it.

use std::collections::BTreeSet;

use shift_access_core::catalogue;
use shift_access_core::zone::{KronosZone, Resolution, Zones};

use super::lines::Lines;

/// The zones that were warned of.
#[derive(Debug, Default)]
pub struct ZoneDoubts(BTreeSet<String>);

impl ZoneDoubts {
    /// Warns of the zones of the tenant's own list, and answers their names.
    pub fn of_list(&mut self, list: &[KronosZone], zones: &Zones, lines: &mut Lines) -> Vec<String> {
        let mut names = Vec::new();
        for zone in list {
            match zones.resolve(&zone.reference(), None) {
                Resolution::Known(_) => {}
                Resolution::Default { name, .. } => names.extend(self.only_default(name, lines)),
                Resolution::Unknown { name } => names.extend(self.unknown(name, lines)),
            }
        }
        names
    }

    /// Warns of a zone that nothing translates; answers its name if it was not warned of before.
    pub fn unknown(&mut self, zone: String, lines: &mut Lines) -> Option<String> {
        let message = format!("Nothing translates the time zone {zone}: workers there are unknown until it stands in zones.");
        self.warn(zone, message, lines)
    }

    /// Warns of a zone that only `default-time-zone` covers; answers its name if it was not warned of before.
    pub fn only_default(&mut self, zone: String, lines: &mut Lines) -> Option<String> {
        let message = format!("Only default-time-zone covers the time zone {zone}; if that is not right for it, add it to zones.");
        self.warn(zone, message, lines)
    }

    fn warn(&mut self, zone: String, message: String, lines: &mut Lines) -> Option<String> {
        let new = self.0.insert(zone.clone());
        new.then(|| {
            lines.warn(&zone, catalogue::ZONE_UNKNOWN, message);
            zone
        })
    }
}

#[cfg(test)]
mod tests {
    use shift_access_core::settings::Settings;

    use super::*;

    #[test]
    fn a_zone_of_the_list_that_nothing_translates_is_named_once() {
        let listed = |id: &str, name: &str| KronosZone { id: Some(id.into()), names: vec![name.into()] };
        let list = [listed("13411", "(GMT -05:00) Eastern Time"), listed("13400", "Depot"), listed("13401", "Depot 2")];
        let property = [("Depot 2".to_owned(), "Europe/Berlin".to_owned())].into();
        for default in [None, Some("Europe/Berlin".to_owned())] {
            let settings =
                Settings { zones: std::collections::BTreeMap::clone(&property), default_time_zone: default, ..Settings::defaults() };
            let (mut doubts, mut lines) = (ZoneDoubts::default(), Lines::default());
            let zones = Zones::new(&settings, list.to_vec());
            assert_eq!(doubts.of_list(&list, &zones, &mut lines), ["Depot (13400)"]);
            assert_eq!(doubts.unknown("Depot (13400)".into(), &mut lines), None);
            let warnings = lines.into_report().1.warnings.into_vec();
            let told: Vec<_> = warnings.iter().map(|warning| (warning.number, warning.subject.as_deref())).collect();
            assert_eq!(told, [(73, Some("Depot (13400)"))]);
        }
    }
}
