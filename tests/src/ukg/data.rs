//! `POST /api/v1/commons/data/multi_read`, the Information Access read, as far as "who is on premises" needs it.
//!
//! Its answers are trees whose numbers are texts, and they are cached by request tag: a read without `refresh` can be stale.

use std::sync::{Arc, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};

use crate::ukg::answer::{self, Answer, Refusal, count, flag, given, id, list, object, send, text};
use crate::ukg::select::{Wanted, hyperfind, wanted};
use crate::ukg::{HiddenPeople, Ukg, UkgSwitches};
use crate::world::{Person, State as Facts};

const MOST_PEOPLE: usize = 500;
const MOST_DAYS: i64 = 365;
const ON_PREMISE: [&str; 2] = ["TK_ON_PREMISE", "TK_ON_PREMISE_PAY_FROM_SCHED"];
const OPTIONS: &[&str] = &[
    "extended",
    "includeColumnTotals",
    "isLegacyResponse",
    "metadataKey",
    "refresh",
    "requestTag",
    "responseType",
    "secondaryRequestTag",
    "timeIncrementFormat",
];

/// One column asked for.
struct Column {
    key: String,
    alias: Option<String>,
}

/// Answers a call.
pub(crate) async fn read(State(ukg): State<Arc<Ukg>>, headers: HeaderMap, bytes: Bytes) -> Answer {
    let switches = ukg.switches();
    let body = answer::body(&headers, &bytes)?;
    let map = object(&body, &["count", "from", "groupBy", "index", "options", "select", "sortBy", "where"])?;
    let columns = columns(map)?;
    let (tag, refresh) = options(map)?;
    let rows = match cached(&ukg, &tag, refresh) {
        Some(rows) => rows,
        None => fresh(&ukg, map, &columns, &switches)?,
    };
    ukg.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(tag.clone(), rows.clone());
    page(&ukg, map, &tag, &rows, &switches)
}

fn cached(ukg: &Ukg, tag: &str, refresh: bool) -> Option<Vec<Value>> {
    if refresh { None } else { ukg.cache.lock().unwrap_or_else(PoisonError::into_inner).get(tag).cloned() }
}

fn columns(map: &Map<String, Value>) -> Result<Vec<Column>, Refusal> {
    let select = list(map, "select")?.filter(|list| !list.is_empty()).ok_or_else(|| invalid("select is required"))?;
    let column = |value| {
        let map = object(value, &["key", "alias", "properties"])?;
        let key = text(map, "key")?.ok_or_else(|| invalid("key is required"))?.to_owned();
        Ok(Column { key, alias: text(map, "alias")?.map(str::to_owned) })
    };
    select.iter().map(column).collect()
}

fn options(map: &Map<String, Value>) -> Result<(String, bool), Refusal> {
    let fresh_tag = || uuid::Uuid::now_v7().to_string();
    let Some(options) = given(map, "options") else { return Ok((fresh_tag(), false)) };
    let options = object(options, OPTIONS)?;
    Ok((text(options, "requestTag")?.map_or_else(fresh_tag, str::to_owned), flag(options, "refresh")?))
}

fn fresh(ukg: &Ukg, map: &Map<String, Value>, columns: &[Column], switches: &UkgSwitches) -> Result<Vec<Value>, Refusal> {
    let facts = ukg.world.read();
    let people = employees(&facts, map, switches)?;
    let mut rows = Vec::with_capacity(people.len());
    for wanted in people {
        if let Some(person) = find(&facts, &wanted, switches)? {
            let cells = columns.iter().map(|column| cell(&facts, person, column, switches));
            rows.push(row(person, cells.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()));
        }
    }
    Ok(rows)
}

