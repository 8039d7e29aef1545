//! Instances that have answered and may answer again, so that a question does not pay for a fresh one.
//!
//! An instance is kept for one tenant only, since its memory may still hold what that tenant's data left in it, and only for
//! a while: a plugin that forgets to give memory back is started afresh before it matters. What trapped, ran out of time or
//! was dropped half-way never comes back here. Jobs do not use it: each has an instance of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use wasmtime::Store;

use super::bindings::Plugin;
use super::bounds;
use crate::capability::{Lent, State};
use crate::engine;
use crate::limits::Gauge;

/// After so many calls an instance is not kept.
const MOST_CALLS: u32 = 1_000;
/// An instance that is older than this is not kept.
const OLDEST: Duration = Duration::from_secs(60);
/// So many wait for one tenant; with more, the calls at once are more than there are processors for.
const MOST_OF_A_TENANT: usize = 8;
/// So many wait in all.
const MOST: usize = engine::WAITING as usize;

/// An instance between two calls, or in one.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) plugin: Plugin,
    pub(super) gauge: Arc<Gauge>,
    calls: u32,
    since: Instant,
}

impl Instance {
    /// A fresh one.
    pub(super) fn new(store: Store<State>, plugin: Plugin, gauge: Arc<Gauge>) -> Self {
        Self { store, plugin, gauge, calls: 0, since: Instant::now() }
    }

    /// Lends anew, for the next call, with all the limits of that one; `false` where the instance does not fit them.
    fn lend(&mut self, lent: &Lent) -> bool {
        let fits = self.store.data_mut().lend(lent.clone());
        bounds::arm(&mut self.store);
        fits
    }

    fn is_spent(&self) -> bool {
        self.calls >= MOST_CALLS || self.since.elapsed() >= OLDEST || self.gauge.refused().is_some()
    }
}

/// The waiting instances of one pack.
#[derive(Default)]
pub(super) struct Warm {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    of: HashMap<Arc<str>, Vec<Instance>>,
    all: usize,
    swept: bool,
}

impl Warm {
    /// One of this tenant's, if one waits that fits what is lent. Two hosts may have a pack in common, and each its own time.
    pub(super) fn take(&self, lent: &Lent) -> Option<Instance> {
        let mut waiting = self.lock();
        // The latest: those that are never needed grow old and go.
        let mut instance = waiting.of.get_mut(&lent.tenant)?.pop()?;
        waiting.all -= 1;
        drop(waiting);
        instance.lend(lent).then_some(instance)
    }

    /// Takes back one whose call ended well.
    pub(super) fn give_back(self: &Arc<Self>, tenant: &Arc<str>, mut instance: Instance) {
        instance.calls += 1;
        if instance.is_spent() {
            return;
        }
        let mut waiting = self.lock();
        if waiting.all >= MOST {
            return;
        }
        let own = waiting.of.entry(tenant.clone()).or_default();
        if own.len() < MOST_OF_A_TENANT {
            own.push(instance);
            waiting.all += 1;
        }
        if !std::mem::replace(&mut waiting.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Drops what is spent, and tells whether anything is left to be looked at again.
    fn tidy(&self) -> bool {
        let mut waiting = self.lock();
        for own in waiting.of.values_mut() {
            own.retain(|instance| !instance.is_spent());
        }
        waiting.of.retain(|_, own| !own.is_empty());
        waiting.all = waiting.of.values().map(Vec::len).sum();
        waiting.swept = waiting.all > 0;
        waiting.swept
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after those that nobody asks for any more, as long as there are some: an idle tenant keeps none.
async fn sweep(warm: Weak<Warm>) {
    loop {
        tokio::time::sleep(OLDEST / 4).await;
        match warm.upgrade() {
            Some(warm) if warm.tidy() => {}
            _ => return,
        }
    }
}
