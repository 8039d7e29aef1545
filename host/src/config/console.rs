//! The table `[console]`: how long sessions last, and under which address the console is reached.

use std::time::Duration;

use url::Url;

use super::address;
use super::document::{Report, Section};

/// The table `[console]`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        let (idle, longest) = (Duration::from_secs(30 * 60), Duration::from_secs(12 * 3_600));
        Self { enabled: true, idle, longest, address: None, behind_proxy: false }
    }
}

pub(super) fn read(mut section: Section<'_>, report: &mut Report) -> ConsoleConfig {
    let default = ConsoleConfig::default();
    let unit = |count: i64, seconds: u64| Duration::from_secs(count.unsigned_abs().saturating_mul(seconds));
    let enabled = section.switch("enabled", report).unwrap_or(default.enabled);
    let idle = section.number("idle-minutes", 1, 1_440, report).map_or(default.idle, |minutes| unit(minutes, 60));
    let longest = section.number("session-hours", 1, 168, report).map_or(default.longest, |hours| unit(hours, 3_600));
    let address = section.text("address", "https://shift-access.acme.example", report).and_then(|(text, place)| {
        let found = address::whole(&text).map_err(|error| report.error(&place, error.to_string(), error.remedy())).ok()?;
        if found.path() != "/" || found.query().is_some() {
            report.error(&place, "has a path", "write the scheme, the host and the port only: the console is always under /console");
            return None;
        }
        Some(found)
    });
    let behind_proxy = section.switch("behind-proxy", report).unwrap_or(default.behind_proxy);
    section.finish("key", report);
    ConsoleConfig { enabled, idle, longest, address, behind_proxy }
}
