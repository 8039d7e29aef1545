//! Who is who: the report on both systems, and the pins by hand that the batch goes by.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shift_access::Site;
use shift_access::answer::Identities;
use shift_access::capability::Lent;
use shift_access::clock::Clock;
use shift_access::plugin::CallError;
use shift_access::store::{Scan, Space, SqliteStore, Store, Write};
use shift_access_tests::fault::Fault;
use shift_access_tests::stage::{Ended, Stage, TENANT};
use shift_access_tests::ukg::{EVERYBODY_PATH, HiddenPeople, ListLimit, PEOPLE_PATH, PeoplePartial};
use shift_access_tests::world::hours;

use crate::{empty, record};

const GROUP: &str = "Store 12 Hourly";

/// Properties with these pins.
fn pinned(pins: &str) -> String {
    format!("user-groups = \"{GROUP}\"\n[tenants.acme.properties.identities]\n{pins}")
}

async fn report(stage: &Stage) -> (Vec<Value>, Ended) {
    let ended = stage.run(&["identities", "acme", "--json"]).await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    (ended.json_lines().unwrap(), ended)
}

/// What a report keeps aside and has not cleared.
async fn left_in_store(stage: &Stage) -> usize {
    let store = SqliteStore::open(stage.store()).unwrap();
    store.scan(&Space::plugin("acme"), &Scan::new("identity/", 10)).await.unwrap().entries.len()
}

/// State, user, person numbers, the person's user name, whether pinned, and cause.
fn told(identity: &Value) -> (String, String, String, String, bool, String) {
    let text = |name: &str| identity[name].as_str().unwrap_or("-").to_owned();
    let numbers: Vec<_> = identity["person_numbers"].as_array().unwrap().iter().map(|number| number.as_str().unwrap()).collect();
    (text("state"), text("user"), numbers.join(" "), text("person_user"), identity["pinned"].as_bool().unwrap(), text("cause"))
}

/// One worker or more of every state and cause.
fn everyone(stage: &Stage) {
    let world = &stage.world;
    world.person("amatch").number("100001").in_group(GROUP).clocked_in(hours(1));
    world.person("BCase").kronos_user_name("bcase").number("100002").in_group(GROUP);
    world.person("cleft").number("100003").terminated().in_group(GROUP);
    world.directory_user("ddomain").in_group(GROUP);
    world.kronos_person("ddomain@acme.example").number("100004");
    world.person("edomains").number("100005").in_group(GROUP);
    world.directory_user_in("edomains", "other.example");
    world.group(GROUP).contains_user("edomains", "other.example");
    world.directory_user("f space").in_group(GROUP);
    world.kronos_person("fspace").number("100006");
    world.directory_user("gblank").in_group(GROUP);
    world.kronos_person(" gblank").number("100007");
    world.person("hhidden").number("100008").hidden_from_api_user().in_group(GROUP);
    world.person("itwin").number("100009").in_group(GROUP);
    world.kronos_person("itwin2").number("100010").kronos_user_name("itwin");
    world.person("jtwin").number("100011").in_group(GROUP);
    world.kronos_person("JTWIN").number("100012");
    world.person("knogroup").number("100013");
    world.person("ldisabled").number("100014").in_group(GROUP).disabled();
    world.kronos_person("mnosync").number("100015");
    world.kronos_person("nleft").number("100016").terminated();
    world.kronos_person("x").number("100017").kronos_user_name("");
    world.directory_user("opinned").in_group(GROUP);
    world.kronos_person("o.pinned").number("100018").clocked_in(hours(2));
    world.directory_user("plost").in_group(GROUP);
    world.person("qswap").number("100019").in_group(GROUP);
    world.kronos_person("q.other").number("100020");
    world.person("rowner").number("100021").in_group(GROUP).clocked_in(hours(3));
    world.directory_user("rsecond").in_group(GROUP);
    world.kronos_person("sdead").number("100022");
    world.person("tsame").number("100023").in_group(GROUP);
    world.directory_user("TSame").in_group(GROUP);
}

const PINS: &str =
    "\"OPinned\" = \"100018\"\n\"plost\" = \"999999\"\n\"qswap\" = \"100020\"\n\"rsecond\" = \"100021\"\n\"stranger\" = \"100022\"";

