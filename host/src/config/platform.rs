//! What the platform itself needs: where it listens, where it stores, how it sends mail.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use lettre::message::Mailbox;
use secrecy::SecretString;

use super::address::is_loopback_host;
use super::credential::{self, Environment};
use super::document::{Place, Report, Section};
use super::limits;
use crate::limits::Limits;

/// The table `[host]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where records are kept.
    pub storage: StorageConfig,
    /// Whether connections are called through the proxy that the environment names.
    pub proxy_of_environment: bool,
    /// The folder in which components are looked for by their digest, where there is one.
    pub components: Option<PathBuf>,
    /// The limits of every tenant that has none of its own.
    pub limits: Limits,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8480)),
            storage: StorageConfig::Sqlite(PathBuf::from(DATABASE)),
            proxy_of_environment: false,
            components: None,
            limits: Limits::default(),
        }
    }
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageConfig {
    /// An SQLite file.
    Sqlite(PathBuf),
}

/// The table `[smtp]`: one mail server for every tenant.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// Who the mail is from, as an address or `Name <address>`.
    pub sender: String,
    /// The login, where the server wants one.
    pub login: Option<(String, SecretString)>,
}

/// How a mail connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Not at all: to loopback only.
    None,
    /// From the first command on.
    StartTls,
    /// From the first byte on.
    Implicit,
}

const DATABASE: &str = concat!(env!("CARGO_PKG_NAME"), ".db");
const SQLITE: &str = "write storage = \"sqlite://NAME.db\", relative to the configuration file's folder";

pub(super) fn host(mut section: Section<'_>, folder: &Path, report: &mut Report) -> HostConfig {
    let default = default_host(folder);
    let listen = section.text("listen", "127.0.0.1:8480", report).and_then(|(text, place)| listen(&text, &place, report));
    let storage = section.text("storage", "sqlite://records.db", report).and_then(|(text, place)| storage(&text, &place, folder, report));
    let proxy = section.text("proxy", "environment", report).and_then(|(text, place)| proxy(&text, &place, report));
    let components = section.text("components", "components", report).map(|(text, _)| folder.join(text));
    let limits = limits::read(&mut section, &default.limits, report);
    section.finish("key", report);
    HostConfig {
        listen: listen.unwrap_or(default.listen),
        storage: storage.unwrap_or(default.storage),
        proxy_of_environment: proxy.unwrap_or(default.proxy_of_environment),
        components,
        limits,
    }
}

/// What holds without a table `[host]`.
pub(super) fn default_host(folder: &Path) -> HostConfig {
    HostConfig { storage: StorageConfig::Sqlite(folder.join(DATABASE)), ..HostConfig::default() }
}

fn listen(text: &str, place: &Place, report: &mut Report) -> Option<SocketAddr> {
    let address = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}")).parse().ok();
    if address.is_none() {
        report.error(place, format!("`{text}` is not an address with a port"), "write for example listen = \"127.0.0.1:8480\"");
    }
    address
}

/// Whether the proxy of the environment is used. Its own address is not written here, since it may hold a password.
fn proxy(text: &str, place: &Place, report: &mut Report) -> Option<bool> {
    match text {
        "none" => Some(false),
        "environment" => Some(true),
        _ => {
            report.error(place, "is no way to reach other systems", "write proxy = \"environment\" (HTTPS_PROXY and NO_PROXY) or \"none\"");
            None
        }
    }
}

fn storage(text: &str, place: &Place, folder: &Path, report: &mut Report) -> Option<StorageConfig> {
    let Some((scheme, rest)) = text.split_once(':') else {
        report.error(place, format!("`{text}` is not a store's address"), SQLITE);
        return None;
    };
    match (scheme, rest.strip_prefix("//")) {
        ("sqlite", Some(path)) if !path.is_empty() && !path.ends_with('/') => Some(StorageConfig::Sqlite(folder.join(path))),
        ("sqlite", _) => {
            report.error(place, "names no file; records must outlive the process", SQLITE);
            None
        }
        // The rest of the address may hold a password: it is not shown.
        ("postgres" | "postgresql", _) => {
            report.error(place, "names a PostgreSQL server, but this build stores in SQLite only so far", SQLITE);
            None
        }
        _ => {
            report.error(place, format!("names a store of the unknown kind `{scheme}`"), SQLITE);
            None
        }
    }
}

pub(super) fn smtp(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<SmtpConfig> {
    let host = section.required_text("host", "smtp.example.com", report);
    let tls = section.text("tls", "starttls", report).map_or(Some(SmtpTls::StartTls), |(text, place)| tls(&text, &place, report));
    let port = section.number("port", 1, i64::from(u16::MAX), report).and_then(|port| u16::try_from(port).ok());
    let sender = section.required_text("sender", "access@example.com", report).and_then(|(text, place)| sender(text, &place, report));
    let login = login(&mut section, folder, env, report);
    if let (Some((host, place)), Some(SmtpTls::None)) = (&host, tls)
        && !is_loopback_host(host)
    {
        report.error(
            &section.get("tls").map_or_else(|| place.clone(), |(_, place)| place),
            format!("mail to {host} would travel in the clear"),
            "write tls = \"starttls\" or tls = \"implicit\"; \"none\" is accepted for loopback addresses only",
        );
    }
    section.finish("key", report);
    let tls = tls?;
    Some(SmtpConfig { host: host?.0, port: port.unwrap_or_else(|| tls.port()), tls, sender: sender?, login })
}

impl SmtpTls {
    fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Implicit => 465,
        }
    }
}

fn tls(text: &str, place: &Place, report: &mut Report) -> Option<SmtpTls> {
    match text {
        "none" => Some(SmtpTls::None),
        "starttls" => Some(SmtpTls::StartTls),
        "implicit" => Some(SmtpTls::Implicit),
        _ => {
            report.error(place, format!("`{text}` is no way to protect mail"), "write \"starttls\", \"implicit\" or \"none\"");
            None
        }
    }
}

fn sender(text: String, place: &Place, report: &mut Report) -> Option<String> {
    if text.parse::<Mailbox>().is_ok() {
        return Some(text);
    }
    report.error(place, format!("`{text}` is not a mail address"), "write for example sender = \"access@example.com\"");
    None
}

fn login(section: &mut Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<(String, SecretString)> {
    let username = section.text("username", "mailer", report);
    let password = section.get("password");
    match (&username, &password) {
        (Some((_, place)), None) => report.error(place, "stands without a password", "add password = { env = \"NAME\" }"),
        (None, Some((_, place))) if section.get("username").is_none() => {
            report.error(place, "stands without a username", "add username = \"…\"");
        }
        _ => {}
    }
    let (node, place) = password?;
    let password = credential::read(node, &place, folder, env, report)?;
    Some((username?.0, password))
}
