//! One event, read without trust: whom it names, and what it says of the punch.
//!
//! The plain form is `data {person_number or user, at, zone, direction}` (design §7); beside it `data` may be UKG's own
//! envelope with a `Payload` (facts/ukg-pro-wfm.md §5). `type` decides nothing. What is wrong with an event is one sentence that
//! names the field and never repeats its value.

use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};
use serde::Deserialize;
use shift_access_core::event::{Direction, moment};
use shift_access_core::timecard::ZoneRef;
use shift_access_core::zone::{Tz, Zones};

use super::fields::{self, Fields, Value};

/// The longest person number and the longest name of a zone, in characters.
const LONGEST: usize = 100;

/// The longest user name, in characters. The directory allows fewer.
const LONGEST_USER: usize = 400;

/// What an event says. It names a worker by number, by name, or by both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The person number.
    pub number: Option<String>,
    /// The user name.
    pub user: Option<String>,
    /// Which way the punch went.
    pub direction: Option<Direction>,
    at: Option<At>,
    zone: ZoneRef,
}

/// When a punch was, as an event writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// With an offset.
    Instant(DateTime<Utc>),
    /// Local to the zone of the event.
    Local(NaiveDateTime),
}

impl Told {
    /// When the punch was; none where the event does not say, or where nothing translates its zone.
    pub fn at(&self, zones: &Zones) -> Option<DateTime<Utc>> {
        match self.at? {
            At::Instant(at) => Some(at),
            At::Local(local) => Some(moment(local, zones.resolve(&self.zone, None).tz()?, self.direction)),
        }
    }

    /// The zone to show that in, where the event names one that is known.
    pub fn tz(&self, zones: &Zones) -> Option<Tz> {
        let named = self.zone != ZoneRef::default() || matches!(self.at, Some(At::Local(_)));
        named.then(|| zones.resolve(&self.zone, None).tz()).flatten()
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default = "nothing")]
    data: Value,
}

const fn nothing() -> Value {
    Value::Nothing
}

/// Reads an event; else one sentence about what is wrong with it.
pub fn read(body: &[u8]) -> Result<Told, String> {
    let Envelope { data } = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    let Value::Object(data) = data else {
        return Err(
            "`data` is to be an object with `person_number` or `user`, and `at`, `zone` and `direction` where they are known".into()
        );
    };
    // Beside a payload, what UKG's envelope says is about the event and not about the punch.
    let (punch, users, is_new) = match data.objects(&[fields::PAYLOAD]).next() {
        Some(payload) => (payload, fields::USER_OF_PAYLOAD, is_new(&data)),
        None => (&data, fields::USER, true),
    };
    let told = Told {
        number: number(punch)?,
        user: text(find(punch, users, fields::PERSON), "user", LONGEST_USER)?,
        direction: direction(punch)?.filter(|_| is_new),
        at: at(punch)?,
        zone: zone(punch)?,
    };
    if told.number.is_none() && told.user.is_none() {
        return Err("the event names no worker: `data` is to have `person_number` or `user`".into());
    }
    Ok(told)
}

/// The error of a JSON reader has a place in it and may have a value, so only the place is told.
fn not_json(error: &serde_json::Error) -> String {
    format!("the event is to be a CloudEvents object in JSON; it cannot be read from line {}, column {} on", error.line(), error.column())
}

/// A punch that was edited or deleted is a reason to look, and no report of a punch.
fn is_new(envelope: &Fields) -> bool {
    match envelope.get(&[fields::OPERATION]) {
        None => true,
        Some(Value::Text(word)) => ["insert", "create", "created", "add", "added"].iter().any(|new| word.eq_ignore_ascii_case(new)),
        Some(_) => false,
    }
}

/// A field of the punch itself, or of the objects in it and in its own object.
fn find<'a>(punch: &'a Fields, names: &[&str], inside: &[&str]) -> Option<&'a Value> {
    let places = std::iter::once(punch).chain(punch.objects(fields::PUNCH));
    let mut values = places.flat_map(|place| std::iter::once(place).chain(place.objects(inside))).filter_map(|place| place.get(names));
    values.next()
}

fn number(punch: &Fields) -> Result<Option<String>, String> {
    let places = std::iter::once(punch).chain(punch.objects(fields::PUNCH));
    let qualifier = || places.flat_map(|place| place.objects(fields::PERSON)).find_map(|person| person.get(fields::QUALIFIER));
    text(find(punch, fields::NUMBER, fields::PERSON).or_else(qualifier), "person_number", LONGEST)
}

