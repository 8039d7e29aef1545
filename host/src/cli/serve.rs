//! `serve`: schedules and the API, until stopped.

use std::path::Path;

use super::logs::Format;
use super::{Exit, open};
use crate::scheduler::Life;
use crate::serve::Server;

/// Runs schedules and the API until stopped. SIGTERM or Ctrl-C let what is under way end; a second one ends at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(config: &Path, format: Format, _args: Args) -> Result<(), Exit> {
    let site = open(config).await?;
    let listen = site.listen();
    let server = Server::bind(site).await.map_err(|error| Exit::Failed(format!("cannot listen on {listen}: {error}")))?;
    let address = server.address();
    match format {
        Format::Text => eprintln!("listening on http://{address}"),
        Format::Json => tracing::info!(url = format!("http://{address}"), "listening"),
    }
    let life = Life::default();
    tokio::spawn(super::run::cancel_on_signal(life.stop.clone()));
    Ok(server.run(life).await?)
}
