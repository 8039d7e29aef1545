//! What somebody typed comes back as it was typed, in the field it was typed into, and as nothing but text.

use shift_access_tests::browser::{Browser, Seen};
use url::form_urlencoded::byte_serialize;

use super::Site;
use super::setting_up::{acme, empty, fill, leads, send};

const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}&amp;'";

/// A text as it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a page has in the first field of this name, as it stands there.
fn held<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let at = page.find(&format!(" name=\"{name}\""))?;
    let (tag, rest) = page[page[..at].rfind('<')?..].split_once('>')?;
    match tag.split(' ').next()? {
        "<textarea" => rest.split("</textarea>").next(),
        "<select" => {
            let options = rest.split("</select>").next()?.split("<option").filter_map(|option| option.split('>').next());
            options.filter(|option| option.ends_with(" selected")).find_map(|option| value(option))
        }
        _ => value(tag),
    }
}

fn value(tag: &str) -> Option<&str> {
    tag.split_once(" value=\"")?.1.split('"').next()
}

/// A page that holds what was typed into these fields, and runs nothing of it.
fn assert_held(page: &str, fields: &[&str], text: &str) {
    assert_text(page);
    for name in fields {
        assert_eq!(held(page, name), Some(&*escaped(text)), "{name}: {page}");
    }
}

fn assert_text(page: &str) {
    assert!(!page.contains("<script>alert") && page.len() < 400_000, "{} bytes: {page}", page.len());
}

/// The names of all fields of a page that begin so, of secrets apart.
fn names(page: &str, begin: &str) -> (Vec<String>, Vec<String>) {
    let pattern = format!(" name=\"{begin}");
    let found = page.match_indices(&pattern).map(|(at, _)| {
        let tag = page[page[..at].rfind('<').unwrap()..].split('>').next().unwrap();
        let name = page[at + pattern.len() - begin.len()..].split('"').next().unwrap();
        (name.to_owned(), tag.contains("type=\"password\""))
    });
    let found = found.filter(|(name, _)| !name.ends_with("#forget"));
    let (secret, plain): (Vec<_>, Vec<_>) = found.partition(|(_, is_secret)| *is_secret);
    let only = |found: Vec<(String, bool)>| found.into_iter().map(|(name, _)| name).collect();
    (only(plain), only(secret))
}

async fn open(browser: &mut Browser, path: &str) -> Seen {
    let seen = browser.open(path).await.unwrap();
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen
}

#[tokio::test]
async fn what_is_typed_into_any_sheet_of_a_tenant_comes_back_as_text() {
    let site = empty().await;
    let mut browser = site.signed_in("administrator").await;
    let long = format!("{HOSTILE}{}", "x".repeat(10_000));
    let refused = fill(&mut browser, "/console/install", &[("environment", HOSTILE), ("pack", HOSTILE), ("name", &long)]).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_held(&refused.text, &["name"], &long);
    leads(
        &fill(&mut browser, "/console/install", &[("environment", "TEST"), ("pack", ""), ("name", "acme")]).await,
        "/console/tenants/acme/connections/kronos",
    );
    for (rest, many) in [("connections/kronos", 5), ("connections/workspace-one", 3), ("properties", 10)] {
        let page = format!("/console/tenants/acme/{rest}");
        let (plain, secret) = names(&open(&mut browser, &page).await.text, "/");
        assert!(plain.len() >= many && secret.is_empty() == (rest == "properties"), "{plain:?} {secret:?}");
        for text in [HOSTILE, &long] {
            let fields: Vec<_> = plain.iter().chain(&secret).map(|name| (name.as_str(), text)).collect();
            let sent = fill(&mut browser, &page, &fields).await;
            let shown = match sent.status {
                422 => sent.text,
                _ => {
                    leads(&sent, sent.location());
                    open(&mut browser, &format!("{page}?checked=yes")).await.text
                }
            };
            assert_held(&shown, &plain.iter().map(String::as_str).collect::<Vec<_>>(), text);
            assert!(secret.iter().all(|name| held(&shown, name) == Some("")), "{shown}");
        }
    }
    for rest in ["", "/settings", "/versions", "/run", "/copy?to=other"] {
        assert_text(&open(&mut browser, &format!("/console/tenants/acme{rest}")).await.text);
    }
    for field in ["environment", "pack"] {
        let seen = fill(&mut browser, "/console/tenants/acme/settings", &[(field, HOSTILE)]).await;
        assert_eq!(seen.status, 400, "{}", seen.text);
        assert_text(&seen.text);
    }
}

#[tokio::test]
async fn what_is_typed_into_a_schedule_comes_back_as_text_and_a_copy_goes_to_no_such_name() {
    let site = empty().await;
    let mut browser = site.signed_in("administrator").await;
    acme(&site, &mut browser).await;
    let form = "/console/tenants/acme/schedule?job=batch";
    for action in ["look", "save"] {
        let plan = [("job", "batch"), ("kind", "times"), ("day", HOSTILE), ("times", HOSTILE), ("minutes", HOSTILE), ("zone", HOSTILE)];
        let seen = send(&mut browser, form, "/console/tenants/acme/schedule", &[&plan[..], &[("do", action)]].concat()).await;
        assert_eq!(seen.status, 422, "{}", seen.text);
        assert_held(&seen.text, &["times", "minutes", "zone"], HOSTILE);
    }
    let (page, target) = ("/console/tenants/acme/copy", byte_serialize(HOSTILE.as_bytes()).collect::<String>());
    let seen = browser.open(&format!("{page}?to={target}")).await.unwrap();
    assert_eq!(seen.status, 400, "{}", seen.text);
    assert_text(&seen.text);
    for path in [&[][..], &[("path", "/properties/user-groups")]] {
        for to in [HOSTILE, "other&secrets=yes", "../../people", "a\r\nset-cookie: x=y", "acme"] {
            let seen = send(&mut browser, form, page, &[&[("to", to)][..], path].concat()).await;
            assert_eq!((seen.status, seen.location()), (400, ""), "{to}: {}", seen.text);
            assert_text(&seen.text);
        }
    }
}

#[tokio::test]
async fn what_is_looked_for_comes_back_as_text() {
    let site = Site::with_people().await;
    let mut browser = site.signed_in("administrator").await;
    let query = |names: &[&str]| -> String {
        let value: String = byte_serialize(HOSTILE.as_bytes()).collect();
        names.iter().map(|name| format!("{name}={value}&")).collect()
    };
    let tenant = "/console/tenants/acme";
    let (plain, _) = names(&open(&mut browser, &format!("{tenant}/what-if")).await.text, "set.");
    let shown =
        open(&mut browser, &format!("{tenant}/what-if?{}", query(&plain.iter().map(String::as_str).collect::<Vec<_>>()))).await.text;
    // What can only be chosen from a list comes from no field of the page.
    let typed: Vec<_> = plain
        .iter()
        .map(String::as_str)
        .filter(|name| !shown.contains(&format!("<select id=\"{}\"", name.replacen('.', "-", 1))))
        .collect();
    assert!(typed.len() > 3 && typed.len() < plain.len(), "{plain:?} {typed:?}");
    assert_held(&shown, &typed, HOSTILE);
    for (path, fields) in [(format!("{tenant}/workers"), &["q"][..]), ("/console/audit".to_owned(), &["who", "tenant"])] {
        assert_held(&open(&mut browser, &format!("{path}?{}", query(fields))).await.text, fields, HOSTILE);
    }
}
