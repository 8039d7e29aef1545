//! Groups: names, nesting, paging, and those that fail or are not read to their end.

use serde_json::json;
use shift_access_tests::access::{GROUPS_PATH, USERS_PATH};
use shift_access_tests::fault::Fault;
use shift_access_tests::stage::Stage;
use shift_access_tests::world::{World, hours};

use super::{EAST, WEST};
use crate::{PROGRAM, empty};

#[tokio::test]
async fn a_group_that_fails_is_a_warning_while_another_gives_workers() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(EAST).clocked_in(hours(2));
    stage.world.group("Empty");
    stage.world.group_in("Twice", "a.example");
    stage.world.group_in("Twice", "b.example");
    stage.configure("user-groups = [\"No Such\", \"Twice\", \"Empty\", \"Store 12 Hourly\"]").unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!(run["status"], "COMPLETE_WARN", "{run}");
    let warnings: Vec<_> = run["warnings"].as_array().unwrap().iter().map(|w| (w["code"].clone(), w["subject"].clone())).collect();
    let wanted =
        [("HWBS-WS22", "No Such"), ("HWBS-WS23", "Twice"), ("HWBS-WS24", "Empty")].map(|(code, group)| (json!(code), json!(group)));
    assert_eq!(warnings, wanted);
}

#[tokio::test]
async fn when_no_group_gives_workers_the_first_one_names_the_code() {
    let stage = empty().await.unwrap();
    stage.world.group("Unsynced").not_synced();
    stage.configure("user-groups = \"Unsynced, No Such\"").unwrap();
    let ended = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert_eq!(ended.code, Some(1));
    let run = ended.json().unwrap();
    assert_eq!((&run["status"], &run["failure"]["code"]), (&json!("ERROR"), &json!("HWBS-WS24")), "{run}");
    assert!(run["failure"].to_string().contains("Not Synced"), "{run}");
    assert!(run["counts"].is_null(), "no worker was read: {run}");
}

#[tokio::test]
async fn groups_inside_groups_are_followed_each_once() {
    let stage = empty().await.unwrap();
    stage.world.person("inner").in_group("Inner").clocked_in(hours(1));
    stage.world.person("outer").in_group("Outer").clocked_in(hours(1));
    stage.world.group("Outer").contains_group("Inner");
    // A circle must end.
    stage.world.group("Inner").contains_group("Outer");
    stage.configure("user-groups = \"Outer\"").unwrap();
    for flatten in [false, true] {
        stage.access.set(|switches| switches.flatten_nested = flatten);
        let run = stage.batch().await.unwrap();
        assert_eq!(run["counts"]["members"], 2, "{run}");
    }
}

#[tokio::test]
async fn pages_of_any_size_from_any_first_index_give_the_same_members() {
    let stage = empty().await.unwrap();
    for n in 0..67 {
        stage.world.person(&format!("w{n:03}")).in_group(EAST).clocked_in(hours(1));
    }
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    for (first, most) in [(1, None), (0, None), (1, Some(7)), (0, Some(7)), (1, Some(1))] {
        stage.access.set(|switches| (switches.first_index, switches.most_per_page) = (first, most));
        let run = stage.batch().await.unwrap();
        assert_eq!(run["counts"]["members"], 67, "first index {first}, at most {most:?}: {run}");
    }
}

/// A group too large to list, whose users take several pages; one worker left it since the good batch behind it.
async fn large_group() -> Stage {
    let stage = empty().await.unwrap();
    let left = stage.world.person("left").in_group(EAST).clocked_in(hours(1));
    for n in 0..60 {
        stage.world.person(&format!("w{n:02}")).in_group(EAST).clocked_in(hours(1));
    }
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["members"], 61);
    left.left_group(EAST);
    stage.access.set(|switches| switches.most_per_page = Some(20));
    too_large(&stage);
    stage
}

fn too_large(stage: &Stage) {
    stage.access.faults().add(Fault::under(&format!("{GROUPS_PATH}/")).status(413));
}

async fn in_doubt(stage: &Stage, what: &str) {
    let run = stage.batch().await.unwrap();
    assert_eq!((&run["status"], &run["counts"]["removed"]), (&json!("COMPLETE_WARN"), &json!(0)), "{what}: {run}");
    let warning = &run["warnings"][0];
    assert_eq!((&warning["code"], &warning["subject"]), (&json!("HWBS-WS25"), &json!(EAST)), "{what}: {run}");
    assert_eq!(stage.records().await.unwrap().len(), 61, "{what}");
}

