//! A stage for the whole system: the simulators, a configuration beside them, and the program run against both.
//!
//! Every stage has its own folder, ports and store, so any number may run at once. It asserts nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::access::AccessSim;
use crate::inbox::Inbox;
use crate::ukg::UkgSim;
use crate::world::World;

/// The tenant of every stage.
pub const TENANT: &str = "acme";

/// The simulators and the configuration that leads to them.
#[derive(Debug)]
pub struct Stage {
    /// What is true.
    pub world: World,
    /// The time system.
    pub ukg: UkgSim,
    /// The directory.
    pub access: AccessSim,
    /// Who gets mail.
    pub inbox: Inbox,
    folder: Folder,
    program: PathBuf,
}

/// Where a stage keeps its files.
#[derive(Debug)]
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

/// What a program left behind.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it printed as a result.
    pub out: String,
    /// What it printed beside it.
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ended {
    /// The last line of the results as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        let line = self.out.lines().last().with_context(|| format!("nothing was printed; stderr: {}", self.err))?;
        serde_json::from_str(line).with_context(|| format!("not JSON: {line}; stderr: {}", self.err))
    }

    /// Every line of the results as JSON.
    ///
    /// # Errors
    /// When one is none.
    pub fn json_lines(&self) -> Result<Vec<Value>> {
        self.out.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
    }
}

impl Stage {
    /// Starts the simulators on free ports and writes a configuration into a folder that goes when the stage goes.
    /// `program` is the binary to run.
    ///
    /// # Errors
    /// When a port cannot be bound or a file cannot be written.
    pub async fn new(world: World, program: &str) -> Result<Self> {
        let folder = Folder::Temporary(tempfile::Builder::new().prefix("shift-access-").tempdir()?);
        Self::set(world, folder, Path::new(program)).await
    }

    /// The same in a folder that stays.
    ///
    /// # Errors
    /// When a port cannot be bound or a file cannot be written.
    pub async fn kept(world: World, folder: &Path, program: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        Self::set(world, Folder::Kept(folder.to_owned()), program).await
    }

