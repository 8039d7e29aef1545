//! The way in, and out again.

use shift_access_tests::browser::{Browser, TOKEN};
use shift_access_tests::serving::Serving;

use super::{PASSWORD, Site};
use crate::demo;

#[tokio::test]
async fn the_first_administrator_comes_in_by_the_link_of_the_first_start_and_it_works_once() {
    let stage = demo().await.unwrap();
    let serving = Serving::start(&stage).await.unwrap();
    let line = serving.says("/console/welcome/", 0).await.unwrap();
    let link = line.split_whitespace().last().unwrap().to_owned();
    let mut browser = Browser::at(serving.url()).unwrap();
    let seen = browser.open(&link).await.unwrap();
    assert!(seen.status == 200 && seen.text.contains("first administrator"), "{seen:?}");

    let choice = |name, password, again| [("name", name), ("password", password), ("again", again)];
    for (name, password, again, told) in [
        ("<b>x", PASSWORD, PASSWORD, "A name has 1 to 100 letters"),
        ("ana", "short", "short", "at least 12 characters"),
        ("ana", PASSWORD, "correct horse batterz", "two passwords differ"),
    ] {
        let seen = browser.fill_in(&link, &link, &choice(name, password, again)).await.unwrap();
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains(told) && !seen.text.contains("<b>x") && !seen.text.contains(password), "{told}: {}", seen.text);
    }
    let seen = browser.fill_in(&link, &link, &choice("ana", PASSWORD, PASSWORD)).await.unwrap();
    assert_eq!((seen.status, seen.location()), (303, "/console"), "{}", seen.text);
    let seen = browser.open("/console").await.unwrap();
    assert!(
        seen.status == 200 && seen.text.contains("<bdi>ana</bdi>") && seen.text.contains("administrator") && seen.text.contains("Welcome."),
        "{seen:?}"
    );
    assert!(!browser.open("/console").await.unwrap().text.contains("Welcome."), "it is said once");

    let seen = Browser::at(serving.url()).unwrap().open(&link).await.unwrap();
    assert!(seen.status == 410 && seen.text.contains("works once"), "{seen:?}");
    drop(serving);
    let serving = Serving::start(&stage).await.unwrap();
    assert!(!serving.said().join("\n").contains("welcome"), "there is somebody");
    Browser::at(serving.url()).unwrap().sign_in("Ana", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn who_signs_in_comes_back_to_where_they_wanted_and_signs_out_for_good() {
    let site = Site::with_people().await;
    let mut browser = site.browser();
    assert_eq!(browser.open("/").await.unwrap().location(), "/console");
    let seen = browser.open("/console?after=a%26b").await.unwrap();
    assert_eq!((seen.status, seen.location()), (303, "/console/sign-in?next=%2Fconsole%3Fafter%3Da%2526b"));
    let page = browser.open(seen.location()).await.unwrap();
    let next = page.value("next").unwrap().to_owned();
    let seen = browser
        .fill_in("/console/sign-in", "/console/sign-in", &[("name", "viewer"), ("password", PASSWORD), ("next", &next)])
        .await
        .unwrap();
    assert_eq!(seen.location(), "/console?after=a%26b");
    let overview = browser.open("/console").await.unwrap();
    assert!(overview.status == 200 && overview.text.contains("acme") && overview.text.contains("TEST"), "{}", overview.text);

    let before = browser.clone();
    let seen = browser.fill_in("/console", "/console/sign-out", &[]).await.unwrap();
    assert_eq!((seen.status, seen.location()), (303, "/console/sign-in?out=1"));
    assert!(browser.cookies().get("shift-access").is_none());
    assert!(
        before.clone().open("/console").await.unwrap().location().starts_with("/console/sign-in"),
        "the cookie of before opens nothing"
    );
}

#[tokio::test]
async fn a_wrong_password_tells_nothing_and_the_next_tries_wait() {
    let site = Site::with_people().await;
    let mut browser = site.browser();
    let hostile = "\"><script>alert(1)</script>\u{202e}";
    let mut told = Vec::new();
    for name in ["viewer", "nobody", hostile] {
        let seen =
            browser.fill_in("/console/sign-in", "/console/sign-in", &[("name", name), ("password", "wrong wrong wrong")]).await.unwrap();
        assert_eq!(seen.status, 403);
        assert!(seen.text.contains("The name or the password is not right.") && !seen.text.contains("<script>alert"), "{}", seen.text);
        told.push(seen.text.len() - seen.text.matches(name).count() * name.len());
    }
    assert_eq!(told[0], told[1], "whether there is somebody of a name does not show");
    // The tries that cost nothing are used up at some point, for a right password too.
    let mut waits = 0;
    for _ in 0..40 {
        let seen = browser
            .fill_in("/console/sign-in", "/console/sign-in", &[("name", "viewer"), ("password", "wrong wrong wrong")])
            .await
            .unwrap();
        if seen.status != 429 {
            assert_eq!(seen.status, 403);
            continue;
        }
        waits = seen.header("retry-after").parse().unwrap();
        assert!((1..=300).contains(&waits) && seen.text.contains("Too many tries"), "{}", seen.text);
        // Long enough for the next try to come in time on a slow machine as well.
        if waits >= 4 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(waits)).await;
    }
    assert!(waits >= 4, "the wait does not grow");
    let seen = browser.fill_in("/console/sign-in", "/console/sign-in", &[("name", "viewer"), ("password", PASSWORD)]).await.unwrap();
    assert_eq!(seen.status, 429, "whoever knows the password waits as well");
}

