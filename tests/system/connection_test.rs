//! The connection test: every link a line, the first that fails names the remedy.

use serde_json::{Value, json};
use shift_access_tests::fault::Fault;
use shift_access_tests::inbox::InboxFault;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{Login, TIMECARD_PATH};
use shift_access_tests::world::Zone;

use crate::{demo, empty};

/// Runs the test and gives its object and the lines.
async fn run(stage: &Stage) -> (Option<i32>, Value, Vec<(String, String)>) {
    let ended = stage.run(&["run", "acme", "test-connection", "--json"]).await.unwrap();
    let run = ended.json().unwrap();
    let id = run["run"].as_str().unwrap().to_owned();
    let detail = stage.run(&["history", "acme", &id, "--json"]).await.unwrap().json().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = detail["steps"].as_array().unwrap().iter().map(|step| (text(&step["title"]), text(&step["outcome"]))).collect();
    (ended.code, run, steps)
}

fn outcome<'a>(steps: &'a [(String, String)], part: &str) -> &'a str {
    &steps.iter().find(|(title, _)| title.contains(part)).unwrap_or_else(|| panic!("no line about {part}: {steps:?}")).1
}

#[tokio::test]
async fn every_link_is_a_line_of_its_own() {
    let stage = demo().await.unwrap();
    let (code, run, steps) = run(&stage).await;
    assert_eq!((code, &run["status"], &run["counts"]), (Some(0), &json!("COMPLETE"), &json!(null)), "{run}");
    assert_eq!(run["process"], "[Kronos] Worker Status Test Connection");
    for part in [
        "reached",
        "Kronos token",
        "people",
        "time cards",
        "zones",
        "Sample worker",
        "Access token",
        "Store 12",
        "Store 14",
        "Storage",
        "Mail",
    ] {
        assert_eq!(outcome(&steps, part), "passed", "{part}");
    }
}

#[tokio::test]
async fn the_first_failing_link_gives_the_code() {
    for (login, code) in [
        (Login::Locked, "HWBS-WS11"),
        (Login::PasswordExpired, "HWBS-WS11"),
        (Login::GrantNotAllowed, "HWBS-WS12"),
        (Login::Html, "HWBS-WS11"),
        (Login::Redirect, "HWBS-WS11"),
    ] {
        let stage = demo().await.unwrap();
        stage.ukg.set(|switches| switches.login = login);
        let (exit, run, steps) = run(&stage).await;
        assert_eq!((exit, &run["failure"]["code"]), (Some(1), &json!(code)), "{login:?}: {run}");
        assert_eq!(outcome(&steps, "Kronos token"), "failed", "{login:?}");
        assert_eq!(outcome(&steps, "Access token"), "passed", "the other system is tried all the same");
        if matches!(login, Login::Html | Login::Redirect) {
            assert!(run["failure"].to_string().contains("-sso"), "{run}");
        }
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_apart() {
    for (kronos, access, code) in [
        ("password = \"wrong-password\"", "", "HWBS-WS11"),
        ("username = \"nobody\"", "", "HWBS-WS11"),
        ("client-secret = \"wrong-secret\"", "", "HWBS-WS12"),
        ("client-id = \"nobody\"", "", "HWBS-WS12"),
        ("", "client-secret = \"wrong-secret\"", "HWBS-WS21"),
        ("", "client-id = \"nobody\"", "HWBS-WS21"),
    ] {
        let stage = demo().await.unwrap();
        stage.configure_with("user-groups = \"Store 12 Hourly\"", kronos, access).unwrap();
        let (exit, run, _) = run(&stage).await;
        assert_eq!((exit, &run["failure"]["code"]), (Some(1), &json!(code)), "{kronos}{access}: {run}");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_app_key_is_told_where_one_is_wanted() {
    for key in ["app-key =", "app-key = \"wrong-app-key\""] {
        let stage = demo().await.unwrap();
        stage.ukg.set(|switches| switches.app_key_required = true);
        stage.configure_with("user-groups = \"Store 12 Hourly\"", key, "").unwrap();
        let (exit, run, _) = run(&stage).await;
        assert_eq!((exit, &run["failure"]["code"]), (Some(1), &json!("HWBS-WS13")), "{key}: {run}");
    }
}

#[tokio::test]
async fn a_function_the_api_user_may_not_call_is_named() {
    let stage = demo().await.unwrap();
    stage.ukg.set(|switches| switches.forbidden.extend([TIMECARD_PATH.to_owned()]));
    let (exit, run, steps) = run(&stage).await;
    assert_eq!((exit, &run["failure"]["code"]), (Some(1), &json!("HWBS-WS14")), "{run}");
    assert_eq!((outcome(&steps, "people"), outcome(&steps, "time cards")), ("passed", "failed"));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    let stage = demo().await.unwrap();
    let free = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    stage.configure_with("user-groups = \"Store 12 Hourly\"", &format!("url = \"http://{free}\""), "").unwrap();
    let (exit, run, steps) = run(&stage).await;
    assert_eq!((exit, &run["failure"]["code"]), (Some(1), &json!("HWBS-WS10")), "{run}");
    assert_eq!((outcome(&steps, "resolved"), outcome(&steps, "Kronos token")), ("failed", "skipped"));
}

#[tokio::test]
async fn groups_and_mail_are_tried_too() {
    let stage = demo().await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly, No Such\"\nalert-email = \"ops@acme.example\"").unwrap();
    stage.inbox.set_fault(Some(InboxFault::Busy));
    let (_, run, steps) = run(&stage).await;
    assert_eq!(run["failure"]["code"], "HWBS-WS22", "{run}");
    assert_eq!((outcome(&steps, "Store 12"), outcome(&steps, "No Such"), outcome(&steps, "Mail")), ("passed", "failed", "failed"));
}

#[tokio::test]
async fn the_sample_counts_as_the_batch_does() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group("Store 12 Hourly");
    stage.world.person("outp").in_group("Store 12 Hourly");
    stage.world.group("Store 12 Hourly").contains_user("outp", "partners.example");
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let sample = async || {
        let run = stage.run(&["run", "acme", "test-connection", "--json"]).await.unwrap().json().unwrap();
        let detail = stage.run(&["history", "acme", run["run"].as_str().unwrap(), "--json"]).await.unwrap().json().unwrap();
        let steps = detail["steps"].as_array().unwrap();
        steps.iter().find(|step| step["title"] == "Sample worker").unwrap()["detail"].as_str().unwrap().to_owned()
    };
    let told = sample().await;
    assert!(told.contains("; 1 of 2 members, all there are, are in Kronos as exactly one person"), "{told}");
    assert_eq!(stage.batch().await.unwrap()["counts"]["matched"], 1);
    for n in 0..30 {
        stage.world.person(&format!("w{n:02}")).in_group("Store 12 Hourly");
    }
    let told = sample().await;
    assert!(told.contains(" members tried, out of 33, are in Kronos"), "{told}");
}

#[tokio::test]
async fn without_an_alert_address_the_mail_server_is_not_tried() {
    let stage = demo().await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let (_, run, steps) = run(&stage).await;
    assert_eq!((&run["status"], outcome(&steps, "Mail")), (&json!("COMPLETE"), "skipped"));
    assert_eq!(stage.inbox.connections(), 0);
}

#[tokio::test]
async fn a_token_spike_is_waited_for() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::on(shift_access_tests::ukg::TOKEN_PATH).token_spike(1).times(2));
    let (exit, run, _) = run(&stage).await;
    assert_eq!(exit, Some(0), "{run}");
}

