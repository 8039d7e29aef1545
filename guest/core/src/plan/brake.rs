//! Whether a run takes access from too many at once.

use chrono::{DateTime, Duration, Utc};

use crate::decide::{Reach, decide};
use crate::record::Record;
use crate::settings::Settings;

/// What a decision about one worker rests on.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The record, where there is one.
    pub record: Option<&'a Record>,
    /// In an exempt group.
    pub exempt: bool,
}

impl Standing<'_> {
    /// Whether anything is known of the worker: a stranger has no access that a run could take.
    pub const fn is_known(&self) -> bool {
        self.record.is_some() || self.exempt
    }
}

/// How things stood before a run, for the brake.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// How the attempt to reach the time system ended that was the last before the run.
    pub reach: Reach,
    /// The run before was held. Records then age because of the brake alone, so their age takes no access away: else the
    /// brake would let go by itself as soon as they are too old.
    pub held: bool,
}

/// Whether `after` takes away an access that `before` gives at `now` to somebody known: what the brake counts.
pub fn closes(before: Standing<'_>, after: Standing<'_>, stood: Before, settings: &Settings, now: DateTime<Utc>) -> bool {
    let ageless = Settings { freshness: Duration::MAX, ..settings.clone() };
    let settings_before = if stood.held { &ageless } else { settings };
    before.is_known()
        && decide(before.record, before.exempt, stood.reach, settings_before, now).allow
        && !decide(after.record, after.exempt, Reach::Reached, settings, now).allow
}

/// Whether so many closings are more than `brake-percent` of the workers known before the run.
pub fn is_held(closings: u64, known: u64, settings: &Settings) -> bool {
    settings.brake_percent > 0 && closings.saturating_mul(100) > known.saturating_mul(settings.brake_percent.into())
}
