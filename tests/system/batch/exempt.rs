//! Members of exempt groups, and several users of one name.

use serde_json::json;
use shift_access_tests::world::hours;

use super::{EAST, WEST};
use crate::{empty, record};

#[tokio::test]
async fn members_of_exempt_groups_have_access_whatever_they_punch() {
    let stage = empty().await.unwrap();
    stage.world.person("boss").in_group(EAST).in_group("Managers").clocked_in(hours(9)).clocked_out(hours(1));
    stage.world.person("both").in_group(EAST).in_group("Managers").clocked_in(hours(1));
    stage.world.directory_user("outsider").in_group("Managers");
    stage.configure("user-groups = \"Store 12 Hourly\"\nexempt-groups = [\"managers\"]").unwrap();
    stage.batch().await.unwrap();
    for (user, reason) in [("boss", "exempt"), ("both", "clocked-in"), ("outsider", "exempt")] {
        let decision = stage.run(&["decide", "acme", user, "--json"]).await.unwrap().json().unwrap();
        assert_eq!((&decision["decision"], &decision["reason"]), (&json!("allow"), &json!(reason)), "{user}");
    }
}

#[tokio::test]
async fn a_name_that_a_worker_and_an_exempt_stranger_bear_opens_for_nobody() {
    let stage = empty().await.unwrap();
    let worker = stage.world.person("outp").in_group(EAST).in_group("Managers").clocked_in(hours(9)).clocked_out(hours(1));
    stage.world.person("adiaz").in_group(EAST).clocked_in(hours(1));
    stage.world.directory_user("boss").in_group("Managers");
    stage.configure("user-groups = \"Store 12 Hourly\"\nexempt-groups = \"Managers\"").unwrap();
    stage.batch().await.unwrap();
    let decision = async |user: &str| stage.run(&["decide", "acme", user, "--json"]).await.unwrap().json().unwrap();
    assert_eq!(decision("outp").await["reason"], "exempt", "one human being who is both");
    // The worker is no manager any more, and somebody else of the same name becomes one.
    worker.left_group("Managers");
    stage.world.group("Managers").contains_user("outp", "partners.example");
    let run = stage.batch().await.unwrap();
    let warnings: Vec<_> = run["warnings"].as_array().unwrap().iter().map(|w| (w["code"].clone(), w["subject"].clone())).collect();
    assert_eq!(warnings, [(json!("HWBS-WS71"), json!("outp"))], "{run}");
    assert!(run["warnings"][0]["message"].as_str().unwrap().contains("partners.example, stores.example"), "{run}");
    for (user, allowed, reason) in [("outp", "deny", "ambiguous-user"), ("boss", "allow", "exempt"), ("adiaz", "allow", "clocked-in")] {
        let decision = decision(user).await;
        assert_eq!((&decision["decision"], &decision["reason"]), (&json!(allowed), &json!(reason)), "{user}");
    }
    let identities = stage.run(&["identities", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    let told: Vec<_> = identities.iter().map(|one| (one["user"].clone(), one["state"].clone(), one["cause"].clone())).collect();
    let wanted = [(json!("adiaz"), json!("matched"), json!(null)), (json!("outp"), json!("ambiguous"), json!("domain"))];
    assert_eq!(told[..2], wanted);
    // An exempt group that cannot be read keeps the marks there are, and not one on a name of several users.
    stage.configure("user-groups = \"Store 12 Hourly\"\nexempt-groups = \"Managers, No Such\"").unwrap();
    stage.batch().await.unwrap();
    assert_eq!((&decision("outp").await["decision"], &decision("boss").await["decision"]), (&json!("deny"), &json!("allow")));
}

#[tokio::test]
async fn two_exempt_users_of_one_name_are_warned_of_and_not_exempt() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(EAST).clocked_in(hours(1));
    stage.world.directory_user("boss").in_group("Managers");
    stage.world.group("Managers").contains_user("boss", "partners.example");
    stage.configure("user-groups = \"Store 12 Hourly\"\nexempt-groups = \"Managers\"").unwrap();
    let run = stage.batch().await.unwrap();
    let warnings = run["warnings"].as_array().unwrap();
    assert_eq!((warnings.len(), &warnings[0]["code"], &warnings[0]["subject"]), (1, &json!("HWBS-WS71"), &json!("boss")), "{run}");
    let decision = stage.run(&["decide", "acme", "boss", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&decision["decision"], &decision["reason"]), (&json!("deny"), &json!("no-record")));
}

#[tokio::test]
async fn a_worker_hidden_by_a_group_that_fails_is_not_taken_for_the_exempt_namesake() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(EAST).clocked_in(hours(1));
    stage.world.person("outp").in_group(WEST).clocked_in(hours(9)).clocked_out(hours(1));
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    stage.world.group("Managers").contains_user("outp", "partners.example");
    stage.world.group(WEST).not_synced();
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"\nexempt-groups = \"Managers\"").unwrap();
    assert_eq!(stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    let decision = stage.run(&["decide", "acme", "outp", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&decision["decision"], &decision["reason"]), (&json!("deny"), &json!("clocked-out")));
}

#[tokio::test]
async fn a_pin_to_somebody_elses_number_is_warned_of_on_both_and_told_by_the_record() {
    let stage = empty().await.unwrap();
    stage.world.person("gneill").number("100007").in_group(EAST).clocked_in(hours(1));
    stage.world.person("adiaz").number("100001").in_group(EAST);
    stage.world.person("bking").number("100002").in_group(EAST);
    let pins = "\n[tenants.acme.properties.identities]\n\"adiaz\" = \"100007\"\n\"bking\" = \"100002\"";
    stage.configure(&format!("user-groups = \"Store 12 Hourly\"{pins}")).unwrap();
    let run = stage.batch().await.unwrap();
    let warnings: Vec<_> = run["warnings"].as_array().unwrap().iter().map(|w| (w["code"].clone(), w["subject"].clone())).collect();
    assert_eq!(warnings, [(json!("HWBS-WS71"), json!("adiaz")), (json!("HWBS-WS71"), json!("gneill"))], "{run}");
    assert!(run["warnings"][0]["message"].as_str().unwrap().starts_with("Two users come to one person"), "{run}");
    let records = stage.records().await.unwrap();
    for (user, number) in [("adiaz", Some("100007")), ("bking", Some("100002")), ("gneill", None)] {
        let first = record(&records, user)["evidence"][0]["what"].as_str().unwrap();
        let by_hand = number.map(|number| format!("Pinned by hand to person {number} (property identities)."));
        assert_eq!((first.starts_with("Pinned by hand"), by_hand.is_none_or(|text| text == first)), (number.is_some(), true), "{first}");
    }
}
