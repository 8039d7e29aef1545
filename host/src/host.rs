//! The host, for who embeds it: what is lent to plugins, put together once.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::Entry;
use crate::capability::{Lent, Progress};
use crate::clock::{Clock, SystemClock};
use crate::engine::{BuildError, Cache, Engine};
use crate::history::{History, RunDetail};
use crate::inbox::{self, DeadLetters, Inbox, Inboxes};
use crate::mail::{Mailer, Postbox};
use crate::outbox::{self, Outbox, OutboxNumbers};
use crate::plugin::CallError;
use crate::runner::{Order, RunError, Runner};
use crate::scheduler::{self, Life};
use crate::store::{MemoryStore, Store, StoreError};
use crate::tenant::Tenant;

/// Runs the plugins of any number of tenants. Two hosts share nothing, also in one process.
#[derive(Clone)]
pub struct Host {
    engine: Engine,
    runner: Runner,
    inboxes: Inboxes,
}

/// Puts a [`Host`] together. Without a store everything is kept in memory; without a mailer nothing is mailed.
#[derive(Default)]
pub struct HostBuilder {
    engine: Option<Engine>,
    cache: Option<Cache>,
    store: Option<Arc<dyn Store>>,
    mailer: Option<Arc<dyn Mailer>>,
    clock: Option<Arc<dyn Clock>>,
    listening: inbox::Rules,
}

impl HostBuilder {
    /// Uses an engine that is there already.
    #[must_use]
    pub fn engine(self, engine: Engine) -> Self {
        Self { engine: Some(engine), ..self }
    }

    /// Keeps compiled components in this folder: a path, or a [`Cache`] that says where its key lies.
    #[must_use]
    pub fn cache(self, cache: impl Into<Cache>) -> Self {
        Self { cache: Some(cache.into()), ..self }
    }

    /// Keeps keys, values and history here.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Sends mail through this.
    #[must_use]
    pub fn mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        Self { mailer: Some(mailer), ..self }
    }

    /// Takes the time from here, for the plugins too.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Takes events in by these rules.
    #[must_use]
    pub fn listening(self, rules: inbox::Rules) -> Self {
        Self { listening: rules, ..self }
    }

    /// The host.
    ///
    /// # Errors
    /// When the WebAssembly engine cannot start here.
    pub fn build(self) -> Result<Host, BuildError> {
        let engine = match self.engine {
            Some(engine) => engine,
            None => Engine::new(self.cache)?,
        };
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let post = self.mailer.map(|mailer| Arc::new(Postbox::new(mailer, store.clone())));
        let outbox = Arc::new(Outbox::new(store.clone(), post.clone(), clock.clone()));
        let runner = Runner {
            history: Arc::new(History::new(store.clone())),
            post,
            outbox,
            clock,
            store,
            commits: Arc::default(),
            metrics: Arc::default(),
            accounts: Arc::default(),
            underway: Default::default(),
            look_ups: Default::default(),
        };
        let inboxes = Inboxes::new(runner.store.clone(), runner.clock.clone(), self.listening);
        Ok(Host { engine, runner, inboxes })
    }
}

impl Host {
    /// Begins to put a host together.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// The engine, to load packs with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Runs a job to its end, or until `stop` is cancelled; then it ends as `ABORTED`, and what it stored stands.
    ///
    /// # Errors
    /// When the job is running already, or the history cannot be written. A run that fails is no error: it is the
    /// run's own `failure`.
    pub async fn run(
        &self,
        tenant: &Tenant,
        order: Order,
        stop: CancellationToken,
        progress: watch::Sender<Progress>,
    ) -> Result<RunDetail, RunError> {
        self.runner.run(tenant, order, stop, progress).await
    }

    /// Reads one user anew through the plugin's listener, and stores what is found. Who asks for the same user at once, or within
    /// a second, shares one answer.
    ///
    /// # Errors
    /// When the plugin fails, or says why it could not.
    pub async fn look_up(&self, tenant: &Tenant, user: &str) -> Result<Entry, CallError> {
        let aborted = || CallError::Trap("it was stopped before it could answer".to_owned());
        self.look_up_within(tenant, user, &Life::default()).await.unwrap_or_else(|| Err(aborted()))
    }