#[tokio::test]
async fn every_state_and_cause_is_told() {
    let stage = empty().await.unwrap();
    everyone(&stage);
    stage.configure(&pinned(PINS)).unwrap();
    let (identities, ended) = report(&stage).await;
    let found: Vec<_> = identities.iter().map(told).collect();
    let wanted: Vec<_> = [
        ("matched", "amatch", "100001", "amatch", false, "-"),
        ("matched", "BCase", "100002", "bcase", false, "case"),
        ("matched", "cleft", "100003", "cleft", false, "terminated"),
        ("only-directory", "ddomain", "", "ddomain@acme.example", false, "domain"),
        ("ambiguous", "edomains", "100005", "-", false, "domain"),
        ("only-directory", "f space", "", "fspace", false, "spaces"),
        ("only-directory", "gblank", "", " gblank", false, "spaces"),
        ("only-directory", "hhidden", "", "-", false, "hidden"),
        ("ambiguous", "itwin", "100009 100010", "-", false, "several-persons"),
        ("ambiguous", "jtwin", "100011 100012", "-", false, "case"),
        ("matched", "opinned", "100018", "o.pinned", true, "-"),
        ("only-directory", "plost", "", "-", true, "pin-unknown"),
        ("matched", "qswap", "100020", "q.other", true, "-"),
        ("matched", "rowner", "100021", "rowner", false, "shared"),
        ("matched", "rsecond", "100021", "rowner", true, "shared"),
        ("ambiguous", "tsame", "100023", "-", false, "several-users"),
        ("only-kronos", "ddomain", "100004", "ddomain@acme.example", false, "domain"),
        ("only-kronos", "f space", "100006", "fspace", false, "spaces"),
        ("only-kronos", "gblank", "100007", " gblank", false, "spaces"),
        ("only-kronos", "knogroup", "100013", "knogroup", false, "not-in-group"),
        ("only-kronos", "ldisabled", "100014", "ldisabled", false, "disabled"),
        ("only-kronos", "-", "100015", "mnosync", false, "not-synced"),
        ("only-kronos", "-", "100016", "nleft", false, "terminated"),
        ("only-kronos", "-", "100017", "-", false, "no-user-name"),
        ("only-kronos", "qswap", "100019", "qswap", false, "pinned-elsewhere"),
        ("only-kronos", "stranger", "100022", "sdead", true, "not-in-group"),
    ]
    .into_iter()
    .map(|(state, user, numbers, name, pinned, cause)| (state.into(), user.into(), numbers.into(), name.into(), pinned, cause.into()))
    .collect();
    assert_eq!(found, wanted);
    let keys: Vec<_> = identities[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["cause", "explanation", "person_numbers", "person_user", "pinned", "state", "suggestion", "user"]);
    assert_eq!((&identities[0]["cause"], &identities[0]["suggestion"]), (&Value::Null, &json!("")));
    assert!(
        identities[3]["suggestion"].as_str().unwrap().contains("\"ddomain\" = \"100004\" in properties.identities"),
        "{}",
        identities[3]
    );
    assert!(!ended.err.contains("warning HWBS"), "{}", ended.err);
    assert!(ended.err.contains("members matched"), "progress is on stderr: {}", ended.err);
    assert_eq!(left_in_store(&stage).await, 0);
}

#[tokio::test]
async fn what_the_report_says_of_a_member_is_what_the_batch_finds() {
    let stage = empty().await.unwrap();
    everyone(&stage);
    stage.configure(&pinned(PINS)).unwrap();
    for (case_sensitive, partial) in [(false, PeoplePartial::Array207), (true, PeoplePartial::Silent), (false, PeoplePartial::Wrapper207)] {
        stage.ukg.set(|switches| (switches.user_name_case_sensitive, switches.people_partial) = (case_sensitive, partial));
        stage.batch().await.unwrap();
        let (identities, _) = report(&stage).await;
        let members: Vec<_> = identities.iter().filter(|identity| identity["state"] != "only-kronos").collect();
        let records = stage.records().await.unwrap();
        assert_eq!(records.len(), members.len());
        for identity in members {
            let record = record(&records, identity["user"].as_str().unwrap());
            let matched = if identity["state"] == "matched" { &identity["person_numbers"][0] } else { &Value::Null };
            assert_eq!(&record["person_number"], matched, "{identity} {record}");
            let reason = match identity["state"].as_str().unwrap() {
                "only-directory" => "not-in-kronos",
                "ambiguous" => "ambiguous-user",
                _ => continue,
            };
            assert_eq!(record["reason"], reason, "{identity} {record}");
        }
    }
}

