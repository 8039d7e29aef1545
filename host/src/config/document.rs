//! A TOML text as a tree whose every value knows its line, and the walk over it that collects problems.
//!
//! The tree holds what was typed, secrets included: nothing in it is printable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::problem::{Problem, Severity};

mod written;

pub(crate) use written::{join, quoted, shows, toml_key};

/// One value and the line it stands on.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A TOML value. A number outside 64 bits is a fraction: neither is ever asked for.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Fraction,
    Switch(bool),
    Moment,
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// A secret that was kept sealed, and of which no text tells; none where it does not open, which is said already.
    Secret(Option<SecretString>),
}

impl Value {
    /// What it is, for "is a number, not a text".
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Fraction => "a number with a fraction",
            Self::Switch(_) => "true or false",
            Self::Moment => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Secret(_) => "a secret",
        }
    }
}

/// Reads a text. What cannot be read is reported, and then the tree is not to be trusted.
pub(crate) fn parse(text: &str, report: &mut Report) -> Node {
    let lines = Lines::of(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut last = None;
    for error in errors {
        let (line, column) = lines.position(error.span().map_or(0, |span| span.start));
        // One slip makes the parser stumble over the rest of its line.
        if last.replace(line) != Some(line) {
            report.unreadable(line, column, error.message(), excerpt(lines.text(line)));
        }
    }
    Node { line: 1, value: table(root.get_ref(), &lines) }
}

fn table(table: &DeTable<'_>, lines: &Lines<'_>) -> Value {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        (name.to_string(), Node { line: lines.position(key.span().start).0, value: convert(value.get_ref(), lines) })
    };
    Value::Table(table.iter().map(entry).collect())
}

fn convert(value: &DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => integer(number),
        DeValue::Float(_) => Value::Fraction,
        DeValue::Boolean(switch) => Value::Switch(*switch),
        DeValue::Datetime(_) => Value::Moment,
        DeValue::Array(items) => Value::List(
            items.iter().map(|item| Node { line: lines.position(item.span().start).0, value: convert(item.get_ref(), lines) }).collect(),
        ),
        DeValue::Table(entries) => table(entries, lines),
    }
}

fn integer(number: &DeInteger<'_>) -> Value {
    i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Fraction, Value::Number)
}

/// A line to show, without the value on it: that may be a secret.
fn excerpt(line: &str) -> Option<String> {
    let line = line.trim();
    match line.split_once('=') {
        Some((key, _)) => Some(format!("{} = …", key.trim_end())),
        None if line.starts_with('[') => Some(line.to_owned()),
        None => None,
    }
}

/// The lines of a text, to tell where a byte stands.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// Line and column, in characters, both counted from 1.
    fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..byte).map_or(0, |before| before.chars().count());
        (line, column.saturating_add(1))
    }

    fn text(&self, line: usize) -> &'a str {
        self.text.lines().nth(line.saturating_sub(1)).unwrap_or("")
    }
}

/// Where problems are collected, for one file.
pub(crate) struct Report {
    pub(crate) file: PathBuf,
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), problems: Vec::new() }
    }

    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), remedy.into());
    }

    pub(crate) fn warning(&mut self, place: &Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), remedy.into());
    }

    pub(super) fn note(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Note, place, message.into(), String::new());
    }

    /// A value of another type than wanted.
    pub(super) fn wrong_type(&mut self, place: &Place, node: &Node, wanted: &str, remedy: impl Into<String>) {
        self.error(place, format!("is {}, not {wanted}", node.value.kind()), remedy);
    }

    fn add(&mut self, severity: Severity, place: &Place, message: String, remedy: String) {
        self.problems.push(self.problem(severity, place, message, remedy));
    }

    /// A problem in this file, not added.
    pub(super) fn problem(&self, severity: Severity, place: &Place, message: String, remedy: String) -> Problem {
        let (file, key) = (Some(self.file.clone()), place.key.clone());
        Problem { severity, file, kept: None, line: place.line, column: None, key, code: None, message, remedy }
    }

    fn unreadable(&mut self, line: usize, column: usize, what: &str, excerpt: Option<String>) {
        let place = excerpt.map_or_else(String::new, |text| format!("; the line begins `{text}`"));
        self.error(&Place::line(line), format!("this is not TOML: {what}{place}"), "mend this line; a text stands in double quotes");
        if let Some(problem) = self.problems.last_mut() {
            problem.column = Some(column);
        }
    }

    /// The problems in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line.unwrap_or(0));
        self.problems
    }
}

/// A key's path and its line.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) key: String,
    pub(crate) line: Option<usize>,
}

impl Place {
    pub(super) fn line(line: usize) -> Self {
        Self { key: String::new(), line: Some(line) }
    }

