//! The batch: who is read, what is stored, what is told.

use serde_json::json;
use shift_access_tests::access::{GROUPS_PATH, USERS_PATH};
use shift_access_tests::fault::Fault;
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{HiddenPeople, ListLimit, PEOPLE_PATH, Partial, PeoplePartial, TIMECARD_PATH};
use shift_access_tests::world::{World, hours, minutes};

use crate::{PROGRAM, assert_sums, demo, empty, record};

const EAST: &str = "Store 12 Hourly";
const WEST: &str = "Store 14 Hourly";

#[tokio::test]
async fn a_batch_stores_the_status_of_every_worker_and_tells_what_it_did() {
    let stage = demo().await.unwrap();
    let ended = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let run = ended.json().unwrap();
    let keys: Vec<_> = run.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = ["run", "tenant", "job", "process", "trigger", "status", "started", "duration_ms", "counts", "warnings", "failure"];
    wanted.sort_unstable();
    assert_eq!(keys, wanted);
    assert_eq!(run["process"], "[Kronos] Worker Status - Batch [Workspace ONE]");
    assert_eq!((&run["trigger"], &run["status"]), (&json!("manual"), &json!("COMPLETE_WARN")));
    assert_eq!(run["counts"]["members"], 23);
    assert_sums(&run["counts"]);
    let records = stage.records().await.unwrap();
    assert_eq!(records.len(), 23);
    for (user, status, reason) in [
        ("adiaz", "on-shift", "clocked-in"),
        ("cmoss", "off-shift", "clocked-out"),
        ("eboateng", "off-shift", "no-punches"),
        ("icosta", "on-shift", "clocked-in"),
        ("jweber", "on-break", "between-spans"),
        ("kmensah", "off-shift", "break-too-long"),
        ("lnovak", "on-shift", "clocked-in"),
        ("nsaid", "off-shift", "open-too-long"),
        ("prao", "off-shift", "clocked-out"),
        ("qyoung", "on-shift", "clocked-in"),
        ("rsilva", "on-break", "between-spans"),
        ("uito", "on-shift", "clocked-in"),
        ("vcruz", "unknown", "not-in-kronos"),
        ("xchen", "unknown", "ambiguous-user"),
        ("yali", "unknown", "not-in-kronos"),
    ] {
        let record = record(&records, user);
        assert_eq!((&record["status"], &record["reason"]), (&json!(status), &json!(reason)), "{user}");
        assert_eq!(record["source"]["run"], run["run"], "{user}");
        assert_eq!(record["source"]["kind"], "batch", "{user}");
    }
    assert!(!records.iter().any(|record| record["user"] == "wmay"), "a disabled user has no record");
}

#[tokio::test]
async fn a_second_batch_changes_nothing_and_moves_the_moment_of_observation() {
    let stage = demo().await.unwrap();
    let first = stage.batch().await.unwrap();
    let before = stage.records().await.unwrap();
    let second = stage.batch().await.unwrap();
    assert_eq!(first["counts"]["changed"], 23);
    assert_eq!(second["counts"]["changed"], 0, "{second}");
    assert_eq!(second["counts"]["unchanged"], 23);
    assert_sums(&second["counts"]);
    let after = stage.records().await.unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before["user"], &before["since"]), (&after["user"], &after["since"]));
        assert!(after["observed_at"].as_str() > before["observed_at"].as_str(), "{after}");
    }
}

#[tokio::test]
async fn what_happened_between_two_batches_is_what_changes() {
    let stage = empty().await.unwrap();
    let ana = stage.world.person("adiaz").in_group(EAST).clocked_in(hours(3));
    stage.world.person("bking").in_group(EAST).clocked_in(hours(1));
    let gone = stage.world.person("cmoss").in_group(EAST).clocked_in(hours(1));
    stage.configure("user-groups = [\"Store 12 Hourly\"]").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["changed"], 3);
    ana.clocked_out(minutes(1));
    gone.left_group(EAST);
    let counts = stage.batch().await.unwrap()["counts"].clone();
    assert_eq!((&counts["members"], &counts["changed"], &counts["removed"]), (&json!(2), &json!(1), &json!(1)));
    let records = stage.records().await.unwrap();
    assert_eq!(record(&records, "adiaz")["status"], "off-shift");
    assert_eq!(records.len(), 2, "who left the group has no record any more");
}

