//! The derivation of one worker as a component, for the benchmark to time: the rules as they are compiled into the pack, and
//! nothing else.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the export reaches is unused without it"))]

mod bindings;
#[path = "../../work.rs"]
mod work;

struct Derive;

impl bindings::Guest for Derive {
    fn derive(times: u32) -> u32 {
        work::derive_again(times)
    }
}

// The names of the exports mean nothing to a native linker.
#[cfg(target_arch = "wasm32")]
bindings::export!(Derive with_types_in bindings);