    async fn set(world: World, folder: Folder, program: &Path) -> Result<Self> {
        let ukg = UkgSim::start(world.clone()).await?;
        let access = AccessSim::start(world.clone()).await?;
        let inbox = Inbox::start().await?;
        let stage = Self { world, ukg, access, inbox, folder, program: program.to_owned() };
        stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"\nalert-email = \"ops@acme.example\"")?;
        Ok(stage)
    }

    /// The folder of the configuration and the store.
    pub fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Temporary(folder) => folder.path(),
            Folder::Kept(folder) => folder,
        }
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder().join("shift-access.toml")
    }

    /// The store.
    pub fn store(&self) -> PathBuf {
        self.folder().join("shift-access.db")
    }

    /// Writes the configuration with these properties (lines of TOML).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure(&self, properties: &str) -> Result<()> {
        self.configure_with(properties, "", "")
    }

    /// Writes the configuration with these properties and more lines for the connections `kronos` and `workspace-one`.
    /// A key written here goes before the usual one.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn configure_with(&self, properties: &str, kronos: &str, workspace_one: &str) -> Result<()> {
        let secrets = self.folder().join("secrets");
        fs::create_dir_all(&secrets)?;
        let ukg = self.ukg.credentials();
        let access = self.access.credentials();
        fs::write(secrets.join("kronos-client-secret"), ukg.client_secret)?;
        fs::write(secrets.join("kronos-password"), ukg.password)?;
        fs::write(secrets.join("kronos-app-key"), ukg.app_key)?;
        fs::write(secrets.join("workspace-one-secret"), access.client_secret.as_str())?;
        let listen = match self.folder {
            Folder::Temporary(_) => "listen = \"127.0.0.1:0\"\n",
            Folder::Kept(_) => "",
        };
        let mut text = format!(
            "[host]\n{listen}storage = \"sqlite://shift-access.db\"\n\n\
             [smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nsender = \"shift-access@acme.example\"\n\n\
             [tenants.{TENANT}]\nenvironment = \"TEST\"\n",
            self.inbox.port()
        );
        table(
            &mut text,
            "connections.kronos",
            kronos,
            &[
                ("url", format!("\"{}\"", self.ukg.url())),
                ("client-id", format!("\"{}\"", ukg.client_id)),
                ("client-secret", "{ file = \"secrets/kronos-client-secret\" }".to_owned()),
                ("username", format!("\"{}\"", ukg.user_name)),
                ("password", "{ file = \"secrets/kronos-password\" }".to_owned()),
                ("app-key", "{ file = \"secrets/kronos-app-key\" }".to_owned()),
            ],
        );
        table(
            &mut text,
            "connections.workspace-one",
            workspace_one,
            &[
                ("url", format!("\"{}\"", self.access.url())),
                ("client-id", format!("\"{}\"", access.client_id)),
                ("client-secret", "{ file = \"secrets/workspace-one-secret\" }".to_owned()),
            ],
        );
        table(&mut text, "properties", properties, &[]);
        fs::write(self.config(), text)?;
        Ok(())
    }

    /// The configuration in two parts: the host's, and the tenant's.
    ///
    /// # Errors
    /// When it cannot be read, or has no tenant of that name.
    pub fn parts(&self) -> Result<(String, String)> {
        let text = fs::read_to_string(self.config())?;
        let at = text.find(&format!("[tenants.{TENANT}]")).context("the configuration has no part of the tenant")?;
        let (host, tenant) = text.split_at(at);
        Ok((host.to_owned(), tenant.to_owned()))
    }

    /// Makes a key beside the configuration, and gives the lines that name it.
    ///
    /// # Errors
    /// When the program makes none, or it cannot be written.
    pub async fn make_key(&self) -> Result<&'static str> {
        let made = self.run(&["key", "new"]).await?;
        if made.code != Some(0) {
            bail!("key new ended with {:?}: {}", made.code, made.err);
        }
        fs::write(self.folder().join("console.key"), made.out)?;
        Ok("[console]\nkey = { file = \"console.key\" }\n")
    }

    /// Adds lines of TOML to the end of the configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_more(&self, lines: &str) -> Result<()> {
        let text = fs::read_to_string(self.config())?;
        Ok(fs::write(self.config(), format!("{text}\n{lines}\n"))?)
    }

    /// Runs the program with these arguments to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run(&self, args: &[&str]) -> Result<Ended> {
        self.run_with(args, &[]).await
    }

    /// The same with these variables of the environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Result<Ended> {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        Ok(Ended::from(command.output().await.context("the program did not start")?))
    }

    /// The same with this on its stdin.
    ///
    /// # Errors
    /// When it cannot be started, or does not read.
    pub async fn run_told(&self, args: &[&str], stdin: &str) -> Result<Ended> {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().context("the program did not start")?;
        let mut pipe = child.stdin.take().context("its stdin is not ours")?;
        pipe.write_all(stdin.as_bytes()).await?;
        drop(pipe);
        Ok(Ended::from(child.wait_with_output().await?))
    }

    /// The same, with everything logged that can be.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run_logging(&self, args: &[&str]) -> Result<Ended> {
        self.run_with(args, &[("SHIFT_ACCESS_LOG", "trace")]).await
    }

    /// Starts the program and leaves it running.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, args: &[&str]) -> Result<Child> {
        self.spawn_with(args, &[])
    }

    /// The same with these variables of the environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Result<Child> {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        command.spawn().context("the program did not start")
    }

    /// Runs `run acme batch --json` and gives its object.
    ///
    /// # Errors
    /// When it prints none.
    pub async fn batch(&self) -> Result<Value> {
        self.run(&["run", TENANT, "batch", "--json"]).await?.json()
    }

    /// Every stored record, as `workers --json` prints it.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn records(&self) -> Result<Vec<Value>> {
        let ended = self.run(&["workers", TENANT, "--json"]).await?;
        if ended.code != Some(0) {
            bail!("workers ended with {:?}: {}", ended.code, ended.err);
        }
        ended.json_lines()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.config())
            .args(args)
            .env("XDG_CACHE_HOME", crate::cache())
            .env("XDG_STATE_HOME", std::env::temp_dir().join("shift-access-tests-state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// One table; a key of `own` replaces the usual one.
fn table(text: &mut String, name: &str, own: &str, usual: &[(&str, String)]) {
    let written: Vec<_> = own.lines().filter_map(|line| line.split_once('=')).map(|(key, _)| key.trim()).collect();
    let _ = writeln!(text, "\n[tenants.{TENANT}.{name}]");
    for (key, value) in usual.iter().filter(|(key, _)| !written.contains(key)) {
        let _ = writeln!(text, "{key} = {value}");
    }
    // A key without a value leaves the usual one out.
    for line in own.lines().filter(|line| !line.trim_end().ends_with('=')) {
        let _ = writeln!(text, "{line}");
    }
}
