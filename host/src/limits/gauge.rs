//! What an instance has of memory and tables, and the limit to both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use super::{Entry, Limits};

/// Most memories of an instance: the pool has room for so many.
pub(crate) const MEMORIES: usize = 1;

/// The memory and tables that one call may have, and a gauge that outlives the call.
pub(crate) struct Growth {
    memory: usize,
    elements: usize,
    tables: usize,
    instances: usize,
    taken: Taken,
    gauge: Arc<Gauge>,
}

/// What all memories and all tables of the store have together.
#[derive(Default)]
struct Taken {
    memory: usize,
    elements: usize,
}

/// What a call used.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    peak: AtomicUsize,
    refused: [AtomicUsize; 2],
}

/// What a plugin was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overgrown {
    /// Memory.
    Memory,
    /// Elements of tables.
    Table,
}

impl Gauge {
    /// The most memory the plugin had, in bytes.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// What it asked for more of than it may have.
    pub(crate) fn refused(&self) -> Option<Overgrown> {
        [Overgrown::Memory, Overgrown::Table].into_iter().find(|kind| self.refusals(*kind).load(Ordering::Relaxed) > 0)
    }

    fn refuse(&self, kind: Overgrown) {
        self.refusals(kind).fetch_add(1, Ordering::Relaxed);
    }

    fn refusals(&self, kind: Overgrown) -> &AtomicUsize {
        let [memory, table] = &self.refused;
        match kind {
            Overgrown::Memory => memory,
            Overgrown::Table => table,
        }
    }
}

impl Growth {
    /// At most what the limits say; what is used shows on `gauge`.
    pub(crate) fn new(limits: &Limits, entry: Entry, gauge: Arc<Gauge>) -> Self {
        let number = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        Self {
            memory: number(limits.of(entry).memory_mib).saturating_mul(1 << 20),
            elements: number(limits.table_elements),
            tables: number(limits.tables),
            instances: number(limits.instances),
            taken: Taken::default(),
            gauge,
        }
    }

    /// Holds what is there to the limits of another entry point; `false` where it is larger already.
    pub(crate) fn hold_to(&mut self, limits: &Limits, entry: Entry) -> bool {
        let taken = std::mem::take(&mut self.taken);
        *self = Self { taken, ..Self::new(limits, entry, self.gauge.clone()) };
        self.taken.memory <= self.memory
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // What is over its own maximum is refused anyway, and nothing is taken.
        if maximum.is_some_and(|maximum| desired > maximum) && desired <= self.memory {
            return Ok(true);
        }
        let wanted = self.taken.memory.saturating_sub(current).saturating_add(desired);
        let allowed = wanted <= self.memory;
        if allowed {
            self.taken.memory = wanted;
            self.gauge.peak.fetch_max(wanted, Ordering::Relaxed);
        } else {
            self.gauge.refuse(Overgrown::Memory);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) && desired <= self.elements {
            return Ok(true);
        }
        let wanted = self.taken.elements.saturating_sub(current).saturating_add(desired);
        let allowed = wanted <= self.elements;
        if allowed {
            self.taken.elements = wanted;
        } else {
            self.gauge.refuse(Overgrown::Table);
        }
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(memory_mib: u32, table_elements: u32) -> (Growth, Arc<Gauge>) {
        let gauge = Arc::new(Gauge::default());
        let mut limits = Limits { table_elements, ..Limits::default() };
        limits.jobs.memory_mib = memory_mib;
        (Growth::new(&limits, Entry::Jobs, gauge.clone()), gauge)
    }

    #[test]
    fn memory_is_counted_over_all_memories_and_refused_over_the_limit() {
        let (mut growth, gauge) = growth(4, 10);
        assert!(growth.memory_growing(0, 1 << 20, None).unwrap());
        assert!(growth.memory_growing(0, 2 << 20, None).unwrap());
        assert!(growth.memory_growing(1 << 20, 2 << 20, None).unwrap());
        assert_eq!((gauge.peak(), gauge.refused()), (4 << 20, None));
        assert!(!growth.memory_growing(2 << 20, (2 << 20) + 1, None).unwrap());
        assert_eq!((gauge.peak(), gauge.refused()), (4 << 20, Some(Overgrown::Memory)));
    }

    #[test]
    fn what_the_component_itself_forbids_takes_nothing() {
        let (mut growth, gauge) = growth(4, 10);
        assert!(growth.memory_growing(0, 3 << 20, Some(2 << 20)).unwrap());
        assert!(growth.memory_growing(0, 4 << 20, None).unwrap());
        assert!(growth.table_growing(0, 9, Some(8)).unwrap());
        assert!(growth.table_growing(0, 10, None).unwrap());
        assert_eq!(gauge.refused(), None);
    }

    #[test]
    fn elements_are_counted_over_all_tables() {
        let (mut growth, gauge) = growth(4, 10);
        assert!(growth.table_growing(0, 6, None).unwrap());
        assert!(!growth.table_growing(0, 5, None).unwrap());
        assert_eq!(gauge.refused(), Some(Overgrown::Table));
        assert!(growth.table_growing(6, 10, None).unwrap());
    }
}
