//! The fields of an event, found by their names wherever they stand.
//!
//! The plain form has names of its own. The payload of UKG's punch event is not public (facts/ukg-pro-wfm.md §5), so the names
//! here are guesses from UKG's punch and employee objects (§3.4) and from what is usual: in camel, Pascal and snake case alike,
//! since only letters and digits count. None of them has been seen in a real event. A name that means something else in UKG is
//! left out rather than guessed at: `id`, `employeeId` and `personId` are UKG's own numbers and never person numbers (§2), and
//! `EventTime` of the envelope is when UKG sent the event.
//!
//! What has another name is skipped without being kept, so an event costs no more than the few fields read.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What holds the fields in UKG's envelope.
pub const PAYLOAD: &str = "payload";
/// What UKG did with the punch, beside the payload.
pub const OPERATION: &str = "operation";
/// The person number.
pub const NUMBER: &[&str] = &["personnumber", "personnum", "employeenumber", "employeenum"];
/// The person number inside an object that is a person: UKG's references call it so (§2).
pub const QUALIFIER: &[&str] = &["qualifier"];
/// The user name, in the plain form.
pub const USER: &[&str] = &["user", "username", "loginname"];
/// The user name in a payload, where a plain `user` may be who edited the punch.
pub const USER_OF_PAYLOAD: &[&str] = &["username", "loginname"];
/// When the punch was.
pub const AT: &[&str] = &["at", "punchdtm", "punchdatetime", "punchtime", "eventdatetime", "eventdtm", "eventtime"];
/// The zone of that.
pub const ZONE: &[&str] = &["zone", "timezone", "punchtimezone"];
/// Which way it went, in the plain form.
pub const DIRECTION: &[&str] = &["direction"];
/// The same in UKG's words, where a device or a person set it; most punches have none (§3.4).
pub const PUNCH_TYPE: &[&str] = &["punchdirection", "punchtype", "typeoverride"];
/// Objects that are a person.
pub const PERSON: &[&str] = &["employee", "person", "worker", "personidentity", "useraccount"];
/// Objects that are the punch.
pub const PUNCH: &[&str] = &["punch", "timepunch"];
/// The parts of a reference to a zone or a type.
pub const ID: &str = "id";
/// See [`ID`].
pub const NAME: &str = "name";

const ALL: &[&[&str]] = &[&[PAYLOAD, OPERATION, ID, NAME], NUMBER, QUALIFIER, USER, AT, ZONE, DIRECTION, PUNCH_TYPE, PERSON, PUNCH];

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Null, or a text without a letter.
    Nothing,
    /// A text, trimmed.
    Text(String),
    /// A whole number, zero or above.
    Number(u64),
    /// An object.
    Object(Fields),
    /// Anything else.
    Odd,
}

/// The known fields of one object, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The first of these fields that is there and not null.
    pub fn get(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.iter().find(|(known, value)| known == name && *value != Value::Nothing)).map(|(_, value)| value)
    }

    /// The objects among these fields.
    pub fn objects(&self, names: &[&str]) -> impl Iterator<Item = &Fields> {
        self.0.iter().filter(move |(known, _)| names.contains(known)).filter_map(|(_, value)| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        })
    }
}

/// The known name that is meant.
fn known(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    ALL.iter().flat_map(|names| names.iter()).copied().find(|known| *known == plain)
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        let text = text.trim();
        Ok(if text.is_empty() { Value::Nothing } else { Value::Text(text.to_owned()) })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Odd)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Odd)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Odd)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            match known(&name) {
                // The first of two fields of one name counts.
                Some(name) if fields.0.iter().all(|(other, _)| *other != name) => fields.0.push((name, map.next_value()?)),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(fields))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        match serde_json::from_str(text).unwrap() {
            Value::Object(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_known_in_every_case() {
        for name in ["personNumber", "PersonNumber", "person_number", "PERSON-NUMBER"] {
            assert_eq!(known(name), Some("personnumber"), "{name}");
        }
        for name in ["personId", "employeeId", "EmployeeID", "", "time"] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[test]
    fn only_known_fields_are_kept_and_the_first_of_a_name_counts() {
        let fields = fields(r#"{"secret":{"at":"x"},"at":"1","At":"2","zone":null,"user":[{"user":"x"}],"employee":{"id":7,"rank":1}}"#);
        assert_eq!(fields.0.len(), 4);
        assert_eq!(fields.get(AT), Some(&Value::Text("1".into())));
        assert_eq!((fields.get(ZONE), fields.get(USER)), (None, Some(&Value::Odd)));
        assert_eq!(fields.objects(PERSON).map(|person| person.0.len()).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn every_name_is_in_the_form_names_are_compared_in() {
        for name in ALL.iter().flat_map(|names| names.iter()) {
            assert_eq!(known(name), Some(*name));
        }
    }
}
