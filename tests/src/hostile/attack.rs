//! Every attack: which component, told to do what, under which limits.
//!
//! The limits are the default ones but for those of time, which would only make it take longer, and where a default is so high
//! that it could not be reached in a test.

use anyhow::{Context, Result};
use shift_access::limits::Limits;

use super::spliced::spliced;

/// One attack by one job.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// What it is.
    pub name: &'static str,
    /// The component.
    pub guest: Guest,
    /// Its job.
    pub job: &'static str,
    /// The options of the job.
    pub set: &'static [&'static str],
    /// Makes limits tighter, where that is of use.
    pub tighten: fn(&mut Limits),
}

/// Which component attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// The probe, which does whatever it is told.
    Probe,
    /// The guest that is made for this.
    Hostile,
    /// The probe, with a loop in its start that never ends.
    LoopsInStart,
    /// The probe, with a table that grows in its start until it may not.
    GrowsTables,
}

impl Guest {
    /// The component.
    ///
    /// # Errors
    /// When its text is not well formed.
    pub fn bytes(self) -> Result<Vec<u8>> {
        let start = match self {
            Self::Probe => return Ok(crate::PROBE.to_vec()),
            Self::Hostile => return Ok(crate::HOSTILE.to_vec()),
            Self::LoopsInStart => "(module (func $f (loop br 0)) (start $f))",
            Self::GrowsTables => {
                "(module (table $t 1 funcref) (start $f) (func $f
                    (loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
                    unreachable))"
            }
        };
        spliced(crate::PROBE, &wat::parse_str(start).context("the module is not well formed")?)
    }
}

const fn attack(name: &'static str, guest: Guest, job: &'static str, set: &'static [&'static str]) -> Attack {
    Attack { name, guest, job, set, tighten: |_| () }
}

impl Attack {
    const fn under(self, tighten: fn(&mut Limits)) -> Self {
        Self { tighten, ..self }
    }

    /// The attack of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<&'static Self> {
        ATTACKS.iter().find(|attack| attack.name == name).with_context(|| format!("there is no attack {name}"))
    }
}

/// All of them.
pub const ATTACKS: [Attack; 23] = [
    attack("endless loop", Guest::Probe, "loop", &[]).under(|limits| limits.jobs.cpu_seconds = 1),
    attack("endless loop in start", Guest::LoopsInStart, "journal", &[]).under(|limits| limits.jobs.cpu_seconds = 1),
    attack("memory bomb", Guest::Probe, "memory", &[]),
    attack("table bomb", Guest::GrowsTables, "journal", &[]),
    attack("deep recursion", Guest::Probe, "deep", &["count=1000000"]),
    attack("trap", Guest::Probe, "trap", &[]),
    attack("one large text for the host", Guest::Probe, "hand-over", &["kib=102400"]),
    attack("a long list for the host", Guest::Hostile, "counts", &[]),
    attack("many calls of the host at once", Guest::Probe, "calls", &["count=10000"]),
    attack("a million notes", Guest::Probe, "notes", &["count=1000000"]),
    attack("a million small writes", Guest::Hostile, "writes", &[]).under(|limits| limits.keys = 20_000),
    attack("a gigabyte value", Guest::Probe, "values", &["count=1", "kib=1000000"]),
    attack("a value of 200 MiB", Guest::Probe, "values", &["count=1", "kib=204800"]),
    attack("mail flood", Guest::Probe, "mails", &["count=1000", "to=ops@acme.example"]),
    attack("connection flood", Guest::Probe, "requests", &["count=1500", "kib=0"]),
    attack("never-ending request", Guest::Probe, "requests", &["count=2", "kib=0", "path=/never"]),
    attack("slow reading", Guest::Probe, "requests", &["count=2", "kib=0", "path=/endless"]),
    attack("forged cursor", Guest::Hostile, "cursor", &[]),
    attack("keys with separators", Guest::Hostile, "keys", &[]),
    attack("other tenants' names", Guest::Hostile, "names", &[]),
    attack("injection in HTTP", Guest::Hostile, "inject-http", &[]),
    attack("injection in mail", Guest::Hostile, "inject-mail", &[]),
    attack("panic while dropped", Guest::Hostile, "drop", &[]),
];
