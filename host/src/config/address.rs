//! An address as people type it, made whole by the pack's rule.

use std::net::IpAddr;

use url::{Host, Url};

use crate::description::AddressRule;

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address.
    #[error("is not an address: {0}")]
    Malformed(String),
    /// Half of an `https://` stands in front of it, or two do.
    #[error("begins with a mistyped `https://`")]
    Beginning,
    /// It begins with something other than `https:`.
    #[error("begins with `{0}:`, and only `https:` is spoken")]
    Scheme(String),
    /// Calls would travel in the clear.
    #[error("uses http: to {0}, where everybody on the way can read the credentials")]
    Clear(String),
    /// A name or password stands in it.
    #[error("holds a user name or password")]
    Credentials,
}

impl AddressError {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Beginning => "write for example \"https://tenant.example.com\"",
            Self::Scheme(_) | Self::Clear(_) => "write https:; http: is accepted for loopback addresses only",
            Self::Credentials => "take out everything up to the @ and give the credentials as settings",
        }
    }
}

/// Completes a typed address: `https:` in front, no path or query behind, the host as `rule` says.
///
/// `http:` is accepted for loopback addresses only, a user name or password never; a port is kept.
pub fn clean(typed: &str, rule: &AddressRule) -> Result<Url, AddressError> {
    let mut url = parse(typed)?;
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    if let Some(Host::Domain(name)) = url.host()
        && !is_loopback(&url)
    {
        let whole = complete(name.strip_suffix('.').unwrap_or(name), rule);
        url.set_host(Some(&whole)).map_err(|error| AddressError::Malformed(error.to_string()))?;
    }
    Ok(url)
}

/// Checks a whole address whose path and query matter, such as a token endpoint's.
pub(super) fn whole(typed: &str) -> Result<Url, AddressError> {
    let mut url = parse(typed)?;
    url.set_fragment(None);
    Ok(url)
}

fn parse(typed: &str) -> Result<Url, AddressError> {
    let typed = typed.trim();
    if typed.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AddressError::Malformed("there is a blank in it".to_owned()));
    }
    let lower = typed.to_ascii_lowercase();
    if ["http:", "https:"].iter().any(|start| lower.strip_prefix(start).is_some_and(|rest| !rest.starts_with("//"))) {
        return Err(AddressError::Beginning);
    }
    let text = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(&text).map_err(|error| AddressError::Malformed(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(AddressError::Clear(url.host_str().unwrap_or_default().to_owned())),
        other => return Err(AddressError::Scheme(other.to_owned())),
    }
    match url.host() {
        None => return Err(AddressError::Malformed("there is no host name in it".to_owned())),
        Some(Host::Domain("http" | "https")) => return Err(AddressError::Beginning),
        Some(Host::Domain(name)) => check_name(name)?,
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {}
    }
    Ok(url)
}

/// A host name as it may stand in a name server; the underscore too, which some use inside their own network.
fn check_name(name: &str) -> Result<(), AddressError> {
    let malformed = |text: &str| Err(AddressError::Malformed(text.to_owned()));
    // One dot at the end is the root, and belongs there.
    let labels: Vec<&str> = name.strip_suffix('.').unwrap_or(name).split('.').collect();
    if labels.first().is_none_or(|first| first.is_empty()) {
        return malformed("there is no host name in it");
    }
    if labels.iter().any(|label| label.is_empty()) {
        return malformed("two dots in its host name stand side by side");
    }
    if labels.iter().any(|label| label.len() > 63) || name.len() > 253 {
        return malformed("its host name is too long");
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_.".contains(*c))) {
        Some(letter) => malformed(&format!("a host name holds no `{letter}`")),
        None => Ok(()),
    }
}

