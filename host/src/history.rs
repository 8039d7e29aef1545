//! The execution history: what ran, when, for whom, and how it ended.
//!
//! A run is written twice: when it starts and when it ends. While it is open its process holds a lock on it, so a run
//! whose process was killed is told from one that still works, and is closed as `ABORTED` by the next who looks.
//!
//! Here are the words; `ledger` keeps them, orders them and forgets them in time. What a run means is the plugin's.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::{Guard, StoreError, Write};

mod latest;
mod ledger;
mod wire;

pub use ledger::History;
pub(crate) use ledger::KEPT;
pub(crate) use wire::instant;

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// A person.
    Manual,
    /// The schedule.
    Schedule,
    /// An event that came in.
    Event,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = RunStatus)]
pub enum Status {
    /// It ended well.
    Complete,
    /// It ended well, with warnings.
    CompleteWarn,
    /// It failed.
    Error,
    /// It was stopped before its end.
    Aborted,
    /// It has not ended.
    #[serde(rename = "INPROCESS")]
    InProcess,
    /// It was never begun.
    Discarded,
}

impl Status {
    /// Every status, in the order to show.
    pub const ALL: [Self; 6] = [Self::Complete, Self::CompleteWarn, Self::Error, Self::Aborted, Self::InProcess, Self::Discarded];

    /// The word for it in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETE",
            Self::CompleteWarn => "COMPLETE_WARN",
            Self::Error => "ERROR",
            Self::Aborted => "ABORTED",
            Self::InProcess => "INPROCESS",
            Self::Discarded => "DISCARDED",
        }
    }

    /// Whether it ended well.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Complete | Self::CompleteWarn)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("{text:?} is no status: write one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// One run, exactly as `run --json` and `history --json` print it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "run": "019526f3-bf60-7000-8000-0123456789ab",
    "tenant": "acme",
    "job": "batch",
    "process": "Batch",
    "trigger": "schedule",
    "status": "COMPLETE_WARN",
    "started": "2026-03-01T05:45:00.000Z",
    "duration_ms": 226,
    "counts": { "members": 23, "changed": 2 },
    "warnings": [{ "code": "B-70", "message": "One was not found.", "subject": "adiaz" }],
    "failure": null
}))]
pub struct Run {
    /// Its id: a UUID of version 7, so ids order by start.
    pub run: String,
    /// Whose run it is.
    pub tenant: String,
    /// Which job.
    pub job: String,
    /// The name of the process in the history.
    pub process: String,
    /// What started it.
    pub trigger: Trigger,
    /// How it stands.
    pub status: Status,
    /// When it started, to the millisecond.
    #[serde(with = "wire::instant")]
    pub started: DateTime<Utc>,
    /// How long it took; `None` while it runs, and where nobody saw its end.
    #[schema(required)]
    pub duration_ms: Option<u64>,
    /// What it counted; `None` where nothing was read.
    #[schema(required, value_type = Option<std::collections::BTreeMap<String, u64>>)]
    pub counts: Option<Counts>,
    /// What went wrong without stopping it.
    pub warnings: Vec<Warning>,
    /// Why it failed.
    #[schema(required)]
    pub failure: Option<Failure>,
}

/// Counts in the order to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(pub Vec<(String, u64)>);

impl Counts {
    /// The count of this name.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
    }
}

/// Something that went wrong without stopping the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Its code.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// What it is about.
    #[schema(required)]
    pub subject: Option<String>,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Its code.
    pub code: String,
    /// A short title.
    pub title: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// One run with all that is kept about it, exactly as `history TENANT RUN --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Its story and its calls.
    #[serde(flatten)]
    pub story: Story,
}

/// What is kept about a run beside the run itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = RunStory)]
pub struct Story {
    /// What the plugin noted, oldest first.
    pub notes: Vec<Note>,
    /// The lines of a test.
    pub steps: Vec<Step>,
    /// The calls it made, oldest first.
    pub calls: Vec<Call>,
}

/// One line of a run's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// When, to the millisecond.
    #[serde(with = "wire::instant")]
    pub at: DateTime<Utc>,
    /// `info`, `warning` or `error`.
    pub level: Level,
    /// Its code, where it has one.
    #[schema(required)]
    pub code: Option<String>,
    /// One sentence for a person.
    pub message: String,
    /// What it is about.
    #[schema(required)]
    pub subject: Option<String>,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Info,
    /// Needs somebody's attention; the run goes on.
    Warning,
    /// Something failed.
    Error,
}

/// One line of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// What was tried.
    pub title: String,
    /// How it went.
    pub outcome: StepOutcome,
    /// What was found.
    pub detail: String,
}

/// How one line of a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepOutcome {
    /// Well.
    Passed,
    /// Well enough, with something to look at.
    Warned,
    /// Not at all.
    Failed,
    /// Not tried.
    Skipped,
}

/// One call over HTTP that a run made, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// The connection's name.
    pub connection: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the last answer; `None` where none came.
    #[schema(required)]
    pub status: Option<u16>,
    /// How long it took, all tries and waits included.
    pub duration_ms: u64,
    /// The other side's id of the request, where it gave one.
    #[schema(required)]
    pub request_id: Option<String>,
    /// How often it was sent.
    pub tries: u32,
}

/// A run about to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewRun {
    /// Whose run it is.
    pub(crate) tenant: String,
    /// Which job.
    pub(crate) job: String,
    /// The name of the process in the history.
    pub(crate) process: String,
    /// What starts it.
    pub(crate) trigger: Trigger,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    /// How it stands now; not [`Status::InProcess`].
    pub(crate) status: Status,
    /// What it counted.
    pub(crate) counts: Option<Counts>,
    /// What went wrong without stopping it.
    pub(crate) warnings: Vec<Warning>,
    /// Why it failed.
    pub(crate) failure: Option<Failure>,
    /// Its story and its calls.
    pub(crate) story: Story,
}

impl Ending {
    /// An ending with nothing to tell.
    pub(crate) fn new(status: Status) -> Self {
        Self { status, counts: None, warnings: Vec::new(), failure: None, story: Story::default() }
    }
}

/// A run that has started. Dropped unfinished it becomes `ABORTED`.
#[derive(Debug)]
pub(crate) struct OpenRun {
    /// The run as it stands in the history.
    pub(crate) run: Run,
    pub(crate) alive: Guard,
}

/// Sees runs end, and has something to store with the end: in the same commit, so that neither is ever without the
/// other. A lost race of one of its writes has it asked again.
#[async_trait]
pub(crate) trait Witness: Send + Sync {
    /// What is to be written with the end of this run, into the host's own space of its tenant.
    async fn saw(&self, run: &Run) -> Result<Vec<Write>, StoreError>;
}

/// Which runs are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this job.
    pub job: Option<String>,
}

/// One page of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// The runs, newest first.
    pub items: Vec<Run>,
    /// Where the next page begins; `None` at the end. Good for the same tenant only.
    pub next: Option<String>,
}