#[tokio::test]
async fn a_kronos_that_looks_at_case_is_told_by_the_cause() {
    let stage = empty().await.unwrap();
    stage.world.person("AnaDiaz").kronos_user_name("aNADiaz").number("100007").in_group(GROUP);
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    stage.ukg.set(|switches| switches.user_name_case_sensitive = true);
    let (identities, _) = report(&stage).await;
    let found: Vec<_> = identities.iter().map(|identity| (told(identity).0, told(identity).5)).collect();
    assert_eq!(found, [("only-directory".into(), "case".into()), ("only-kronos".into(), "case".into())]);
    stage.configure(&pinned("\"anadiaz\" = \"100007\"")).unwrap();
    let (identities, _) = report(&stage).await;
    assert_eq!(identities.len(), 1);
    assert_eq!((&identities[0]["state"], &identities[0]["pinned"]), (&json!("matched"), &json!(true)));
}

#[tokio::test]
async fn nobody_who_has_a_match_is_taken_for_somebody_else() {
    let stage = empty().await.unwrap();
    let world = &stage.world;
    world.person("adiaz").number("100001").in_group(GROUP);
    world.directory_user("adiaz@office.example").in_group(GROUP);
    world.kronos_person("ACME\\adiaz").number("100002");
    world.directory_user("bking").in_group(GROUP);
    world.kronos_person("b king").number("100003");
    world.directory_user("boss").in_group(GROUP);
    stage.configure(&pinned("\"boss\" = \"100003\"")).unwrap();
    let found: Vec<_> = report(&stage).await.0.iter().map(|one| (told(one).0, told(one).1, told(one).2, told(one).5)).collect();
    let wanted = [
        ("matched", "adiaz", "100001", "-"),
        ("only-directory", "adiaz@office.example", "", "domain"),
        ("only-directory", "bking", "", "hidden"),
        ("matched", "boss", "100003", "-"),
        ("only-kronos", "adiaz@office.example", "100002", "domain"),
    ];
    let wanted: Vec<_> = wanted.into_iter().map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned())).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn the_batch_and_a_look_up_take_the_pinned_person() {
    let stage = empty().await.unwrap();
    everyone(&stage);
    stage.configure(&pinned(PINS)).unwrap();
    stage.batch().await.unwrap();
    let records = stage.records().await.unwrap();
    for (user, number, status) in [("opinned", "100018", "on-shift"), ("rsecond", "100021", "on-shift"), ("rowner", "100021", "on-shift")] {
        let record = record(&records, user);
        assert_eq!((&record["person_number"], &record["status"]), (&json!(number), &json!(status)), "{record}");
    }
    let lost = record(&records, "plost");
    assert_eq!((&lost["reason"], &lost["person_number"]), (&json!("not-in-kronos"), &Value::Null));
    assert!(lost["evidence"][0]["what"].as_str().unwrap().contains("pins this user to person 999999"), "{lost}");
    let fresh = stage.run(&["worker", "acme", "opinned", "--refresh", "--json"]).await.unwrap().json().unwrap();
    assert_eq!((&fresh["person_number"], &fresh["source"]["kind"]), (&json!("100018"), &json!("look-up")), "{fresh}");
}

#[tokio::test]
async fn the_text_shows_what_needs_a_look_and_counts_all() {
    let stage = empty().await.unwrap();
    everyone(&stage);
    stage.configure(&pinned(PINS)).unwrap();
    let shown = stage.run(&["identities", "acme"]).await.unwrap();
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(shown.out.ends_with("\nmatched 7, only-directory 5, only-kronos 10, ambiguous 4; pinned 5; 22 to look at\n"), "{}", shown.out);
    assert!(shown.out.starts_with("user ") && shown.out.contains("pin the user by hand: \"gblank\" = \"100007\""), "{}", shown.out);
    assert!(!shown.out.contains("amatch") && !shown.out.contains("BCase"), "{}", shown.out);
    let all = stage.run(&["identities", "acme", "--all"]).await.unwrap();
    assert!(all.out.contains("amatch") && all.out.contains("BCase"), "{}", all.out);
}

