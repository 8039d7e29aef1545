//! What is told of calls, and what never is.

use super::*;

#[tokio::test]
async fn an_echoed_secret_is_taken_out() {
    let server = token_server(|seen| {
        let bearer = seen.header("authorization").unwrap().to_owned();
        let basic = crate::secret::basic("me & you", PASSWORD);
        let body = format!("{bearer} {} {PASSWORD} pa%2Fss%20w%C3%B6%22rd1 {basic} me & you", serde_json::json!(PASSWORD));
        with(200, &[("x-echo", &bearer)], body)
    })
    .await;
    let scheme = Scheme { basic: Some(("client-id".to_owned(), "password".to_owned())), ..scheme() };
    let connections = Connections::new([&with_login(&server, scheme)]).unwrap();
    let response = get(&connections, "/x").await.unwrap();
    assert_eq!(text(&response), "Bearer [secret] \"[secret]\" [secret] [secret] [secret] me & you");
    assert_eq!(response.header("x-echo"), Some("Bearer [secret]"));
}

#[tokio::test]
async fn a_short_secret_does_not_spoil_data() {
    let server = token_server(|seen| {
        let code = if seen.uri.path() == "/good" { 200 } else { 404 };
        with(code, &[("x-next", "/p?from=2026-11-20")], format!("2026-11-20 {}", seen.header("authorization").unwrap()))
    })
    .await;
    let mut config = with_login(&server, scheme());
    config.settings.insert("app".to_owned(), SettingValue::Secret(SecretString::from("2026")));
    let connections = Connections::new([&config]).unwrap();
    let good = get(&connections, "/good").await.unwrap();
    assert_eq!((text(&good).as_str(), good.header("x-next")), ("2026-11-20 Bearer [secret]", Some("/p?from=2026-11-20")));
    let bad = get(&connections, "/bad").await.unwrap();
    assert_eq!((text(&bad).as_str(), bad.header("x-next")), ("[secret]-11-20 Bearer [secret]", Some("/p?from=[secret]-11-20")));
}

#[tokio::test]
async fn every_call_is_told_logins_too() {
    let server = token_server(|_| with(200, &[("x-request", "r-9")], "")).await;
    let log = Arc::new(Records::default());
    let connections = Connections::new([&with_login(&server, scheme())]).unwrap().logging_to(log.clone());
    let request = Request { query: vec![Field::new("q", "private")], ..Request::get("alpha", "/x") };
    connections.send(request).await.unwrap();
    let records = log.0.lock().unwrap().clone();
    let told: Vec<_> = records.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.status, r.request_id.as_deref(), r.tries)).collect();
    assert_eq!(told, [("POST", "/token", Some(200), None, 1), ("GET", "/x", Some(200), Some("r-9"), 1)]);
    assert!(records.iter().all(|record| record.connection == "alpha" && record.error.is_none()));
}
