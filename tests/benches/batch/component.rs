//! The component by itself: its size, and how long it takes to load it and to ask it what it is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use serde::Serialize;
use shift_access::Engine;
use shift_access::plugin::{BUILT_IN, Pack};

use crate::{median, milliseconds, timed};

/// Loads measured of each kind; each has an engine of its own.
const LOADS: usize = 5;

/// Descriptions asked for.
const DESCRIPTIONS: usize = 51;

/// What was measured of the component.
#[derive(Serialize)]
pub(crate) struct Component {
    pub(crate) bytes: usize,
    /// Compiled, with no cache.
    pub(crate) load_cold_ms: f64,
    /// From the cache that another engine filled.
    pub(crate) load_cached_ms: f64,
    /// A fresh instance that describes itself.
    pub(crate) describe_ms: f64,
}

/// Measures the component that is part of the program, and leaves it compiled in `cache`.
pub(crate) async fn measure(cache: &Path) -> Result<Component> {
    let cold = loads(None)?;
    let (_, pack) = load(Some(cache.to_owned()))?;
    let describe = timed(DESCRIPTIONS, async || Ok(pack.describe().await?)).await?;
    Ok(Component {
        bytes: BUILT_IN.len(),
        load_cold_ms: milliseconds(cold),
        load_cached_ms: milliseconds(loads(Some(cache))?),
        describe_ms: milliseconds(describe),
    })
}

fn loads(cache: Option<&Path>) -> Result<Duration> {
    let times: Result<Vec<_>> = (0..LOADS).map(|_| Ok(load(cache.map(Path::to_owned))?.0)).collect();
    times.map(median)
}

fn load(cache: Option<PathBuf>) -> Result<(Duration, Pack)> {
    let engine = Engine::new(cache).map_err(|error| anyhow!("the engine did not start: {error}"))?;
    let start = Instant::now();
    let pack = Pack::built_in(&engine)?;
    Ok((start.elapsed(), pack))
}