#[tokio::test]
async fn without_the_right_to_list_people_the_members_are_told_all_the_same() {
    let stage = empty().await.unwrap();
    everyone(&stage);
    stage.configure(&pinned(PINS)).unwrap();
    let (all, _) = report(&stage).await;
    stage.ukg.set(|switches| {
        switches.forbidden.insert(EVERYBODY_PATH.to_owned());
    });
    let (identities, ended) = report(&stage).await;
    let states = |of: &[Value]| of.iter().map(|one| (told(one).0, told(one).1, told(one).2)).collect::<Vec<_>>();
    let mut wanted = states(&all);
    wanted.retain(|(state, _, _)| state != "only-kronos");
    let mut found = states(&identities);
    // Whose person number it is that several users share is known from the list only.
    for list in [&mut wanted, &mut found] {
        list.iter_mut().filter(|(_, user, _)| ["edomains", "tsame"].contains(&user.as_str())).for_each(|(_, _, numbers)| numbers.clear());
    }
    assert_eq!(found, wanted);
    assert!(ended.err.contains("HWBS-WS14") && ended.err.contains("LIGHT_WEIGHT_EMPLOYEE_RECORDS_READ"), "{}", ended.err);
    let hidden = identities.iter().find(|one| one["user"] == "hhidden").unwrap();
    assert_eq!(hidden["cause"], Value::Null, "whether somebody is near is not known: {hidden}");
    assert!(hidden["explanation"].as_str().unwrap().ends_with("is not known."), "{hidden}");
    let text = stage.run(&["identities", "acme"]).await.unwrap().out;
    assert!(text.contains("\nmatched 7, only-directory 5, only-kronos not known, ambiguous 4;"), "{text}");
    stage.ukg.set(|switches| switches.forbidden.clear());
    for (fault, code) in [
        (Fault::on(EVERYBODY_PATH).answer(403, r#"{"errorCode":"WFA-000030","message":"not licensed"}"#), "warning HWBS-WS14"),
        (Fault::on(EVERYBODY_PATH).status(404), "warning HWBS-WS16"),
        (Fault::on(EVERYBODY_PATH).html(200), "warning HWBS-WS16"),
    ] {
        stage.ukg.faults().clear();
        stage.ukg.faults().add(fault);
        let err = report(&stage).await.1.err;
        assert!(err.contains(code) && !err.contains("LIGHT_WEIGHT_EMPLOYEE_RECORDS_READ"), "{err}");
    }
    assert_eq!(left_in_store(&stage).await, 0);
}

#[tokio::test]
async fn a_kronos_out_of_reach_ends_it_with_its_code_and_leaves_nothing() {
    let stage = empty().await.unwrap();
    everyone(&stage);
    stage.configure(&pinned(PINS)).unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    let ended = stage.run(&["identities", "acme", "--json"]).await.unwrap();
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{}", ended.err);
    assert!(ended.err.contains("HWBS-WS10 Kronos cannot be reached"), "{}", ended.err);
    assert_eq!(left_in_store(&stage).await, 0);
    assert!(stage.records().await.unwrap().is_empty());
    assert_eq!(stage.run(&["identities", "nobody"]).await.unwrap().code, Some(64));
}

#[tokio::test]
async fn a_group_that_fails_is_a_warning_and_with_no_member_at_all_there_is_no_report() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(GROUP);
    stage.configure(&format!("user-groups = \"{GROUP}, No Such\"")).unwrap();
    let (identities, ended) = report(&stage).await;
    assert_eq!(identities.len(), 1);
    assert!(ended.err.contains("warning HWBS-WS22") && ended.err.contains("[No Such]"), "{}", ended.err);
    stage.configure("user-groups = \"No Such\"").unwrap();
    let ended = stage.run(&["identities", "acme"]).await.unwrap();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("HWBS-WS22"), "{}", ended.err);
}

