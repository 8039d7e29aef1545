//! Look-ups that somebody asks for. Each costs calls to another system, so many who ask for the same user at once share one
//! answer, however they ask, and nobody makes this host read a user anew more than once a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use super::Runner;
use crate::answer::Entry;
use crate::plugin::CallError;
use crate::scheduler::Life;
use crate::tenant::Tenant;

/// How long an answer serves whoever asks again.
const SERVES: Duration = Duration::from_secs(1);

/// An answer to come, or one that is there, with the moment it came.
type Answer = Option<(Instant, Result<Entry, CallError>)>;

/// A tenant and a user.
type Key = (Arc<str>, String);

/// The look-ups under way, and those of the last second. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct LookUps {
    known: Arc<Mutex<HashMap<Key, watch::Receiver<Answer>>>>,
}

impl Runner {
    /// Reads one user anew, or waits for who does so already. None where that was aborted.
    pub(crate) async fn look_up_within(&self, tenant: &Tenant, user: &str, life: &Life) -> Option<Result<Entry, CallError>> {
        let mut answer = self.join(tenant, user, life);
        let answer = answer.wait_for(Option::is_some).await.ok()?.clone();
        answer.map(|(_, answer)| answer)
    }

    /// The look-up under way, or a new one. It goes on when its caller hangs up: others may wait for it.
    fn join(&self, tenant: &Tenant, user: &str, life: &Life) -> watch::Receiver<Answer> {
        let mut known = self.look_ups.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, answer| serves(answer));
        let entry = known.entry((tenant.name.clone(), user.trim().to_lowercase()));
        let begin = || {
            let (sender, receiver) = watch::channel(None);
            let (runner, abort, tenant, user) = (self.clone(), life.abort.clone(), tenant.clone(), user.to_owned());
            let look_up = async move {
                let answer = abort.run_until_cancelled(runner.look_up(&tenant, &user)).await;
                let _ = sender.send(answer.map(|answer| (Instant::now(), answer)));
            };
            life.tracker.spawn(look_up.in_current_span());
            receiver
        };
        entry.or_insert_with(begin).clone()
    }
}

/// Whether whoever asks now is served by this: it is under way, or fresh.
fn serves(answer: &watch::Receiver<Answer>) -> bool {
    match &*answer.borrow() {
        Some((came, _)) => came.elapsed() < SERVES,
        None => answer.has_changed().is_ok(),
    }
}
