//! The sockets underneath: TLS with the machine's own root certificates, no redirects, no cookies.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use url::Url;

use super::ConnectionError;
use crate::config::is_loopback;

/// A machine that does not even accept a connection within this time is down.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Servers close idle connections, often after 30 seconds; a call sent into a closing one would be lost.
const IDLE: Duration = Duration::from_secs(20);

/// One set of sockets to the outside, one to this machine.
///
/// The proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`) is kept to for the outside, since many companies let
/// nothing else out. It is never used for loopback addresses: the only ones where credentials travel unencrypted.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    outside: Client,
    loopback: Client,
}

impl Clients {
    /// Makes both ready; nothing is sent yet.
    pub(crate) fn new() -> Result<Self, ConnectionError> {
        let tls = tls()?;
        let build = |builder: ClientBuilder| builder.build().map_err(|error| ConnectionError::Client(error.to_string()));
        Ok(Self { outside: build(builder(tls.clone()))?, loopback: build(builder(tls).no_proxy())? })
    }

    /// The sockets to reach this address with.
    pub(crate) fn of(&self, url: &Url) -> &Client {
        if is_loopback(url) { &self.loopback } else { &self.outside }
    }
}

fn builder(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
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
