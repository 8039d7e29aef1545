//! What a run says of itself while it works.

use shift_access_core::catalogue;
use shift_access_core::plan::Counts;

use crate::bindings::shift_access::plugin::journal::{self, Level, Note};
use crate::report::{Outcome, Step};
use crate::trouble::Trouble;
use crate::workspace_one::MembersSummary;

/// How far the run is.
pub fn progress(done: u64, total: Option<u64>, label: &str) {
    journal::progress(done, total, label);
}

/// What was counted so far, for a run that ends before it can report.
pub fn counts(counts: Counts) {
    let named: Vec<_> = counts.named().into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    journal::counts(&named);
}

/// Good to know.
pub fn info(message: &str) {
    add(Level::Info, message, None);
}

/// Needs somebody's attention.
pub fn warning(message: &str) {
    add(Level::Warning, message, None);
}

/// A line of a test, as soon as it is there.
pub fn line(step: &Step) {
    let (level, not_tried) = match step.outcome {
        Outcome::Passed => (Level::Info, ""),
        Outcome::Warned => (Level::Warning, ""),
        Outcome::Skipped => (Level::Warning, "not tried: "),
        Outcome::Failed => (Level::Error, ""),
    };
    add(level, &format!("{}: {not_tried}{}", step.title, step.detail), None);
}

/// What went wrong while events were dealt with, with its code.
pub fn trouble(trouble: &Trouble) {
    let code = Some(catalogue::code(catalogue::LISTENER, trouble.number));
    journal::add(&Note { level: Level::Warning, code, message: trouble.message.clone(), subject: None });
}

/// Who of a group was left out, as is right.
pub fn left_out(group: &str, summary: &MembersSummary) {
    if summary.left_out_disabled > 0 || summary.left_out_deleted > 0 {
        let message = format!("{} disabled and {} deleted users were left out", summary.left_out_disabled, summary.left_out_deleted);
        add(Level::Info, &message, Some(group));
    }
}

/// A record that cannot be read any more.
pub fn damaged(what: &str) {
    add(Level::Warning, &format!("{what}. It counts as absent until a batch has read the worker anew"), None);
}

fn add(level: Level, message: &str, subject: Option<&str>) {
    journal::add(&Note { level, code: None, message: message.to_owned(), subject: subject.map(str::to_owned) });
}
