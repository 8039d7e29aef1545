//! Reads tenants for the store from a TOML file with the tables `[tenants.T…]`.
//!
//! A secret is `{ env = … }` or `{ file = … }`, which is read now and kept sealed; `{ keep = true }`, which leaves the kept one
//! as it is; or `{ sealed = … }`, as `export` writes it.

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use super::change::{Edit, EditError, Sealer, written};
use super::difference::Difference;
use super::ledger::MOST_AT_ONCE;
use super::places::{self, Places};
use super::{Document, Path, Value};
use crate::config::credential;
use crate::config::document::{self, Node, Place, Report, Section};
use crate::config::{Problem, is_name};
use crate::seal::Sealed;

/// What became of a tenant in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The tenant.
    pub tenant: String,
    /// Its newest version; none where nothing was to be stored.
    pub version: Option<u64>,
    /// Whether it is new.
    pub new: bool,
    /// Whether a version was made now, or would have been.
    pub made: bool,
    /// What changed, or would.
    pub changes: Vec<Difference>,
}

/// A tenant as it stands in a file.
pub(crate) struct Incoming {
    pub(crate) name: String,
    node: Node,
    place: Place,
}

/// What its secrets are read from.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) folder: &'a FilePath,
    pub(crate) env: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// The tenants in a text.
pub(crate) fn tenants(text: &str, report: &mut Report) -> Vec<Incoming> {
    let root = document::parse(text, report);
    let mut found = Vec::new();
    if !report.problems.is_empty() {
        return found;
    }
    let Some(mut root) = Section::open(&root, Place::default(), report) else { return found };
    if let Some((node, place)) = root.get("tenants")
        && let Some(mut section) = Section::open(node, place, report)
    {
        for (name, node, place) in section.all() {
            if !is_name(name) {
                report.error(&place, "is not a tenant's name", "use up to 64 of the letters a to z, digits, `-` and `_`");
            } else if Section::open(node, place.clone(), report).is_some() {
                found.push(Incoming { name: name.to_owned(), node: node.clone(), place });
            }
        }
    }
    root.finish("key", report);
    if found.is_empty() && report.problems.is_empty() {
        report.error(&Place::default(), "there is no tenant in it", "write tables [tenants.NAME], as `shift-access export NAME` does");
    }
    if found.len() > MOST_AT_ONCE {
        let message = format!("there are {} tenants in it, and all of a file are stored at once, at most {MOST_AT_ONCE}", found.len());
        report.error(&Place::default(), message, "apply them from several files");
    }
    found
}

impl Incoming {
    /// The component that it names.
    pub(crate) fn component(&self) -> Option<&str> {
        let document::Value::Table(entries) = &self.node.value else { return None };
        match &entries.get("component")?.value {
            document::Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The document, with its secrets sealed. What is wrong is reported; there is a document nevertheless, unless it cannot be
    /// kept at all.
    pub(crate) fn document(
        &self,
        before: &Document,
        places: Places<'_>,
        sealer: Sealer<'_>,
        around: Around<'_>,
        report: &mut Report,
    ) -> Option<Document> {
        let mut reading = Reading { start: Document::default(), edits: Vec::new(), before, places, sealer, around, report };
        let document::Value::Table(entries) = &self.node.value else { return None };
        for (key, node) in entries {
            let place = self.place.at(key, node.line);
            if let Some(value) = reading.value(&Path::default().at(key), &place, node) {
                reading.edits.push(Edit::Set(Path::default().at(key), value));
            }
        }
        let Reading { start, mut edits, .. } = reading;
        // What is deeper comes later, and secrets last: a value takes the place of all that is in it.
        edits.sort_by_key(|edit| match edit {
            Edit::Set(path, _) | Edit::Remove(path) => (false, path.keys().len()),
            Edit::Secret(path, _) => (true, path.keys().len()),
        });
        match written(Document::default(), before, &edits, places, sealer) {
            Ok(mut document) => {
                start.sealed().iter().for_each(|(path, sealed)| document.put_sealed(path, sealed.clone()));
                Some(document)
            }
            Err(error) => {
                self.refused(error, report);
                None
            }
        }
    }

    fn refused(&self, error: EditError, report: &mut Report) {
        let place = |path: &Path| path.keys().iter().fold(self.place.clone(), |place, key| place.at(key, place.line.unwrap_or(0)));
        match error {
            EditError::Place(path, error) => report.error(&place(&path), error.to_string(), "make it smaller"),
            EditError::Seal(path, error) => report.error(&place(&path), format!("the secret {error}"), "give the secret anew"),
            EditError::Refused(refused) => {
                refused.iter().for_each(|refused| report.error(&place(&refused.path), refused.message, refused.remedy));
            }
        }
    }

    /// The problem at the line of the file that it is about.
    pub(crate) fn placed(&self, file: &FilePath, problem: Problem) -> Problem {
        let mut lines = BTreeMap::new();
        collect(&self.node, &Place { key: String::new(), line: self.place.line }, &mut lines);
        let mut key = problem.key.as_str();
        let line = loop {
            match (lines.get(key), key.rfind(['.', '['])) {
                (Some(line), _) => break Some(*line),
                (None, Some(end)) => key = key.get(..end).unwrap_or_default(),
                (None, None) => break self.place.line,
            }
        };
        Problem { file: Some(file.to_owned()), line, ..problem }
    }
}

fn collect(node: &Node, place: &Place, lines: &mut BTreeMap<String, usize>) {
    lines.extend(place.line.map(|line| (place.key.clone(), line)));
    match &node.value {
        document::Value::Table(entries) => entries.iter().for_each(|(key, node)| collect(node, &place.at(key, node.line), lines)),
        document::Value::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, &place.item(index, item.line), lines));
        }
        _ => {}
    }
}

