//! `apply`: sets up or changes tenants that are kept in the store, from a TOML file.

use std::io::Read;
use std::path::PathBuf;

use super::{Exit, Place, open, print};
use crate::audit::COMMAND_LINE;
use crate::managed::Applied;
use crate::site::Apply;

/// Sets up or changes tenants that are kept in the store, from a TOML file with tables `[tenants.T]`, as in the configuration file
/// and as `export` prints them. Secrets that it points at are read now, and kept encrypted. All of it is done, or nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file; `-` is the standard input. Files that it names are looked for from its folder, components from that of the
    /// configuration.
    file: PathBuf,
    /// Store nothing: only tell what would change.
    #[arg(long)]
    dry_run: bool,
    /// Keep the tenants although they are incomplete. They are not run before they are applied again without this.
    #[arg(long)]
    draft: bool,
    /// Why, to be found among the versions.
    #[arg(long, default_value = "")]
    note: String,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let (file, text) = read(&args.file)?;
    let site = open(place).await?;
    let apply = Apply { dry: args.dry_run, draft: args.draft, by: who(), note: args.note };
    let (applied, problems) = site.apply_as(&file, &text, &apply, COMMAND_LINE, &|name| std::env::var(name).ok()).await;
    problems.iter().for_each(|problem| eprintln!("{}", super::legible(&problem.to_string(), super::written_out)));
    let applied = applied?;
    applied.iter().try_for_each(tell)
}

fn tell(applied: &Applied) -> Result<(), Exit> {
    let Applied { tenant, version, new, made, changes } = applied;
    let what = match (version, new, made) {
        (_, _, false) => "nothing changed".to_owned(),
        (None, true, _) => "would be new".to_owned(),
        (None, false, _) => "would change".to_owned(),
        (Some(version), true, _) => format!("new, version {version}"),
        (Some(version), false, _) => format!("changed, version {version}"),
    };
    print([format!("{tenant}: {what}")])?;
    print(changes.iter().map(|change| format!("  {change}")))
}

fn read(file: &PathBuf) -> Result<(PathBuf, String), Exit> {
    let unreadable = |error: std::io::Error| Exit::Usage(format!("{} cannot be read: {error}", file.display()));
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
        return Ok((PathBuf::from("standard input"), text));
    }
    Ok((file.clone(), std::fs::read_to_string(file).map_err(unreadable)?))
}

/// Who applies: the user of this system, as far as it says.
fn who() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|user| !user.is_empty());
    user.map_or_else(|| "the command line".to_owned(), |user| format!("{user}, on the command line"))
}
