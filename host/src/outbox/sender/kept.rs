//! What is kept of an address that was written to, so that a process that comes after this one keeps to its pace.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::PACE;
use super::super::pace::Minute;

/// What is kept of an address that was written to.
#[derive(Serialize, Deserialize)]
pub(super) struct Pace {
    pub(super) to: String,
    pub(super) minute: Minute,
}

/// Where it is kept.
pub(super) fn pace_key(to: &str) -> String {
    format!("{PACE}{}", hash(to))
}

/// A text as a part of a key or of a name.
pub(in super::super) fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
