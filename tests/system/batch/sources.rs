//! What the time system tells, and how it is asked.

use serde_json::json;
use shift_access_tests::ukg::{HiddenPeople, ListLimit, PEOPLE_PATH, Partial, PeoplePartial, TIMECARD_PATH};
use shift_access_tests::world::{hours, minutes};

use super::{EAST, WEST};
use crate::{assert_sums, demo, empty, record};

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
