//! The sockets underneath: TLS with the machine's own root certificates, no redirects, no cookies, and only to addresses
//! that are granted.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use url::{Host, Url};

use super::ConnectionError;
use super::names::{Guard, Resolver, SystemResolver};
use super::reach::Reach;
use crate::config::is_loopback;

/// A machine that does not even accept a connection within this time is down.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Servers close idle connections, often after 30 seconds; a call sent into a closing one would be lost.
const IDLE: Duration = Duration::from_secs(20);

/// TLS sessions that one client takes up again.
const SESSIONS: usize = 8;

/// How connections reach other systems: who looks up names, whether through a proxy, and which certificates are trusted.
///
/// The machine's certificates are read once, when the first connection is made. Sockets and TLS sessions are each
/// connection's own: two tenants on one network share none.
#[derive(Clone)]
pub struct Network {
    resolver: Arc<dyn Resolver>,
    proxy: bool,
    tls: Arc<OnceLock<Result<ClientConfig, ConnectionError>>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

impl Default for Network {
    /// Names are looked up as the system does, and no proxy is used.
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), proxy: false, tls: Arc::default() }
    }
}

impl Network {
    /// Looks names up with this.
    #[must_use]
    pub fn resolver(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// Whether calls go through the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), except those to loopback addresses.
    /// A proxy looks names up itself: where they lead is then its matter, and is not checked here.
    #[must_use]
    pub fn proxy_of_environment(self, used: bool) -> Self {
        Self { proxy: used, ..self }
    }

    /// Sockets to one host. `private` lets its name lead to private addresses; an address written as such is called
    /// whatever it is.
    pub(crate) fn client(&self, url: &Url, private: bool) -> Result<Client, ConnectionError> {
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            _ => String::new(),
        };
        let local = is_loopback(url);
        let reach = match (local, private) {
            (true, _) => Reach::Loopback,
            (false, true) => Reach::Private,
            (false, false) => Reach::Public,
        };
        let mut tls = self.tls.get_or_init(tls).clone()?;
        tls.resumption = Resumption::in_memory_sessions(SESSIONS);
        let builder = builder(tls).dns_resolver(Guard { host, reach, resolver: self.resolver.clone() });
        // Credentials travel in the clear to this machine alone, and to no proxy.
        made(if local || !self.proxy { builder.no_proxy() } else { builder })
    }
}

/// Sockets to what the administrator of the host chose for the host itself, wherever that is: through the proxy of the
/// environment, or to this machine.
pub(crate) fn unguarded(loopback: bool) -> Result<Client, ConnectionError> {
    let builder = builder(tls()?);
    made(if loopback { builder.no_proxy() } else { builder })
}

fn builder(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
}

fn made(builder: ClientBuilder) -> Result<Client, ConnectionError> {
    builder.build().map_err(|error| ConnectionError::Client(error.to_string()))
}

/// The provider is given by hand: installing one for the process would take the choice from whoever embeds us.
fn tls() -> Result<ClientConfig, ConnectionError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectionError::Client(error.to_string()))?;
    Ok(match Verifier::new(provider) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        Err(error) => {
            // A bare container has no certificates. Calls to loopback work there all the same; every other fails.
            tracing::warn!(%error, "no root certificates on this machine: https calls will fail");
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    })
}
