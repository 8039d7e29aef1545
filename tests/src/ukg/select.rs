//! Who is asked about: the employee lists of the timekeeping calls, and the people they stand for.

use serde_json::{Value, json};

use crate::ukg::HiddenPeople;
use crate::ukg::answer::{Refusal, given, id, list, object, text};
use crate::world::{Person, State};

/// One entry of an employee list.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Id(u64),
    Number(String),
}

/// Reads `{ids | qualifiers | refs}`, of which exactly one must be there.
pub(crate) fn wanted(value: &Value) -> Result<Vec<Wanted>, Refusal> {
    let map = object(value, &["ids", "qualifiers", "refs"])?;
    match (list(map, "ids")?, list(map, "qualifiers")?, list(map, "refs")?) {
        (Some(ids), None, None) => ids.iter().map(by_id).collect(),
        (None, Some(numbers), None) => numbers.iter().map(by_number).collect(),
        (None, None, Some(refs)) => refs.iter().map(by_reference).collect(),
        _ => Err(Refusal::shape("Exactly one of ids, qualifiers and refs must be given.")),
    }
}

fn by_id(value: &Value) -> Result<Wanted, Refusal> {
    id(value).map(Wanted::Id).ok_or_else(|| Refusal::shape("An id must be a number."))
}

fn by_number(value: &Value) -> Result<Wanted, Refusal> {
    value.as_str().map(|number| Wanted::Number(number.to_owned())).ok_or_else(|| Refusal::shape("A qualifier must be a text."))
}

/// With both, the id wins.
fn by_reference(value: &Value) -> Result<Wanted, Refusal> {
    let map = object(value, &["id", "qualifier", "name"])?;
    match given(map, "id") {
        Some(id) => by_id(id),
        None => text(map, "qualifier")?.map(|number| Wanted::Number(number.to_owned())).ok_or_else(empty_reference),
    }
}

fn empty_reference() -> Refusal {
    Refusal::bad("WTK-112002", "Missing object ref for object ref lookup.")
}

impl Wanted {
    /// The person, `None` for one who is silently missing, or the error for this entry.
    pub(crate) fn find<'a>(&self, state: &'a State, hidden: HiddenPeople) -> Result<Option<&'a Person>, Refusal> {
        let person = match self {
            Self::Id(id) => state.person_by_id(*id).ok_or_else(|| ("WTK-112004", "id", id.to_string())),
            Self::Number(number) => state.person_by_number(number).ok_or_else(|| ("WTK-112005", "qualifier", number.clone())),
        };
        let missing = |(code, what, value)| Refusal::bad(code, format!("ObjectRef with {what}: {value} could not be found."));
        match person.map_err(missing)? {
            person if !person.hidden => Ok(Some(person)),
            _ if hidden == HiddenPeople::Missing => Ok(None),
            person => Err(Refusal::bad("WCO-101263", format!("Person not found or not visible: {}", person.number))),
        }
    }
}

/// Everyone the API user sees, as the Hyperfind query "All Home" finds them.
pub(crate) fn all_home(state: &State) -> Vec<Wanted> {
    let seen = state.people.iter().filter(|person| !person.gone && !person.hidden && person.active);
    seen.map(|person| Wanted::Id(person.id)).collect()
}

/// Reads a Hyperfind reference; only "All Home" is there.
pub(crate) fn hyperfind(state: &State, value: &Value) -> Result<Vec<Wanted>, Refusal> {
    let map = object(value, &["id", "qualifier", "name"])?;
    let known = given(map, "id").and_then(id) == Some(1) || text(map, "qualifier")? == Some("All Home");
    if known { Ok(all_home(state)) } else { Err(Refusal::bad("WCO-112009", "The Hyperfind query was not found.")) }
}

/// A reference to an employee.
pub(crate) fn reference(person: &Person) -> Value {
    json!({ "id": person.id, "qualifier": person.number, "name": person.full_name() })
}

/// A reference to a zone; of an unknown one there is only the number.
pub(crate) fn zone(state: &State, id: u32) -> Value {
    match state.zone_of(id) {
        Some(zone) => json!({ "id": id, "qualifier": zone.qualifier, "name": zone.qualifier }),
        None => json!({ "id": id }),
    }
}
