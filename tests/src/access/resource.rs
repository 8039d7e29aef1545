//! Users and groups as SCIM 1 resources.

use std::collections::HashSet;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::access::attributes::{Attributes, WORKSPACE};
use crate::world::{Group, Member, State, User, ancestors};

const CORE: &str = "urn:scim:schemas:core:1.0";
const ENTERPRISE: &str = "urn:scim:schemas:extension:enterprise:1.0";
const STORE: &str = "33333333-aaaa-4bbb-8ccc-000000000001";

/// JSON as it is.
pub(crate) fn send(status: u16, body: &Value) -> Response {
    let mut response = body.to_string().into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

/// A user, with no more than the attributes asked for.
pub(crate) fn user_json(state: &State, user: &User, attributes: &Attributes) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: &dyn Fn() -> Value| {
        if attributes.wants(name) {
            map.insert(name.to_owned(), value());
        }
    };
    put("userName", &|| json!(user.user_name));
    put("active", &|| json!(user.active));
    put("name", &|| json!({ "givenName": user.given_name, "familyName": user.family_name }));
    put("emails", &|| user.emails.iter().map(|address| json!({ "value": address })).collect());
    put("groups", &|| groups_of(state, user));
    put("roles", &|| json!([{ "value": "44444444-aaaa-4bbb-8ccc-000000000001", "display": "User" }]));
    put(WORKSPACE, &|| {
        json!({
            "internalUserType": "PROVISIONED",
            "userStatus": user.status.to_string(),
            "domain": user.domain,
            "userPrincipalName": format!("{}@{}", user.user_name, user.domain),
            "userStoreUuid": STORE,
            "softDeleted": user.soft_deleted,
        })
    });
    if user.employee_number.is_some() {
        put(ENTERPRISE, &|| json!({ "employeeNumber": user.employee_number }));
    }
    frame(&mut map, "Users", &user.id, &[CORE, WORKSPACE, ENTERPRISE]);
    attributes.cut(map)
}

/// A group. Without members it has no `members` key.
pub(crate) fn group_json(state: &State, at: usize, group: &Group, attributes: &Attributes, flatten: bool) -> Value {
    let mut map = Map::new();
    map.insert("displayName".to_owned(), json!(group.name));
    map.insert("externalId".to_owned(), json!(format!("ext-{}", group.id)));
    if attributes.wants("members") && group.synced {
        let members = members(state, at, group, flatten);
        if !members.is_empty() {
            map.insert("members".to_owned(), Value::Array(members));
        }
    }
    if attributes.wants(WORKSPACE) {
        map.insert(WORKSPACE.to_owned(), extension(state, at, group));
    }
    frame(&mut map, "Groups", &group.id, &[CORE, WORKSPACE]);
    attributes.cut(map)
}

fn extension(state: &State, at: usize, group: &Group) -> Value {
    let parents = ancestors(&state.groups, &[at]).into_iter().filter_map(|at| state.groups.get(at)).filter(|parent| !parent.gone);
    let parents: Vec<Value> = parents.map(|parent| json!({ "value": parent.id, "display": parent.name })).collect();
    let mut extension = json!({
        "internalGroupType": group.kind.text(),
        "domain": group.domain,
        "distinguishedName": format!("CN={},DC={}", group.name, group.domain.replace('.', ",DC=")),
        "userStoreUuid": STORE,
    });
    if let (false, Some(map)) = (parents.is_empty(), extension.as_object_mut()) {
        map.insert("parents".to_owned(), Value::Array(parents));
    }
    extension
}

fn frame(map: &mut Map<String, Value>, list: &str, id: &str, schemas: &[&str]) {
    map.insert("id".to_owned(), json!(id));
    map.insert("schemas".to_owned(), json!(schemas));
    let location = format!("https://acme.workspaceoneaccess.com/SAAS/jersey/manager/api/scim/{list}/{id}");
    let meta = json!({
        "created": "2025-01-15T08:00:00.000Z", "lastModified": "2025-06-01T08:00:00.000Z", "version": "W/\"1700000000000\"", "location": location,
    });
    map.insert("meta".to_owned(), meta);
}

fn members(state: &State, at: usize, group: &Group, flatten: bool) -> Vec<Value> {
    let mut members: Vec<Value> = group.members.iter().filter_map(|member| member_json(state, *member)).collect();
    if flatten {
        let direct: HashSet<Member> = group.members.iter().copied().collect();
        let below = state.users_below(at).into_iter().map(Member::User).filter(|member| !direct.contains(member));
        members.extend(below.filter_map(|member| member_json(state, member)));
    }
    members
}

/// A member is named by id and display name, never by user name.
fn member_json(state: &State, member: Member) -> Option<Value> {
    match member {
        Member::User(at) => state.users.get(at).map(|user| json!({ "value": user.id, "type": "User", "display": user.display() })),
        Member::Group(at) => {
            let group = state.groups.get(at).filter(|group| !group.gone);
            group.map(|group| json!({ "value": group.id, "type": "Group", "display": group.name }))
        }
    }
}

/// The groups of a user, direct ones first. Groups whose members were not synced do not show here either.
fn groups_of(state: &State, user: &User) -> Value {
    let shown = |at: &usize| state.groups.get(*at).is_some_and(|group| group.synced && !group.gone);
    let direct: Vec<usize> = user.groups.iter().copied().filter(shown).collect();
    let indirect = ancestors(&state.groups, &direct).into_iter().filter(shown);
    let entry = |at: usize, kind: &str| state.groups.get(at).map(|group| json!({ "value": group.id, "type": kind, "display": group.name }));
    let direct_entries = direct.iter().filter_map(|at| entry(*at, "direct"));
    direct_entries.chain(indirect.filter_map(|at| entry(at, "indirect"))).collect()
}
