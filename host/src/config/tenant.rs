//! A tenant: one pack in one environment, with its connections, properties, schedules and listener.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::component::ComponentSource;
use super::connection::{self, ConnectionConfig};
use super::document::{Node, Place, Report, Section, Value, join, suggestion};
use super::fingerprint;
use super::limits;
use super::listener::{self, ListenerConfig, RawListener};
use super::problem::{Problem, Severity};
use super::property;
use super::schedule::{self, RawSchedule, Schedule};
use crate::description::{Description, PropertyValue};
use crate::grant::{Grants, Ungranted};
use crate::limits::Limits;

/// Which environment a tenant belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Real people.
    Prod,
    /// A trial.
    #[default]
    Test,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prod => "PROD",
            Self::Test => "TEST",
        })
    }
}

/// A tenant, ready to be started.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: Environment,
    /// The component; absent for the built-in pack.
    pub component: Option<ComponentSource>,
    /// What of the platform its plugin may have.
    pub grants: Grants,
    /// Its connections by name.
    pub connections: BTreeMap<String, ConnectionConfig>,
    /// Its properties, defaults filled in, in the order of the description.
    pub properties: Vec<(String, PropertyValue)>,
    /// When jobs start by themselves; empty: the default interval of each job.
    pub schedules: Vec<Schedule>,
    /// The listener, where it has one.
    pub listener: Option<ListenerConfig>,
    /// How much its plugin may take.
    pub limits: Limits,
    /// Where all this was written.
    pub origin: Origin,
}

impl Tenant {
    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&PropertyValue> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn properties_path(&self) -> String {
        join(&join("tenants", &self.name), "properties")
    }
}

/// Where a tenant was written, for problems found later. Empty for one made in code.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file, as the caller named it.
    pub file: Option<PathBuf>,
    /// The line of the tenant's properties, or of the tenant.
    pub line: Option<usize>,
    /// The lines of its properties.
    pub lines: BTreeMap<String, usize>,
}

impl Origin {
    /// The line of a property, or of the table it would stand in.
    pub fn line_of(&self, property: &str) -> Option<usize> {
        self.lines.get(property).copied().or(self.line)
    }
}

/// A tenant after the first stage. Its debug form holds its name only: there are secrets in the rest.
#[derive(Clone)]
pub struct RawTenant {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: Environment,
    /// The component, which nobody has opened yet; absent for the built-in pack.
    pub component: Option<ComponentSource>,
    /// What of the platform its plugin may have.
    pub grants: Grants,
    /// A digest of all that was written of it, and of the secrets that it points at; not of the host's limits. Two that are equal are configured
    /// alike, wherever in the file they stand.
    pub(crate) fingerprint: [u8; 32],
    component_line: Option<usize>,
    grants_line: Option<usize>,
    file: PathBuf,
    place: Place,
    connections: Option<(Node, Place)>,
    properties: Option<(Node, Place)>,
    schedules: Vec<RawSchedule>,
    listener: Option<RawListener>,
    pub(super) limits: Limits,
}

impl fmt::Debug for RawTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawTenant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RawTenant {
    /// A problem with the component, found by whoever opens it.
    pub fn component_problem(&self, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        let place = Place { key: join(&self.place.key, "component"), line: self.component_line.or(self.place.line) };
        Report::of(&self.file).problem(Severity::Error, &place, message.into(), remedy.into())
    }

    /// A component that imports what this tenant is not granted.
    pub fn grants_problem(&self, ungranted: &Ungranted) -> Problem {
        let place = Place { key: join(&self.place.key, "grants"), line: self.grants_line.or(self.place.line) };
        let wanted: Vec<_> = ungranted.wanted.names().map(|name| format!("{name:?}")).collect();
        let remedy = format!("write grants = [{}], or use another component", wanted.join(", "));
        Report::of(&self.file).problem(Severity::Error, &place, ungranted.to_string(), remedy)
    }

    /// The second stage: types everything by the pack's description. `env` looks up a variable of the environment.
    ///
    /// The tenant may not run while one of the problems is an error.
    pub fn resolve(&self, description: &Description, env: &dyn Fn(&str) -> Option<String>) -> (Tenant, Vec<Problem>) {
        let mut report = Report::of(&self.file);
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let mut lines = BTreeMap::new();
        let surroundings = connection::Surroundings { folder, env };
        let mut connections =
            connection::resolve(self.connections.as_ref(), &self.place, &description.connections, &surroundings, &mut report);
        let largest = u64::from(self.limits.answer_mib) << 20;
        connections.values_mut().for_each(|connection| connection.max_response_bytes = largest);
        let properties = property::resolve(self.properties.as_ref(), &description.properties, &mut lines, &mut report);
        let schedules = self.schedules.iter().filter_map(|raw| schedule::resolve(raw, &description.jobs, &mut report)).collect();
        let listener = self.listener.as_ref().map(|raw| raw.resolve(description.listener.as_ref(), &mut report));
        let line = self.properties.as_ref().map(|(node, _)| node.line).or(self.place.line);
        let tenant = Tenant {
            name: self.name.clone(),
            environment: self.environment,
            component: self.component.clone(),
            grants: self.grants.clone(),
            connections,
            properties,
            schedules,
            listener,
            limits: self.limits.clone(),
            origin: Origin { file: Some(self.file.clone()), line, lines },
        };
        (tenant, report.into_problems())
    }
}