#[tokio::test]
async fn a_large_group_that_is_not_read_to_its_end_removes_nobody() {
    let stage = large_group().await;
    let empty_page = r#"{"totalResults":61,"itemsPerPage":0,"startIndex":20,"Resources":[]}"#;
    for (what, status, body) in [("404 on a later page", 404, ""), ("an empty page", 200, empty_page)] {
        // The second page of each of the three passes.
        for calls in [1, 3, 5] {
            stage.access.faults().add(Fault::on(USERS_PATH).answer(status, body).after(calls).times(1));
        }
        in_doubt(&stage, what).await;
        stage.access.faults().clear();
        too_large(&stage);
    }
    stage.access.set(|switches| switches.pages_move = true);
    in_doubt(&stage, "a list that moves").await;
    stage.access.set(|switches| switches.pages_move = false);

    stage.access.faults().add(Fault::on(USERS_PATH).status(404).after(1).times(1));
    let run = stage.batch().await.unwrap();
    assert_eq!((&run["status"], &run["counts"]["members"]), (&json!("COMPLETE"), &json!(60)), "it is read again: {run}");
    assert_eq!(run["counts"]["removed"], 1, "{run}");
}

#[tokio::test]
async fn a_list_of_groups_that_ends_early_is_not_relied_on() {
    let stage = large_group().await;
    for n in 0..30 {
        stage.world.group(&format!("Filler {n:02}"));
    }
    // The first call finds the group by its name; then the groups inside are looked for, three times.
    for calls in [2, 4, 6] {
        stage.access.faults().add(Fault::on(GROUPS_PATH).status(404).after(calls).times(1));
    }
    in_doubt(&stage, "the groups inside").await;

    stage.access.faults().clear();
    stage.configure("user-groups = \"STORE 12 hourly\"").unwrap();
    stage.access.set(|switches| switches.filter_case_sensitive = true);
    for calls in [2, 4, 6] {
        stage.access.faults().add(Fault::on(GROUPS_PATH).status(404).after(calls).times(1));
    }
    let run = stage.batch().await.unwrap();
    assert_eq!((&run["status"], &run["failure"]["code"]), (&json!("ERROR"), &json!("HWBS-WS25")), "{run}");
    assert!(run["failure"]["message"].as_str().unwrap().contains("ended its list of Groups after 20 of 31"), "{run}");
    assert_eq!(stage.records().await.unwrap().len(), 61);
}

#[tokio::test]
async fn many_small_groups_page_the_users_once() {
    let names: Vec<String> = (0..65).map(|n| format!("Store {n:02}")).collect();
    let (world, _) = World::company_in(chrono::Utc::now(), 1_300, 7, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let stage = Stage::new(world, PROGRAM).await.unwrap();
    // A worker in two groups, and an exempt group beside them.
    stage.world.person("w00000").in_group("Store 01").in_group("Managers");
    stage.configure(&format!("user-groups = {names:?}\nexempt-groups = \"Managers\"")).unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!(run["counts"]["members"], 1_300, "{run}");
    let calls = stage.access.calls();
    assert_eq!((calls.count_to(USERS_PATH), calls.count_under(&format!("{USERS_PATH}/"))), (3, 0));
    assert!(calls.total() < 150, "{} calls to Access", calls.total());
}

#[tokio::test]
async fn a_group_of_which_nobody_can_be_read_does_not_stop_the_others() {
    let stage = empty().await.unwrap();
    stage.world.person("good").in_group(EAST).clocked_in(hours(1));
    stage.world.person("refused").in_group(WEST).unreadable(500);
    stage.world.person("purged").in_group("Store 16").purged();
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly, Store 16\"").unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!((&run["status"], &run["counts"]["members"]), (&json!("COMPLETE_WARN"), &json!(1)), "{run}");
    let told: Vec<_> = run["warnings"].as_array().unwrap().iter().map(|w| (w["code"].clone(), w["subject"].clone())).collect();
    assert_eq!(told, [(json!("HWBS-WS20"), json!(WEST))], "who is purged is gone, which is no trouble: {run}");
}
