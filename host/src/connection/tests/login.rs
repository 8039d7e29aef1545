//! Logging in, staying logged in, and being refused.

use super::*;

#[tokio::test]
async fn a_login_sends_what_the_scheme_says() {
    let server = token_server(|_| status(200)).await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    get(&connections, "/x").await.unwrap();
    get(&connections, "/x").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].body, "grant_type=password&client_id=me+%26+you&password=pa%2Fss+w%C3%B6%22rd1");
    assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[0].header("x-app"), None);
    assert_eq!((seen[1].header("authorization"), seen[2].header("authorization")), (Some("Bearer token-0"), Some("Bearer token-0")));
}

#[tokio::test]
async fn a_login_may_be_json_with_basic_at_another_address() {
    let server = token_server(|_| status(200)).await;
    let scheme = Scheme {
        token: Source::Setting("token-url".to_owned()),
        encoding: Encoding::Json,
        basic: Some(("client-id".to_owned(), "password".to_owned())),
        ..scheme()
    };
    let mut config = with_login(&server, scheme);
    config.settings.insert("token-url".to_owned(), SettingValue::Plain(server.url.join("/token").unwrap().into()));
    config.settings.insert("app".to_owned(), SettingValue::Plain("app-1".to_owned()));
    get(&Connections::new([&config]).unwrap(), "/x").await.unwrap();
    let seen = &server.seen()[0];
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body, serde_json::json!({"grant_type": "password", "client_id": "me & you", "password": PASSWORD}));
    assert_eq!(seen.header("x-app"), Some("app-1"));
    assert_eq!(seen.header("authorization").unwrap(), format!("Basic {}", crate::secret::basic("me & you", PASSWORD)));
}

#[tokio::test]
async fn many_calls_share_one_login() {
    let server = token_server(|_| status(200)).await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 20, ..with_login(&server, scheme()) }]).unwrap();
    let calls = (0..20).map(|_| get(&connections, "/x"));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!((server.count("/token"), server.count("/x")), (1, 20));
}

#[tokio::test]
async fn many_calls_share_one_refused_login() {
    let server = Server::slow(Duration::from_millis(200), |_| json(400, r#"{"error":"invalid_grant"}"#)).await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 20, ..with_login(&server, scheme()) }]).unwrap();
    let calls = (0..20).map(|_| get(&connections, "/x"));
    let results = futures::future::join_all(calls).await;
    assert!(results.iter().all(|result| matches!(result, Err(HttpError::CredentialsRefused(_)))));
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = token_server(|seen| match seen.header("authorization") {
        Some("Bearer token-1") => status(200),
        _ => status(401),
    })
    .await;
    let connections = Connections::new([&ConnectionConfig { in_flight: 10, ..with_login(&server, scheme()) }]).unwrap();
    let calls = (0..10).map(|_| connections.send(post("/x")));
    assert!(futures::future::join_all(calls).await.into_iter().all(|result| result.unwrap().status == 200));
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_token_refused_twice_is_handed_over() {
    let server = token_server(|_| status(401)).await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    assert_eq!(get(&connections, "/x").await.unwrap().status, 401);
    assert_eq!((server.count("/token"), server.count("/x")), (2, 2));
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let server = Server::start(|seen| match seen.uri.path() {
        "/token" => json(200, r#"{"access_token":"brief","expires_in":"1"}"#),
        _ => status(200),
    })
    .await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    get(&connections, "/x").await.unwrap();
    get(&connections, "/x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(950)).await;
    get(&connections, "/x").await.unwrap();
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_refused_login_says_what_the_other_side_said() {
    type Case = (fn() -> Outgoing, Refusal);
    let refusal = |status, code: Option<&str>, text: &str, not_json, id: Option<&str>| Refusal {
        status,
        code: code.map(str::to_owned),
        text: text.to_owned(),
        not_json,
        request_id: id.map(str::to_owned),
    };
    let cases: [Case; 6] = [
        (
            || json(400, r#"{"error":"invalid_grant","error_description":"The provided access grant is invalid"}"#),
            refusal(400, Some("invalid_grant"), "The provided access grant is invalid", false, Some("r-1")),
        ),
        (
            || json(401, r#"{"errorCode":"GATE-7","message":"no  such\n client"}"#),
            refusal(401, Some("GATE-7"), "no such client", false, Some("r-1")),
        ),
        (|| json(200, r#"{"hello":"there"}"#), refusal(200, None, "the answer holds no access token", false, Some("r-1"))),
        (
            || with(200, &[("content-type", "text/html")], "<!doctype html><title>Sign in</title>"),
            refusal(200, None, "the answer is a page, such as a sign-in page, and no JSON", true, None),
        ),
        (
            || with(302, &[("location", "https://sso.example/login?state=1")], ""),
            refusal(302, None, "the login redirects to sso.example instead of answering", true, None),
        ),
        (|| with(403, &[], "account  locked"), refusal(403, None, "account locked", true, None)),
    ];
    for (answer, refusal) in cases {
        let server = Server::script(vec![answer]).await;
        let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
        assert_eq!(get(&connections, "/x").await, Err(HttpError::CredentialsRefused(refusal)));
        assert_eq!((server.count("/token"), server.count("/x")), (1, 0));
    }
}

#[tokio::test]
async fn a_refusal_never_shows_a_credential_not_even_half_of_one() {
    let server = Server::start(|seen| {
        let text = format!("{}{PASSWORD} {} {}", "x".repeat(295), seen.body, PASSWORD.replace('"', "\\\""));
        with(400, &[], serde_json::json!({"error": "invalid_grant", "error_description": text}).to_string())
    })
    .await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    let Err(HttpError::CredentialsRefused(refusal)) = get(&connections, "/x").await else { panic!("not refused") };
    assert_eq!(refusal.text, format!("{}[secr…", "x".repeat(295)));
}

#[tokio::test]
async fn a_busy_login_is_waited_for() {
    let server = Server::script(vec![
        || with(503, &[("retry-after", "0")], ""),
        || with(400, &[("retry-after", "0")], r#"{"errorCode":"BUSY-1","message":"later"}"#),
        || json(200, r#"{"access_token":"abcdef"}"#),
    ])
    .await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    assert_eq!(get(&connections, "/x").await.unwrap().status, 200);
    assert_eq!(server.count("/token"), 3);
    for answer in [
        || with(503, &[("retry-after", "0")], ""),
        || with(429, &[("retry-after", "0")], ""),
        || with(503, &[("retry-after", "0")], r#"{"errorCode":"BUSY-1"}"#),
    ] {
        let server = Server::script(vec![answer]).await;
        let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
        assert_eq!(get(&connections, "/x").await, Err(HttpError::Throttled(Throttle { retry_after_seconds: Some(0), request_id: None })));
        assert_eq!(server.count("/token"), 4);
    }
}

#[tokio::test]
async fn a_broken_login_server_is_unreachable() {
    let server = Server::start(|_| json(500, r#"{"message":"oops"}"#)).await;
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap();
    let Err(HttpError::Unreachable(text)) = get(&connections, "/x").await else { panic!("reached") };
    assert!(text.contains("500") && text.contains("oops"), "{text}");
}
