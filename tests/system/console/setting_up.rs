//! Setting up a tenant in the browser, as the administrator knows it, and managing it afterwards: install, connect, test, run,
//! schedule, two editors at once, versions, a copy, and a pack that nobody thought of.

use std::fs;

use chrono::{TimeDelta, Utc};
use shift_access_tests::EXTENSION;
use shift_access_tests::browser::{Browser, Seen};
use shift_access_tests::feed::{FEED_KEY, FeedSim};
use shift_access_tests::stage::Stage;

use super::Site;
use crate::demo;

pub(super) const GROUPS: &str = "Store 12 Hourly, Store 14 Hourly";

/// A host whose configuration has a key and no tenant.
pub(super) async fn empty() -> Site {
    let stage = demo().await.unwrap();
    without_tenants(&stage).await;
    Site::of(stage).await
}

/// Writes a configuration with a key and no tenant.
pub(super) async fn without_tenants(stage: &Stage) {
    let ((host, _), key) = (stage.parts().unwrap(), stage.make_key().await.unwrap());
    let host = host.replacen("[host]\n", "[host]\ncomponents = \"components\"\n", 1);
    fs::write(stage.config(), format!("{host}\n{key}")).unwrap();
}

/// Opens a page and sends its form, with the version that it was made from.
pub(super) async fn send(browser: &mut Browser, page: &str, path: &str, fields: &[(&str, &str)]) -> Seen {
    let seen = browser.open(page).await.unwrap();
    let value = |name: &str| seen.value(name).unwrap_or_default().to_owned();
    let (token, base) = (value("form-token"), value("base"));
    assert!(!token.is_empty(), "{page} has no form: {} {}", seen.status, seen.text);
    browser.post(path, &[&[("form-token", &*token), ("base", &*base)], fields].concat()).await.unwrap()
}

/// The same for a page whose form is sent to itself.
pub(super) async fn fill(browser: &mut Browser, page: &str, fields: &[(&str, &str)]) -> Seen {
    send(browser, page, page, fields).await
}

pub(super) fn leads(seen: &Seen, to: &str) {
    assert_eq!((seen.status, seen.location()), (303, to), "{}", seen.text);
}

/// Runs a job, and gives what the page that followed it was sent, to the end.
async fn run(browser: &mut Browser, tenant: &str, job: &str) -> String {
    let page = format!("/console/tenants/{tenant}/run");
    let begun = send(browser, &page, &format!("/console/tenants/{tenant}/jobs/{job}/run"), &[]).await;
    leads(&begun, &format!("{page}#{job}"));
    let told = browser.open(&format!("/console/live/tenants/{tenant}/jobs/{job}")).await.unwrap().text;
    assert!(told.contains("event: end"), "{told}");
    told
}

/// Sets the built-in pack up as `acme`.
pub(super) async fn acme(site: &Site, browser: &mut Browser) {
    let (ukg, access) = (site.stage.ukg.credentials(), site.stage.access.credentials());
    let installed = fill(browser, "/console/install", &[("environment", "TEST"), ("pack", ""), ("name", "acme")]).await;
    leads(&installed, "/console/tenants/acme/connections/kronos");
    let typed = format!("{}/portal?x=1", site.stage.ukg.url());
    let connected = fill(
        browser,
        "/console/tenants/acme/connections/kronos",
        &[
            ("/connections/kronos/url", &typed),
            ("/connections/kronos/client-id", ukg.client_id),
            ("/connections/kronos/client-secret", ukg.client_secret),
            ("/connections/kronos/username", ukg.user_name),
            ("/connections/kronos/password", ukg.password),
            ("/connections/kronos/app-key", ukg.app_key),
        ],
    )
    .await;
    leads(&connected, "/console/tenants/acme/connections/workspace-one");
    let next = browser.open("/console/tenants/acme/connections/workspace-one").await.unwrap().text;
    assert!(next.contains(&format!("cleaned to {}", site.stage.ukg.url())), "{next}");
    let connected = fill(
        browser,
        "/console/tenants/acme/connections/workspace-one",
        &[
            ("/connections/workspace-one/url", &site.stage.access.url()),
            ("/connections/workspace-one/client-id", &access.client_id),
            ("/connections/workspace-one/client-secret", &access.client_secret),
        ],
    )
    .await;
    leads(&connected, "/console/tenants/acme/mail-server");
    let empty = fill(browser, "/console/tenants/acme/properties", &[("/properties/user-groups", " ")]).await;
    leads(&empty, "/console/tenants/acme/properties?checked=yes");
    let told = browser.open(empty.location()).await.unwrap().text;
    assert!(told.contains("Something is missing") && told.contains("aria-invalid=\"true\""), "{told}");
    assert!(told.contains("nobody is told when a scheduled run fails"), "{told}");
    let done = fill(browser, "/console/tenants/acme/properties", &[("/properties/user-groups", GROUPS)]).await;
    leads(&done, "/console/tenants/acme/run");
}

