//! Everything that can be wrong with a tenant's properties, all of it at once.

use std::collections::{BTreeMap, BTreeSet};

use super::properties::{Kind, PROPERTIES, PropertyInfo, property};
use super::{Value, default_freshness, split_names};
use crate::{catalogue, iana, ids};

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing may run before it is mended.
    Error,
    /// It will run, though perhaps not as meant.
    Warning,
}

/// One problem with the properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How much it weighs.
    pub severity: Severity,
    /// The property.
    pub key: String,
    /// Its number in the catalogue, where it has one.
    pub number: Option<u8>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

/// Every problem with these values, in the order of the table of properties.
pub fn check(values: &BTreeMap<String, Value>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = PROPERTIES.iter().flat_map(|info| check_one(info, values.get(info.name))).collect();
    problems.extend(groups_in_both_lists(values));
    problems.extend(freshness_below_interval(values));
    problems.extend(values.keys().filter(|key| property(key).is_none()).map(|key| unknown_key(key)));
    problems
}

fn check_one(info: &PropertyInfo, value: Option<&Value>) -> Vec<Problem> {
    let Some(value) = value else {
        return if info.required { vec![missing(info.name)] } else { Vec::new() };
    };
    match (info.kind, value) {
        (Kind::Number { min, max }, Value::Number(number)) if !(min..=max).contains(number) => {
            vec![out_of_bounds(info.name, *number, min, max)]
        }
        (Kind::Choice(choices), Value::Text(text)) if !choices.contains(&text.trim()) => vec![no_choice(info.name, text, choices)],
        (Kind::Items, Value::Text(_) | Value::Items(_)) if info.required && split_names(value).is_empty() => vec![missing(info.name)],
        (Kind::Text, Value::Text(text)) if info.name == "alert-email" => addresses(text),
        (Kind::Text, Value::Text(text)) if info.name == "default-time-zone" => default_zone(text),
        (Kind::Table, Value::Table(table)) if info.name == "zones" => table.iter().flat_map(|(name, zone)| zone_row(name, zone)).collect(),
        (Kind::Table, Value::Table(table)) if info.name == "identities" => pins(table),
        (Kind::Number { .. }, Value::Number(_))
        | (Kind::Choice(_) | Kind::Text, Value::Text(_))
        | (Kind::Items, Value::Text(_) | Value::Items(_))
        | (Kind::Switch, Value::Switch(_))
        | (Kind::Table, Value::Table(_)) => Vec::new(),
        (kind, _) => vec![wrong_kind(info, kind, value)],
    }
}

fn error(key: &str, message: String, remedy: impl Into<String>) -> Problem {
    Problem { severity: Severity::Error, key: key.to_owned(), number: None, message, remedy: remedy.into() }
}

fn warning(key: &str, message: String, remedy: impl Into<String>) -> Problem {
    Problem { severity: Severity::Warning, ..error(key, message, remedy) }
}

fn missing(key: &str) -> Problem {
    let remedy = "write the names of the Workspace ONE Access groups that hold the workers, such as \"Store 12 Hourly, Store 14 Hourly\"";
    Problem { number: Some(catalogue::USER_GROUPS_MISSING), ..error(key, format!("{key} names no group"), remedy) }
}

fn out_of_bounds(key: &str, number: i64, min: i64, max: i64) -> Problem {
    let (side, bound) = if number < min { ("below the smallest", min) } else { ("above the largest", max) };
    let problem = error(key, format!("{number} is {side} allowed, {bound}"), format!("write a whole number from {min} to {max}"));
    Problem { number: Some(catalogue::OUT_OF_BOUNDS), ..problem }
}

fn no_choice(key: &str, text: &str, choices: &[&str]) -> Problem {
    let choices: Vec<_> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
    error(key, format!("\"{text}\" is none of the choices"), format!("write {}", choices.join(" or ")))
}

fn wrong_kind(info: &PropertyInfo, wanted: Kind, found: &Value) -> Problem {
    let found = match found {
        Value::Text(_) => "a text",
        Value::Number(_) => "a number",
        Value::Switch(_) => "a switch",
        Value::Items(_) => "a list",
        Value::Table(_) => "a table",
    };
    let remedy = match wanted {
        Kind::Text => "write a text in quotes".to_owned(),
        Kind::Number { min, max } => format!("write a whole number from {min} to {max}, without quotes"),
        Kind::Switch => "write true or false, without quotes".to_owned(),
        Kind::Items => "write a text with commas between the names, or a list of texts".to_owned(),
        Kind::Table if info.name == "identities" => format!("write a table, such as {A_PIN}"),
        Kind::Table => "write a table, such as \"13411\" = \"America/New_York\"".to_owned(),
        Kind::Choice(choices) => format!("write \"{}\"", choices.join("\" or \"")),
    };
    error(info.name, format!("{found} does not fit here"), remedy)
}

