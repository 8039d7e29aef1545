//! `check`: every problem of the configuration at once.

use super::{Exit, Place, cache, print};
use crate::config::Severity;
use crate::site::Site;

/// Reads the configuration and the component, and prints every problem at once: file, key, what to write instead.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(place: &Place, _args: Args) -> Result<(), Exit> {
    let (site, problems) = Site::check(&place.config, &|name| std::env::var(name).ok(), cache()).await;
    print(problems.iter().map(ToString::to_string))?;
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.iter().filter(|problem| problem.severity == Severity::Warning).count();
    match errors {
        0 => print([format!("{}: good; {} tenants, {warnings} warnings", place.config.display(), site.len())]),
        _ => {
            print([format!("{}: {errors} errors, {warnings} warnings", place.config.display())])?;
            Err(Exit::Said(64))
        }
    }
}
