//! A component on trial: the one before it stands by, and answers where the new one fails by itself.
//!
//! So whoever asks in that time gets an answer, and an event is dealt with, although the new component is no good. What the
//! component says is no failure in this sense, and neither is time that ran out: there another system may have been slow.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Pack;
use super::error::CallError;
use crate::capability::Lent;
use crate::tenant::Tenant;

/// So many runs that end are enough to go by.
const RUNS: u32 = 3;

/// And so long a time with calls, whatever they were.
const LASTS: Duration = Duration::from_secs(5 * 60);

/// How a trial goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody knows yet.
    Open,
    /// The component does.
    Good,
    /// It failed, like this.
    Bad(String),
}

/// What stands by: a component, and what it was lent.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) pack: Pack,
    tenant: Tenant,
}

impl Before {
    /// What is lent for a call, as it was lent before: its own connections, properties and limits.
    pub(super) fn lent(&self, lent: Lent) -> Lent {
        let Tenant { http, properties, limits, grants, description, .. } = self.tenant.clone();
        let scope = lent.scope.describing(description);
        Lent { http, properties, limits, grants, scope, ..lent }
    }
}

/// The trial of one component for one tenant.
pub(crate) struct Trial {
    going: Mutex<Going>,
}

struct Going {
    /// What stands by, until the component has proved good.
    before: Option<Before>,
    /// When the first call was made.
    since: Option<Instant>,
    runs: u32,
    verdict: Verdict,
}

impl Trial {
    /// Begins with this tenant standing by, as it was.
    pub(super) fn new(tenant: Tenant) -> Self {
        let before = Before { pack: tenant.pack.clone().off_trial(), tenant };
        Self { going: Mutex::new(Going { before: Some(before), since: None, runs: 0, verdict: Verdict::Open }) }
    }

    /// How it goes until now.
    pub(crate) fn verdict(&self, now: Instant) -> Verdict {
        let mut going = self.lock();
        let over = going.runs >= RUNS || going.since.is_some_and(|since| now.duration_since(since) >= LASTS);
        if going.verdict == Verdict::Open && over {
            going.verdict = Verdict::Good;
            going.before = None;
        }
        going.verdict.clone()
    }

    /// Takes note of a call, and names the component that is to answer instead.
    pub(super) fn instead<R>(&self, answer: &Result<R, CallError>) -> Option<Before> {
        let mut going = self.lock();
        going.since.get_or_insert_with(Instant::now);
        let fault = answer.as_ref().err().filter(|error| is_own_fault(error))?;
        if going.verdict == Verdict::Open {
            going.verdict = Verdict::Bad(fault.to_string());
        }
        going.before.clone()
    }

    /// Takes note of a run. It is not repeated: it stands in the history as it went.
    pub(super) fn ran<R>(&self, answer: &Result<R, CallError>) {
        self.instead(answer);
        if answer.is_ok() {
            self.lock().runs += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Going> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the component failed by itself.
pub(crate) fn is_own_fault(error: &CallError) -> bool {
    match error {
        CallError::Trap(_) | CallError::Cpu(_) | CallError::Memory(_) | CallError::Data(_) => true,
        CallError::Time(_) | CallError::Failure(_) | CallError::Ungranted(_) => false,
    }
}
