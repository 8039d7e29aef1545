//! Builds the pack for the wasm target, so that `cargo build` is all anybody runs, and the host can embed it.

mod component;

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=component.rs");
    let pack = component::build(
        "worker-status",
        &[
            "../guest/src",
            "../guest/Cargo.toml",
            "../guest/core/src",
            "../guest/core/Cargo.toml",
            "../wit",
            "../Cargo.lock",
            "../Cargo.toml",
        ],
    )?;
    println!("cargo:rustc-env=BUILT_IN_PACK={}", pack.display());
    Ok(())
}
