//! `decide`: may this user open this now?

use super::{Exit, Place, json, open, print, text};

/// Prints the decision for one user. A deny is an answer: the exit code is 0.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// The user name, without regard to case.
    user: String,
    /// What is to be opened.
    #[arg(long, value_name = "NAME")]
    surface: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    let question = (args.user.clone(), args.surface.clone());
    let decisions = tenant.pack.decide(site.host().lend(&tenant), vec![question]).await?;
    for decision in &decisions {
        print([if args.json { json(decision)? } else { text::decision(decision) }])?;
    }
    Ok(())
}
