//! `workers`: what is stored, one line a user.

use super::{Exit, Place, json, open, print, text};

/// Users a call for one page.
const PAGE: u32 = 500;

/// Lists the stored records.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// Only those of this status, in the pack's words.
    #[arg(long)]
    status: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    if let Some(status) = &args.status {
        known(&tenant.pack.counts(site.host().lend(&tenant)).await?, status)?;
    }
    if !args.json {
        print([text::entry_head()])?;
    }
    let mut cursor = None;
    loop {
        let lent = site.host().lend(&tenant);
        let listing = tenant.pack.page(lent, args.status.clone(), cursor, PAGE).await?;
        for entry in &listing.items {
            print([if args.json { json(entry)? } else { text::entry_line(entry) }])?;
        }
        cursor = listing.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// A status that is none would list nobody, which looks like an answer.
fn known(counts: &[(String, u64)], status: &str) -> Result<(), Exit> {
    if counts.iter().any(|(name, _)| name == status) {
        return Ok(());
    }
    let names = counts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    Err(Exit::Usage(format!("there is no status {status:?}; write one of: {names}")))
}
