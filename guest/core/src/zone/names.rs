//! Names of zones as Kronos, Windows and Java write them, such as `(GMT -08:00) Pacific Time`.
//!
//! A name is looked for without its offset, its case and its punctuation: as an IANA name, in the table below, as a list of
//! cities. The offset only contradicts: it never makes a zone by itself, since it says nothing about summer time. UKG
//! publishes no list of its names (facts/ukg-pro-wfm.md §2.4); the property `zones` goes before this table.

use chrono::{NaiveDate, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::iana;

mod table;

/// The zone that a text names.
pub(super) fn translate(text: &str) -> Option<Tz> {
    if let Some(tz) = of_iana(text) {
        return Some(tz);
    }
    if !text.contains(char::is_alphabetic) {
        return None;
    }
    let (offset, name) = split_offset(text);
    let tz = of_iana(name).or_else(|| in_table(name)).or_else(|| cities(name))?;
    agrees(tz, offset).then_some(tz)
}

/// The zone of an IANA name. Two of them are abbreviations that people write for zones with summer time, and IANA keeps for
/// places without: what they mean is not known.
fn of_iana(name: &str) -> Option<Tz> {
    let is_abbreviation = ["EST", "MST"].iter().any(|short| name.trim().eq_ignore_ascii_case(short));
    if is_abbreviation { None } else { iana::zone(name) }
}

/// The offset a text begins with, in minutes east of Greenwich.
pub(super) fn offset(text: &str) -> Option<i32> {
    split_offset(text).0
}

/// Takes `(GMT -08:00)` or the like off the front of a text.
fn split_offset(text: &str) -> (Option<i32>, &str) {
    let text = text.trim();
    let Some((inside, rest)) = text.strip_prefix(['(', '[']).and_then(|text| text.split_once([')', ']'])) else {
        return (None, text);
    };
    let inside = inside.trim().to_ascii_uppercase();
    match inside.strip_prefix("GMT").or_else(|| inside.strip_prefix("UTC")) {
        Some(digits) => (minutes(digits), rest.trim()),
        None => (None, text),
    }
}

/// Minutes of `-08:00`, `+5`, `-0330` or nothing at all.
fn minutes(digits: &str) -> Option<i32> {
    let digits: String = digits.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (sign, digits) = match digits.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (-1, digits),
        None => (1, digits.trim_start_matches(['+', '\u{b1}'])),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, ""),
    };
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i32>().ok() };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 60 + minutes))
}

