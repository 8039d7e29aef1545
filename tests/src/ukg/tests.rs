//! The UKG simulator over real TCP, with a raw client.

use serde_json::{Value, json};

use super::*;
use crate::fault::Fault;
use crate::testing::client;
use crate::world::{BERLIN, Override, hours, minutes};

struct Api {
    sim: UkgSim,
    token: String,
}

impl Api {
    async fn start(world: World) -> Self {
        let mut api = Self { sim: UkgSim::start(world).await.unwrap(), token: String::new() };
        api.token = api.login(&[]).await.1["access_token"].as_str().unwrap().to_owned();
        api
    }

    /// Logs in with the right form, some fields of it replaced.
    async fn login(&self, replace: &[(&str, &str)]) -> (u16, Value) {
        let known = self.sim.credentials();
        let mut fields = HashMap::from([
            ("username", known.user_name),
            ("password", known.password),
            ("client_id", known.client_id),
            ("client_secret", known.client_secret),
            ("grant_type", "password"),
            ("auth_chain", "OAuthLdapService"),
        ]);
        fields.extend(replace.iter().copied());
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = client().post(self.sim.url() + TOKEN_PATH).header("content-type", "application/x-www-form-urlencoded").body(form);
        json_of(call).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let call = client().post(self.sim.url() + path).header("authorization", format!("Bearer {}", self.token));
        json_of(call.header("content-type", "application/json").body(body.to_string())).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        json_of(client().get(self.sim.url() + path).header("authorization", &self.token)).await
    }

    /// The timecards of these person numbers around the world's now.
    async fn cards(&self, numbers: &[&str]) -> (u16, Value) {
        self.post(&format!("{TIMECARD_PATH}?partial_success=true"), &self.ask(&json!({ "qualifiers": numbers }))).await
    }

    fn ask(&self, employees: &Value) -> Value {
        let today = self.sim.world().now().date_naive();
        let (start, end) = (today - chrono::Days::new(2), today + chrono::Days::new(2));
        let range = json!({ "startDate": start.to_string(), "endDate": end.to_string() });
        json!({ "select": ["PUNCHES", "WORKED_SHIFTS"], "where": { "employees": employees, "dateRange": range } })
    }

    async fn people(&self, names: &[&str]) -> (u16, Value) {
        self.post(PEOPLE_PATH, &json!({ "where": { "employees": { "key": "username", "values": names }, "extensionType": "employee" } }))
            .await
    }

    async fn data(&self, numbers: &[&str], options: Value) -> (u16, Value) {
        let body = json!({
            "select": [{ "key": "PEOPLE_USER_ACCOUNT_NAME" }, { "key": "TK_ON_PREMISE", "alias": "here" }],
            "from": { "view": "EMP", "employeeSet": {
                "employees": { "qualifiers": numbers }, "dateRange": { "symbolicPeriod": { "qualifier": "Today" } },
            } },
            "options": options,
        });
        self.post(DATA_PATH, &body).await
    }
}

