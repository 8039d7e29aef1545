//! The links to Workspace ONE Access: the host, the token, and each configured group with the number of its members.

use shift_access_core::catalogue;
use shift_access_core::identity::DirectoryUser;
use shift_access_core::settings::Settings;

use super::lines::Lines;
use crate::gather;
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, FoundUser, Group, MembersSummary};

const REACHED: &str = "Workspace ONE Access reached";
const TOKEN: &str = "Workspace ONE Access token";

/// Why a group is not tried once the directory fails as a whole.
const NOT_TRIED: &str = "a link to Workspace ONE Access before it failed";

/// Members kept to try Kronos with: as many as it advises for one request (facts/ukg-pro-wfm.md §4).
const SAMPLE: usize = 25;

/// Some members of the workers' groups.
#[derive(Debug, Default)]
pub struct Sample {
    /// The members to try.
    pub users: Vec<DirectoryUser>,
    /// How many members there are.
    pub of: u64,
}

impl Sample {
    fn add(&mut self, workers: impl Iterator<Item = FoundUser>) {
        for FoundUser { user, .. } in workers {
            self.of += 1;
            if self.users.len() < SAMPLE {
                self.users.push(DirectoryUser { id: user.id, user_name: user.user_name, domain: user.domain });
            }
        }
    }
}

/// How far the test of the directory came.
enum State {
    /// Nothing was asked yet.
    Untried,
    /// It answers, so there is nothing more to say of host and token.
    Answers,
    /// It fails as a whole.
    Fails,
}

/// A configured group as far as it was tried.
struct Tried<'a> {
    title: String,
    name: &'a str,
    /// Whether its members are workers.
    of_workers: bool,
    /// The group; none where it was not tried.
    found: Option<Result<Group, Trouble>>,
}

/// Tries the directory with the configured groups, and answers some of the workers.
pub async fn attempt(directory: &Directory, settings: &Settings, lines: &mut Lines) -> Sample {
    let tried = find(directory, settings, lines).await;
    let (groups, of_workers): (Vec<Group>, Vec<bool>) =
        tried.iter().filter_map(|tried| Some((tried.found.as_ref()?.clone().ok()?, tried.of_workers))).unzip();
    let mut sample = Sample::default();
    let sink = async |users: Vec<FoundUser>| -> Result<(), Trouble> {
        sample.add(users.into_iter().filter(|found| found.of.iter().any(|at| of_workers.get(*at) == Some(&true))));
        Ok(())
    };
    let (outcomes, mut failed) = match directory.members(&groups, sink).await.map_err(gather::trouble) {
        Ok(outcomes) => (outcomes, None),
        Err(trouble) => (Vec::new(), Some(trouble)),
    };
    let mut outcomes = outcomes.into_iter();
    for Tried { title, name, found, .. } in tried {
        match found {
            None => lines.skipped(&title, NOT_TRIED),
            Some(Err(trouble)) => lines.failed(&title, &trouble),
            Some(Ok(_)) => match (outcomes.next(), failed.take()) {
                (Some(outcome), _) => line(&title, name, outcome, lines),
                (None, Some(trouble)) => lines.failed(&title, &trouble),
                (None, None) => lines.skipped(&title, NOT_TRIED),
            },
        }
    }
    sample
}

/// Finds the groups, and tells of host and token what the first one shows.
async fn find<'a>(directory: &Directory, settings: &'a Settings, lines: &mut Lines) -> Vec<Tried<'a>> {
    let mut all = Vec::new();
    let mut state = State::Untried;
    let groups = settings.user_groups.iter().map(|name| (name, "Group", true));
    let exempt = settings.exempt_groups.iter().map(|name| (name, "Exempt group", false));
    for (name, what, of_workers) in groups.chain(exempt) {
        let mut found = None;
        if !matches!(state, State::Fails) {
            let group = directory.find_group(name).await;
            if matches!(state, State::Untried) {
                state = whole(group.as_ref().err(), lines);
            }
            found = Some(group).filter(|_| matches!(state, State::Answers));
        }
        all.push(Tried { title: format!("{what} \"{name}\""), name, of_workers, found });
    }
    all
}

/// What the first call tells of host and token.
fn whole(trouble: Option<&Trouble>, lines: &mut Lines) -> State {
    match trouble {
        Some(trouble) if trouble.number == catalogue::ACCESS_UNREACHABLE => {
            lines.failed(REACHED, trouble);
            lines.skipped(TOKEN, "the host was not reached");
            State::Fails
        }
        Some(trouble) if !gather::is_of_the_group(trouble.number) => {
            lines.passed(REACHED, "the host answers");
            lines.failed(TOKEN, trouble);
            State::Fails
        }
        _ => {
            lines.passed(REACHED, "the host answers");
            lines.passed(TOKEN, "the client is known and may read groups");
            State::Answers
        }
    }
}

/// The line of a group that was found.
fn line(title: &str, name: &str, outcome: Result<MembersSummary, Trouble>, lines: &mut Lines) {
    let summary = match outcome {
        Ok(summary) => summary,
        Err(trouble) => return lines.failed(title, &trouble),
    };
    let mut detail = format!("{} enabled members", summary.enabled);
    for (number, what) in [(summary.left_out_disabled, "disabled"), (summary.left_out_deleted, "deleted")] {
        if number > 0 {
            detail.push_str(&format!(", {number} {what}"));
        }
    }
    match summary.doubt() {
        Some(doubt) => lines.warned(title, name, doubt.number, format!("{detail}; {}", doubt.message)),
        None if summary.enabled == 0 => lines.warned(title, name, catalogue::GROUP_EMPTY, detail),
        None => lines.passed(title, detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;
    use crate::workspace_one::MemberUser;

    #[test]
    fn the_sample_keeps_users_of_one_name_apart_and_counts_beyond_its_end() {
        let found = |n: usize| FoundUser {
            user: MemberUser { id: n.to_string(), user_name: "adiaz".into(), domain: Some(format!("d{n}")) },
            of: vec![0],
        };
        let mut sample = Sample::default();
        sample.add((0..SAMPLE + 3).map(found));
        assert_eq!((sample.users.len(), sample.of), (SAMPLE, 28));
        assert_eq!((sample.users[1].id.as_str(), sample.users[1].domain.as_deref()), ("1", Some("d1")));
    }

    #[test]
    fn a_group_with_unreadable_members_is_warned_of_and_disabled_ones_are_fine() {
        let fine = MembersSummary { enabled: 2, left_out_disabled: 1, ..MembersSummary::default() };
        let none = MembersSummary { enabled: 0, ..fine.clone() };
        let unreadable = MembersSummary { unreadable: 1, ..fine.clone() };
        for (summary, outcome, warned) in
            [(fine, Outcome::Passed, None), (none, Outcome::Warned, Some(24)), (unreadable, Outcome::Warned, Some(25))]
        {
            let mut lines = Lines::default();
            line("Group", "Store 12", Ok(summary), &mut lines);
            let (_, report) = lines.into_report();
            assert_eq!(report.steps.first().map(|step| step.outcome), Some(outcome));
            assert_eq!(report.warnings.into_vec().first().map(|warning| warning.number), warned);
        }
    }
}
