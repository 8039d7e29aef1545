//! The SCIM reads: lists with filter, order and pages, by GET and by POST, and single resources.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access::attributes::{Attributes, Resource};
use crate::access::filter::{Filter, Parsed};
use crate::access::resource::{group_json, send, user_json};
use crate::access::{Access, AccessSwitches};
use crate::world::{Group, State as Facts, User};

/// The page size when none is asked for.
const DEFAULT_COUNT: usize = 20;

/// What a list read asks for, as text: queries and bodies come to the same.
#[derive(Debug, Default)]
struct Ask {
    filter: Option<String>,
    attributes: String,
    start: Option<String>,
    count: Option<String>,
    sort_by: Option<String>,
    descending: bool,
}

/// An error of the SCIM reads.
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        send(self.status, &json!({ "errors": [{ "code": self.code, "message": self.message, "parameters": null }] }))
    }
}

/// An answer or the refusal in its place.
type Answer = Result<Response, Refusal>;

pub(crate) async fn groups(State(access): State<Arc<Access>>, RawQuery(query): RawQuery) -> Answer {
    list(&access, &from_query(&query.unwrap_or_default()), Resource::Group)
}

pub(crate) async fn users(State(access): State<Arc<Access>>, RawQuery(query): RawQuery) -> Answer {
    list(&access, &from_query(&query.unwrap_or_default()), Resource::User)
}

pub(crate) async fn search_groups(State(access): State<Arc<Access>>, bytes: Bytes) -> Answer {
    list(&access, &from_body(&bytes)?, Resource::Group)
}

pub(crate) async fn search_users(State(access): State<Arc<Access>>, bytes: Bytes) -> Answer {
    list(&access, &from_body(&bytes)?, Resource::User)
}

pub(crate) async fn group(State(access): State<Arc<Access>>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let attributes = attributes(&from_query(&query.unwrap_or_default()), Resource::Group)?;
    let state = access.world.read();
    let found = state.group_by_id(&id).and_then(|at| state.groups.get(at).map(|group| (at, group)));
    let (at, group) = found.ok_or_else(|| refusal(404, "group.not.found", "Group does not exist"))?;
    Ok(send(200, &group_json(&state, at, group, &attributes, access.switches().flatten_nested)))
}

pub(crate) async fn user(State(access): State<Arc<Access>>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let attributes = attributes(&from_query(&query.unwrap_or_default()), Resource::User)?;
    let state = access.world.read();
    let user = state.user_by_id(&id).ok_or_else(|| refusal(404, "user.not.found", "User does not exist"))?;
    match user.unreadable {
        Some(status) => Err(refusal(status, "user.unreadable", "The user cannot be read")),
        None => Ok(send(200, &user_json(&state, user, &attributes))),
    }
}

fn from_query(query: &str) -> Ask {
    let mut ask = Ask::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
        match name.as_str() {
            "filter" => ask.filter = Some(value),
            "attributes" => ask.attributes = value,
            "startIndex" => ask.start = Some(value),
            "count" => ask.count = Some(value),
            "sortBy" => ask.sort_by = Some(value),
            "sortOrder" => ask.descending = value == "descending",
            _ => {}
        }
    }
    ask
}

fn from_body(bytes: &Bytes) -> Result<Ask, Refusal> {
    let body: Value = serde_json::from_slice(bytes).map_err(|_| refusal(400, "invalid.request", "The search request is invalid"))?;
    let text = |name: &str| match body.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(list)) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Ok(Ask {
        filter: text("filter"),
        attributes: text("attributes").unwrap_or_default(),
        start: text("startIndex"),
        count: text("count"),
        sort_by: text("sortBy"),
        descending: text("sortOrder").as_deref() == Some("descending"),
    })
}

fn list(access: &Access, ask: &Ask, resource: Resource) -> Answer {
    let (state, switches) = (access.world.read(), access.switches());
    let attributes = attributes(ask, resource)?;
    let mut found = filtered(&state, ask, resource, &switches)?;
    sort(&state, ask, resource, &mut found)?;
    let (start, offset) = first(ask, &switches)?;
    if switches.pages_move && offset > 0 {
        let turn = access.turn_page() % found.len().max(1);
        found.rotate_left(turn);
    }
    let count = number(ask.count.as_deref(), DEFAULT_COUNT)?.min(switches.most_per_page.unwrap_or(usize::MAX));
    let page = found.iter().skip(offset).take(count);
    let resources: Vec<Value> = match resource {
        Resource::User => page.filter_map(|at| state.users.get(*at)).map(|user| user_json(&state, user, &attributes)).collect(),
        Resource::Group => page
            .filter_map(|at| state.groups.get(*at).map(|group| (at, group)))
            .map(|(at, group)| group_json(&state, *at, group, &attributes, switches.flatten_nested))
            .collect(),
    };
    let schemas = ["urn:scim:schemas:core:1.0"];
    let answer = json!({
        "totalResults": found.len(), "itemsPerPage": resources.len(), "startIndex": start, "schemas": schemas, "Resources": resources,
    });
    Ok(send(200, &answer))
}