#[tokio::test]
async fn the_built_in_pack_is_installed_tested_run_and_scheduled_and_no_secret_is_shown() {
    let site = empty().await;
    let mut browser = site.signed_in("administrator").await;
    acme(&site, &mut browser).await;
    let tested = run(&mut browser, "acme", "test-connection").await;
    assert!(tested.contains("COMPLETE") && tested.matches("passed").count() > 3 && !tested.contains("failed"), "{tested}");
    let ran = run(&mut browser, "acme", "batch").await;
    assert!(ran.contains("COMPLETE") && ran.contains("so every 5 minutes suits it"), "{ran}");

    let page = "/console/tenants/acme/run";
    let proposed = send(
        &mut browser,
        page,
        "/console/tenants/acme/schedule",
        &[("job", "batch"), ("kind", "every"), ("minutes", "5"), ("zone", "UTC")],
    )
    .await;
    leads(&proposed, page);
    assert!(browser.open(page).await.unwrap().text.contains("every 5 minutes, every day, UTC"));
    let form = "/console/tenants/acme/schedule?job=batch";
    let mut plan =
        vec![("job", "batch"), ("kind", "times"), ("times", "5:45"), ("zone", "America/New_York"), ("day", "mon"), ("do", "look")];
    let ahead = send(&mut browser, form, "/console/tenants/acme/schedule", &plan).await;
    assert!(ahead.status == 200 && ahead.text.matches("<li><time").count() == 5 && ahead.text.contains("at 05:45, Mon"), "{}", ahead.text);
    plan[3].1 = "Mars/Base";
    let wrong = send(&mut browser, form, "/console/tenants/acme/schedule", &plan).await;
    assert!(wrong.status == 422 && wrong.text.contains("Mars/Base"), "{}", wrong.text);
    leads(&send(&mut browser, page, "/console/tenants/acme/schedule/remove", &[("index", "0")]).await, page);
    assert!(!browser.open(page).await.unwrap().text.contains("every 5 minutes, every day, UTC"));

    let (ukg, access) = (site.stage.ukg.credentials(), site.stage.access.credentials());
    for rest in [
        "",
        "/settings",
        "/connections/kronos",
        "/connections/workspace-one",
        "/mail-server",
        "/properties",
        "/run",
        "/versions",
        "/export",
    ] {
        let seen = browser.open(&format!("/console/tenants/acme{rest}")).await.unwrap();
        assert_eq!(seen.status, 200, "{rest}: {}", seen.text);
        for secret in [ukg.client_secret, ukg.password, ukg.app_key, &access.client_secret] {
            assert!(!seen.text.contains(secret), "{rest} shows a secret");
        }
    }
    let audit = browser.open("/console/audit?tenant=acme").await.unwrap().text;
    assert!(audit.contains("connections.kronos.password") && audit.contains("ran [Kronos]"), "{audit}");
    let mut viewer = site.signed_in("viewer").await;
    let seen = viewer.open("/console/tenants/acme/connections/kronos").await.unwrap().text;
    assert!(seen.contains("is set") && !seen.contains("name=\"base\""), "a viewer looks, and changes nothing: {seen}");
}