/// The people of the request, within the limits.
fn employees(facts: &Facts, map: &Map<String, Value>, switches: &UkgSwitches) -> Result<Vec<Wanted>, Refusal> {
    let from = given(map, "from").ok_or_else(|| Refusal::bad("WCO-106151", "Data request FROM parameter required"))?;
    let from = object(from, &["employeeSet", "locationSet", "view", "viewPresentation", "workUnitSet"])?;
    let view = given(from, "view").ok_or_else(|| Refusal::bad("WCO-106154", "View parameter is required"))?;
    if view.as_str() != Some("EMP") && id(view) != Some(0) {
        return Err(invalid("only the employee view is there"));
    }
    let nobody = || Refusal::bad("WCO-106153", "Employee IDs or Hyperfind is required");
    let set = object(given(from, "employeeSet").ok_or_else(nobody)?, &["dateRange", "employees", "hyperfind"])?;
    dates(set)?;
    let people = match (given(set, "employees"), given(set, "hyperfind")) {
        (Some(employees), _) => wanted(employees)?,
        (None, Some(query)) => hyperfind(facts, query)?,
        (None, None) => return Err(nobody()),
    };
    let limit = switches.list_limit.filter(|limit| limit.most < MOST_PEOPLE).map_or((MOST_PEOPLE, 413), |limit| (limit.most, limit.status));
    if people.is_empty() {
        return Err(nobody());
    }
    if people.len() > limit.0 {
        return Err(Refusal::over_limit(limit.1, "WCO-106194", people.len(), limit.0));
    }
    Ok(people)
}

/// The dates must be there and in order, though on-premise columns always speak of today.
fn dates(set: &Map<String, Value>) -> Result<(), Refusal> {
    let missing = || Refusal::bad("WCO-106001", "Date range is missing: either start/end dates or symbolic period should be specified.");
    let range = object(given(set, "dateRange").ok_or_else(missing)?, &["endDate", "options", "startDate", "symbolicPeriod"])?;
    if let Some(period) = given(range, "symbolicPeriod") {
        let period = object(period, &["id", "qualifier", "name"])?;
        let named = text(period, "qualifier")?.is_none_or(|name| ["Today", "Yesterday", "Current_Payperiod"].contains(&name));
        return if named { Ok(()) } else { Err(Refusal::bad("WCO-106019", "Invalid symbolic period.")) };
    }
    let day = |key| text(range, key)?.and_then(|text| text.parse::<NaiveDate>().ok()).ok_or_else(missing);
    match (day("endDate")? - day("startDate")?).num_days() {
        days if days < 0 => Err(Refusal::bad("WCO-106003", "Invalid date range: start date can not be greater than end date.")),
        days if days > MOST_DAYS => Err(Refusal::bad("WCO-112010", "The date range is longer than 365 days.")),
        _ => Ok(()),
    }
}

fn find<'a>(facts: &'a Facts, wanted: &Wanted, switches: &UkgSwitches) -> Result<Option<&'a Person>, Refusal> {
    let person = match wanted {
        Wanted::Id(id) => facts
            .person_by_id(*id)
            .ok_or_else(|| Refusal::bad("WCO-106163", format!("Unable to retrieve specified employee {id} for the selected timeframe."))),
        Wanted::Number(number) => facts.person_by_number(number).ok_or_else(|| {
            Refusal::bad("WCO-106017", format!("Unable to resolve Employee-Qualifier for the specified request parameters: {number}."))
        }),
    }?;
    if !person.active && switches.inactive_fails_data_read {
        return Err(Refusal::bad("WCO-106163", format!("Unable to retrieve specified employee {} for the selected timeframe.", person.id)));
    }
    match (person.hidden, switches.hidden_people) {
        (false, _) => Ok(Some(person)),
        (true, HiddenPeople::Missing) => Ok(None),
        (true, HiddenPeople::Refused) => Err(Refusal::bad("WCO-106028", "Employees are excluded based on your assigned Employee Group.")),
    }
}

