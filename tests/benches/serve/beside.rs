//! The most trusted server of components, `wasmtime serve`, beside ours: a component that answers with nothing, and the same questions.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

#[path = "../../../host/component.rs"]
#[expect(dead_code, reason = "shared with the build scripts, which need more of it")]
mod component;

/// The version that this host is built on.
const VERSION: &str = "wasmtime 48.";
/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts it, and gives where it listens; none where there is no such program. `WASMTIME` says where else than on the path.
pub(crate) async fn start() -> Result<Option<(Child, String)>> {
    let program = std::env::var_os("WASMTIME").unwrap_or_else(|| "wasmtime".into());
    let version = Command::new(&program).arg("--version").output().await;
    if !version.is_ok_and(|output| output.stdout.starts_with(VERSION.as_bytes())) {
        return Ok(None);
    }
    let target_dir = component::shared_target_dir(Path::new(env!("OUT_DIR")));
    let hello = component::compile(env!("CARGO").as_ref(), "hello-guest", &target_dir).map_err(|why| anyhow!(why))?;
    let mut command = Command::new(&program);
    command.args(["serve", "--addr", "127.0.0.1:0"]).arg(hello).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("its output is not ours")?).lines();
    let url = tokio::time::timeout(PATIENCE, listens(&mut lines)).await.context("wasmtime serve takes too long to start")??;
    // Somebody must go on listening, or it ends at its next word.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(Some((child, url)))
}

/// Where it says that it listens.
async fn listens(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, url)) = line.split_once("Serving HTTP on ") {
            return Ok(url.trim().trim_end_matches('/').to_owned());
        }
    }
    Err(anyhow!("wasmtime serve does not start"))
}
