//! How long who cannot be served is left alone.

use chrono::{DateTime, Utc};

use super::super::pace;

/// What is known of an address, or of the server: how often in a row it failed, and until when it is left alone.
#[derive(Default)]
pub(super) struct Trouble {
    pub(super) failures: u32,
    pub(super) until: Option<DateTime<Utc>>,
}

impl Trouble {
    pub(super) fn failed(&mut self, now: DateTime<Utc>) {
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + pace::wait(self.failures));
    }
}
