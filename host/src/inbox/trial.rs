//! Brings events to the plugin, and finds out which of them it fails over.
//!
//! A plugin that traps or runs out of memory over many events is called again with each half of them, until those to blame
//! stand alone and the others are dealt with. One that runs out of time, or of processor time, is not: each try would cost as much again. Its
//! events are put off and come back in smaller calls. An event is to blame for the time only where the plugin called nobody
//! over it: otherwise it is another system that is slow.

use std::ops::Range;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::minute::{Minute, failure};
use super::queue::Waiting;
use crate::answer::Disposition;
use crate::history::Failure;
use crate::plugin::CallError;
use crate::runner::Runner;
use crate::scheduler::Life;
use crate::tenant::Tenant;

/// Calls that may fail before the search is put off: over a plugin that fails at everything it would take forever.
const MOST_FAILURES: usize = 40;

/// How long the search is put off, where the plugin answers at times, and where it never does.
const GO_ON: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How much smaller the calls get after one that ran out of time.
const SMALLER: usize = 8;

/// What is to become of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is dealt with.
    Done,
    /// The plugin wants it again, after this time.
    Retry(Duration),
    /// The plugin will never have it.
    Reject { code: Option<String>, message: String },
    /// The plugin failed over it alone.
    Blamed(Failure),
    /// The plugin ran out of time over a call with it: again, in a call of so many.
    Late { together: usize, failure: Failure },
    /// It was not its turn yet: again after this time, in a call of so many.
    Waits { together: usize, after: Duration },
}

/// What a call needs.
pub(super) struct Trial<'a> {
    pub(super) runner: &'a Runner,
    pub(super) tenant: &'a Tenant,
    pub(super) life: &'a Life,
    pub(super) limit: Duration,
}

impl Trial<'_> {
    /// One verdict an event, in order; none at all where the life was ended meanwhile.
    pub(super) async fn hold(&self, minute: &mut Minute, events: &[&Waiting]) -> Option<Vec<Verdict>> {
        let mut verdicts = vec![Verdict::Done; events.len()];
        let whole = 0..events.len();
        let mut ranges: Vec<Range<usize>> = Vec::from([whole]);
        let (mut failures, mut answers) = (0, 0);
        while let Some(range) = ranges.pop() {
            let together = range.len();
            if failures >= MOST_FAILURES || (failures > 0 && self.life.stop.is_cancelled()) {
                let after = if answers > 0 { GO_ON.0 } else { GO_ON.1 };
                fill(&mut verdicts, range, Verdict::Waits { together, after });
                continue;
            }
            let called = minute.called();
            let part = events.get(range.clone()).unwrap_or_default();
            let error = match self.call(minute, part, &self.life.abort).await? {
                Ok(dispositions) => {
                    minute.answered();
                    answers += 1;
                    let places = verdicts.get_mut(range).into_iter().flatten();
                    places.zip(dispositions).for_each(|(place, disposition)| *place = disposition.into());
                    continue;
                }
                Err(error) => error,
            };
            let failure = failure(self.tenant, &error);
            tracing::warn!(tenant = %self.tenant.name, events = together, code = failure.code, "the plugin failed over events: {error}");
            minute.failed(&failure);
            failures += 1;
            match error {
                CallError::Time(_) if minute.called() > called => {
                    fill(&mut verdicts, range, Verdict::Late { together: (together / SMALLER).max(1), failure });
                }
                _ if together <= 1 => fill(&mut verdicts, range, Verdict::Blamed(failure)),
                CallError::Time(_) | CallError::Cpu(_) => {
                    fill(&mut verdicts, range, Verdict::Late { together: (together / SMALLER).max(1), failure })
                }
                _ => {
                    let middle = range.start + together / 2;
                    ranges.extend([middle..range.end, range.start..middle]);
                }
            }
        }
        Some(verdicts)
    }

    async fn call(&self, minute: &Minute, events: &[&Waiting], abort: &CancellationToken) -> Option<Result<Vec<Disposition>, CallError>> {
        let lent = minute.lend(self.runner, self.tenant);
        let events = events.iter().map(|event| (event.id.as_str(), event.body.as_bytes()));
        abort.run_until_cancelled(self.tenant.pack.handle(lent, self.limit, minute.id(), events)).await
    }
}

impl From<Disposition> for Verdict {
    fn from(disposition: Disposition) -> Self {
        match disposition {
            Disposition::Done => Self::Done,
            Disposition::Retry(after) => Self::Retry(after),
            Disposition::Reject { code, message } => Self::Reject { code, message },
        }
    }
}

fn fill(verdicts: &mut [Verdict], range: Range<usize>, verdict: Verdict) {
    verdicts.get_mut(range).into_iter().flatten().for_each(|place| *place = verdict.clone());
}
