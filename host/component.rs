// Builds a WebAssembly component of this workspace from a build script: cargo, run once more, for the wasm target.
// Shared by the build scripts of the host (the built-in pack) and of the tests (the probe).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// The profile of the workspace's `Cargo.toml` that keeps components small.
const PROFILE: &str = "component";

/// Builds `package` and returns the path of its component. Rebuilds when anything in `inputs` changes.
pub fn build(package: &str, inputs: &[&str]) -> Result<PathBuf, String> {
    for input in inputs {
        println!("cargo:rerun-if-changed={input}");
    }
    compile(&variable("CARGO")?, package, &shared_target_dir(Path::new(&variable("OUT_DIR")?)))
}

/// Builds `package` into `target_dir` and returns the path of its component.
pub fn compile(cargo: &OsStr, package: &str, target_dir: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new(cargo);
    cargo.args(["build", "--profile", PROFILE, "--package", package, "--target", TARGET, "--target-dir"]).arg(target_dir);
    for (name, _) in std::env::vars_os().filter(|(name, _)| belongs_to_the_outer_build(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    let status = cargo.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("building the component `{package}` failed; if the target is missing, run: rustup target add {TARGET}"));
    }
    Ok(target_dir.join(TARGET).join(PROFILE).join(format!("{}.wasm", package.replace('-', "_"))))
}

fn variable(name: &str) -> Result<OsString, String> {
    std::env::var_os(name).ok_or_else(|| format!("cargo sets {name} for a build script"))
}

/// What cargo set for the outer build does not fit the inner one, and a check by clippy must not reach into it. What the
/// user set about registries, network and the cargo folder stays.
fn belongs_to_the_outer_build(name: &str) -> bool {
    const ALONE: [&str; 12] = [
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
        "TARGET",
        "HOST",
        "PROFILE",
        "OPT_LEVEL",
        "DEBUG",
        "NUM_JOBS",
    ];
    const USERS: [&str; 6] = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_SOURCE_"];
    ALONE.contains(&name) || name.starts_with("CARGO_") && !USERS.iter().any(|prefix| name.starts_with(prefix))
}

/// One folder for components, whichever profile asks: `target/component`, found from `target/debug/build/x/out`.
fn shared_target_dir(out_dir: &Path) -> PathBuf {
    out_dir.ancestors().nth(4).unwrap_or(out_dir).join("component")
}
