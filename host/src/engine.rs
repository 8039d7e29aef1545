//! The WebAssembly engine: compiles components once, keeps room for their instances, and keeps a runaway plugin from holding
//! a thread.
//!
//! Memories and stacks come from a pool that is reserved once, since asking the system for each costs more than a question.
//! Only addresses are reserved, no memory. Where the system does not give that many, each instance asks for its own.
//!
//! Room is shared fairly: a tenant has no more than its share of it, and where it is used up tenants take turns.
//!
//! Knows nothing of what a tenant is, or of capabilities.

mod turns;

mod cache;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Config, PoolingAllocationConfig};

pub use cache::Cache;
use cache::Kept;

use turns::{Turn, Turns};

/// How often a running plugin gives its thread back. Wasm is not pre-empted otherwise, and a time limit outside the
/// plugin could never strike. So long may a neighbour have to wait, too: a tenant that begins many calls at once has each of
/// them run for one tick before it is known to be long.
const TICK: Duration = Duration::from_millis(2);

/// Jobs, look-ups and the like at once; more wait for their turn.
const JOBS: u32 = 384;
/// Questions at once; more wait for their turn. Apart from the jobs, which may take an hour.
const QUESTIONS: u32 = 384;
/// Instances that wait for the next question.
pub(crate) const WAITING: u32 = 256;
/// Of the tables that an instance leaves behind, so many bytes are wiped and kept instead of given back to the system. Its memory
/// is given back whole: what could be kept of it are its first pages, where the end of the guest's own stack lies, which is never
/// reached.
const KEPT_OF_TABLES: usize = 64 << 10;
/// The same of the stack that it ran on.
const KEPT_OF_STACK: usize = 16 << 10;
/// The most memory an instance may have, whatever its limits say: the bound of `memory-mib`.
const MEMORY: usize = 1 << 30;
/// The most tables of an instance, and elements of one: the bounds of `tables` and `table-elements`.
const TABLES: u32 = 8;
const ELEMENTS: usize = 100_000;
/// Room for instances that are just ending.
const SPARE: u32 = 128;
/// Core modules in a component, which are itself, its adapters and glue: the bound of `instances`.
const MODULES: u32 = 16;

/// A shared engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    kept: Option<Arc<Kept>>,
    jobs: Turns,
    questions: Turns,
    _ticker: Arc<Ticker>,
}

/// What is to be instantiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something that may take long.
    Job,
    /// Something that is answered at once.
    Question,
}

/// Why there is no engine, and so no host.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start: {0}")]
pub struct BuildError(String);

impl Engine {
    /// An engine that keeps compiled components in `cache`, or compiles anew each time: also where the cache cannot be used,
    /// which is logged.
    ///
    /// # Errors
    /// When the processor is not supported.
    pub fn new(cache: Option<impl Into<Cache>>) -> Result<Self, BuildError> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        // Else every stack that was ever used keeps what its deepest call took, of whichever tenant.
        config.async_stack_zeroing(true);
        let inner = wasmtime::Engine::new(config.clone().allocation_strategy(pool())).or_else(|error| {
            tracing::info!(%error, "no room for a pool of instances: each asks the system for its own");
            wasmtime::Engine::new(&config).map_err(|error| BuildError(error.to_string()))
        })?;
        let ticker = Arc::new(Ticker::start(inner.clone()));
        let kept = cache.and_then(|cache| kept(&cache.into(), &inner));
        Ok(Self { inner, kept, jobs: Turns::new(JOBS), questions: Turns::new(QUESTIONS), _ticker: ticker })
    }

    /// Waits until there is room for another instance of a tenant, which has at most so many at once; it is kept until the
    /// turn is dropped.
    pub(crate) async fn turn(&self, kind: Kind, tenant: &Arc<str>, most: u32) -> Option<Turn> {
        let turns = match kind {
            Kind::Job => &self.jobs,
            Kind::Question => &self.questions,
        };
        turns.take(tenant, most).await
    }

    /// Compiles a component, unless that was done before.
    pub(crate) fn load(&self, wasm: &[u8]) -> wasmtime::Result<Component> {
        match &self.kept {
            Some(kept) => kept.load(&self.inner, wasm),
            None => Component::from_binary(&self.inner, wasm),
        }
    }

    pub(crate) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

/// The cache, where it can be used: without it every start takes a second longer, and nobody is kept from working.
fn kept(cache: &Cache, engine: &wasmtime::Engine) -> Option<Arc<Kept>> {
    let kept = Kept::open(cache, engine);
    kept.inspect_err(|error| tracing::warn!(%error, "compiled components are not kept")).ok().map(Arc::new)
}

/// Room for every instance that may be there at once.
fn pool() -> PoolingAllocationConfig {
    // One that ends gives its turn back a moment before its room: as many more as there are threads that could do so.
    let instances = JOBS + QUESTIONS + WAITING + SPARE;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * MODULES)
        .total_memories(instances)
        .total_tables(instances * TABLES)
        .total_stacks(instances)
        .max_core_instances_per_component(MODULES)
        .max_memories_per_component(1)
        .max_tables_per_component(TABLES)
        .table_elements(ELEMENTS)
        .max_memory_size(MEMORY)
        .table_keep_resident(KEPT_OF_TABLES)
        .async_stack_keep_resident(KEPT_OF_STACK);
    pool
}

/// Advances the engine's epoch until it is dropped.
struct Ticker {
    stop: Arc<AtomicBool>,
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let weak = engine.weak();
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        });
        drop(engine);
        Self { stop }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
