//! What the unit tests of this crate share: a plain HTTP client.

/// A client without TLS needs. The provider has to be there all the same, since the crate is built without a default one.
pub(crate) fn client() -> reqwest::Client {
    crate::tls();
    reqwest::Client::new()
}
