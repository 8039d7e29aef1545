//! The API user, and people by user name, number, id or badge.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::ukg::answer::{self, Answer, Refusal, flag, given, id, list, object, send, text};
use crate::ukg::{HiddenPeople, PeoplePartial, Ukg, UkgSwitches};
use crate::world::{EASTERN, Person, State as Facts};

const MOST_PEOPLE: usize = 1000;
const WHERE: &[&str] = &[
    "employees",
    "extensionType",
    "hyperFindFilter",
    "includeAccrualPolicyDetails",
    "isEmployeeAllowed",
    "onlyActivePerson",
    "snapshotDate",
    "snapshotDateTime",
];
const TYPES: &[&str] = &["accrual", "device", "employee", "scheduling", "timekeeping"];

/// `GET /api/v1/commons/persons/current_user_info`. The API user is no worker of the world.
pub(crate) async fn current_user(State(ukg): State<Arc<Ukg>>) -> Answer {
    let facts = ukg.world.read();
    let zone = facts.zone_of(EASTERN);
    let body = json!({
        "employeeId": 1,
        "personNumber": "API",
        "firstName": "API",
        "middleInitial": "",
        "lastName": "User",
        "userName": ukg.credentials.user_name,
        "userLocale": "en-US",
        "timeZone": {
            "timeZoneId": EASTERN.to_string(),
            "displayName": zone.map(|zone| zone.qualifier.clone()),
            "shortName": "ET",
            "gmtOffset": zone.map(crate::world::Zone::winter_offset_minutes),
            "dateFormat": "M/dd/yyyy",
        },
    });
    Ok(send(200, &body))
}

/// `POST /api/v1/commons/persons/extensions/multi_read`.
pub(crate) async fn extensions(State(ukg): State<Arc<Ukg>>, headers: HeaderMap, bytes: Bytes) -> Answer {
    let (switches, facts) = (ukg.switches(), ukg.world.read());
    let body = answer::body(&headers, &bytes)?;
    let map = object(&body, &["failOnNoAssignment", "returnUnassignedEmployees", "where"])?;
    let filter = object(given(map, "where").ok_or_else(|| Refusal::shape("where is required."))?, WHERE)?;
    extension_type(filter)?;
    let only_active = flag(filter, "onlyActivePerson")?;
    let (key, values) = wanted(filter)?;
    within_limits(values.len(), &switches)?;
    let found = values.iter().map(|value| find(&facts, &key, value, &switches).map(|people| (value, people)));
    let mut items = Vec::new();
    for (value, people) in found.collect::<Result<Vec<_>, _>>()? {
        let missing = people.is_empty() || (people.iter().any(|person| person.hidden) && switches.hidden_people == HiddenPeople::Refused);
        if missing {
            items.push(Err(Refusal::bad("WCO-101263", format!("Person not found or not visible: {value}"))));
            continue;
        }
        let seen = people.into_iter().filter(|person| !person.hidden && (person.active || !only_active));
        items.extend(seen.map(|person| Ok(extension(&facts, person))));
    }
    Ok(compose(items, switches.people_partial))
}

fn extension_type(filter: &Map<String, Value>) -> Result<(), Refusal> {
    match text(filter, "extensionType")? {
        Some(kind) if !TYPES.contains(&kind) => Err(Refusal::bad("WCO-101201", "Invalid extension type in request.")),
        _ => Ok(()),
    }
}

fn wanted(filter: &Map<String, Value>) -> Result<(String, &[Value]), Refusal> {
    let employees = given(filter, "employees").ok_or_else(|| Refusal::bad("WCO-101231", "Property - employees."))?;
    let employees = object(employees, &["key", "values", "multi_key", "multi_key_values"])?;
    let key = text(employees, "key")?.unwrap_or_default().to_lowercase();
    if given(employees, "multi_key").is_some() {
        return Err(Refusal::bad("WCO-101314", "Only one property is allowed for request either key or multi_key."));
    }
    if !["personid", "personnumber", "username", "useraccountid", "badgenumber", "useremailaddress"].contains(&key.as_str()) {
        return Err(Refusal::bad("WCO-101203", "Invalid or empty key provided in request."));
    }
    match list(employees, "values")? {
        Some(values) if !values.is_empty() => Ok((key, values)),
        _ => Err(Refusal::bad("WCO-101202", "Invalid or empty values provided in request.")),
    }
}

