//! `tenant`: lists tenants, and pauses, resumes, removes and restores one without stopping the others.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Exit, Place, audit, json, open, print};
use crate::audit::{COMMAND_LINE, Deed};
use crate::site::{Restored, Site, TenantStatus};
use crate::standing::GRACE_DAYS;

/// Lists tenants, and pauses, resumes, removes or restores one. It is kept in the store, so that it outlives a restart; a
/// program that serves heeds it within two seconds, and the other tenants notice nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists every tenant: how it stands, its component, and since when.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Lets no job of a tenant run, brings it no event and looks up nobody. Events are stored all the same, and what is stored
    /// answers, until it is too old.
    Pause {
        /// The tenant.
        tenant: String,
    },
    /// Lets a paused tenant run again, and a component that failed be tried again.
    Resume {
        /// The tenant.
        tenant: String,
    },
    /// Refuses everything of a tenant at once, and deletes all that is stored of it after some days: records, history, tokens,
    /// events, dead letters, receipts and alerts.
    Remove {
        /// The tenant; it need not be in the configuration any more.
        tenant: String,
        /// Delete after so many days.
        #[arg(long, value_name = "DAYS", default_value_t = GRACE_DAYS, value_parser = clap::value_parser!(u32).range(..=3_650), conflicts_with = "now")]
        after: u32,
        /// Delete now.
        #[arg(long)]
        now: bool,
    },
    /// Takes a tenant out of those that are kept in the store, with all its versions, as taking its table out of the configuration
    /// file does. What is stored for it stays.
    Forget {
        /// The tenant.
        tenant: String,
    },
    /// Brings a removed tenant back, with what is still stored of it.
    Restore {
        /// The tenant.
        tenant: String,
    },
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    match args.command {
        Command::List { json } => list(&site, json).await,
        Command::Pause { tenant } => {
            site.pause(&tenant).await?;
            eprintln!("{tenant} is paused; `shift-access tenant resume {tenant}` lets it run again");
            audit::done(&site, Deed::Paused(&tenant), Some(&tenant)).await
        }
        Command::Resume { tenant } => {
            site.resume(&tenant).await?;
            eprintln!("{tenant} runs again");
            audit::done(&site, Deed::Resumed(&tenant), Some(&tenant)).await
        }
        Command::Remove { tenant, now: true, .. } => {
            site.remove(&tenant, TimeDelta::zero()).await?;
            eprintln!("{tenant} is removed, with all that was stored of it");
            audit::done(&site, Deed::Removed(&tenant, None), Some(&tenant)).await
        }
        Command::Remove { tenant, after, .. } => {
            let until = site.remove(&tenant, TimeDelta::days(after.into())).await?;
            eprintln!(
                "{tenant} is removed; what is stored of it is deleted after {}, and `shift-access tenant restore {tenant}` brings it back \
                 until then",
                moment(until)
            );
            audit::done(&site, Deed::Removed(&tenant, Some(until)), Some(&tenant)).await
        }
        Command::Forget { tenant } => {
            site.forget(&tenant, COMMAND_LINE).await?;
            eprintln!("{tenant} is not kept in the store any more; what was stored for it stays");
            Ok(())
        }
        Command::Restore { tenant } => {
            match site.restore(&tenant).await? {
                Restored::Whole => eprintln!("{tenant} is back, with all that is stored of it"),
                Restored::Anew => eprintln!("{tenant} is back, and begins anew: its data was deleted"),
                Restored::Free => eprintln!(
                    "there is no configuration of {tenant}, and the name is free again: set it up with Install in the console, or with \
                     `shift-access apply`"
                ),
            }
            audit::done(&site, Deed::Restored(&tenant), Some(&tenant)).await
        }
    }
}

async fn list(site: &Site, as_json: bool) -> Result<(), Exit> {
    let found = site.status().await?;
    if as_json {
        return print(found.iter().map(json).collect::<Result<Vec<_>, _>>()?);
    }
    print([format!("{:24}  {:8}  {:20}  component", "tenant", "state", "since")])?;
    print(found.iter().map(|status| {
        let since = status.since.map(moment).unwrap_or_default();
        format!("{:24}  {:8}  {since:20}  {}", status.tenant, status.state, component(status))
    }))
}

/// The component, and what else there is to say.
fn component(status: &TenantStatus) -> String {
    let component = status.component.as_deref().unwrap_or("not in the configuration");
    let unfit = status.unfit.as_ref().map(|unfit| format!("; {unfit} was tried and failed"));
    let due = status.delete_after.map(|due| format!("; deleted after {}", moment(due)));
    [Some(component.to_owned()), unfit, due].into_iter().flatten().collect()
}

fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
