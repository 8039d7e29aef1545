//! How a punch looks as JSON, and `POST /api/v1/timekeeping/punches/apply_read`, the reader of the last hour.
//!
//! Whether the window of the real one goes by punch time or by the time a punch was entered is not known; here it is punch time.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::ukg::answer::{self, Answer, Refusal, count, flag, given, object, send, text};
use crate::ukg::select;
use crate::ukg::{Ukg, UkgSwitches};
use crate::world::{Moment, Override, Person, Punch, State as Facts};

/// The most employees on one page.
const MOST_PER_PAGE: usize = 25;
const LONGEST_WINDOW_MINUTES: i64 = 60;

/// Wall-clock time as UKG writes it: 19 characters, no offset.
pub(crate) fn clock_text(at: Moment, clock: Tz, switches: &UkgSwitches) -> String {
    let format = if switches.milliseconds { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S" };
    at.local(clock).format(format).to_string()
}

/// A punch in the form of the timecard.
pub(crate) fn punch_json(facts: &Facts, person: &Person, punch: &Punch, switches: &UkgSwitches) -> Value {
    let mut json = common(facts, person, punch, switches);
    let clock = facts.clock(punch.zone);
    if let Some(map) = json.as_object_mut() {
        map.insert("isPhantom".to_owned(), json!(punch.phantom));
        map.insert("editable".to_owned(), json!(true));
        map.insert("updatedOnDtm".to_owned(), json!(clock_text(touched(punch), clock, switches)));
    }
    json
}

/// The same punch in the form of the real-time reader, where some properties have other names.
fn real_time_json(facts: &Facts, person: &Person, punch: &Punch, switches: &UkgSwitches) -> Value {
    let mut json = common(facts, person, punch, switches);
    let clock = facts.clock(punch.zone);
    if let Some(map) = json.as_object_mut() {
        map.insert("isEditable".to_owned(), json!(true));
        map.insert("isCancelDeduct".to_owned(), json!(false));
        map.insert("updateTime".to_owned(), json!(clock_text(touched(punch), clock, switches)));
    }
    json
}

fn touched(punch: &Punch) -> Moment {
    punch.updated.or(punch.entered).unwrap_or(punch.at)
}

fn common(facts: &Facts, person: &Person, punch: &Punch, switches: &UkgSwitches) -> Value {
    let clock = facts.clock(punch.zone);
    let at = clock_text(punch.at, clock, switches);
    let mut json = json!({
        "id": punch.id,
        "employee": select::reference(person),
        "punchDtm": at,
        "roundedPunchDtm": at,
        "enteredOnDtm": clock_text(punch.entered.unwrap_or(punch.at), clock, switches),
        "timeZone": select::zone(facts, punch.zone),
        "dataSource": { "id": 1, "qualifier": punch.source, "displayName": punch.source, "functionAreaName": punch.source },
        "isScheduled": punch.scheduled,
        "hasComments": false,
        "exceptions": [],
        "commentsNotes": [],
    });
    if let Some(map) = json.as_object_mut() {
        if let Some(kind) = &punch.kind {
            map.insert("typeOverride".to_owned(), override_json(kind));
        }
        if let Some(transfer) = &punch.transfer {
            map.insert("transfer".to_owned(), json!({ "transferString": transfer, "systemGenerated": false }));
        }
    }
    json
}

fn override_json(kind: &Override) -> Value {
    let id = match kind {
        Override::In => 1,
        Override::Out => 2,
        Override::NewShift => 3,
        Override::BreakRule(_) => 1001,
    };
    let name = kind.qualifier();
    let mut json = json!({ "id": id, "qualifier": name, "name": name, "typeOverrideId": id, "description": name });
    if let (Override::BreakRule(rule), Some(map)) = (kind, json.as_object_mut()) {
        map.insert("associatedRuleId".to_owned(), json!(id));
        map.insert("associatedRuleName".to_owned(), json!(rule));
    }
    json
}

/// Answers a call.
pub(crate) async fn read(State(ukg): State<Arc<Ukg>>, headers: HeaderMap, bytes: Bytes) -> Answer {
    let (switches, facts) = (ukg.switches(), ukg.world.read());
    let body = answer::body(&headers, &bytes)?;
    let map = object(&body, &["count", "index", "options", "where"])?;
    let tag = options(map)?;
    let filter = given(map, "where").ok_or_else(|| Refusal::shape("where is required."))?;
    let filter = object(filter, &["dateRange", "employees"])?;
    let (start, end) = window(filter)?;
    let people = match given(filter, "employees") {
        Some(employees) => select::wanted(employees)?,
        None => select::all_home(&facts),
    };
    if let Some(limit) = switches.list_limit.filter(|limit| people.len() > limit.most) {
        return Err(Refusal::over_limit(limit.status, "WTK-124921", people.len(), limit.most));
    }
    let (index, per_page) = (count(map, "index")?.unwrap_or(0), count(map, "count")?.unwrap_or(MOST_PER_PAGE));
    if !(1..=MOST_PER_PAGE).contains(&per_page) {
        return Err(Refusal::bad("WTK-124921", format!("The count must be between 1 and {MOST_PER_PAGE}.")));
    }
    let (mut rows, mut punches, mut failed) = (Vec::new(), 0, 0);
    for wanted in people.iter().skip(index * per_page).take(per_page) {
        let Ok(found) = wanted.find(&facts, switches.hidden_people) else {
            failed += 1;
            continue;
        };
        let Some(person) = found else { continue };
        let seen = person.punches.iter().filter(|punch| !punch.phantom && within(&facts, punch, start, end));
        let seen: Vec<Value> = seen.map(|punch| real_time_json(&facts, person, punch, &switches)).collect();
        punches += seen.len();
        if !seen.is_empty() {
            rows.push(json!({ "employee": { "id": person.id, "qualifier": person.number }, "punches": seen }));
        }
    }
    let pages = people.len().div_ceil(per_page);
    let mut answer = json!({ "metadata": {
        "index": index, "totalPages": pages, "count": per_page, "failedEmployeeCount": failed,
        "requestTag": tag.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()), "punchesOnCurrentPage": punches,
    } });
    // With no punches the key itself is missing.
    if let (false, Some(map)) = (rows.is_empty(), answer.as_object_mut()) {
        map.insert("data".to_owned(), Value::Array(rows));
    }
    Ok(send(if failed > 0 { 207 } else { 200 }, &answer))
}

