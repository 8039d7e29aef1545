//! The lines of a test as they come, and the first failure among them.

use crate::notes;
use crate::report::{Outcome, Report, Step, Warnings};
use crate::trouble::Trouble;

/// The lines of a test.
#[derive(Debug, Default)]
pub struct Lines {
    steps: Vec<Step>,
    /// What to warn of beside the lines: number, subject, message.
    warnings: Vec<(String, Trouble)>,
    first_failure: Option<Trouble>,
    /// Whether each is noted as soon as it is there.
    noted: bool,
}

impl Lines {
    /// No line yet; each is noted in the journal as it comes, so that whoever watches sees it before the test is over.
    pub fn noted() -> Self {
        Self { noted: true, ..Self::default() }
    }

    /// It went well.
    pub fn passed(&mut self, title: &str, detail: impl Into<String>) {
        self.add(title, Outcome::Passed, detail.into());
    }

    /// It went well enough, with something to look at, which is a warning too: a run that warns must show it.
    pub fn warned(&mut self, title: &str, subject: &str, number: u8, detail: impl Into<String>) {
        let detail = detail.into();
        self.warn(subject, number, detail.clone());
        self.add(title, Outcome::Warned, detail);
    }

    /// The same for what was warned of already, one by one.
    pub fn warned_of(&mut self, title: &str, detail: impl Into<String>) {
        self.add(title, Outcome::Warned, detail.into());
    }

    /// It was not tried.
    pub fn skipped(&mut self, title: &str, why: impl Into<String>) {
        self.add(title, Outcome::Skipped, why.into());
    }

    /// It failed.
    pub fn failed(&mut self, title: &str, trouble: &Trouble) {
        self.first_failure.get_or_insert_with(|| trouble.clone());
        self.add(title, Outcome::Failed, trouble.message.clone());
    }

    /// It went well with this to say, or it failed.
    pub fn tried(&mut self, title: &str, outcome: Result<String, Trouble>) {
        match outcome {
            Ok(detail) => self.passed(title, detail),
            Err(trouble) => self.failed(title, &trouble),
        }
    }

    /// Something to warn of, about a user, group or zone.
    pub fn warn(&mut self, subject: &str, number: u8, message: impl Into<String>) {
        self.warnings.push((subject.to_owned(), Trouble::new(number, message)));
    }

    /// Puts other lines behind these.
    pub fn append(&mut self, other: Lines) {
        self.steps.extend(other.steps);
        self.warnings.extend(other.warnings);
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    /// The first failure, if any, and the report.
    pub fn into_report(self) -> (Option<Trouble>, Report) {
        let mut warnings = Warnings::default();
        for (subject, trouble) in self.warnings {
            warnings.about(&subject, trouble);
        }
        (self.first_failure, Report { counts: Vec::new(), warnings, steps: self.steps })
    }

    fn add(&mut self, title: &str, outcome: Outcome, detail: String) {
        let step = Step { title: title.to_owned(), outcome, detail };
        if self.noted {
            notes::line(&step);
        }
        self.steps.push(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failing_line_names_the_failure_and_the_others_stay() {
        let mut access = Lines::default();
        access.failed("Access", &Trouble::new(21, "client"));
        let mut lines = Lines::default();
        lines.passed("Kronos", "fine");
        lines.failed("Token", &Trouble::new(11, "password"));
        lines.skipped("Rights", "no token");
        lines.append(access);
        let (failure, report) = lines.into_report();
        assert_eq!(failure, Some(Trouble::new(11, "password")));
        let outcomes: Vec<_> = report.steps.iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::Skipped, Outcome::Failed]);
    }

    #[test]
    fn a_line_that_warns_is_a_warning_of_the_report() {
        let mut lines = Lines::default();
        lines.warned("Group \"Store 12\"", "Store 12", 25, "1 of 3 members could not be read");
        let (failure, report) = lines.into_report();
        assert_eq!((failure, report.steps.first().map(|step| step.outcome)), (None, Some(Outcome::Warned)));
        let warnings = report.warnings.into_vec();
        let told: Vec<_> = warnings.iter().map(|warning| (warning.number, warning.subject.as_deref())).collect();
        assert_eq!(told, [(25, Some("Store 12"))]);
    }
}
