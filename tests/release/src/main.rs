//! What goes with a release of the component: the component itself, built so that anybody gets the same bytes, a bill of what is
//! in it, and a statement of how it was made.
//!
//! It works on the source it is called in, and writes nothing but what it is told to. Nothing it writes holds a time, a path or a
//! name of this machine, unless it was given one.

#[path = "../../../host/component.rs"]
#[expect(dead_code, reason = "shared with the build scripts, which need more of it")]
mod component;
mod inventory;
mod materials;
mod packed;
mod provenance;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use sha2::{Digest, Sha256};

use inventory::Inventory;
use source::Source;

/// The package of the component.
const PACKAGE: &str = "worker-status";

#[derive(Parser)]
#[command(version)]
enum Command {
    /// Builds the component of the source in this folder, and prints where it is.
    Build {
        /// Where to build.
        #[arg(long, value_name = "FOLDER")]
        target_dir: PathBuf,
    },
    /// Builds it, and writes it with its bill of materials and its provenance into a folder.
    Documents {
        /// Where to build.
        #[arg(long, value_name = "FOLDER")]
        target_dir: PathBuf,
        /// Where to write.
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// Who builds: an address that stands for the machine and who answers for it.
        #[arg(long, value_name = "URI")]
        builder: String,
        /// Goes on although the source differs from its commit, and says so in the provenance.
        #[arg(long)]
        dirty: bool,
    },
    /// Prints the page of the contract in the folder `wit`.
    Page,
    /// Tells whether a package of WIT holds what the folder `wit` says.
    Contract {
        /// The package, as `wkg wit build` writes it.
        packed: PathBuf,
    },
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Build { target_dir } => {
            let built = component::compile("cargo".as_ref(), PACKAGE, &target_dir).map_err(|error| anyhow!(error))?;
            write_line(&built.display().to_string())
        }
        Command::Documents { target_dir, to, builder, dirty } => documents(&target_dir, &to, &builder, dirty),
        Command::Page => write_line(release::page::render(Path::new("wit"))?.trim_end()),
        Command::Contract { packed } => {
            let package = packed::compare(&packed, Path::new("wit"))?;
            write_line(&format!("{} holds {package}, as wit/ says", packed.display()))
        }
    }
}

fn documents(target_dir: &Path, to: &Path, builder: &str, dirty: bool) -> Result<()> {
    // Before the build: what is wrong with the source is told at once.
    let source = Source::here(dirty)?;
    let inventory = Inventory::take(target_dir)?;
    let wasm = fs::read(&inventory.component).with_context(|| format!("{} cannot be read", inventory.component.display()))?;
    let digits = hex(&wasm);
    let name = inventory.component.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let write = |ending: &str, bytes: &[u8]| {
        let file = to.join(format!("{name}.{ending}"));
        fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
        write_line(&file.display().to_string())
    };
    write("wasm", &wasm)?;
    write("cdx.json", &materials::bill(&inventory, &source, &digits)?)?;
    write("provenance.json", &provenance::statement(&inventory, &source, builder, &digits)?)
}

/// The SHA-256 of some bytes, as digits.
fn hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn write_line(line: &str) -> Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}").context("stdout is closed")
}
