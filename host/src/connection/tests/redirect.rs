//! Answers that lead elsewhere.

use super::*;

#[tokio::test]
async fn redirects_are_followed_on_the_host_and_refused_elsewhere() {
    let server = Server::start(|seen| match seen.uri.path() {
        "/near" => with(302, &[("location", "/there?x=1")], ""),
        "/far" => with(302, &[("location", "https://login.evil.example:8443/path?secret")], ""),
        "/port" => with(307, &[("location", "http://127.0.0.1:1/")], ""),
        "/user" => with(302, &[("location", &format!("http://me@{}/", seen.header("host").unwrap()))], ""),
        "/circle" => with(302, &[("location", "/circle")], ""),
        _ => with(200, &[], "here"),
    })
    .await;
    let connections = server.connections();
    assert_eq!(text(&get(&connections, "/near").await.unwrap()), "here");
    assert_eq!(connections.send(post("/near")).await.unwrap().status, 302);
    for request in [Request::get("alpha", "/far"), post("/far")] {
        let Err(HttpError::NotGranted(text)) = connections.send(request).await else { panic!("followed") };
        assert!(text.contains("login.evil.example:8443") && !text.contains("secret"), "{text}");
    }
    assert!(matches!(get(&connections, "/port").await, Err(HttpError::NotGranted(_))));
    assert!(matches!(get(&connections, "/user").await, Err(HttpError::NotGranted(_))));
    assert!(matches!(get(&connections, "/circle").await, Err(HttpError::Other(_))));
    assert_eq!(server.count("/circle"), 4);
}