/// Whether an address is this machine's own: 127.0.0.0/8, ::1 or localhost.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The same of a host name alone.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn complete(host: &str, rule: &AddressRule) -> String {
    let (first, rest) = host.split_once('.').map_or((host, None), |(first, rest)| (first, Some(rest)));
    let bare = rule.strip.as_deref().and_then(|end| first.strip_suffix(end)).filter(|left| !left.is_empty()).unwrap_or(first);
    let host = rest.map_or_else(|| bare.to_owned(), |rest| format!("{bare}.{rest}"));
    let short = match rest {
        None => true,
        Some(rest) => rule.short_endings.iter().any(|ending| rest.rsplit('.').next() == Some(ending.as_str())),
    };
    match &rule.domain {
        Some(domain) if short => format!("{host}.{domain}"),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> AddressRule {
        AddressRule {
            strip: Some("-sso".to_owned()),
            domain: Some("mytime.example".to_owned()),
            short_endings: vec!["prd".to_owned(), "npr".to_owned()],
        }
    }

    #[test]
    fn a_typed_address_is_completed() {
        for (typed, whole) in [
            ("acme-sso.prd.mytime.example", "https://acme.prd.mytime.example/"),
            ("acme.prd", "https://acme.prd.mytime.example/"),
            ("acme-sso.prd", "https://acme.prd.mytime.example/"),
            ("acme", "https://acme.mytime.example/"),
            ("https-time_2.prd", "https://https-time_2.prd.mytime.example/"),
            ("Zürich.prd", "https://xn--zrich-kva.prd.mytime.example/"),
            ("https://acme.prd.mytime.example/", "https://acme.prd.mytime.example/"),
            ("https://acme.prd.mytime.example/wfd/home?a=b#c", "https://acme.prd.mytime.example/"),
            ("ACME.PRD.MYTIME.EXAMPLE", "https://acme.prd.mytime.example/"),
            ("acme.prd.mytime.example.", "https://acme.prd.mytime.example/"),
            ("acme.prd.mytime.example:8443/x", "https://acme.prd.mytime.example:8443/"),
            ("time.us1.other.example", "https://time.us1.other.example/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://127.9.9.9", "http://127.9.9.9/"),
            ("http://localhost:1", "http://localhost:1/"),
            ("http://[::1]:1/", "http://[::1]:1/"),
            ("-sso.prd", "https://-sso.prd.mytime.example/"),
        ] {
            assert_eq!(clean(typed, &rule()).map(String::from), Ok(whole.to_owned()), "{typed}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for typed in ["http://acme.example", "http://127.0.0.1.acme.example", "http://128.0.0.1", "http://localhost.acme.example"] {
            assert!(matches!(clean(typed, &rule()), Err(AddressError::Clear(_))), "{typed}");
        }
        for typed in ["https://user@acme.example", "https://user:pw@acme.example", "user:pw@acme.example"] {
            assert_eq!(clean(typed, &rule()), Err(AddressError::Credentials), "{typed}");
        }
        for typed in ["ftp://acme.example", "file:///etc/passwd"] {
            assert!(matches!(clean(typed, &rule()), Err(AddressError::Scheme(_))), "{typed}");
        }
        for typed in [
            "https:/acme.prd",
            "https:acme.prd",
            "HTTPS:/acme.prd",
            "http:/127.0.0.1",
            "https//acme.prd",
            "https/acme.prd",
            "https://https://acme.prd",
            "https://https:/acme.prd",
            "http:8080",
        ] {
            assert_eq!(clean(typed, &rule()), Err(AddressError::Beginning), "{typed}");
            assert_eq!(whole(typed), Err(AddressError::Beginning), "{typed}");
        }
        let long = "a".repeat(64);
        for typed in
            ["acme..prd", "acme.prd..", "..", ".", "acme,prd", "acme;prd", "acme'prd", "acme(prd)", "https;//acme.prd", "a*b.prd", &long]
        {
            assert!(matches!(clean(typed, &rule()), Err(AddressError::Malformed(_))), "{typed}");
        }
        for typed in ["", "https://", "not a host", "https://a\nb.example", "https://.example", "https://[::1"] {
            assert!(matches!(clean(typed, &rule()), Err(AddressError::Malformed(_))), "{typed}");
        }
    }
}
