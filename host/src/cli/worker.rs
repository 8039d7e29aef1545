//! `worker`: one record with its explanation.

use std::path::Path;

use super::{Exit, json, open, print, text};
use crate::answer::Entry;

/// Shows one record with its explanation.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// The user name, without regard to case.
    user: String,
    /// Ask the time system now instead of showing what is stored.
    #[arg(long)]
    refresh: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), Exit> {
    let site = open(config).await?;
    let tenant = site.tenant(&args.tenant)?;
    let entry = if args.refresh {
        Some(site.host().look_up(&tenant, &args.user).await?)
    } else {
        tenant.pack.find(site.host().lend(&tenant), &args.user).await?
    };
    let explanation = tenant.pack.explain(site.host().lend(&tenant), &args.user, None).await?;
    let Some(entry) = entry else {
        return Err(Exit::Failed(format!("there is no record of {}\n{}", args.user, text::explanation(&explanation).join("\n"))));
    };
    if args.json {
        return print([json(&Entry { evidence: explanation, ..entry })?]);
    }
    print(text::entry(&entry).into_iter().chain([String::new()]).chain(text::explanation(&explanation)))
}
