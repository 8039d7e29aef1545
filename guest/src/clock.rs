//! The plugin's one clock. Everything else is told the time.

use chrono::{DateTime, SubsecRound, Utc};

/// Now, from the platform's wall clock, in whole milliseconds: as fine as anything is stored.
pub fn now() -> DateTime<Utc> {
    DateTime::<Utc>::from(std::time::SystemTime::now()).trunc_subsecs(3)
}
