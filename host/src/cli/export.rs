//! `export`: a tenant as TOML, as `apply` takes it.

use super::{Exit, Place, audit, open, print};
use crate::audit::Deed;
use crate::managed::Secrets;

/// Prints a tenant as TOML, as `apply` takes it, whether it is kept in the store or stands in the configuration file. No secret is
/// in it in clear.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// How its secrets are written: left out as `{ keep = true }`, or encrypted as they are kept, for the same tenant on a host with
    /// the same key. Where a tenant of the file reads one from a variable or a file, that is written.
    #[arg(long, value_enum, default_value_t = Written::Omit)]
    secrets: Written,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Written {
    Omit,
    Encrypted,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let secrets = match args.secrets {
        Written::Omit => Secrets::Omit,
        Written::Encrypted => Secrets::Sealed,
    };
    let site = open(place).await?;
    let text = site.export(&args.tenant, secrets, &|name| std::env::var(name).ok()).await?;
    if let Written::Encrypted = args.secrets {
        audit::done(&site, Deed::Exported(&args.tenant, true), Some(&args.tenant)).await?;
    }
    // As it is: whoever reads it again must find every letter.
    print(text.lines().map(str::to_owned))
}
