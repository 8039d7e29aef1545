//! The configuration file: read whole, every problem at once, no secret ever printed.
//!
//! It is read in two stages. [`Config::read`] needs nothing but the file: syntax, the platform's own tables, and what
//! can be said of a tenant without its pack. [`RawTenant::resolve`] needs the pack's [`Description`] and types the
//! rest. Bounds and required properties are the pack's own check, merged with [`Problem::add_from_pack`].
//!
//! Who embeds the host may leave the file out: [`Tenant`] and [`ConnectionConfig`] can be made in code.
//!
//! [`Description`]: crate::description::Description

mod address;
mod component;
mod connection;
mod console;
pub(crate) mod credential;
pub(crate) mod document;
mod fingerprint;
mod limits;
mod listener;
mod oidc;
mod platform;
mod problem;
mod property;
mod schedule;
mod tenant;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use document::{Place, Report, Section};

pub use address::{AddressError, clean as clean_address};
pub use component::{ComponentDigest, ComponentSource, DigestError};
pub use connection::{ConnectionConfig, SettingValue};
pub use console::ConsoleConfig;
pub use listener::{
    BasicConfig, ListenerConfig, Mapping, Part, Pointer, PointerError, Proof, SharedConfig, SignatureAlgorithm, SignatureConfig,
    SignatureEncoding, SignedText, SignedTextError, StandardWebhooksConfig, TimestampConfig,
};
pub use oidc::OidcConfig;
pub use platform::{HostConfig, SmtpConfig, SmtpTls, StorageConfig};
pub use problem::{Problem, Severity};
pub use schedule::{Cadence, Schedule};
pub use tenant::{Environment, Origin, RawTenant, Tenant};

pub(crate) use address::is_loopback;
pub(crate) use property::split;
pub(crate) use tenant::{is_name, read_kept};

/// A configuration file after its first stage.
#[derive(Debug, Default)]
pub struct Config {
    /// The table `[host]`, defaults filled in.
    pub host: HostConfig,
    /// The table `[smtp]`, where there is one.
    pub smtp: Option<SmtpConfig>,
    /// The table `[console]`, defaults filled in.
    pub console: ConsoleConfig,
    /// The tenants by name; each is yet to be resolved.
    pub tenants: BTreeMap<String, RawTenant>,
}

/// What [`Config::read`] returns: the file as far as it can be known without the packs.
pub type RawConfig = Config;

impl Config {
    /// Reads a file. `env` looks up a variable of the environment.
    ///
    /// Nothing may run while one of the problems is an error.
    pub fn read(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> (RawConfig, Vec<Problem>) {
        let mut report = Report::of(path);
        let config = match fs::read(path) {
            Ok(bytes) => decode(&bytes, &mut report).map(|text| document(text, path, env, &mut report)),
            Err(error) => {
                let remedy = "name another file with --config, or write this one";
                report.error(&Place::default(), format!("the configuration cannot be read: {error}"), remedy);
                None
            }
        };
        (config.unwrap_or_default(), report.into_problems())
    }
}

/// Reads a list of schedules on its own, as it stands under `schedules` of a tenant.
pub(crate) fn read_schedules(node: &document::Node, report: &mut Report) -> Vec<Schedule> {
    schedule::read(node, &Place::default().at("schedules", 0), report).into_iter().map(|raw| raw.schedule).collect()
}

/// What is written of a tenant in a file; none where there is no such table, or the file cannot be read.
pub(crate) fn written(path: &Path, tenant: &str) -> Option<document::Node> {
    let mut report = Report::of(path);
    let bytes = fs::read(path).ok()?;
    let root = document::parse(decode(&bytes, &mut report)?, &mut report);
    ["tenants", tenant].into_iter().try_fold(root, |node, key| match node.value {
        document::Value::Table(mut entries) => entries.remove(key),
        _ => None,
    })
}

/// The text of a file. A byte order mark of UTF-8 is let pass.
fn decode<'a>(bytes: &'a [u8], report: &mut Report) -> Option<&'a str> {
    const REMEDY: &str = "save the file as UTF-8";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        report.error(&Place::line(1), "the file is UTF-16", REMEDY);
        return None;
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
            let column = good.rsplit(|byte| *byte == b'\n').next().map_or(0, |last| String::from_utf8_lossy(last).chars().count());
            report.error(&Place::line(line), "the file is not UTF-8", REMEDY);
            if let Some(problem) = report.problems.last_mut() {
                problem.column = Some(column.saturating_add(1));
            }
            None
        }
    }
}

fn document(text: &str, path: &Path, env: &dyn Fn(&str) -> Option<String>, report: &mut Report) -> Config {
    let root = document::parse(text, report);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut config = Config { host: platform::default_host(folder), ..Config::default() };
    if !report.problems.is_empty() {
        return config;
    }
    let Some(mut root) = Section::open(&root, Place::default(), report) else { return config };
    if let Some((node, place)) = root.get("host")
        && let Some(section) = Section::open(node, place, report)
    {
        config.host = platform::host(section, folder, report);
    }
    if let Some((node, place)) = root.get("smtp")
        && let Some(section) = Section::open(node, place, report)
    {
        config.smtp = platform::smtp(section, folder, env, report);
    }
    if let Some((node, place)) = root.get("console")
        && let Some(section) = Section::open(node, place, report)
    {
        config.console = console::read(section, folder, env, report);
    }
    let has_console = root.get("console").is_some();
    match root.get("tenants") {
        Some((node, place)) => {
            config.tenants = tenant::read_all(node, place, &tenant::Around { file: path, env, limits: &config.host.limits }, report)
        }
        // With a console they may all be kept in the store.
        None if has_console => {}
        None => report.error(&Place::default(), "no tenant is configured", "add a table [tenants.NAME]"),
    }
    root.finish("key", report);
    config
}

#[cfg(test)]
mod tests;
