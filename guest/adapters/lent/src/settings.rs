//! The settings of the tenant, from `wasi:config`: read once, checked against the pack's description, all problems together.
//!
//! `connections.NAME.KEY` is a connection's, `properties.NAME` a property, `properties.NAME.KEY` a row of a table, `mail.KEY` is
//! the mail API's. `tenant` and `api-token` are for the front.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::address::Address;
use crate::bindings::exports::shift_access::plugin::properties::Property;
use crate::connection::Connection;
use crate::described::{self, Description};
use crate::email::Mail;
use crate::login::{Login, Settings, fixed_headers};
use crate::properties;
use crate::secrets::Secrets;
use crate::tenant::Tenant;
use crate::tokens::Tokens;
use crate::turns::Turns;

/// One try of a call, in seconds, unless the setting says otherwise.
const TIMEOUT: u64 = 60;

/// Settings of a connection beside those that the pack describes.
const OF_EVERY_CONNECTION: [&str; 4] = ["url", "authentication", "timeout-seconds", "in-flight"];

/// What is wrong, as it is found.
pub struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, key: &str, what: impl AsRef<str>) {
        self.0.push(format!("{key}: {}", what.as_ref()));
    }

    /// What went well, or nothing and a problem.
    fn or_none<T>(&mut self, key: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|why| self.add(key, why)).ok()
    }
}

/// Makes a tenant of settings.
///
/// # Errors
/// Every problem.
pub fn read(description: &Description, given: &BTreeMap<String, String>) -> Result<Tenant, Vec<String>> {
    let mut problems = Problems(Vec::new());
    let mut connections = BTreeMap::new();
    for described in &description.connections {
        let of = below(given, &format!("connections.{}.", described.name));
        if let Some(connection) = connection(described, of, &mut problems) {
            connections.insert(described.name.clone(), connection);
        }
    }
    let properties = description.properties.iter().filter_map(|described| property(described, given, &mut problems)).collect();
    let mail = Mail::of(&below(given, "mail."));
    let mail = problems.or_none("mail", mail).flatten();
    for key in given.keys().filter(|key| !is_known(description, key)) {
        problems.add(key, "no such setting");
    }
    if problems.0.is_empty() { Ok(Tenant { connections, properties, mail }) } else { Err(problems.0) }
}

/// The settings whose names begin so, under the rest of their names.
fn below(given: &BTreeMap<String, String>, prefix: &str) -> Settings {
    given.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))).collect()
}

fn is_known(description: &Description, key: &str) -> bool {
    let mut parts = key.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("tenant" | "api-token"), None, None) => true,
        (Some("mail"), Some(key), None) => Mail::KEYS.contains(&key),
        (Some("connections"), Some(name), Some(key)) => description.connections.iter().any(|described| {
            let settings = described.settings.iter().map(|setting| setting.name.as_str());
            described.name == name && settings.chain(OF_EVERY_CONNECTION).any(|known| known == key)
        }),
        (Some("properties"), Some(name), row) => description
            .properties
            .iter()
            .any(|described| described.name == name && (row.is_none() || matches!(described.kind, described::Kind::Table))),
        _ => false,
    }
}

fn property(described: &described::Property, given: &BTreeMap<String, String>, problems: &mut Problems) -> Option<Property> {
    let key = format!("properties.{}", described.name);
    let rows = below(given, &format!("{key}."));
    problems.or_none(&key, properties::read(described, given.get(&key).map(String::as_str), rows)).flatten()
}

/// A connection; none where nothing of it is given, as calls to it say then.
fn connection(described: &described::Connection, mut given: Settings, problems: &mut Problems) -> Option<Connection> {
    if given.is_empty() {
        return None;
    }
    let key = |name: &str| format!("connections.{}.{name}", described.name);
    let defaults = described.settings.iter().filter_map(|setting| Some((setting.name.clone(), setting.default.clone()?)));
    for (name, value) in defaults {
        given.entry(name).or_insert(value);
    }
    let chosen = given.get("authentication").cloned();
    let scheme = match &chosen {
        Some(name) => described.schemes.iter().find(|scheme| scheme.name == *name),
        None => described.schemes.first(),
    };
    if let (Some(name), None) = (&chosen, scheme) {
        let known: Vec<_> = described.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        problems.add(&key("authentication"), format!("{name:?} is no way to log in; write one of: {}", known.join(", ")));
        return None;
    }
    let wanted = |setting: &described::Setting| setting.scheme.is_none() || setting.scheme.as_deref() == scheme.map(|of| of.name.as_str());
    let missing = described.settings.iter().filter(|setting| setting.required && wanted(setting));
    let missing: Vec<_> = missing.filter(|setting| given.get(&setting.name).is_none_or(String::is_empty)).collect();
    missing.iter().for_each(|setting| problems.add(&key(&setting.name), "must be given"));
    let base = given.get("url").ok_or_else(|| "must be given".to_owned()).and_then(|url| base(url));
    let base = problems.or_none(&key("url"), base);
    let timeout = problems.or_none(&key("timeout-seconds"), number(given.get("timeout-seconds"), TIMEOUT, 1..=600));
    let in_flight = number(given.get("in-flight"), u64::from(described.in_flight), 1..=64);
    let in_flight = problems.or_none(&key("in-flight"), in_flight);
    let (Some(base), Some(timeout), Some(in_flight), true) = (base, timeout, in_flight, missing.is_empty()) else { return None };
    let timeout = Duration::from_secs(timeout);
    let login = scheme.map(|scheme| Login::new(scheme, &given, &base, timeout, described.request_id_header.clone())).transpose();
    let login = problems.or_none(&key("authentication"), login)?;
    let headers = problems.or_none(&format!("connections.{}", described.name), fixed_headers(&described.headers, &given))?;
    let secrets = described.settings.iter().filter(|setting| setting.secret).filter_map(|setting| given.get(&setting.name).cloned());
    let secrets = secrets.chain(login.as_ref().and_then(|login| login.basic.clone())).collect();
    Some(Connection {
        base,
        headers,
        request_id: described.request_id_header.clone(),
        timeout,
        turns: Turns::new(u32::try_from(in_flight).unwrap_or(1)),
        login,
        tokens: Tokens::default(),
        secrets: Secrets::new(secrets),
    })
}