#[tokio::test]
async fn names_of_groups_and_users_compare_without_regard_to_case() {
    let stage = empty().await.unwrap();
    stage.world.person("ADiaz").kronos_user_name("adiaz").in_group(EAST).clocked_in(hours(2));
    stage.configure("user-groups = \"sTORE 12 hourly\"").unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!(run["counts"]["matched"], 1, "{run}");
    let ended = stage.run(&["decide", "acme", "aDIAZ", "--json"]).await.unwrap();
    assert_eq!(ended.json().unwrap()["decision"], "allow");
}

#[tokio::test]
async fn whether_ukg_looks_at_the_case_of_names_is_found_out_once() {
    let stage = empty().await.unwrap();
    for n in 0..150 {
        stage.world.person(&format!("w{n:03}")).in_group(EAST).clocked_in(hours(1));
        stage.world.directory_user(&format!("x{n:03}")).in_group(EAST);
    }
    stage.world.person("odd").kronos_user_name("ODD").in_group(EAST).clocked_in(hours(1));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    for sensitive in [false, true] {
        stage.ukg.set(|switches| switches.user_name_case_sensitive = sensitive);
        stage.ukg.calls().forget();
        let run = stage.batch().await.unwrap();
        assert_eq!((&run["counts"]["matched"], &run["counts"]["unmatched"]), (&json!(151), &json!(150)), "{sensitive}: {run}");
        let calls = stage.ukg.calls().count_to(PEOPLE_PATH);
        assert!(sensitive || calls < 2 * 4, "{calls} calls for four chunks");
    }
}

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

#[tokio::test]
async fn a_server_that_takes_shorter_lists_only_is_asked_for_shorter_ones() {
    let stage = empty().await.unwrap();
    for n in 0..90 {
        stage.world.person(&format!("w{n:03}")).in_group(EAST).clocked_in(hours(1));
    }
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    for status in [413, 504] {
        stage.ukg.set(|switches| switches.list_limit = Some(ListLimit { most: 20, status }));
        let run = stage.batch().await.unwrap();
        assert_eq!(run["counts"]["on_shift"], 90, "{status}: {run}");
    }
}

#[tokio::test]
async fn one_workers_trouble_never_stops_the_others() {
    for partial in [Partial::ErrorOffsets, Partial::FlatArray] {
        for people in [PeoplePartial::Array207, PeoplePartial::Array200, PeoplePartial::Wrapper207, PeoplePartial::Silent] {
            let stage = demo().await.unwrap();
            stage.ukg.set(|switches| {
                (switches.partial, switches.people_partial) = (partial, people);
                switches.hidden_people = HiddenPeople::Refused;
            });
            stage.world.person("zbroken").in_group(WEST).clocked_in(hours(1)).errors_with("WTK-112004", "no such id");
            let run = stage.batch().await.unwrap();
            let counts = &run["counts"];
            assert_sums(counts);
            assert_eq!((&counts["members"], &counts["on_shift"]), (&json!(24), &json!(9)), "{partial:?} {people:?}: {run}");
            assert_eq!(counts["failed"], 1, "{partial:?} {people:?}: {run}");
            let warning = run["warnings"].as_array().unwrap().iter().find(|w| w["subject"] == "zbroken").unwrap();
            assert_eq!(warning["code"], "HWBS-WS72");
        }
    }
}

#[tokio::test]
async fn the_on_premise_flag_is_the_other_source() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(EAST).clocked_in(hours(3));
    stage.world.person("bking").in_group(EAST).clocked_in(hours(3)).on_break(minutes(10));
    let carla = stage.world.person("cmoss").in_group(EAST);
    stage.world.directory_user("nobody").in_group(EAST);
    stage.configure("user-groups = \"Store 12 Hourly\"\nstatus-source = \"on-premise\"").unwrap();
    for (yes, no) in [("true", "false"), ("Yes", "No"), ("1", "0")] {
        stage.ukg.set(|switches| switches.boolean_text = (yes.to_owned(), no.to_owned()));
        let run = stage.batch().await.unwrap();
        assert_eq!((&run["counts"]["on_shift"], &run["counts"]["off_shift"]), (&json!(2), &json!(1)), "{yes}: {run}");
    }
    let records = stage.records().await.unwrap();
    let first = record(&records, "cmoss")["since"].clone();
    assert_eq!(record(&records, "adiaz")["reason"], "on-premise");
    assert_eq!(record(&records, "cmoss")["reason"], "not-on-premise");
    assert_eq!(record(&records, "nobody")["reason"], "not-in-kronos");
    stage.batch().await.unwrap();
    assert_eq!(record(&stage.records().await.unwrap(), "cmoss")["since"], first, "since is when it was first observed");
    carla.on_premise(true);
    assert_eq!(stage.batch().await.unwrap()["counts"]["changed"], 1);
    assert_eq!(stage.ukg.calls().count_to(TIMECARD_PATH), 0);
}

