//! The sheets that a tenant is set up with, in their order: environment and pack, each connection, the mail server, the properties.

use maud::{Markup, html};

use super::Subject;
use crate::config::Problem as Found;
use crate::console::frame::said;
use crate::description::Description;

/// One sheet: the end of its path, and what its tab is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) rest: String,
    pub(super) title: String,
    /// What problems on it begin with.
    key: String,
}

pub(super) const BASICS: &str = "settings";
pub(super) const MAIL_SERVER: &str = "mail-server";
pub(super) const PROPERTIES: &str = "properties";

/// The sheets of a pack.
pub(super) fn all(description: Option<&Description>) -> Vec<Step> {
    let step = |rest: &str, title: &str, key: &str| Step { rest: rest.to_owned(), title: title.to_owned(), key: key.to_owned() };
    let mut steps = vec![step(BASICS, "Environment and pack", "")];
    let Some(description) = description else { return steps };
    for connection in &description.connections {
        let title = if connection.title.trim().is_empty() { &connection.name } else { &connection.title };
        steps.push(step(&connection_path(&connection.name), title, &format!("connections.{}", connection.name)));
    }
    steps.push(step(MAIL_SERVER, "Email SMTP", "smtp"));
    steps.push(step(PROPERTIES, &format!("{} Properties", description.title), "properties"));
    steps
}

pub(super) fn connection_path(name: &str) -> String {
    format!("connections/{name}")
}

/// Where one goes on after a sheet; none after the last.
pub(super) fn after(steps: &[Step], rest: &str) -> Option<String> {
    let at = steps.iter().position(|step| step.rest == rest)?;
    steps.get(at + 1).map(|step| step.rest.clone())
}

/// The problems that belong on a sheet.
pub(super) fn on<'p>(step: &Step, problems: &'p [Found]) -> Vec<&'p Found> {
    problems.iter().filter(|problem| !step.key.is_empty() && is_within(&problem.key, &step.key)).collect()
}

/// The first sheet with an error on it; the first of all where it is on none.
pub(super) fn first_wrong(steps: &[Step], problems: &[Found]) -> String {
    let wrong = steps.iter().find(|step| on(step, problems).iter().any(|problem| problem.is_error()));
    wrong.map_or_else(|| BASICS.to_owned(), |step| step.rest.clone())
}

pub(super) fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The tabs of the sheets.
pub(super) fn tabs(subject: &Subject, steps: &[Step], rest: &str) -> Markup {
    html! {
        nav aria-label="Settings" {
            ul .tabs {
                @for step in steps {
                    li { a href=(subject.at(&step.rest)) aria-current=[(step.rest == rest).then_some("step")] { (said(&step.title)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;
    use crate::description::Connection;

    #[test]
    fn the_sheets_follow_the_description_and_problems_find_theirs() {
        let connection = |name: &str| Connection { name: name.to_owned(), title: name.to_uppercase(), ..Connection::default() };
        let description =
            Description { title: "Pack".to_owned(), connections: vec![connection("a"), connection("b")], ..Description::default() };
        let steps = all(Some(&description));
        let titles: Vec<_> = steps.iter().map(|step| step.title.as_str()).collect();
        assert_eq!(titles, ["Environment and pack", "A", "B", "Email SMTP", "Pack Properties"]);
        assert_eq!(after(&steps, "connections/b").as_deref(), Some(MAIL_SERVER));
        assert_eq!(after(&steps, PROPERTIES), None);
        let problem = |key: &str| Found {
            severity: Severity::Error,
            file: None,
            kept: None,
            line: None,
            column: None,
            key: key.to_owned(),
            code: None,
            message: String::new(),
            remedy: String::new(),
        };
        assert_eq!(first_wrong(&steps, &[problem("properties.x"), problem("connections.b.url")]), "connections/b");
        assert_eq!(first_wrong(&steps, &[problem("connections.bb.url")]), BASICS, "another one of a longer name");
    }
}