/// A walk over a tenant's table.
struct Reading<'a, 'r> {
    /// What is sealed already.
    start: Document,
    edits: Vec<Edit>,
    before: &'a Document,
    places: Places<'a>,
    sealer: Sealer<'a>,
    around: Around<'a>,
    report: &'r mut Report,
}

impl Reading<'_, '_> {
    /// The value of a node; none where it is a secret, which goes among the edits, or no good.
    fn value(&mut self, path: &Path, place: &Place, node: &Node) -> Option<Value> {
        match &node.value {
            document::Value::Table(entries) if places::takes_text(path) => {
                self.reference(path, place, node, entries);
                None
            }
            document::Value::Text(_) if self.places.is_secret(path) => {
                self.secret(path, place, node);
                None
            }
            document::Value::Text(text) => Some(Value::Text(text.clone())),
            document::Value::Number(number) => Some(Value::Number(*number)),
            document::Value::Switch(switch) => Some(Value::Switch(*switch)),
            document::Value::List(items) => {
                let mut values = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    values.extend(self.value(&path.at(index.to_string()), &place.item(index, item.line), item));
                }
                let secrets = values.is_empty() && !items.is_empty() && self.places.is_secret(path);
                (!secrets).then_some(Value::List(values))
            }
            document::Value::Table(entries) => {
                let mut values = BTreeMap::new();
                for (key, node) in entries {
                    let value = self.value(&path.at(key), &place.at(key, node.line), node);
                    values.extend(value.map(|value| (key.clone(), value)));
                }
                Some(Value::Table(values))
            }
            document::Value::Fraction | document::Value::Moment | document::Value::Secret(_) => {
                self.report.error(place, format!("is {}", node.value.kind()), "nothing of a tenant is that");
                None
            }
        }
    }

    fn reference(&mut self, path: &Path, place: &Place, node: &Node, entries: &BTreeMap<String, Node>) {
        match (entries.get("keep"), entries.get("sealed")) {
            (Some(_), None) => self.keep(path, place, node),
            (None, Some(sealed)) => self.sealed(path, place, node, sealed),
            _ if self.places.is_secret(path) => self.secret(path, place, node),
            _ => {
                let value = credential::referenced(node, place, self.around.folder, self.around.env, self.report);
                self.edits.extend(value.map(|text| Edit::Set(path.clone(), Value::Text(text))));
            }
        }
    }

    fn secret(&mut self, path: &Path, place: &Place, node: &Node) {
        let secret = credential::read(node, place, self.around.folder, self.around.env, self.report);
        self.edits.extend(secret.map(|secret| Edit::Secret(path.clone(), secret)));
    }

    fn keep(&mut self, path: &Path, place: &Place, node: &Node) {
        if let Some(mut section) = Section::open(node, place.clone(), self.report) {
            let keep = section.switch("keep", self.report);
            section.finish("key", self.report);
            match self.before.sealed().get(path) {
                Some(sealed) if keep == Some(true) => self.start.put_sealed(path, sealed.clone()),
                _ if keep == Some(true) => {
                    let remedy = "write { env = \"NAME\" } or { file = \"NAME\" }, from which it is read now";
                    self.report.error(place, "is to be kept, and no secret is kept here yet", remedy);
                }
                _ => {}
            }
        }
    }

    fn sealed(&mut self, path: &Path, place: &Place, node: &Node, sealed: &Node) {
        let Some(mut section) = Section::open(node, place.clone(), self.report) else { return };
        let text = section.text("sealed", "x1.…", self.report);
        section.finish("key", self.report);
        let remedy =
            "write { env = \"NAME\" } or { file = \"NAME\" }; what is sealed is good for its own tenant and the key it was sealed with";
        let place = place.at("sealed", sealed.line);
        let Some((text, _)) = text else { return };
        match text.parse::<Sealed>() {
            Err(error) => self.report.error(&place, error.to_string(), remedy),
            Ok(sealed) => match self.sealer.open(path, &sealed) {
                // The same secret keeps the seal it has.
                Ok(secret) => self.edits.push(Edit::Secret(path.clone(), secret)),
                Err(error) => self.report.error(&place, format!("the secret {error}"), remedy),
            },
        }
    }
}
