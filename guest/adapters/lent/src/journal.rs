//! What a run says of itself, on standard error, a line of JSON each: `journal.wit`.
//!
//! An instance may have several runs under way, and the contract gives a note no run to belong to; hosts that want a history apart
//! for each give every run an instance of its own.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bindings::exports::shift_access::plugin::journal::{Level, Note};

/// Lines a minute; what is over it is counted.
const LINES: u32 = 4000;
const MINUTE: Duration = Duration::from_secs(60);

/// The minute under way.
struct Minute {
    began: Option<Instant>,
    lines: u32,
    left_out: u64,
}

thread_local! {
    static MINUTE_NOW: RefCell<Minute> = const { RefCell::new(Minute { began: None, lines: 0, left_out: 0 }) };
}

impl Minute {
    /// Whether one more line is written, and how many were left out before it where that is to be told.
    fn turn(&mut self, now: Instant) -> (bool, Option<u64>) {
        let over = self.began.is_none_or(|began| now.saturating_duration_since(began) >= MINUTE);
        let told = if over { Some(self.left_out).filter(|left_out| *left_out > 0) } else { None };
        if over {
            *self = Self { began: Some(now), lines: 0, left_out: 0 };
        }
        let fits = self.lines < LINES;
        if fits {
            self.lines += 1;
        } else {
            self.left_out += 1;
        }
        (fits, told)
    }
}

pub fn progress(done: u64, total: Option<u64>, label: &str) {
    write(|| json!({ "progress": { "done": done, "total": total, "label": label } }));
}

pub fn counts(counts: &[(String, u64)]) {
    write(|| json!({ "counts": counts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() }));
}

pub fn add(note: &Note) {
    let level = match note.level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    write(|| json!({ "level": level, "code": note.code, "message": note.message, "subject": note.subject }));
}

fn write(line: impl FnOnce() -> Value) {
    let (fits, told) = MINUTE_NOW.with_borrow_mut(|minute| minute.turn(Instant::now()));
    if let Some(left_out) = told {
        eprintln!("{}", json!({ "level": "warning", "message": format!("{left_out} lines were left out: more than {LINES} a minute") }));
    }
    if fits {
        eprintln!("{}", line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_the_limit_lines_are_counted_and_told_a_minute_later() {
        let mut minute = Minute { began: None, lines: 0, left_out: 0 };
        let now = Instant::now();
        for _ in 0..LINES {
            assert_eq!(minute.turn(now), (true, None));
        }
        assert_eq!(minute.turn(now), (false, None));
        assert_eq!(minute.turn(now + MINUTE), (true, Some(1)));
        assert_eq!(minute.turn(now + MINUTE), (true, None));
    }
}
