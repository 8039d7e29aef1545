//! Time zones as UKG knows them: a five-digit number, a display text and, behind both, an IANA zone.
//!
//! Only the number 13411 was ever seen in a recording of a real tenant; the other numbers are made up in the same form. A test
//! that needs a zone which no table knows adds its own and keeps it out of the list ([`Zone::unlisted`]).

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The number of `(GMT -05:00) Eastern Time`.
pub const EASTERN: u32 = 13411;
/// The number of `(GMT -06:00) Central Time`.
pub const CENTRAL: u32 = 13412;
/// The number of `(GMT -07:00) Mountain Time`.
pub const MOUNTAIN: u32 = 13413;
/// The number of `(GMT -08:00) Pacific Time`.
pub const PACIFIC: u32 = 13414;
/// The number of `(GMT -07:00) Arizona`, which knows no summer time.
pub const ARIZONA: u32 = 13415;
/// The number of `(GMT +00:00) London`.
pub const LONDON: u32 = 13430;
/// The number of `(GMT +01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna`.
pub const BERLIN: u32 = 13431;

/// One zone of the tenant.
#[derive(Debug, Clone)]
pub struct Zone {
    /// The Kronos number.
    pub id: u32,
    /// The display text, which is also the qualifier in references.
    pub qualifier: String,
    /// Where the sun really stands.
    pub iana: Tz,
    /// Whether `GET /api/v1/commons/setup/timezones` names it.
    pub listed: bool,
}

impl Zone {
    /// A zone that the list names.
    pub fn new(id: u32, qualifier: &str, iana: Tz) -> Self {
        Self { id, qualifier: qualifier.to_owned(), iana, listed: true }
    }

    /// The same zone, kept out of the list.
    pub fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }

    /// The zones every new world has.
    pub fn usual() -> Vec<Self> {
        vec![
            Self::new(EASTERN, "(GMT -05:00) Eastern Time", Tz::America__New_York),
            Self::new(CENTRAL, "(GMT -06:00) Central Time", Tz::America__Chicago),
            Self::new(MOUNTAIN, "(GMT -07:00) Mountain Time", Tz::America__Denver),
            Self::new(PACIFIC, "(GMT -08:00) Pacific Time", Tz::America__Los_Angeles),
            Self::new(ARIZONA, "(GMT -07:00) Arizona", Tz::America__Phoenix),
            Self::new(LONDON, "(GMT +00:00) London", Tz::Europe__London),
            Self::new(BERLIN, "(GMT +01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", Tz::Europe__Berlin),
        ]
    }

    /// The offset of this zone in winter, in minutes east of Greenwich.
    pub fn winter_offset_minutes(&self) -> i32 {
        let january = Utc.timestamp_opt(1_768_435_200, 0).single().unwrap_or_default();
        self.iana.offset_from_utc_datetime(&january.naive_utc()).fix().local_minus_utc() / 60
    }
}

/// A moment as a test states it: an instant, or wall-clock time in the zone of whatever carries it.
///
/// Both exist because the repeated hour in autumn can only be asked for by wall clock, and everything else is easier by instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant.
    Instant(DateTime<Utc>),
    /// A wall-clock time.
    Local(NaiveDateTime),
}

impl Moment {
    /// What the clock on the wall shows.
    pub fn local(self, zone: Tz) -> NaiveDateTime {
        match self {
            Self::Instant(at) => at.with_timezone(&zone).naive_local(),
            Self::Local(local) => local,
        }
    }

    /// The instant; the earlier one where the clock shows a time twice, an hour later where it skips it.
    pub fn instant(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Instant(at) => at,
            Self::Local(local) => zone
                .from_local_datetime(&local)
                .earliest()
                .or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest())
                .map_or_else(|| local.and_utc(), |at| at.to_utc()),
        }
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Self {
        Self::Instant(at)
    }
}

impl From<NaiveDateTime> for Moment {
    fn from(local: NaiveDateTime) -> Self {
        Self::Local(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn a_moment_keeps_the_clock_on_the_wall() {
        let at = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
        assert_eq!(Moment::from(at).local(Tz::America__New_York).to_string(), "2026-07-01 08:00:00");
        let twice = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap().and_hms_opt(1, 30, 0).unwrap();
        assert_eq!(Moment::from(twice).instant(Tz::America__New_York).to_rfc3339(), "2026-11-01T05:30:00+00:00");
        let never = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(Moment::from(never).instant(Tz::America__New_York).to_rfc3339(), "2026-03-08T07:30:00+00:00");
    }

    #[test]
    fn offsets_are_those_of_winter() {
        let zones = Zone::usual();
        assert_eq!(zones[0].winter_offset_minutes(), -300);
        assert_eq!(zones[6].winter_offset_minutes(), 60);
    }
}
