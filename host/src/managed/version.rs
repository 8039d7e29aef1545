//! The versions of a tenant: every change is one, with who made it, when, and what it changed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Difference, Document};
use crate::history::instant;

/// How many versions of a tenant are kept. The oldest goes first.
pub const VERSIONS: u64 = 200;

/// A tenant as it is kept now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The number of its newest version, from 1.
    pub version: u64,
    /// When that was made.
    #[serde(with = "instant")]
    pub at: DateTime<Utc>,
    /// Who made it.
    pub by: String,
    /// Whether it is incomplete, and is not run.
    pub draft: bool,
    /// Its configuration.
    pub document: Document,
}

/// One version of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// When it was made.
    #[serde(with = "instant")]
    pub at: DateTime<Utc>,
    /// Who made it, in words for people.
    pub by: String,
    /// Why, if they said so.
    pub note: String,
    /// Whether it is incomplete, and was not run.
    pub draft: bool,
    /// What it changed of the version before.
    pub changes: Vec<Difference>,
    /// The configuration.
    pub document: Document,
}

/// Some versions, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// The versions.
    pub items: Vec<Version>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

impl Version {
    pub(super) fn kept(&self) -> Kept {
        let Self { number, at, by, draft, document, .. } = self.clone();
        Kept { version: number, at, by, draft, document }
    }
}
