//! `key`: makes the key that seals the secrets of tenants kept in the store, and has another follow it.

use secrecy::ExposeSecret;

use super::{Exit, Place, audit, open, print};
use crate::seal::Key;

/// Makes the key that seals the secrets of tenants kept in the store, and seals them anew with another.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prints a new key, for a file or a variable that `[console] key` names. It is stored nowhere.
    New,
    /// Seals everything with the key that the configuration names now. Name the one before under `old-keys` until this is done.
    Rotate,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    match args.command {
        Command::New => {
            let key = Key::random().map_err(|error| Exit::Failed(error.to_string()))?;
            print([key.expose().expose_secret().to_owned()])?;
            eprintln!("id {}. Keep a copy where the store is not: without it the secrets in the store are lost.", key.id());
            Ok(())
        }
        Command::Rotate => rotate(place).await,
    }
}

async fn rotate(place: &Place) -> Result<(), Exit> {
    let site = open(place).await?;
    let rotated = site.rotate_keys().await?;
    audit::done(&site, format!("sealed {} secrets of {} tenants with the new key", rotated.secrets, rotated.tenants), None).await?;
    print([format!("{} secrets of {} tenants, older versions included, are sealed with the new key", rotated.secrets, rotated.tenants)])?;
    if rotated.left.is_empty() && rotated.damaged.is_empty() {
        eprintln!("every secret is; once every host on this store has the new key, the old one can go");
        return Ok(());
    }
    for (tenant, path) in &rotated.left {
        eprintln!("tenant {tenant} (kept in the store), {path}: does not open with any key that there is, and stays as it is");
    }
    for tenant in &rotated.damaged {
        eprintln!("tenant {tenant} (kept in the store): cannot be read");
    }
    Err(Exit::Failed("not every secret is sealed anew: name the key that is missing under old-keys, or give these secrets anew".to_owned()))
}