async fn json_of(call: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = call.send().await.unwrap();
    let status = answer.status().as_u16();
    assert!(answer.headers().contains_key("kronos-tid"));
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

fn world() -> World {
    World::new("2026-07-01T16:00:30Z".parse().unwrap())
}

#[tokio::test]
async fn the_classic_login_checks_everything() {
    let api = Api::start(world()).await;
    let (status, body) = api.login(&[]).await;
    assert_eq!((status, &body["expires_in"], &body["token_type"]), (200, &json!(1799), &json!("Bearer")));
    let refresh = body["refresh_token"].as_str().unwrap();
    let (status, body) = api.login(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert!(status == 200 && body.get("refresh_token").is_none());
    for (field, value, status, error) in [
        ("password", "no", 400, "invalid_grant"),
        ("auth_chain", "no", 400, "invalid_grant"),
        ("client_secret", "no", 401, "invalid_client"),
        ("grant_type", "no", 400, "unsupported_grant_type"),
    ] {
        let answer = api.login(&[(field, value)]).await;
        assert_eq!((answer.0, &answer.1["error"]), (status, &json!(error)), "{field}");
    }
    let in_query = client().post(format!("{}{TOKEN_PATH}?username=APIUser", api.sim.url()));
    assert_eq!(json_of(in_query.header("content-type", "application/x-www-form-urlencoded")).await.0, 400);
    assert_eq!(api.sim.issued_tokens().len(), 5);
}

#[tokio::test]
async fn logins_go_wrong_as_the_switch_says() {
    let api = Api::start(world()).await;
    for (login, status, error) in [
        (Login::Locked, 400, json!("invalid_grant")),
        (Login::GrantNotAllowed, 400, json!("unauthorized_client")),
        (Login::Html, 200, Value::Null),
    ] {
        api.sim.set(|switches| switches.login = login);
        let answer = api.login(&[]).await;
        assert_eq!((answer.0, &answer.1["error"]), (status, &error), "{login:?}");
    }
    api.sim.set(|switches| (switches.login, switches.app_key_required) = (Login::Works, true));
    assert_eq!(api.login(&[]).await.1["errorCode"], "GTW-ERROR-001");
    assert_eq!(api.get(CURRENT_USER_PATH).await.0, 401);
    let call = client().get(api.sim.url() + CURRENT_USER_PATH).header("authorization", &api.token);
    assert_eq!(json_of(call.header("appkey", api.sim.credentials().app_key)).await.1["userName"], "APIUser");
    api.sim.faults().add(Fault::on(TOKEN_PATH).token_spike(3).times(1));
    assert_eq!(api.login(&[]).await.1["errorCode"], "GTW-ERROR-012");
}

#[tokio::test]
async fn the_newer_login_wants_realm_and_audience() {
    let api = Api::start(world()).await;
    let known = api.sim.credentials().clone();
    let body = json!({
        "grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": known.realm, "audience": known.audience,
        "client_id": known.client_id, "client_secret": known.client_secret, "username": known.user_name, "password": known.password,
    });
    assert_eq!(api.post(UKG_TOKEN_PATH, &body).await.0, 200);
    for (field, status) in [("realm", 400), ("audience", 403), ("client_secret", 401), ("password", 403), ("grant_type", 403)] {
        let mut wrong = body.clone();
        wrong[field] = json!("no");
        assert_eq!(api.post(UKG_TOKEN_PATH, &wrong).await.0, status, "{field}");
    }
    let system = json!({
        "grant_type": "client_credentials", "organization": known.organization, "audience": known.audience,
        "client_id": known.client_id, "client_secret": known.client_secret,
    });
    assert_eq!(api.post(UKG_TOKEN_PATH, &system).await.0, 200);
}

#[tokio::test]
async fn tokens_die_and_functions_are_refused() {
    let api = Api::start(world()).await;
    assert_eq!(api.get(ZONES_PATH).await.1.as_array().unwrap().len(), 7);
    api.sim.set(|switches| switches.zones = ZoneAnswer::Single);
    assert_eq!(api.get(ZONES_PATH).await.1["id"], 13411);
    api.sim.set(|switches| {
        switches.forbidden.insert(ZONES_PATH.to_owned());
        switches.unlicensed.insert(PEOPLE_PATH.to_owned());
    });
    assert_eq!(api.get(ZONES_PATH).await.0, 403);
    assert_eq!(api.people(&["a"]).await.1["errorCode"], "WFA-000030");
    api.sim.revoke_tokens();
    let answer = client().get(api.sim.url() + CURRENT_USER_PATH).bearer_auth(&api.token).send().await.unwrap();
    assert!(answer.status() == 401 && answer.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let api = Api::start(world()).await;
    for (path, body, code) in [
        (TIMECARD_PATH, json!({ "where": {}, "extra": 1 }), "WFP-90011"),
        (TIMECARD_PATH, json!({ "where": { "hyperfind": {} } }), "WFP-90011"),
        (TIMECARD_PATH, json!({ "where": { "employees": {} } }), "WTK-145007"),
        (TIMECARD_PATH, json!([]), "WFP-90009"),
        (PEOPLE_PATH, json!({ "where": { "employees": { "key": "shoe", "values": ["a"] } } }), "WCO-101203"),
        (PEOPLE_PATH, json!({ "where": { "employees": { "key": "username", "values": [] } } }), "WCO-101202"),
        (PEOPLE_PATH, json!({ "where": { "employees": { "key": "username", "values": "a" } } }), "WFP-90009"),
        (DATA_PATH, json!({ "select": [{ "key": "TK_ON_PREMISE" }] }), "WCO-106151"),
        (PUNCHES_PATH, json!({ "where": { "dateRange": {} }, "index": 0, "count": 26 }), "WTK-124918"),
    ] {
        let answer = api.post(path, &body).await;
        assert_eq!((answer.0, &answer.1["errorCode"]), (400, &json!(code)), "{path} {body}");
    }
    let both = api.ask(&json!({ "ids": [1], "qualifiers": ["1"] }));
    assert_eq!(api.post(TIMECARD_PATH, &both).await.1["errorCode"], "WFP-90009");
    let call = client().post(api.sim.url() + PEOPLE_PATH).bearer_auth(&api.token).body("{}");
    assert_eq!(json_of(call).await.0, 415);
}

#[tokio::test]
async fn long_lists_are_refused() {
    let api = Api::start(World::company(world().now(), 600, 1)).await;
    let names: Vec<String> = (0..1001).map(|at| format!("w{at:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(api.people(&names).await.1["errorCode"], "WCO-101207");
    let answer = api.post(TIMECARD_PATH, &api.ask(&json!({ "ids": (1..=501).collect::<Vec<u64>>() }))).await;
    assert_eq!((answer.0, &answer.1["errorCode"]), (400, &json!("WTK-145051")));
    let answer = api.data(&names[..501], json!({})).await;
    assert_eq!((answer.0, &answer.1["details"]["limits"][0]["maximum"]), (413, &json!(500)));
    api.sim.set(|switches| switches.list_limit = Some(ListLimit { most: 50, status: 504 }));
    assert_eq!(api.people(&names[..51]).await.0, 504);
    assert!([200, 207].contains(&api.people(&names[..50]).await.0));
    assert_eq!(api.sim.calls().longest_list_to(TIMECARD_PATH), Some(501));
    let heavy = json!({ "where": { "employees": { "key": "username", "values": ["x".repeat(1_100_000)] } } });
    let call = client().post(api.sim.url() + PEOPLE_PATH).bearer_auth(&api.token).body(heavy.to_string());
    assert_eq!(call.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn people_are_found_by_user_name() {
    let world = world();
    world.person("adiaz").named("Ana Diaz").number("100007").badge("7");
    world.person("hid").hidden_from_api_user();
    world.kronos_person("twin");
    world.kronos_person("Twin");
    let api = Api::start(world).await;
    let (status, body) = api.people(&["ADIAZ", "nobody", "hid", "twin"]).await;
    assert_eq!((status, body.as_array().unwrap().len()), (207, 4));
    assert_eq!(body[0]["employeeExtension"]["personNumber"], "100007");
    assert_eq!(body[0]["employeeExtension"]["timeZone"], "(GMT -05:00) Eastern Time");
    assert_eq!(body[1]["error"]["errorCode"], "WCO-101263");
    api.sim.set(|switches| (switches.user_name_case_sensitive, switches.people_partial) = (true, PeoplePartial::Silent));
    let (status, body) = api.people(&["ADIAZ", "twin"]).await;
    assert_eq!((status, body.as_array().unwrap().len()), (200, 1));
    api.sim.set(|switches| (switches.hidden_people, switches.people_partial) = (HiddenPeople::Refused, PeoplePartial::Wrapper207));
    let (status, body) = api.people(&["adiaz", "hid"]).await;
    assert_eq!((status, &body["details"]["error-offsets"]), (207, &json!([1])));
    assert_eq!(body["details"]["results"][0]["success"]["employeeExtension"]["userName"], "adiaz");
}

#[tokio::test]
async fn a_timecard_shows_local_times_and_the_open_span() {
    let world = world();
    world.person("adiaz").number("100007").clocked_in(hours(3)).last_punch_as(Override::In);
    world.person("bking").number("100008").zone(BERLIN).clocked_in(hours(3)).on_break(minutes(20)).phantom_punch(minutes(1));
    let api = Api::start(world).await;
    let (status, cards) = api.cards(&["100007", "100008"]).await;
    assert_eq!(status, 200);
    let (ana, bo) = (&cards[0], &cards[1]);
    assert_eq!(ana["punches"][0]["punchDtm"], "2026-07-01T09:00:30");
    assert_eq!(ana["punches"][0]["typeOverride"]["qualifier"], "In Punch");
    let shift = &ana["workedShifts"][0];
    assert_eq!((&shift["inProgress"], shift.get("endDateTime")), (&json!(true), None));
    assert_eq!(shift["workedSpans"][0]["startPunch"]["id"], ana["punches"][0]["id"]);
    assert!(shift["workedSpans"][0].get("endPunch").is_none());
    assert_eq!((bo["punches"].as_array().unwrap().len(), &bo["punches"][1]["punchDtm"]), (2, &json!("2026-07-01T17:40:30")));
    assert_eq!(bo["workedShifts"][0]["workedSpans"][0]["endTimezone"]["id"], BERLIN);
    api.sim.set(|switches| (switches.open_end, switches.milliseconds) = (OpenEnd::Now, true));
    let (_, cards) = api.cards(&["100007"]).await;
    assert_eq!(cards[0]["workedShifts"][0]["endDateTime"], "2026-07-01T12:00:30.000");
}

#[tokio::test]
async fn the_end_date_is_exclusive_and_punches_widen() {
    let world = world();
    world.person("adiaz").number("100007").worked(hours(24), hours(20)).clocked_in(hours(3));
    let api = Api::start(world).await;
    let mut ask = api.ask(&json!({ "qualifiers": ["100007"] }));
    ask["where"]["dateRange"] = json!({ "startDate": "2026-06-30", "endDate": "2026-07-01" });
    let (_, cards) = api.post(TIMECARD_PATH, &ask).await;
    let lengths = |cards: &Value| ["punches", "workedShifts"].map(|list| cards[0][list].as_array().map(Vec::len));
    assert_eq!(lengths(&cards), [Some(3), Some(1)]);
    ask["select"] = json!(["PUNCHES"]);
    assert_eq!(lengths(&api.post(TIMECARD_PATH, &ask).await.1), [Some(2), None]);
    api.sim.set(|switches| switches.end_date_inclusive = true);
    assert_eq!(lengths(&api.post(TIMECARD_PATH, &ask).await.1), [Some(3), None]);
}

#[tokio::test]
async fn some_fail_and_the_rest_arrive_in_both_forms() {
    let world = world();
    world.person("adiaz").number("1").clocked_in(hours(3));
    world.person("bking").number("2").errors_with("WTK-199999", "totals are broken");
    world.person("hid").number("3").hidden_from_api_user();
    let api = Api::start(world).await;
    let (status, body) = api.cards(&["1", "2", "3", "4"]).await;
    assert_eq!((status, &body["details"]["error-offsets"]), (207, &json!([1, 2])));
    assert_eq!(body["details"]["results"][1]["error"]["errorCode"], "WTK-199999");
    api.sim.set(|switches| (switches.partial, switches.hidden_people) = (Partial::FlatArray, HiddenPeople::Refused));
    let (status, body) = api.cards(&["1", "2", "3"]).await;
    assert_eq!((status, body.as_array().unwrap().len(), &body[2]["error"]["errorCode"]), (207, 3, &json!("WCO-101263")));
    assert_eq!(body[0]["success"]["employee"]["qualifier"], "1");
    // Without partial success, one failure fails all.
    let whole = api.post(TIMECARD_PATH, &api.ask(&json!({ "qualifiers": ["1", "2"] }))).await;
    assert_eq!((whole.0, &whole.1["errorCode"]), (400, &json!("WTK-199999")));
}

#[tokio::test]
async fn the_data_read_is_cached_by_tag_until_refreshed() {
    let world = world();
    let ana = world.person("adiaz").number("1").clocked_in(hours(3)).on_break(minutes(5));
    let api = Api::start(world).await;
    let shown = |body: &Value| body["data"]["children"][0]["attributes"][1]["rawValue"].clone();
    let (status, body) = api.data(&["1"], json!({ "requestTag": "t" })).await;
    assert_eq!((status, shown(&body), &body["metadata"]["totalElements"]), (200, json!("true"), &json!("1")));
    assert_eq!(body["data"]["children"][0]["attributes"][1]["alias"], "here");
    ana.clocked_out(minutes(1));
    assert_eq!(shown(&api.data(&["1"], json!({ "requestTag": "t" })).await.1), "true");
    assert_eq!(shown(&api.data(&["1"], json!({ "requestTag": "t", "refresh": true })).await.1), "false");
    api.sim.set(|switches| switches.boolean_text = ("Yes".to_owned(), "No".to_owned()));
    assert_eq!(shown(&api.data(&["1"], json!({})).await.1), "No");
    api.sim.set(|switches| switches.data_provider_over_limit = true);
    let (status, body) = api.data(&["1"], json!({})).await;
    assert_eq!((status, &body["metadata"]["errors"][0]["code"], shown(&body)), (200, &json!("WFM-COMMON-1234"), Value::Null));
    assert_eq!(api.data(&["9"], json!({})).await.1["errorCode"], "WCO-106017");
}

#[tokio::test]
async fn punches_in_real_time_come_in_pages() {
    let world = World::new("2026-07-01T16:00:00Z".parse().unwrap());
    for at in 0..30 {
        world.person(&format!("w{at}")).number(&at.to_string()).punch_untotalled(minutes(10));
    }
    let api = Api::start(world).await;
    let numbers: Vec<String> = (0..30).map(|at: i32| at.to_string()).collect();
    let ask = |index: usize, start: &str, end: &str| {
        let filter = json!({ "employees": { "qualifiers": numbers }, "dateRange": { "startDateTime": start, "endDateTime": end } });
        json!({ "where": filter, "index": index, "count": 25 })
    };
    let (_, first) = api.post(PUNCHES_PATH, &ask(0, "2026-07-01T11:30:00", "2026-07-01T12:00:00")).await;
    let (_, second) = api.post(PUNCHES_PATH, &ask(1, "2026-07-01T11:30:00", "2026-07-01T12:00:00")).await;
    assert_eq!(first["data"].as_array().unwrap().len() + second["data"].as_array().unwrap().len(), 30);
    assert_eq!(first["metadata"]["totalPages"], 2);
    let (_, empty) = api.post(PUNCHES_PATH, &ask(0, "2026-07-01T09:00:00", "2026-07-01T10:00:00")).await;
    assert!(empty.get("data").is_none());
    let (_, long) = api.post(PUNCHES_PATH, &ask(0, "2026-07-01T09:00:00", "2026-07-01T10:01:00")).await;
    assert_eq!(long["errorCode"], "WTK-124919");
}

#[tokio::test]
async fn it_starts_again_at_the_same_address() {
    let sim = UkgSim::start(world()).await.unwrap();
    let address = sim.address();
    sim.stop().await;
    assert!(client().get(format!("http://{address}/")).send().await.unwrap_err().is_connect());
    let again = UkgSim::start_on(world(), &address).await.unwrap();
    assert_eq!(again.address(), address);
}

#[tokio::test]
async fn everybody_comes_in_pages_without_user_names_and_the_hidden_do_not() {
    let world = world();
    for n in 0..5 {
        world.person(&format!("w{n}")).number(&format!("10{n}"));
    }
    world.person("w1").terminated();
    world.person("w2").hidden_from_api_user();
    world.person("w3").not_in_kronos();
    let api = Api::start(world).await;
    let ask = async |body: Value| api.post(EVERYBODY_PATH, &body).await;
    let (status, first) = ask(json!({ "where": {}, "index": 0, "count": 2 })).await;
    let numbers = |page: &Value| page["records"].as_array().unwrap().iter().map(|one| one["personNumber"].clone()).collect::<Vec<_>>();
    assert_eq!((status, &first["totalElements"], numbers(&first)), (200, &json!("3"), vec![json!("100"), json!("101")]));
    assert_eq!((&first["records"][1]["employmentStatus"], first["records"][1].get("userName")), (&json!("Terminated"), None));
    assert_eq!(numbers(&ask(json!({ "where": {}, "index": 1, "count": 2 })).await.1), ["104"]);
    assert_eq!(numbers(&ask(json!({ "where": { "employmentStatus": "terminated" } })).await.1), ["101"]);
    for (body, status, code) in [
        (json!({}), 400, "WFP-90009"),
        (json!({ "where": { "who": 1 } }), 400, "WFP-90011"),
        (json!({ "where": { "employmentStatus": "asleep" } }), 400, "WCO-101724"),
        (json!({ "where": { "userAccountStatus": "asleep" } }), 400, "WCO-101725"),
        (json!({ "where": {}, "index": -1 }), 400, "WCO-101726"),
        (json!({ "where": {}, "count": 0 }), 400, "WCO-101727"),
        (json!({ "where": { "snapshotDate": "soon" } }), 400, "WFP-90100"),
        (json!({ "where": {}, "count": 10_001 }), 413, "WCO-101338"),
    ] {
        let answer = ask(body.clone()).await;
        assert_eq!((answer.0, &answer.1["errorCode"]), (status, &json!(code)), "{body}");
    }
    api.sim.set(|switches| {
        switches.forbidden.insert(EVERYBODY_PATH.to_owned());
    });
    assert_eq!(ask(json!({ "where": {} })).await.1["errorCode"], "WCO-101344");
}
