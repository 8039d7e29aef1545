//! One worker, now.

use serde_json::json;
use shift_access_tests::fault::Fault;
use shift_access_tests::world::{hours, minutes};

use crate::{demo, empty, record};

#[tokio::test]
async fn a_refresh_asks_kronos_now_and_stores_what_it_says() {
    let stage = empty().await.unwrap();
    let ana = stage.world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    ana.clocked_out(minutes(1));
    let stored = stage.run(&["worker", "acme", "adiaz", "--json"]).await.unwrap().json().unwrap();
    assert_eq!(stored["status"], "on-shift");
    let fresh = stage.run(&["worker", "acme", "ADIAZ", "--refresh", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&fresh["status"], &fresh["source"]["kind"]), (&json!("off-shift"), &json!("look-up")), "{fresh}");
    let answer = fresh["evidence"][0]["what"].as_str().unwrap();
    assert!(answer.starts_with("adiaz may not open this now") && answer.ends_with("(clocked-out)."), "{answer}");
    let decision = stage.run(&["decide", "acme", "adiaz", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&decision["decision"], &decision["reason"]), (&json!("deny"), &json!("clocked-out")));
    let history = stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!(history[0]["process"], "[Workspace ONE] Worker Status - Listener [Kronos]");
}

#[tokio::test]
async fn a_worker_without_a_record_is_looked_up_if_a_group_holds_the_user() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
    stage.world.person("other").in_group("Elsewhere").clocked_in(hours(3));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let found = stage.run(&["worker", "acme", "adiaz", "--refresh", "--json"]).await.unwrap();
    assert_eq!(found.json().unwrap()["status"], "on-shift", "{}", found.err);
    let stranger = stage.run(&["worker", "acme", "other", "--refresh", "--json"]).await.unwrap();
    assert_eq!(stranger.code, Some(1), "{}", stranger.out);
    let history = stage.run(&["history", "acme", "--job", "look-up", "--json"]).await.unwrap().json_lines().unwrap();
    assert_eq!((&history[0]["status"], &history[0]["failure"]), (&json!("COMPLETE_WARN"), &json!(null)), "nothing failed");
    let warning = &history[0]["warnings"][0];
    assert_eq!((&warning["code"], &warning["subject"]), (&json!("HWKR-WS62"), &json!("other")));
    assert_eq!(history[1]["status"], "COMPLETE");
    assert_eq!(stage.records().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_look_up_that_fails_harms_nothing_and_has_a_code_of_the_listener() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    let ended = stage.run(&["worker", "acme", "adiaz", "--refresh"]).await.unwrap();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("HWKR-WS10"), "{}", ended.err);
    let stored = stage.run(&["worker", "acme", "adiaz", "--json"]).await.unwrap().json().unwrap();
    assert_eq!(stored["source"]["kind"], "batch");
}

#[tokio::test]
async fn nobody_who_was_disabled_or_taken_out_is_renewed() {
    let stage = empty().await.unwrap();
    let world = &stage.world;
    let workers =
        ["disabled", "deleted", "purged", "left", "stays"].map(|name| world.person(name).in_group("Store 12 Hourly").clocked_in(hours(1)));
    // Somebody else of the name, in a group that is nobody's business here.
    let outp = world.person("outp").in_group("Store 12 Hourly").clocked_in(hours(1));
    world.group("Elsewhere").contains_user("outp", "partners.example");
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["on_shift"], 6);
    let before = stage.records().await.unwrap();
    let [disabled, deleted, purged, left, _] = workers;
    disabled.disabled();
    deleted.soft_deleted();
    purged.purged();
    left.left_group("Store 12 Hourly");
    let fresh = stage.run(&["worker", "acme", "outp", "--refresh", "--json"]).await.unwrap();
    assert_eq!(fresh.json().unwrap()["source"]["kind"], "look-up", "{}", fresh.err);
    outp.disabled();
    for user in ["disabled", "deleted", "purged", "left", "outp"] {
        let refused = stage.run(&["worker", "acme", user, "--refresh", "--json"]).await.unwrap();
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{user}: {}", refused.err);
        assert!(refused.err.contains("HWKR-WS62"), "{user}: {}", refused.err);
    }
    let after = stage.records().await.unwrap();
    assert_eq!(after.len(), 6, "a look-up removes nothing");
    for user in ["disabled", "deleted", "purged", "left"] {
        assert_eq!(record(&after, user)["observed_at"], record(&before, user)["observed_at"], "{user}");
    }
    let fresh = stage.run(&["worker", "acme", "stays", "--refresh", "--json"]).await.unwrap();
    assert_eq!(fresh.json().unwrap()["source"]["kind"], "look-up", "{}", fresh.err);
}

#[tokio::test]
async fn a_member_of_a_group_inside_a_group_is_renewed() {
    let stage = empty().await.unwrap();
    stage.world.group("Store 12 Hourly").contains_group("Team");
    stage.world.person("adiaz").in_group("Team").clocked_in(hours(1));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    let fresh = stage.run(&["worker", "acme", "adiaz", "--refresh", "--json"]).await.unwrap();
    assert_eq!(fresh.json().unwrap()["source"]["kind"], "look-up", "{}", fresh.err);
}

#[tokio::test]
async fn a_look_up_sees_the_exempt_stranger_of_the_same_name() {
    let stage = empty().await.unwrap();
    stage.world.person("outp").in_group("Store 12 Hourly").clocked_in(hours(1));
    stage.world.group("Managers").contains_user("outp", "partners.example");
    stage.configure("user-groups = \"Store 12 Hourly\"\nexempt-groups = \"Managers\"").unwrap();
    let refresh = async || stage.run(&["worker", "acme", "outp", "--refresh", "--json"]).await.unwrap().json().unwrap();
    assert_eq!(refresh().await["reason"], "ambiguous-user", "before a batch");
    stage.batch().await.unwrap();
    assert_eq!(refresh().await["reason"], "ambiguous-user", "and after it");
}
