//! `describe`: what a pack says of itself.

use super::{Exit, cache, component, json, print, text};
use crate::config::ComponentSource;
use crate::engine::Engine;
use crate::plugin::Pack;

/// Prints a pack's description: connections, properties, jobs, surfaces, error codes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A component: FILE, FILE@sha256:… or oci-layout:FOLDER@sha256:…; the built-in pack if none is named.
    component: Option<ComponentSource>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let engine = Engine::new(cache()).map_err(|error| Exit::Failed(error.to_string()))?;
    let bytes = component::read(args.component.as_ref())?;
    let pack = Pack::from_bytes(&engine, &bytes).map_err(|error| Exit::Usage(error.to_string()))?;
    let description = pack.describe().await?;
    if args.json { print([json(&description)?]) } else { print(text::description(&description, pack.imports())) }
}
