//! The table `[console]`: how long sessions last, under which address the console is reached, and the key that seals the secrets
//! of tenants kept in the store.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::address;
use super::credential::{self, Environment};
use super::document::{Node, Place, Report, Section, Value};
use super::oidc::{self, OidcConfig};
use crate::seal::{Key, Keys};

/// The table `[console]`.
#[derive(Clone, Debug)]
pub struct ConsoleConfig {
    /// Whether there is a console.
    pub enabled: bool,
    /// A session ends when nothing was asked for so long.
    pub idle: Duration,
    /// A session ends so long after it began.
    pub longest: Duration,
    /// The address under which browsers reach the host; `None`: where it listens.
    pub address: Option<Url>,
    /// Whether a proxy stands before the host that says in `X-Forwarded-For` who asks. Without one anybody could say so.
    pub behind_proxy: bool,
    /// The key that seals secrets in the store, with older ones that still open them. Without one no tenant is kept there.
    pub keys: Option<Keys>,
    /// Where people may sign in beside the host's own list.
    pub oidc: Option<OidcConfig>,
}

const REMEDY: &str = "`shift-access key new` makes one";

impl Default for ConsoleConfig {
    fn default() -> Self {
        let (idle, longest) = (Duration::from_secs(30 * 60), Duration::from_secs(12 * 3_600));
        Self { enabled: true, idle, longest, address: None, behind_proxy: false, keys: None, oidc: None }
    }
}

pub(super) fn read(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> ConsoleConfig {
    let default = ConsoleConfig::default();
    let unit = |count: i64, seconds: u64| Duration::from_secs(count.unsigned_abs().saturating_mul(seconds));
    let enabled = section.switch("enabled", report).unwrap_or(default.enabled);
    let idle = section.number("idle-minutes", 1, 1_440, report).map_or(default.idle, |minutes| unit(minutes, 60));
    let longest = section.number("session-hours", 1, 168, report).map_or(default.longest, |hours| unit(hours, 3_600));
    let mut written = None;
    let address = section.text("address", "https://shift-access.acme.example", report).and_then(|(text, place)| {
        let found = address::whole(&text).map_err(|error| report.error(&place, error.to_string(), error.remedy())).ok()?;
        if found.path() != "/" || found.query().is_some() {
            report.error(&place, "has a path", "write the scheme, the host and the port only: the console is always under /console");
            return None;
        }
        written = Some(place).filter(|_| found.scheme() == "https");
        Some(found)
    });
    let told = section.switch("behind-proxy", report);
    if let (Some(place), None) = (&written, told) {
        let message =
            "stands without behind-proxy: all who come through the proxy are one address, and one who guesses passwords shuts out all";
        report.warning(place, message, "write behind-proxy = true if the proxy sets X-Forwarded-For, and else false");
    }
    let behind_proxy = told.unwrap_or(default.behind_proxy);
    let keys = keys(&mut section, folder, env, report);
    let oidc = section.get("oidc").and_then(|(node, place)| oidc::read(Section::open(node, place, report)?, folder, env, report));
    section.finish("key", report);
    ConsoleConfig { enabled, idle, longest, address, behind_proxy, keys, oidc }
}

fn keys(section: &mut Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<Keys> {
    let current = section.get("key").and_then(|(node, place)| key(node, &place, folder, env, report));
    let old = section.get("old-keys").map(|(node, place)| (old_keys(node, &place, folder, env, report), place));
    if let Some((_, place)) = &old
        && section.get("key").is_none()
    {
        report.error(place, "stands without a key", "add key = { file = \"NAME\" }, which seals from now on");
    }
    current.map(|key| Keys::new(key, old.map(|(keys, _)| keys).unwrap_or_default()))
}

fn old_keys(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Vec<Key> {
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list", "write old-keys = [{ file = \"NAME\" }]");
        return Vec::new();
    };
    items.iter().enumerate().filter_map(|(index, item)| key(item, &place.item(index, item.line), folder, env, report)).collect()
}

fn key(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<Key> {
    let text = credential::read(node, place, folder, env, report)?;
    match text.expose_secret().parse() {
        Ok(key) => Some(key),
        Err(error) => {
            report.error(place, error.to_string(), REMEDY);
            None
        }
    }
}
