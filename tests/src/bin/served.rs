//! The small company of the demo, served, for a program that tries the API from outside: prints the address and a token, each
//! on a line, and goes on until its standard input ends.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::World;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<()> {
    let program = std::env::current_exe()?.with_file_name("shift-access-tested");
    let program = program.to_str().context("the path of the program is not UTF-8")?;
    let stage = Stage::new(World::demo(Utc::now()), program).await?;
    stage.batch().await?;
    let made = stage.run(&["token", "create", TENANT, "--scope", "operate"]).await?;
    ensure!(made.code == Some(0), "no token: {}", made.err);
    let serving = Serving::start(&stage).await?;
    println!("{}\n{}", serving.url(), made.out.trim());
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}
