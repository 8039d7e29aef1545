//! The bill of materials: CycloneDX 1.5, as JSON.

use anyhow::{Context, Result, bail};
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::models::tool::{Tool, Tools};
use cyclonedx_bom::prelude::{NormalizedString, Purl, Validate};

use crate::inventory::{Crate, Inventory};
use crate::source::Source;

/// The standard library is in every component, and no crate of the lock file.
const LIBRARY: &str = "rust-std";

/// The bill of a component whose SHA-256 has these digits. The same component has the same bill: no serial number, no time.
pub(crate) fn bill(inventory: &Inventory, source: &Source, digits: &str) -> Result<Vec<u8>> {
    let mut root = component(&inventory.root, Classification::Application)?;
    root.hashes = Some(sha256(digits));
    let library = library(&source.compiler.release)?;
    let mut components = inventory.inside.iter().map(|it| component(it, Classification::Library)).collect::<Result<Vec<_>>>()?;
    let mut dependencies: Vec<_> =
        inventory.needs.iter().map(|(of, on)| Dependency { dependency_ref: of.clone(), dependencies: on.clone() }).collect();
    let library_ref = library.bom_ref.clone().unwrap_or_default();
    for dependency in dependencies.iter_mut().filter(|it| it.dependency_ref == inventory.root.reference()) {
        dependency.dependencies.push(library_ref.clone());
    }
    dependencies.push(Dependency { dependency_ref: library_ref, dependencies: Vec::new() });
    components.push(library);
    let tool = Tool::new("Shift Access", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let metadata = Metadata { component: Some(root), tools: Some(Tools::List(vec![tool])), ..Metadata::default() };
    let bom = Bom {
        serial_number: None,
        metadata: Some(metadata),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        spec_version: SpecVersion::V1_5,
        ..Bom::default()
    };
    let validation = bom.validate_version(SpecVersion::V1_5);
    if !validation.passed() {
        bail!("the bill of materials would not be one: {validation:?}");
    }
    let mut bytes = Vec::new();
    bom.output_as_json_v1_5(&mut bytes).context("the bill of materials cannot be written")?;
    Ok(bytes)
}

fn component(of: &Crate, classification: Classification) -> Result<Component> {
    let mut component = Component::new(classification, &of.name, &of.version, Some(of.reference()));
    let license = of.license.as_deref().with_context(|| format!("{} {} names no licence", of.name, of.version))?;
    component.licenses = Some(Licenses(vec![LicenseChoice::expression(license)]));
    component.hashes = of.checksum.as_deref().map(sha256);
    component.description = of.description.as_deref().map(NormalizedString::new);
    component.purl = Some(Purl::new("cargo", &of.name, &of.version).with_context(|| format!("{} has no package URL", of.name))?);
    Ok(component)
}

fn library(release: &str) -> Result<Component> {
    let purl = Purl::new("generic", LIBRARY, release)?;
    let mut library = Component::new(Classification::Library, LIBRARY, release, Some(purl.to_string()));
    library.description = Some(NormalizedString::new("The standard library of Rust for wasm32-wasip2, with the C library of WASI in it"));
    library.licenses = Some(Licenses(vec![LicenseChoice::expression("MIT OR Apache-2.0")]));
    library.purl = Some(purl);
    Ok(library)
}

fn sha256(digits: &str) -> Hashes {
    Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(digits.to_owned()) }])
}
