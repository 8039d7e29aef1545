//! What every request needs: the pack's description, and settings that are good. Made once for each instance.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::bindings::shift_access::adapters::setup;
use crate::bindings::shift_access::plugin::{pack, properties};
use crate::bindings::wasi::config::store;
use crate::message::Problem;

/// What every request needs.
pub struct Ready {
    pub description: pack::Description,
    /// The tenant's name, for the answers.
    pub tenant: String,
    /// The token of the routes.
    pub token: Option<String>,
    /// What is wrong with the settings.
    problems: Vec<String>,
}

thread_local! {
    /// No state of a request.
    static READY: OnceCell<Rc<Ready>> = const { OnceCell::new() };
}

/// The description and the settings.
pub fn known() -> Rc<Ready> {
    READY.with(|ready| ready.get_or_init(|| Rc::new(make())).clone())
}

impl Ready {
    /// Nothing is done with settings that are wrong.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn check(&self) -> Result<(), Problem> {
        match self.problems.as_slice() {
            [] => Ok(()),
            problems => Err(Problem { more: vec![("problems", problems.into())], ..Problem::new(503, "the settings are wrong") }),
        }
    }
}

fn make() -> Ready {
    let description = pack::describe();
    let mut problems = match serde_json::to_string(&description) {
        Ok(text) => setup::configure(&text),
        Err(error) => vec![format!("the pack's description: {error}")],
    };
    if problems.is_empty() {
        let found = pack::check(&properties::all()).into_iter().filter(|problem| problem.severity == pack::Severity::Error);
        problems.extend(found.map(|problem| format!("properties.{}: {}. {}", problem.key, problem.message, problem.remedy)));
    }
    let mut setting = |name: &str| match store::get(name) {
        Ok(value) => value.filter(|value| !value.is_empty()),
        Err(error) => {
            problems.push(format!("{name}: {error}"));
            None
        }
    };
    let (tenant, token) = (setting("tenant").unwrap_or_else(|| "tenant".to_owned()), setting("api-token"));
    problems.iter().for_each(|problem| eprintln!("{}", serde_json::json!({ "level": "error", "message": problem })));
    Ready { description, tenant, token, problems }
}

#[cfg(test)]
impl Ready {
    /// With nothing wrong.
    pub fn of(description: pack::Description, token: Option<&str>) -> Self {
        Self { description, tenant: "acme".to_owned(), token: token.map(str::to_owned), problems: Vec::new() }
    }
}
