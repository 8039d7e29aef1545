//! What a run says of itself while it works.

use crate::bindings::shift_access::plugin::journal::{self, Level, Note};
use crate::workspace_one::MembersSummary;

/// How far the run is.
pub fn progress(done: u64, total: Option<u64>, label: &str) {
    journal::progress(done, total, label);
}

/// Good to know.
pub fn info(message: &str) {
    add(Level::Info, message, None);
}

/// Who of a group was left out.
pub fn left_out(group: &str, summary: &MembersSummary) {
    if summary.left_out_disabled > 0 || summary.left_out_deleted > 0 {
        let message = format!("{} disabled and {} deleted users were left out", summary.left_out_disabled, summary.left_out_deleted);
        add(Level::Info, &message, Some(group));
    }
    if summary.unreadable > 0 {
        let message = format!("{} members could not be read, so no record is removed by this run", summary.unreadable);
        add(Level::Warning, &message, Some(group));
    }
}

fn add(level: Level, message: &str, subject: Option<&str>) {
    journal::add(&Note { level, code: None, message: message.to_owned(), subject: subject.map(str::to_owned) });
}