/// A text, or a whole number as text.
fn text(value: Option<&Value>, field: &str, longest: usize) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Nothing) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Text(text)) if text.chars().count() > longest || text.contains(char::is_control) => {
            Err(format!("`{field}` is to have at most {longest} characters, and none that cannot be shown"))
        }
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(Value::Object(_) | Value::Odd) => Err(format!("`{field}` is to be a text or a whole number")),
    }
}

fn direction(punch: &Fields) -> Result<Option<Direction>, String> {
    match find(punch, fields::DIRECTION, &[]) {
        None => Ok(find(punch, fields::PUNCH_TYPE, &[]).and_then(punch_type)),
        // A word that nobody has mapped yet is no reason not to look.
        Some(Value::Text(word)) => Ok(Direction::from_word(&word.to_ascii_lowercase())),
        Some(_) => Err(directions()),
    }
}

fn directions() -> String {
    let words: Vec<_> = Direction::ALL.iter().map(|direction| format!("\"{direction}\"")).collect();
    format!("`direction` is to be one of {}, or absent", words.join(", "))
}

/// The direction that UKG's word for a type says, such as `In Punch`. Names of breaks and meals are each customer's own, so any
/// other word says nothing.
fn punch_type(value: &Value) -> Option<Direction> {
    let word = match value {
        Value::Text(word) => word,
        Value::Object(reference) => match reference.get(&["qualifier", fields::NAME])? {
            Value::Text(word) => word,
            _ => return None,
        },
        _ => return None,
    };
    let letters: String = word.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    match letters.replace("punch", "").replace("clock", "").as_str() {
        "in" | "newshift" => Some(Direction::In),
        "out" => Some(Direction::Out),
        "break" | "meal" => Some(Direction::Break),
        "transfer" => Some(Direction::Transfer),
        _ => None,
    }
}

