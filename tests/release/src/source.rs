//! What is built, and with what: the commit, the lock file and the compiler.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::hex;

/// A source at a commit.
pub(crate) struct Source {
    /// The commit.
    pub(crate) commit: String,
    /// Whether something differs from it.
    pub(crate) changed: bool,
    /// The SHA-256 of the lock file.
    pub(crate) lock: String,
    /// The compiler.
    pub(crate) compiler: Compiler,
}

/// A compiler of Rust.
pub(crate) struct Compiler {
    /// Its version, such as `1.95.0`.
    pub(crate) release: String,
    /// The commit it was made of; absent where it does not say.
    pub(crate) commit: Option<String>,
}

impl Source {
    /// The source in this folder.
    pub(crate) fn here(dirty: bool) -> Result<Self> {
        let commit = said("git", &["rev-parse", "HEAD"])?.trim().to_owned();
        let differs = said("git", &["status", "--porcelain", "--untracked-files=normal"])?;
        if !differs.is_empty() && !dirty {
            bail!("the source differs from its commit, so nobody could build the same from that; commit it, or say --dirty:\n{differs}");
        }
        let lock = std::fs::read("Cargo.lock").context("there is no Cargo.lock: call this in the folder of the source")?;
        Ok(Self { commit, changed: !differs.is_empty(), lock: hex(&lock), compiler: compiler()? })
    }
}

fn compiler() -> Result<Compiler> {
    let version = said("rustc", &["-vV"])?;
    let line = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
    let release = line("release:").context("rustc does not say which release it is")?;
    Ok(Compiler { release, commit: line("commit-hash:").filter(|commit| commit != "unknown") })
}

fn said(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).output().with_context(|| format!("{program} does not start"))?;
    if !output.status.success() {
        bail!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
