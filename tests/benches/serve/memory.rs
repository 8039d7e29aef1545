//! How much memory and processor time the program takes, as the system counts it.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

/// The program's resident memory along the way, in KiB.
#[derive(Serialize)]
pub(crate) struct Memory {
    #[serde(skip)]
    process: u32,
    before_kib: u64,
    /// After the first tenth of the events, when everything that is kept warm is there.
    after_a_tenth_kib: u64,
    after_all_kib: u64,
}

impl Memory {
    pub(crate) fn begin(process: u32) -> Result<Self> {
        let before_kib = resident(process)?;
        Ok(Self { process, before_kib, after_a_tenth_kib: before_kib, after_all_kib: before_kib })
    }

    /// Looks when a tenth of `all` is done.
    pub(crate) fn look_at(&mut self, done: usize, all: usize) {
        if done == all / 10
            && let Ok(now) = resident(self.process)
        {
            self.after_a_tenth_kib = now;
        }
    }

    pub(crate) fn end(&mut self) -> Result<()> {
        self.after_all_kib = resident(self.process)?;
        Ok(())
    }

    pub(crate) fn growth(&self) -> f64 {
        self.after_all_kib as f64 / self.after_a_tenth_kib as f64
    }
}

fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the system does not tell of memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time that a process has used so far, in seconds.
pub(crate) fn processor_seconds(process: u32) -> Result<f64> {
    let line = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program comes first, in brackets, and may hold anything.
    let (_, fields) = line.rsplit_once(") ").context("the system does not tell of the processor")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    // Linux counts hundredths of a second for programs, whatever it counts in itself.
    Ok(ticks / 100.0)
}
