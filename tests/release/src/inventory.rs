//! Which crates a component is made of: those that the compiler was given for it, told by cargo while it builds. What the
//! manifests of the workspace would allow is more, and what else they share features with is none of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::{DependencyKind, Message, Metadata, MetadataCommand, Package, PackageId};
use serde::Deserialize;

use crate::{PACKAGE, component};

const TARGET: &str = "wasm32-wasip2";

/// A component, and the crates that were compiled for it.
pub(crate) struct Inventory {
    /// Where the component is.
    pub(crate) component: PathBuf,
    /// Its own package.
    pub(crate) root: Crate,
    /// The crates in it, by name and version; its own is not among them.
    pub(crate) inside: Vec<Crate>,
    /// Those that only helped to build it: macros and build scripts.
    pub(crate) tools: Vec<Crate>,
    /// Which crate in it needs which, by reference.
    pub(crate) needs: BTreeMap<String, Vec<String>>,
}

/// One crate.
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// As its manifest says, in the form of SPDX.
    pub(crate) license: Option<String>,
    /// Its first line about itself.
    pub(crate) description: Option<String>,
    /// The SHA-256 of its archive in the registry; absent where it lies in the source.
    pub(crate) checksum: Option<String>,
}

impl Crate {
    /// Its package URL, which is how documents refer to it.
    pub(crate) fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

impl Inventory {
    /// Builds the component of the source in this folder, and looks on.
    pub(crate) fn take(target_dir: &Path) -> Result<Self> {
        let target_dir = std::path::absolute(target_dir)?;
        let metadata = MetadataCommand::new().other_options(["--locked", "--filter-platform", TARGET].map(str::to_owned)).exec()?;
        let (inside, tools) = compiled(&target_dir)?;
        let checksums = checksums()?;
        let crates = |ids: &BTreeSet<PackageId>| {
            let mut crates: Vec<_> = ids.iter().map(|id| (id, metadata.packages.iter().find(|package| package.id == *id))).collect();
            crates.sort_by_key(|(_, package)| package.map(|package| (package.name.to_string(), package.version.clone())));
            let told =
                crates.into_iter().map(|(id, package)| Ok(told(package.with_context(|| format!("cargo does not know {id}"))?, &checksums)));
            told.collect::<Result<Vec<_>>>()
        };
        let (mut root, inside_crates) = crates(&inside)?.into_iter().partition::<Vec<_>, _>(|it| it.name == PACKAGE);
        let root = root.pop().with_context(|| format!("cargo built no {PACKAGE}"))?;
        let needs = needs(&metadata, &inside)?;
        let component = component::output(PACKAGE, &target_dir);
        Ok(Self { component, root, inside: inside_crates, tools: crates(&tools.difference(&inside).cloned().collect())?, needs })
    }
}

/// Builds, and tells which packages were compiled for the target and which for this machine.
fn compiled(target_dir: &Path) -> Result<(BTreeSet<PackageId>, BTreeSet<PackageId>)> {
    let mut command = component::command("cargo".as_ref(), PACKAGE, target_dir).map_err(|error| anyhow!(error))?;
    let command = command.args(["--locked", "--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let mut child = command.spawn().context("cargo does not start")?;
    let out = child.stdout.take().context("cargo has no output")?;
    let (mut inside, mut tools) = (BTreeSet::new(), BTreeSet::new());
    let of_target = target_dir.join(TARGET);
    for message in Message::parse_stream(BufReader::new(out)) {
        if let Message::CompilerArtifact(artifact) = message? {
            let for_target = artifact.filenames.iter().any(|file| file.as_std_path().starts_with(&of_target));
            if for_target {
                inside.insert(artifact.package_id)
            } else {
                tools.insert(artifact.package_id)
            };
        }
    }
    match child.wait()?.success() {
        true => Ok((inside, tools)),
        false => bail!("building the component failed"),
    }
}

fn told(package: &Package, checksums: &BTreeMap<(String, String), String>) -> Crate {
    let (name, version) = (package.name.to_string(), package.version.to_string());
    let checksum = checksums.get(&(name.clone(), version.clone())).cloned();
    // Older manifests write a slash for "or".
    let license = package.license.as_ref().map(|license| license.replace('/', " OR ").split_whitespace().collect::<Vec<_>>().join(" "));
    let description = package.description.as_ref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    Crate { name, version, license, description, checksum }
}

fn needs(metadata: &Metadata, inside: &BTreeSet<PackageId>) -> Result<BTreeMap<String, Vec<String>>> {
    let resolve = metadata.resolve.as_ref().context("cargo tells of no dependencies")?;
    let reference = |id: &PackageId| {
        metadata.packages.iter().find(|package| package.id == *id).map(|it| format!("pkg:cargo/{}@{}", it.name, it.version))
    };
    let needs = resolve.nodes.iter().filter(|node| inside.contains(&node.id)).filter_map(|node| {
        let normal = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        let mut of: Vec<_> = normal.filter(|dep| inside.contains(&dep.pkg)).filter_map(|dep| reference(&dep.pkg)).collect();
        of.sort();
        Some((reference(&node.id)?, of))
    });
    Ok(needs.collect())
}

/// What the lock file says of each crate of a registry.
fn checksums() -> Result<BTreeMap<(String, String), String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(&std::fs::read_to_string("Cargo.lock")?).context("Cargo.lock cannot be read")?;
    Ok(lock.package.into_iter().filter_map(|it| Some(((it.name, it.version), it.checksum?))).collect())
}
