// Builds a WebAssembly component of this workspace from a build script: cargo, run once more, for the wasm target.
// Shared by the build scripts of the host (the built-in pack) and of the tests (the probes).

use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// Builds `package` and returns the path of its component. Rebuilds when anything in `inputs` changes.
pub fn build(package: &str, inputs: &[&str]) -> PathBuf {
    for input in inputs {
        println!("cargo:rerun-if-changed={input}");
    }
    let out_dir = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let target_dir = shared_target_dir(&out_dir);
    let mut cargo = Command::new(std::env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--profile", "component", "--package", package, "--target", TARGET, "--target-dir"]).arg(&target_dir);
    // What cargo set for the outer build does not fit the inner one; a check by clippy must not reach into it either.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let outer = name.starts_with("CARGO_") && !matches!(&*name, "CARGO_HOME" | "CARGO_NET_OFFLINE" | "CARGO_INCREMENTAL")
            || matches!(
                &*name,
                "RUSTC"
                    | "RUSTDOC"
                    | "RUSTFLAGS"
                    | "RUSTC_WRAPPER"
                    | "RUSTC_WORKSPACE_WRAPPER"
                    | "CLIPPY_ARGS"
                    | "TARGET"
                    | "HOST"
                    | "PROFILE"
                    | "OPT_LEVEL"
                    | "DEBUG"
                    | "NUM_JOBS"
            );
        let registry = name.starts_with("CARGO_REGISTRIES_") || name.starts_with("CARGO_REGISTRY_") || name.starts_with("CARGO_HTTP_");
        if outer && !registry {
            cargo.env_remove(&*name);
        }
    }
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "building the component `{package}` failed; if the target is missing, run: rustup target add {TARGET}");
    target_dir.join(TARGET).join("component").join(format!("{}.wasm", package.replace('-', "_")))
}

/// One folder for components, whichever profile asks: `target/component`, found from `target/debug/build/x/out`.
fn shared_target_dir(out_dir: &Path) -> PathBuf {
    out_dir.ancestors().nth(4).unwrap_or(out_dir).join("component")
}
