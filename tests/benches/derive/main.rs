//! How long it takes to derive the status of one worker with forty punches: natively, and inside a component.
//!
//! The component is made of the same rules with the pack's own profile. Ends with 1 where a limit is passed.
//!
//! `cargo bench --package shift-access-tests --bench derive`, with `-- --json` for one JSON object.

#[path = "../../../host/component.rs"]
#[expect(dead_code, clippy::print_stdout, reason = "shared with the build scripts, which need more of it")]
mod component;
mod work;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use serde::Serialize;
use shift_access_tests::benchmark::{self, rounded};
use wasmtime::component::{Component, Linker, ResourceTable, TypedFunc};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The most that one derivation may take, in microseconds.
const NATIVE_AT_MOST: f64 = 20.0;
const COMPONENT_AT_MOST: f64 = 60.0;
/// The most that the component may take of the native time.
const RATIO_BELOW: f64 = 1.5;

/// Derivations in one measure, and measures of which the median counts.
const TIMES: u32 = 2_000;
const MEASURES: usize = 21;

/// Everything measured.
#[derive(Serialize)]
struct Measured {
    /// Times of a build without optimisation say little.
    optimised: bool,
    native_us: f64,
    component_us: f64,
    ratio: f64,
    missed: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let native = median(|times| Ok(work::derive_again(times)))?;
    let mut guest = Guest::new()?;
    let inside = median(|times| guest.derive(times))?;
    let ratio = inside / native;
    let table = format!(
        "one worker with 40 punches: {native:.1} µs natively (at most {NATIVE_AT_MOST}), {inside:.1} µs in the component (at most {COMPONENT_AT_MOST}), ratio {ratio:.2} (below {RATIO_BELOW})\n"
    );
    let measured = Measured {
        optimised: !cfg!(debug_assertions),
        native_us: rounded(native, 2),
        component_us: rounded(inside, 2),
        ratio: rounded(ratio, 2),
        missed: missed(native, inside, ratio),
    };
    benchmark::report(&measured, &table, &measured.missed)
}

fn missed(native: f64, inside: f64, ratio: f64) -> Vec<String> {
    let aims = [
        (native > NATIVE_AT_MOST, "too slow natively"),
        (inside > COMPONENT_AT_MOST, "too slow in the component"),
        (ratio >= RATIO_BELOW, "the component is too far behind"),
    ];
    aims.into_iter().filter(|(missed, _)| *missed).map(|(_, aim)| aim.to_owned()).collect()
}

/// Microseconds for one derivation, without what a call and the making of the card take.
fn median(mut derive: impl FnMut(u32) -> Result<u32>) -> Result<f64> {
    let mut timed = |times: u32| -> Result<f64> {
        let start = Instant::now();
        derive(times)?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    let mut took = (0..MEASURES).map(|_| Ok((timed(TIMES)? - timed(0)?) / f64::from(TIMES))).collect::<Result<Vec<_>>>()?;
    took.sort_by(f64::total_cmp);
    took.get(MEASURES / 2).copied().ok_or_else(|| anyhow!("nothing was measured"))
}

/// The component, ready to be called.
struct Guest {
    store: Store<Wasi>,
    derive: TypedFunc<(u32,), (u32,)>,
}

impl Guest {
    fn new() -> Result<Self> {
        let target_dir = component::shared_target_dir(Path::new(env!("OUT_DIR")));
        let file = component::compile(env!("CARGO").as_ref(), "derive-guest", &target_dir).map_err(|why| anyhow!(why))?;
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).map_err(|error| anyhow!("{error}"))?;
        let mut store = Store::new(&engine, Wasi { ctx: WasiCtx::builder().build(), table: ResourceTable::new() });
        let component = Component::from_file(&engine, &file).map_err(|error| anyhow!("{error}"))?;
        let instance = linker.instantiate(&mut store, &component).map_err(|error| anyhow!("{error}"))?;
        let derive = instance.get_typed_func(&mut store, "derive").map_err(|error| anyhow!("{error}"))?;
        Ok(Self { store, derive })
    }

    fn derive(&mut self, times: u32) -> Result<u32> {
        let (sentences,) = self.derive.call(&mut self.store, (times,)).map_err(|error| anyhow!("{error}"))?;
        Ok(sentences)
    }
}

/// What the standard library inside the component asks of its host: nothing that is granted.
struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}
