//! Local times of one time card become moments.

use std::fmt;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;

use crate::timecard::ZoneRef;
use crate::zone::{LocalTime, Prefer, Resolution, Zones, instant};

/// An instant, with the zone it was written in so that it can be shown there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub at: DateTime<Utc>,
    pub tz: Tz,
}

impl Moment {
    pub fn plus(self, duration: Duration) -> Self {
        Self { at: self.at + duration, tz: self.tz }
    }

    /// This moment, or the instant of `earliest` where that is later.
    pub fn at_least(self, earliest: Moment) -> Self {
        Self { at: self.at.max(earliest.at), tz: self.tz }
    }

    /// Without the name of the zone, for a sentence in which it follows.
    pub fn short(self) -> LocalTime {
        LocalTime { at: self.at, tz: self.tz, named: false }
    }

    /// As it stands in a sentence with `next` behind it: the zone is named once.
    pub fn before(self, next: Moment) -> LocalTime {
        LocalTime { at: self.at, tz: self.tz, named: self.tz != next.tz }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LocalTime { at: self.at, tz: self.tz, named: true }.fmt(f)
    }
}

/// Translates the zone references of one time card. Most of them are the same one, so each is looked up once.
pub(super) struct Clock<'a> {
    zones: &'a Zones,
    person: Option<&'a ZoneRef>,
    seen: Vec<(ZoneRef, Resolution)>,
}

impl<'a> Clock<'a> {
    pub fn new(zones: &'a Zones, person: Option<&'a ZoneRef>) -> Self {
        Self { zones, person, seen: Vec::new() }
    }

    /// The zone of the first of these references that says anything; the name of the zone if nothing translates it.
    pub fn zone(&mut self, references: &[&ZoneRef]) -> Result<Tz, String> {
        let silent = ZoneRef::default();
        let reference = references.iter().copied().find(|reference| **reference != silent).unwrap_or(&silent);
        let known = self.seen.iter().find(|(seen, _)| seen == reference).map(|(_, resolution)| resolution.clone());
        let resolution = known.unwrap_or_else(|| {
            let resolution = self.zones.resolve(reference, self.person);
            self.seen.push((reference.clone(), resolution.clone()));
            resolution
        });
        match resolution {
            Resolution::Known(tz) | Resolution::Default { tz, .. } => Ok(tz),
            Resolution::Unknown { name } => Err(name),
        }
    }

    /// The zone of what is only told of and decides nothing: if nothing translates it, the status is none the less known.
    pub fn zone_if_known(&self, reference: &ZoneRef) -> Option<Tz> {
        match self.seen.iter().find(|(seen, _)| seen == reference) {
            Some((_, resolution)) => resolution.tz(),
            None => self.zones.resolve(reference, self.person).tz(),
        }
    }

    /// The first zone that only the default covered.
    pub fn default_zone(&self) -> Option<String> {
        self.seen.iter().find_map(|(_, resolution)| match resolution {
            Resolution::Default { name, .. } => Some(name.clone()),
            _ => None,
        })
    }
}

/// The moment of a local time.
pub(super) fn moment(local: NaiveDateTime, tz: Tz, prefer: Prefer) -> Moment {
    Moment { at: instant(local, tz, prefer), tz }
}
