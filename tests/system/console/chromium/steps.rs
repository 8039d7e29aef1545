//! The steps that the administrator knows by heart (the original's instructions, 4 to 14), each seen and pressed in a real browser:
//! from the link of the first start to a scheduled batch that has run, and one that fails, with its row, its remedy and its mail.
//!
//! A picture of each step is left in the folder `screenshots` beside what the build made.

use std::time::{Duration, Instant};

use shift_access_tests::fault::{Fault, Gate};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{Login, TIMECARD_PATH};

use super::super::PASSWORD;
use super::super::setting_up::{GROUPS, without_tenants};
use super::Chromium;
use crate::demo;

const TEST: &str = "[Kronos] Worker Status Test Connection";
const BATCH: &str = "[Kronos] Worker Status - Batch [Workspace ONE]";
/// The parts of the page SCHEDULE/RUN.
const TEST_ROW: &str = "//*[@id='test-connection']";
const BATCH_ROW: &str = "//*[@id='batch']";
/// A schedule of the shortest interval begins its next run within a minute; a slow machine takes a while for it.
const TICK: Duration = Duration::from_secs(120);

#[tokio::test]
async fn from_the_first_sign_in_to_a_scheduled_batch_and_one_that_fails() {
    let stage = demo().await.unwrap();
    without_tenants(&stage).await;
    let serving = Serving::start(&stage).await.unwrap();
    let Some(browser) = Chromium::at(serving.url()).await else { return };
    first_sign_in(&browser, &serving).await;
    install(&browser).await;
    connect(&browser, &stage).await;
    set_properties(&browser).await;
    test_the_connection(&browser, &stage).await;
    run_the_batch(&browser, &stage).await;
    schedule(&browser).await;
    see_a_scheduled_run(&browser).await;
    see_one_fail(&browser, &stage).await;
}

async fn first_sign_in(browser: &Chromium, serving: &Serving) {
    let line = serving.says("/console/welcome/", 0).await.unwrap();
    browser.open(line.split_whitespace().last().unwrap()).await;
    browser.shows("You are the first administrator of this host.").await;
    keep(browser, "01-welcome").await;
    browser.fill_in("Name", "ana").await;
    browser.fill_in("Password", PASSWORD).await;
    browser.fill_in("The same once more", PASSWORD).await;
    browser.press("Choose it and sign in").await;
    browser.shows("There is no tenant yet.").await;
    keep(browser, "02-signed-in").await;
}

/// Steps 4 and 5: the environment, and the pack from the list.
async fn install(browser: &Chromium) {
    browser.press("Install").await;
    let shown = browser.shows("Install a new integration").await;
    assert!(shown.contains("PROD") && shown.contains("Kronos - Worker Status"), "{shown}");
    browser.tick("TEST").await;
    browser.tick("Kronos - Worker Status").await;
    browser.fill_in("Name of the tenant", "acme").await;
    keep(browser, "03-install").await;
    browser.press("INSTALL").await;
    browser.shows("is installed as a draft. Fill in its connections.").await;
}

/// Steps 6 to 8: the tabs of the connections.
async fn connect(browser: &Chromium, stage: &Stage) {
    let (ukg, access) = (stage.ukg.credentials(), stage.access.credentials());
    browser.fill_in("Host URL", &format!("{}/portal", stage.ukg.url())).await;
    browser.fill_in("Client id", ukg.client_id).await;
    browser.fill_in("Client secret", ukg.client_secret).await;
    browser.fill_in("User name", ukg.user_name).await;
    browser.fill_in("Password", ukg.password).await;
    browser.fill_in("App key", ukg.app_key).await;
    keep(browser, "04-kronos").await;
    browser.press("Continue").await;
    browser.shows(&format!("what was typed was cleaned to {}", stage.ukg.url())).await;
    browser.fill_in("Host URL", &stage.access.url()).await;
    browser.fill_in("Remote app client id", &access.client_id).await;
    browser.fill_in("Remote app shared secret", &access.client_secret).await;
    keep(browser, "05-workspace-one").await;
    browser.press("Continue").await;
    browser.shows("One mail server serves every tenant.").await;
    keep(browser, "06-email-smtp").await;
    browser.press("Continue").await;
}

/// Steps 9 to 11: the tabs of the properties. What the original is silent about is told.
async fn set_properties(browser: &Chromium) {
    browser.fill_in("Alert e-mail", "ops@acme.example").await;
    browser.press("Continue").await;
    browser.shows("Something is missing").await;
    keep(browser, "07-properties-without-groups").await;
    browser.fill_in("User groups", GROUPS).await;
    browser.press("Continue").await;
    browser.shows("Test the connection before you schedule when it runs.").await;
}

