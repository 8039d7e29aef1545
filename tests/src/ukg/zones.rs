//! `GET /api/v1/commons/setup/timezones`: the zones by their Kronos numbers. No IANA name is ever in it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

use crate::ukg::answer::{Answer, Refusal, send};
use crate::ukg::{Ukg, ZoneAnswer};
use crate::world::{EASTERN, Zone};

/// The list, or the one zone that a query for a person or a name asks for.
pub(crate) async fn list(State(ukg): State<Arc<Ukg>>, Query(query): Query<std::collections::HashMap<String, String>>) -> Answer {
    let answer = ukg.switches().zones;
    if answer == ZoneAnswer::Forbidden {
        return Err(Refusal::new(403, "WFP-90403", "The user does not have access to this operation."));
    }
    let facts = ukg.world.read();
    let by_number = query.get("person_number").and_then(|number| facts.person_by_number(number)).map(|person| person.zone);
    let by_name = query.get("name").and_then(|name| facts.zones.iter().find(|zone| zone.qualifier == *name)).map(|zone| zone.id);
    let wanted = by_number.or(by_name).or((answer == ZoneAnswer::Single).then_some(EASTERN));
    match wanted.and_then(|id| facts.zone_of(id)) {
        Some(zone) => Ok(send(200, &zone_json(zone))),
        None => Ok(send(200, &facts.zones.iter().filter(|zone| zone.listed).map(zone_json).collect())),
    }
}

/// One zone by its number.
pub(crate) async fn one(State(ukg): State<Arc<Ukg>>, Path(id): Path<String>) -> Answer {
    let facts = ukg.world.read();
    let zone = id.parse().ok().and_then(|id| facts.zone_of(id)).filter(|zone| zone.listed);
    zone.map(|zone| send(200, &zone_json(zone))).ok_or_else(|| Refusal::new(404, "WCO-109002", "The time zone was not found."))
}

fn zone_json(zone: &Zone) -> Value {
    let minutes = zone.winter_offset_minutes();
    // "(GMT -05:00) Eastern Time" is the long form; the short one is what stands after the bracket.
    let short = zone.qualifier.split_once(") ").map_or(zone.qualifier.as_str(), |(_, rest)| rest);
    json!({
        "id": zone.id,
        "qualifier": zone.qualifier,
        "name": zone.qualifier,
        "displayName": short,
        "fullDisplayName": zone.qualifier,
        "gmtOffset": minutes,
    })
}
