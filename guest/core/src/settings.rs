//! The tenant's properties as the rules need them, their bounds, and everything that can be wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use chrono_tz::Tz;

use crate::iana;

use crate::identity::Pins;

mod check;
mod properties;

pub use check::{Problem, Severity, check};
pub use properties::{DefaultValue, Kind, PROPERTIES, PropertyInfo, property};

/// One property value, as the platform hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// On or off.
    Switch(bool),
    /// Texts in order.
    Items(Vec<String>),
    /// Names and texts.
    Table(BTreeMap<String, String>),
}

/// Where the status is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// From punches and worked shifts.
    Timecards,
    /// From the on-premise flag.
    OnPremise,
}

/// The tenant's properties (design §4), checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `user-groups`, trimmed, without duplicates, in the order given.
    pub user_groups: Vec<String>,
    /// `exempt-groups`, likewise.
    pub exempt_groups: Vec<String>,
    /// `interval-minutes`.
    pub interval: Duration,
    /// `alert-email`, if not empty.
    pub alert_email: Option<String>,
    /// `status-source`.
    pub status_source: StatusSource,
    /// `max-shift-hours`.
    pub max_shift: Duration,
    /// `max-break-minutes`.
    pub max_break: Duration,
    /// `on-break` is `allow`.
    pub allow_on_break: bool,
    /// `grace-minutes-after`.
    pub grace_after: Duration,
    /// `authorize-unknown`.
    pub authorize_unknown: bool,
    /// `authorize-unreachable`.
    pub authorize_unreachable: bool,
    /// `freshness-minutes`.
    pub freshness: Duration,
    /// `identities`: keys of user names (see [`crate::ids::key`]) to person numbers, trimmed.
    pub identities: Pins,
    /// `zones`: Kronos id or name to IANA name.
    pub zones: BTreeMap<String, String>,
    /// `default-time-zone`, if set.
    pub default_time_zone: Option<String>,
    /// `brake-percent`; 0 is off.
    pub brake_percent: u8,
}

impl Settings {
    /// The settings these values say, with defaults where they say nothing; every error at once if there is any.
    pub fn from_values(values: &BTreeMap<String, Value>) -> Result<Self, Vec<Problem>> {
        let errors: Vec<_> = check(values).into_iter().filter(|problem| problem.severity == Severity::Error).collect();
        if errors.is_empty() { Ok(Self::read(values)) } else { Err(errors) }
    }

    /// What holds where a tenant sets nothing. Without a group it is good for questions about records only.
    pub fn defaults() -> Self {
        Self::read(&BTreeMap::new())
    }

    /// The zone to show moments in that have none of their own: `default-time-zone`, else UTC.
    pub fn zone(&self) -> Tz {
        self.default_time_zone.as_deref().and_then(iana::zone).unwrap_or(Tz::UTC)
    }

    /// Reads values that `check` has passed. Anything else falls back to its default, so this cannot fail.
    fn read(values: &BTreeMap<String, Value>) -> Self {
        let values = Values(values);
        let interval = values.number("interval-minutes");
        Self {
            user_groups: values.names("user-groups"),
            exempt_groups: values.names("exempt-groups"),
            interval: Duration::minutes(interval),
            alert_email: values.text("alert-email"),
            status_source: match values.text("status-source").as_deref() {
                Some("on-premise") => StatusSource::OnPremise,
                _ => StatusSource::Timecards,
            },
            max_shift: Duration::hours(values.number("max-shift-hours")),
            max_break: Duration::minutes(values.number("max-break-minutes")),
            allow_on_break: values.text("on-break").as_deref() != Some("deny"),
            grace_after: Duration::minutes(values.number("grace-minutes-after")),
            authorize_unknown: values.switch("authorize-unknown"),
            authorize_unreachable: values.switch("authorize-unreachable"),
            freshness: Duration::minutes(values.given_number("freshness-minutes").unwrap_or(default_freshness(interval))),
            identities: values.table("identities").into_iter().map(|(user, number)| (crate::ids::key(&user), number)).collect(),
            zones: values.table("zones"),
            default_time_zone: values.text("default-time-zone"),
            brake_percent: u8::try_from(values.number("brake-percent")).unwrap_or_default(),
        }
    }
}

