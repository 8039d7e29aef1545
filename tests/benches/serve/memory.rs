//! How much memory the program takes along the way.

use anyhow::Result;
use serde::Serialize;
use shift_access_tests::process::resident;

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
