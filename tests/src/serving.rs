//! The program while it serves.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::stage::Stage;

/// How long the program may take to listen.
const STARTS: Duration = Duration::from_secs(60);

/// A program that serves. Dropping it kills the program.
#[derive(Debug)]
pub struct Serving {
    /// The process, to be stopped or waited for.
    pub child: Child,
    url: String,
}

impl Serving {
    /// Starts `serve` with the stage's configuration, and waits until it listens.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
    pub async fn start(stage: &Stage) -> Result<Self> {
        let mut child = stage.spawn(&["serve"])?;
        let mut lines = BufReader::new(child.stderr.take().context("its stderr is not ours")?).lines();
        let url = tokio::time::timeout(STARTS, listens(&mut lines)).await.context("it does not listen")??;
        // A program whose words nobody reads would stand still once the pipe is full.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, url })
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn listens(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<String> {
    let mut said = String::new();
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.strip_prefix("listening on ") {
            return Ok(url.to_owned());
        }
        said.extend([line.as_str(), "\n"]);
    }
    bail!("it ended: {said}")
}
