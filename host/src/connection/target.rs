//! Where a call goes and what it carries: never past the configured host, never with a header that is not its own.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::{Url, form_urlencoded};

use super::message::{Field, HttpError};

/// Headers that decide where a call goes, who makes it, or where it ends.
const PLATFORM: [&str; 15] = [
    "authorization",
    "proxy-authorization",
    "host",
    "cookie",
    "connection",
    "keep-alive",
    "proxy-connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
];

fn refused<T>(text: impl Into<String>) -> Result<T, HttpError> {
    Err(HttpError::NotGranted(text.into()))
}

/// The method, in capitals. `CONNECT` and `TRACE` would reach past the server, or show the login.
pub(super) fn method(name: &str) -> Result<Method, HttpError> {
    match Method::from_bytes(name.to_ascii_uppercase().as_bytes()) {
        Ok(Method::CONNECT | Method::TRACE) => refused(format!("the method {name} is not allowed")),
        Ok(method) => Ok(method),
        Err(_) => refused(format!("{name:?} is no method")),
    }
}

/// The address below `base`. The path is taken as it is, the query is encoded here, once.
pub(super) fn url(base: &Url, path: &str, query: &[Field]) -> Result<Url, HttpError> {
    check_path(path)?;
    let mut url = base.clone();
    url.set_path(path);
    url.set_query((!query.is_empty()).then(|| encode(query)).as_deref());
    if url.origin() != base.origin() {
        return refused(format!("the path {path:?} leads to another host"));
    }
    Ok(url)
}

fn check_path(path: &str) -> Result<(), HttpError> {
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
        return Ok(());
    };
    refused(format!("the path {path:?} {trouble}"))
}

/// A blank as `%20`: some servers read `+` as a plus.
fn encode(query: &[Field]) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let pairs: Vec<String> = query.iter().map(|field| format!("{}={}", encode(&field.name), encode(&field.value))).collect();
    pairs.join("&")
}

/// The headers of a call: the connection's own, then the caller's, which may not replace them.
pub(super) fn headers(own: &HeaderMap, given: &[Field]) -> Result<HeaderMap, HttpError> {
    let mut headers = own.clone();
    for field in given {
        let Ok(name) = HeaderName::from_bytes(field.name.as_bytes()) else {
            return refused(format!("{:?} is no header name", field.name));
        };
        if PLATFORM.contains(&name.as_str()) || own.contains_key(&name) {
            return refused(format!("the header {name} is set by the platform; leave it out"));
        }
        let Ok(value) = HeaderValue::from_str(&field.value) else {
            return refused(format!("the value of the header {name} holds a line break or control character"));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://acme.example:8443").unwrap()
    }

    #[test]
    fn a_path_stays_below_the_host_and_the_query_is_encoded_once() {
        let query = [Field::new("filter", "name eq \"A & B+ 100%25\""), Field::new("q", "ü")];
        let url = url(&base(), "/a%20b/c d", &query).unwrap();
        assert_eq!(url.as_str(), "https://acme.example:8443/a%20b/c%20d?filter=name%20eq%20%22A%20%26%20B%2B%20100%2525%22&q=%C3%BC");
        assert_eq!(super::url(&base(), "/", &[]).unwrap().as_str(), "https://acme.example:8443/");
    }

    #[test]
    fn other_paths_are_refused() {
        for path in [
            "",
            "a",
            "//evil.example/x",
            "https://evil.example/",
            "/\\evil.example",
            "\\\\evil.example",
            "/a?b=c",
            "/a#b",
            "/../a",
            "/a/..",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/./a",
            "/a\r\nHost: evil.example",
            "/a\tb",
            "@evil.example/",
            ":80@evil.example/",
        ] {
            assert!(matches!(url(&base(), path, &[]), Err(HttpError::NotGranted(_))), "{path:?}");
        }
    }

    #[test]
    fn headers_of_the_platform_and_broken_ones_are_refused() {
        let mut own = HeaderMap::new();
        own.insert("x-key", HeaderValue::from_static("v"));
        for (name, value) in [
            ("Authorization", "x"),
            ("HOST", "x"),
            ("Cookie", "x"),
            ("Content-Length", "1"),
            ("transfer-encoding", "chunked"),
            ("X-Key", "mine"),
            ("a b", "x"),
            ("", "x"),
            ("x", "a\r\nb: c"),
            ("x", "a\nb"),
            ("x", "a\0"),
            ("x\r\ny", "a"),
        ] {
            assert!(matches!(headers(&own, &[Field::new(name, value)]), Err(HttpError::NotGranted(_))), "{name:?}: {value:?}");
        }
        assert_eq!(headers(&own, &[Field::new("Accept", "a"), Field::new("accept", "b")]).unwrap().len(), 3);
    }

    #[test]
    fn methods_that_reach_past_the_server_are_refused() {
        assert_eq!(method("get").unwrap(), Method::GET);
        assert_eq!(method("PATCH").unwrap(), Method::PATCH);
        for name in ["CONNECT", "trace", "", "GET /x", "A\r\nB"] {
            assert!(matches!(method(name), Err(HttpError::NotGranted(_))), "{name:?}");
        }
    }
}