/// Sanity, not RFC 5322: it catches a name without an address, a forgotten comma and a stray semicolon.
fn addresses(text: &str) -> Vec<Problem> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let remedy = "write an address such as ops@acme.example, several with commas between them, or nothing for no mail";
    text.split(',')
        .map(str::trim)
        .filter(|address| !is_address(address))
        .map(|address| error("alert-email", format!("\"{address}\" is no mail address"), remedy))
        .collect()
}

fn is_address(address: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || ",;<>()[]\"\\:".contains(letter);
    match address.split_once('@') {
        Some((name, domain)) => {
            !name.is_empty()
                && !domain.contains('@')
                && !address.contains(odd)
                && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        }
        None => false,
    }
}

fn is_iana(name: &str) -> bool {
    iana::zone(name).is_some()
}

fn default_zone(text: &str) -> Vec<Problem> {
    if text.trim().is_empty() || is_iana(text) {
        return Vec::new();
    }
    let message = format!("\"{text}\" is no IANA time zone");
    vec![error("default-time-zone", message, "write an IANA name such as America/New_York or Europe/Berlin")]
}

fn zone_row(name: &str, zone: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if name.trim().is_empty() {
        let message = format!("a zone without a name stands for \"{zone}\"");
        problems.push(error("zones", message, "write the number or the name that Kronos gives the zone in front of the equals sign"));
    }
    if !is_iana(zone) {
        let message = format!("\"{zone}\", given for \"{name}\", is no IANA time zone");
        problems.push(error("zones", message, format!("write an IANA name, such as \"{name}\" = \"America/New_York\"")));
    }
    problems
}

/// A row of `identities`.
const A_PIN: &str = "\"adiaz\" = \"100007\"";

/// A pin is one user and one person: what else a table can say would be read as a guess.
fn pins(table: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (mut users, mut numbers) = (BTreeMap::<String, &str>::new(), BTreeMap::<&str, &str>::new());
    for (user, number) in table {
        let (user, number) = (user.trim(), number.trim());
        if user.is_empty() {
            let message = format!("a pin without a user name stands for \"{number}\"");
            problems.push(error("identities", message, format!("write the user name in front of the equals sign, as in {A_PIN}")));
        } else if let Some(other) = users.insert(ids::key(user), user) {
            let message = format!("\"{other}\" and \"{user}\" are one user name: case does not count");
            problems.push(error("identities", message, "keep one of the two lines"));
        }
        if number.is_empty() {
            let message = format!("\"{user}\" is pinned to no person number");
            problems.push(error("identities", message, format!("write the person number of Kronos, as in {A_PIN}, or take the line out")));
        } else if let Some(other) = numbers.insert(number, user).filter(|other| ids::key(other) != ids::key(user)) {
            let message = format!("\"{other}\" and \"{user}\" are pinned to the same person, {number}");
            problems.push(error("identities", message, "pin each person to one user: the working status of a person is one user's"));
        }
    }
    problems
}

fn names_of(values: &BTreeMap<String, Value>, key: &str) -> Vec<String> {
    values.get(key).map(split_names).unwrap_or_default()
}

fn groups_in_both_lists(values: &BTreeMap<String, Value>) -> Vec<Problem> {
    let workers: BTreeSet<_> = names_of(values, "user-groups").iter().map(|name| ids::key(name)).collect();
    names_of(values, "exempt-groups")
        .iter()
        .filter(|name| workers.contains(&ids::key(name)))
        .map(|name| {
            let message = format!("\"{name}\" is in user-groups as well: its members are read and have access all the same");
            warning("exempt-groups", message, "take it out of one of the two, unless you want to see the status of people who are exempt")
        })
        .collect()
}

