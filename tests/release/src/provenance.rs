//! How a component was made: a statement of in-toto (<https://in-toto.io/Statement/v1>) with the provenance of SLSA
//! (<https://slsa.dev/provenance/v1>). It is not signed: that is for whoever answers for the builder.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::PACKAGE;
use crate::inventory::Inventory;
use crate::source::Source;

/// What the parameters below mean stands there.
const BUILD_TYPE: &str = "https://example.invalid/shift-access/docs/packaging.md#build-type";
const REPOSITORY: &str = "git+https://example.invalid/shift-access";

/// The statement about a component whose SHA-256 has these digits. The same source on the same builder gives the same bytes: a run
/// has no number and no time here.
pub(crate) fn statement(inventory: &Inventory, source: &Source, builder: &str, digits: &str) -> Result<Vec<u8>> {
    // As RFC 3986 begins a URI.
    if !builder.split_once(':').is_some_and(|(scheme, rest)| !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic())) {
        bail!("the builder `{builder}` is no URI; write one such as https://ci.acme.example/shift-access");
    }
    let name = inventory.component.file_name().unwrap_or_default().to_string_lossy();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": name, "digest": { "sha256": digits } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": { "source": REPOSITORY, "package": PACKAGE, "profile": "component", "target": "wasm32-wasip2" },
                "internalParameters": {},
                "resolvedDependencies": inputs(inventory, source),
            },
            "runDetails": { "builder": { "id": builder } },
        },
    });
    Ok(serde_json::to_vec_pretty(&statement)?)
}

/// Everything that went in: the source, the lock file, the compiler, and every crate that was compiled.
fn inputs(inventory: &Inventory, source: &Source) -> Vec<Value> {
    let mut commit = json!({ "uri": REPOSITORY, "digest": { "gitCommit": source.commit } });
    if source.changed {
        commit = with(commit, "annotations", json!({ "changed": "the source differs from this commit" }));
    }
    let compiler = &source.compiler;
    let mut rustc = json!({ "name": format!("rustc {}", compiler.release), "uri": "git+https://github.com/rust-lang/rust" });
    if let Some(commit) = &compiler.commit {
        rustc = with(rustc, "digest", json!({ "gitCommit": commit }));
    }
    let lock = json!({ "name": "Cargo.lock", "uri": "file:Cargo.lock", "digest": { "sha256": source.lock } });
    let crates = inventory.inside.iter().chain(&inventory.tools);
    let of_registry = crates.filter_map(|it| Some(json!({ "uri": it.reference(), "digest": { "sha256": it.checksum.as_ref()? } })));
    [commit, lock, rustc].into_iter().chain(of_registry).collect()
}

/// An object with one more field.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert(name.to_owned(), value);
    }
    object
}
