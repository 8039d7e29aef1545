//! Answers that ask to slow down, and servers that stumble.

use super::*;

#[tokio::test]
async fn throttled_calls_are_repeated_whatever_they_are() {
    let server = Server::script(vec![
        || with(429, &[("retry-after", "0")], ""),
        || with(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], ""),
        || with(200, &[], "done"),
    ])
    .await;
    let response = server.connections().send(post("/x")).await.unwrap();
    assert_eq!((text(&response).as_str(), server.count("/x")), ("done", 3));
}

#[tokio::test]
async fn retry_after_is_kept_to() {
    let server = Server::script(vec![|| with(429, &[("retry-after", "1")], ""), || status(204)]).await;
    let started = Instant::now();
    assert_eq!(get(&server.connections(), "/x").await.unwrap().status, 204);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_call_is_tried_four_times() {
    let server = Server::start(|_| with(429, &[("retry-after", "0")], "")).await;
    assert_eq!(
        get(&server.connections(), "/x").await,
        Err(HttpError::Throttled(Throttle { retry_after_seconds: Some(0), request_id: None }))
    );
    assert_eq!(server.count("/x"), 4);
    let server = Server::start(|_| with(503, &[("retry-after", "0")], "busy")).await;
    assert_eq!(get(&server.connections(), "/x").await.unwrap().status, 503);
    assert_eq!(server.count("/x"), 4);
}

#[tokio::test]
async fn a_long_retry_after_ends_the_call_at_once() {
    for code in [429, 503] {
        let server = Server::start(move |_| with(code, &[("retry-after", "3600")], "")).await;
        assert_eq!(
            get(&server.connections(), "/x").await,
            Err(HttpError::Throttled(Throttle { retry_after_seconds: Some(3600), request_id: None }))
        );
        assert_eq!(server.count("/x"), 1);
    }
}

#[tokio::test]
async fn other_answers_are_handed_over_at_once() {
    for code in [400, 401, 403, 404, 413, 503, 504] {
        let server = Server::start(move |_| status(code)).await;
        assert_eq!(get(&server.connections(), "/x").await.unwrap().status, code);
        assert_eq!(server.count("/x"), 1);
    }
}

#[tokio::test]
async fn a_servers_stumble_is_tried_again_where_that_is_safe_and_handed_over_where_it_stays() {
    for code in [500, 502] {
        let server = Server::start(move |_| status(code)).await;
        assert_eq!(get(&server.connections(), "/x").await.unwrap().status, code);
        assert_eq!(server.count("/x"), 4);
        let unsafe_one = server.connections().send(post("/y")).await;
        assert_eq!((unsafe_one.unwrap().status, server.count("/y")), (code, 1));
    }
}
