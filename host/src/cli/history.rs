//! `history`: what ran, and how it ended.

use super::{Exit, Place, json, open, print, text};
use crate::history::{Filter, Status};
use crate::inbox::LISTENER;
use crate::runner::LOOK_UP;
use crate::site::UPGRADE;
use crate::tenant::Tenant;

/// Runs read at once, whatever is asked for.
const PAGE: u32 = 100;

/// Shows the execution history, newest first, or one run with its story.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// One run, by its id.
    run: Option<String>,
    /// Only runs of this job.
    #[arg(long)]
    job: Option<String>,
    /// Only runs that stand so, such as `ERROR`.
    #[arg(long)]
    status: Option<Status>,
    /// This many runs at most; without it all that are kept.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    if let Some(job) = &args.job {
        known(&tenant, job)?;
    }
    let history = site.host().history();
    let failed = |error: crate::store::StoreError| Exit::Failed(error.to_string());
    if let Some(id) = &args.run {
        let detail = history.one(&tenant.name, id).await.map_err(failed)?;
        let detail = detail.ok_or_else(|| Exit::Failed(format!("there is no run {id} of the tenant {}", tenant.name)))?;
        return if args.json { print([json(&detail)?]) } else { print(text::run(&detail)) };
    }
    if !args.json {
        print([text::run_head()])?;
    }
    let filter = Filter { status: args.status, job: args.job };
    let mut cursor = None;
    let mut left = args.limit.unwrap_or(u32::MAX);
    loop {
        let page = history.list(&tenant.name, &filter, cursor, left.min(PAGE)).await.map_err(failed)?;
        for run in &page.items {
            print([if args.json { json(run)? } else { text::run_line(run) }])?;
        }
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        cursor = page.next;
        if cursor.is_none() || left == 0 {
            return Ok(());
        }
    }
}

/// A job that is none would list nothing, which looks like an answer.
fn known(tenant: &Tenant, job: &str) -> Result<(), Exit> {
    let names: Vec<_> = tenant.description.jobs.iter().map(|job| job.name.as_str()).chain([LOOK_UP, LISTENER, UPGRADE]).collect();
    if names.contains(&job) {
        return Ok(());
    }
    Err(Exit::Usage(format!("there is no job {job:?}; write one of: {}", names.join(", "))))
}