fn at(punch: &Fields) -> Result<Option<At>, String> {
    let wrong = || "`at` is to be a text such as 2026-11-20T08:00:00-05:00, or 2026-11-20T08:00:00 local to `zone`".to_owned();
    match find(punch, fields::AT, &[]) {
        None | Some(Value::Nothing) => Ok(None),
        Some(Value::Text(text)) => instant(text).or_else(|| local(text)).map(Some).ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

fn instant(text: &str) -> Option<At> {
    let basic = || ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    let read = |form| DateTime::parse_from_str(text, form).ok();
    let at = DateTime::parse_from_rfc3339(text).ok().or_else(|| basic().into_iter().find_map(read))?.to_utc();
    // As fine as anything is stored.
    is_of_our_time(at.year()).then(|| At::Instant(at.trunc_subsecs(3)))
}

fn local(text: &str) -> Option<At> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let at = forms.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    is_of_our_time(at.year()).then(|| At::Local(at.trunc_subsecs(3)))
}

/// Far enough from the ends of what a moment can be that nothing done to it overflows.
const fn is_of_our_time(year: i32) -> bool {
    year >= 1970 && year <= 9000
}

fn zone(punch: &Fields) -> Result<ZoneRef, String> {
    let wrong = || "`zone` is to be an IANA name, or the name or the number of a Kronos zone".to_owned();
    match find(punch, fields::ZONE, &[]) {
        None | Some(Value::Nothing) => Ok(ZoneRef::default()),
        Some(Value::Odd) => Err(wrong()),
        Some(Value::Object(reference)) => {
            let part = |name: &str| text(reference.get(&[name]), "zone", LONGEST).map_err(|_| wrong());
            Ok(ZoneRef { id: part(fields::ID)?, qualifier: part("qualifier")?, name: part(fields::NAME)? })
        }
        value => {
            let text = text(value, "zone", LONGEST)?.unwrap_or_default();
            let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
            Ok(if is_number { ZoneRef { id: Some(text), ..ZoneRef::default() } } else { ZoneRef::named(text) })
        }
    }
}

#[cfg(test)]
mod tests {
    use shift_access_core::settings::Settings;

    use super::*;

    fn told(data: &str) -> Result<Told, String> {
        read(format!(r#"{{"id":"1","type":"any","data":{data}}}"#).as_bytes())
    }

    fn zones(default: Option<&str>) -> Zones {
        Zones::new(&Settings { default_time_zone: default.map(str::to_owned), ..Settings::defaults() }, vec![])
    }

    fn at(data: &str, default: Option<&str>) -> Option<String> {
        told(data).unwrap().at(&zones(default)).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn the_plain_form() {
        let event = told(r#"{"person_number":"0042","at":"2026-11-20T08:00:00-05:00","direction":"in"}"#).unwrap();
        assert_eq!((event.number.as_deref(), event.user.as_deref(), event.direction), (Some("0042"), None, Some(Direction::In)));
        assert_eq!(event.at(&Zones::default()), Some("2026-11-20T13:00:00Z".parse().unwrap()));
        assert_eq!(event.tz(&Zones::default()), None);
        let event = told(r#"{"person_number":42,"user":" ADiaz ","direction":"OUT","at":null,"zone":""}"#).unwrap();
        assert_eq!((event.number.as_deref(), event.user.as_deref(), event.direction), (Some("42"), Some("ADiaz"), Some(Direction::Out)));
        assert_eq!(event.at(&Zones::default()), None);
        for word in ["break", "transfer"] {
            assert!(told(&format!(r#"{{"user":"adiaz","direction":"{word}"}}"#)).unwrap().direction.is_some());
        }
        assert_eq!(told(r#"{"user":"adiaz"}"#).unwrap().direction, None);
        assert_eq!(told(r#"{"user":"adiaz","direction":"sideways"}"#).unwrap().direction, None, "an event is a reason to look");
    }

    #[test]
    fn a_moment_carries_an_offset_or_is_local_to_its_zone_or_to_the_tenants() {
        for (data, default, wanted) in [
            (r#"{"user":"a","at":"2026-11-20T08:00:00.1234567Z"}"#, None, Some("2026-11-20T08:00:00.123Z")),
            (r#"{"user":"a","at":"2026-11-20 08:00:00-0500","zone":"Europe/Berlin"}"#, None, Some("2026-11-20T13:00:00Z")),
            (r#"{"user":"a","at":"2026-11-20T08:00:00","zone":"America/New_York"}"#, None, Some("2026-11-20T13:00:00Z")),
            (r#"{"user":"a","at":"2026-11-20T08:00","zone":"(GMT -05:00) Eastern Time"}"#, None, Some("2026-11-20T13:00:00Z")),
            (r#"{"user":"a","at":"2026-11-20T08:00:00"}"#, Some("Europe/Berlin"), Some("2026-11-20T07:00:00Z")),
            (r#"{"user":"a","at":"2026-11-20T08:00:00"}"#, None, None),
            (r#"{"user":"a","at":"2026-11-20T08:00:00","zone":13411}"#, None, None),
            (r#"{"user":"a","at":"2026-11-20T08:00:00","zone":"Nowhere"}"#, None, None),
        ] {
            assert_eq!(at(data, default).as_deref(), wanted, "{data}");
        }
    }

    #[test]
    fn a_zone_by_its_number_is_one_of_the_property() {
        let zones_of = [("13411".to_owned(), "America/New_York".to_owned())].into();
        let zones = Zones::new(&Settings { zones: zones_of, ..Settings::defaults() }, vec![]);
        let event = told(r#"{"user":"a","at":"2026-11-20T08:00:00","zone":13411}"#).unwrap();
        assert_eq!(event.at(&zones), Some("2026-11-20T13:00:00Z".parse().unwrap()));
        assert_eq!(event.tz(&zones), Some(Tz::America__New_York));
    }

    #[test]
    fn the_envelope_of_ukg_in_any_case_and_depth() {
        let envelope = |operation: &str, payload: &str| {
            format!(
                r#"{{"EventId":7,"EventTime":"2020-01-01T00:00:00","EventType":"x","Operation":"{operation}","Payload":{payload},"Tenant":"t"}}"#
            )
        };
        for payload in [
            r#"{"personNumber":"0042","punchDtm":"2026-11-20T08:00:00","timeZone":{"id":13411,"qualifier":"Eastern","name":"America/New_York"},"typeOverride":{"id":1,"qualifier":"In Punch"}}"#,
            r#"{"Employee":{"Id":99,"Qualifier":"0042"},"PunchDateTime":"2026-11-20T08:00:00","TimeZone":"America/New_York","PunchType":"IN"}"#,
            r#"{"punch":{"employee":{"person_number":"0042"},"punch_dtm":"2026-11-20T08:00:00","time_zone":"America/New_York","punch_type":"clockIn"}}"#,
        ] {
            let event = told(&envelope("Insert", payload)).unwrap();
            assert_eq!((event.number.as_deref(), event.direction), (Some("0042"), Some(Direction::In)), "{payload}");
            assert_eq!(event.at(&Zones::default()), Some("2026-11-20T13:00:00Z".parse().unwrap()), "{payload}");
        }
        let named = told(&envelope("Create", r#"{"person":{"userName":"adiaz"},"punchType":"30 Min Meal"}"#)).unwrap();
        assert_eq!((named.user.as_deref(), named.direction, named.at(&zones(Some("UTC")))), (Some("adiaz"), None, None));
    }

    #[test]
    fn an_edit_of_a_punch_is_a_reason_to_look_and_no_report() {
        for (operation, direction) in [("\"Insert\"", Some(Direction::Out)), ("\"Update\"", None), ("\"Delete\"", None), ("7", None)] {
            let data = format!(r#"{{"Operation":{operation},"Payload":{{"personNumber":"7","punchType":"Out Punch"}}}}"#);
            assert_eq!(told(&data).unwrap().direction, direction, "{operation}");
        }
    }

    #[test]
    fn an_id_of_ukg_is_no_person_number() {
        for data in
            [r#"{"Payload":{"employeeId":99,"personId":99,"id":99}}"#, r#"{"employee":{"id":99}}"#, r#"{"Payload":[{"personNumber":"7"}]}"#]
        {
            assert_eq!(told(data).unwrap_err(), "the event names no worker: `data` is to have `person_number` or `user`", "{data}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_field_and_never_by_value() {
        for (data, begins) in [
            ("{}", "the event names no worker"),
            ("null", "`data` is to be an object"),
            ("[1]", "`data` is to be an object"),
            (r#"{"person_number":""}"#, "the event names no worker"),
            (r#"{"person_number":{"x":1}}"#, "`person_number` is to be a text or a whole number"),
            (r#"{"person_number":true}"#, "`person_number` is to be a text or a whole number"),
            (r#"{"person_number":-1}"#, "`person_number` is to be a text or a whole number"),
            (r#"{"person_number":1e400000}"#, "the event is to be a CloudEvents object in JSON; it cannot be read"),
            (r#"{"person_number":123456789012345678901234567890}"#, "`person_number` is to be a text or a whole number"),
            (r#"{"user":["adiaz"]}"#, "`user` is to be a text or a whole number"),
            (r#"{"user":"a\u0000b"}"#, "`user` is to have at most 400 characters"),
            (r#"{"user":"a","at":"secret"}"#, "`at` is to be a text such as"),
            (r#"{"user":"a","at":1700000000}"#, "`at` is to be a text such as"),
            (r#"{"user":"a","at":"+262142-01-01T00:00:00"}"#, "`at` is to be a text such as"),
            (r#"{"user":"a","at":"0000-01-01T00:00:00Z"}"#, "`at` is to be a text such as"),
            (r#"{"user":"a","zone":[]}"#, "`zone` is to be an IANA name"),
            (r#"{"user":"a","zone":{"id":[]}}"#, "`zone` is to be an IANA name"),
            (r#"{"user":"a","direction":1}"#, "`direction` is to be one of \"in\", \"out\", \"break\", \"transfer\", or absent"),
        ] {
            let wrong = told(data).unwrap_err();
            assert!(wrong.starts_with(begins) && !wrong.contains("secret"), "{data}: {wrong}");
        }
        assert!(told(&format!(r#"{{"person_number":"{}"}}"#, "7".repeat(101))).is_err());
    }

    #[test]
    fn nothing_hostile_gets_through_or_stops_the_reading() {
        let deep = |open: &str, close: &str| format!("{{\"data\":{}{}}}", open.repeat(100_000), close.repeat(100_000));
        for body in [
            b"".as_slice(),
            b"\xff\xfe",
            b"{\"data\":{\"user\":\"\xff\"}}",
            b"7",
            b"[]",
            b"null",
            b"{\"data\":{\"user\":\"a\"}",
            deep("[", "]").as_bytes(),
            deep("{\"payload\":", "}").as_bytes(),
        ] {
            let wrong = read(body).unwrap_err();
            assert!(wrong.len() < 200, "{wrong}");
        }
    }

    #[test]
    fn type_and_the_moment_of_the_envelope_decide_nothing() {
        let event = read(br#"{"type":"in","time":"2026-11-20T08:00:00Z","data":{"user":"a"}}"#).unwrap();
        assert_eq!((event.direction, event.at), (None, None));
    }
}
