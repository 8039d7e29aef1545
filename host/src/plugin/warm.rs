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
/// An instance that nobody asked for so long is not kept: its memory is of more use elsewhere.
const REST: Duration = Duration::from_secs(15);
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
    /// When its last call ended.
    rests_since: Instant,
}

impl Instance {
    /// A fresh one.
    pub(super) fn new(store: Store<State>, plugin: Plugin, gauge: Arc<Gauge>) -> Self {
        let now = Instant::now();
        Self { store, plugin, gauge, calls: 0, since: now, rests_since: now }
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
        instance.rests_since = Instant::now();
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

    /// Drops what is spent or rests for long, and tells whether anything is left to be looked at again.
    fn tidy(&self) -> bool {
        let mut waiting = self.lock();
        let goes = |instance: &mut Instance| instance.is_spent() || instance.rests_since.elapsed() >= REST;
        let gone: Vec<_> = waiting.of.values_mut().flat_map(|own| own.extract_if(.., goes).collect::<Vec<_>>()).collect();
        waiting.of.retain(|_, own| !own.is_empty());
        waiting.all = waiting.of.values().map(Vec::len).sum();
        let left = waiting.all > 0;
        waiting.swept = left;
        // To give an instance back takes a while, and nobody is to wait for it.
        drop(waiting);
        drop(gone);
        left
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after those that nobody asks for any more, as long as there are some: an idle tenant keeps none.
async fn sweep(warm: Weak<Warm>) {
    loop {
        tokio::time::sleep(REST / 3).await;
        match warm.upgrade() {
            Some(warm) if warm.tidy() => {}
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pack;
    use super::*;
    use crate::engine::{Cache, Engine};

    async fn fresh(pack: &Pack, lent: &Lent) -> Instance {
        let gauge = Arc::new(Gauge::default());
        let mut store = pack.store(lent.clone(), &gauge);
        let plugin = pack.inner.pre.instantiate_async(&mut store).await.unwrap();
        Instance::new(store, plugin, gauge)
    }

    #[tokio::test]
    async fn an_instance_that_nobody_asks_is_let_go_and_one_that_is_asked_stays() {
        let pack = Pack::built_in(&Engine::new(None::<Cache>).unwrap()).unwrap();
        let (idle, busy) = (Lent::nothing(), Lent { tenant: "busy".into(), ..Lent::nothing() });
        let warm = Arc::new(Warm::default());
        for lent in [&idle, &busy] {
            warm.give_back(&lent.tenant, fresh(&pack, lent).await);
        }
        for instance in warm.lock().of.values_mut().flatten() {
            instance.rests_since = instance.rests_since.checked_sub(REST).unwrap();
        }
        let asked = warm.take(&busy).unwrap();
        warm.give_back(&busy.tenant, asked);
        assert!(warm.tidy(), "one is left");
        assert!(warm.take(&idle).is_none());
        assert_eq!(warm.take(&busy).unwrap().calls, 2);
        assert!(!warm.tidy(), "nobody looks after those that are not there");
        assert_eq!(warm.lock().all, 0);
    }

    #[tokio::test]
    async fn an_instance_that_is_old_is_not_kept_however_often_it_is_asked() {
        let pack = Pack::built_in(&Engine::new(None::<Cache>).unwrap()).unwrap();
        let (lent, warm) = (Lent::nothing(), Arc::new(Warm::default()));
        let mut young = fresh(&pack, &lent).await;
        young.since = young.since.checked_sub(OLDEST / 2).unwrap();
        warm.give_back(&lent.tenant, young);
        let mut old = warm.take(&lent).unwrap();
        old.since = old.since.checked_sub(OLDEST / 2).unwrap();
        warm.give_back(&lent.tenant, old);
        assert!(warm.take(&lent).is_none());
    }
}
