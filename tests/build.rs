//! Builds the probe guest for the wasm target.

#[path = "../host/component.rs"]
mod component;

fn main() {
    println!("cargo:rerun-if-changed=../host/component.rs");
    let probe = component::build("platform-probe", &["probe", "../wit", "../Cargo.lock"]);
    println!("cargo:rustc-env=PROBE={}", probe.display());
}
