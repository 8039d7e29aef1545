//! The WebAssembly engine: compiles components once, and keeps a runaway plugin from holding a thread.
//!
//! Knows nothing of tenants or capabilities.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::{Cache, CacheConfig, Config};

/// How often a running plugin gives its thread back. Wasm is not pre-empted otherwise, and a time limit outside the
/// plugin could never strike.
const TICK: Duration = Duration::from_millis(10);

/// A shared engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    _ticker: Arc<Ticker>,
}

impl Engine {
    /// An engine that keeps compiled components in `cache`, or compiles anew each time.
    ///
    /// # Errors
    /// When the processor is not supported or the cache folder cannot be made.
    pub fn new(cache: Option<PathBuf>) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        if let Some(folder) = cache {
            let mut cache = CacheConfig::new();
            cache.with_directory(folder);
            config.cache(Some(Cache::new(cache)?));
        }
        let inner = wasmtime::Engine::new(&config)?;
        let ticker = Arc::new(Ticker::start(inner.clone()));
        Ok(Self { inner, _ticker: ticker })
    }

    pub(crate) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }
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
