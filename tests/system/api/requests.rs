//! Requests that are wrong.

use reqwest::Method;

use super::{Api, BATCH, EVALUATION, WORKERS, send};
use crate::empty;

#[tokio::test]
async fn a_request_that_is_wrong_is_told_what_and_where() {
    let api = Api::of(empty().await.unwrap()).await;
    for (body, said) in [
        ("{ \"subject\": ", "line 1 column"),
        ("", "EOF"),
        ("[]", "invalid"),
        ("{\"subject\": {\"type\": \"user\"}}", "subject: missing field `id`"),
        ("{\"subject\": {\"type\": \"user\", \"id\": 7}}", "subject.id: invalid type"),
        ("{}", "missing field `subject`"),
        ("{\"context\": 1}", "context: invalid type"),
    ] {
        let request = api.request(Method::POST, EVALUATION).bearer_auth(&api.read).header("content-type", "application/json");
        let detail = send(request.body(body)).await.detail(400);
        assert!(detail.contains(said), "{body}: {detail}");
    }
    for (path, token) in [(EVALUATION, &api.read), (BATCH, &api.operate)] {
        let request = || api.request(Method::POST, path).bearer_auth(token);
        send(request().header("content-type", "text/plain").body("{}")).await.problem(415);
        let large = format!("\"{}\"", "x".repeat(1 << 20));
        send(request().header("content-type", "application/json").body(large)).await.problem(413);
    }
    let wrong = send(api.request(Method::DELETE, WORKERS).bearer_auth(&api.read)).await;
    assert!(wrong.header("allow").contains("GET"), "{wrong:?}");
    wrong.problem(405);
    send(api.request(Method::GET, EVALUATION)).await.problem(405);
    for path in ["/nowhere", "/api/v1/tenants/acme", "/api/v2/tenants/acme/workers", "/tenants/acme/access/v1/search"] {
        api.get(path).await.problem(404);
    }
}