    /// A key below this one.
    pub(crate) fn at(&self, key: &str, line: usize) -> Self {
        Self { key: join(&self.key, key), line: Some(line) }
    }

    /// An item of this list, counted from 1.
    pub(crate) fn item(&self, index: usize, line: usize) -> Self {
        Self { key: format!("{}[{}]", self.key, index.saturating_add(1)), line: Some(line) }
    }
}

/// A walk over one table: what is asked for is known, and what is left over is an error.
pub(crate) struct Section<'a> {
    pub(crate) place: Place,
    entries: &'a BTreeMap<String, Node>,
    known: Vec<String>,
}

impl<'a> Section<'a> {
    /// Opens a table, or says that it is none.
    pub(crate) fn open(node: &'a Node, place: Place, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::Table(entries) => Some(Self { place, entries, known: Vec::new() }),
            _ => {
                let header = format!("write it as a table, headed [{}]", place.key);
                report.wrong_type(&place, node, "a table", header);
                None
            }
        }
    }

    /// The value of a key, if it is there, with its place.
    pub(crate) fn get(&mut self, key: &str) -> Option<(&'a Node, Place)> {
        self.know(key);
        self.entries.get(key).map(|node| (node, self.place.at(key, node.line)))
    }

    /// A text; blank is as good as absent.
    pub(crate) fn text(&mut self, key: &str, example: &str, report: &mut Report) -> Option<(String, Place)> {
        let (node, place) = self.get(key)?;
        match &node.value {
            Value::Text(text) if text.trim().is_empty() => {
                report.error(&place, "is empty", format!("write for example {key} = {example:?}, or leave the line out"));
                None
            }
            Value::Text(text) => Some((text.trim().to_owned(), place)),
            _ => {
                report.wrong_type(&place, node, "a text", format!("write for example {key} = {example:?}"));
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, key: &str, example: &str, report: &mut Report) -> Option<(String, Place)> {
        if !self.entries.contains_key(key) {
            self.know(key);
            self.missing(key, format!("write for example {key} = {example:?}"), report);
            return None;
        }
        self.text(key, example, report)
    }

    /// A whole number between two others, both included.
    pub(super) fn number(&mut self, key: &str, low: i64, high: i64, report: &mut Report) -> Option<i64> {
        let (node, place) = self.get(key)?;
        let remedy = format!("write a number from {low} to {high}");
        match node.value {
            Value::Number(number) if number < low => report.error(&place, format!("{number} is below {low}"), remedy),
            Value::Number(number) if number > high => report.error(&place, format!("{number} is above {high}"), remedy),
            Value::Number(number) => return Some(number),
            _ => report.wrong_type(&place, node, "a whole number", remedy),
        }
        None
    }

    /// On or off.
    pub(crate) fn switch(&mut self, key: &str, report: &mut Report) -> Option<bool> {
        let (node, place) = self.get(key)?;
        match node.value {
            Value::Switch(switch) => return Some(switch),
            _ => report.wrong_type(&place, node, "true or false", format!("write {key} = true or {key} = false, without quotes")),
        }
        None
    }

    /// Reports a key that is not there.
    pub(super) fn missing(&self, key: &str, remedy: impl Into<String>, report: &mut Report) {
        let place = Place { key: join(&self.place.key, key), line: self.place.line };
        report.error(&place, "is missing", remedy);
    }

    fn know(&mut self, key: &str) {
        if !self.known.iter().any(|known| known == key) {
            self.known.push(key.to_owned());
        }
    }

    /// Every key with its value, none of them left over.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = (&'a str, &'a Node, Place)> + use<'a> {
        self.known.extend(self.entries.keys().cloned());
        let place = self.place.clone();
        self.entries.iter().map(move |(name, node)| (name.as_str(), node, place.at(name, node.line)))
    }

    /// Reports every key nobody asked for; `what` is what they are called, such as `key` or `property`.
    pub(crate) fn finish(self, what: &str, report: &mut Report) {
        for (name, node) in self.entries.iter().filter(|(name, _)| !self.known.contains(name)) {
            report.error(&self.place.at(name, node.line), format!("unknown {what}"), suggestion(name, &self.known));
        }
    }
}

/// The nearest known name, or all of them.
pub(crate) fn suggestion(name: &str, known: &[String]) -> String {
    let near = known.iter().map(|candidate| (strsim::jaro_winkler(name, candidate), candidate)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((likeness, candidate)) if likeness > 0.8 => format!("did you mean `{candidate}`?"),
        Some(_) => format!("write one of: {}", known.join(", ")),
        None => "leave it out".to_owned(),
    }
}
