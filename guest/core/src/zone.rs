//! From a zone reference of the time system to an IANA zone, and from local time to an instant.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Datelike, Duration, MappedLocalTime, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
pub use chrono_tz::Tz;

use crate::settings::Settings;
use crate::timecard::ZoneRef;
use crate::{iana, ids};

mod names;

/// One zone of the tenant's own list (`GET /api/v1/commons/setup/timezones`, facts/ukg-pro-wfm.md §2.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KronosZone {
    /// The Kronos number.
    pub id: Option<String>,
    /// Every text the list gives for it: qualifier, name, display name, full display name.
    pub names: Vec<String>,
}

impl KronosZone {
    /// A reference to this zone, as a punch made in it may carry one.
    pub fn reference(&self) -> ZoneRef {
        let mut names = self.names.iter().cloned();
        ZoneRef { id: self.id.clone(), qualifier: names.next(), name: names.next() }
    }
}

/// What a zone reference was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This zone.
    Known(Tz),
    /// Only `default-time-zone` covers it.
    Default {
        /// The default.
        tz: Tz,
        /// What the time system calls the zone.
        name: String,
    },
    /// Nothing translates it.
    Unknown {
        /// What the time system calls the zone.
        name: String,
    },
}

impl Resolution {
    /// The zone, where there is one.
    pub fn tz(&self) -> Option<Tz> {
        match self {
            Resolution::Known(tz) | Resolution::Default { tz, .. } => Some(*tz),
            Resolution::Unknown { .. } => None,
        }
    }
}

/// Everything that is known of this tenant's zones.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    /// The property `zones`, by key of the id or name.
    property: BTreeMap<String, Tz>,
    /// What the tenant's list translates to, by key of the id or name.
    tenant: BTreeMap<String, Tz>,
    default: Option<Tz>,
}

impl Zones {
    /// From the tenant's properties and its zone list; the list may be empty.
    pub fn new(settings: &Settings, tenant: Vec<KronosZone>) -> Self {
        let property = settings.zones.iter().filter_map(|(name, zone)| Some((ids::key(name), iana::zone(zone)?))).collect();
        let tenant = tenant.iter().flat_map(translated).collect();
        let default = settings.default_time_zone.as_deref().and_then(iana::zone);
        Self { property, tenant, default }
    }

    /// The zone of a reference, in the order of design §5. `person` is the person's own time zone: what it says counts for
    /// a reference to the same zone, and for none at all, as punches nearly always are in the person's home zone.
    pub fn resolve(&self, reference: &ZoneRef, person: Option<&ZoneRef>) -> Resolution {
        let own = texts(reference);
        let person = person.filter(|person| may_be_of(person, reference)).map(texts).unwrap_or_default();
        let said: Vec<&str> = if own.is_empty() { person.clone() } else { own };
        let found = said
            .iter()
            .find_map(|text| self.property.get(&ids::key(text)))
            .copied()
            .or_else(|| said.iter().find_map(|text| names::translate(text)))
            .or_else(|| said.iter().find_map(|text| self.tenant.get(&ids::key(text)).copied()))
            .or_else(|| person.iter().filter(|text| speaks_of(text, &said)).find_map(|text| self.of_person(text)));
        match (found, self.default) {
            (Some(tz), _) => Resolution::Known(tz),
            (None, Some(tz)) => Resolution::Default { tz, name: label(&said) },
            (None, None) => Resolution::Unknown { name: label(&said) },
        }
    }

    fn of_person(&self, text: &str) -> Option<Tz> {
        let key = ids::key(text);
        self.property.get(&key).copied().or_else(|| names::translate(text)).or_else(|| self.tenant.get(&key).copied())
    }
}

/// An instant as a person reads it: `2026-11-20 07:02 EST (America/New_York)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The zone to show it in.
    pub tz: Tz,
    /// Whether the name of the zone follows. In one sentence it is said once.
    pub named: bool,
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.at.with_timezone(&self.tz);
        let (date, time, short) = (local.date_naive(), local.time(), local.offset());
        let (year, month, day) = (date.year(), date.month(), date.day());
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02} {short}", time.hour(), time.minute())?;
        if self.named && self.tz != Tz::UTC { write!(f, " ({})", self.tz.name()) } else { Ok(()) }
    }
}

/// Which of the two instants of a doubled hour is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// The first, before the clocks go back.
    Earliest,
    /// The second, after the clocks have gone back.
    Latest,
}

/// The instant of a local time.
///
/// A time of the hour that comes twice is the one of `prefer`. A time of the hour that never comes is read with the
/// offset that held before the gap, which moves it forward by the gap: 02:30 on the night the clocks go from 02:00 to
/// 03:00 is 03:30. That is what a clock shows that nobody has put forward.
pub fn instant(local: NaiveDateTime, tz: Tz, prefer: Prefer) -> DateTime<Utc> {
    match (tz.from_local_datetime(&local), prefer) {
        (MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _), Prefer::Earliest) => at.to_utc(),
        (MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(_, at), Prefer::Latest) => at.to_utc(),
        (MappedLocalTime::None, _) => (local - offset_before_gap(local, tz)).and_utc(),
    }
}

