//! Tries every link in turn, each its own line: what the batch needs of UKG, of Workspace ONE Access, of storage and of
//! the mail server. The first link that fails names the remedy; the others are tried all the same where that makes sense,
//! so that one test shows everything that is wrong.

mod access_links;
mod kronos_links;
mod lines;
mod platform_links;
mod sample;
mod zone_doubts;

use super::Failed;
use crate::kronos::Kronos;
use crate::report::Report;
use crate::workspace_one::Directory;
use crate::{clock, convert, notes, reach};
use lines::Lines;

/// Runs the test.
pub async fn run() -> Result<Report, Failed> {
    let settings = convert::settings().map_err(|trouble| Failed { trouble, report: Report::default() })?;
    let kronos = Kronos::new();
    let mut lines = Lines::noted();

    // The sample comes out of the groups, so they are read before it; their lines stand behind it all the same.
    let mut of_access = Lines::noted();
    let sample = access_links::attempt(&Directory::new(), &settings, &mut of_access).await;
    notes::progress(1, Some(3), "systems tried");
    kronos_links::attempt(&kronos, &settings, &sample, &mut lines).await;
    notes::progress(2, Some(3), "systems tried");
    lines.append(of_access);
    platform_links::attempt(&settings, &mut lines).await;
    notes::progress(3, Some(3), "systems tried");

    match lines.into_report() {
        (None, report) => Ok(report),
        (Some(trouble), report) => {
            reach::note_failure(&trouble, clock::now()).await;
            Err(Failed { trouble, report })
        }
    }
}
