//! The program while it serves.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;

use crate::stage::Stage;

/// How long the program may take to listen.
const STARTS: Duration = Duration::from_secs(60);

/// How long it may take to say what is waited for.
const SAYS: Duration = Duration::from_secs(20);

/// A program that serves. Dropping it kills the program.
#[derive(Debug)]
pub struct Serving {
    /// The process, to be stopped or waited for.
    pub child: Child,
    url: String,
    said: watch::Receiver<Vec<String>>,
}

impl Serving {
    /// Starts `serve` with the stage's configuration, and waits until it listens.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
    pub async fn start(stage: &Stage) -> Result<Self> {
        Self::start_with(stage, &[], &[]).await
    }

    /// The same with more arguments, and with these variables of the environment.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
    pub async fn start_with(stage: &Stage, args: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let mut child = stage.spawn_with(&[&["serve"], args].concat(), variables)?;
        let mut lines = BufReader::new(child.stderr.take().context("its stderr is not ours")?).lines();
        let (sender, said) = watch::channel(Vec::new());
        let url = tokio::time::timeout(STARTS, listens(&mut lines, &sender)).await.context("it does not listen")??;
        // A program whose words nobody reads would stand still once the pipe is full.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|said| said.push(line));
            }
        });
        Ok(Self { child, url, said })
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every line it wrote to stderr until now.
    pub fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }

    /// Waits until a line has been written that holds this text, after the first `passed` lines, and gives it.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn says(&self, text: &str, passed: usize) -> Result<String> {
        let mut said = self.said.clone();
        let found = |said: &Vec<String>| said.iter().skip(passed).find(|line| line.contains(text)).cloned();
        let told = tokio::time::timeout(SAYS, said.wait_for(|said| found(said).is_some())).await;
        match told {
            Ok(Ok(said)) => found(&said).context("it is gone"),
            _ => bail!("it did not say {text:?}: {}", self.said().join("\n")),
        }
    }

    /// Sends a signal, such as `TERM` or `HUP`.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("it has ended already")?;
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().await?;
        ensure!(sent.success(), "the signal {name} was not sent");
        Ok(())
    }
}

/// Waits for the line that says where it listens, as a text or as JSON.
async fn listens(lines: &mut Lines<BufReader<ChildStderr>>, said: &watch::Sender<Vec<String>>) -> Result<String> {
    while let Some(line) = lines.next_line().await? {
        said.send_modify(|said| said.push(line.clone()));
        if let Some(url) = line.strip_prefix("listening on ") {
            return Ok(url.to_owned());
        }
        let json = serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default();
        let said = |key: &str| json.get(key).and_then(serde_json::Value::as_str);
        if said("message") == Some("listening") {
            return Ok(said("url").context("it does not say where it listens")?.to_owned());
        }
    }
    bail!("it ended: {}", said.borrow().join("\n"))
}