/// Small letters and digits, single spaces between words, `&` as "and".
fn plain(name: &str) -> String {
    let spaced: String = name.replace('&', " and ").chars().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' }).collect();
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn in_table(name: &str) -> Option<Tz> {
    let name = plain(name);
    let short = ["us and canada", "usa and canada", "us canada", "usa canada", "us", "usa"]
        .iter()
        .find_map(|tail| name.strip_suffix(tail))
        .map_or(name.as_str(), str::trim_end);
    let row = |name: &str| table::NAMES.iter().find(|(known, _)| *known == name).map(|(_, tz)| *tz);
    row(&name).or_else(|| row(short))
}

/// The zone of a list of cities, as far as those that IANA or the table knows have the same time all year.
fn cities(list: &str) -> Option<Tz> {
    let known: Vec<Tz> = list.split([',', ';', ':', '/']).filter_map(|name| city(name).or_else(|| in_table(name))).collect();
    let first = known.first().copied()?;
    known.iter().all(|tz| seasons(*tz) == seasons(first)).then_some(first)
}

fn city(name: &str) -> Option<Tz> {
    const CONTINENTS: &[&str] = &["Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
    let name = name.trim();
    TZ_VARIANTS.iter().copied().find(|tz| {
        let (place, city) = tz.name().rsplit_once('/').unwrap_or_default();
        CONTINENTS.iter().any(|continent| place.split('/').next() == Some(continent)) && city.replace('_', " ").eq_ignore_ascii_case(name)
    })
}

/// Offsets in minutes in January and in July, which tell zones with the same time apart from others.
fn seasons(tz: Tz) -> [i32; 2] {
    [1, 7].map(|month| {
        let noon = NaiveDate::from_ymd_opt(2025, month, 1).and_then(|day| day.and_hms_opt(12, 0, 0)).unwrap_or_default();
        tz.offset_from_utc_datetime(&noon).fix().local_minus_utc() / 60
    })
}

/// Whether an offset and a zone can go together. Names outlive the offsets written beside them (Moscow, Istanbul), and
/// some systems write the summer offset, so an hour either way is let pass.
fn agrees(tz: Tz, offset: Option<i32>) -> bool {
    offset.is_none_or(|offset| seasons(tz).iter().any(|season| (season - offset).abs() <= 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_that_no_place_has_is_none() {
        for (text, wanted) in
            [("(GMT +14:00) x", Some(840)), ("(GMT +15:00) x", None), ("(GMT -03:59) x", Some(-239)), ("(GMT -03:60) x", None)]
        {
            assert_eq!(offset(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_abbreviation_that_people_use_for_a_zone_with_summer_time_is_no_zone() {
        for (name, wanted) in
            [("EST", None), (" mst ", None), ("(GMT -05:00) EST", None), ("EST5EDT", Some("EST5EDT")), ("CET", Some("CET"))]
        {
            assert_eq!(translate(name).map(|tz| tz.name()), wanted, "{name}");
        }
    }

    #[test]
    fn kronos_names_are_translated() {
        for (text, iana) in [
            ("(GMT -05:00) Eastern Time", "America/New_York"),
            ("(GMT -06:00) Central Time (USA; Canada)", "America/Chicago"),
            ("(GMT -07:00) Mountain Time", "America/Denver"),
            ("(GMT -07:00) Arizona", "America/Phoenix"),
            ("(GMT -08:00) Pacific Time", "America/Los_Angeles"),
            ("(GMT -09:00) Alaska", "America/Anchorage"),
            ("(GMT -10:00) Hawaii", "Pacific/Honolulu"),
            ("(GMT -04:00) Atlantic Time (Canada)", "America/Halifax"),
            ("(GMT -03:30) Newfoundland", "America/St_Johns"),
            ("(GMT -05:00) Indiana (East)", "America/Indiana/Indianapolis"),
            ("(GMT) Greenwich Mean Time; Dublin; Edinburgh; Lisbon; London", "Europe/London"),
            ("(GMT +01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
            ("(GMT +10:00) Canberra; Melbourne; Sydney", "Australia/Sydney"),
            ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
            ("gmt standard time", "Europe/London"),
            ("Pacific Standard Time", "America/Los_Angeles"),
            ("(GMT -05:00) America/New_York", "America/New_York"),
            ("(GMT +02:00) Johannesburg", "Africa/Johannesburg"),
            ("EASTERN TIME", "America/New_York"),
            ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "Asia/Kolkata"),
            ("(GMT +00:00) UTC", "UTC"),
        ] {
            assert_eq!(translate(text).map(|tz| tz.name()), Some(iana), "{text}");
        }
    }

    #[test]
    fn what_only_has_an_offset_is_no_zone() {
        for text in ["(GMT -05:00)", "GMT -05:00", "(GMT -05:00) Somewhere", "-05:00", "(GMT)", ""] {
            assert_eq!(translate(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_of_cities_that_do_not_share_their_summer_is_not_guessed_at() {
        assert_eq!(translate("(GMT -05:00) Eastern Time (US & Canada), Bogota, Lima, Quito"), None);
        assert_eq!(translate("(GMT +02:00) Cairo, Helsinki, Kaliningrad, South Africa"), None);
        assert_eq!(translate("(GMT -05:00) Bogota, Lima, Quito").map(|tz| tz.name()), Some("America/Bogota"));
    }

    #[test]
    fn a_name_and_an_offset_that_contradict_each_other_are_no_zone() {
        assert_eq!(translate("(GMT +09:00) Eastern Time"), None);
        assert_eq!(translate("(GMT +10:00) Eastern Time"), None);
        assert_eq!(translate("(GMT -04:00) Eastern Time").map(|tz| tz.name()), Some("America/New_York"), "the summer offset");
    }

    #[test]
    fn offsets_are_read_in_every_usual_form() {
        for (text, minutes) in [
            ("(GMT -08:00) x", Some(-480)),
            ("(GMT+5:30) x", Some(330)),
            ("(UTC -0330) x", Some(-210)),
            ("(GMT) x", Some(0)),
            ("[UTC +1] x", Some(60)),
            ("(GMT xx) x", None),
            ("Eastern Time (US & Canada)", None),
        ] {
            assert_eq!(offset(text), minutes, "{text}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_plain_and_there_once() {
        for (at, (name, _)) in table::NAMES.iter().enumerate() {
            assert_eq!(&plain(name), name);
            assert!(table::NAMES.iter().skip(at + 1).all(|(other, _)| other != name), "{name} twice");
        }
        assert!(table::NAMES.len() >= 60);
    }
}
