//! The files that pages need, carried in the program. Their address holds a digest of what is in them, so browsers keep them for long.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::people::digest;
use super::problem::Problem;

struct File {
    name: &'static str,
    media: &'static str,
    content: &'static str,
}

const FILES: [File; 3] = [
    File { name: "look.css", media: "text/css; charset=utf-8", content: include_str!("look.css") },
    File { name: "live.js", media: "text/javascript; charset=utf-8", content: include_str!("live.js") },
    File { name: "mark.svg", media: "image/svg+xml", content: include_str!("mark.svg") },
];

/// For a year: another content has another address.
const LONG: &str = "public, max-age=31536000, immutable";

static ADDRESSES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let version = |file: &File| digest(file.content).chars().take(12).collect::<String>();
    FILES.iter().map(|file| (file.name, format!("/console/static/{}?v={}", file.name, version(file)))).collect()
});

/// The address of a file.
pub(super) fn address(name: &str) -> &'static str {
    ADDRESSES.iter().find(|(known, _)| *known == name).map_or("", |(_, address)| address)
}

/// `GET /console/static/{name}`
pub(super) async fn show(Path(name): Path<String>) -> Result<Response, Problem> {
    let file = FILES.iter().find(|file| file.name == name).ok_or_else(|| Problem::not_found("There is no such file."))?;
    Ok(([(CONTENT_TYPE, file.media), (CACHE_CONTROL, LONG)], file.content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_an_address_with_its_digest_and_asks_for_nothing_elsewhere() {
        for file in &FILES {
            let address = address(file.name);
            let version = address.strip_prefix(&format!("/console/static/{}?v=", file.name));
            assert!(version.is_some_and(|version| version.len() == 12), "{address}");
            let elsewhere = file.content.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http:") && !elsewhere.contains("https:") && !elsewhere.contains("@import"), "{}", file.name);
        }
        assert!(FILES.iter().find(|file| file.name == "live.js").unwrap().content.lines().count() <= 120);
    }
}
