//! How much one tenant's plugin may take, and what happens where it wants more.
//!
//! Everything has a limit, and every limit a default: [`Limits::default`] holds where nobody says otherwise, in code or in
//! the configuration. Where a plugin asked for something over a limit it is told so in the words of the contract; where it
//! burnt something its call ends, and all that was in its store is dropped. Either way the text names the key to raise.
//!
//! ```
//! use shift_access::limits::Limits;
//!
//! let mut limits = Limits { storage_mib: 64, mail_domains: Some(vec!["acme.example".to_owned()]), ..Limits::default() };
//! limits.questions.cpu_seconds = 2;
//! ```
//!
//! Decides how much, never whose data or which calls.

mod account;
mod gauge;
mod keys;
mod meter;
mod pace;

pub(crate) use account::{Account, Accounts, Flight, Throttled};
pub(crate) use gauge::{Gauge, Growth, Overgrown};
pub use keys::markdown_table;
pub(crate) use keys::{MAIL_DOMAINS, OF_CALLS, OF_TENANTS};
pub(crate) use meter::{Spent, metered};

/// What a plugin is called for. Some limits differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A job, or the report on identities, which reads as much.
    Jobs,
    /// Events.
    Listener,
    /// A decision, an explanation, a page or count of records, a look-up; and what a pack says of itself.
    Questions,
}

impl Entry {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jobs, Self::Listener, Self::Questions];

    /// Its table in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Listener => "listener",
            Self::Questions => "questions",
        }
    }
}

/// The limits of one tenant. Nothing here is ever without a limit: 0 is none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Of one call for a job.
    pub jobs: CallLimits,
    /// Of one call for events.
    pub listener: CallLimits,
    /// Of one call for a question.
    pub questions: CallLimits,
    /// Calls of the plugin at once; as many for decisions and events again. More wait for their turn.
    pub calls_at_once: u32,
    /// Tables an instance may have.
    pub tables: u32,
    /// Elements of all its tables together.
    pub table_elements: u32,
    /// Core modules that its component may be made of.
    pub instances: u32,
    /// Handles, streams and calls under way of an instance, each kind by itself.
    pub resources: u32,
    /// Random bytes in one call of the host, in KiB.
    pub random_kib: u32,
    /// Calls to other systems at once, those that wait for their connection included.
    pub requests_in_flight: u32,
    /// Calls to other systems within a minute.
    pub requests_a_minute: u32,
    /// What one call to another system may send, head and body, in KiB.
    pub request_kib: u32,
    /// The largest body of an answer, in MiB.
    pub answer_mib: u32,
    /// Mails within an hour, each recipient counted. Alerts of the host are not among them.
    pub mails_an_hour: u32,
    /// To whom the plugin may mail: domains, without regard to case, or `*` for all. `None`: the domain of the address that
    /// alerts of this tenant go to.
    pub mail_domains: Option<Vec<String>>,
    /// Keys and values together, in MiB.
    pub storage_mib: u32,
    /// Keys.
    pub keys: u32,
    /// The largest value, in KiB; the contract allows 1,024 at most.
    pub value_kib: u32,
}

/// The limits of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// Memory of the instance, in MiB.
    pub memory_mib: u32,
    /// How long it may keep a processor busy, in seconds.
    pub cpu_seconds: u32,
    /// How long it may take, in seconds, waiting included. `None`: as long as such a call takes at most by default.
    pub wall_seconds: Option<u32>,
    /// What it may hand to the host in one call of it, in MiB.
    pub hostcall_mib: u32,
    /// Calls to other systems in all.
    pub requests: u32,
    /// Notes in the journal of the run.
    pub notes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let call = |cpu_seconds, requests| CallLimits {
            memory_mib: 256,
            cpu_seconds,
            wall_seconds: None,
            hostcall_mib: 32,
            requests,
            notes: 4_000,
        };
        Self {
            jobs: call(600, 100_000),
            listener: call(60, 10_000),
            questions: call(10, 1_000),
            calls_at_once: 48,
            tables: 4,
            table_elements: 20_000,
            instances: 16,
            resources: 2_000,
            random_kib: 64,
            requests_in_flight: 256,
            requests_a_minute: 6_000,
            request_kib: 1_024,
            answer_mib: 32,
            mails_an_hour: 60,
            mail_domains: None,
            storage_mib: 1_024,
            keys: 1_000_000,
            value_kib: 1_024,
        }
    }
}

impl Limits {
    /// Those of one call.
    pub fn of(&self, entry: Entry) -> &CallLimits {
        match entry {
            Entry::Jobs => &self.jobs,
            Entry::Listener => &self.listener,
            Entry::Questions => &self.questions,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, entry: Entry) -> &mut CallLimits {
        match entry {
            Entry::Jobs => &mut self.jobs,
            Entry::Listener => &mut self.listener,
            Entry::Questions => &mut self.questions,
        }
    }

    /// Whether somebody may be mailed to; `own` is the address that alerts go to.
    pub(crate) fn may_mail(&self, domain: &str, own: Option<&str>) -> bool {
        let same = |allowed: &str| allowed.eq_ignore_ascii_case(domain);
        match &self.mail_domains {
            Some(domains) => domains.iter().any(|allowed| allowed == "*" || same(allowed)),
            None => own.is_some_and(same),
        }
    }
}

/// How to raise a limit of a tenant as a whole: the end of a sentence.
pub(crate) fn raise(tenant: &str, key: &str) -> String {
    format!("raise {key} under [tenants.{tenant}.limits]")
}

/// The same of a limit of one entry point. Its own table is named, which goes before whatever stands elsewhere.
pub(crate) fn raise_of(tenant: &str, entry: Entry, key: &str) -> String {
    format!("raise {key} under [tenants.{tenant}.limits.{}]", entry.name())
}

/// A limit that a call ran into, in words for whoever may raise it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct Exceeded {
    /// What the plugin did, and what the limit is.
    pub what: String,
    /// The key to raise, and where.
    pub remedy: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_goes_to_the_domain_of_the_alerts_unless_others_are_named() {
        let of = |domains: Option<&[&str]>| Limits {
            mail_domains: domains.map(|domains| domains.iter().map(|domain| (*domain).to_owned()).collect()),
            ..Limits::default()
        };
        for (domains, own, domain, may) in [
            (None, None, "acme.example", false),
            (None, Some("acme.example"), "ACME.example", true),
            (None, Some("acme.example"), "mail.acme.example", false),
            (Some(&["other.example"][..]), Some("acme.example"), "acme.example", false),
            (Some(&["Other.example"]), None, "other.example", true),
            (Some(&[]), Some("acme.example"), "acme.example", false),
            (Some(&["*"]), None, "anywhere.example", true),
        ] {
            assert_eq!(of(domains).may_mail(domain, own), may, "{domains:?} {own:?} {domain}");
        }
    }
}