/// What a tenant's table stands in.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) file: &'a Path,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// What holds where the tenant says nothing else.
    pub(super) limits: &'a Limits,
}

/// Reads the table `[tenants]`.
pub(super) fn read_all(node: &Node, place: Place, around: &Around<'_>, report: &mut Report) -> BTreeMap<String, RawTenant> {
    let mut tenants = BTreeMap::new();
    let Some(mut section) = Section::open(node, place, report) else { return tenants };
    for (name, node, place) in section.all() {
        check_name(name, &place, report);
        let fingerprint = fingerprint::of(node, around.file.parent().unwrap_or(Path::new("")), around.env);
        if let Some(section) = Section::open(node, place, report) {
            tenants.insert(name.to_owned(), RawTenant { fingerprint, ..read(name, section, around, report) });
        }
    }
    if tenants.is_empty() && report.problems.is_empty() {
        report.error(&section.place, "no tenant is configured", "add a table [tenants.NAME]");
    }
    tenants
}

/// Reads a tenant that is kept in the store. What it names is to be found from the configuration file's folder.
pub(crate) fn read_kept(name: &str, node: &Node, file: &Path, limits: &Limits, report: &mut Report) -> Option<RawTenant> {
    let place = Place::default().at("tenants", 0).at(name, 0);
    check_name(name, &place, report);
    let around = Around { file, env: &|_| None, limits };
    let section = Section::open(node, place, report)?;
    Some(RawTenant { fingerprint: fingerprint::of_kept(node), ..read(name, section, &around, report) })
}

/// Whether a text can be a tenant's name: it stands in addresses and in the store's keys.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn check_name(name: &str, place: &Place, report: &mut Report) {
    if !is_name(name) {
        report.error(place, "is not a tenant's name", "use up to 64 of the letters a to z, digits, `-` and `_`");
    }
}

fn read(name: &str, mut section: Section<'_>, around: &Around<'_>, report: &mut Report) -> RawTenant {
    let Around { file, env, limits } = *around;
    let folder = file.parent().unwrap_or(Path::new(""));
    let environment = section.required_text("environment", "TEST", report).and_then(|(text, place)| environment(&text, &place, report));
    let component = section.text("component", "plugin.wasm", report);
    let component_line = component.as_ref().and_then(|(_, place)| place.line);
    let component = component.and_then(|(text, place)| source(&text, &place, report));
    let grants = section.get("grants");
    let grants_line = grants.as_ref().and_then(|(_, place)| place.line);
    let grants = grants.map(|(node, place)| self::grants(node, &place, report));
    let connections = owned(section.get("connections"));
    let properties = owned(section.get("properties"));
    let schedules = section.get("schedules").map(|(node, place)| schedule::read(node, &place, report)).unwrap_or_default();
    let listener =
        section.get("listener").and_then(|(node, place)| listener::read(Section::open(node, place, report)?, folder, env, report));
    let limits = limits::read(&mut section, limits, report);
    let place = section.place.clone();
    section.finish("key", report);
    RawTenant {
        name: name.to_owned(),
        environment: environment.unwrap_or_default(),
        component: component.map(|source| source.within(folder)),
        grants: grants.unwrap_or_default(),
        fingerprint: Default::default(),
        component_line,
        grants_line,
        file: file.to_owned(),
        place,
        connections,
        properties,
        schedules,
        listener,
        limits,
    }
}

fn source(text: &str, place: &Place, report: &mut Report) -> Option<ComponentSource> {
    match text.parse() {
        Ok(source) => Some(source),
        Err(error) => {
            report.error(place, format!("`{text}` {error}"), "or write a file, such as component = \"plugin.wasm\"");
            None
        }
    }
}

/// The capabilities in a list. One that is not known is reported, and the others hold.
fn grants(node: &Node, place: &Place, report: &mut Report) -> Grants {
    let known: Vec<String> = Grants::known().iter().map(|name| (*name).to_owned()).collect();
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list", format!("write for example grants = [\"{}\"]", known.join("\", \"")));
        return Grants::default();
    };
    let mut grants = Grants::none();
    for (index, item) in items.iter().enumerate() {
        let place = place.item(index, item.line);
        match &item.value {
            Value::Text(name) => match grants.clone().with(name) {
                Some(more) => grants = more,
                None => report.error(&place, format!("`{name}` is nothing that can be granted"), suggestion(name, &known)),
            },
            _ => report.wrong_type(&place, item, "a text", format!("write one of: {}", known.join(", "))),
        }
    }
    grants
}

fn owned(found: Option<(&Node, Place)>) -> Option<(Node, Place)> {
    found.map(|(node, place)| (node.clone(), place))
}

fn environment(text: &str, place: &Place, report: &mut Report) -> Option<Environment> {
    match text {
        "PROD" => Some(Environment::Prod),
        "TEST" => Some(Environment::Test),
        _ => {
            report.error(place, format!("`{text}` is no environment"), "write environment = \"PROD\" or environment = \"TEST\"");
            None
        }
    }
}

/// Whether a value was written at all: an empty text is as good as none.
pub(super) fn is_blank(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) if text.trim().is_empty())
}
