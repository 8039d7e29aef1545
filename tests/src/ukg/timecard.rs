//! `POST /api/v1/timekeeping/timecard/multi_read`: punches, worked shifts and totals of many people.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};

use crate::ukg::answer::{self, Answer, Refusal, flag, given, list, object, send, text};
use crate::ukg::punches::{clock_text, punch_json};
use crate::ukg::select::{self, Wanted};
use crate::ukg::{OpenEnd, Partial, Ukg, UkgSwitches};
use crate::world::{Moment, Person, Shift, Span, State as Facts};

const MOST_PEOPLE: usize = 500;
const MOST_DAYS: i64 = 365;

/// Every value the select list may hold.
const SELECT: &[&str] = &[
    "PROJECTS",
    "PUNCHES",
    "WORKED_SHIFTS",
    "PAYCODE_EDITS",
    "MOVE_AMOUNTS",
    "HOURS_WORKED",
    "HOLIDAY_CREDITS",
    "EXCEPTIONS",
    "EXTENDED_EXCEPTIONS",
    "TOTAL_SUMMARY",
    "DAILY_TOTAL_SUMMARY",
    "ITEM_TOTAL_SUMMARY",
    "TOTALS",
    "SCHEDULE_SHIFTS",
    "PROCESSED_SEGMENTS",
    "HISTORICAL_CORRECTIONS",
    "ACTIVITY_SHIFTS",
    "ACTIVITY_TOTALS",
];

const OPTIONS: &[&str] = &[
    "breakSpanAtMidnight",
    "combineWorkShiftAtMidnight",
    "consolidateScheduleSegments",
    "exceptionOptions",
    "forWorkWeek",
    "includeKindOfTimeSegments",
    "includePhantomPunches",
    "showTotalsWithHiddenPaycodes",
    "totalsIncludeCombinedPaycodes",
    "totalsRollupBy",
];

/// What one call asks for.
struct Ask {
    people: Vec<Wanted>,
    select: Vec<String>,
    start: NaiveDate,
    end: NaiveDate,
    phantoms: bool,
}

