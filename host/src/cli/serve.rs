//! `serve`: schedules and the API, until stopped.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::logs::Format;
use super::{Exit, Place, open};
use crate::config::Problem;
use crate::console;
use crate::scheduler::Life;
use crate::serve::{Server, ServerLimits};
use crate::site::Site;

/// Runs schedules and the API until stopped. SIGTERM or Ctrl-C let what is under way end, for half a minute; a second one
/// ends at once. SIGHUP reads the configuration again: one with errors changes nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(place: &Place, _args: Args) -> Result<(), Exit> {
    // From here on: a signal that comes early must not end the program.
    let mut asked = Asked::listen()?;
    let site = Arc::new(open(place).await?);
    site.tell_unfit().await;
    let listen = site.listen();
    let server = Server::bind(site.clone()).await.map_err(|error| Exit::Failed(format!("cannot listen on {listen}: {error}")))?;
    let server = server.within(ServerLimits { connections: room(), ..ServerLimits::default() });
    let address = server.address();
    match place.logs {
        Format::Text => eprintln!("listening on http://{address}"),
        Format::Json => tracing::info!(url = format!("http://{address}"), "listening"),
    }
    invite(&site, address, place.logs).await;
    let life = Life::default();
    tokio::spawn(super::run::cancel_on_signal(life.stop.clone()));
    let reloading = async {
        loop {
            asked.again().await;
            reload(&site, &place.config).await;
        }
    };
    tokio::select! {
        ended = server.run(life) => Ok(ended?),
        () = reloading => Ok(()),
    }
}

/// Says where the first administrator of the console chooses a name and a password, as long as there is nobody.
async fn invite(site: &Site, address: SocketAddr, logs: Format) {
    match (console::first_link(site, address).await, logs) {
        (Ok(None), _) => {}
        (Ok(Some(url)), Format::Text) => {
            eprintln!("nobody can sign in to the console yet; within an hour, the first administrator begins at {url}")
        }
        // Who collects logs is not to become the administrator.
        (Ok(Some(_)), Format::Json) => {
            let remedy = "shift-access user add NAME --role administrator --link";
            tracing::warn!(remedy, "nobody can sign in to the console yet");
        }
        (Err(error), _) => tracing::error!(%error, "nobody knows whether somebody can sign in to the console"),
    }
}

/// Reads the configuration again and says what became of it, every problem as `check` does.
async fn reload(site: &Site, config: &Path) {
    let (changes, problems) = site.reload(config, &|name| std::env::var(name).ok()).await;
    problems.iter().for_each(Problem::log);
    match changes {
        Ok(changes) => tracing::info!("the configuration was read again; {changes}"),
        Err(error) => tracing::error!("the configuration was read again and is not taken over; the one before stays in force: {error}"),
    }
}

/// How many connections there is room for: half of the sockets and files that the system lets this program have, after it
/// was asked for as many as are useful.
fn room() -> usize {
    let most = ServerLimits::default().connections;
    let wanted = u64::try_from(most * 2).unwrap_or(u64::MAX);
    let given = rlimit::increase_nofile_limit(wanted).ok().and_then(|given| usize::try_from(given / 2).ok());
    given.map_or(most, |given| given.clamp(16, most))
}

/// Signals to read the configuration again.
struct Asked {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Asked {
    fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
        Ok(Self {
            #[cfg(unix)]
            signal,
        })
    }

    /// Waits for the next one.
    async fn again(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
