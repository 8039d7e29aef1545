//! How much a plugin may take, and how much it took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

/// The memory one call may use, and a gauge that outlives the call.
pub(crate) struct Limits {
    memory: usize,
    gauge: Arc<Gauge>,
}

/// What a call used.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    peak: AtomicUsize,
    refused: AtomicBool,
}

impl Gauge {
    /// The most memory the plugin had, in bytes.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Whether it asked for more than it may have.
    pub(crate) fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Limits {
    /// At most `memory` bytes; what is used shows on `gauge`.
    pub(crate) fn new(memory: usize, gauge: Arc<Gauge>) -> Self {
        Self { memory, gauge }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= self.memory;
        if allowed {
            self.gauge.peak.fetch_max(desired, Ordering::Relaxed);
        } else {
            self.gauge.refused.store(true, Ordering::Relaxed);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 20_000)
    }
}