#[tokio::test]
async fn a_post_from_elsewhere_does_nothing() {
    let site = Site::with_people().await;
    let mut browser = site.signed_in("viewer").await;
    let token = browser.open("/console").await.unwrap().token().unwrap().to_owned();
    let other = site.signed_in("viewer").await.open("/console").await.unwrap().token().unwrap().to_owned();
    assert_ne!(token, other);
    let url = site.serving.url().to_owned();
    let own = url.as_str();
    for (what, headers, shown) in [
        ("no token", vec![("sec-fetch-site", "same-origin")], None),
        ("an empty token", vec![("sec-fetch-site", "same-origin")], Some("")),
        ("the token of another session", vec![("sec-fetch-site", "same-origin")], Some(other.as_str())),
        ("another site", vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], Some(token.as_str())),
        ("a neighbour", vec![("sec-fetch-site", "same-site")], Some(token.as_str())),
        ("another origin", vec![("origin", "https://evil.example")], Some(token.as_str())),
        ("no origin to name", vec![("origin", "null")], Some(token.as_str())),
        ("another port", vec![("origin", "http://127.0.0.1:1")], Some(token.as_str())),
    ] {
        let mut request = browser.request(reqwest::Method::POST, "/console/sign-out");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let fields: Vec<_> = shown.iter().map(|token| (TOKEN, *token)).collect();
        let seen = browser.send(shift_access_tests::browser::form(request, &fields)).await.unwrap();
        assert_eq!(seen.status, 403, "{what}");
        assert!(seen.text.contains("This did not come from the console"), "{what}: {}", seen.text);
        assert_eq!(browser.open("/console").await.unwrap().status, 200, "{what}: it signed out");
    }
    let request = browser.request(reqwest::Method::POST, "/console/sign-out").header("origin", own);
    let seen = browser.send(shift_access_tests::browser::form(request, &[(TOKEN, &token)])).await.unwrap();
    assert_eq!(seen.status, 303, "{}", seen.text);
}

#[tokio::test]
async fn a_sign_in_from_elsewhere_does_nothing_either() {
    let site = Site::with_people().await;
    let fields = [("name", "viewer"), ("password", PASSWORD)];
    let seen = site.browser().post("/console/sign-in", &fields).await.unwrap();
    assert!(seen.status == 403 && seen.text.contains("no cookie"), "{seen:?}");
    let mut browser = site.browser();
    browser.open("/console/sign-in").await.unwrap();
    let seen = browser.post("/console/sign-in", &fields).await.unwrap();
    assert_eq!(seen.status, 403);
    assert!(browser.open("/console").await.unwrap().location().starts_with("/console/sign-in"));
}

#[tokio::test]
async fn the_cookie_is_for_https_unless_the_host_is_this_very_machine() {
    let site = Site::with_people().await;
    let cookie = async |name: &str, value: &str| {
        let mut browser = site.browser();
        let request = browser.request(reqwest::Method::GET, "/console/sign-in").header(name, value);
        browser.send(request).await.unwrap().header("set-cookie").to_owned()
    };
    let here = cookie("x-nothing", "x").await;
    assert!(
        here.starts_with("shift-access-form=") && here.contains("HttpOnly; SameSite=Lax; Path=/") && !here.contains("Secure"),
        "{here}"
    );
    for (name, value) in [("host", "shift-access.acme.example"), ("x-forwarded-proto", "https"), ("host", "192.0.2.7:8480")] {
        let cookie = cookie(name, value).await;
        assert!(cookie.starts_with("__Host-shift-access-form=") && cookie.contains("; Secure"), "{cookie}");
    }
}

#[tokio::test]
async fn a_session_of_a_person_ends_with_what_is_changed_on_the_command_line() {
    let site = Site::with_people().await;
    for change in
        [&["user", "role", "viewer", "operator"][..], &["user", "password", "viewer", "--password-stdin"], &["user", "remove", "viewer"]]
    {
        let mut browser = site.signed_in("viewer").await;
        assert_eq!(browser.open("/console").await.unwrap().status, 200);
        let changed = site.stage.run_told(change, &format!("{PASSWORD}\n")).await.unwrap();
        assert_eq!(changed.code, Some(0), "{}", changed.err);
        assert!(browser.open("/console").await.unwrap().location().starts_with("/console/sign-in"), "{change:?}");
    }
    let mut browser = site.browser();
    assert!(browser.sign_in("viewer", PASSWORD).await.is_err());
}
