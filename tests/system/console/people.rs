//! Adding, changing and removing people, one's own account, and what is written down of it.

use serde_json::Value;
use shift_access_tests::browser::{Browser, Seen};

use super::{PASSWORD, Site};
use crate::demo;

const PEOPLE: &str = "/console/people";
const OTHER: &str = "another horse battery";

/// The link that a page shows.
fn link(seen: &Seen) -> String {
    let (_, rest) = seen.text.split_once("tabindex=\"0\">").unwrap_or_else(|| panic!("no link: {}", seen.text));
    rest.split_once('<').unwrap().0.to_owned()
}

async fn choose(browser: &mut Browser, link: &str, password: &str) -> Seen {
    browser.fill_in(link, link, &[("password", password), ("again", password)]).await.unwrap()
}

#[tokio::test]
async fn an_administrator_adds_somebody_who_chooses_a_password_by_the_link() {
    let site = Site::with_people().await;
    let mut admin = site.signed_in("administrator").await;
    let seen = admin.fill_in(PEOPLE, PEOPLE, &[("name", "Maria@acme.example"), ("role", "operator")]).await.unwrap();
    assert_eq!(seen.status, 200);
    let link = link(&seen);
    assert!(link.starts_with(site.serving.url()), "{link}");
    let listed = admin.open(PEOPLE).await.unwrap().text;
    assert!(listed.contains("Maria@acme.example") && listed.contains("no password chosen yet"), "{listed}");

    let mut maria = site.browser();
    let seen = choose(&mut maria, &link, OTHER).await;
    assert_eq!(seen.status, 303, "{}", seen.text);
    assert!(maria.open("/console").await.unwrap().text.contains("operator"));
    assert_eq!(site.browser().open(&link).await.unwrap().status, 410, "it works once");
    site.browser().sign_in("maria@ACME.example", OTHER).await.unwrap();

    let seen = admin.fill_in(PEOPLE, PEOPLE, &[("name", "maria@acme.example"), ("role", "viewer")]).await.unwrap();
    assert!(seen.status == 422 && seen.text.contains("There is already somebody of the name maria@acme.example."), "{}", seen.text);
}

#[tokio::test]
async fn hostile_names_are_refused_and_come_back_as_text() {
    let site = Site::with_people().await;
    let mut admin = site.signed_in("administrator").await;
    for name in ["\"><script>alert(1)</script>", "' onfocus='x", "a\u{202e}b", "../../x", "{{7*7}}", &"x".repeat(10_000)] {
        let seen = admin.fill_in(PEOPLE, PEOPLE, &[("name", name), ("role", name)]).await.unwrap();
        assert!(seen.status == 422 && seen.text.contains("A name has 1 to 100 letters"), "{name}: {}", seen.text);
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        assert!(seen.text.contains(&format!("value=\"{escaped}\"")) && !seen.text.contains("<script>"), "{name}: {}", seen.text);
        let path: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let seen = admin.open(&format!("{PEOPLE}/{}", path.replace('+', "%20"))).await.unwrap();
        assert!(seen.status == 404 && !seen.text.contains("<script>"), "{name}: {}", seen.text);
        let seen = admin.open(&format!("/console/audit?who={path}&tenant={path}")).await.unwrap();
        assert!(seen.status == 200 && !seen.text.contains("<script>") && seen.text.contains("There is nothing of this"), "{name}");
    }
}

#[tokio::test]
async fn another_role_and_a_removal_hold_at_once() {
    let site = Site::with_people().await;
    let (mut admin, mut viewer) = (site.signed_in("administrator").await, site.signed_in("viewer").await);
    assert_eq!(viewer.open(PEOPLE).await.unwrap().status, 403);
    let page = format!("{PEOPLE}/viewer");
    let seen = admin.fill_in(&page, &format!("{page}/role"), &[("role", "administrator")]).await.unwrap();
    assert_eq!((seen.status, seen.location()), (303, page.as_str()));
    assert!(admin.open(&page).await.unwrap().text.contains("viewer is administrator now"));
    assert_eq!(viewer.open("/console").await.unwrap().status, 303, "the session has ended");
    viewer.sign_in("viewer", PASSWORD).await.unwrap();
    assert_eq!(viewer.open(PEOPLE).await.unwrap().status, 200);

    let seen = admin.fill_in(&page, &format!("{page}/remove"), &[]).await.unwrap();
    assert_eq!(seen.location(), page, "nobody said to be sure");
    assert!(admin.open(&page).await.unwrap().text.contains("Nobody was removed"));
    admin.fill_in(&page, &format!("{page}/remove"), &[("sure", "yes")]).await.unwrap();
    assert_eq!(viewer.open("/console").await.unwrap().status, 303);
    assert_eq!(admin.open(&page).await.unwrap().status, 404);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let site = Site::with_people().await;
    let mut admin = site.signed_in("administrator").await;
    let page = format!("{PEOPLE}/administrator");
    for (what, fields) in [("role", ("role", "viewer")), ("remove", ("sure", "yes"))] {
        let seen = admin.fill_in(&page, &format!("{page}/{what}"), &[fields]).await.unwrap();
        assert!(seen.status == 409 && seen.text.contains("is the last administrator"), "{what}: {}", seen.text);
    }
    assert_eq!(admin.open(PEOPLE).await.unwrap().status, 200);
}