    /// The same, within a life: it goes on in its tracker when who asked hangs up. None where it was aborted.
    pub(crate) async fn look_up_within(&self, tenant: &Tenant, user: &str, life: &Life) -> Option<Result<Entry, CallError>> {
        self.runner.look_up_within(tenant, user, life).await
    }

    /// Starts the jobs of a tenant when they are due, until `stop`. What is under way then goes on, in the tracker, until
    /// it ends or `abort` ends it. Of several hosts that share a store one does so, and another takes over when it is gone.
    pub async fn keep_schedules(&self, tenant: &Tenant, life: &Life) {
        scheduler::keep(&self.runner, tenant, life).await;
    }

    /// Sends the alerts that wait in the store, until `stop`; the one that is on its way then goes out, unless `abort` ends
    /// it. Of several hosts that share a store one does so, and another takes over when it is gone. Runs write alerts
    /// whether or not anybody sends them.
    pub async fn keep_outbox(&self, life: &Life) {
        life.abort.run_until_cancelled(outbox::keep(&self.runner.outbox, life)).await;
    }

    /// Sends the alerts that wait and may go out now, once, for who keeps no outbox. Answers `false` where there is no
    /// mailer, or another host is sending.
    ///
    /// # Errors
    /// The store's. A mail that is not taken is no error: it goes on waiting.
    pub async fn send_alerts(&self) -> Result<bool, StoreError> {
        outbox::send_now(&self.runner.outbox).await
    }

    /// The numbers of the alerts that wait and were sent.
    pub fn outbox_numbers(&self) -> &OutboxNumbers {
        self.runner.outbox.numbers()
    }

    /// Brings the events that come in for a tenant to its plugin, until `stop`; the batch in hand is settled then, unless
    /// `abort` ends it. Of several hosts that share a store one does so, and another takes over when it is gone.
    pub async fn keep_listener(&self, tenant: &Tenant, life: &Life) {
        inbox::keep(&self.runner, tenant, &self.inbox(tenant), life).await;
    }

    /// Where a tenant's events wait. To be called from within a runtime.
    pub fn inbox(&self, tenant: &Tenant) -> Arc<Inbox> {
        self.inboxes.of(&tenant.name)
    }

    /// Forgets what is known of a tenant's inbox beside what is stored.
    pub(crate) fn forget_inbox(&self, tenant: &str) {
        self.inboxes.forget(tenant);
    }

    /// The events of a tenant that are not brought again by themselves.
    pub fn dead_letters(&self, tenant: &Tenant) -> DeadLetters {
        DeadLetters::new(self.runner.store.clone(), &tenant.name)
    }

    /// What a tenant's plugin is lent for a question, a page or an explanation.
    pub fn lend(&self, tenant: &Tenant) -> Lent {
        self.runner.lend(tenant)
    }

    /// Now, by the host's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.runner.clock.now()
    }

    /// What runs the plugins, with all that is lent to them.
    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The execution history.
    pub fn history(&self) -> &History {
        &self.runner.history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send<T: Send>(future: T) -> T {
        future
    }

    /// A platform runs many tenants at once: what it awaits must be free to move between threads.
    #[expect(dead_code, reason = "compiling it is the test")]
    async fn every_call_can_be_spawned(host: Host, tenant: Tenant, order: Order) {
        let _ = send(host.run(&tenant, order, CancellationToken::new(), watch::Sender::default())).await;
        let _ = send(host.look_up(&tenant, "adiaz")).await;
        let life = Life::default();
        send(host.keep_schedules(&tenant, &life)).await;
        send(host.keep_outbox(&life)).await;
        let _ = send(host.send_alerts()).await;
        send(host.keep_listener(&tenant, &life)).await;
        let _ = send(tenant.pack.decide(host.lend(&tenant), Vec::new())).await;
    }
}
