//! The tenant's time zones (facts/ukg-pro-wfm.md §2.4).

use serde::Deserialize;
use shift_access_core::zone::KronosZone;

use crate::call::loose::{List, Loose, Root, Word};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireZone {
    id: Word,
    time_zone_id: Word,
    qualifier: Word,
    name: Word,
    time_zone_name: Word,
    display_name: Word,
    full_display_name: Word,
    description: Word,
}

/// An object around a list, whose name is not documented.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireWrapped {
    #[serde(alias = "timeZones", alias = "timezones", alias = "records", alias = "data", alias = "results", alias = "result")]
    list: Option<List<Loose<WireZone>>>,
}

/// Reads a list of zones, a list inside an object, or a single zone; none if it is none of these.
pub fn read(body: &[u8]) -> Option<Vec<KronosZone>> {
    match serde_json::from_slice::<Root<Loose<WireZone>, WireWrapped>>(body).ok()? {
        Root::List(list) => Some(zones(&list)),
        Root::Object(WireWrapped { list: Some(list) }) => (!list.odd).then(|| zones(&list.items)),
        Root::Object(WireWrapped { list: None }) => Some(vec![serde_json::from_slice::<WireZone>(body).ok()?.zone()?]),
    }
}

fn zones(list: &[Loose<WireZone>]) -> Vec<KronosZone> {
    list.iter().filter_map(Loose::object).filter_map(WireZone::zone).collect()
}

impl WireZone {
    fn zone(&self) -> Option<KronosZone> {
        let names = [&self.qualifier, &self.name, &self.time_zone_name, &self.display_name, &self.full_display_name, &self.description];
        let mut distinct: Vec<String> = Vec::new();
        for name in names.into_iter().filter_map(|word| word.to_text()) {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        let zone = KronosZone { id: self.id.to_text().or_else(|| self.time_zone_id.to_text()), names: distinct };
        (!zone.names.is_empty()).then_some(zone)
    }
}

/// Reads an answer.
#[cfg(feature = "fuzz")]
pub fn fuzz(body: &[u8]) {
    drop(read(body));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_a_wrapped_list_and_a_single_zone() {
        let zone = r#"{"id":13411,"qualifier":"Eastern","name":"Eastern","fullDisplayName":"(GMT -05:00) Eastern Time"}"#;
        let expected =
            KronosZone { id: Some("13411".to_owned()), names: vec!["Eastern".to_owned(), "(GMT -05:00) Eastern Time".to_owned()] };
        for body in
            [format!("[{zone},{{}},null]"), format!(r#"{{"timeZones":[{zone}]}}"#), format!(r#"{{"records":[{zone}]}}"#), zone.to_owned()]
        {
            assert_eq!(read(body.as_bytes()), Some(vec![expected.clone()]), "{body}");
        }
    }

    #[test]
    fn an_error_or_a_page_is_no_list() {
        for body in [r#"{"errorCode":"E","message":"m"}"#, "<html>", r#"{"data":"none"}"#, ""] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read(b"[]"), Some(Vec::new()));
    }
}