/// Whether this local time comes twice.
pub fn is_doubled(local: NaiveDateTime, tz: Tz) -> bool {
    matches!(tz.from_local_datetime(&local), MappedLocalTime::Ambiguous(..))
}

/// The offset from UTC before the gap that `local` lies in. Gaps are an hour as a rule; a move over the date line skips
/// a whole day, so two days are looked back at most.
fn offset_before_gap(local: NaiveDateTime, tz: Tz) -> Duration {
    (1..=96)
        .filter_map(|step| tz.from_local_datetime(&(local - Duration::minutes(30 * step))).latest())
        .map(|before| Duration::seconds(before.offset().fix().local_minus_utc().into()))
        .next()
        .unwrap_or_default()
}

fn texts(reference: &ZoneRef) -> Vec<&str> {
    [&reference.id, &reference.qualifier, &reference.name]
        .into_iter()
        .flatten()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .collect()
}

/// What a zone is called in a message: its name with the number behind it, as far as it has them.
fn label(said: &[&str]) -> String {
    match (said.first(), said.iter().rev().find(|text| !is_number(text))) {
        (Some(id), Some(name)) if is_number(id) => format!("{name} ({id})"),
        (_, Some(name)) => (*name).to_owned(),
        (Some(id), None) => (*id).to_owned(),
        (None, None) => "no zone given".to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_digit())
}

/// Whether the person's zone may be the one that is referred to: not where both have a number and the numbers differ, and
/// not where the reference has a name of its own and no number, for then the punch was made away from home.
fn may_be_of(person: &ZoneRef, reference: &ZoneRef) -> bool {
    let number = |zone: &ZoneRef| zone.id.as_deref().map(ids::key).filter(|id| !id.is_empty());
    match (number(reference), number(person)) {
        (Some(reference), Some(person)) => reference == person,
        (Some(_), None) => true,
        (None, _) => texts(reference).is_empty(),
    }
}

/// Whether the person's text may stand for the reference: not where the reference has an offset of its own and the
/// person's differs, for then the punch was made away from home.
fn speaks_of(person: &str, said: &[&str]) -> bool {
    let of_person = names::offset(person);
    said.iter().filter_map(|text| names::offset(text)).all(|offset| of_person.is_none_or(|of_person| of_person == offset))
}