/// Step 12: each link ticks off while the test goes on, and the history has it afterwards.
async fn test_the_connection(browser: &Chromium, stage: &Stage) {
    let gate = Gate::default();
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).held(&gate));
    browser.press_in(TEST_ROW, "RUN NOW").await;
    let live = browser.shows("✓ fine Kronos rights: people").await;
    for link in ["INPROCESS", "✓ fine Workspace ONE Access token", "✓ fine Group \"Store 12 Hourly\"", "✓ fine Kronos token"] {
        assert!(live.contains(link), "{link}: {live}");
    }
    assert!(!live.contains("Kronos rights: time cards") && !live.contains("Storage"), "what is not tried yet is not told: {live}");
    keep(browser, "08-test-connection-live").await;
    gate.open();
    let done = browser.shows("✓ passed Storage").await;
    assert!(done.contains("COMPLETE") && done.contains("✓ passed Mail server") && !done.contains("INPROCESS"), "{done}");
    keep(browser, "09-test-connection").await;
    stage.ukg.faults().clear();

    browser.press("View Execution History").await;
    browser.shows(TEST).await;
    keep(browser, "10-execution-history").await;
    browser.press(TEST).await;
    let detail = browser.shows("Steps").await;
    assert!(detail.contains("COMPLETE") && detail.contains("Kronos token"), "{detail}");
    keep(browser, "11-test-connection-in-the-history").await;
    browser.press("SCHEDULE/RUN").await;
}

/// Step 13: the batch, with its progress, and what schedule suits it.
async fn run_the_batch(browser: &Chromium, stage: &Stage) {
    let gate = Gate::default();
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).held(&gate));
    browser.press_in(BATCH_ROW, "RUN NOW").await;
    browser.shows("members found").await;
    assert_eq!(browser.script("return document.querySelectorAll('#batch progress').length;").await, 1);
    keep(browser, "12-batch-live").await;
    gate.open();
    let done = browser.shows("so every 5 minutes suits it.").await;
    assert!(done.contains("COMPLETE") && done.contains("Schedule every 5 minutes"), "{done}");
    keep(browser, "13-batch").await;
    stage.ukg.faults().clear();
}

/// Step 14: days and times, with the next five runs before anything is saved.
async fn schedule(browser: &Chromium) {
    browser.press_in(BATCH_ROW, "Add a schedule").await;
    browser.fill_in("Minutes", "1").await;
    browser.fill_in("Time zone", "America/New_York").await;
    browser.press("Show the next five runs").await;
    browser.shows("every minute, every day, America/New_York").await;
    assert_eq!(browser.script("return document.querySelectorAll('main ol > li > time').length;").await, 5);
    keep(browser, "14-add-a-schedule").await;
    browser.press("Save").await;
    browser.shows("The schedule is saved: every minute, every day, America/New_York.").await;
    keep(browser, "15-scheduled").await;
}

async fn see_a_scheduled_run(browser: &Chromium) {
    let rows = newest(browser, "by the schedule").await;
    assert!(rows.contains(BATCH) && rows.contains("COMPLETE") && !rows.contains("ERROR"), "{rows}");
    keep(browser, "16-a-scheduled-run").await;
    browser.open("/console/tenants/acme/workers/kmensah").await;
    browser.shows("How it comes about").await;
    keep(browser, "17-a-worker").await;
}

/// The account's password expires: the next run fails, its row names the code, behind it is what to do, and a mail says the same.
async fn see_one_fail(browser: &Chromium, stage: &Stage) {
    stage.ukg.set(|switches| switches.login = Login::PasswordExpired);
    stage.ukg.revoke_tokens();
    newest(browser, "HWBS-WS11").await;
    keep(browser, "18-a-failure-in-the-history").await;
    browser.press("HWBS-WS11").await;
    let told = browser.shows("What to do").await;
    for words in ["ERROR", "Kronos refused the user name or the password", "In UKG, look whether the account is locked"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    keep(browser, "19-its-remedy").await;
    let mails = stage.inbox.wait_for_within(1, TICK).await.unwrap();
    let mail = mails.first().unwrap();
    assert_eq!(mail.to, ["ops@acme.example"]);
    for words in ["HWBS-WS11", "In UKG, look whether the account is locked"] {
        assert!(mail.text().replace('\n', " ").contains(words), "{words}: {}", mail.raw);
    }
    std::fs::write(super::pictures().join("20-the-mail.txt"), format!("{}\n\n{}", mail.subject(), mail.text())).unwrap();
    browser.press("Alerts").await;
    browser.shows("sent").await;
    keep(browser, "21-alerts").await;
    browser.open("/console").await;
    let overview = browser.shows("One tenant needs attention.").await;
    assert!(overview.contains("failing") && overview.contains("HWBS-WS11"), "{overview}");
    keep(browser, "22-overview").await;
}

/// Keeps a picture of the step, with which nothing is wrong for anybody.
async fn keep(browser: &Chromium, name: &str) {
    browser.picture(name).await;
    let violations = browser.violations().await;
    assert!(violations.is_empty(), "{name}: {}", violations.join("\n"));
}

/// Looks at the history again and again until its table has this and nothing is under way; gives the table.
async fn newest(browser: &Chromium, wanted: &str) -> String {
    let start = Instant::now();
    loop {
        browser.open("/console/tenants/acme/history").await;
        let rows = browser.script("return document.querySelector('table').innerText;").await;
        let rows = rows.as_str().unwrap_or_default();
        if rows.contains(wanted) && !rows.contains("INPROCESS") {
            return rows.to_owned();
        }
        assert!(start.elapsed() < TICK, "the history never has {wanted:?}:\n{rows}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
