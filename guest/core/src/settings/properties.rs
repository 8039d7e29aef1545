//! The table of properties: what the pack describes, what `check` holds values against, where defaults come from.

use std::collections::BTreeMap;

use super::Value;

/// The type of a property, with what it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number between these two, both included.
    Number {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// On or off.
    Switch,
    /// A list of texts, or one text to be split at commas.
    Items,
    /// Names and texts.
    Table,
    /// One of these texts.
    Choice(&'static [&'static str]),
}

/// The value of a property that is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// There is none, or it follows from another property.
    None,
    /// A text.
    Text(&'static str),
    /// A number.
    Number(i64),
    /// On or off.
    Switch(bool),
    /// An empty list.
    NoItems,
    /// An empty table.
    NoRows,
}

impl DefaultValue {
    /// As a value.
    pub fn value(self) -> Option<Value> {
        match self {
            DefaultValue::None => None,
            DefaultValue::Text(text) => Some(Value::Text(text.to_owned())),
            DefaultValue::Number(number) => Some(Value::Number(number)),
            DefaultValue::Switch(on) => Some(Value::Switch(on)),
            DefaultValue::NoItems => Some(Value::Items(Vec::new())),
            DefaultValue::NoRows => Some(Value::Table(BTreeMap::new())),
        }
    }
}

/// One property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropertyInfo {
    /// The key in the configuration.
    pub name: &'static str,
    /// A short title.
    pub title: &'static str,
    /// What it does, with its unit.
    pub summary: &'static str,
    /// The type.
    pub kind: Kind,
    /// The value if none is given.
    pub default: DefaultValue,
    /// Whether it must be given.
    pub required: bool,
    /// Whether what-if can show on stored records what it does; else its effect waits for a job that reads.
    pub what_if: bool,
}

/// Every property, in the order to show (design §4).
pub const PROPERTIES: &[PropertyInfo] = &[
    PropertyInfo {
        name: "user-groups",
        title: "User groups",
        summary: "Names of the Workspace ONE Access groups whose members are the workers, separated by commas; write \\, for a comma inside a name.",
        kind: Kind::Items,
        default: DefaultValue::None,
        required: true,
        what_if: false,
    },
    PropertyInfo {
        name: "interval-minutes",
        title: "Interval",
        summary: "Minutes between two batch runs where the tenant has no schedule of its own.",
        kind: Kind::Number { min: 5, max: 1440 },
        default: DefaultValue::Number(30),
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "alert-email",
        title: "Alert e-mail",
        summary: "The address that failed scheduled runs are mailed to, or several separated by commas; empty for no mail.",
        kind: Kind::Text,
        default: DefaultValue::Text(""),
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "status-source",
        title: "Status source",
        summary: "Where the working status is read: from punches and worked shifts (timecards), or from the on-premise flag (on-premise).",
        kind: Kind::Choice(&["timecards", "on-premise"]),
        default: DefaultValue::Text("timecards"),
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "max-shift-hours",
        title: "Longest shift",
        summary: "Hours after which a shift that is still open counts as a forgotten punch, breaks included.",
        kind: Kind::Number { min: 1, max: 48 },
        default: DefaultValue::Number(16),
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "max-break-minutes",
        title: "Longest break",
        summary: "Minutes after which a worker who has not come back from a break is off shift.",
        kind: Kind::Number { min: 5, max: 1440 },
        default: DefaultValue::Number(90),
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "on-break",
        title: "Access on a break",
        summary: "Whether a worker on a break may use work apps.",
        kind: Kind::Choice(&["allow", "deny"]),
        default: DefaultValue::Text("allow"),
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "grace-minutes-after",
        title: "Grace after clocking out",
        summary: "Minutes for which a worker keeps access after the out punch.",
        kind: Kind::Number { min: 0, max: 240 },
        default: DefaultValue::Number(0),
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "exempt-groups",
        title: "Exempt groups",
        summary: "Names of Workspace ONE Access groups whose members always have access.",
        kind: Kind::Items,
        default: DefaultValue::NoItems,
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "authorize-unknown",
        title: "Authorize for unknown status",
        summary: "Whether a worker whose status is not known, or was read too long ago, has access.",
        kind: Kind::Switch,
        default: DefaultValue::Switch(false),
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "authorize-unreachable",
        title: "Authorize when the time system is unreachable",
        summary: "Whether workers have access once their status is too old because the time system could not be reached.",
        kind: Kind::Switch,
        default: DefaultValue::Switch(false),
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "freshness-minutes",
        title: "Freshness",
        summary: "Minutes for which a status that was read is good for decisions; twice the interval and 5 if not given.",
        kind: Kind::Number { min: 5, max: 10_080 },
        default: DefaultValue::None,
        required: false,
        what_if: true,
    },
    PropertyInfo {
        name: "identities",
        title: "Identities",
        summary: "Users who are pinned to a person by hand because the user names do not match: user name and person number, such as \"adiaz\" = \"100007\".",
        kind: Kind::Table,
        default: DefaultValue::NoRows,
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "zones",
        title: "Time zones",
        summary: "Time zones that Kronos names by a number or a name of its own, such as \"13411\" = \"America/New_York\".",
        kind: Kind::Table,
        default: DefaultValue::NoRows,
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "default-time-zone",
        title: "Default time zone",
        summary: "The IANA time zone of punches whose own zone nothing else translates, such as America/New_York.",
        kind: Kind::Text,
        default: DefaultValue::None,
        required: false,
        what_if: false,
    },
    PropertyInfo {
        name: "brake-percent",
        title: "Brake",
        summary: "A run that would take access from more than this share of the workers known (in percent) is held; 0 is off.",
        kind: Kind::Number { min: 0, max: 100 },
        default: DefaultValue::Number(0),
        required: false,
        what_if: false,
    },
];

/// The property of this name.
pub fn property(name: &str) -> Option<&'static PropertyInfo> {
    PROPERTIES.iter().find(|property| property.name == name)
}
