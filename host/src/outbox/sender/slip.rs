//! What the sender knows of a letter that waits.

use chrono::{DateTime, Utc};

/// What is known of a letter without reading it.
pub(super) struct Slip {
    pub(super) to: String,
    pub(super) created: DateTime<Utc>,
    /// Not before this moment.
    pub(super) next: Option<DateTime<Utc>>,
    /// It goes as it is, and is not put together with others: a group, or what was tried without an answer. The server may
    /// have taken that, and then its copy must have the same name.
    pub(super) as_it_is: bool,
}
