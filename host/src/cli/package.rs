//! `package`: puts a component into an OCI image layout, from where hosts and registries take it by its digest.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::component::trouble;
use super::{Exit, cache, component, json, print};
use crate::config::{ComponentDigest, ComponentSource};
use crate::engine::Engine;
use crate::layout::{Artefact, Document, DocumentError, Layout, Tag};
use crate::plugin::Pack;

/// Puts a component into an OCI image layout under a tag, and prints how a tenant names it. The same component gives the same bytes
/// every time; SOURCE_DATE_EPOCH (seconds) is the moment written beside it, else 1970 begins.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A component: FILE, FILE@sha256:… or oci-layout:FOLDER@sha256:…; the built-in pack if none is named.
    component: Option<ComponentSource>,
    /// The folder of the layout. One that is there already keeps what is in it.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// The tag; the pack's version if none is given. Another component that has it loses it, and stays under its digest.
    #[arg(long)]
    tag: Option<Tag>,
    /// A bill of materials (CycloneDX or SPDX, as JSON) to go with it.
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    /// How it was built (a statement of in-toto) to go with it.
    #[arg(long, value_name = "FILE")]
    provenance: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What became of it.
#[derive(Serialize)]
struct Packaged {
    /// As a tenant names it.
    component: String,
    /// The digest of the manifest.
    manifest: String,
    /// The digest of the component itself.
    wasm: String,
    tag: String,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let bytes = component::read(args.component.as_ref())?;
    let wasm = ComponentDigest::of(&bytes);
    let documents = documents(&args, &wasm)?;
    let created = moment(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref())?;
    // One that no host would take is not packaged.
    let engine = Engine::new(cache()).map_err(|error| Exit::Failed(error.to_string()))?;
    let pack = Pack::from_bytes(&engine, &bytes).map_err(|error| Exit::Usage(error.to_string()))?;
    let description = pack.describe().await?;
    let tag = tag(args.tag, &description.version)?;
    let artefact = Artefact {
        component: &bytes,
        imports: pack.imports(),
        exports: pack.exports(),
        target: pack.target(),
        title: &description.title,
        version: &description.version,
        created,
    };
    let layout = Layout::open_or_create(&args.to).map_err(trouble)?;
    let manifest = layout.add(&tag, &artefact, &documents).map_err(trouble)?;
    let packaged = Packaged {
        component: format!("oci-layout:{}@{manifest}", args.to.display()),
        manifest: manifest.to_string(),
        wasm: wasm.to_string(),
        tag: tag.to_string(),
    };
    eprintln!("{} {}, {} bytes, is {tag} in {}", description.title, description.version, bytes.len(), args.to.display());
    print([if args.json { json(&packaged)? } else { packaged.component }])
}

/// The documents to go with it, each looked at.
fn documents(args: &Args, wasm: &ComponentDigest) -> Result<Vec<Document>, Exit> {
    let read = |file: Option<&PathBuf>, read: fn(&Path, &ComponentDigest) -> Result<Document, DocumentError>| {
        file.map(|file| read(file, wasm).map_err(|error| Exit::Usage(format!("{} {error}", file.display())))).transpose()
    };
    let materials = read(args.sbom.as_ref(), Document::materials)?;
    let provenance = read(args.provenance.as_ref(), Document::provenance)?;
    Ok(materials.into_iter().chain(provenance).collect())
}

fn tag(given: Option<Tag>, version: &str) -> Result<Tag, Exit> {
    match given {
        Some(tag) => Ok(tag),
        None => version.parse().map_err(|error| Exit::Usage(format!("the pack's version `{version}` {error}; give one with --tag"))),
    }
}

/// The moment of reproducible builds (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn moment(epoch: Option<&str>) -> Result<DateTime<Utc>, Exit> {
    let Some(text) = epoch else { return Ok(DateTime::UNIX_EPOCH) };
    let moment = text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    moment.ok_or_else(|| Exit::Usage(format!("SOURCE_DATE_EPOCH is `{text}`: write the seconds since 1970, or leave it out")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_is_that_of_the_source_and_never_the_clock() {
        assert_eq!(moment(None).unwrap(), DateTime::UNIX_EPOCH);
        assert_eq!(moment(Some("1767225600")).unwrap().to_rfc3339(), "2026-01-01T00:00:00+00:00");
        assert!(moment(Some("yesterday")).unwrap_err().to_string().contains("`yesterday`: write the seconds since 1970"));
    }

    #[test]
    fn a_version_that_is_no_tag_is_told_of() {
        assert_eq!(tag(None, "0.1.0").unwrap().to_string(), "0.1.0");
        let said = tag(None, "0.1.0+build").unwrap_err().to_string();
        assert!(said.contains("`0.1.0+build` is no tag") && said.contains("--tag"), "{said}");
        assert_eq!(tag("edge".parse().ok(), "0.1.0+build").unwrap().to_string(), "edge");
    }
}
