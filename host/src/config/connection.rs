//! A connection of a tenant: its address, how it logs in, and the values that takes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::address::{self, AddressError};
use super::credential::{self, Environment};
use super::document::{Node, Place, Report, Section, Value, join, suggestion};
use super::tenant::is_blank;
use crate::description::{self, AddressRule, Parameter, Scheme, Setting, Source};

/// One connection, resolved: everything a call needs.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// The name the plugin calls it by.
    pub name: String,
    /// The base address: `https:`, or `http:` to loopback; no path.
    pub url: Url,
    /// How it logs in; absent: calls carry no login.
    pub scheme: Option<Scheme>,
    /// The values of its settings, those without a value left out.
    pub settings: BTreeMap<String, SettingValue>,
    /// Headers of every call.
    pub headers: Vec<Parameter>,
    /// The answer header that holds a request id, where there is one.
    pub request_id_header: Option<String>,
    /// How long one try may take.
    pub timeout: Duration,
    /// Calls in flight at most.
    pub in_flight: usize,
    /// The largest body of an answer, in bytes.
    pub max_response_bytes: u64,
    /// Whether its names may lead to private addresses, as of a server in the company's own network.
    pub private_network: bool,
}

/// The value of a setting. Its debug form shows no secret.
#[derive(Clone, Debug)]
pub enum SettingValue {
    /// Anybody may see it.
    Plain(String),
    /// Nobody may.
    Secret(SecretString),
}

impl SettingValue {
    /// The value itself. Never log it, never show it.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose_secret(),
        }
    }
}

/// How long one try may take, unless the configuration says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The largest body of an answer, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;

impl ConnectionConfig {
    /// A connection without login and settings to public addresses, calls limited to 60 seconds, 4 in flight and
    /// answers of 32 MiB.
    pub fn new(name: impl Into<String>, url: Url) -> Self {
        Self {
            name: name.into(),
            url,
            scheme: None,
            settings: BTreeMap::new(),
            headers: Vec::new(),
            request_id_header: None,
            timeout: TIMEOUT,
            in_flight: 4,
            max_response_bytes: LARGEST,
            private_network: false,
        }
    }

    /// A connection as a pack describes it, with its first scheme. The settings are yet to be given.
    pub fn described(info: &description::Connection, url: Url) -> Self {
        Self {
            scheme: info.schemes.first().cloned(),
            headers: info.headers.clone(),
            request_id_header: info.request_id_header.clone(),
            in_flight: usize::try_from(info.in_flight).unwrap_or(4).max(1),
            ..Self::new(&info.name, url)
        }
    }
}

/// What settings may refer to.
pub(super) struct Surroundings<'a> {
    pub(super) folder: &'a Path,
    pub(super) env: Environment<'a>,
}

