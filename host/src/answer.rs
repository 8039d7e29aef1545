//! What a plugin answers, in the JSON that the command line and the API print (design §7).

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::history::Warning;

/// What is stored for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Worker, example = json!({
    "tenant": "acme",
    "user": "adiaz",
    "person_number": "100007",
    "status": "on-shift",
    "reason": "clocked-in",
    "since": "2026-03-01T05:45:00Z",
    "observed_at": "2026-03-01T09:00:00Z",
    "age_seconds": 42,
    "source": { "run": "019526f3-bf60-7000-8000-0123456789ab", "kind": "batch" },
    "evidence": [{ "at": "2026-03-01T05:45:00Z", "what": "An in punch." }]
}))]
pub struct Entry {
    /// The tenant.
    pub tenant: String,
    /// The user name as the directory writes it.
    pub user: String,
    /// The person's number in the time system.
    #[schema(required)]
    pub person_number: Option<String>,
    /// The status, in the pack's words.
    pub status: String,
    /// Why, in the pack's words.
    pub reason: String,
    /// Since when it holds.
    #[serde(serialize_with = "instant")]
    #[schema(required)]
    pub since: Option<DateTime<Utc>>,
    /// When the evidence was read.
    #[serde(serialize_with = "instant")]
    #[schema(required)]
    pub observed_at: Option<DateTime<Utc>>,
    /// How old the evidence is, in seconds; none where nothing is stored.
    #[schema(required)]
    pub age_seconds: Option<u64>,
    /// Where it comes from; none where nothing is stored.
    #[schema(required)]
    pub source: Option<Source>,
    /// The way to the status.
    pub evidence: Vec<Evidence>,
}

/// Where knowledge comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Source {
    /// The run that read it.
    #[schema(required)]
    pub run: Option<String>,
    /// `batch`, `look-up` or `event`.
    pub kind: String,
}

/// One step of the way to a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Evidence {
    /// When it happened.
    #[serde(serialize_with = "instant")]
    #[schema(required)]
    pub at: Option<DateTime<Utc>>,
    /// What it was, in plain words.
    pub what: String,
}

/// One page of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WorkerPage)]
pub struct Listing {
    /// The entries.
    pub items: Vec<Entry>,
    /// Where the next page begins.
    #[schema(required)]
    pub next: Option<String>,
}

/// One change of what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterChange {
    /// Its number: a tenant's changes are numbered from 1, without gaps.
    pub id: u64,
    /// The user name as the directory writes it.
    pub user: String,
    /// What was stored; none where the user was removed.
    pub entry: Option<Entry>,
}

/// Some of the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterChanges {
    /// The changes, in order.
    pub items: Vec<RosterChange>,
    /// The oldest that is still kept; one more than the latest where none is.
    pub oldest: u64,
    /// The latest; 0 before the first.
    pub latest: u64,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It is dealt with.
    Done,
    /// It is to be brought again, after this time at the earliest.
    Retry(Duration),
    /// It will never do: somebody is to look at it.
    Reject {
        /// The code of the pack's catalogue, where it has one.
        code: Option<String>,
        /// What is wrong with it, in one sentence.
        message: String,
    },
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The user name as asked.
    pub user: String,
    /// The surface as asked.
    pub surface: Option<String>,
    /// Allow or deny.
    pub decision: Verdict,
    /// Why, in the pack's words.
    pub reason: String,
    /// The status it rests on.
    pub status: String,
    /// Since when that status holds.
    #[serde(serialize_with = "instant")]
    pub since: Option<DateTime<Utc>>,
    /// When the evidence was read.
    #[serde(serialize_with = "instant")]
    pub as_of: Option<DateTime<Utc>>,
    /// How old the evidence is, in seconds.
    pub age_seconds: Option<u64>,
    /// Where the evidence comes from.
    pub source: Option<Source>,
}

/// How a decision comes about, with what it rests on: all of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What is stored for the user; none without a record, or where what is stored is damaged.
    pub entry: Option<Entry>,
    /// The decision.
    pub decision: Decision,
    /// The way to it in plain sentences.
    pub steps: Vec<Evidence>,
}

/// The decision about one user as it is, and as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The user.
    pub user: String,
    /// What would come of it.
    pub change: Change,
    /// The decision under the tenant's properties.
    pub today: Decision,
    /// The decision under the properties asked about.
    pub then: Decision,
}

/// What other properties would do to a user's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The user would gain it.
    Gains,
    /// The user would lose it.
    Loses,
    /// It would stay as it is.
    None,
}

/// One page of comparisons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparisons {
    /// The comparisons, in the order of user names.
    pub items: Vec<Comparison>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// How far one user of the directory and one person of the time system belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// One of the states of the page, in the pack's words.
    pub state: String,
    /// The user name as the directory writes it.
    pub user: Option<String>,
    /// The person numbers in the time system.
    pub person_numbers: Vec<String>,
    /// The user name as the time system writes it.
    pub person_user: Option<String>,
    /// Whether a property pins the user to the person.
    pub pinned: bool,
    /// The likely cause, in the pack's words.
    pub cause: Option<String>,
    /// The cause in one sentence, or nothing.
    pub explanation: String,
    /// What to do about it, or nothing.
    pub suggestion: String,
}

/// One page of identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identities {
    /// The identities: those of the directory first, then those of the time system alone.
    pub items: Vec<Identity>,
    /// The states there are, in the order to count them up. What has the first needs no look unless something is suggested.
    pub states: Vec<String>,
    /// What could not be read; on the first page only.
    pub warnings: Vec<Warning>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Whether a user may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The user may.
    Allow,
    /// The user may not.
    Deny,
}

/// An instant as RFC 3339 in UTC, or null.
pub(crate) fn instant<S: Serializer>(instant: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match instant {
        Some(instant) => serializer.serialize_str(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        None => serializer.serialize_none(),
    }
}