/// The address of a connection: a host and nothing behind it, since paths stand below it.
fn base(text: &str) -> Result<Address, String> {
    let address = Address::parse(text)?;
    if address.path == "/" { Ok(address) } else { Err("has a path; write the host alone".to_owned()) }
}

fn number(given: Option<&String>, usual: u64, bounds: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let Some(text) = given else { return Ok(usual) };
    let within = |number: &u64| bounds.contains(number);
    text.parse().ok().filter(within).ok_or_else(|| format!("write a number from {} to {}", bounds.start(), bounds.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        let text = r#"{
            "connections": [{
                "name": "kronos", "request_id_header": null, "in_flight": 4, "headers": [],
                "settings": [
                    {"name": "client-id", "secret": false, "required": true, "scheme": null, "default": null},
                    {"name": "realm", "secret": false, "required": true, "scheme": "ukg", "default": null}
                ],
                "schemes": [
                    {"name": "classic", "token": {"Literal": "/token"}, "encoding": "Form", "parameters": [], "headers": [], "basic": null, "busy_code": null},
                    {"name": "ukg", "token": {"Setting": "token-url"}, "encoding": "Json", "parameters": [], "headers": [], "basic": null, "busy_code": null}
                ]
            }],
            "properties": [
                {"name": "groups", "kind": "Items", "default": null, "required": true},
                {"name": "zones", "kind": "Table", "default": null, "required": false},
                {"name": "minutes", "kind": {"Number": [5, 10]}, "default": {"Number": 7}, "required": false}
            ]
        }"#;
        serde_json::from_str(text).unwrap()
    }

    fn problems(given: &[(&str, &str)]) -> Vec<String> {
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        read(&description(), &given).err().unwrap_or_default()
    }

    #[test]
    fn what_is_whole_is_read() {
        let given = [
            ("tenant", "acme"),
            ("connections.kronos.url", "https://acme.example/"),
            ("connections.kronos.client-id", "c"),
            ("properties.groups", "a, b"),
            ("properties.zones.13411", "America/New_York"),
        ];
        assert_eq!(problems(&given), Vec::<String>::new());
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let found = problems(&[
            ("connections.kronos.url", "http://acme.example"),
            ("connections.kronos.in-flight", "0"),
            ("connections.other.url", "https://acme.example"),
            ("properties.minutes", "4"),
            ("properties.minutes.x", "4"),
            ("mail.colour", "red"),
            ("tenent", "acme"),
        ]);
        let keys: Vec<_> = found.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
        assert_eq!(
            keys,
            [
                "connections.kronos.client-id",
                "connections.kronos.url",
                "connections.kronos.in-flight",
                "properties.groups",
                "properties.minutes",
                "mail",
                "connections.other.url",
                "mail.colour",
                "properties.minutes.x",
                "tenent"
            ]
        );
    }

    #[test]
    fn a_value_that_makes_no_header_is_the_connections() {
        let mut description = description();
        let value = described::Source::Setting("client-id".to_owned());
        description.connections[0].headers = vec![described::Parameter { name: "x-client".to_owned(), value }];
        let given =
            [("connections.kronos.url", "https://acme.example"), ("connections.kronos.client-id", "a\nb"), ("properties.groups", "a")];
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let found = read(&description, &given).err().unwrap_or_default();
        assert_eq!(found, ["connections.kronos: the value for the header x-client holds a line break or control character"]);
    }

    #[test]
    fn a_scheme_wants_its_own_settings() {
        let given = [
            ("connections.kronos.url", "https://acme.example"),
            ("connections.kronos.client-id", "c"),
            ("connections.kronos.authentication", "ukg"),
            ("properties.groups", "a"),
        ];
        assert_eq!(problems(&given), ["connections.kronos.realm: must be given"]);
    }
}
