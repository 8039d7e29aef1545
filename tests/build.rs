//! Builds the probe guest for the wasm target.

#[path = "../host/component.rs"]
mod component;

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=../host/component.rs");
    let probe = component::build("platform-probe", &["probe", "../wit", "../Cargo.lock", "../Cargo.toml"])?;
    println!("cargo:rustc-env=PROBE={}", probe.display());
    Ok(())
}
