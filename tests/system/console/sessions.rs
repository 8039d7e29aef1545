//! How sessions end, and who is slowed down.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use shift_access::store::{Scan, Space, SqliteStore, Store, Write};

use super::{PASSWORD, Site};
use crate::demo;

/// Makes every session older: what it says of these fields is so much earlier.
async fn age(site: &Site, fields: &[&str], by: TimeDelta) {
    let store = SqliteStore::open(site.stage.store()).unwrap();
    let page = store.scan(&Space::host(""), &Scan::new("session/", 100)).await.unwrap();
    assert!(!page.entries.is_empty());
    let older = page.entries.iter().map(|entry| {
        let mut session: Value = serde_json::from_slice(&entry.value).unwrap();
        for field in fields {
            let at: DateTime<Utc> = session[field].as_str().unwrap().parse().unwrap();
            session[field] = Value::String((at - by).to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        }
        Write::put(&entry.key, serde_json::to_vec(&session).unwrap())
    });
    store.commit(&Space::host(""), older.collect()).await.unwrap();
}

#[tokio::test]
async fn a_session_ends_when_nobody_asks_for_half_an_hour_and_after_twelve_hours_anyhow() {
    let site = Site::with_people().await;
    let open = async |browser: &mut shift_access_tests::browser::Browser| browser.open("/console").await.unwrap().status == 200;
    let mut browser = site.signed_in("viewer").await;
    age(&site, &["used"], TimeDelta::minutes(29)).await;
    assert!(open(&mut browser).await, "and so it goes on from now");
    age(&site, &["used"], TimeDelta::minutes(29)).await;
    assert!(open(&mut browser).await);
    age(&site, &["used"], TimeDelta::minutes(31)).await;
    assert!(!open(&mut browser).await);

    let mut browser = site.signed_in("viewer").await;
    age(&site, &["began"], TimeDelta::minutes(12 * 60 - 1)).await;
    assert!(open(&mut browser).await);
    age(&site, &["began"], TimeDelta::minutes(2)).await;
    assert!(!open(&mut browser).await);
}

#[tokio::test]
async fn the_configuration_says_how_long_sessions_last_also_when_it_is_read_again() {
    let stage = demo().await.unwrap();
    stage.configure_more("[console]\nidle-minutes = 5\n").unwrap();
    let site = Site::of(stage).await;
    let mut browser = site.signed_in("viewer").await;
    age(&site, &["used"], TimeDelta::minutes(4)).await;
    assert_eq!(browser.open("/console").await.unwrap().status, 200);
    let text = std::fs::read_to_string(site.stage.config()).unwrap();
    std::fs::write(site.stage.config(), text.replace("idle-minutes = 5", "session-hours = 1")).unwrap();
    let passed = site.serving.said().len();
    site.serving.signal("HUP").await.unwrap();
    site.serving.says("the configuration was read again", passed).await.unwrap();
    age(&site, &["used"], TimeDelta::minutes(20)).await;
    assert_eq!(browser.open("/console").await.unwrap().status, 200);
    age(&site, &["began"], TimeDelta::minutes(61)).await;
    assert_eq!(browser.open("/console").await.unwrap().status, 303);
}

#[tokio::test]
async fn what_is_posted_after_the_end_is_not_done_and_the_page_says_so() {
    let site = Site::with_people().await;
    let mut browser = site.signed_in("administrator").await;
    let token = browser.open("/console/people").await.unwrap().token().unwrap().to_owned();
    age(&site, &["used"], TimeDelta::minutes(31)).await;
    let seen = browser.post("/console/people", &[("form-token", &token), ("name", "eve"), ("role", "viewer")]).await.unwrap();
    assert!(seen.status == 401 && seen.text.contains("Your session has ended"), "{seen:?}");
    let listed = site.stage.run(&["user", "list", "--json"]).await.unwrap();
    assert!(!listed.out.contains("eve"), "{}", listed.out);
}

/// Whether somebody has to wait who tries to sign in again and again, each time as somebody else and as from somewhere else.
async fn is_slowed_down(site: &Site) -> bool {
    for number in 0..20 {
        let mut browser = site.browser();
        let token = browser.open("/console/sign-in").await.unwrap().token().unwrap().to_owned();
        let request =
            browser.request(reqwest::Method::POST, "/console/sign-in").header("x-forwarded-for", format!("198.51.100.9, 192.0.2.{number}"));
        let fields = [("form-token", token.as_str()), ("name", &format!("somebody{number}")), ("password", "wrong wrong wrong")];
        match browser.send(shift_access_tests::browser::form(request, &fields)).await.unwrap().status {
            403 => {}
            429 => return true,
            other => panic!("a wrong password was answered {other}"),
        }
    }
    false
}

#[tokio::test]
async fn where_a_proxy_says_who_asks_each_address_is_slowed_down_by_itself_and_else_nobody_can_say_so() {
    assert!(is_slowed_down(&Site::with_people().await).await, "all of them are one address");
    let stage = demo().await.unwrap();
    stage.configure_more("[console]\nbehind-proxy = true\n").unwrap();
    assert!(!is_slowed_down(&Site::of(stage).await).await);
}

#[tokio::test]
async fn no_secret_of_a_session_a_password_or_a_link_is_in_the_store_or_in_the_log() {
    let site = Site::with_people().await;
    let mut browser = site.signed_in("administrator").await;
    let link = browser.fill_in("/console/people/viewer", "/console/people/viewer/link", &[]).await.unwrap();
    let link = link.text.split("/console/welcome/").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let secrets = [PASSWORD, &browser.cookies()["shift-access"].clone(), &link];
    let store = SqliteStore::open(site.stage.store()).unwrap();
    let page = store.scan(&Space::host(""), &Scan::new("", 1_000)).await.unwrap();
    assert!(page.cursor.is_none() && page.entries.iter().any(|entry| entry.key.starts_with("sign-in/link/")));
    let kept: Vec<_> = page.entries.iter().map(|entry| format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value))).collect();
    let (kept, said) = (kept.join("\n"), site.serving.said().join("\n"));
    for secret in secrets {
        assert!(secret.len() > 10 && !kept.contains(secret) && !said.contains(secret), "{secret}: {kept}\n{said}");
    }
}