/// `freshness-minutes` where none is given: a record lives through one missed run.
pub(crate) const fn default_freshness(interval_minutes: i64) -> i64 {
    interval_minutes.saturating_mul(2).saturating_add(5)
}

/// Names from a text or a list: trimmed, without empty ones and without repeats (case-blind), in the order given.
///
/// In a text they are separated by commas; a comma that belongs to a name is written `\,`. A list is taken as it is.
pub fn split_names(value: &Value) -> Vec<String> {
    let names = match value {
        Value::Text(text) => split_text(text),
        Value::Items(items) => items.clone(),
        _ => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    names.iter().map(|name| name.trim()).filter(|name| !name.is_empty() && seen.insert(crate::ids::key(name))).map(str::to_owned).collect()
}

fn split_text(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ',' => names.push(String::new()),
            _ => {
                let escaped = if letter == '\\' { letters.next_if_eq(&',') } else { None };
                if let Some(name) = names.last_mut() {
                    name.push(escaped.unwrap_or(letter));
                }
            }
        }
    }
    names
}

/// Values by key, falling back to the default of the table of properties.
struct Values<'a>(&'a BTreeMap<String, Value>);

impl Values<'_> {
    fn given_number(&self, key: &str) -> Option<i64> {
        match self.0.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> i64 {
        self.given_number(key).unwrap_or(match properties::property(key).map(|property| property.default) {
            Some(DefaultValue::Number(number)) => number,
            _ => 0,
        })
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => None,
        }
    }

    fn switch(&self, key: &str) -> bool {
        matches!(self.0.get(key), Some(Value::Switch(true)))
    }

    fn names(&self, key: &str) -> Vec<String> {
        self.0.get(key).map(split_names).unwrap_or_default()
    }

    fn table(&self, key: &str) -> BTreeMap<String, String> {
        match self.0.get(key) {
            Some(Value::Table(table)) => table.iter().map(|(name, zone)| (name.trim().to_owned(), zone.trim().to_owned())).collect(),
            _ => BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(given: &[(&str, Value)]) -> BTreeMap<String, Value> {
        given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let settings = Settings::from_values(&values(&[("user-groups", text("Store 12"))])).unwrap();
        assert_eq!(settings, Settings { user_groups: vec!["Store 12".into()], ..Settings::defaults() });
        assert_eq!(settings.interval, Duration::minutes(30));
        assert_eq!(settings.freshness, Duration::minutes(65));
        assert_eq!(settings.max_shift, Duration::hours(16));
        assert_eq!(settings.max_break, Duration::minutes(90));
        assert_eq!((settings.grace_after, settings.brake_percent), (Duration::zero(), 0));
        assert_eq!((settings.allow_on_break, settings.authorize_unknown, settings.authorize_unreachable), (true, false, false));
        assert_eq!((settings.alert_email, settings.default_time_zone), (None, None));
        assert_eq!(settings.status_source, StatusSource::Timecards);
    }

    #[test]
    fn the_defaults_that_the_pack_describes_change_nothing() {
        let mut described: BTreeMap<_, _> =
            PROPERTIES.iter().filter_map(|info| Some((info.name.to_owned(), info.default.value()?))).collect();
        assert_eq!(described.get("interval-minutes"), Some(&Value::Number(30)));
        described.insert("user-groups".into(), text("Store 12"));
        let settings = Settings::from_values(&described).unwrap();
        assert_eq!(settings, Settings { user_groups: vec!["Store 12".into()], ..Settings::defaults() });
    }

    #[test]
    fn every_value_that_is_given_is_read() {
        let zones = Value::Table(BTreeMap::from([(" 13411 ".to_owned(), "America/New_York ".to_owned())]));
        let settings = Settings::from_values(&values(&[
            ("user-groups", Value::Items(vec!["Store 12, Hourly".into(), " store 12, hourly ".into(), "Store 14".into()])),
            ("exempt-groups", text("Managers")),
            ("interval-minutes", Value::Number(15)),
            ("alert-email", text(" ops@acme.example ")),
            ("status-source", text("on-premise")),
            ("max-shift-hours", Value::Number(12)),
            ("max-break-minutes", Value::Number(45)),
            ("on-break", text("deny")),
            ("grace-minutes-after", Value::Number(10)),
            ("authorize-unknown", Value::Switch(true)),
            ("authorize-unreachable", Value::Switch(true)),
            ("freshness-minutes", Value::Number(20)),
            ("identities", Value::Table(BTreeMap::from([(" ADiaz ".to_owned(), " 0042 ".to_owned())]))),
            ("zones", zones),
            ("default-time-zone", text("Europe/Berlin")),
            ("brake-percent", Value::Number(30)),
        ]))
        .unwrap();
        assert_eq!(settings.user_groups, ["Store 12, Hourly", "Store 14"]);
        assert_eq!(settings.exempt_groups, ["Managers"]);
        assert_eq!((settings.interval, settings.freshness), (Duration::minutes(15), Duration::minutes(20)));
        assert_eq!(settings.alert_email.as_deref(), Some("ops@acme.example"));
        assert_eq!(settings.status_source, StatusSource::OnPremise);
        assert_eq!((settings.max_shift, settings.max_break), (Duration::hours(12), Duration::minutes(45)));
        assert_eq!((settings.grace_after, settings.brake_percent), (Duration::minutes(10), 30));
        assert_eq!((settings.allow_on_break, settings.authorize_unknown, settings.authorize_unreachable), (false, true, true));
        assert_eq!(settings.identities, Pins::from([("adiaz".to_owned(), "0042".to_owned())]));
        assert_eq!(settings.zones.get("13411").map(String::as_str), Some("America/New_York"));
        assert_eq!(settings.default_time_zone.as_deref(), Some("Europe/Berlin"));
    }

    #[test]
    fn freshness_follows_the_interval_unless_it_is_given() {
        let given = values(&[("user-groups", text("a")), ("interval-minutes", Value::Number(1440))]);
        assert_eq!(Settings::from_values(&given).unwrap().freshness, Duration::minutes(2885));
    }

    #[test]
    fn a_warning_does_not_stand_in_the_way_and_errors_come_all_at_once() {
        let warned = values(&[("user-groups", text("a")), ("exempt-groups", text("A"))]);
        assert!(Settings::from_values(&warned).is_ok());
        let wrong = values(&[("interval-minutes", Value::Number(1)), ("on-break", text("maybe"))]);
        assert_eq!(Settings::from_values(&wrong).unwrap_err().len(), 3);
    }

    #[test]
    fn names_are_split_at_commas_that_are_not_escaped() {
        for (given, names) in [
            ("Store 12 Hourly, Store 14 Hourly", vec!["Store 12 Hourly", "Store 14 Hourly"]),
            ("Store 12\\, Hourly", vec!["Store 12, Hourly"]),
            (" , a,, b ,", vec!["a", "b"]),
            ("a, A, b", vec!["a", "b"]),
            ("a\\b", vec!["a\\b"]),
            ("a\\", vec!["a\\"]),
            ("", vec![]),
        ] {
            assert_eq!(split_names(&text(given)), names, "{given}");
        }
        assert_eq!(split_names(&Value::Items(vec!["a, b".into(), " c".into()])), ["a, b", "c"]);
        assert!(split_names(&Value::Number(1)).is_empty());
    }
}
