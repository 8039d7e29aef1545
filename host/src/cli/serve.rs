//! `serve`: schedules and the API, until stopped.

use std::path::Path;

use super::logs::Format;
use super::{Exit, open};
use crate::scheduler::Life;
use crate::serve::{Server, ServerLimits};

/// Runs schedules and the API until stopped. SIGTERM or Ctrl-C let what is under way end; a second one ends at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(config: &Path, format: Format, _args: Args) -> Result<(), Exit> {
    let site = open(config).await?;
    let listen = site.listen();
    let server = Server::bind(site).await.map_err(|error| Exit::Failed(format!("cannot listen on {listen}: {error}")))?;
    let server = server.within(ServerLimits { connections: room(), ..ServerLimits::default() });
    let address = server.address();
    match format {
        Format::Text => eprintln!("listening on http://{address}"),
        Format::Json => tracing::info!(url = format!("http://{address}"), "listening"),
    }
    let life = Life::default();
    tokio::spawn(super::run::cancel_on_signal(life.stop.clone()));
    Ok(server.run(life).await?)
}

/// How many connections there is room for: half of the sockets and files that the system lets this program have, after it
/// was asked for as many as are useful.
fn room() -> usize {
    let most = ServerLimits::default().connections;
    let wanted = u64::try_from(most * 2).unwrap_or(u64::MAX);
    let given = rlimit::increase_nofile_limit(wanted).ok().and_then(|given| usize::try_from(given / 2).ok());
    given.map_or(most, |given| given.clamp(16, most))
}
