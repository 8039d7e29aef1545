//! The Access simulator over real TCP, with a raw client.

use base64::Engine;
use serde_json::{Value, json};

use super::*;
use crate::testing::client;
use crate::world::{GroupKind, hours};

const WORKSPACE: &str = "urn:scim:schemas:extension:workspace:1.0";

struct Api {
    sim: AccessSim,
    token: String,
}

impl Api {
    async fn start(world: World) -> Self {
        let mut api = Self { sim: AccessSim::start(world).await.unwrap(), token: String::new() };
        let known = api.sim.credentials();
        let (status, body) = api.login(Some((&known.client_id, &known.client_secret)), "grant_type=client_credentials").await;
        assert_eq!((status, &body["scope"]), (200, &json!("admin")));
        api.token = body["access_token"].as_str().unwrap().to_owned();
        api
    }

    async fn login(&self, basic: Option<(&str, &str)>, form: &str) -> (u16, Value) {
        let mut call = client().post(self.sim.url() + TOKEN_PATH).header("content-type", "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
            call = call.header("authorization", format!("Basic {text}"));
        }
        json_of(call.body(form.to_owned())).await
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        json_of(client().get(format!("{}{path}?{query}", self.sim.url())).bearer_auth(&self.token)).await
    }

    /// Reads a list page by page, the way the answers ask for it.
    async fn all(&self, path: &str, count: &str) -> (Vec<String>, usize) {
        let (mut ids, mut pages, mut start) = (Vec::new(), 0, None::<String>);
        loop {
            let mut query = vec![("count", count), ("attributes", "id")];
            query.extend(start.as_deref().map(|start| ("startIndex", start)));
            let (status, body) = self.get(path, &query).await;
            assert_eq!(status, 200);
            pages += 1;
            let page = body["Resources"].as_array().unwrap();
            ids.extend(page.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()));
            if page.is_empty() || ids.len() as u64 >= body["totalResults"].as_u64().unwrap() {
                return (ids, pages);
            }
            start = Some((body["startIndex"].as_u64().unwrap() + body["itemsPerPage"].as_u64().unwrap()).to_string());
        }
    }
}

async fn json_of(call: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = call.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

fn world() -> World {
    World::new(chrono::Utc::now())
}

#[tokio::test]
async fn the_token_endpoint_answers_as_the_api_file_says() {
    let api = Api::start(world()).await;
    assert_eq!(api.token.split('.').count(), 3);
    let known = api.sim.credentials();
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", known.client_id, known.client_secret);
    assert_eq!(api.login(None, &form).await.0, 200);
    assert_eq!(api.login(Some((&known.client_id, "no")), "grant_type=client_credentials").await.1["error"], "invalid_client");
    assert_eq!(api.login(None, "").await.0, 500);
    assert_eq!(api.login(None, "grant_type=password").await.0, 400);
    assert_eq!(client().get(api.sim.url() + TOKEN_PATH).send().await.unwrap().status(), 405);
    api.sim.reset_secret("another");
    assert_eq!(api.get(USERS_PATH, &[]).await.0, 401);
    assert_eq!(api.login(Some((&known.client_id, &known.client_secret)), "grant_type=client_credentials").await.0, 401);
}

#[tokio::test]
async fn groups_are_found_by_name_in_every_domain() {
    let world = world();
    world.group("Store 12 Hourly").contains_user("adiaz", "stores.example");
    world.group_in("Store 12 Hourly", "partners.example").kind(GroupKind::Internal);
    world.group("Empty");
    let api = Api::start(world).await;
    let (_, body) = api.get(GROUPS_PATH, &[("filter", "displayName eq \"store 12 hourly\"")]).await;
    assert_eq!((&body["totalResults"], &body["startIndex"]), (&json!(2), &json!(1)));
    assert_eq!(body["Resources"][1][WORKSPACE]["internalGroupType"], "INTERNAL");
    api.sim.set(|switches| switches.filter_case_sensitive = true);
    assert_eq!(api.get(GROUPS_PATH, &[("filter", "displayName eq \"store 12 hourly\"")]).await.1["totalResults"], 0);
    let doubly = [("filter", "displayName%20eq%20%22Empty%22")];
    assert_eq!(api.get(GROUPS_PATH, &doubly).await.1["totalResults"], 0);
    let search = json!({ "filter": "displayName sw \"E\"", "attributes": ["displayName"] });
    let call = client().post(api.sim.url() + GROUPS_SEARCH_PATH).bearer_auth(&api.token).body(search.to_string());
    let (_, body) = json_of(call).await;
    let keys: Vec<&String> = body["Resources"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["displayName", "id", "meta", "schemas"]);
}

#[tokio::test]
async fn bad_questions_get_400_or_404() {
    let api = Api::start(world()).await;
    for (path, name, value, status) in [
        (USERS_PATH, "filter", "emails eq \"a\"", 400),
        (USERS_PATH, "filter", "userName eq \"a\" and active eq true", 400),
        (USERS_PATH, "attributes", "shoeSize", 400),
        (USERS_PATH, "sortBy", "shoeSize", 404),
        (GROUPS_PATH, "sortBy", "shoeSize", 400),
        (USERS_PATH, "count", "many", 404),
        (GROUPS_PATH, "startIndex", "-1", 404),
        (&format!("{USERS_PATH}/none"), "attributes", "", 404),
    ] {
        assert_eq!(api.get(path, &[(name, value)]).await.0, status, "{path} {name}={value}");
    }
}

#[tokio::test]
async fn pages_hold_twenty_or_what_the_cap_allows() {
    let api = Api::start(World::company(chrono::Utc::now(), 130, 1)).await;
    assert_eq!(api.get(USERS_PATH, &[]).await.1["itemsPerPage"], 20);
    for first_index in [1, 0] {
        api.sim.set(|switches| (switches.first_index, switches.most_per_page) = (first_index, Some(50)));
        let (mut ids, pages) = api.all(USERS_PATH, "1000").await;
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), pages), (130, 3), "{first_index}");
    }
    api.sim.set(|switches| switches.first_index = 1);
    let zero = api.get(USERS_PATH, &[("startIndex", "0"), ("sortBy", "userName"), ("sortOrder", "descending")]).await.1;
    assert_eq!((&zero["startIndex"], &zero["Resources"][0]["userName"]), (&json!(1), &json!("w00129")));
    api.sim.set(|switches| switches.pages_move = true);
    let (mut ids, _) = api.all(USERS_PATH, "1000").await;
    ids.sort();
    ids.dedup();
    assert!(ids.len() < 130);
}

