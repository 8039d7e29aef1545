//! Builds the guests of the tests for the wasm target: the probe, the hostile one, a plugin of every generation of the contract, and
//! the example of an extension.

#[path = "../host/component.rs"]
mod component;

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=../host/component.rs");
    let guests =
        [("platform-probe", "probe", "PROBE"), ("hostile-guest", "hostile", "HOSTILE"), ("since-0-1-0", "since-0.1.0", "SINCE_0_1_0")];
    for (package, folder, name) in guests {
        let file = component::build(package, &[folder, "../wit", "../Cargo.lock", "../Cargo.toml"])?;
        println!("cargo:rustc-env={name}={}", file.display());
    }
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
