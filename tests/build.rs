//! Builds the guests of the tests for the wasm target: the probe, and the example of an extension.

#[path = "../host/component.rs"]
mod component;

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=../host/component.rs");
    let probe = component::build("platform-probe", &["probe", "../wit", "../Cargo.lock", "../Cargo.toml"])?;
    println!("cargo:rustc-env=PROBE={}", probe.display());
    let extension = component::build(
        "punch-feed",
        &[
            "../guest/extension/src",
            "../guest/extension/pack.json",
            "../guest/extension/Cargo.toml",
            "../wit",
            "../Cargo.lock",
            "../Cargo.toml",
        ],
    )?;
    println!("cargo:rustc-env=EXTENSION={}", extension.display());
    Ok(())
}
