//! What holds for one call from outside, and how it ended: the one place that tells a trap from every limit there is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap};

use super::error::{CallError, chain};
use crate::capability::{Lent, State};
use crate::limits::{Entry, Exceeded, Gauge, Limits, Overgrown, Spent, raise, raise_of};

/// The limits of one call.
pub(super) struct Bounds {
    pub(super) tenant: Arc<str>,
    /// Calls of the tenant at once.
    pub(super) at_once: u32,
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    /// What the tenant's calls keep busy.
    pub(super) processors: Arc<Semaphore>,
    limits: Arc<Limits>,
    entry: Entry,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wall {
    /// So long, as whoever calls has found out.
    Exactly(Duration),
    /// So long unless the tenant's limits say otherwise.
    Usually(Duration),
}

impl Bounds {
    /// Those of the call that this is lent for.
    pub(super) fn of(lent: &Lent, wall: Wall) -> Self {
        let (limits, entry) = (lent.limits.clone(), lent.scope.entry);
        let wall = match wall {
            Wall::Exactly(wall) => wall,
            Wall::Usually(wall) => limits.of(entry).wall_seconds.map_or(wall, |seconds| Duration::from_secs(seconds.into())),
        };
        Self {
            tenant: lent.tenant.clone(),
            at_once: limits.calls_at_once.max(1),
            cpu: Duration::from_secs(limits.of(entry).cpu_seconds.into()),
            wall,
            processors: lent.scope.account.processors.clone(),
            limits,
            entry,
        }
    }

    /// Tells a trap from a call that went over a limit, and which.
    pub(super) fn judge<R>(&self, answer: Result<Result<wasmtime::Result<R>, Spent>, Elapsed>, gauge: &Gauge) -> Result<R, CallError> {
        match answer {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(self.why(&error, gauge)),
            Ok(Err(Spent)) => {
                Err(CallError::Cpu(self.of_call(format!("kept a processor busy for more than {:?}", self.cpu), "cpu-seconds")))
            }
            Err(_) => Err(CallError::Time(self.of_call(format!("did not end within {:?}", self.wall), "wall-seconds"))),
        }
    }

    fn why(&self, error: &wasmtime::Error, gauge: &Gauge) -> CallError {
        tracing::debug!(error = %chain(error), "plugin failed");
        let limits = &*self.limits;
        if let Some(overgrown) = gauge.refused() {
            return CallError::Memory(match overgrown {
                Overgrown::Memory => {
                    let mib = limits.of(self.entry).memory_mib;
                    self.of_call(format!("wanted more than {mib} MiB of memory"), "memory-mib")
                }
                Overgrown::Table => {
                    self.of_tenant(format!("wanted more than {} elements of tables", limits.table_elements), "table-elements")
                }
            });
        }
        // The library tells these apart in words only. The tests of the whole system hold it to them.
        let root = error.root_cause().to_string();
        let says = |words: &str| root.contains(words);
        if says("table count too high") {
            CallError::Memory(self.of_tenant(format!("has more than {} tables", limits.tables), "tables"))
        } else if says("instance count too high") {
            CallError::Memory(self.of_tenant(format!("has more than {} core modules", limits.instances), "instances"))
        } else if says("fuel allocated for hostcalls") {
            let mib = limits.of(self.entry).hostcall_mib;
            CallError::Data(self.of_call(format!("handed more than {mib} MiB to the host at once"), "hostcall-mib"))
        } else if says("requested len") && says("exceeds limit") {
            CallError::Data(self.of_tenant(format!("asked for more than {} KiB of random bytes at once", limits.random_kib), "random-kib"))
        } else if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) || says("too many component handles") {
            let what = format!("held more than {} handles, or had as many calls of the host under way", limits.resources);
            CallError::Data(self.of_tenant(what, "resources"))
        } else {
            CallError::Trap(match error.downcast_ref::<Trap>() {
                Some(trap) => trap.to_string(),
                None => root,
            })
        }
    }

    fn of_call(&self, what: String, key: &str) -> Exceeded {
        Exceeded { what, remedy: raise_of(&self.tenant, self.entry, key) }
    }

    fn of_tenant(&self, what: String, key: &str) -> Exceeded {
        Exceeded { what, remedy: raise(&self.tenant, key) }
    }
}

/// Sets what the store itself limits, for the call that is next.
pub(super) fn arm(store: &mut Store<State>) {
    let lent = store.data().lent();
    let number = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    let data = number(lent.limits.of(lent.scope.entry).hostcall_mib).saturating_mul(1 << 20);
    let resources = number(lent.limits.resources);
    store.set_hostcall_fuel(data);
    store.set_max_component_handles(resources);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(resources);
    }
    store.set_epoch_deadline(1);
}
