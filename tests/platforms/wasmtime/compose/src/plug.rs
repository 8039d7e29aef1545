//! The composition: who lends what to whom.
//!
//! ```text
//! (files ──config──►) store ──claims──► lent ──http, email, journal, properties──► plugin ──jobs, listener, …──► front ──► handler
//!                       └────storage───────────────────────────────────────────────►
//! ```
//!
//! What one part imports is taken from the part that exports it; what no part exports is an import of the whole. Nothing else is
//! taken into account, no clock and no path, so the same parts make the same bytes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::fit::Names;

/// The handler of WASI 0.3.0.
const HANDLER: &str = "wasi:http/handler@0.3.0";

/// What a plugin may import of WASI itself: what Rust's standard library asks for. More would be the adapters' own: with files it
/// would reach the store, with the network every address.
const FOR_PLUGINS: [&str; 4] = ["wasi:cli/", "wasi:clocks/", "wasi:io/", "wasi:random/"];

/// One part, before it is made.
struct Part {
    /// Which it is, for messages.
    name: String,
    bytes: Vec<u8>,
    names: Names,
}

/// One component of all of them.
///
/// # Errors
/// A part that is no component or does not fit, a plugin that would import more than it may, and a whole that would not be whole.
pub fn compose(plugin: Vec<u8>, parts: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>> {
    let lent_to_plugins = |name: &String| name.starts_with("shift-access:plugin/");
    let strange = Names::of(&plugin)?.imports.into_iter().filter(|name| !lent_to_plugins(name));
    let strange: Vec<_> = strange.filter(|name| !FOR_PLUGINS.iter().any(|prefix| name.starts_with(prefix))).collect();
    ensure!(strange.is_empty(), "the plugin imports what a plugin is not lent: {}", strange.join(", "));

    let all = [("the plugin".to_owned(), plugin)].into_iter().chain(parts);
    let waiting = all.map(|(name, bytes)| Ok(Part { names: Names::of(&bytes).with_context(|| name.clone())?, name, bytes }));
    let mut graph = CompositionGraph::new();
    let mut offered: BTreeMap<String, NodeId> = BTreeMap::new();
    for part in in_order(waiting.collect::<Result<_>>()?)? {
        let Part { name, bytes, names } = part;
        let package = format!("shift-access:part-{}", offered.len());
        let package = Package::from_bytes(&package, None, bytes, graph.types_mut()).with_context(|| name.clone())?;
        let package = graph.register_package(package)?;
        let instance = graph.instantiate(package);
        for import in names.imports {
            let Some(giver) = offered.get(&import) else { continue };
            let given = graph.alias_instance_export(*giver, &import)?;
            graph.set_instantiation_argument(instance, &import, given).with_context(|| format!("{name}: {import}"))?;
        }
        offered.extend(names.exports.into_iter().map(|export| (export, instance)));
    }
    let front = offered.get(HANDLER).with_context(|| format!("no part exports {HANDLER}"))?;
    let handler = graph.alias_instance_export(*front, HANDLER)?;
    graph.export(handler, HANDLER)?;
    let whole = graph.encode(EncodeOptions::default())?;

    let left = Names::of(&whole)?.imports.into_iter().filter(|name| !name.starts_with("wasi:")).collect::<Vec<_>>();
    ensure!(left.is_empty(), "the whole imports more than WASI: {}; a part is missing", left.join(", "));
    Ok(whole)
}

/// Who gives stands before who takes.
fn in_order(mut waiting: Vec<Part>) -> Result<Vec<Part>> {
    let mut ordered: Vec<Part> = Vec::new();
    while !waiting.is_empty() {
        let given_later =
            |part: &Part| part.names.imports.iter().any(|import| waiting.iter().any(|other| other.names.exports.contains(import)));
        let next = waiting.iter().position(|part| !given_later(part)).context("the parts lend each other in a circle")?;
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}
