//! Who may ask: tokens, their scopes, and their end.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;
use shift_access::store::SqliteStore;
use shift_access::token::{Scope, Tokens};

use super::{Api, BATCH, EVALUATION, RUNS, WORKERS, add_tenant, send, token};
use crate::empty;

#[tokio::test]
async fn who_shows_no_good_token_is_told_so_and_learns_nothing() {
    let api = Api::of(empty().await.unwrap()).await;
    let runs = api.request(Method::GET, RUNS);
    let none = send(runs).await;
    assert_eq!(none.header("www-authenticate"), "Bearer");
    none.problem(401);
    let path = |token: &str| api.request(Method::GET, WORKERS).bearer_auth(token);
    let forged = format!("{}x", &api.read[..api.read.len() - 1]);
    for wrong in ["sat_", "let-me-in", &forged, &api.read[4..]] {
        let answer = send(path(wrong)).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{wrong}");
        answer.problem(401);
    }
    send(api.request(Method::GET, WORKERS).basic_auth("sat", Some(&api.read))).await.problem(401);
    // A body is not read before it is known who sends it.
    send(api.request(Method::POST, EVALUATION).body("{")).await.problem(401);
    assert_eq!(send(path(&api.read)).await.status, 200);
    assert_eq!(send(api.request(Method::GET, WORKERS).header("authorization", format!("bearer {}", api.read))).await.status, 200);
}

#[tokio::test]
async fn a_token_ends_when_it_expires_and_a_second_after_it_is_revoked_at_the_latest() {
    let api = Api::of(empty().await.unwrap()).await;
    let tokens = Tokens::new(std::sync::Arc::new(SqliteStore::open(api.stage.store()).unwrap()));
    let now = Utc::now();
    let mut status = Vec::new();
    for days in [1, -1] {
        let (_, text) = tokens.create("acme", Scope::Read, Some(now + TimeDelta::days(days)), now).await.unwrap();
        let token = secrecy::ExposeSecret::expose_secret(&text);
        status.push(send(api.request(Method::GET, WORKERS).bearer_auth(token)).await.status);
    }
    assert_eq!(status, [200, 401]);
    let id = &api.read[4..20];
    assert_eq!(api.get(WORKERS).await.status, 200);
    assert_eq!(api.stage.run(&["token", "revoke", "acme", id]).await.unwrap().code, Some(0));
    // Who used it in the last second may use it for the rest of that second.
    let revoked = async { while api.get(WORKERS).await.status != 401 {} };
    tokio::time::timeout(Duration::from_secs(10), revoked).await.expect("a revoked token goes on working");
    let again = api.stage.run(&["token", "revoke", "acme", id]).await.unwrap();
    assert_eq!((again.code, again.err.contains("there is no token")), (Some(1), true), "{}", again.err);
}

#[tokio::test]
async fn a_token_is_good_for_its_tenant_and_its_scope_only() {
    let stage = empty().await.unwrap();
    add_tenant(&stage, "other");
    let api = Api::of(stage).await;
    let other = token(&api.stage, "other", "operate").await;
    let ask = |path: &str, token: &str| send(api.request(Method::GET, path).bearer_auth(token));
    let theirs = "/api/v1/tenants/other/workers";
    assert_eq!(ask(theirs, &other).await.status, 200);
    let refused = ask(theirs, &api.operate).await.problem(403);
    // Whether there is such a tenant is not told.
    assert_eq!(ask("/api/v1/tenants/nobody/workers", &api.operate).await.problem(403), refused);
    ask(WORKERS, &other).await.problem(403);
    send(api.request(Method::POST, EVALUATION).bearer_auth(&other).body("{}")).await.problem(403);
    let scope = send(api.request(Method::POST, BATCH).bearer_auth(&api.read)).await;
    assert_eq!(scope.header("www-authenticate"), "Bearer error=\"insufficient_scope\", scope=\"operate\"");
    scope.problem(403);
    assert_eq!(api.get(RUNS).await.good()["items"], json!([]));
    // Tokens of a tenant that is no more in the configuration.
    let tokens = Tokens::new(std::sync::Arc::new(SqliteStore::open(api.stage.store()).unwrap()));
    let (_, gone) = tokens.create("gone", Scope::Read, None, Utc::now()).await.unwrap();
    ask("/api/v1/tenants/gone/workers", secrecy::ExposeSecret::expose_secret(&gone)).await.problem(404);
}

#[tokio::test]
async fn tokens_are_shown_once_and_listed_without_their_secret() {
    let stage = empty().await.unwrap();
    let made = stage.run(&["token", "create", "acme", "--scope", "read", "--expires", "30", "--json"]).await.unwrap().json().unwrap();
    let keys: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["created", "expires", "id", "scope", "tenant", "token"]);
    let text = made["token"].as_str().unwrap();
    assert!(text.starts_with(&format!("sat_{}_", made["id"].as_str().unwrap())), "{text}");
    let listed = stage.run(&["token", "list", "acme", "--json"]).await.unwrap();
    assert!(!listed.out.contains(&text[21..]));
    let listed = listed.json_lines().unwrap();
    assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["expires"]), (1, &made["id"], &made["expires"]));
    let table = stage.run(&["token", "list", "acme"]).await.unwrap().out;
    assert!(table.contains(made["id"].as_str().unwrap()) && table.contains("read"), "{table}");
    for wrong in [
        &["token", "create", "nobody", "--scope", "read"][..],
        &["token", "create", "acme"],
        &["token", "create", "acme", "--scope", "write"],
        &["token", "create", "acme", "--scope", "read", "--expires", "0"],
        &["token", "list", "nobody"],
        &["token", "revoke", "nobody", "0011223344556677"],
    ] {
        assert_eq!(stage.run(wrong).await.unwrap().code, Some(64), "{wrong:?}");
    }
}
