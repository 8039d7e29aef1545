//! Answers that are given before, or instead of, any route: problem documents like every other (RFC 9457).

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::guest::Why;

const SLOW: &str = r#"{"type":"about:blank","title":"Request Timeout","status":408,"detail":"the request did not arrive in time","remedy":"send it whole, at once"}"#;
const ROOM: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"there are too many connections","remedy":"try again in a moment, and keep no connection open that asks for nothing"}"#;

/// Read at most from somebody who is not let in, so that the answer is not lost with what they sent.
const MOST_READ: u64 = 64 * 1024;

/// The answer to a body that did not come in time.
pub(super) fn too_slow() -> Response {
    let media = HeaderValue::from_static("application/problem+json");
    let headers = [(CONTENT_TYPE, media), (CONNECTION, HeaderValue::from_static("close"))];
    (StatusCode::REQUEST_TIMEOUT, headers, Body::from(SLOW)).into_response()
}

/// The answer to a request that came when its connection was closed already.
pub(super) fn no_room() -> Response {
    let media = HeaderValue::from_static("application/problem+json");
    let headers = [(CONTENT_TYPE, media), (CONNECTION, HeaderValue::from_static("close"))];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Body::from(ROOM)).into_response()
}

/// Tells somebody who is sent away why. Whether it arrives is nobody's concern: nothing is waited for.
pub(super) fn tell(socket: &TcpStream, why: Why) {
    let _ = socket.try_write(text(why).as_bytes());
}

/// Tells somebody that there is no room, and waits until they have read it, or hung up.
pub(super) async fn turn_away(mut socket: TcpStream) {
    tell(&socket, Why::Room);
    let _ = socket.shutdown().await;
    let _ = tokio::io::copy(&mut (&mut socket).take(MOST_READ), &mut tokio::io::sink()).await;
}

fn text(why: Why) -> String {
    let (status, more, body) = match why {
        Why::Slow => ("408 Request Timeout", "", SLOW),
        Why::Room | Why::Over => ("503 Service Unavailable", "retry-after: 5\r\n", ROOM),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n{more}cache-control: no-store\r\nconnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_hand_is_a_problem_document_of_its_status() {
        for why in [Why::Slow, Why::Room] {
            let text = text(why);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
            let document: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(document["status"], status);
            assert!(head.contains(document["title"].as_str().unwrap()), "{head}");
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        }
    }
}
