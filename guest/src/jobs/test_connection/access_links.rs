//! The links to Workspace ONE Access: the host, the token, and each configured group with the number of its members.

use shift_access_core::catalogue;
use shift_access_core::settings::Settings;

use super::lines::Lines;
use crate::gather;
use crate::report::Outcome;
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, MemberUser};

const REACHED: &str = "Workspace ONE Access reached";
const TOKEN: &str = "Workspace ONE Access token";

/// Why a group is not tried once the directory fails as a whole.
const NOT_TRIED: &str = "a link to Workspace ONE Access before it failed";

/// Members kept to try Kronos with: as many as it advises for one request (facts/ukg-pro-wfm.md §4).
const SAMPLE: usize = 25;

/// How far the test of the directory came.
enum State {
    /// Nothing was asked yet.
    Untried,
    /// It answers, so there is nothing more to say of host and token.
    Answers,
    /// It fails as a whole.
    Fails,
}

/// Tries the directory with the configured groups, and answers some members' user names.
pub async fn attempt(directory: &Directory, settings: &Settings, lines: &mut Lines) -> Vec<String> {
    let mut sample = Vec::new();
    let mut state = State::Untried;
    let groups = settings.user_groups.iter().map(|name| (name, "Group", true));
    let exempt = settings.exempt_groups.iter().map(|name| (name, "Exempt group", false));
    for (name, what, of_workers) in groups.chain(exempt) {
        let title = format!("{what} \"{name}\"");
        if matches!(state, State::Fails) {
            lines.skipped(&title, NOT_TRIED);
            continue;
        }
        let counted = group(directory, name, of_workers.then_some(&mut sample)).await;
        if matches!(state, State::Untried) {
            state = whole(counted.as_ref().err(), lines);
            if matches!(state, State::Fails) {
                lines.skipped(&title, NOT_TRIED);
                continue;
            }
        }
        match counted {
            Ok((Outcome::Passed, detail)) => lines.passed(&title, detail),
            Ok((_, detail)) => lines.warned(&title, detail),
            Err(trouble) => lines.failed(&title, &trouble),
        }
    }
    sample
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

async fn group(directory: &Directory, name: &str, mut sample: Option<&mut Vec<String>>) -> Result<(Outcome, String), Trouble> {
    let group = directory.find_group(name).await?;
    let sink = async |users: Vec<MemberUser>| -> Result<(), Trouble> {
        if let Some(sample) = sample.as_deref_mut() {
            let room = SAMPLE.saturating_sub(sample.len());
            sample.extend(users.into_iter().take(room).map(|user| user.user_name));
        }
        Ok(())
    };
    let summary = directory.members(&group, sink).await.map_err(gather::trouble)?;
    let mut detail = format!("{} enabled members", summary.enabled);
    for (number, what) in
        [(summary.left_out_disabled, "disabled"), (summary.left_out_deleted, "deleted"), (summary.unreadable, "could not be read")]
    {
        if number > 0 {
            detail.push_str(&format!(", {number} {what}"));
        }
    }
    let fine = summary.enabled > 0 && summary.unreadable == 0;
    Ok((if fine { Outcome::Passed } else { Outcome::Warned }, detail))
}