#[tokio::test]
async fn everybody_changes_the_own_password_and_ends_the_own_sessions() {
    let site = Site::with_people().await;
    let (mut here, mut elsewhere) = (site.signed_in("viewer").await, site.signed_in("viewer").await);
    let (page, to) = ("/console/account", "/console/account/password");
    for (current, password, again, told) in [
        ("wrong wrong wrong", OTHER, OTHER, "The current password is not right."),
        (PASSWORD, OTHER, PASSWORD, "The two passwords differ."),
        (PASSWORD, "short", "short", "at least 12 characters"),
    ] {
        let seen = here.fill_in(page, to, &[("current", current), ("password", password), ("again", again)]).await.unwrap();
        assert!(seen.status == 422 && seen.text.contains(told) && !seen.text.contains(OTHER), "{told}: {}", seen.text);
    }
    let seen = here.fill_in(page, to, &[("current", PASSWORD), ("password", OTHER), ("again", OTHER)]).await.unwrap();
    assert_eq!(seen.status, 303, "{}", seen.text);
    assert!(here.open(page).await.unwrap().text.contains("Your password is changed."));
    assert_eq!(elsewhere.open("/console").await.unwrap().status, 303, "the other session has ended");
    assert!(site.browser().sign_in("viewer", PASSWORD).await.is_err());
    elsewhere.sign_in("viewer", OTHER).await.unwrap();

    let seen = elsewhere.fill_in(page, "/console/account/sessions", &[]).await.unwrap();
    assert_eq!(seen.location(), "/console/sign-in?out=1");
    assert_eq!(here.open("/console").await.unwrap().status, 303);
}

#[tokio::test]
async fn what_is_done_is_in_the_audit_list_by_whom_and_page_by_page() {
    let site = Site::with_people().await;
    let mut admin = site.signed_in("administrator").await;
    admin.fill_in(PEOPLE, PEOPLE, &[("name", "maria"), ("role", "viewer")]).await.unwrap();
    let listed = admin.open("/console/audit").await.unwrap().text;
    for what in ["added maria as viewer", "signed in", "(command line)", "added operator as operator"] {
        assert!(listed.contains(what), "{what}: {listed}");
    }
    let newest = listed.find("added maria").unwrap();
    assert!(newest < listed.find("added operator").unwrap(), "newest first");
    let of_one = admin.open("/console/audit?who=Administrator").await.unwrap().text;
    assert!(of_one.contains("added maria") && !of_one.contains("added operator as operator"), "{of_one}");
    for _ in 0..55 {
        admin.fill_in("/console/people/maria", "/console/people/maria/sessions", &[]).await.unwrap();
        admin.fill_in("/console/people/maria", "/console/people/maria/link", &[]).await.unwrap();
    }
    let first = admin.open("/console/audit?who=administrator").await.unwrap().text;
    assert_eq!(first.matches("<tr>").count(), 101, "a page has a hundred, and its head");
    let (_, rest) = first.split_once("<p><a href=\"/console/audit?who=administrator&amp;from=").unwrap();
    let older = admin.open(&format!("/console/audit?who=administrator&from={}", rest.split_once('"').unwrap().0)).await.unwrap().text;
    assert!(older.contains("added maria as viewer") && !older.contains(">Older<"), "{older}");
}

#[tokio::test]
async fn the_command_line_keeps_people_too() {
    let stage = demo().await.unwrap();
    let told = async |args: &[&str], stdin: &str| stage.run_told(&[&["user"], args].concat(), stdin).await.unwrap();
    let added = told(&["add", "ana", "--role", "administrator", "--password-stdin"], "a password of some words\r\n").await;
    assert_eq!((added.code, added.out.as_str()), (Some(0), ""), "{}", added.err);
    for (args, stdin, code, said) in [
        (&["add", "ANA", "--role", "viewer", "--password-stdin"][..], "a password of some words\n", 1, "already somebody of the name"),
        (&["add", "bo", "--role", "viewer", "--password-stdin"], "short\n", 64, "at least 12 characters"),
        (&["add", "bo", "--role", "viewer"], "", 64, "--password-stdin or --link"),
        (&["add", "b o", "--role", "viewer", "--link"], "", 64, "a name has 1 to 100"),
        (&["add", "bo", "--role", "king", "--link"], "", 64, "possible values: viewer, operator, administrator"),
        (&["remove", "bo"], "", 1, "there is nobody of the name bo"),
        (&["password", "bo", "--link"], "", 1, "there is nobody of the name bo"),
    ] {
        let ended = told(args, stdin).await;
        assert!(ended.code == Some(code) && ended.err.contains(said), "{args:?}: {:?} {}", ended.code, ended.err);
    }
    stage.configure_more("[console]\naddress = \"https://shift-access.acme.example\"\n").unwrap();
    let link = told(&["add", "bo", "--role", "viewer", "--link"], "").await;
    assert!(link.out.starts_with("https://shift-access.acme.example/console/welcome/"), "{}", link.out);
    let listed = told(&["list", "--json"], "").await.json_lines().unwrap();
    let short: Vec<_> = listed.iter().map(|user| (user["name"].as_str(), user["role"].as_str(), user["signs_in"].as_str())).collect();
    let (ana, bo) = ((Some("ana"), Some("administrator"), Some("password")), (Some("bo"), Some("viewer"), Some("link")));
    assert_eq!(short, [ana, bo]);
    assert!(listed.iter().all(|user| user.as_object().is_some_and(|user| user.len() == 4 && user["created"] != Value::Null)), "{listed:?}");
    assert!(told(&["list"], "").await.out.contains("bo "));
    assert_eq!(told(&["remove", "bo"], "").await.code, Some(0));
}
