//! Calls that may be made and arrive as they were made, and calls that may not.

use super::*;

#[tokio::test]
async fn a_call_arrives_as_it_was_made_and_its_answer_comes_back() {
    let server = Server::start(|_| with(418, &[("X-Tea", "green"), ("set-cookie", "a=b")], "short")).await;
    let request =
        Request { query: vec![Field::new("filter", "name eq \"a+b%20\"")], headers: vec![Field::new("X-Mine", "yes")], ..post("/a%20b") };
    let response = server.connections().send(request).await.unwrap();
    assert_eq!((response.status, text(&response)), (418, "short".to_owned()));
    assert_eq!(response.header("x-tea"), Some("green"));
    assert_eq!(response.header("set-cookie"), None);
    let seen = &server.seen()[0];
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.uri.to_string(), "/a%20b?filter=name%20eq%20%22a%2Bb%2520%22");
    assert_eq!((seen.body.as_str(), seen.header("x-mine"), seen.header("authorization")), ("hello", Some("yes"), None));
}

#[tokio::test]
async fn an_unknown_connection_and_ungranted_calls_send_nothing() {
    let server = Server::start(|_| status(200)).await;
    let connections = server.connections();
    assert_eq!(connections.send(Request::get("beta", "/")).await, Err(HttpError::UnknownConnection));
    for request in [
        Request::get("alpha", "//evil.example/"),
        Request::get("alpha", "/a/../../b"),
        Request { headers: vec![Field::new("Authorization", "mine")], ..Request::get("alpha", "/") },
        Request { headers: vec![Field::new("x", "a\r\nhost: evil.example")], ..Request::get("alpha", "/") },
        Request { method: "CONNECT".to_owned(), ..Request::get("alpha", "/") },
    ] {
        assert!(matches!(connections.send(request).await, Err(HttpError::NotGranted(_))));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_connection_that_can_never_be_called_is_refused_early() {
    let server = Server::start(|_| status(200)).await;
    let open = ConnectionConfig::new("alpha", Url::parse("http://acme.example").unwrap());
    assert!(matches!(Connections::new([&open]), Err(ConnectionError::Address { .. })));
    let mut missing = with_login(&server, Scheme { basic: Some(("nobody".to_owned(), "password".to_owned())), ..scheme() });
    assert!(matches!(Connections::new([&missing]), Err(ConnectionError::Missing { .. })));
    missing.scheme = Some(scheme());
    missing.settings.insert("app".to_owned(), SettingValue::Secret(SecretString::from("a\nb")));
    assert!(matches!(Connections::new([&missing]), Err(ConnectionError::Header { .. })));
}