#[tokio::test]
async fn two_editors_at_once_see_each_other_and_an_old_version_comes_back() {
    let site = empty().await;
    let (mut first, mut second) = (site.signed_in("administrator").await, site.signed_in("administrator").await);
    acme(&site, &mut first).await;
    let page = "/console/tenants/acme/properties";
    let looked = second.open(page).await.unwrap();
    let (token, base) = (looked.value("form-token").unwrap().to_owned(), looked.value("base").unwrap().to_owned());
    leads(
        &fill(&mut first, page, &[("/properties/grace-minutes-after", "7"), ("/properties/alert-email", "ops@acme.example")]).await,
        page,
    );
    let typed = [("form-token", &*token), ("base", &*base), ("/properties/interval-minutes", "45"), ("/properties/user-groups", GROUPS)];
    let late = second.post(page, &typed).await.unwrap();
    assert_eq!(late.status, 409, "{}", late.text);
    for told in ["Somebody else was first", "properties.grace-minutes-after", "properties.interval-minutes", "Save mine on top"] {
        assert!(late.text.contains(told), "{told}: {}", late.text);
    }
    assert!(!late.text.contains("name=\"/properties/user-groups\""), "what was not changed is not sent again");
    let newest = late.value("base").unwrap().to_owned();
    assert_ne!(newest, base);
    leads(&second.post(page, &[typed[0], ("base", &newest), typed[2]]).await.unwrap(), page);
    let export = async |browser: &mut Browser| browser.open("/console/tenants/acme/export").await.unwrap().text;
    let both = export(&mut second).await;
    assert!(both.contains("grace-minutes-after = 7") && both.contains("interval-minutes = 45"), "{both}");

    let wrong = fill(&mut first, page, &[("/properties/interval-minutes", "1")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("aria-invalid=\"true\"") && wrong.text.contains("1440"), "{}", wrong.text);
    let back = send(&mut first, "/console/tenants/acme/versions", &format!("/console/tenants/acme/versions/{base}/restore"), &[]).await;
    leads(&back, "/console/tenants/acme/versions");
    let old = export(&mut first).await;
    assert!(!old.contains("grace-minutes-after") && !old.contains("interval-minutes"), "{old}");
    let listed = first.open("/console/tenants/acme/versions").await.unwrap().text;
    assert!(listed.contains("a secret, new") && listed.contains("by <bdi>administrator</bdi>"), "{listed}");
    assert_eq!(first.open("/console/tenants/acme/versions?from=nowhere").await.unwrap().status, 400);
}

#[tokio::test]
async fn what_is_good_in_test_is_copied_to_prod_and_a_tenant_is_paused_removed_and_brought_back() {
    let site = empty().await;
    let mut browser = site.signed_in("administrator").await;
    acme(&site, &mut browser).await;
    let page = "/console/tenants/acme/copy?to=acme-prod&environment=PROD";
    let seen = browser.open(page).await.unwrap().text;
    assert!(seen.contains("connections.kronos.url") && seen.contains("new, PROD"), "{seen}");
    let paths: Vec<_> = seen.split("name=\"path\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let mut fields = vec![("to", "acme-prod"), ("environment", "PROD"), ("secrets", "yes")];
    fields.extend(paths.iter().map(|path| ("path", path.as_str())));
    let copied = send(&mut browser, page, "/console/tenants/acme/copy", &fields).await;
    leads(&copied, "/console/tenants/acme-prod");
    let prod = browser.open("/console/tenants/acme-prod").await.unwrap().text;
    assert!(prod.contains("PROD") && prod.contains("serving") && prod.contains("Copied"), "{prod}");
    assert!(run(&mut browser, "acme-prod", "test-connection").await.contains("COMPLETE"));
    let same = browser.open("/console/tenants/acme/copy?to=acme-prod").await.unwrap().text;
    assert!(same.contains("They are the same"), "{same}");

    let home = "/console/tenants/acme-prod";
    assert!(browser.open(home).await.unwrap().text.contains("For 7 days it can be restored."));
    for (act, word) in [("pause", "paused"), ("resume", "serving"), ("remove", "removed"), ("restore", "serving")] {
        leads(&send(&mut browser, home, &format!("{home}/{act}"), &[("sure", "yes")]).await, home);
        let seen = browser.open(home).await.unwrap().text;
        assert!(seen.contains(&format!("{word}</span>")), "{act}: {seen}");
        let goes = (Utc::now() + TimeDelta::days(7)).format("%Y-%m-%d").to_string();
        assert_eq!(seen.contains(&format!("Everything stored of it goes on <time datetime=\"{goes}")), act == "remove", "{act}: {seen}");
    }
}

#[tokio::test]
async fn what_is_saved_and_not_in_force_is_told_on_every_page_that_saves() {
    let site = empty().await;
    let mut browser = site.signed_in("administrator").await;
    acme(&site, &mut browser).await;
    let (form, identities) = ("/console/tenants/acme/schedule?job=batch", "/console/tenants/acme/identities");
    let pin = [("user", "jweber"), ("number", "100007")];
    leads(&send(&mut browser, "/console/account", &format!("{identities}/pin"), &pin).await, identities);
    let told = browser.open(identities).await.unwrap().text;
    assert!(told.contains("It counts from the next run on."), "{told}");

    // The same pack under another digest, which runs out of memory when it is tried: the version before goes on.
    let marked = [shift_access::plugin::BUILT_IN, &[0, 6, 4], b"mark", &[1]].concat();
    fs::write(site.stage.folder().join("again.wasm"), marked).unwrap();
    let exported = site.stage.run(&["export", "acme"]).await.unwrap().out;
    let other = exported.replacen("environment = \"TEST\"\n", "environment = \"TEST\"\ncomponent = \"again.wasm\"\n", 1);
    assert_ne!(exported, other);
    let file = site.stage.folder().join("acme.toml");
    fs::write(&file, format!("{other}\n[tenants.acme.limits.jobs]\nmemory-mib = 2\n")).unwrap();
    let applied = site.stage.run(&["apply", file.to_str().unwrap()]).await.unwrap();
    assert_eq!(applied.code, Some(0), "{} {}", applied.out, applied.err);
    let plan = [("job", "batch"), ("kind", "every"), ("minutes", "30"), ("zone", "UTC"), ("do", "save")];
    leads(&send(&mut browser, form, "/console/tenants/acme/schedule", &plan).await, "/console/tenants/acme/run");
    for page in ["/console/tenants/acme/run", identities] {
        let told = browser.open(page).await.unwrap().text;
        assert!(told.contains("Saved, but ") && !told.contains("It counts from") && !told.contains("The schedule is saved"), "{told}");
        let other = [pin[0], ("number", "100008")];
        leads(&send(&mut browser, "/console/account", &format!("{identities}/pin"), &other).await, identities);
    }
}

#[tokio::test]
async fn a_second_pack_is_installed_and_run_by_the_same_pages() {
    let (site, feed) = (empty().await, FeedSim::start().await.unwrap());
    feed.punch("ana", Utc::now() - TimeDelta::hours(1), true);
    let folder = site.stage.folder().join("components");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(EXTENSION, folder.join("feed.wasm")).unwrap();
    let mut browser = site.signed_in("administrator").await;
    let shown = browser.open("/console/install").await.unwrap().text;
    assert!(shown.contains("Punch feed") && shown.contains("Worker Status"), "{shown}");
    let component =
        shown.split("name=\"pack\" value=\"").map(|rest| rest.split('"').next().unwrap()).find(|value| value.ends_with("feed.wasm"));
    let component = component.unwrap().to_owned();
    let installed = fill(&mut browser, "/console/install", &[("environment", "TEST"), ("pack", &component), ("name", "shop")]).await;
    leads(&installed, "/console/tenants/shop/connections/feed");
    let typed = [("/connections/feed/url", &*feed.url()), ("/connections/feed/api-key", FEED_KEY)];
    leads(&fill(&mut browser, "/console/tenants/shop/connections/feed", &typed).await, "/console/tenants/shop/mail-server");
    let properties = browser.open("/console/tenants/shop/properties").await.unwrap().text;
    assert!(properties.contains("How long a reading of the feed is good for.") && properties.contains("max=\"10080\""), "{properties}");
    leads(
        &fill(&mut browser, "/console/tenants/shop/properties", &[("/properties/freshness-minutes", "45")]).await,
        "/console/tenants/shop/run",
    );
    for job in ["test-connection", "batch"] {
        let told = run(&mut browser, "shop", job).await;
        assert!(told.contains("COMPLETE"), "{job}: {told}");
    }
}
