//! libFuzzer with one of the targets, the one that `FUZZ_TARGET` names. `tests/fuzz/run` starts it; by itself, without the
//! instruments that script compiles in, it only tries the files it is given.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use shift_access_fuzz::{TARGETS, Target, json};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let seeds = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    // The script goes by the folders: without one, a target would never be run, and nobody would notice.
    if let Some((name, _)) = TARGETS.iter().find(|(name, _)| !seeds(name).is_dir()) {
        stop(&format!("the target {name} has no seeds: write some into {}", seeds(name).display()));
    }
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    let wanted = TARGETS.iter().copied().find(|(known, _)| *known == name);
    wanted.unwrap_or_else(|| stop(&format!("FUZZ_TARGET is {name:?}; set it to one of: {}", names.join(", "))))
});

fn stop(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(64)
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.1)(input));

// Three of four inputs are changed as JSON, the fourth blindly.
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if !seed.is_multiple_of(4)
        && let Some(changed) = data.get(..size).and_then(|input| json::change(input, seed)).filter(|changed| changed.len() <= max_size)
        && let Some(room) = data.get_mut(..changed.len())
    {
        room.copy_from_slice(&changed);
        return changed.len();
    }
    libfuzzer_sys::fuzzer_mutate(data, size, max_size)
});
