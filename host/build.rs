//! Builds the pack for the wasm target, so that `cargo build` is all anybody runs, and the host can embed it.

mod component;

fn main() {
    println!("cargo:rerun-if-changed=component.rs");
    let pack = component::build("worker-status", &["../guest", "../wit", "../Cargo.lock"]);
    println!("cargo:rustc-env=BUILT_IN_PACK={}", pack.display());
}
