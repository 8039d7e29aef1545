//! Decisions over AuthZEN, and how a program finds where they are made.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use shift_access_tests::PROBE;

use super::{Api, EVALUATION, EVALUATIONS, add_probe, add_tenant, evaluation, send, token};
use crate::{demo, empty};

#[tokio::test]
async fn a_decision_says_what_it_rests_on_and_asks_ukg_nothing() {
    let api = Api::after_a_batch().await;
    let calls = (api.stage.ukg.calls().total(), api.stage.access.calls().total());
    for (user, decision) in [("ADiaz", true), ("jweber", true), ("cmoss", false), ("vcruz", false)] {
        let answer = api.post(EVALUATION, &evaluation(user)).await.good();
        assert_eq!(answer["decision"], decision, "{user}: {answer}");
        let mut printed = api.stage.run(&["decide", "acme", user, "--surface", "people", "--json"]).await.unwrap().json().unwrap();
        printed["age_seconds"] = answer["context"]["age_seconds"].clone();
        let keys: Vec<_> = answer["context"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["age_seconds", "as_of", "reason", "since", "source", "status"]);
        for key in keys {
            assert_eq!(answer["context"][key], printed[key], "{user}: {key}");
        }
    }
    let unknown = api.post(EVALUATION, &evaluation("nobody@nowhere")).await.good();
    assert_eq!((&unknown["decision"], &unknown["context"]["reason"]), (&json!(false), &json!("no-record")));
    let long = api.post(EVALUATION, &evaluation(&"é".repeat(5_000))).await.good();
    assert_eq!(long["context"]["reason"], "no-record");
    assert_eq!((api.stage.ukg.calls().total(), api.stage.access.calls().total()), calls, "a decision asks nobody");
    let named = api.request(Method::POST, EVALUATION).bearer_auth(&api.read).header("x-request-id", "bfe9eb29-ab87");
    let named = send(named.header("content-type", "application/json").body(evaluation("adiaz").to_string())).await;
    assert_eq!((named.status, named.header("x-request-id"), named.header("cache-control")), (200, "bfe9eb29-ab87", "no-store"));
}

#[tokio::test]
async fn a_batch_of_questions_is_answered_in_order_and_as_far_as_asked() {
    let api = Api::after_a_batch().await;
    let ask = |semantic: &str| {
        let of = |user: &str| json!({ "subject": { "type": "user", "id": user } });
        json!({
            "action": { "name": "open" },
            "resource": { "type": "app", "id": "people" },
            "evaluations": [of("adiaz"), of("cmoss"), of("bking"), of("nobody")],
            "options": { "evaluations_semantic": semantic, "another": 1 }
        })
    };
    for (semantic, wanted) in [
        ("execute_all", json!([true, false, true, false])),
        ("deny_on_first_deny", json!([true, false])),
        ("permit_on_first_permit", json!([true])),
    ] {
        let answer = api.post(EVALUATIONS, &ask(semantic)).await.good();
        let decisions: Vec<_> = answer["evaluations"].as_array().unwrap().iter().map(|answer| answer["decision"].clone()).collect();
        assert_eq!(json!(decisions), wanted, "{semantic}");
    }
    api.post(EVALUATIONS, &ask("whatever")).await.detail(400);

    let mut partly = ask("execute_all");
    partly["evaluations"][1] = json!({});
    let answer = api.post(EVALUATIONS, &partly).await.good();
    let error = &answer["evaluations"][1];
    assert_eq!(
        (&error["decision"], &error["context"]["error"]),
        (&json!(false), &json!({ "status": 400, "message": "subject is missing" }))
    );
    assert_eq!((&answer["evaluations"][2]["decision"], answer["evaluations"].as_array().unwrap().len()), (&json!(true), 4));

    let mut broken = ask("execute_all");
    broken["action"]["name"] = json!(" ");
    assert_eq!(api.post(EVALUATIONS, &broken).await.detail(400), "action.name is empty");

    let single = api.post(EVALUATIONS, &evaluation("adiaz")).await.good();
    assert_eq!((&single["decision"], &single["context"]["reason"]), (&json!(true), &json!("clocked-in")));

    let mut many = evaluation("adiaz");
    many["evaluations"] = json!(vec![json!({}); 1_000]);
    assert_eq!(api.post(EVALUATIONS, &many).await.good()["evaluations"].as_array().unwrap().len(), 1_000);
    many["evaluations"] = json!(vec![json!({}); 1_001]);
    assert!(api.post(EVALUATIONS, &many).await.detail(400).contains("at most 1000"));
}

