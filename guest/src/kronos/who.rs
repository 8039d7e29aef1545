//! Who is logged in, and the text of a person's time zone (facts/ukg-pro-wfm.md §2.2, §2.4).

use serde::Deserialize;
use shift_access_core::timecard::ZoneRef;

use crate::call::loose::{Loose, Word};
use crate::kronos::CurrentUser;

/// A person's zone: a text, an id, or an object with some of both.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WireZone {
    #[serde(rename = "displayName")]
    display_name: Word,
    qualifier: Word,
    name: Word,
    #[serde(rename = "timeZoneId")]
    time_zone_id: Word,
    id: Word,
}

/// A person's zone with the number that goes with it, which may stand beside it.
pub fn zone_of(zone: &Loose<WireZone>, number: &Word) -> Option<ZoneRef> {
    let own_number = zone.object().and_then(|zone| zone.time_zone_id.to_text().or_else(|| zone.id.to_text()));
    let id = number.to_text().or(own_number);
    let qualifier = zone_text(zone).filter(|text| Some(text) != id.as_ref());
    (id.is_some() || qualifier.is_some()).then_some(ZoneRef { id, qualifier, name: None })
}

/// What a person's zone is best known by: its name, else its number.
pub fn zone_text(zone: &Loose<WireZone>) -> Option<String> {
    let of_object = |zone: &WireZone| {
        [&zone.qualifier, &zone.display_name, &zone.name, &zone.time_zone_id, &zone.id].into_iter().find_map(|word| word.to_text())
    };
    zone.to_text().or_else(|| zone.object().and_then(of_object))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireUser {
    #[serde(rename = "userName")]
    user_name: Word,
    #[serde(rename = "personNumber")]
    person_number: Word,
    #[serde(rename = "timeZone")]
    time_zone: Loose<WireZone>,
}

/// Reads the answer of `current_user_info`; none if it names no user.
pub fn read(body: &[u8]) -> Option<CurrentUser> {
    let user = serde_json::from_slice::<Loose<WireUser>>(body).ok()?.into_object()?;
    Some(CurrentUser {
        user_name: user.user_name.to_text()?,
        person_number: user.person_number.to_text(),
        zone: zone_text(&user.time_zone),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_read_with_any_form_of_zone() {
        let body = |zone: &str| format!(r#"{{"userName":"api","personNumber":900,"employeeId":1,"timeZone":{zone}}}"#);
        for (zone, expected) in [
            (r#"{"timeZoneId":13411,"displayName":"(GMT -05:00) Eastern Time","gmtOffset":-5}"#, Some("(GMT -05:00) Eastern Time")),
            (r#""Europe/Berlin""#, Some("Europe/Berlin")),
            (r#"{"timeZoneId":13411}"#, Some("13411")),
            ("null", None),
        ] {
            let user = read(body(zone).as_bytes()).unwrap();
            assert_eq!((user.user_name.as_str(), user.person_number.as_deref(), user.zone.as_deref()), ("api", Some("900"), expected));
        }
    }

    #[test]
    fn an_error_or_a_page_is_no_user() {
        for body in [r#"{"errorCode":"E","message":"m"}"#, r#"{"error":"e","error_description":"d"}"#, "<html>", "[]", ""] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
