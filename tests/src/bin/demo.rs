//! The demo: a small company on simulators, and the main job at work on it through the program's own code.
#![expect(clippy::print_stdout, reason = "the demo is what it prints")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use shift_access::history::Trigger;
use shift_access::{Cache, Order, Site, cli};
use shift_access_tests::fault::Fault;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::World;

/// Whose decisions are shown: on shift, on a break, off shift, and one that UKG does not know.
const ASKED: [&str; 4] = ["adiaz", "jweber", "cmoss", "vcruz"];

/// Whose explanation is shown: a forgotten punch.
const EXPLAINED: &str = "nsaid";

#[tokio::main]
async fn main() -> Result<()> {
    let stay = std::env::args().any(|arg| arg == "--stay");
    let folder = folder()?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("the folder of an earlier demo cannot be cleared")?;
    }
    let stage = Stage::kept(World::demo(Utc::now()), &folder, Path::new("shift-access")).await?;
    say("A small company: two stores in two time zones, with a Workspace ONE Access, a UKG Pro WFM and a mail server.");
    println!("configuration: {}", shown(&stage.config()));

    say("1. Is everything connected?  shift-access run acme test-connection");
    command(&stage, &["run", TENANT, "test-connection"]).await?;
    say("2. Who is clocked in?  shift-access run acme batch");
    command(&stage, &["run", TENANT, "batch"]).await?;
    say("3. The board.  shift-access workers acme");
    command(&stage, &["workers", TENANT]).await?;
    say(&format!("4. Why?  shift-access worker acme {EXPLAINED}"));
    command(&stage, &["worker", TENANT, EXPLAINED]).await?;
    say("5. May they open it now?  shift-access decide acme USER --surface people");
    for user in ASKED {
        command(&stage, &["decide", TENANT, user, "--surface", "people"]).await?;
    }
    say("6. And when UKG fails at night? The scheduled batch fails, the records stay, and a mail goes out:");
    failure(&stage).await?;

    say("What to try next");
    let config = shown(&stage.config());
    println!("  alias sa='target/debug/shift-access --config {config}'");
    println!("  sa history {TENANT}              # what ran, and how it ended");
    println!("  sa worker {TENANT} icosta        # a night shift");
    println!("  sa decide {TENANT} dpetrov --json");
    println!("  sa describe                      # what the pack can be told");
    if stay {
        println!("\nThe simulators stay up: `sa run {TENANT} batch` works until you press Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    } else {
        println!("  ./demo --stay                    # keeps the simulators up, so that `sa run {TENANT} batch` works too");
    }
    Ok(())
}

/// A scheduled run against a UKG that does not answer as it should.
async fn failure(stage: &Stage) -> Result<()> {
    stage.ukg.faults().add(Fault::everywhere().status(500));
    let (site, _) = Site::open(&stage.config(), &|name| std::env::var(name).ok(), None::<Cache>).await;
    let site = site?;
    let tenant = site.tenant(TENANT)?;
    let order = Order::new(&tenant, "batch", Trigger::Schedule)?;
    site.host().run(&tenant, order, Default::default(), Default::default()).await?;
    site.host().send_alerts().await?;
    stage.ukg.faults().clear();
    let mails = stage.inbox.wait_for(1).await?;
    for mail in mails {
        println!("  To: {}\n  Subject: {}\n", mail.to.join(", "), mail.subject());
        mail.text().lines().for_each(|line| println!("  {line}"));
    }
    Ok(())
}

/// Runs one command of the program in this process, on a thread of its own: it brings its own runtime.
async fn command(stage: &Stage, args: &[&str]) -> Result<()> {
    let mut line: Vec<OsString> = vec!["shift-access".into(), "--config".into(), stage.config().into()];
    line.extend(args.iter().map(OsString::from));
    let code = tokio::task::spawn_blocking(move || cli::command(line)).await?;
    ensure!(code == ExitCode::SUCCESS, "`shift-access {}` failed", args.join(" "));
    Ok(())
}

fn say(text: &str) {
    println!("\n\x1b[1m{text}\x1b[0m");
}

/// `target/demo`, beside the program: found again by the commands of the README, and gone with `cargo clean`.
fn folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the demo does not run from a target folder")?;
    Ok(target.join("demo"))
}

/// The path as a person would type it here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
