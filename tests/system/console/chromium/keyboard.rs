//! Without a mouse: a tenant is installed, connected and saved by the keyboard alone.

use super::super::PASSWORD;
use super::super::setting_up::empty;
use super::{Chromium, ENTER, TAB};

/// So many elements are passed at most on the way to one.
const FARTHEST: usize = 80;

/// Presses the tabulator until the keyboard is where this script says.
async fn tab_to(browser: &Chromium, what: &str, there: &str) {
    for _ in 0..FARTHEST {
        browser.keys([TAB]).await;
        let script = format!("const at = document.activeElement; return Boolean({there});");
        if browser.script(&script).await == true {
            return;
        }
    }
    panic!("the keyboard never comes to {what} on {}", browser.place().await);
}

/// The same for the field with this label.
async fn field(browser: &Chromium, label: &str) {
    let there = format!("at.labels?.[0]?.textContent.replace(/ \\(required\\)$/, '').startsWith({label:?})");
    tab_to(browser, label, &there).await;
}

/// Goes to what says this, and presses it.
async fn press(browser: &Chromium, says: &str) {
    tab_to(browser, says, &format!("at.matches('a, button, summary') && at.textContent.trim() === {says:?}")).await;
    browser.keys([ENTER]).await;
}

async fn write(browser: &Chromium, label: &str, text: &str) {
    field(browser, label).await;
    browser.keys(text.chars()).await;
}

#[tokio::test]
async fn a_tenant_is_installed_connected_and_saved_by_the_keyboard_alone() {
    let site = empty().await;
    let Some(browser) = Chromium::at(site.serving.url()).await else { return };
    let ukg = site.stage.ukg.credentials();
    browser.open("/console/sign-in").await;
    // The first field has the keyboard already.
    browser.keys("administrator".chars()).await;
    write(&browser, "Password", PASSWORD).await;
    browser.keys([ENTER]).await;
    browser.shows("Sign out").await;

    press(&browser, "Skip to the content").await;
    assert_eq!(browser.script("return document.activeElement.id;").await, "content", "the way past the navigation");
    browser.open("/console").await;
    press(&browser, "Install").await;
    browser.shows("Name of the tenant").await;
    field(&browser, "TEST").await;
    browser.keys([' ']).await;
    write(&browser, "Name of the tenant", "acme").await;
    press(&browser, "INSTALL").await;
    browser.shows("Fill in its connections.").await;
    write(&browser, "Host URL", &site.stage.ukg.url()).await;
    write(&browser, "Client id", ukg.client_id).await;
    write(&browser, "Client secret", ukg.client_secret).await;
    write(&browser, "User name", ukg.user_name).await;
    write(&browser, "Password", ukg.password).await;
    press(&browser, "Continue").await;
    let shown = browser.shows("Remote app client id").await;
    assert!(shown.contains("Done: Saved.") && browser.place().await == "/console/tenants/acme/connections/workspace-one", "{shown}");
    let stored = site.stage.run(&["export", "acme"]).await.unwrap();
    assert!(stored.out.contains(&site.stage.ukg.url()) && stored.out.contains(ukg.user_name), "{} {}", stored.out, stored.err);
}