/// One attribute; a missing value has none.
fn cell(facts: &Facts, person: &Person, column: &Column, switches: &UkgSwitches) -> Result<Option<Value>, Refusal> {
    let raw = match column.key.as_str() {
        key if ON_PREMISE.contains(&key) && switches.data_provider_over_limit => None,
        "TK_ON_PREMISE" => Some(boolean(on_premise(facts, person, switches), switches)),
        "TK_ON_PREMISE_PAY_FROM_SCHED" => {
            Some(boolean(person.shifts.iter().any(|shift| shift.from_schedule && shift.in_progress), switches))
        }
        "PEOPLE_USER_ACCOUNT_NAME" => Some(person.user_name.clone()),
        "PEOPLE_PERSON_NUMBER" => Some(person.number.clone()),
        "PEOPLE_PERSON_ID" | "EMP_COMMON_ID" => Some(person.id.to_string()),
        "EMP_COMMON_FULL_NAME" => Some(person.full_name()),
        "PEOPLE_EMAIL" => person.email.clone(),
        "PEOPLE_BADGE_NUMBER" => person.badge.clone(),
        "PEOPLE_EMP_STATUS" => Some(if person.active { "Active" } else { "Terminated" }.to_owned()),
        other => return Err(invalid(&format!("data element {other} does not exist"))),
    };
    Ok(raw.map(|raw| {
        let mut cell = json!({ "key": column.key, "rawValue": raw, "value": raw });
        if let (Some(alias), Some(map)) = (&column.alias, cell.as_object_mut()) {
            map.insert("alias".to_owned(), json!(alias));
        }
        cell
    }))
}

fn boolean(value: bool, switches: &UkgSwitches) -> String {
    let (yes, no) = &switches.boolean_text;
    if value { yes.clone() } else { no.clone() }
}

/// Breaks do not switch the flag off. It follows the shift in progress unless the world says otherwise.
fn on_premise(facts: &Facts, person: &Person, switches: &UkgSwitches) -> bool {
    let today = facts.now.with_timezone(&facts.clock(person.zone)).date_naive();
    let here = person.shifts.iter().filter(|shift| shift.in_progress && !shift.projected);
    let mut since = here.map(|shift| shift.start.local(facts.clock(shift.zone)).date());
    person.on_premise.unwrap_or_else(|| since.any(|day| day == today || !switches.midnight_ends_on_premise))
}

fn row(person: &Person, attributes: Vec<Value>) -> Value {
    let id = person.id.to_string();
    json!({
        "key": { "PEOPLE": id },
        "coreEntityKey": { "EMP": { "id": id } },
        "attributes": attributes,
        "children": [],
        "summaryListDisplay": [],
        "rootEntity": "PEOPLE",
        "customProperties": {},
    })
}

fn page(ukg: &Ukg, map: &Map<String, Value>, tag: &str, rows: &[Value], switches: &UkgSwitches) -> Answer {
    let (index, per_page) = (count(map, "index")?.unwrap_or(0), count(map, "count")?.unwrap_or(rows.len().max(1)));
    if per_page == 0 || (index > 0 && index * per_page >= rows.len()) {
        return Err(Refusal::bad("WCO-106176", "Invalid index or count."));
    }
    let children: Vec<Value> = rows.iter().skip(index * per_page).take(per_page).cloned().collect();
    let now = ukg.world.now();
    let mut metadata = json!({
        "numNodes": children.len().to_string(),
        "totalNodes": rows.len().to_string(),
        "totalElements": rows.len().to_string(),
        "cacheKey": tag,
        "metadataKey": format!("{tag}-meta"),
        "lastRefreshed": now.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "cacheExpirationTime": (now + TimeDelta::hours(5)).format("%Y-%m-%dT%H:%M:%S").to_string(),
    });
    if let (true, Some(map)) = (switches.data_provider_over_limit, metadata.as_object_mut()) {
        let detail = ON_PREMISE
            .map(|key| json!({ "dataElement": { "key": key }, "message": "The service limit of the data provider is exceeded." }));
        map.insert("errors".to_owned(), json!([{ "code": "WFM-COMMON-1234", "detail": detail }]));
    }
    let root = json!({ "key": { "ROOT": "-1" }, "coreEntityKey": {}, "attributes": [], "children": children });
    Ok(send(200, &json!({ "metadata": metadata, "data": root })))
}

fn invalid(why: &str) -> Refusal {
    Refusal::bad("WCO-106015", format!("Invalid request provided: {why}."))
}
