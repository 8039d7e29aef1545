// Builds a WebAssembly component of this workspace from a build script: cargo, run once more, for the wasm target.
// Shared by the build scripts of the host (the built-in pack) and of the tests (the probe), and by the tool for releases.
//
// Two builds from the same sources give the same bytes, wherever they lie: `tests/release/reproducible` holds it.

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
    let status = command(cargo, package, target_dir)?.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("building the component `{package}` failed; if the target is missing, run: rustup target add {TARGET}"));
    }
    Ok(output(package, target_dir))
}

/// The call of cargo that builds `package` into `target_dir`.
pub fn command(cargo: &OsStr, package: &str, target_dir: &Path) -> Result<Command, String> {
    let mut cargo = Command::new(cargo);
    cargo.args(["build", "--profile", PROFILE, "--package", package, "--target", TARGET, "--target-dir"]).arg(target_dir);
    for (name, _) in std::env::vars_os().filter(|(name, _)| belongs_to_the_outer_build(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags()?);
    Ok(cargo)
}

/// Where the component of `package` is after that.
pub fn output(package: &str, target_dir: &Path) -> PathBuf {
    target_dir.join(TARGET).join(PROFILE).join(format!("{}.wasm", package.replace('-', "_")))
}

/// Flags of the compiler that keep this machine out of a component: the messages of panics name sources, and where those lie
/// becomes the same words everywhere.
fn flags() -> Result<OsString, String> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let places = cargo_home.map(|home| (home, "/cargo".to_owned())).into_iter().chain(library()?);
    let mut flags = OsString::new();
    for (place, name) in places {
        let separator = if flags.is_empty() { "" } else { "\u{1f}" };
        flags.push(format!("{separator}--remap-path-prefix="));
        flags.push(place);
        flags.push(format!("={name}"));
    }
    Ok(flags)
}

/// Where rustup puts the sources of the standard library if asked to, and what they are called where they are not there.
fn library() -> Result<Option<(PathBuf, String)>, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = |arg: &[&str]| {
        let output = Command::new(&rustc).args(arg).output().map_err(|error| format!("rustc does not start: {error}"))?;
        String::from_utf8(output.stdout).map_err(|_| "rustc says what is not UTF-8".to_owned())
    };
    let (sysroot, version) = (said(&["--print", "sysroot"])?, said(&["-vV"])?);
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).filter(|commit| *commit != "unknown");
    Ok(commit.map(|commit| (Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}"))))
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
pub fn shared_target_dir(out_dir: &Path) -> PathBuf {
    out_dir.ancestors().nth(4).unwrap_or(out_dir).join("component")
}