/// What a row of the tenant's list says of its id and of each of its names, if any of its names translates.
fn translated(zone: &KronosZone) -> Vec<(String, Tz)> {
    let Some(tz) = zone.names.iter().find_map(|name| names::translate(name)) else {
        return Vec::new();
    };
    zone.id.iter().chain(&zone.names).map(|text| (ids::key(text), tz)).filter(|(key, _)| !key.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(property: &[(&str, &str)], tenant: Vec<KronosZone>, default: Option<&str>) -> Zones {
        let zones = property.iter().map(|(name, zone)| ((*name).to_owned(), (*zone).to_owned())).collect();
        Zones::new(&Settings { zones, default_time_zone: default.map(str::to_owned), ..Settings::defaults() }, tenant)
    }

    fn reference(id: &str, qualifier: &str, name: &str) -> ZoneRef {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ZoneRef { id: text(id), qualifier: text(qualifier), name: text(name) }
    }

    fn listed(id: &str, names: &[&str]) -> KronosZone {
        KronosZone { id: Some(id.into()), names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn known(name: &str) -> Resolution {
        Resolution::Known(name.parse().unwrap())
    }

    #[test]
    fn the_property_goes_before_everything_else_by_id_qualifier_or_name() {
        for key in ["13411", "(gmt -05:00) EASTERN time", "Ostküste"] {
            let zones = zones(&[(key, "America/Detroit")], vec![listed("13411", &["America/Chicago"])], Some("UTC"));
            assert_eq!(
                zones.resolve(&reference("13411", "(GMT -05:00) Eastern Time", "Ostküste"), None),
                known("America/Detroit"),
                "{key}"
            );
        }
    }

    #[test]
    fn an_iana_name_and_a_kronos_name_go_before_the_tenants_list() {
        let zones = zones(&[], vec![listed("13411", &["America/Chicago"])], None);
        assert_eq!(zones.resolve(&reference("13411", "America/New_York", ""), None), known("America/New_York"));
        assert_eq!(zones.resolve(&reference("13411", "(GMT -08:00) Pacific Time", ""), None), known("America/Los_Angeles"));
    }

    #[test]
    fn the_tenants_list_says_what_a_number_is() {
        let zones = zones(&[], vec![listed("13400", &["?"]), listed("13411", &["Ost", "(GMT -05:00) Eastern Time"])], Some("UTC"));
        assert_eq!(zones.resolve(&reference("13411", "", ""), None), known("America/New_York"));
        assert_eq!(zones.resolve(&reference("", "Ost", ""), None), known("America/New_York"));
        assert!(matches!(zones.resolve(&reference("13400", "", ""), None), Resolution::Default { .. }));
    }

    #[test]
    fn a_row_of_the_tenants_list_is_resolved_as_a_punch_in_it_would_be() {
        let odd = listed("13400", &["Depot", "Depot time"]);
        let zones =
            zones(&[("depot time", "Europe/Berlin")], vec![odd.clone(), listed("13411", &["Ost", "Ostzeit", "America/New_York"])], None);
        assert_eq!(zones.resolve(&odd.reference(), None), known("Europe/Berlin"));
        assert_eq!(zones.resolve(&listed("13411", &["Ost"]).reference(), None), known("America/New_York"));
        assert_eq!(zones.resolve(&listed("13401", &["Depot 2"]).reference(), None), Resolution::Unknown { name: "Depot 2 (13401)".into() });
    }

    #[test]
    fn the_persons_own_zone_stands_in_for_a_number_that_nothing_translates_and_for_no_zone_at_all() {
        let zones = zones(&[("13411", "America/Detroit")], vec![], Some("UTC"));
        let person = ZoneRef::named("(GMT -05:00) Eastern Time");
        let person = Some(&person);
        assert_eq!(zones.resolve(&reference("99999", "", ""), person), known("America/New_York"));
        assert_eq!(zones.resolve(&reference("", "", ""), person), known("America/New_York"));
        assert_eq!(zones.resolve(&reference("", "", ""), Some(&ZoneRef::named("13411"))), known("America/Detroit"));
    }

    #[test]
    fn the_persons_own_zone_does_not_stand_in_for_another_number_or_a_name_of_its_own() {
        let zones = Zones::default();
        let home = ZoneRef { id: Some("13411".into()), ..ZoneRef::named("America/New_York") };
        assert_eq!(zones.resolve(&reference("13411", "", ""), Some(&home)), known("America/New_York"));
        assert_eq!(zones.resolve(&reference("", "", ""), Some(&home)), known("America/New_York"));
        for other in [reference("13990", "", ""), reference("13990", "Weird", ""), reference("", "Weird", "")] {
            assert!(matches!(zones.resolve(&other, Some(&home)), Resolution::Unknown { .. }), "{other:?}");
        }
    }

    #[test]
    fn the_persons_own_zone_does_not_stand_in_for_one_with_another_offset() {
        let zones = zones(&[], vec![], None);
        let away = reference("99999", "(GMT +05:00) Nowhere", "");
        assert_eq!(
            zones.resolve(&away, Some(&ZoneRef::named("(GMT -05:00) Eastern Time"))),
            Resolution::Unknown { name: "(GMT +05:00) Nowhere (99999)".into() }
        );
    }

    #[test]
    fn the_default_covers_what_nothing_else_does_and_says_so() {
        let covered = zones(&[], vec![], Some("Europe/Berlin"));
        let found = covered.resolve(&reference("99999", "", ""), None);
        assert_eq!(found, Resolution::Default { tz: chrono_tz::Europe::Berlin, name: "99999".into() });
        let uncovered = zones(&[], vec![], None);
        assert_eq!(uncovered.resolve(&ZoneRef::default(), None), Resolution::Unknown { name: "no zone given".into() });
        assert_eq!(uncovered.resolve(&reference("", "(GMT -05:00)", ""), None).tz(), None);
    }

    fn at(local: &str, tz: &str, prefer: Prefer) -> String {
        instant(local.parse().unwrap(), tz.parse().unwrap(), prefer).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    #[test]
    fn an_ordinary_time_has_one_instant() {
        assert_eq!(at("2026-07-01T09:00:00", "America/New_York", Prefer::Earliest), "2026-07-01T13:00:00Z");
        assert_eq!(at("2026-07-01T09:00:00", "America/New_York", Prefer::Latest), "2026-07-01T13:00:00Z");
    }

    #[test]
    fn the_doubled_hour_has_two_instants_north_and_south() {
        assert_eq!(at("2026-11-01T01:30:00", "America/New_York", Prefer::Earliest), "2026-11-01T05:30:00Z");
        assert_eq!(at("2026-11-01T01:30:00", "America/New_York", Prefer::Latest), "2026-11-01T06:30:00Z");
        assert_eq!(at("2026-04-05T02:30:00", "Australia/Sydney", Prefer::Earliest), "2026-04-04T15:30:00Z");
        assert_eq!(at("2026-04-05T02:30:00", "Australia/Sydney", Prefer::Latest), "2026-04-04T16:30:00Z");
    }

    #[test]
    fn the_missing_hour_moves_forward_by_the_gap_north_and_south() {
        for prefer in [Prefer::Earliest, Prefer::Latest] {
            assert_eq!(at("2026-03-08T02:30:00", "America/New_York", prefer), "2026-03-08T07:30:00Z");
            assert_eq!(at("2026-10-04T02:30:00", "Australia/Sydney", prefer), "2026-10-03T16:30:00Z");
            assert_eq!(at("2026-10-04T02:15:00", "Australia/Lord_Howe", prefer), "2026-10-03T15:45:00Z", "a gap of half an hour");
            assert_eq!(at("2011-12-30T12:00:00", "Pacific/Apia", prefer), "2011-12-30T22:00:00Z", "a gap of a day");
        }
    }
}
