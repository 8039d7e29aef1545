//! What a run notes while it is under way: each link of a test as it was tried, and whatever else a job says of itself.

use maud::{Markup, html};

use super::super::frame::said;
use crate::history::{Level, Note};

/// Notes shown of a run under way: the newest; all of them are in the history once it has ended.
pub(super) const MOST: usize = 60;

/// The notes as a list, in the order they came.
pub(super) fn list(notes: &[Note]) -> Markup {
    html! {
        @if !notes.is_empty() {
            ul .steps {
                @for note in notes {
                    @let (mark, word, class) = level(note.level);
                    li {
                        span class={ "tag " (class) } { (mark) " " (word) } " " (said(&note.message))
                        @if let Some(subject) = &note.subject { " (" (said(subject)) ")" }
                    }
                }
            }
        }
    }
}

fn level(level: Level) -> (&'static str, &'static str, &'static str) {
    match level {
        Level::Info => ("✓", "fine", "good"),
        Level::Warning => ("!", "look at it", "warn"),
        Level::Error => ("✗", "failed", "bad"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_told_by_a_word_and_hostile_text_stays_text() {
        let at = "2026-03-01T05:45:00Z".parse().unwrap();
        let note = |level, subject: Option<&str>| Note {
            at,
            level,
            code: None,
            message: "<script>alert(1)</script>".to_owned(),
            subject: subject.map(str::to_owned),
        };
        let shown = list(&[note(Level::Info, None), note(Level::Warning, Some("<b>")), note(Level::Error, None)]).0;
        assert!(!shown.contains("<script") && !shown.contains("<b>") && shown.contains("&lt;script&gt;"), "{shown}");
        let words = ["✓ fine", "! look at it", "✗ failed"].map(|word| shown.find(word).unwrap());
        assert!(words.is_sorted(), "{shown}");
        assert!(list(&[]).0.is_empty());
    }
}
