//! `workers`: what is stored, one line a user.

use std::path::Path;

use super::{Exit, json, open, print, text};

/// Users a call for one page.
const PAGE: u32 = 500;

/// Lists the stored records.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// Only those of this status, such as `on-shift`.
    #[arg(long)]
    status: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), Exit> {
    let site = open(config).await?;
    let tenant = site.tenant(&args.tenant)?;
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
