//! What a run tells at its end, in the plugin's own words: counts, warnings, and the lines of a test.

use crate::trouble::Trouble;

/// Warnings kept of one run. A tenant whose names match nowhere has one per worker, and neither the plugin's memory nor
/// a mail may grow with that; how many there were beyond is said in the last warning.
pub const WARNINGS_KEPT: usize = 1_000;

/// Something that went wrong without stopping the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its number in the catalogue.
    pub number: u8,
    /// One sentence for a person.
    pub message: String,
    /// The user, group or zone it is about.
    pub subject: Option<String>,
}

/// The warnings of a run, as many as are kept.
#[derive(Debug, Default)]
pub struct Warnings {
    kept: Vec<Warning>,
    beyond: u64,
    last_number: u8,
}

impl Warnings {
    /// Adds one.
    pub fn add(&mut self, warning: Warning) {
        if self.kept.len() < WARNINGS_KEPT {
            self.kept.push(warning);
        } else {
            self.beyond += 1;
            self.last_number = warning.number;
        }
    }

    /// Adds what went wrong with one user, group or zone.
    pub fn about(&mut self, subject: &str, trouble: Trouble) {
        self.add(Warning { number: trouble.number, message: trouble.message, subject: Some(subject.to_owned()) });
    }

    /// All that were kept, and a last one that says how many were not.
    pub fn into_vec(self) -> Vec<Warning> {
        let mut all = self.kept;
        if self.beyond > 0 {
            let message = format!("{} more warnings were left out of this report", self.beyond);
            all.push(Warning { number: self.last_number, message, subject: None });
        }
        all
    }
}

/// How one line of a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Well enough, with something to look at.
    Warned,
    /// Not at all.
    Failed,
    /// Not tried.
    Skipped,
}

/// One line of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was tried.
    pub title: String,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub detail: String,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// The counts, in the order to show; empty where no worker was read.
    pub counts: Vec<(&'static str, u64)>,
    /// The warnings.
    pub warnings: Warnings,
    /// The lines of a test.
    pub steps: Vec<Step>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_beyond_the_limit_are_counted_and_not_kept() {
        let mut warnings = Warnings::default();
        for _ in 0..WARNINGS_KEPT + 3 {
            warnings.add(Warning { number: 70, message: "x".into(), subject: None });
        }
        let all = warnings.into_vec();
        assert_eq!(all.len(), WARNINGS_KEPT + 1);
        let last = all.last().unwrap();
        assert_eq!((last.number, last.message.as_str()), (70, "3 more warnings were left out of this report"));
    }

    #[test]
    fn a_few_warnings_are_all_there() {
        let mut warnings = Warnings::default();
        warnings.about("Store 12", Trouble::new(24, "no members"));
        assert_eq!(warnings.into_vec(), [Warning { number: 24, message: "no members".into(), subject: Some("Store 12".into()) }]);
    }
}
