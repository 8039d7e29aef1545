//! Addresses as an administrator writes them: a scheme, a host, and a path where it is a whole address.
//!
//! Not by the crate `url`, for size: it brings the tables of all letters that a name may have, and here a name in other letters than
//! ASCII is refused.

/// An address that may be called: encrypted, or of this very machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether it begins with `https:`.
    pub encrypted: bool,
    /// The host, with its port where one is written; in small letters.
    pub authority: String,
    /// What follows, with a slash at its beginning, and a query where one is written.
    pub path: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// In words that end a sentence about it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.trim().split_once("://").ok_or("is no address; write https://HOST")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || !authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)) {
            return Err("names no host, or a user name or password as well".to_owned());
        }
        if path.contains('#') || path.bytes().any(|byte| byte <= b' ' || byte >= 0x7f) {
            return Err("holds a fragment, a blank or another letter that an address does not have".to_owned());
        }
        let authority = authority.to_ascii_lowercase();
        let encrypted = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" if is_loopback(&authority) => false,
            _ => return Err("does not begin with https: (http: is for loopback)".to_owned()),
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { encrypted, authority, path })
    }

    /// Whether both are of one origin.
    pub fn is_home_of(&self, other: &Self) -> bool {
        self.encrypted == other.encrypted && self.named() == other.named()
    }

    /// Where a redirect from here leads.
    pub fn leads_to(&self, location: &str) -> Result<Self, String> {
        let scheme = if self.encrypted { "https" } else { "http" };
        match location {
            whole if whole.contains("://") => Self::parse(whole),
            other if other.starts_with("//") => Self::parse(&format!("{scheme}:{other}")),
            path => Ok(Self { path: path.to_owned(), ..self.clone() }),
        }
    }

    /// The host with its port, which has a usual one.
    fn named(&self) -> String {
        let (host, port) = parts(&self.authority);
        let usual = if self.encrypted { "443" } else { "80" };
        format!("{host}:{}", port.unwrap_or(usual))
    }
}

fn is_loopback(authority: &str) -> bool {
    matches!(parts(authority).0, "localhost" | "127.0.0.1" | "[::1]")
}

/// The host, and the port behind it. What follows a colon within brackets is no number, for the bracket at its end.
fn parts(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_host_a_port_and_a_path_are_read() {
        assert_eq!(of("https://Acme.example"), Address { encrypted: true, authority: "acme.example".into(), path: "/".into() });
        assert_eq!(of("http://127.0.0.1:8080/oauth/token?a=b").path, "/oauth/token?a=b");
        assert_eq!(of("http://[::1]:8080").authority, "[::1]:8080");
    }

    #[test]
    fn what_is_not_encrypted_or_no_address_is_refused() {
        for text in [
            "acme.example",
            "http://acme.example",
            "http://localhost.acme.example",
            "http://[::1].evil.example",
            "http://[::1].evil.example:80",
            "http://localhost:80:evil.example",
            "ftp://acme.example",
            "https://a@b",
            "https://",
            "https://a b",
            "https://a/#b",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_origin_is_scheme_host_and_port() {
        assert!(of("https://a").is_home_of(&of("https://A:443/x")));
        assert!(of("http://[::1]").is_home_of(&of("http://[::1]:80")) && !of("http://[::1]").is_home_of(&of("http://[::1]:8080")));
        for other in ["https://a:444", "http://localhost", "https://b", "https://a.b"] {
            assert!(!of("https://a").is_home_of(&of(other)), "{other}");
        }
        assert!(!of("https://a").is_home_of(&of("https://a").leads_to("//b/c").unwrap()));
        assert!(of("https://a").is_home_of(&of("https://a").leads_to("/c").unwrap()));
    }
}