#[tokio::test]
async fn many_who_ask_at_once_each_get_their_own_answer() {
    let api = Api::after_a_batch().await;
    let users = [("ADiaz", true), ("jweber", true), ("cmoss", false), ("vcruz", false)];
    join_all(users.iter().cycle().take(300).map(async |(user, decision)| {
        let answer = api.post(EVALUATION, &evaluation(user)).await.good();
        assert_eq!(answer["decision"], *decision, "{user}: {answer}");
    }))
    .await;
}

#[tokio::test]
async fn a_question_the_plugin_fails_over_spoils_nobody_elses() {
    let stage = empty().await.unwrap();
    std::fs::write(stage.folder().join("probe.wasm"), PROBE).unwrap();
    add_probe(&stage);
    let api = Api::of(stage).await;
    let read = token(&api.stage, "probe", "read").await;
    join_all((0..200).map(async |number| {
        let user = if number % 10 == 0 { "trap" } else { "anna" };
        let request = api.request(Method::POST, "/tenants/probe/access/v1/evaluation").bearer_auth(&read);
        let answer = send(request.header("content-type", "application/json").body(evaluation(user).to_string())).await;
        assert_eq!(answer.status, if user == "trap" { 500 } else { 200 }, "{user}: {answer:?}");
    }))
    .await;
}

#[tokio::test]
async fn only_a_person_gets_what_a_person_of_the_name_gets() {
    let api = Api::after_a_batch().await;
    let of_type = |kind: &str| {
        let mut asked = evaluation("adiaz");
        asked["subject"]["type"] = json!(kind);
        asked
    };
    for kind in ["user", "User", "identity", "person", "worker", "employee"] {
        assert_eq!(api.post(EVALUATION, &of_type(kind)).await.good()["decision"], true, "{kind}");
    }
    let refused = "subject.type is none that is known here; send one of user, identity, person, worker, employee";
    for kind in ["group", "device", "users"] {
        assert_eq!(api.post(EVALUATION, &of_type(kind)).await.detail(400), refused);
    }
    assert_eq!(api.post(EVALUATION, &of_type("")).await.detail(400), "subject.type is empty");
    let mut many = evaluation("adiaz");
    many["evaluations"] = json!([{}, { "subject": { "type": "group", "id": "adiaz" } }]);
    let answer = api.post(EVALUATIONS, &many).await.good();
    let [first, second] = [0, 1].map(|number| answer["evaluations"][number].clone());
    assert_eq!((&first["decision"], &second["decision"]), (&json!(true), &json!(false)));
    assert_eq!(second["context"]["error"], json!({ "status": 400, "message": refused }));
}

#[tokio::test]
async fn a_program_finds_where_decisions_are_made() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let api = Api::of(stage).await;
    let known = |path: &'static str| send(api.request(Method::GET, path));
    let plain = known("/.well-known/authzen-configuration").await.good();
    assert_eq!(plain["policy_decision_point"], json!(api.url));
    let own = known("/.well-known/authzen-configuration/tenants/acme").await.good();
    assert_eq!(own["policy_decision_point"], json!(format!("{}/tenants/acme", api.url)));
    for metadata in [plain, own] {
        let endpoint = metadata["access_evaluation_endpoint"].as_str().unwrap().strip_prefix(&api.url).unwrap().to_owned();
        assert_eq!(api.post(&endpoint, &evaluation("adiaz")).await.good()["decision"], true);
        let endpoint = metadata["access_evaluations_endpoint"].as_str().unwrap().strip_prefix(&api.url).unwrap().to_owned();
        assert_eq!(api.post(&endpoint, &evaluation("adiaz")).await.good()["decision"], true);
    }
    known("/.well-known/authzen-configuration/tenants/nobody").await.problem(404);
}

#[tokio::test]
async fn among_several_tenants_the_token_tells_whose_decisions_are_meant() {
    let stage = empty().await.unwrap();
    add_tenant(&stage, "other");
    let api = Api::of(stage).await;
    let path = "/.well-known/authzen-configuration";
    send(api.request(Method::GET, path)).await.problem(404);
    let found = api.get(path).await.good();
    assert_eq!(found["access_evaluation_endpoint"], json!(format!("{}{EVALUATION}", api.url)));
    send(api.request(Method::GET, path).bearer_auth("wrong")).await.problem(401);
}