/// Answers a call.
pub(crate) async fn read(
    State(ukg): State<Arc<Ukg>>,
    Query(query): Query<std::collections::HashMap<String, String>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answer {
    let (switches, facts) = (ukg.switches(), ukg.world.read());
    let ask = parse(&facts, &answer::body(&headers, &bytes)?)?;
    within_limits(&ask, &switches)?;
    let results = ask.people.iter().map(|wanted| one(&facts, wanted, &ask, &switches));
    // Whoever is silently missing has no result at all.
    let results: Vec<Result<Value, Refusal>> = results.filter_map(Result::transpose).collect();
    let partial = query.get("partial_success").is_some_and(|text| text == "true");
    match results.iter().find_map(|result| result.as_ref().err()) {
        None => Ok(send(200, &results.into_iter().flatten().collect())),
        Some(first) if !partial => Err(first.clone()),
        Some(_) => Ok(send(207, &failures(&results, switches.partial))),
    }
}

fn parse(facts: &Facts, body: &Value) -> Result<Ask, Refusal> {
    let map = object(body, &["multiReadOptions", "select", "where"])?;
    let select = selection(map)?;
    let filter = given(map, "where").ok_or_else(|| Refusal::shape("where is required."))?;
    let filter = object(filter, &["activity", "dateRange", "employees", "hyperFind", "resolveSymbolicTimeFrame", "shiftId"])?;
    let range = given(filter, "dateRange").ok_or_else(no_dates)?;
    let (start, end) = dates(facts, object(range, &["startDate", "endDate", "symbolicPeriod"])?)?;
    let people = match (given(filter, "employees"), given(filter, "hyperFind")) {
        (Some(employees), None) => select::wanted(employees)?,
        (None, Some(query)) => select::hyperfind(facts, query)?,
        _ => return Err(Refusal::shape("Exactly one of employees and hyperFind must be given.")),
    };
    let phantoms = match given(map, "multiReadOptions") {
        Some(options) => flag(object(options, OPTIONS)?, "includePhantomPunches")?,
        None => false,
    };
    Ok(Ask { people, select, start, end, phantoms })
}

fn selection(map: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let values = list(map, "select")?.unwrap_or_default().iter();
    let wrong = || Refusal::shape("select holds a value that is not known.");
    values.map(|value| value.as_str().filter(|text| SELECT.contains(text)).map(str::to_owned).ok_or_else(wrong)).collect()
}

fn dates(facts: &Facts, range: &Map<String, Value>) -> Result<(NaiveDate, NaiveDate), Refusal> {
    let day = |key| match text(range, key)? {
        Some(text) => text.parse::<NaiveDate>().map(Some).map_err(|_| Refusal::bad("WFP-90100", format!("{key} is not a date."))),
        None => Ok(None),
    };
    if let (Some(start), Some(end)) = (day("startDate")?, day("endDate")?) {
        return Ok((start, end));
    }
    let today = facts.now.date_naive();
    let period = given(range, "symbolicPeriod").map(|period| object(period, &["id", "qualifier", "name"])).transpose()?;
    match period.map(|period| text(period, "qualifier")).transpose()?.flatten() {
        Some("Today") => Ok((today, today + Days::new(1))),
        Some("Yesterday") => Ok((today - Days::new(1), today)),
        _ => Err(no_dates()),
    }
}

fn no_dates() -> Refusal {
    Refusal::bad("WTK-145007", "Please provide timeframe start & end date OR symbolic timeframe to select timecard data.")
}

fn within_limits(ask: &Ask, switches: &UkgSwitches) -> Result<(), Refusal> {
    let asked = ask.people.len();
    if let Some(limit) = switches.list_limit.filter(|limit| asked > limit.most) {
        return Err(Refusal::over_limit(limit.status, "WTK-145051", asked, limit.most));
    }
    let days = (ask.end - ask.start).num_days();
    if asked <= MOST_PEOPLE && days <= MOST_DAYS {
        return Ok(());
    }
    let text = format!(
        "Service Limits are exceeded when you request the timecard for {asked} employees and {days} days. \
         Submit the request again but with a number of employees that does not exceed the service limit {MOST_PEOPLE}."
    );
    Err(Refusal::new(switches.too_many_timecards_status, "WTK-145051", text))
}

fn one(facts: &Facts, wanted: &Wanted, ask: &Ask, switches: &UkgSwitches) -> Result<Option<Value>, Refusal> {
    let Some(person) = wanted.find(facts, switches.hidden_people)? else { return Ok(None) };
    match &person.trouble {
        Some(trouble) => Err(Refusal::bad(&trouble.code, trouble.message.clone())),
        None => Ok(Some(timecard(facts, person, ask, switches))),
    }
}

fn failures(results: &[Result<Value, Refusal>], form: Partial) -> Value {
    let each = results.iter().map(|result| match result {
        Ok(card) => json!({ "success": card }),
        Err(refusal) => json!({ "error": refusal.body() }),
    });
    let each: Vec<Value> = each.collect();
    if form == Partial::FlatArray {
        return Value::Array(each);
    }
    let offsets: Vec<usize> = results.iter().enumerate().filter(|(_, result)| result.is_err()).map(|(at, _)| at).collect();
    json!({
        "errorCode": "WCO-101271",
        "message": "Completed with error(s).",
        "details": { "error-offsets": offsets, "results": each },
    })
}

fn timecard(facts: &Facts, person: &Person, ask: &Ask, switches: &UkgSwitches) -> Value {
    let asked = |what: &str| ask.select.is_empty() || ask.select.iter().any(|value| value == what);
    let end = if switches.end_date_inclusive { ask.end + Days::new(1) } else { ask.end };
    // Punches and shifts together widen the punches by a day on both sides.
    let extra = Days::new(u64::from(asked("PUNCHES") && asked("WORKED_SHIFTS")));
    let mut card = json!({
        "employee": select::reference(person),
        "startDate": format!("{}T00:00:00", ask.start),
        "endDate": format!("{}T00:00:00", ask.end),
    });
    let Some(map) = card.as_object_mut() else { return card };
    if asked("PUNCHES") {
        let seen = person.punches.iter().filter(|punch| {
            let day = punch.at.local(facts.clock(punch.zone)).date();
            day >= ask.start - extra && day < end + extra && (ask.phantoms || !punch.phantom)
        });
        map.insert("punches".to_owned(), seen.map(|punch| punch_json(facts, person, punch, switches)).collect());
    }
    if asked("WORKED_SHIFTS") {
        let seen = person.shifts.iter().filter(|shift| {
            let day = shift.start.local(facts.clock(shift.zone)).date();
            day >= ask.start && day < end
        });
        map.insert("workedShifts".to_owned(), seen.map(|shift| shift_json(facts, person, shift, switches)).collect());
    }
    if asked("TOTALS") {
        let context = json!({ "employee": select::reference(person), "timezone": select::zone(facts, person.zone) });
        map.insert("totals".to_owned(), json!([{ "type": "ALL", "employeeContext": context, "aggregatedTotals": [] }]));
    }
    for (value, name) in [("EXCEPTIONS", "exceptions"), ("PROCESSED_SEGMENTS", "processedSegments"), ("SCHEDULE_SHIFTS", "scheduleShifts")]
    {
        if asked(value) {
            map.insert(name.to_owned(), json!([]));
        }
    }
    card
}

fn shift_json(facts: &Facts, person: &Person, shift: &Shift, switches: &UkgSwitches) -> Value {
    let clock = facts.clock(shift.zone);
    let zone = select::zone(facts, shift.zone);
    let hours = shift.end.map_or(0, |end| (end.instant(clock) - shift.start.instant(clock)).num_minutes());
    let mut json = json!({
        "id": shift.id,
        "employee": select::reference(person),
        "startDateTime": clock_text(shift.start, clock, switches),
        "roundedStartDateTime": clock_text(shift.start, clock, switches),
        "startTimezone": zone,
        "endTimezone": zone,
        "inProgress": shift.in_progress,
        "projected": shift.projected,
        "fromSchedule": shift.from_schedule,
        "shiftTotalHours": hours / 60,
        "workedSpans": shift.spans.iter().map(|span| span_json(facts, person, shift, span, switches)).collect::<Value>(),
    });
    ends(&mut json, facts, shift.zone, (shift.start, shift.end), switches);
    json
}

fn span_json(facts: &Facts, person: &Person, shift: &Shift, span: &Span, switches: &UkgSwitches) -> Value {
    let clock = facts.clock(shift.zone);
    let zone = select::zone(facts, shift.zone);
    let mut json = json!({
        "id": shift.id,
        "spanId": span.id,
        "startDateTime": clock_text(span.start, clock, switches),
        "roundedStartDateTime": clock_text(span.start, clock, switches),
        "startTimezone": zone,
        "endTimezone": zone,
        "projected": span.projected,
    });
    ends(&mut json, facts, shift.zone, (span.start, span.end), switches);
    for (name, id) in [("startPunch", span.start_punch), ("endPunch", span.end_punch)] {
        let punch = person.punches.iter().find(|punch| Some(punch.id) == id);
        if let (Some(punch), Some(map)) = (punch, json.as_object_mut()) {
            map.insert(name.to_owned(), punch_json(facts, person, punch, switches));
        }
    }
    json
}

/// How an end, known or open, shows.
fn ends(json: &mut Value, facts: &Facts, zone: u32, (start, end): (Moment, Option<Moment>), switches: &UkgSwitches) {
    let shown = match (end, switches.open_end) {
        (Some(end), _) => Some(end),
        (None, OpenEnd::SameAsStart) => Some(start),
        (None, OpenEnd::Now) => Some(Moment::from(facts.now)),
        (None, OpenEnd::Absent) => return,
        (None, OpenEnd::Null) => None,
    };
    let shown = shown.map_or(Value::Null, |end| Value::String(clock_text(end, facts.clock(zone), switches)));
    if let Some(map) = json.as_object_mut() {
        map.insert("endDateTime".to_owned(), shown.clone());
        map.insert("roundedEndDateTime".to_owned(), shown);
    }
}
