//! `worker`: one record with its explanation.

use super::{Exit, Place, json, open, print, text};
use crate::RunError;
use crate::answer::{Decision, Entry, Evidence, Explanation};

/// The reason shown where nothing is stored.
const NO_RECORD: &str = "no-record";

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

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    if args.refresh && tenant.paused {
        return Err(Exit::Failed(RunError::Paused(args.tenant).to_string()));
    }
    if args.refresh {
        site.host().look_up(&tenant, &args.user).await?;
    }
    // One call answers both, so that no batch in between makes them contradict each other.
    let Explanation { entry, decision, steps } = tenant.pack.explain(site.host().lend(&tenant), &args.user, None).await?;
    let Some(entry) = entry else {
        let missing = format!("there is no record of {}", args.user);
        if args.json {
            print([json(&unknown(&args.tenant, decision, steps))?])?;
            return Err(Exit::Failed(missing));
        }
        return Err(Exit::Failed(format!("{missing}\n{}", text::explanation(&steps).join("\n"))));
    };
    if args.json {
        return print([json(&Entry { evidence: steps, ..entry })?]);
    }
    print(text::entry(&entry).into_iter().chain([String::new()]).chain(text::explanation(&steps)))
}

/// What stands for a user of whom nothing is stored. The reason of the decision may be another, as for an exempt user.
fn unknown(tenant: &str, decision: Decision, evidence: Vec<Evidence>) -> Entry {
    Entry {
        tenant: tenant.to_owned(),
        user: decision.user,
        person_number: None,
        status: decision.status,
        reason: NO_RECORD.to_owned(),
        since: None,
        observed_at: None,
        age_seconds: None,
        source: None,
        evidence,
    }
}