#[tokio::test]
async fn a_tenant_with_client_management_logs_in_the_other_way() {
    let stage = demo().await.unwrap();
    stage.ukg.set(|switches| switches.classic_login = false);
    let ukg = stage.ukg.credentials();
    let kronos = format!(
        "authentication = \"ukg\"\ntoken-url = \"{}{}\"\nrealm = \"{}\"\naudience = \"{}\"",
        stage.ukg.url(),
        shift_access_tests::ukg::UKG_TOKEN_PATH,
        ukg.realm,
        ukg.audience
    );
    stage.configure_with("user-groups = \"Store 12 Hourly\"", &kronos, "").unwrap();
    let (exit, run, _) = run(&stage).await;
    assert_eq!(exit, Some(0), "{run}");
}

#[tokio::test]
async fn a_zone_of_the_tenant_that_nothing_translates_is_named_before_anybody_punches_there() {
    let stage = demo().await.unwrap();
    stage.ukg.world().zone(Zone::new(77_001, "Depot North", chrono_tz::Tz::America__Anchorage));
    for (properties, told) in [
        ("user-groups = \"Store 12 Hourly\"", "Nothing translates the time zone Depot North (77001)"),
        ("user-groups = \"Store 12 Hourly\"\ndefault-time-zone = \"America/New_York\"", "Only default-time-zone covers"),
    ] {
        stage.configure(properties).unwrap();
        let (code, run, steps) = run(&stage).await;
        assert_eq!((code, &run["status"], outcome(&steps, "zones")), (Some(0), &json!("COMPLETE_WARN"), "warned"), "{run}");
        let warning = &run["warnings"][0];
        assert_eq!((&warning["code"], &warning["subject"]), (&json!("HWBS-WS73"), &json!("Depot North (77001)")));
        assert!(warning["message"].as_str().unwrap().starts_with(told), "{warning}");
    }
    stage.configure("user-groups = \"Store 12 Hourly\"\nzones = { 77001 = \"America/Anchorage\" }").unwrap();
    let (_, run, steps) = run(&stage).await;
    assert_eq!((&run["status"], outcome(&steps, "zones")), (&json!("COMPLETE"), "passed"), "{run}");
}
