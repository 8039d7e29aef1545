//! Every page, asked for by everybody: who comes in, and what every answer carries.

use shift_access::console::{Access, Role, table};
use shift_access_tests::browser::Seen;

use super::{PASSWORD, Site};

/// What a stranger, a viewer, an operator and an administrator get who post nothing but the token of a form.
const EXPECTED: &[(&str, &str, [u16; 4])] = &[
    ("GET", "/console/static/{name}", [404; 4]),
    ("GET", "/console/sign-in", [200; 4]),
    ("POST", "/console/sign-in", [400; 4]),
    ("GET", "/console/sign-in/provider", [404; 4]),
    ("GET", "/console/sign-in/return", [404; 4]),
    ("GET", "/console/welcome/{link}", [410; 4]),
    ("POST", "/console/welcome/{link}", [400; 4]),
    ("POST", "/console/sign-out", [401, 303, 303, 303]),
    ("GET", "/console", [303, 200, 200, 200]),
    ("GET", "/console/live/overview", [303, 200, 200, 200]),
    ("GET", "/console/account", [303, 200, 200, 200]),
    ("POST", "/console/account/password", [401, 400, 400, 400]),
    ("POST", "/console/account/sessions", [401, 303, 303, 303]),
    ("GET", "/console/people", [303, 403, 403, 200]),
    ("POST", "/console/people", [401, 403, 403, 400]),
    ("GET", "/console/people/{name}", [303, 403, 403, 404]),
    ("POST", "/console/people/{name}/role", [401, 403, 403, 400]),
    ("POST", "/console/people/{name}/link", [401, 403, 403, 404]),
    ("POST", "/console/people/{name}/sessions", [401, 403, 403, 404]),
    ("POST", "/console/people/{name}/remove", [401, 403, 403, 303]),
    ("GET", "/console/install", [303, 403, 403, 409]),
    ("POST", "/console/install", [401, 403, 403, 400]),
    ("GET", "/console/tenants/{tenant}", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/settings", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/settings", [401, 403, 403, 404]),
    ("GET", "/console/tenants/{tenant}/connections/{connection}", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/connections/{connection}", [401, 403, 403, 404]),
    ("GET", "/console/tenants/{tenant}/mail-server", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/properties", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/properties", [401, 403, 403, 404]),
    ("GET", "/console/tenants/{tenant}/run", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/jobs/{job}/run", [401, 403, 404, 404]),
    ("GET", "/console/live/tenants/{tenant}/jobs/{job}", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/schedule", [303, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/schedule", [401, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/schedule/remove", [401, 403, 403, 404]),
    ("GET", "/console/tenants/{tenant}/versions", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/versions/{number}/restore", [401, 403, 403, 400]),
    ("GET", "/console/tenants/{tenant}/copy", [303, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/copy", [401, 403, 403, 404]),
    ("GET", "/console/tenants/{tenant}/export", [303, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/pause", [401, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/resume", [401, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/remove", [401, 403, 403, 404]),
    ("POST", "/console/tenants/{tenant}/restore", [401, 403, 403, 404]),
    ("GET", "/console/audit", [303, 403, 403, 200]),
    ("GET", "/console/tenants/{tenant}/history", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/history/{run}", [303, 404, 404, 404]),
    ("GET", "/console/live/tenants/{tenant}/runs/{run}", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/history/{run}/stop", [401, 403, 404, 404]),
    ("GET", "/console/tenants/{tenant}/workers", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/workers/{user}", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/workers/{user}/ask", [401, 403, 404, 404]),
    ("GET", "/console/tenants/{tenant}/dead-letters", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/dead-letters/{letter}", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/dead-letters/{letter}/replay", [401, 403, 404, 404]),
    ("POST", "/console/tenants/{tenant}/dead-letters/{letter}/discard", [401, 403, 404, 404]),
    ("GET", "/console/tenants/{tenant}/day", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/alerts", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/what-if", [303, 404, 404, 404]),
    ("GET", "/console/tenants/{tenant}/identities", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/identities/read", [401, 403, 404, 404]),
    ("GET", "/console/live/tenants/{tenant}/identities", [303, 404, 404, 404]),
    ("POST", "/console/tenants/{tenant}/identities/pin", [401, 403, 403, 400]),
    ("GET", "/console/", [303, 404, 404, 404]),
    ("GET", "/console/{*rest}", [303, 404, 404, 404]),
];

/// Whose browser it is.
const VISITORS: [Option<&str>; 4] = [None, Some("viewer"), Some("operator"), Some("administrator")];

#[tokio::test]
async fn everybody_comes_where_they_may_and_nowhere_else() {
    let known: Vec<_> = table().into_iter().map(|route| (route.method, route.path)).collect();
    let expected: Vec<_> = EXPECTED.iter().map(|(method, path, _)| (*method, *path)).collect();
    for route in &known {
        assert!(expected.contains(route), "{route:?} is not in the table of this test");
    }
    assert_eq!(known.len(), expected.len(), "the table of this test has what is no more");

    let site = Site::with_people().await;
    for (method, path, statuses) in EXPECTED {
        let address = path.replace("{*rest}", "nowhere/at/all").replace('{', "no-").replace('}', "");
        for (visitor, status) in VISITORS.iter().zip(statuses) {
            let mut browser = site.browser();
            if let Some(name) = visitor {
                browser.sign_in(name, PASSWORD).await.unwrap();
            }
            let seen = match *method {
                "POST" => {
                    let page = if visitor.is_some() { "/console/account" } else { "/console/sign-in" };
                    browser.fill_in(page, &address, &[]).await.unwrap()
                }
                _ if path.contains("/live/") => {
                    // Without end: what it begins with is all there is to see.
                    let response = browser.request(reqwest::Method::GET, &address).send().await.unwrap();
                    Seen { status: response.status().as_u16(), headers: response.headers().clone(), text: String::new() }
                }
                _ => browser.open(&address).await.unwrap(),
            };
            assert_eq!(seen.status, *status, "{method} {path} by {visitor:?}: {}", seen.text);
            assert_strict(&seen, &format!("{method} {path} by {visitor:?}"));
            if let (303, None) = (seen.status, visitor) {
                assert!(seen.location().starts_with("/console/sign-in"), "{method} {path}: {}", seen.location());
            }
        }
    }
}

#[test]
fn the_table_of_this_test_says_the_same_of_roles_as_the_console() {
    for route in table() {
        let (_, _, statuses) = EXPECTED.iter().find(|(method, path, _)| (*method, *path) == (route.method, route.path)).unwrap();
        let turned_away = statuses.map(|status| status == 401 || status == 403 || (status == 303 && route.method == "GET"));
        let expected = match route.access {
            Access::Public => [false; 4],
            Access::Least(Role::Viewer) => [true, false, false, false],
            Access::Least(Role::Operator) => [true, true, false, false],
            Access::Least(Role::Administrator) => [true, true, true, false],
        };
        assert_eq!(turned_away, expected, "{} {}", route.method, route.path);
    }
}

/// The headers that every answer has, and what no page holds.
pub(super) fn assert_strict(seen: &Seen, what: &str) {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(seen.header(name), value, "{what}: {name}");
    }
    assert!(seen.header("cache-control").contains("no-") || seen.header("cache-control").contains("immutable"), "{what}");
    for inline in [" style=", "<style", " onclick", " onload", "javascript:", "<script>", "src=\"http", "href=\"http", "action=\"http"] {
        assert!(!seen.text.contains(inline), "{what}: {inline} in {}", seen.text);
    }
    if seen.status != 303 && !seen.text.is_empty() {
        assert_eq!(seen.header("content-type"), "text/html; charset=utf-8", "{what}");
        for part in ["<!DOCTYPE html>", "<html lang=\"en\">", "<h1>", "<main id=\"content\"", "</html>"] {
            assert!(seen.text.contains(part), "{what}: {part} in {}", seen.text);
        }
        assert!(seen.text.len() < 200_000, "{what}: {} bytes", seen.text.len());
    }
}

#[tokio::test]
async fn what_a_browser_would_not_send_is_answered_with_a_page_too() {
    let site = Site::with_people().await;
    let mut browser = site.signed_in("administrator").await;
    for (method, path, status) in [
        ("GET", "/console/people/%ff", 400),
        ("GET", "/console?after=%ff%fe&after=x", 400),
        ("GET", "/console/people?from=made-up", 400),
        ("GET", "/console/audit?from=%00", 400),
        ("PUT", "/console", 405),
        ("DELETE", "/console/people/viewer", 405),
        ("POST", "/console", 405),
    ] {
        let seen = browser.send(browser.request(method.parse().unwrap(), path)).await.unwrap();
        assert_eq!(seen.status, status, "{method} {path}: {}", seen.text);
        assert_strict(&seen, path);
    }
    let long = "x".repeat(2 << 20);
    let token = browser.open("/console/account").await.unwrap().token().unwrap().to_owned();
    let seen = browser.post("/console/people", &[("form-token", &token), ("name", &long), ("role", "viewer")]).await.unwrap();
    assert_eq!(seen.status, 413);
    assert_strict(&seen, "a long form");
}

#[tokio::test]
async fn files_are_kept_by_browsers_for_as_long_as_they_are_the_same() {
    let site = Site::with_people().await;
    let mut browser = site.browser();
    let page = browser.open("/console/sign-in").await.unwrap().text;
    let addresses: Vec<_> = page.split('"').filter(|text| text.starts_with("/console/static/")).map(str::to_owned).collect();
    assert_eq!(addresses.len(), 3, "{page}");
    for address in addresses {
        let seen = browser.open(&address).await.unwrap();
        assert!(seen.status == 200 && seen.header("cache-control").contains("immutable") && !seen.text.is_empty(), "{address}");
        assert!(!seen.headers.contains_key("set-cookie"), "{address}");
    }
}

#[tokio::test]
async fn a_console_that_is_turned_off_answers_nothing() {
    let stage = crate::demo().await.unwrap();
    stage.configure_more("[console]\nenabled = false\n").unwrap();
    let site = Site::of(stage).await;
    assert!(!site.serving.said().join("\n").contains("welcome"));
    for path in ["/console", "/console/sign-in", "/"] {
        assert_eq!(site.browser().open(path).await.unwrap().status, 404, "{path}");
    }
    assert_eq!(site.browser().open("/healthz").await.unwrap().status, 200);
}
