//! Where events from outside come in: who may bring them, what they bring, and what becomes of it.
//!
//! The door looks at the raw bytes and the headers, the envelope turns what was brought into CloudEvents, and only then is
//! anything stored. Stored is answered: the 202 says that the event outlives a killed process. From there on a consumer
//! brings what waits to the plugin, many events a call, until each is done, or lies with the dead letters for a person to
//! look at. What an event means is the plugin's affair.
//!
//! All of it is keys and values in the host's own space of the tenant, and none of it grows with what waits, but the store.
//!
//! | keys | module | hold |
//! |---|---|---|
//! | `seen/ID`, `seen-of/MOMENT/LIST` | `seen` | which events came already |
//! | `inbox/DUE/SEGMENT`, `inbox-events/SEGMENT` | `queue` | what waits, and until when |
//! | `dead/MOMENT-ID`, `dead-event/MOMENT-ID` | `dead_letters` | what will not be brought again by itself |

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::clock::Clock;
use crate::runner::Runner;
use crate::scheduler::Life;
use crate::store::{Space, Store, StoreError};
use crate::tenant::Tenant;

mod consumer;
pub(crate) mod dead_letters;
pub(crate) mod door;
pub(crate) mod envelope;
mod keeper;
mod minute;
mod numbers;
mod queue;
mod seen;
mod settle;
mod trial;
mod unreadable;
mod writer;

pub(crate) use consumer::LISTENER;
pub use dead_letters::{DeadLetter, DeadLetterPage, DeadLetters, Found};
pub use numbers::{Numbers, Reading};

use envelope::{Arrived, Unreadable};
use queue::Queue;
use unreadable::Buried;
use writer::Post;

/// Posts that may wait for the writer. More of them wait in their connections.
const POSTS: usize = 1_024;

/// How long a post waits for its turn with the writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What holds of every inbox of a host.
#[derive(Debug, Clone)]
pub struct Rules {
    /// More events than this do not wait for one tenant: posts are refused until some are dealt with.
    pub most_waiting: u64,
    /// How long events that came are gathered before the plugin is called for them.
    pub gather: Duration,
    /// How long one call of the plugin may take.
    pub call_limit: Duration,
    /// An event that is to be brought again so long after it came goes to the dead letters.
    pub give_up: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            most_waiting: 1_000_000,
            gather: Duration::from_secs(2),
            call_limit: Duration::from_secs(300),
            give_up: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What became of the events of a post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Taken {
    /// So many are stored now.
    pub accepted: u64,
    /// So many came before.
    pub duplicates: u64,
}

/// Why events were not taken in. None of them is lost to a sender who posts again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotTaken {
    /// Too many wait already.
    #[error("too many events wait")]
    Full,
    /// The writer does not keep up.
    #[error("too many posts wait")]
    Busy,
    /// The store did not take them.
    #[error("{0}")]
    Store(Arc<StoreError>),
}

/// Where a tenant's events wait.
#[derive(Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
    posts: mpsc::Sender<Post>,
}

/// What the writer, the consumer and who looks on have in common.
struct Shared {
    queue: Queue,
    clock: Arc<dyn Clock>,
    rules: Rules,
    numbers: Numbers,
    /// Something came.
    arrived: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("space", &self.queue.space).finish_non_exhaustive()
    }
}

impl Inbox {
    fn new(tenant: &str, store: Arc<dyn Store>, clock: Arc<dyn Clock>, rules: Rules) -> Self {
        let queue = Queue { store, space: Space::host(tenant) };
        let shared = Arc::new(Shared { queue, clock, rules, numbers: Numbers::default(), arrived: Notify::new() });
        let (posts, waiting) = mpsc::channel(POSTS);
        tokio::spawn(writer::write(shared.clone(), waiting));
        Self { shared, posts }
    }

    /// Stores events that a platform got at a door of its own, each an id and a CloudEvents document in JSON. An id that came
    /// within the last week is dropped. When this returns, the events outlive the process.
    ///
    /// # Errors
    /// When they are not stored, or nobody knows whether they are: bring them again.
    pub async fn bring(&self, events: impl IntoIterator<Item = (String, String)>) -> Result<Taken, NotTaken> {
        self.take_in(events.into_iter().map(|(id, body)| Arrived { id, body: body.into_bytes() }).collect()).await
    }

    /// Stores events, each once. When this returns they outlive the process.
    pub(crate) async fn take_in(&self, events: Vec<Arrived>) -> Result<Taken, NotTaken> {
        let waiting = self.shared.numbers.waiting();
        if waiting.saturating_add(events.len() as u64) > self.shared.rules.most_waiting {
            return Err(NotTaken::Full);
        }
        let (answer, answered) = oneshot::channel();
        self.posts.send_timeout(Post { events, answer }, PATIENCE).await.map_err(|_| NotTaken::Busy)?;
        answered.await.unwrap_or(Err(NotTaken::Busy))
    }

    /// Stores what could not be read as dead letters, each once. When this returns they outlive the process.
    pub(crate) async fn bury(&self, events: Vec<Unreadable>) -> Result<Buried, NotTaken> {
        unreadable::bury(&self.shared, events).await.map_err(|error| NotTaken::Store(Arc::new(error)))
    }

    /// Its numbers, for a monitoring system.
    pub fn numbers(&self) -> &Numbers {
        &self.shared.numbers
    }

    /// Says that something was put into the queue by somebody else.
    pub(crate) fn wake(&self) {
        self.shared.arrived.notify_one();
    }
}

/// The inboxes of a host, one a tenant.
#[derive(Clone)]
pub(crate) struct Inboxes {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rules: Rules,
    open: Arc<Mutex<BTreeMap<String, Arc<Inbox>>>>,
}

impl Inboxes {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, rules: Rules) -> Self {
        Self { store, clock, rules, open: Arc::default() }
    }

    /// The tenant's inbox. Must be called from within a runtime: its writer is started with it.
    pub(crate) fn of(&self, tenant: &str) -> Arc<Inbox> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Inbox::new(tenant, self.store.clone(), self.clock.clone(), self.rules.clone()));
        open.entry(tenant.to_owned()).or_insert_with(new).clone()
    }

    /// Forgets a tenant's inbox: whoever asks for it next has a new one.
    pub(crate) fn forget(&self, tenant: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}

/// Brings what waits to the tenant's plugin until the life stops, and keeps the inbox tidy.
pub(crate) async fn keep(runner: &Runner, tenant: &Tenant, inbox: &Inbox, life: &Life) {
    let consumed = consumer::keep(runner, tenant, &inbox.shared, life);
    let kept = keeper::keep(&inbox.shared);
    tokio::pin!(kept);
    tokio::select! {
        () = consumed => {}
        () = &mut kept => {}
    }
}

/// A moment of the machine's clock as the store keeps it.
fn millis(moment: DateTime<Utc>) -> i64 {
    moment.timestamp_millis().clamp(0, LAST)
}

/// The last moment of fourteen digits.
const LAST: i64 = 99_999_999_999_999;
