//! The two jobs a platform starts.

mod batch;
mod test_connection;

use std::collections::BTreeMap;

use shift_access_core::catalogue;
use shift_access_core::settings::Value;

use crate::pack;
use crate::report::Report;
use crate::trouble::Trouble;

/// A run that failed: why, and what was done until then.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub trouble: Trouble,
    /// What was done.
    pub report: Report,
}

/// Runs a job to its end.
pub async fn run(name: &str, run: &str, options: BTreeMap<String, Value>) -> Result<Report, Failed> {
    match name {
        pack::TEST_CONNECTION => {
            refuse_options(&options, &[]).map_err(unknown)?;
            test_connection::run().await
        }
        pack::BATCH => {
            refuse_options(&options, &[pack::RELEASE_BRAKE]).map_err(unknown)?;
            batch::run(run, matches!(options.get(pack::RELEASE_BRAKE), Some(Value::Switch(true)))).await
        }
        _ => Err(unknown(format!("there is no job \"{name}\""))),
    }
}

fn refuse_options(options: &BTreeMap<String, Value>, known: &[&str]) -> Result<(), String> {
    match options.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("this job has no option \"{name}\"")),
        None => Ok(()),
    }
}

fn unknown(message: String) -> Failed {
    Failed { trouble: Trouble::new(catalogue::UNKNOWN_JOB, message), report: Report::default() }
}
