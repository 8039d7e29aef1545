//! The stored records, page after page.

use percent_encoding::percent_decode_str;

use crate::bindings::shift_access::plugin::roster::page as read;
use crate::message::{Answer, Problem};
use crate::wire;

/// Records of a page, if nobody says otherwise, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// A page: `status`, `cursor` and `limit`, each as it is or percent-encoded.
pub async fn page(query: &str) -> Result<Answer, Problem> {
    let Asked { status, cursor, limit } = asked(query).map_err(|why| Problem::new(400, why))?;
    let listing = read(status, cursor, limit).await.map_err(|failure| wire::failed(&failure))?;
    Ok(Answer::json(wire::listing(&listing)))
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    status: Option<String>,
    cursor: Option<String>,
    limit: u32,
}

fn asked(query: &str) -> Result<Asked, String> {
    let mut asked = Asked { status: None, cursor: None, limit: USUAL };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value).ok_or_else(|| format!("{name} is not well encoded"))?;
        match name {
            "status" => asked.status = Some(value),
            "cursor" => asked.cursor = Some(value),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                asked.limit = limit.ok_or_else(|| format!("limit is a number from 1 to {MOST}"))?;
            }
            other => return Err(format!("there is no {other} to ask for")),
        }
    }
    Ok(asked)
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(&text.replace('+', " ")).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_by_status_cursor_and_limit() {
        let wanted = Asked { status: Some("on-shift".into()), cursor: Some("a/b ü".into()), limit: 7 };
        assert_eq!(asked("status=on-shift&cursor=a%2Fb+%C3%BC&limit=7"), Ok(wanted));
        assert_eq!(asked("").map(|asked| asked.limit), Ok(USUAL));
        for query in ["limit=0", "limit=x", "limit=1001", "limit", "colour=red", "cursor=%ff"] {
            assert!(asked(query).is_err(), "{query}");
        }
    }
}