#[tokio::test]
async fn an_error_of_kronos_for_somebody_is_theirs_alone() {
    let stage = empty().await.unwrap();
    stage.world.directory_user("ghost").in_group(GROUP);
    stage.world.kronos_person("broken").number("100001");
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    stage.ukg.faults().add(Fault::on(PEOPLE_PATH).answer(200, r#"[{"error":{"errorCode":"WCO-101299","message":"broken"}}]"#));
    let (identities, _) = report(&stage).await;
    let found: Vec<_> = identities.iter().map(|identity| (told(identity).0, told(identity).5)).collect();
    assert_eq!(found, [("only-directory".into(), "kronos-error".into()), ("only-kronos".into(), "kronos-error".into())]);
    assert!(identities[0]["explanation"].as_str().unwrap().contains("WCO-101299: broken"), "{}", identities[0]);
}

#[tokio::test]
async fn a_large_company_is_told_page_by_page_also_twice_at_once() {
    let stage = empty().await.unwrap();
    for n in 0..1_100 {
        stage.world.person(&format!("w{n:04}")).in_group(GROUP);
    }
    for n in 0..1_100 {
        stage.world.kronos_person(&format!("k{n:04}"));
    }
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    stage.ukg.set(|switches| switches.hidden_people = HiddenPeople::Refused);
    let ((one, _), (two, _)) = tokio::join!(report(&stage), report(&stage));
    assert_eq!((one.len(), &one), (2_200, &two));
    let users: Vec<_> = one.iter().take(1_100).map(|identity| identity["user"].as_str().unwrap()).collect();
    assert!(users.is_sorted() && one.iter().take(1_100).all(|identity| identity["state"] == "matched"));
    assert!(one.iter().skip(1_100).all(|identity| identity["cause"] == "not-synced"));
    let calls = stage.ukg.calls();
    assert_eq!(calls.count_to(EVERYBODY_PATH), 2 * 3);
    assert!(calls.longest_list_to(PEOPLE_PATH).unwrap() <= 200);
    assert!(calls.max_in_flight() <= 8, "{} in flight for two", calls.max_in_flight());
    assert_eq!(left_in_store(&stage).await, 0);
    // A tenant that takes shorter lists only is asked for shorter ones.
    stage.ukg.set(|switches| switches.list_limit = Some(ListLimit { most: 130, status: 413 }));
    assert_eq!(report(&stage).await.0.len(), 2_200);
}

#[tokio::test]
async fn a_list_that_grows_too_long_half_way_leaves_nobody_out() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(GROUP);
    for n in 0..5_299 {
        stage.world.kronos_person(&format!("k{n:04}"));
    }
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    // From the sixth page on nothing longer than 64.
    stage.ukg.faults().add(Fault::on(EVERYBODY_PATH).after(5).times(4).status(413));
    let (identities, ended) = report(&stage).await;
    assert_eq!(identities.len(), 5_300);
    assert!(!ended.err.contains("warning HWBS"), "{}", ended.err);
}

#[tokio::test]
async fn a_wrong_pin_is_told_on_both_rows_and_a_useless_one_hides_nobody() {
    let stage = empty().await.unwrap();
    let world = &stage.world;
    world.person("gneill").number("100007").in_group(GROUP);
    world.person("adiaz").number("100001").in_group(GROUP);
    world.directory_user("ACME\\evans").in_group(GROUP);
    world.kronos_person("evans").number("5");
    world.person("lost").number("100003").in_group(GROUP);
    stage.configure(&pinned("\"adiaz\" = \"100007\"\n\"ghost\" = \"5\"\n\"lost\" = \"999\"")).unwrap();
    let (identities, _) = report(&stage).await;
    let found: Vec<_> = identities.iter().map(|one| (told(one).0, told(one).1, told(one).2, told(one).5)).collect();
    let wanted = [
        ("only-directory", "ACME\\evans", "", "domain"),
        ("matched", "adiaz", "100007", "shared"),
        ("matched", "gneill", "100007", "shared"),
        ("only-directory", "lost", "", "pin-unknown"),
        ("only-kronos", "adiaz", "100001", "pinned-elsewhere"),
        ("only-kronos", "lost", "100003", "pin-unknown"),
        ("only-kronos", "ACME\\evans", "5", "domain"),
    ];
    let wanted: Vec<_> = wanted.into_iter().map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned())).collect();
    assert_eq!(found, wanted);
    let explained = |at: usize| identities[at]["explanation"].as_str().unwrap();
    assert!(explained(1).starts_with("\"gneill\" comes") && explained(2).starts_with("\"adiaz\" comes"), "{identities:?}");
    assert!(explained(6).contains("pins ghost to this person"), "{}", identities[6]);
}

#[tokio::test]
async fn rivals_for_one_person_name_each_other_and_a_pin_is_told_the_zeros_it_lost() {
    let stage = empty().await.unwrap();
    let world = &stage.world;
    world.directory_user("ACME\\evans").in_group(GROUP);
    world.directory_user("evans@acme.example").in_group(GROUP);
    world.kronos_person("evans").number("100003");
    world.directory_user("zadie").in_group(GROUP);
    world.kronos_person("z.adie").number("0042");
    stage.configure(&pinned("\"zadie\" = \"42\"")).unwrap();
    let (identities, _) = report(&stage).await;
    let text = |at: usize, name: &str| identities[at][name].as_str().unwrap();
    assert!(text(0, "explanation").contains("As near in the directory: \"evans@acme.example\""), "{}", identities[0]);
    assert!(text(1, "explanation").contains("As near in the directory: \"ACME\\\\evans\""), "{}", identities[1]);
    assert_eq!((text(2, "cause"), text(2, "user")), ("pin-unknown", "zadie"));
    assert!(text(2, "suggestion").contains("\"zadie\" = \"0042\""), "{}", identities[2]);
}