fn within_limits(asked: usize, switches: &UkgSwitches) -> Result<(), Refusal> {
    if let Some(limit) = switches.list_limit.filter(|limit| asked > limit.most) {
        return Err(Refusal::over_limit(limit.status, "WCO-101207", asked, limit.most));
    }
    if asked > MOST_PEOPLE {
        let text = format!("Service limit error, number of records exceed the allowed limit : {MOST_PEOPLE}");
        return Err(Refusal::new(switches.too_many_people_status, "WCO-101207", text));
    }
    Ok(())
}

/// Everyone a value fits; hidden people too.
fn find<'a>(facts: &'a Facts, key: &str, value: &Value, switches: &UkgSwitches) -> Result<Vec<&'a Person>, Refusal> {
    if matches!(key, "personid" | "useraccountid") {
        let id = id(value).ok_or_else(|| Refusal::bad("WCO-101202", "An id must be a number."))?;
        return Ok(facts.person_by_id(id).into_iter().collect());
    }
    let text = value.as_str().ok_or_else(|| Refusal::shape("values must be texts."))?;
    let same_case = |person: &&Person| !switches.user_name_case_sensitive || person.user_name == text;
    let everyone = || facts.people.iter().filter(|person| !person.gone);
    Ok(match key {
        "username" => facts.people_by_login(text).filter(same_case).collect(),
        "personnumber" => facts.person_by_number(text).into_iter().collect(),
        "badgenumber" => everyone().filter(|person| person.badge.as_deref() == Some(text)).collect(),
        _ => everyone().filter(|person| person.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(text))).collect(),
    })
}

fn compose(items: Vec<Result<Value, Refusal>>, form: PeoplePartial) -> axum::response::Response {
    let failed: Vec<usize> = items.iter().enumerate().filter(|(_, item)| item.is_err()).map(|(at, _)| at).collect();
    let flat = |item: &Result<Value, Refusal>| match item {
        Ok(person) => person.clone(),
        Err(refusal) => json!({ "error": refusal.body(), "exceptionPresent": true }),
    };
    let wrapped = |item: &Result<Value, Refusal>| match item {
        Ok(person) => json!({ "success": person }),
        Err(refusal) => json!({ "error": refusal.body() }),
    };
    match form {
        _ if failed.is_empty() => send(200, &items.iter().map(flat).collect()),
        PeoplePartial::Array207 => send(207, &items.iter().map(flat).collect()),
        PeoplePartial::Array200 => send(200, &items.iter().map(flat).collect()),
        PeoplePartial::Silent => send(200, &items.into_iter().flatten().collect()),
        PeoplePartial::Wrapper207 => {
            let results: Value = items.iter().map(wrapped).collect();
            let details = json!({ "error-offsets": failed, "results": results });
            send(207, &json!({ "errorCode": "WCO-101271", "message": "Completed with error(s).", "details": details }))
        }
    }
}

fn extension(facts: &Facts, person: &Person) -> Value {
    let status = if person.active { "Active" } else { "Terminated" };
    let account = if person.active { "Active" } else { "Inactive" };
    let always = ("1753-01-01", "3000-01-01");
    let badges = person.badge.iter().map(|badge| json!({ "badgeNumber": badge, "effectiveDate": always.0, "expirationDate": always.1 }));
    let emails = person.email.iter().map(|email| json!({ "contactType": "Work", "contactTypeId": 7, "contactData": email }));
    json!({
        "employeeExtension": {
            "personId": person.id,
            "personNumber": person.number,
            "userName": person.user_name,
            "userAccountId": person.id,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "fullName": person.full_name(),
            "active": person.active,
            "accountLocked": false,
            "authenticationType": "Basic",
            "timeZone": facts.zone_of(person.zone).map(|zone| zone.qualifier.clone()),
            "timeZoneId": person.zone,
            "badges": badges.collect::<Value>(),
            "emailContactDataEntries": emails.collect::<Value>(),
            "employmentStatuses": [
                { "employmentStatus": status, "employmentStatusTypeId": 1, "effectiveDate": "2020-01-01", "expirationDate": always.1 },
            ],
            "effDatedAccountStatuses": [
                { "accountStatus": account, "accountStatusTypeId": 1, "effectiveDate": "2020-01-01", "expirationDate": always.1 },
            ],
        },
        "exceptionPresent": false,
    })
}