#[tokio::test]
async fn users_name_their_groups_direct_and_indirect() {
    let world = world();
    world.group("Region").contains_group("Store");
    let ana = world.person("adiaz").named("Ana Diaz").number("100007").in_group("Store").clocked_in(hours(1));
    world.person("bking").in_group("Store").soft_deleted();
    world.person("gone").in_group("Store").purged();
    world.person("broken").in_group("Region").unreadable(500);
    world.group("Fresh").contains_user("adiaz", "stores.example").not_synced();
    let api = Api::start(world.clone()).await;
    let (_, body) = api.get(USERS_PATH, &[("attributes", &format!("userName,groups,{WORKSPACE}")), ("count", "100")]).await;
    let first = &body["Resources"][0];
    let kinds: Vec<&str> = first["groups"].as_array().unwrap().iter().filter_map(|group| group["type"].as_str()).collect();
    assert_eq!((kinds, first.get("active")), (vec!["direct", "indirect"], None));
    assert_eq!(body["Resources"][1][WORKSPACE]["userStatus"], "3");
    let read = async |path: &str, id: &str| api.get(&format!("{path}/{id}"), &[]).await;
    let (_, user) = read(USERS_PATH, &ana.user_id()).await;
    assert_eq!(user["urn:scim:schemas:extension:enterprise:1.0"]["employeeNumber"], "100007");
    let broken = world.person("broken").user_id();
    assert_eq!((read(USERS_PATH, &broken).await.0, read(USERS_PATH, &world.person("gone").user_id()).await.0), (500, 404));
    assert!(read(GROUPS_PATH, &world.group("Fresh").id()).await.1.get("members").is_none());
    let region = world.group("Region").id();
    let (_, group) = read(GROUPS_PATH, &region).await;
    assert_eq!(
        group["members"],
        json!([
            { "value": world.group("Store").id(), "type": "Group", "display": "Store" }, { "value": broken, "type": "User", "display": "broken" },
        ])
    );
    api.sim.set(|switches| switches.flatten_nested = true);
    assert_eq!(read(GROUPS_PATH, &region).await.1["members"].as_array().unwrap().len(), 5);
    let (_, store) = read(GROUPS_PATH, &world.group("Store").id()).await;
    assert_eq!(store[WORKSPACE]["parents"][0]["display"], "Region");
}

#[tokio::test]
async fn a_group_of_twenty_thousand_is_read_in_a_moment() {
    let (world, _) = World::company_in(chrono::Utc::now(), 20_000, 3, &["Everyone"]);
    let id = world.group("Everyone").id();
    let api = Api::start(world).await;
    let begin = std::time::Instant::now();
    let (_, group) = api.get(&format!("{GROUPS_PATH}/{id}"), &[]).await;
    assert_eq!(group["members"].as_array().unwrap().len(), 20_000);
    let (_, users) = api.get(USERS_PATH, &[("attributes", "userName,groups"), ("count", "20000")]).await;
    assert_eq!(users["itemsPerPage"], 20_000);
    assert!(begin.elapsed() < Duration::from_secs(20));
}
