//! Look-ups that callers ask for. Each costs calls to another system, so many who ask for the same user at once share one
//! answer, and nobody makes this host read a user anew more than once a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use super::App;
use super::problem::Problem;
use crate::answer::Entry;
use crate::plugin::CallError;
use crate::tenant::Tenant;

/// How long an answer serves whoever asks again.
const SERVES: Duration = Duration::from_secs(1);

/// An answer to come, or one that is there, with the moment it came.
type Answer = Option<(Instant, Arc<Result<Entry, CallError>>)>;

/// A tenant and a user.
type Key = (Arc<str>, String);

/// The look-ups under way, and those of the last second. Clones share them.
#[derive(Clone, Default)]
pub(super) struct LookUps {
    known: Arc<Mutex<HashMap<Key, watch::Receiver<Answer>>>>,
}

impl LookUps {
    /// Reads one user anew, or waits for who does so already.
    pub(super) async fn of(&self, app: &App, tenant: &Tenant, user: &str) -> Result<Entry, Problem> {
        let mut answer = self.join(app, tenant, user);
        let answer = match answer.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone(),
            Err(_) => None,
        };
        let (_, answer) = answer.ok_or_else(Problem::stopping)?;
        match &*answer {
            Ok(entry) => Ok(entry.clone()),
            Err(error) => Err(Problem::of_call(tenant, error)),
        }
    }

    /// The look-up under way, or a new one. It goes on when its caller hangs up: others may wait for it.
    fn join(&self, app: &App, tenant: &Tenant, user: &str) -> watch::Receiver<Answer> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, answer| serves(answer));
        let entry = known.entry((tenant.name.clone(), user.trim().to_lowercase()));
        let begin = || {
            let (sender, receiver) = watch::channel(None);
            let (site, abort, tenant, user) = (app.site.clone(), app.life.abort.clone(), tenant.clone(), user.to_owned());
            let look_up = async move {
                let answer = abort.run_until_cancelled(site.host().look_up(&tenant, &user)).await;
                let _ = sender.send(answer.map(|answer| (Instant::now(), Arc::new(answer))));
            };
            app.life.tracker.spawn(look_up.in_current_span());
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