fn freshness_below_interval(values: &BTreeMap<String, Value>) -> Option<Problem> {
    let freshness = number(values, "freshness-minutes")?;
    let interval = number(values, "interval-minutes").unwrap_or(30);
    (freshness < interval).then(|| {
        let message = format!(
            "{freshness} minutes is shorter than the {interval} minutes between two runs: every status goes stale before it is read again"
        );
        warning("freshness-minutes", message, format!("write {}, or leave it out", default_freshness(interval)))
    })
}

/// A number that is given and within its bounds: of others there is an error already.
fn number(values: &BTreeMap<String, Value>, key: &str) -> Option<i64> {
    match (values.get(key)?, property(key)?.kind) {
        (Value::Number(number), Kind::Number { min, max }) if (min..=max).contains(number) => Some(*number),
        _ => None,
    }
}

fn unknown_key(key: &str) -> Problem {
    let names: Vec<_> = PROPERTIES.iter().map(|info| info.name).collect();
    error(key, format!("there is no property {key}"), format!("write one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// The problems with these values beside a good `user-groups`.
    fn problems(given: &[(&str, Value)]) -> Vec<Problem> {
        let mut values: BTreeMap<_, _> = given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        values.entry("user-groups".into()).or_insert(text("Store 12"));
        check(&values)
    }

    #[track_caller]
    fn only(given: &[(&str, Value)]) -> Problem {
        let problems = problems(given);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.into_iter().next().unwrap()
    }

    #[test]
    fn a_tenant_without_user_groups_is_told_so_whatever_form_the_nothing_has() {
        assert_eq!(check(&BTreeMap::new()).first().and_then(|problem| problem.number), Some(1));
        for nothing in [text(""), text(" , "), Value::Items(vec![]), Value::Items(vec![" ".into()])] {
            assert_eq!(only(&[("user-groups", nothing)]).number, Some(1));
        }
    }

    #[test]
    fn every_bound_is_held_on_both_sides() {
        for info in PROPERTIES {
            let Kind::Number { min, max } = info.kind else { continue };
            for number in [min, max] {
                let found = problems(&[(info.name, Value::Number(number))]);
                assert!(found.iter().all(|problem| problem.severity == Severity::Warning), "{found:?}");
            }
            for number in [min - 1, max + 1, i64::MIN, i64::MAX] {
                let found = problems(&[(info.name, Value::Number(number))]);
                let errors: Vec<_> = found.iter().filter(|problem| problem.severity == Severity::Error).collect();
                assert_eq!(errors.len(), 1, "{found:?}");
                assert_eq!((errors[0].number, errors[0].key.as_str()), (Some(2), info.name));
                let side = if number < min { "below the smallest allowed" } else { "above the largest allowed" };
                assert!(errors[0].message.starts_with(&format!("{number} is {side}, ")), "{found:?}");
                assert!(errors[0].message.ends_with(&format!(", {}", if number < min { min } else { max })), "{found:?}");
                assert_eq!(errors[0].remedy, format!("write a whole number from {min} to {max}"));
                assert_eq!(found.len(), 1, "what is out of bounds is not judged any further: {found:?}");
            }
        }
    }

    #[test]
    fn the_bounds_are_those_of_the_design() {
        for (name, bounds) in [
            ("interval-minutes", (5, 1440)),
            ("max-shift-hours", (1, 48)),
            ("max-break-minutes", (5, 1440)),
            ("grace-minutes-after", (0, 240)),
            ("freshness-minutes", (5, 10_080)),
            ("brake-percent", (0, 100)),
        ] {
            assert_eq!(property(name).unwrap().kind, Kind::Number { min: bounds.0, max: bounds.1 }, "{name}");
        }
    }

    #[test]
    fn a_choice_is_one_of_its_words() {
        assert!(problems(&[("status-source", text("on-premise")), ("on-break", text("deny"))]).is_empty());
        let problem = only(&[("status-source", text("punches"))]);
        assert_eq!((problem.number, problem.message.as_str()), (None, "\"punches\" is none of the choices"));
        assert_eq!(problem.remedy, "write \"timecards\" or \"on-premise\"");
        assert_eq!(only(&[("on-break", text("Allow"))]).key, "on-break");
    }

    #[test]
    fn zones_are_iana_names() {
        let table = |name: &str, zone: &str| Value::Table(BTreeMap::from([(name.to_owned(), zone.to_owned())]));
        assert!(problems(&[("default-time-zone", text("America/New_York")), ("zones", table("13411", "europe/berlin"))]).is_empty());
        assert!(problems(&[("default-time-zone", text(""))]).is_empty());
        assert_eq!(only(&[("default-time-zone", text("Eastern Time"))]).message, "\"Eastern Time\" is no IANA time zone");
        assert_eq!(only(&[("zones", table("13411", "New York"))]).message, "\"New York\", given for \"13411\", is no IANA time zone");
        assert_eq!(only(&[("zones", table(" ", "UTC"))]).key, "zones");
    }

    #[test]
    fn a_pin_is_one_user_and_one_person() {
        let table = |rows: &[(&str, &str)]| {
            let rows = rows.iter().map(|(user, number)| ((*user).to_owned(), (*number).to_owned()));
            [("identities", Value::Table(rows.collect()))]
        };
        assert!(problems(&table(&[("adiaz", "100007"), ("ACME\\bking", "0042"), ("cmoss", "42")])).is_empty());
        for (rows, message) in [
            (&[(" ", "7")][..], "a pin without a user name stands for \"7\""),
            (&[("adiaz", " ")], "\"adiaz\" is pinned to no person number"),
            (&[("ADiaz", "7"), ("adiaz", "8")], "\"ADiaz\" and \"adiaz\" are one user name: case does not count"),
            (&[("ADiaz", "7"), ("adiaz ", "7")], "\"ADiaz\" and \"adiaz\" are one user name: case does not count"),
            (&[("adiaz", "7"), ("bking", "7 ")], "\"adiaz\" and \"bking\" are pinned to the same person, 7"),
        ] {
            let problem = only(&table(rows));
            assert_eq!((problem.severity, problem.message.as_str()), (Severity::Error, message));
        }
        assert_eq!(only(&[("identities", text("adiaz"))]).remedy, "write a table, such as \"adiaz\" = \"100007\"");
    }

    #[test]
    fn the_alert_address_is_one_or_several_addresses_or_nothing() {
        for good in ["", " ", "ops@acme.example", "ops@acme.example, it@stores.acme.example", "root@localhost"] {
            assert!(problems(&[("alert-email", text(good))]).is_empty(), "{good}");
        }
        for bad in [
            "o ps@acme.example",
            "o\u{a0}ps@acme.example",
            "o\u{7}ps@acme.example",
            "o<ps@acme.example",
            "ops",
            "@acme.example",
            "ops@",
            "ops@acme..example",
            "a@b@c",
            "a@b.example; c@d.example",
            "Ops <ops@acme.example>",
            "a@b,",
        ] {
            assert_eq!(only(&[("alert-email", text(bad))]).key, "alert-email", "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_told_with_what_to_write() {
        for info in PROPERTIES {
            let other = match info.kind {
                Kind::Switch => text("true"),
                _ => Value::Switch(true),
            };
            let problem = only(&[(info.name, other)]);
            assert_eq!((problem.severity, problem.key.as_str()), (Severity::Error, info.name));
            assert!(problem.message.ends_with("does not fit here"), "{problem:?}");
        }
        assert_eq!(only(&[("interval-minutes", text("30"))]).remedy, "write a whole number from 5 to 1440, without quotes");
    }

    #[test]
    fn a_group_in_both_lists_is_a_warning() {
        let problem = only(&[("user-groups", text("Managers, Store 12")), ("exempt-groups", text("managers"))]);
        assert_eq!((problem.severity, problem.key.as_str()), (Severity::Warning, "exempt-groups"));
    }

    #[test]
    fn freshness_shorter_than_the_interval_is_a_warning() {
        let problem = only(&[("freshness-minutes", Value::Number(29))]);
        assert_eq!((problem.severity, problem.remedy.as_str()), (Severity::Warning, "write 65, or leave it out"));
        assert!(problems(&[("freshness-minutes", Value::Number(30))]).is_empty());
    }

    #[test]
    fn a_key_that_is_no_property_is_told() {
        assert_eq!(only(&[("user-group", text("a"))]).message, "there is no property user-group");
    }

    #[test]
    fn all_problems_come_at_once() {
        let found = problems(&[
            ("user-groups", text("")),
            ("interval-minutes", Value::Number(1)),
            ("max-break-minutes", Value::Switch(true)),
            ("default-time-zone", text("Mars")),
            ("surprise", text("")),
        ]);
        let keys: Vec<_> = found.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["user-groups", "interval-minutes", "max-break-minutes", "default-time-zone", "surprise"]);
    }
}
