//! Calls in flight, sizes of answers, and time.

use super::*;

#[tokio::test]
async fn calls_in_flight_are_limited() {
    let server = Server::slow(Duration::from_millis(20), |_| status(200)).await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 3, ..server.config() }]).unwrap();
    let calls = (0..15).map(|_| get(&connections, "/x"));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(server.state.most_open.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn answers_are_limited_with_and_without_a_declared_length() {
    let server = Server::start(|seen| match seen.uri.path() {
        "/declared" => with(200, &[], vec![b'x'; 2000]),
        _ => with(200, &[], Body::from_stream(futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 100]))))),
    })
    .await;
    let connections = Connections::new([&ConnectionConfig { max_response_bytes: 2000, ..server.config() }]).unwrap();
    for path in ["/declared", "/streamed"] {
        assert_eq!(get(&connections, path).await.unwrap().body.len(), 2000);
        let ask = |max| Request { max_response_bytes: Some(max), ..Request::get("alpha", path) };
        assert_eq!(connections.send(ask(1999)).await, Err(HttpError::TooLarge(1999)));
        assert_eq!(connections.send(ask(u64::MAX)).await.unwrap().body.len(), 2000);
    }
}

/// `hello`, compressed.
const HELLO: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00";
/// A hundred thousand times `x`, compressed.
const MANY: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x0d\x0f\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x57\x03\x71\x11\x07\xfe\xa0\x86\x01\x00";

#[tokio::test]
async fn compressed_answers_are_unfolded_within_the_limit() {
    let server = Server::start(|seen| match seen.uri.path() {
        _ if seen.header("accept-encoding") != Some("gzip") => status(406),
        "/many" => with(200, &[("content-encoding", "gzip")], MANY),
        "/other" => with(200, &[("content-encoding", "br")], "?"),
        _ => with(200, &[("content-encoding", "gzip")], HELLO),
    })
    .await;
    let connections = Connections::new([&ConnectionConfig { max_response_bytes: 50_000, ..server.config() }]).unwrap();
    let response = get(&connections, "/hello").await.unwrap();
    assert_eq!((text(&response).as_str(), response.header("content-encoding")), ("hello", None));
    assert_eq!(get(&connections, "/many").await, Err(HttpError::TooLarge(50_000)));
    assert!(matches!(get(&connections, "/other").await, Err(HttpError::Other(_))));
}

#[tokio::test]
async fn a_time_out_is_not_repeated() {
    let server = Server::slow(Duration::from_secs(20), |_| status(200)).await;
    let connections = Connections::new([&ConnectionConfig { timeout: Duration::from_millis(300), ..server.config() }]).unwrap();
    for timeout_ms in [None, Some(100), Some(60_000)] {
        let request = Request { timeout_ms, ..Request::get("alpha", "/x") };
        assert_eq!(connections.send(request).await, Err(HttpError::Timeout));
    }
    assert_eq!(server.count("/x"), 3);
}
