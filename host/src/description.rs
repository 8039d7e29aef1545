//! What a pack says about itself, in plain Rust: the mirror of `pack.wit`.
//!
//! Consoles, command lines and the configuration are drawn from it. Nothing here decides anything, and nothing here
//! knows what a pack is for.

mod check;

use serde::Serialize;

pub use check::DescriptionError;

/// The pack's description of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Description {
    /// The pack's name.
    pub title: String,
    /// The pack's version.
    pub version: String,
    /// One sentence: what it is for.
    pub summary: String,
    /// The connections it uses.
    pub connections: Vec<Connection>,
    /// The properties it reads.
    pub properties: Vec<PropertyInfo>,
    /// The jobs it does.
    pub jobs: Vec<JobInfo>,
    /// The listener, where it has one.
    pub listener: Option<ListenerInfo>,
    /// The surfaces it decides on; other names are allowed in a question.
    pub surfaces: Vec<Surface>,
    /// What the error codes of its jobs begin with.
    pub code_prefix: String,
    /// Every error it can raise, and those the platform raises for it.
    pub errors: Vec<ErrorInfo>,
    /// The property with the address that failed scheduled jobs are mailed to.
    pub alert_property: Option<String>,
}

/// One connection the pack uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Connection {
    /// The name the plugin calls it by.
    pub name: String,
    /// A short title.
    pub title: String,
    /// How a typed address is completed.
    pub address: AddressRule,
    /// Its settings beside `url` and `authentication`.
    pub settings: Vec<Setting>,
    /// The ways to log in; the first is the default, none means that calls carry no login.
    pub schemes: Vec<Scheme>,
    /// Headers of every call.
    pub headers: Vec<Parameter>,
    /// The answer header that holds a request id, where there is one.
    pub request_id_header: Option<String>,
    /// Calls in flight at most, unless the configuration says otherwise.
    pub in_flight: u32,
}

/// How an address that people type is completed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AddressRule {
    /// Taken off the end of the first label.
    pub strip: Option<String>,
    /// Added to a host name that ends in one of `short_endings` or has a single label.
    pub domain: Option<String>,
    /// Last labels that show a short form.
    pub short_endings: Vec<String>,
}

/// One setting of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key in the configuration.
    pub name: String,
    /// A short title.
    pub title: String,
    /// One sentence: what it is and where to find it.
    pub summary: String,
    /// Whether it is a secret, which no output ever shows.
    pub secret: bool,
    /// Whether it must be given.
    pub required: bool,
    /// Given for this scheme only; absent: for all.
    pub scheme: Option<String>,
    /// The value if none is given.
    pub default: Option<String>,
}

/// One way to log in (OAuth 2), as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scheme {
    /// The value of the setting `authentication` that chooses it.
    pub name: String,
    /// One sentence for the administrator.
    pub summary: String,
    /// The token endpoint: a path below the connection's URL, or a setting that holds a whole URL.
    pub token: Source,
    /// How the parameters travel.
    pub encoding: Encoding,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// Headers of the login call.
    pub headers: Vec<Parameter>,
    /// The settings sent as HTTP Basic login (name, then password).
    pub basic: Option<(String, String)>,
    /// An error code of the token endpoint that means "come back later".
    pub busy_code: Option<String>,
}

/// Where a value that the platform sends comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// This very text.
    Literal(String),
    /// A setting of the connection. A setting without a value leaves the parameter out.
    Setting(String),
}

/// One parameter or header that the platform sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Source,
}

/// How the parameters of a login travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
}

/// One property, or one option of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PropertyInfo {
    /// The key in the configuration.
    pub name: String,
    /// A short title.
    pub title: String,
    /// One sentence: what it does, with its unit.
    pub summary: String,
    /// The type.
    pub kind: Kind,
    /// The value if none is given.
    pub default: Option<PropertyValue>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether what-if can show on stored records what it does; else its effect waits for a job that reads.
    pub what_if: bool,
}

/// The type of a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number between these two, both included.
    Number(i64, i64),
    /// On or off.
    Switch,
    /// A list of texts; a single string is split at commas, `\,` being a comma.
    Items,
    /// Names and texts.
    Table,
    /// One of these texts.
    Choice(Vec<String>),
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// On or off.
    Switch(bool),
    /// Texts in order.
    Items(Vec<String>),
    /// Names and texts, ordered by name.
    Table(Vec<(String, String)>),
}

impl PropertyValue {
    /// Whether nothing is in it; a number and a switch are never empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Items(items) => items.is_empty(),
            Self::Table(rows) => rows.is_empty(),
            Self::Number(_) | Self::Switch(_) => false,
        }
    }
}

/// One job.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JobInfo {
    /// The name a platform starts it by.
    pub name: String,
    /// The process name in the execution history.
    pub process: String,
    /// One sentence: what it does.
    pub summary: String,
    /// Whether it may be put on a schedule.
    pub schedulable: bool,
    /// The property that holds its default interval in minutes, for a tenant without a schedule.
    pub interval_property: Option<String>,
    /// What may be given to one run of it.
    pub options: Vec<PropertyInfo>,
}

/// The listener of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ListenerInfo {
    /// The process name in the execution history.
    pub process: String,
    /// What its error codes begin with.
    pub code_prefix: String,
    /// One sentence: what it does.
    pub summary: String,
    /// The fields an event's data may have.
    pub fields: Vec<EventField>,
}

/// One field of an event's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventField {
    /// Its name.
    pub name: String,
    /// One sentence: what it holds.
    pub summary: String,
    /// The words it takes; empty where it takes any.
    pub words: Vec<String>,
}

/// One thing a decision may be asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Surface {
    /// The name in a question.
    pub name: String,
    /// A short title.
    pub title: String,
}

/// One row of the error catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErrorInfo {
    /// Two digits.
    pub number: String,
    /// A short title.
    pub title: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// One problem with the properties, as the pack's own check finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How much it weighs.
    pub severity: Severity,
    /// The property.
    pub key: String,
    /// Its code in the catalogue, where it has one.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

/// How much a problem weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing may run before it is mended.
    Error,
    /// It will run, though perhaps not as meant.
    Warning,
}

/// A property or an option written as `name=value`, typed by its description; else what is wrong and what to write.
pub(crate) fn assignment(described: &[PropertyInfo], given: &str) -> Result<(String, PropertyValue), String> {
    let (name, text) = given.split_once('=').ok_or("write it as NAME=VALUE")?;
    let Some(info) = described.iter().find(|info| info.name == name) else {
        let known = described.iter().map(|info| info.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(if known.is_empty() { "there is nothing to set".to_owned() } else { format!("write one of: {known}") });
    };
    let value = match &info.kind {
        Kind::Text => PropertyValue::Text(text.to_owned()),
        Kind::Number(least, most) => match text.parse() {
            Ok(number) if (*least..=*most).contains(&number) => PropertyValue::Number(number),
            _ => return Err(format!("write a number from {least} to {most}")),
        },
        Kind::Switch => PropertyValue::Switch(text.parse().map_err(|_| "write true or false")?),
        Kind::Choice(choices) if choices.iter().any(|choice| choice == text) => PropertyValue::Text(text.to_owned()),
        Kind::Choice(choices) => return Err(format!("write one of: {}", choices.join(", "))),
        Kind::Items | Kind::Table => return Err("lists and tables cannot be set on the command line".to_owned()),
    };
    Ok((name.to_owned(), value))
}