fn attributes(ask: &Ask, resource: Resource) -> Result<Attributes, Refusal> {
    let wrong = |name: String| refusal(400, "invalid.attributes", &format!("Unknown attribute: {name}"));
    Attributes::parse(&ask.attributes, resource).map_err(wrong)
}

fn filtered(state: &Facts, ask: &Ask, resource: Resource, switches: &AccessSwitches) -> Result<Vec<usize>, Refusal> {
    let wrong = || refusal(400, "invalid.filter", "The specified filter operation is invalid");
    let filter = match ask.filter.as_deref().map(Filter::parse) {
        None => None,
        Some(Parsed::Filter(filter)) => Some(filter),
        Some(Parsed::Nobody) => return Ok(Vec::new()),
        Some(Parsed::Wrong) => return Err(wrong()),
    };
    let exists = |filter: &Filter| match resource {
        Resource::User => user_field(&User::new(String::new(), "", ""), &filter.attribute).is_some(),
        Resource::Group => group_field(&Group::new(String::new(), "", ""), &filter.attribute).is_some(),
    };
    if filter.as_ref().is_some_and(|filter| !exists(filter)) {
        return Err(wrong());
    }
    let passes = |value: &dyn Fn(&str) -> Option<String>| {
        let value = |filter: &Filter| value(&filter.attribute).is_some_and(|text| filter.passes(&text, switches.filter_case_sensitive));
        filter.as_ref().is_none_or(value)
    };
    Ok(match resource {
        Resource::User => {
            let users = state.users.iter().enumerate().filter(|(_, user)| !user.gone);
            users.filter(|(_, user)| passes(&|name| user_field(user, name))).map(|(at, _)| at).collect()
        }
        Resource::Group => {
            let groups = state.groups.iter().enumerate().filter(|(_, group)| !group.gone);
            groups.filter(|(_, group)| passes(&|name| group_field(group, name))).map(|(at, _)| at).collect()
        }
    })
}

/// What a filter or an order may look at. Mail addresses are not among them.
fn user_field(user: &User, name: &str) -> Option<String> {
    Some(match name.to_lowercase().as_str() {
        "id" => user.id.clone(),
        "username" => user.user_name.clone(),
        "userprincipalname" => format!("{}@{}", user.user_name, user.domain),
        "domain" => user.domain.clone(),
        "active" => user.active.to_string(),
        "userstatus" => user.status.to_string(),
        "name.givenname" => user.given_name.clone(),
        "name.familyname" => user.family_name.clone(),
        "employeenumber" => user.employee_number.clone().unwrap_or_default(),
        _ => return None,
    })
}

fn group_field(group: &Group, name: &str) -> Option<String> {
    Some(match name.to_lowercase().as_str() {
        "id" => group.id.clone(),
        "displayname" => group.name.clone(),
        "domain" => group.domain.clone(),
        "distinguishedname" => format!("CN={},DC={}", group.name, group.domain.replace('.', ",DC=")),
        "internalgrouptype" => group.kind.text().to_owned(),
        _ => return None,
    })
}

/// A wrong order is 404 for users and 400 for groups; the API file says so.
fn sort(state: &Facts, ask: &Ask, resource: Resource, found: &mut [usize]) -> Result<(), Refusal> {
    let Some(by) = ask.sort_by.as_deref() else { return Ok(()) };
    let key = |at: &usize| match resource {
        Resource::User => state.users.get(*at).and_then(|user| user_field(user, by)),
        Resource::Group => state.groups.get(*at).and_then(|group| group_field(group, by)),
    };
    let (known, status) = match resource {
        Resource::User => (user_field(&User::new(String::new(), "", ""), by).is_some(), 404),
        Resource::Group => (group_field(&Group::new(String::new(), "", ""), by).is_some(), 400),
    };
    if !known {
        return Err(refusal(status, "invalid.sortBy", "The sortBy parameter is invalid"));
    }
    found.sort_by_cached_key(key);
    if ask.descending {
        found.reverse();
    }
    Ok(())
}

/// The start index to report, and how many entries lie before it.
fn first(ask: &Ask, switches: &AccessSwitches) -> Result<(usize, usize), Refusal> {
    let start = number(ask.start.as_deref(), switches.first_index)?.max(switches.first_index);
    Ok((start, start - switches.first_index))
}

/// A bad number is 404; the API file says so.
fn number(text: Option<&str>, default: usize) -> Result<usize, Refusal> {
    let wrong = |_| refusal(404, "invalid.parameter", "The count or startIndex parameter is invalid");
    text.map_or(Ok(default), |text| text.parse().map_err(wrong))
}

fn refusal(status: u16, code: &'static str, message: &str) -> Refusal {
    Refusal { status, code, message: message.to_owned() }
}
