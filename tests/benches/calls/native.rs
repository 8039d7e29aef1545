//! The same decision without a component: the rules alone, for a record of the same kind.

use std::hint::black_box;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use shift_access_core::decide::{Reach, decide as decided};
use shift_access_core::record::{Record, Source};
use shift_access_core::settings::Settings;
use shift_access_core::status::{Reason, SourceKind, Status};

/// A worker at work, read now.
pub(crate) fn record() -> Result<(Record, Settings, DateTime<Utc>)> {
    let now = Utc::now();
    let record = Record {
        user: "adiaz".to_owned(),
        person_number: Some("100007".to_owned()),
        status: Status::OnShift,
        reason: Reason::ClockedIn,
        since: Some(now),
        zone: None,
        observed_at: now,
        source: Source { run: Some("run".to_owned()), kind: SourceKind::Batch },
        evidence: Vec::new(),
    };
    Ok((record, Settings::defaults(), now))
}

pub(crate) fn decide((record, settings, now): &(Record, Settings, DateTime<Utc>)) -> Result<()> {
    let decision = black_box(decided(black_box(Some(record)), false, Reach::Reached, settings, *now));
    ensure!(decision.allow, "a worker at work is refused");
    Ok(())
}
