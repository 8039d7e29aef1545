//! What is wrong with a configuration, in words that say where and what to write instead.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::tenant::Tenant;
use crate::description::{self, Kind, PropertyInfo, PropertyValue};

/// How much a problem weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It was mended on the way, and is reported only.
    Note,
    /// It will run, though perhaps not as meant.
    Warning,
    /// Nothing may run before it is mended.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One problem. No secret is ever in its words.
///
/// Its display form has two lines: `error: FILE:LINE: KEY: what is wrong`, then what to write instead, indented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How much it weighs.
    pub severity: Severity,
    /// The file, as the caller named it; absent for a configuration made in code, and for a tenant kept in the store.
    pub file: Option<PathBuf>,
    /// The tenant kept in the store that it is about; the key then is a path within that tenant.
    pub kept: Option<String>,
    /// The line, counted from 1, where it has one.
    pub line: Option<usize>,
    /// The column, counted from 1; for text that is no TOML only.
    pub column: Option<usize>,
    /// The path of the key, such as `tenants.acme.environment`; empty for the file as a whole.
    pub key: String,
    /// Its code in the pack's catalogue, where the pack's check found it.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to write instead; empty where the message says it.
    pub remedy: String,
}

impl Problem {
    /// A problem that the pack's own check found with the properties of `tenant`.
    pub fn from_pack(tenant: &Tenant, problem: description::Problem) -> Self {
        let severity = match problem.severity {
            description::Severity::Error => Severity::Error,
            description::Severity::Warning => Severity::Warning,
        };
        Self {
            severity,
            file: tenant.origin.file.clone(),
            kept: None,
            line: tenant.origin.line_of(&problem.key),
            column: None,
            key: super::document::join(&tenant.properties_path(), &problem.key),
            code: problem.code,
            message: problem.message,
            remedy: problem.remedy,
        }
    }

    /// Adds what the pack's own check found. A property that already has an error, itself or in an item of it, is left
    /// out: its value was never seen by the pack, which takes it for missing. So are all where there is no table.
    pub fn add_from_pack(problems: &mut Vec<Self>, tenant: &Tenant, found: impl IntoIterator<Item = description::Problem>) {
        let table = tenant.properties_path();
        // What the pack finds hides nothing else that it finds: a table can be wrong in several rows.
        let before = problems.len();
        for problem in found.into_iter().map(|problem| Self::from_pack(tenant, problem)) {
            let unseen = |known: &Self| known.is_error() && (known.key == table || is_within(&known.key, &problem.key));
            if !problems.iter().take(before).any(unseen) {
                problems.push(problem);
            }
        }
    }

    /// Adds the properties that break what the description says of them: a number out of bounds, one that must be given and is
    /// not. Where there is a problem with it already, that says it better.
    pub fn add_undescribed(problems: &mut Vec<Self>, tenant: &Tenant, infos: &[PropertyInfo]) {
        for info in infos {
            let (message, remedy) = match (&info.kind, tenant.property(&info.name)) {
                (Kind::Number(least, most), Some(PropertyValue::Number(number))) if !(least..=most).contains(&number) => {
                    (format!("{number} is out of bounds"), format!("write a number from {least} to {most}"))
                }
                (_, value) if info.required && value.is_none_or(PropertyValue::is_empty) => {
                    ("is missing".to_owned(), format!("add {}: {}", info.name, info.summary))
                }
                _ => continue,
            };
            let (severity, key) = (description::Severity::Error, info.name.clone());
            Self::add_from_pack(problems, tenant, [description::Problem { severity, key, code: None, message, remedy }]);
        }
    }

    /// A warning about the value of a property, found by the platform.
    pub fn property_warning(tenant: &Tenant, property: &str, message: &str, remedy: &str) -> Self {
        let (key, message, remedy) = (property.to_owned(), message.to_owned(), remedy.to_owned());
        Self::from_pack(tenant, description::Problem { severity: description::Severity::Warning, key, code: None, message, remedy })
    }

    /// The same, of a tenant that is kept in the store: there is no file to mend.
    pub(crate) fn of_kept(self, tenant: &str) -> Self {
        let table = super::document::join("tenants", tenant);
        let key = self.key.strip_prefix(&table).map_or(&*self.key, |rest| rest.trim_start_matches('.')).to_owned();
        Self { file: None, line: None, column: None, kept: Some(tenant.to_owned()), key, ..self }
    }

    /// Tells of it as `check` does, in a line of the log.
    pub(crate) fn log(&self) {
        match self.severity {
            Severity::Error => tracing::error!("{self}"),
            Severity::Warning => tracing::warn!("{self}"),
            Severity::Note => tracing::info!("{self}"),
        }
    }

    /// Whether it forbids to run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Whether a key is another one, or an item or entry of it.
fn is_within(key: &str, other: &str) -> bool {
    key.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.severity)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        write!(f, ": ")?;
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
            write!(f, ": ")?;
        }
        match (&self.kept, self.key.as_str()) {
            (Some(tenant), "") => write!(f, "tenant {tenant} (kept in the store): ")?,
            (Some(tenant), key) => write!(f, "tenant {tenant} (kept in the store), {key}: ")?,
            (None, "") => {}
            (None, key) => write!(f, "{key}: ")?,
        }
        write!(f, "{}", self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  {}", self.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, kind: Kind, required: bool) -> PropertyInfo {
        let (name, title, summary) = (name.to_owned(), String::new(), "Say it.".to_owned());
        PropertyInfo { name, title, summary, kind, default: None, required, what_if: false }
    }

    #[test]
    fn what_the_description_forbids_is_told_once_and_in_the_packs_words_where_it_has_any() {
        let infos = [info("minutes", Kind::Number(1, 60), false), info("users", Kind::Items, true), info("note", Kind::Text, false)];
        let users = PropertyValue::Items(Vec::new());
        let properties = vec![("minutes".to_owned(), PropertyValue::Number(61)), ("users".to_owned(), users)];
        let tenant = Tenant { name: "acme".to_owned(), properties, ..Tenant::default() };
        let mut problems = Vec::new();
        Problem::add_undescribed(&mut problems, &tenant, &infos);
        let told: Vec<_> = problems.iter().map(|found| format!("{}: {}; {}", found.key, found.message, found.remedy)).collect();
        assert_eq!(
            told,
            [
                "tenants.acme.properties.minutes: 61 is out of bounds; write a number from 1 to 60",
                "tenants.acme.properties.users: is missing; add users: Say it.",
            ]
        );
        Problem::add_undescribed(&mut problems, &tenant, &infos);
        assert_eq!(problems.len(), 2, "what is told already is not told again");
        let good =
            vec![("minutes".to_owned(), PropertyValue::Number(60)), ("users".to_owned(), PropertyValue::Items(vec!["ana".to_owned()]))];
        let mut problems = Vec::new();
        Problem::add_undescribed(&mut problems, &Tenant { properties: good, ..tenant }, &infos);
        assert!(problems.is_empty(), "{problems:?}");
    }
}