fn options(map: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let Some(options) = given(map, "options") else { return Ok(None) };
    let options = object(options, &["includeFullDataSource", "requestTag"])?;
    flag(options, "includeFullDataSource")?;
    Ok(text(options, "requestTag")?.map(str::to_owned))
}

fn window(filter: &Map<String, Value>) -> Result<(NaiveDateTime, NaiveDateTime), Refusal> {
    let range = given(filter, "dateRange").ok_or_else(|| Refusal::bad("WTK-124918", "A date range must be provided."))?;
    let range = object(range, &["startDateTime", "endDateTime"])?;
    let moment = |key| {
        let text = text(range, key)?.ok_or_else(|| Refusal::bad("WTK-124918", "A date range must be provided."))?;
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .map_err(|_| Refusal::bad("WFP-90100", format!("{key} is not a date and time.")))
    };
    let (start, end) = (moment("startDateTime")?, moment("endDateTime")?);
    if (end - start).num_minutes() > LONGEST_WINDOW_MINUTES || end < start {
        return Err(Refusal::bad("WTK-124919", format!("The date range must not span more than {LONGEST_WINDOW_MINUTES} minutes.")));
    }
    Ok((start, end))
}

fn within(facts: &Facts, punch: &Punch, start: NaiveDateTime, end: NaiveDateTime) -> bool {
    let at = punch.at.local(facts.clock(punch.zone));
    at >= start && at <= end
}
