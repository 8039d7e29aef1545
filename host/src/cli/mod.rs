//! The command line: one command, one file. Results go to stdout, progress and logs to stderr.
//!
//! Exit codes: 0 done (a deny is done), 1 the run or request failed or was held, 64 usage or configuration.

mod apply;
mod audit;
mod check;
mod component;
mod dead_letters;
mod decide;
mod describe;
mod export;
mod history;
mod identities;
mod key;
mod logs;
mod package;
mod run;
mod serve;
mod telemetry;
mod tenant;
mod text;
mod token;
mod user;
mod what_if;
mod worker;
mod workers;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::document::shows;
use crate::engine::Cache;
use crate::plugin::CallError;
use crate::site::{ChangeError, Site, SiteError};

/// How long a thread for blocking work waits for more of it.
const BLOCKING: Duration = Duration::from_millis(200);

/// Shift access: knows which workers are clocked in, and so may use their work apps.
#[derive(Debug, Parser)]
#[command(name = "shift-access", version, max_term_width = 110)]
struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "shift-access.toml")]
    config: PathBuf,
    /// How logs are written to stderr. Which of them: SHIFT_ACCESS_LOG, such as `info` or `warn,shift_access=debug`.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: logs::Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Describe(describe::Args),
    Package(package::Args),
    Run(run::Args),
    Serve(serve::Args),
    Workers(workers::Args),
    Worker(worker::Args),
    Decide(decide::Args),
    WhatIf(what_if::Args),
    Identities(identities::Args),
    History(history::Args),
    Tenant(tenant::Args),
    Export(export::Args),
    Apply(apply::Args),
    Key(key::Args),
    Token(token::Args),
    User(user::Args),
    DeadLetters(dead_letters::Args),
}

impl Command {
    /// What is logged where nobody says: of a command that somebody looks on at, trouble only.
    fn usual_logs(&self) -> &'static str {
        match self {
            Self::Serve(_) => "warn,shift_access=info",
            _ => "warn",
        }
    }
}

/// How a command ends when it does not end well.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The run or the request failed: 1.
    Failed(String),
    /// The usage or the configuration is wrong: 64.
    Usage(String),
    /// Everything was said already: this code.
    Said(u8),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) => f.write_str(text),
            Self::Said(_) => Ok(()),
        }
    }
}

impl From<CallError> for Exit {
    fn from(error: CallError) -> Self {
        Self::Failed(match error {
            CallError::Failure(failure) => text::failure(&failure),
            other => other.to_string(),
        })
    }
}

impl From<SiteError> for Exit {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::Configuration => Self::Said(64),
            SiteError::UnknownTenant(_) => Self::Usage(error.to_string()),
            SiteError::Store { .. } | SiteError::Host(_) | SiteError::Restart(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<ChangeError> for Exit {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Site(error) => error.into(),
            ChangeError::Conflict(_) => Self::Failed(error.to_string()),
            ChangeError::NoKey | ChangeError::Name(_) => Self::Usage(error.to_string()),
            ChangeError::Invalid(problems) => {
                problems.iter().for_each(|problem| eprintln!("{}", legible(&problem.to_string(), written_out)));
                Self::Said(64)
            }
        }
    }
}

impl From<std::io::Error> for Exit {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the command that the program's arguments name.
pub fn main() -> ExitCode {
    command(std::env::args_os())
}

/// A runtime whose threads for blocking work end when there was none for a moment. By default they stay for ten seconds, and a thousand
/// tenants that look into the store now and then would keep awake all that were there at the busiest moment.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(BLOCKING).build()
}

/// Runs the command that these arguments name; the first is the program's own name. Must not be called from within an
/// asynchronous runtime: it starts its own.
pub fn command(args: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked { 0 } else { 64 });
        }
    };
    let Cli { config, log_format, command } = cli;
    let ended = runtime().map_err(Exit::from).and_then(|runtime| {
        let telemetry = logs::start(log_format, command.usual_logs(), runtime.handle());
        let ended = runtime.block_on(dispatch(Place { config, logs: log_format }, command));
        telemetry.end();
        // A call that hangs in the system must not hold the end of the program.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            let text = exit.to_string();
            match log_format {
                _ if text.is_empty() => {}
                logs::Format::Text => eprintln!("shift-access: {}", legible(&text, written_out)),
                logs::Format::Json => tracing::error!("{text}"),
            }
            ExitCode::from(match exit {
                Exit::Failed(_) => 1,
                Exit::Usage(_) => 64,
                Exit::Said(code) => code,
            })
        }
    }
}

