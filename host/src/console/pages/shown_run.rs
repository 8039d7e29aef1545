//! One run, as every page shows it: how it stands, how far it is, what it notes while it is under way, each step of a test, what went
//! wrong and what to do about it, and the way to stop it.

use chrono::TimeDelta;
use maud::{Markup, html};

use super::super::frame::said;
use super::super::moment::moment;
use super::super::people::Role;
use super::super::visitor::Visitor;
use super::super::{Console, link};
use crate::history::{Failure, Level, Note, Run, Status, Step, StepOutcome};

/// Notes shown of a run under way: the newest; all of them are in the history once it has ended.
const NOTES: usize = 60;

/// Where a run is shown.
pub(super) fn path(run: &Run) -> String {
    link::tenant(&run.tenant, &format!("history/{}", run.run))
}

/// How a run stands, as a word with a colour beside it.
pub(super) fn status(status: Status) -> Markup {
    let class = match status {
        Status::Complete => "good",
        Status::CompleteWarn => "warn",
        Status::Error | Status::Aborted => "bad",
        Status::InProcess | Status::Discarded => "",
    };
    html! { span class={ "tag " (class) } { (status) } }
}

/// How long a run took; none where it has no end, or nobody saw it.
pub(super) fn duration(run: &Run) -> Option<TimeDelta> {
    run.duration_ms.and_then(|duration| i64::try_from(duration).ok()).map(TimeDelta::milliseconds)
}

/// A length of time as a person reads it: `226 ms`, `12.5 s`, `4 min 3 s`, `1 h 5 min`.
pub(super) fn took(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{seconds}.{} s", milliseconds % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How far a run is and what it has noted, where this very host works on it. Two looks differ only where the run has got on.
pub(super) fn progress(console: &Console, run: &Run) -> Markup {
    let journal = console.site.host().runner().underway.journal(&run.tenant, &run.run);
    let progress = journal.as_ref().map(|journal| journal.progress());
    let known = progress.as_ref().filter(|progress| progress.done > 0 || progress.total.is_some());
    html! {
        p {
            (status(run.status)) " since " (moment(run.started))
            @if let Some(known) = known { ": " (known.done) @if let Some(total) = known.total { " of " (total) } " " (said(&known.label)) }
        }
        @match known.and_then(|known| Some((known.done, known.total.filter(|total| *total > 0)?))) {
            Some((done, total)) => progress aria-label="How far the run is" max=(total) value=(done.min(total)) {},
            None => progress aria-label="How far the run is" {},
        }
        @if let Some(journal) = journal { (notes(&journal.last_notes(NOTES))) }
    }
}

/// Each link of a test as it was tried, and whatever else a job says of itself, in the order it came.
fn notes(notes: &[Note]) -> Markup {
    html! {
        @if !notes.is_empty() {
            ul .steps {
                @for note in notes {
                    li {
                        (tag(level(note.level))) " " (said(&note.message))
                        @if let Some(subject) = &note.subject { " (" (said(subject)) ")" }
                    }
                }
            }
        }
    }
}

/// The first of the steps of a test.
pub(super) fn steps(steps: &[Step], most: usize) -> Markup {
    html! {
        @if !steps.is_empty() {
            ul .steps {
                @for step in steps.iter().take(most) {
                    li { (tag(outcome(step.outcome))) " " strong { (said(&step.title)) } @if !step.detail.is_empty() { ": " (said(&step.detail)) } }
                }
            }
        }
    }
}

/// What went wrong, and what to do.
pub(super) fn failure(failure: &Failure) -> Markup {
    html! {
        div .card .trouble {
            p { strong { (said(&failure.code)) " " (said(&failure.title)) } ": " (said(&failure.message)) }
            p { strong { "What to do" } ": " (said(&failure.remedy)) }
        }
    }
}

/// The way to stop a run, for who may.
pub(super) fn stop_form(visitor: &Visitor, run: &Run) -> Markup {
    html! {
        @if visitor.is(Role::Operator) {
            form method="post" action={ (path(run)) "/stop" } data-busy="Stopping" data-ask="Stop this run?" {
                (visitor.form_token())
                button .risky type="submit" { "Stop this run" }
            }
        }
    }
}

/// A sign, a word and a colour: the colour never stands alone.
fn tag((sign, word, class): (&str, &str, &str)) -> Markup {
    html! { span class={ "tag " (class) } { (sign) " " (word) } }
}

fn level(level: Level) -> (&'static str, &'static str, &'static str) {
    match level {
        Level::Info => ("✓", "fine", "good"),
        Level::Warning => ("!", "look at it", "warn"),
        Level::Error => ("✗", "failed", "bad"),
    }
}

fn outcome(outcome: StepOutcome) -> (&'static str, &'static str, &'static str) {
    match outcome {
        StepOutcome::Passed => ("✓", "passed", "good"),
        StepOutcome::Warned => ("!", "look at it", "warn"),
        StepOutcome::Failed => ("✗", "failed", "bad"),
        StepOutcome::Skipped => ("–", "not tried", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>";

    #[test]
    fn a_note_is_told_by_a_word_and_hostile_text_stays_text() {
        let at = "2026-03-01T05:45:00Z".parse().unwrap();
        let note =
            |level, subject: Option<&str>| Note { at, level, code: None, message: HOSTILE.to_owned(), subject: subject.map(str::to_owned) };
        let shown = notes(&[note(Level::Info, None), note(Level::Warning, Some("<b>")), note(Level::Error, None)]).0;
        assert!(!shown.contains("<script") && !shown.contains("<b>") && shown.contains("&lt;script&gt;"), "{shown}");
        let words = ["✓ fine", "! look at it", "✗ failed"].map(|word| shown.find(word).unwrap());
        assert!(words.is_sorted(), "{shown}");
        assert!(notes(&[]).0.is_empty());
    }

    #[test]
    fn the_first_steps_are_told_by_a_word_each() {
        use StepOutcome::{Failed, Passed, Skipped, Warned};
        let step = |outcome| Step { title: HOSTILE.to_owned(), outcome, detail: HOSTILE.to_owned() };
        let shown = steps(&[Passed, Warned, Failed, Skipped, Passed].map(step), 4).0;
        let words = ["✓ passed", "! look at it", "✗ failed", "– not tried"].map(|word| shown.find(word).unwrap());
        assert!(words.is_sorted() && shown.matches("<li>").count() == 4 && !shown.contains("<script"), "{shown}");
        assert!(steps(&[], 4).0.is_empty());
    }

    #[test]
    fn a_duration_is_told_in_the_units_that_say_something() {
        let told = [0, 226, 12_560, 59_999, 60_000, 243_000, 3_900_000].map(took);
        assert_eq!(told, ["0 ms", "226 ms", "12.5 s", "59.9 s", "1 min 0 s", "4 min 3 s", "1 h 5 min"]);
    }
}