#[tokio::test]
async fn a_data_provider_over_its_limit_is_no_answer_and_not_a_false() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(EAST).clocked_in(hours(3));
    stage.configure("user-groups = \"Store 12 Hourly\"\nstatus-source = \"on-premise\"").unwrap();
    stage.ukg.set(|switches| switches.data_provider_over_limit = true);
    let run = stage.batch().await.unwrap();
    assert_eq!(run["counts"]["off_shift"].as_u64().unwrap_or(0), 0, "{run}");
}

#[tokio::test]
async fn disabled_deleted_and_unreadable_users_are_left_out_and_told() {
    let stage = empty().await.unwrap();
    stage.world.person("good").in_group(EAST).clocked_in(hours(1));
    stage.world.person("disabled").in_group(EAST).disabled();
    stage.world.person("deleted").in_group(EAST).soft_deleted();
    stage.world.person("three").in_group(EAST).user_status(3);
    stage.world.person("unreadable").in_group(EAST).unreadable(500);
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let run = stage.batch().await.unwrap();
    assert_eq!(run["counts"]["members"], 1, "{run}");
    let id = run["run"].as_str().unwrap();
    let detail = stage.run(&["history", "acme", id, "--json"]).await.unwrap().json().unwrap();
    let notes = detail["notes"].to_string();
    assert!(notes.contains("disabled") && notes.contains("deleted"), "{notes}");
    let test = stage.run(&["run", "acme", "test-connection", "--json"]).await.unwrap().json().unwrap();
    for run in [run, test] {
        assert_eq!(run["status"], "COMPLETE_WARN", "{run}");
        let warning = run["warnings"].as_array().unwrap().iter().find(|warning| warning["subject"] == EAST).unwrap();
        assert_eq!(warning["code"], "HWBS-WS25", "{run}");
        assert!(warning["message"].as_str().unwrap().contains("1 of 5 members could not be read"), "{run}");
    }
}

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

#[tokio::test]
async fn the_brake_holds_a_run_that_would_close_too_many() {
    let stage = empty().await.unwrap();
    let workers: Vec<_> = (0..10).map(|n| stage.world.person(&format!("w{n}")).in_group(EAST).clocked_in(hours(2))).collect();
    stage.configure("user-groups = \"Store 12 Hourly\"\nbrake-percent = 30").unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["changed"], 10);
    workers.iter().take(6).for_each(|worker| drop(worker.clone().clocked_out(minutes(1))));
    let before = stage.records().await.unwrap();
    let held = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    let run = held.json().unwrap();
    assert_eq!((held.code, &run["failure"]["code"]), (Some(1), &json!("HWBS-WS40")), "{run}");
    assert_eq!(strip_age(stage.records().await.unwrap()), strip_age(before), "nothing is stored");
    let let_through = stage.run(&["run", "acme", "batch", "--set", "release-brake=true", "--json"]).await.unwrap();
    assert_eq!(let_through.json().unwrap()["counts"]["changed"], 6);
}

#[tokio::test]
async fn workers_who_are_new_do_not_weaken_the_brake() {
    let stage = empty().await.unwrap();
    let workers: Vec<_> = (0..10).map(|n| stage.world.person(&format!("w{n}")).in_group(EAST).clocked_in(hours(2))).collect();
    stage.configure("user-groups = \"Store 12 Hourly\"\nbrake-percent = 30").unwrap();
    stage.batch().await.unwrap();
    workers.iter().take(6).for_each(|worker| drop(worker.clone().clocked_out(minutes(1))));
    for n in 0..50 {
        stage.world.person(&format!("new{n}")).in_group(EAST);
    }
    let run = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap().json().unwrap();
    assert_eq!(run["failure"]["code"], "HWBS-WS40", "{run}");
    assert!(run["failure"]["message"].as_str().unwrap().starts_with("6 of the 10 workers known would lose access"), "{run}");
}

fn strip_age(mut records: Vec<serde_json::Value>) -> Vec<serde_json::Value> {
    records.iter_mut().for_each(|record| record["age_seconds"] = json!(0));
    records
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
