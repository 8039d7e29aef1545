//! `describe`: what a pack says of itself.

use std::path::PathBuf;

use super::{Exit, cache, json, print, text};
use crate::engine::Engine;
use crate::plugin::Pack;

/// Prints a pack's description: connections, properties, jobs, surfaces, error codes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A component; the built-in pack if none is named.
    component: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let engine = Engine::new(cache()).map_err(|error| Exit::Failed(error.to_string()))?;
    let pack = match &args.component {
        Some(path) => Pack::from_file(&engine, path),
        None => Pack::built_in(&engine),
    };
    let pack = pack.map_err(|error| Exit::Usage(error.to_string()))?;
    let description = pack.describe().await?;
    if args.json { print([json(&description)?]) } else { print(text::description(&description, pack.imports())) }
}
