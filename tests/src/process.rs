//! How much memory and processor time a process takes, as the system counts it.

use std::fs;

use anyhow::{Context, Result};

/// The resident memory of a process, in KiB.
///
/// # Errors
/// When it has ended, or the system does not tell.
pub fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the system does not tell of memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time that a process has used so far, in seconds.
///
/// # Errors
/// When it has ended, or the system does not tell.
pub fn processor_seconds(process: u32) -> Result<f64> {
    let line = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program comes first, in brackets, and may hold anything.
    let (_, fields) = line.rsplit_once(") ").context("the system does not tell of the processor")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    // Linux counts hundredths of a second for programs, whatever it counts in itself.
    Ok(ticks / 100.0)
}