/// Resolves the connections of a tenant: those the pack declares, all of them and no other.
pub(super) fn resolve(
    node: Option<&(Node, Place)>,
    tenant: &Place,
    infos: &[description::Connection],
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, ConnectionConfig> {
    let mut connections = BTreeMap::new();
    let fallback = Place { key: join(&tenant.key, "connections"), line: tenant.line };
    let mut section = node.and_then(|(node, place)| Section::open(node, place.clone(), report));
    for info in infos {
        let Some((node, place)) = section.as_mut().and_then(|section| section.get(&info.name)) else {
            let place = Place { key: join(&fallback.key, &info.name), line: fallback.line };
            report.error(&place, "is missing", format!("add a table [{}] with url = \"https://…\"", place.key));
            continue;
        };
        if let Some(section) = Section::open(node, place, report)
            && let Some(connection) = one(section, info, surroundings, report)
        {
            connections.insert(info.name.clone(), connection);
        }
    }
    if let Some(section) = section {
        section.finish("connection", report);
    }
    connections
}

fn one(
    mut section: Section<'_>,
    info: &description::Connection,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Option<ConnectionConfig> {
    let url = section.required_text("url", "https://tenant.example.com", report);
    let url = url.and_then(|(text, place)| base(&text, &info.address, &place, report));
    let timeout = section.number("timeout-seconds", 1, 600, report).and_then(|seconds| u64::try_from(seconds).ok());
    let in_flight = section.number("in-flight", 1, 64, report).and_then(|calls| usize::try_from(calls).ok());
    let private_network = section.switch("private-network", report);
    let scheme = scheme(&mut section, info, report);
    let mut settings = BTreeMap::new();
    for setting in &info.settings {
        let value = self::setting(&mut section, setting, scheme.ok().flatten(), surroundings, report);
        settings.extend(value.map(|value| (setting.name.clone(), value)));
    }
    complete_token_address(&mut section, scheme.ok().flatten(), &mut settings, report);
    section.finish("setting", report);
    let scheme = scheme.ok()?;
    Some(ConnectionConfig {
        scheme: scheme.cloned(),
        settings,
        headers: info.headers.clone(),
        request_id_header: info.request_id_header.clone(),
        timeout: timeout.map_or(TIMEOUT, Duration::from_secs),
        in_flight: in_flight.unwrap_or_else(|| usize::try_from(info.in_flight).unwrap_or(1).max(1)),
        private_network: private_network.unwrap_or(false),
        ..ConnectionConfig::new(&info.name, url?)
    })
}

fn base(text: &str, rule: &AddressRule, place: &Place, report: &mut Report) -> Option<Url> {
    match address::clean(text, rule) {
        Ok(url) => {
            let shown = url.as_str().trim_end_matches('/');
            if shown != text {
                report.note(place, format!("is read as {shown}"));
            }
            Some(url)
        }
        Err(error) => {
            refuse(text, &error, place, report);
            None
        }
    }
}

fn refuse(text: &str, error: &AddressError, place: &Place, report: &mut Report) {
    // What holds credentials, or may hold them, is not repeated.
    let shown = if text.contains('@') { String::new() } else { format!("`{text}` ") };
    report.error(place, format!("{shown}{error}"), error.remedy());
}

/// The chosen way to log in; `Err` where the choice is not known.
fn scheme<'i>(section: &mut Section<'_>, info: &'i description::Connection, report: &mut Report) -> Result<Option<&'i Scheme>, ()> {
    let Some(default) = info.schemes.first() else { return Ok(None) };
    let Some((_, _)) = section.get("authentication") else { return Ok(Some(default)) };
    let (name, place) = section.text("authentication", &default.name, report).ok_or(())?;
    info.schemes.iter().find(|scheme| scheme.name == name).map(Some).ok_or_else(|| {
        let names: Vec<String> = info.schemes.iter().map(|scheme| scheme.name.clone()).collect();
        report.error(&place, format!("`{name}` is no way to log in here"), suggestion(&name, &names));
    })
}

fn setting(
    section: &mut Section<'_>,
    info: &Setting,
    scheme: Option<&Scheme>,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Option<SettingValue> {
    let given = section.get(&info.name);
    if let Some(only) = &info.scheme
        && scheme.is_none_or(|chosen| chosen.name != *only)
    {
        if let (Some((_, place)), Some(chosen)) = (given, scheme) {
            let remedy = format!("leave it out, or write authentication = {only:?}");
            report.warning(&place, format!("is not used with authentication = {:?}", chosen.name), remedy);
        }
        return None;
    }
    match given {
        // Blank is none, where none will do.
        Some((node, _)) if is_blank(node) && !info.required => default(info),
        Some((node, place)) if info.secret => {
            credential::read(node, &place, surroundings.folder, surroundings.env, report).map(SettingValue::Secret)
        }
        Some((node, place)) => plain(section, info, node, &place, surroundings, report),
        None if info.required && info.default.is_none() => {
            section.missing(&info.name, remedy(info), report);
            None
        }
        None => default(info),
    }
}

fn plain(
    section: &mut Section<'_>,
    info: &Setting,
    node: &Node,
    place: &Place,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Option<SettingValue> {
    if let Value::Table(_) = node.value {
        return credential::referenced(node, place, surroundings.folder, surroundings.env, report).map(SettingValue::Plain);
    }
    // Sealed while nobody knew that it is none.
    if let Value::Secret(secret) = &node.value {
        return credential::one_line(secret.as_ref()?.expose_secret().to_owned(), place, report).map(SettingValue::Plain);
    }
    let (text, place) = section.text(&info.name, "…", report)?;
    credential::one_line(text, &place, report).map(SettingValue::Plain)
}

fn default(info: &Setting) -> Option<SettingValue> {
    let default = info.default.clone()?;
    Some(if info.secret { SettingValue::Secret(SecretString::from(default)) } else { SettingValue::Plain(default) })
}

fn remedy(info: &Setting) -> String {
    let value = if info.secret { "{ env = \"NAME\" }" } else { "\"…\"" };
    format!("add {} = {value}: {}", info.name, info.summary)
}

/// A token endpoint given whole keeps to the same rules as the base address, and is completed with `https:`.
fn complete_token_address(
    section: &mut Section<'_>,
    scheme: Option<&Scheme>,
    settings: &mut BTreeMap<String, SettingValue>,
    report: &mut Report,
) {
    let Some(Source::Setting(name)) = scheme.map(|scheme| &scheme.token) else { return };
    let Some(SettingValue::Plain(text)) = settings.get_mut(name) else { return };
    match address::whole(text) {
        Ok(url) => *text = url.into(),
        Err(error) => {
            let place = section.get(name).map_or_else(|| section.place.clone(), |(_, place)| place);
            refuse(text, &error, &place, report);
        }
    }
}