/// Where the configuration is, and how what is wrong with it is told.
#[derive(Debug)]
struct Place {
    config: PathBuf,
    logs: logs::Format,
}

async fn dispatch(place: Place, command: Command) -> Result<(), Exit> {
    match command {
        Command::Check(args) => check::run(&place, args).await,
        Command::Describe(args) => describe::run(args).await,
        Command::Package(args) => package::run(args).await,
        Command::Run(args) => run::run(&place, args).await,
        Command::Serve(args) => serve::run(&place, args).await,
        Command::Workers(args) => workers::run(&place, args).await,
        Command::Worker(args) => worker::run(&place, args).await,
        Command::Decide(args) => decide::run(&place, args).await,
        Command::WhatIf(args) => what_if::run(&place, args).await,
        Command::Identities(args) => identities::run(&place, args).await,
        Command::History(args) => history::run(&place, args).await,
        Command::Tenant(args) => tenant::run(&place, args).await,
        Command::Export(args) => export::run(&place, args).await,
        Command::Apply(args) => apply::run(&place, args).await,
        Command::Key(args) => key::run(&place, args).await,
        Command::Token(args) => token::run(&place, args).await,
        Command::User(args) => user::run(&place, args).await,
        Command::DeadLetters(args) => dead_letters::run(&place, args).await,
    }
}

/// Opens the site; problems of the configuration go to stderr, all of them.
async fn open(place: &Place) -> Result<Site, Exit> {
    let (site, problems) = Site::open(&place.config, &|name| std::env::var(name).ok(), cache()).await;
    let failed = site.is_err();
    for problem in problems.iter().filter(|problem| failed || problem.severity >= crate::config::Severity::Warning) {
        match place.logs {
            logs::Format::Text => eprintln!("{}", legible(&problem.to_string(), written_out)),
            logs::Format::Json => problem.log(),
        }
    }
    Ok(site?)
}

/// Where compiled components are kept between runs: the user's cache folder, and the key in the user's folder for what lasts.
fn cache() -> Option<Cache> {
    let cache = Cache::new(own_folder("XDG_CACHE_HOME", ".cache")?);
    Some(match own_folder("XDG_STATE_HOME", ".local/state") {
        Some(state) => cache.key(state.join("compiled.key")),
        None => cache,
    })
}

/// This program's folder where a variable says, or else below the user's home.
fn own_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let parent = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))?;
    Some(parent.join("shift-access"))
}

/// Prints lines to stdout. Where nobody reads any more, as behind `head`, what is left is passed over: how the command
/// ends does not depend on who looks on.
fn print(lines: impl IntoIterator<Item = String>) -> Result<(), Exit> {
    let mut out = std::io::stdout().lock();
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{}", legible(&line, written_out))).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// One object as one line of JSON.
fn json(value: &impl serde::Serialize) -> Result<String, Exit> {
    let text = serde_json::to_string(value).map_err(|error| Exit::Failed(format!("the answer cannot be written as JSON: {error}")))?;
    Ok(legible(&text, |c| format!("\\u{c:04x}")))
}

/// A letter as it can be written in Rust and in many other languages.
fn written_out(letter: u32) -> String {
    format!("\\u{{{letter:x}}}")
}

/// A text in which no letter does anything to a terminal but show: what comes from other systems may hold letters that move
/// the cursor, turn the direction of writing round, or do not show at all.
fn legible(text: &str, escaped: impl Fn(u32) -> String) -> String {
    let shows = |letter: char| letter == '\n' || shows(letter);
    if text.chars().all(shows) {
        return text.to_owned();
    }
    text.chars().map(|letter| if shows(letter) { letter.to_string() } else { escaped(letter.into()) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_would_act_on_a_terminal_are_written_out() {
        let name = "a\u{1b}[31mb\u{202e}c\u{200b}d\u{9b}e\u{2028}é👩";
        assert_eq!(legible(name, written_out), "a\\u{1b}[31mb\\u{202e}c\\u{200b}d\\u{9b}e\\u{2028}é👩");
        let json = json(&name).unwrap();
        assert!(json.chars().all(|letter| !letter.is_control() && letter != '\u{202e}'), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), name);
    }
}
