//! Where a call may go and what it may carry: the address below the connection's own, and the headers beside the platform's.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::address::Address;
use crate::bindings::exports::shift_access::plugin::http::{Error, Field};

/// Headers that the platform sets, or the connection itself.
const PLATFORM: [&str; 15] = [
    "authorization",
    "host",
    "cookie",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
    "proxy-authenticate",
    "proxy-connection",
];

/// What a path cannot hold as it is. `%` stays: the caller has encoded what needs it.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}').add(b'^').add(b'|');

/// All but what an address never needs encoded.
pub const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*');

fn refused<T>(text: String) -> Result<T, Error> {
    Err(Error::NotGranted(text))
}

/// A method, in capital letters. `CONNECT` and `TRACE` would reach past the server, or show the login.
pub fn method(name: &str) -> Result<String, Error> {
    match name.to_ascii_uppercase() {
        tunnel if matches!(tunnel.as_str(), "CONNECT" | "TRACE") => refused(format!("the method {name} is not allowed")),
        known if !known.is_empty() && known.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(known),
        _ => refused(format!("{name:?} is no method")),
    }
}

/// The address below `base`. The path is taken as it is, the query is encoded here, once.
pub fn address(base: &Address, path: &str, query: &[Field]) -> Result<Address, Error> {
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let trouble = if !path.starts_with('/') {
        "does not begin with `/`"
    } else if path.starts_with("//") {
        "begins with `//`, which names a host"
    } else if path.contains(['?', '#']) {
        "holds a query or fragment; give the query apart"
    } else if path.contains('\\') || path.chars().any(char::is_control) {
        "holds a backslash or control character"
    } else if path.split('/').any(dots) {
        "holds a `.` or `..` segment"
    } else {
        return Ok(Address { path: encode(path, query), ..base.clone() });
    };
    refused(format!("the path {path:?} {trouble}"))
}

fn encode(path: &str, query: &[Field]) -> String {
    let path = utf8_percent_encode(path, PATH).to_string();
    let value = |text| utf8_percent_encode(text, VALUE);
    let pairs: Vec<String> = query.iter().map(|field| format!("{}={}", value(&field.name), value(&field.value))).collect();
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

/// The headers of a call: the connection's own, then the caller's, which may not replace them.
pub fn headers(own: &[(String, String)], given: &[Field]) -> Result<Vec<(String, String)>, Error> {
    let mut headers = own.to_vec();
    for Field { name, value } in given {
        let known = name.to_ascii_lowercase();
        if !is_header_name(name) {
            return refused(format!("{name:?} is no header name"));
        }
        if PLATFORM.contains(&known.as_str()) || own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return refused(format!("the header {known} is set by the platform; leave it out"));
        }
        if !is_header_value(value) {
            return refused(format!("the value of the header {known} holds a line break or control character"));
        }
        headers.push((known, value.clone()));
    }
    Ok(headers)
}

pub fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

pub fn is_header_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Field {
        Field { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_path_stays_below_the_host_and_the_query_is_encoded_once() {
        let base = Address::parse("https://acme.example:8443").unwrap();
        let query = [field("filter", "name eq \"A & B+ 100%25\""), field("q", "ü")];
        let below = address(&base, "/a%20b/c d", &query).unwrap();
        assert_eq!(below.path, "/a%20b/c%20d?filter=name%20eq%20%22A%20%26%20B%2B%20100%2525%22&q=%C3%BC");
        assert_eq!(below.authority, "acme.example:8443");
    }

    #[test]
    fn other_paths_are_refused() {
        let base = Address::parse("https://acme.example").unwrap();
        let paths = ["", "a", "//evil.example/x", "https://evil.example/", "/\\evil.example", "/a?b=c", "/a#b", "/../a", "/a/%2e%2E/b"];
        for path in paths.into_iter().chain(["/a/.%2e", "/./a", "/a\r\nHost: evil.example", "@evil.example/", ":80@evil.example/"]) {
            assert!(matches!(address(&base, path, &[]), Err(Error::NotGranted(_))), "{path:?}");
        }
    }

    #[test]
    fn headers_of_the_platform_and_broken_ones_are_refused() {
        let own = [("x-key".to_owned(), "v".to_owned())];
        for (name, value) in [
            ("Authorization", "x"),
            ("HOST", "x"),
            ("Cookie", "x"),
            ("Content-Length", "1"),
            ("X-Key", "mine"),
            ("a b", "x"),
            ("", "x"),
            ("x", "a\r\nb: c"),
            ("x", "a\0"),
            ("x\r\ny", "a"),
        ] {
            assert!(matches!(headers(&own, &[field(name, value)]), Err(Error::NotGranted(_))), "{name:?}: {value:?}");
        }
        assert_eq!(headers(&own, &[field("Accept", "a"), field("accept", "b")]).unwrap().len(), 3);
    }

    #[test]
    fn methods_that_reach_past_the_server_are_refused() {
        assert_eq!(method("get").unwrap(), "GET");
        for name in ["CONNECT", "trace", "", "GET /x", "A\r\nB"] {
            assert!(matches!(method(name), Err(Error::NotGranted(_))), "{name:?}");
        }
    }
}