#[tokio::test]
async fn a_report_cut_short_is_cleared_by_a_batch_once_it_is_old() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(GROUP);
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    stage.batch().await.unwrap();
    let put = async |millis: i64| {
        let store = SqliteStore::open(stage.store()).unwrap();
        let key = |shelf: &str| format!("identity/{millis:013}/{shelf}");
        let writes = vec![Write::put(key("head"), *b"{}"), Write::put(key("m/adiaz"), *b"{}")];
        store.commit(&Space::plugin(TENANT), writes).await.unwrap();
    };
    put((Utc::now() - TimeDelta::minutes(61)).timestamp_millis()).await;
    put(Utc::now().timestamp_millis()).await;
    assert_eq!(left_in_store(&stage).await, 4);
    stage.batch().await.unwrap();
    assert_eq!(left_in_store(&stage).await, 2, "a young report may still be paged through");
}

#[tokio::test]
async fn a_report_notes_whether_kronos_was_reached() {
    let stage = empty().await.unwrap();
    stage.world.person("adiaz").in_group(GROUP);
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    let reached = async || {
        let store = SqliteStore::open(stage.store()).unwrap();
        let entry = store.get(&Space::plugin(TENANT), &["state/reach".to_owned()]).await.unwrap().remove(0).unwrap();
        serde_json::from_slice::<Value>(&entry.value).unwrap()["ok"].clone()
    };
    report(&stage).await;
    assert_eq!(reached().await, true);
    stage.ukg.faults().add(Fault::everywhere().status(500));
    assert_eq!(stage.run(&["identities", "acme"]).await.unwrap().code, Some(1));
    assert_eq!(reached().await, false);
}

/// A clock that is so far ahead.
struct Ahead(TimeDelta);

impl Clock for Ahead {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.0
    }
}

#[tokio::test]
async fn a_report_can_be_paged_through_for_an_hour_beside_others_and_is_gone_then() {
    let stage = empty().await.unwrap();
    for n in 0..5 {
        stage.world.person(&format!("w{n}")).in_group(GROUP);
    }
    stage.configure(&format!("user-groups = \"{GROUP}\"")).unwrap();
    let (site, problems) = Site::open(&stage.config(), &|_| None, Some(shift_access_tests::cache())).await;
    let site = site.unwrap_or_else(|error| panic!("{error}: {problems:?}"));
    let tenant = site.tenant(TENANT).unwrap();
    let page = async |cursor: Option<String>, ahead: TimeDelta| {
        let lent = Lent { clock: Arc::new(Ahead(ahead)), ..site.host().lend(&tenant) };
        tenant.pack.identities(lent, cursor, 2).await
    };
    let users = |page: &Identities| page.items.iter().filter_map(|identity| identity.user.clone()).collect::<Vec<_>>();
    let now = TimeDelta::zero();
    let (one, other) = (page(None, now).await.unwrap(), page(None, TimeDelta::minutes(50)).await.unwrap());
    let second = page(one.next.clone(), now).await.unwrap();
    assert_eq!((users(&one), users(&second)), (vec!["w0".into(), "w1".into()], vec!["w2".into(), "w3".into()]));
    // One that begins an hour later clears the first, which nobody pages through any more, and not the other.
    let third = page(None, TimeDelta::minutes(70)).await.unwrap();
    for cursor in [second.next, Some("nonsense".to_owned()), Some("1.x".to_owned()), Some("../x.y".to_owned()), Some(String::new())] {
        match page(cursor.clone(), now).await {
            Err(CallError::Failure(failure)) => {
                assert_eq!(failure.code, "HWBS-WS30", "{cursor:?}");
                assert!(failure.message.contains("this report is gone"), "{failure:?}");
            }
            found => panic!("{cursor:?}: {found:?}"),
        }
    }
    for begun in [other, third] {
        let mut seen = users(&begun);
        let mut next = begun.next;
        while let Some(cursor) = next {
            let page = page(Some(cursor), now).await.unwrap();
            seen.extend(users(&page));
            next = page.next;
        }
        assert_eq!(seen, ["w0", "w1", "w2", "w3", "w4"]);
    }
    assert_eq!(left_in_store(&stage).await, 0);
}
