//! Looks names up, and lets pass only the addresses that a connection may lead to.
//!
//! What passes here is what is connected to: a name whose address changes is checked anew each time, and there is no moment
//! between the check and the use.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::reach::{Class, Reach, class};

/// Who looks up the names of connections. An embedder may bring its own; what it answers is checked all the same.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a host name.
    ///
    /// # Errors
    /// When it has none, or nobody can be asked.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own way to look up names.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Every address of a name is one that must not be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Barred {
    host: String,
    class: Class,
}

impl std::error::Error for Barred {}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, class } = self;
        write!(f, "{host} leads to {class}; ")?;
        match class {
            Class::Private => f.write_str("if that is meant, add private-network = true to the connection"),
            _ => f.write_str("that is called only where the url itself is that address: mend the name"),
        }
    }
}

/// Looks up the name of one host.
pub(super) struct Guard {
    /// The host that is called. Any other name is a proxy's, which the administrator chose.
    pub(super) host: String,
    pub(super) reach: Reach,
    pub(super) resolver: Arc<dyn Resolver>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, reach) = (self.resolver.clone(), self.reach);
        let guarded = name.as_str().eq_ignore_ascii_case(&self.host);
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await?;
            let passed = if guarded { sieve(name.as_str(), found, reach)? } else { found };
            if passed.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            // The port is the one of the address that is called.
            Ok(Box::new(passed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// The addresses that may be called. Where none of them may, the first says why.
fn sieve(host: &str, found: Vec<IpAddr>, reach: Reach) -> Result<Vec<IpAddr>, Barred> {
    let (passed, barred): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| reach.allows(class(*address)));
    for address in &barred {
        tracing::warn!(host, %address, class = %class(*address), "an address is not called");
    }
    match barred.first() {
        Some(address) if passed.is_empty() => Err(Barred { host: host.to_owned(), class: class(*address) }),
        _ => Ok(passed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mix_only_what_may_be_called_passes() {
        let addresses = |text: &str| text.split(' ').map(|address| address.parse().unwrap()).collect::<Vec<IpAddr>>();
        let found = addresses("10.0.0.1 8.8.8.8 169.254.169.254 ::1 2606:4700::1");
        assert_eq!(sieve("a", found.clone(), Reach::Public), Ok(addresses("8.8.8.8 2606:4700::1")));
        assert_eq!(sieve("a", found.clone(), Reach::Private), Ok(addresses("10.0.0.1 8.8.8.8 2606:4700::1")));
        assert_eq!(sieve("a", found, Reach::Loopback), Ok(addresses("::1")));
        let barred = sieve("a", addresses("169.254.169.254 10.0.0.1"), Reach::Public);
        assert_eq!(barred, Err(Barred { host: "a".to_owned(), class: Class::Metadata }));
    }

    #[tokio::test]
    async fn only_the_host_that_is_called_is_guarded_and_without_regard_to_case() {
        struct Inside;
        #[async_trait]
        impl Resolver for Inside {
            async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
                Ok(vec!["10.0.0.1".parse().unwrap()])
            }
        }
        let guard = Guard { host: "time.example".to_owned(), reach: Reach::Public, resolver: Arc::new(Inside) };
        assert!(guard.resolve("TIME.example".parse().unwrap()).await.is_err());
        assert!(guard.resolve("proxy.example".parse().unwrap()).await.is_ok());
    }
}
