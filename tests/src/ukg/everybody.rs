//! `POST /api/v1/commons/persons/apply_read`: everybody the API user sees, in pages counted from 0, without user names.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::ukg::Ukg;
use crate::ukg::answer::{self, Answer, Refusal, flag, given, object, send, text};
use crate::world::Person;

const MOST_PEOPLE: usize = 10_000;
const WHERE: &[&str] = &["employmentStatus", "returnPersonIdOnly", "snapshotDate", "userAccountStatus"];
const STATUSES: &[&str] = &["active", "inactive", "terminated", "not applicable"];

/// Answers one page.
pub(crate) async fn read(State(ukg): State<Arc<Ukg>>, headers: HeaderMap, bytes: Bytes) -> Answer {
    let (switches, facts) = (ukg.switches(), ukg.world.read());
    let body = answer::body(&headers, &bytes)?;
    let map = object(&body, &["count", "index", "where"])?;
    let filter = object(given(map, "where").ok_or_else(|| Refusal::shape("where is required."))?, WHERE)?;
    let (employment, account) = (status(filter, "employmentStatus", "WCO-101724")?, status(filter, "userAccountStatus", "WCO-101725")?);
    if text(filter, "snapshotDate")?.is_some_and(|date| date.parse::<NaiveDate>().is_err()) {
        return Err(Refusal::bad("WFP-90100", "The date is not valid."));
    }
    let ids_only = flag(filter, "returnPersonIdOnly")?;
    let index = number(map, "index", 0).ok_or_else(|| Refusal::bad("WCO-101726", "The index is not valid."))?;
    let count = number(map, "count", MOST_PEOPLE).filter(|count| *count > 0);
    let count = count.ok_or_else(|| Refusal::bad("WCO-101727", "The count is not valid."))?;
    if let Some(limit) = switches.list_limit.filter(|limit| count > limit.most) {
        return Err(Refusal::over_limit(limit.status, "WCO-101338", count, limit.most));
    }
    if count > MOST_PEOPLE {
        return Err(Refusal::over_limit(413, "WCO-101338", count, MOST_PEOPLE));
    }
    let fits = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found));
    let seen = facts.people.iter().filter(|person| !person.gone && !person.hidden);
    let seen: Vec<_> = seen.filter(|person| fits(&employment, words(person).0) && fits(&account, words(person).1)).collect();
    let records: Value = seen.iter().skip(index.saturating_mul(count)).take(count).map(|person| record(person, ids_only)).collect();
    Ok(send(200, &json!({ "totalElements": seen.len().to_string(), "records": records })))
}

fn number(map: &Map<String, Value>, key: &str, otherwise: usize) -> Option<usize> {
    given(map, key).map_or(Some(otherwise), |value| value.as_u64().and_then(|number| usize::try_from(number).ok()))
}

fn status(filter: &Map<String, Value>, key: &str, code: &str) -> Result<Option<String>, Refusal> {
    match text(filter, key)?.map(str::to_lowercase) {
        Some(status) if !STATUSES.contains(&status.as_str()) => Err(Refusal::bad(code, format!("Invalid {key}."))),
        status => Ok(status),
    }
}

/// The employment status and the account status.
const fn words(person: &Person) -> (&'static str, &'static str) {
    if person.active { ("Active", "Active") } else { ("Terminated", "Inactive") }
}

fn record(person: &Person, ids_only: bool) -> Value {
    if ids_only {
        return json!({ "personId": person.id });
    }
    let (employment, account) = words(person);
    json!({
        "personId": person.id,
        "personNumber": person.number,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "employmentStatus": employment,
        "userAccountStatus": account,
    })
}
