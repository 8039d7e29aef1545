//! The enabled members of all groups at once, in pages: a few by one call each, more by paging the users, and those once
//! for all groups together.

use std::collections::HashSet;

use futures::future::join_all;
use shift_access_core::catalogue;

use crate::trouble::Trouble;
use crate::workspace_one::pages::{PAGE, PASSES, Pages};
use crate::workspace_one::reach::{Reach, reach};
use crate::workspace_one::roll::{Missing, Roll};
use crate::workspace_one::scim::{Resource, Standing, USER_ATTRIBUTES, WireUser};
use crate::workspace_one::users::{NotRead, standing};
use crate::workspace_one::{FoundUser, Group, MembersError, MembersSummary};

/// So many users over all groups are asked for one by one; beyond it the users are paged.
const FEW: usize = 20;
/// Calls at once.
const CALLS_AT_ONCE: usize = 5;

/// What came of one group.
type Outcome = Result<MembersSummary, Trouble>;

/// See [`Directory::members`](crate::workspace_one::Directory::members).
pub async fn members<E, F>(groups: &[Group], sink: F) -> Result<Vec<Outcome>, MembersError<E>>
where
    F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
{
    let (mut roll, mut summaries) = (Roll::default(), Vec::new());
    for (at, group) in groups.iter().enumerate() {
        let reach = look_closer(reach(group, roll.room()).await?, group);
        summaries.push(MembersSummary { unreadable: reach.unreadable, cut_short: reach.cut_short, ..MembersSummary::default() });
        roll.add(at, reach);
    }
    let mut taker = Taker { sink, page: Vec::new(), summaries };
    if roll.needs_all_users() || roll.missing() > FEW {
        page_users(&mut roll, &mut taker).await?;
    }
    take_missing(roll.take_missing(), &mut taker).await?;
    let summaries = taker.finish().await?;
    Ok(groups.iter().zip(summaries).map(|(group, summary)| judge(group, summary)).collect())
}

/// A group that Access fills by a rule need not list its members; its users name it all the same.
fn look_closer(reach: Reach, group: &Group) -> Reach {
    let by_rule = group.kind.as_deref().is_some_and(|kind| ["DYNAMIC", "ALL_USERS"].iter().any(|rule| kind.eq_ignore_ascii_case(rule)));
    let lists_nobody = reach.users.as_ref().is_some_and(HashSet::is_empty);
    if by_rule && lists_nobody { Reach { users: None, ..reach } } else { reach }
}

/// A group of which nobody could be read is in trouble, and the last refusal says which.
fn judge(group: &Group, summary: MembersSummary) -> Outcome {
    if summary == MembersSummary::default() {
        return Err(empty(group));
    }
    match &summary.refusal {
        Some(last) if summary.readable() == 0 && !summary.cut_short => {
            let message = format!("none of the {} members of {:?} could be read: {}", summary.unreadable, group.name, last.message);
            Err(Trouble::new(last.number, message))
        }
        _ => Ok(summary),
    }
}

fn empty(group: &Group) -> Trouble {
    let message = format!(
        "the group {:?} has no members. Where its members show as \"Not Synced\", Access knows only its name: it syncs the members of a \
         directory group once the group is entitled to an app, used in a policy, or set to sync its members",
        group.name
    );
    Trouble::new(catalogue::GROUP_EMPTY, message)
}

/// Pages the users. A list that moves while it is read, or ends early, can hide some of them, so it is read again as long
/// as that matters; what is not listed by its group then stays in doubt.
async fn page_users<E, F>(roll: &mut Roll, taker: &mut Taker<F>) -> Result<(), MembersError<E>>
where
    F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
{
    let unlisted = roll.unlisted();
    let before = taker.summaries.clone();
    for _ in 0..PASSES {
        // Members of these groups come again with every pass.
        unlisted.iter().for_each(|at| taker.count_again(*at, &before));
        let whole = page_users_once(roll, taker).await?;
        if whole || (!roll.needs_all_users() && roll.missing() <= FEW) {
            return Ok(());
        }
    }
    for (at, summary) in taker.summaries.iter_mut().enumerate() {
        summary.cut_short |= unlisted.contains(&at);
    }
    Ok(())
}

/// Pages the users until everybody was seen; answers whether the list was seen whole.
async fn page_users_once<E, F>(roll: &mut Roll, taker: &mut Taker<F>) -> Result<bool, MembersError<E>>
where
    F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
{
    let mut pages = Pages::of("Users", USER_ATTRIBUTES);
    while roll.needs_all_users() || roll.missing() > 0 {
        let Some(page) = pages.next::<WireUser>().await? else { break };
        for user in page {
            let of = roll.find(user.id(), user.groups());
            if !of.is_empty() {
                taker.take(user.standing(), of).await?;
            }
        }
    }
    Ok(pages.is_whole())
}

/// Asks one by one for the members that no list of users has shown, unless they are too many for that.
async fn take_missing<E, F>(missing: Vec<Missing>, taker: &mut Taker<F>) -> Result<(), MembersError<E>>
where
    F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
{
    if missing.len() > FEW {
        let message = "Workspace ONE Access names them as members and does not show them among its users";
        let unseen = Trouble::new(catalogue::ACCESS_NOT_UNDERSTOOD, message);
        missing.iter().for_each(|(_, of)| taker.refuse(&unseen, of));
        return Ok(());
    }
    for some in missing.chunks(CALLS_AT_ONCE) {
        let standings = join_all(some.iter().map(|(id, _)| standing(id))).await;
        for ((_, of), standing) in some.iter().zip(standings) {
            match standing {
                Ok(standing) => taker.take(standing, of.clone()).await?,
                Err(NotRead::One(why)) => taker.refuse(&why, of),
                Err(NotRead::All(why)) => return Err(why.into()),
            }
        }
    }
    Ok(())
}

/// Counts the users of each group, and hands the enabled ones on in full pages: fuller pages are fewer calls further on.
struct Taker<F> {
    sink: F,
    page: Vec<FoundUser>,
    /// What became of each group.
    summaries: Vec<MembersSummary>,
}

impl<F> Taker<F> {
    async fn take<E>(&mut self, standing: Standing, of: Vec<usize>) -> Result<(), MembersError<E>>
    where
        F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
    {
        for at in &of {
            let Some(summary) = self.summaries.get_mut(*at) else { continue };
            let count = match &standing {
                Standing::Enabled(_) => &mut summary.enabled,
                Standing::Disabled => &mut summary.left_out_disabled,
                Standing::Deleted => &mut summary.left_out_deleted,
                Standing::Unreadable => &mut summary.unreadable,
            };
            *count = count.saturating_add(1);
        }
        if let Standing::Enabled(user) = standing {
            self.page.push(FoundUser { user, of });
        }
        if self.page.len() as u64 >= PAGE { self.hand_on().await } else { Ok(()) }
    }

    /// Counts a user who could not be read.
    fn refuse(&mut self, why: &Trouble, of: &[usize]) {
        for at in of {
            if let Some(summary) = self.summaries.get_mut(*at) {
                summary.unreadable = summary.unreadable.saturating_add(1);
                summary.refusal = Some(why.clone());
            }
        }
    }

    /// Begins to count a group anew.
    fn count_again(&mut self, at: usize, before: &[MembersSummary]) {
        if let (Some(summary), Some(before)) = (self.summaries.get_mut(at), before.get(at)) {
            summary.clone_from(before);
        }
    }

    async fn hand_on<E>(&mut self) -> Result<(), MembersError<E>>
    where
        F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
    {
        (self.sink)(std::mem::take(&mut self.page)).await.map_err(MembersError::Sink)
    }

    async fn finish<E>(mut self) -> Result<Vec<MembersSummary>, MembersError<E>>
    where
        F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
    {
        if !self.page.is_empty() {
            self.hand_on().await?;
        }
        Ok(self.summaries)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::workspace_one::MemberUser;

    fn user(n: usize) -> Standing {
        Standing::Enabled(MemberUser { id: n.to_string(), user_name: format!("u{n}"), domain: None })
    }

    fn group(kind: &str) -> Group {
        Group { id: "g".to_owned(), name: "G".to_owned(), domain: None, kind: Some(kind.to_owned()) }
    }

    #[test]
    fn members_are_handed_on_in_full_pages_and_counted_for_each_group() {
        let mut sizes = Vec::new();
        let sink = async |page: Vec<FoundUser>| -> Result<(), ()> {
            sizes.push(page.len());
            Ok(())
        };
        let run = async move {
            let mut taker = Taker { sink, page: Vec::new(), summaries: vec![MembersSummary::default(); 2] };
            for standing in (0..1101).map(user).chain([Standing::Disabled, Standing::Deleted, Standing::Unreadable]) {
                taker.take(standing, vec![0]).await.unwrap();
            }
            taker.take(Standing::Disabled, vec![0, 1]).await.unwrap();
            taker.finish().await.unwrap()
        };
        let summaries = run.now_or_never().unwrap();
        let first = MembersSummary { left_out_disabled: 2, left_out_deleted: 1, unreadable: 1, enabled: 1101, ..MembersSummary::default() };
        assert_eq!(summaries, [first, MembersSummary { left_out_disabled: 1, ..MembersSummary::default() }]);
        assert_eq!(sizes, [500, 500, 101]);
    }

    #[test]
    fn a_taker_that_stops_stops_the_reading() {
        let run = async {
            let mut taker = Taker { sink: async |_| Err("enough"), page: Vec::new(), summaries: Vec::new() };
            taker.take(user(1), vec![0]).await?;
            taker.finish().await
        };
        assert_eq!(run.now_or_never().unwrap(), Err(MembersError::Sink("enough")));
    }

    #[test]
    fn only_a_group_filled_by_a_rule_is_looked_at_closer() {
        let nobody = Reach { users: Some(HashSet::new()), ..Reach::default() };
        let somebody = Reach { users: Some(HashSet::from(["u".to_owned()])), ..Reach::default() };
        assert_eq!(look_closer(nobody.clone(), &group("ALL_USERS")).users, None);
        assert_eq!(look_closer(nobody.clone(), &group("EXTERNAL")), nobody);
        assert_eq!(look_closer(somebody.clone(), &group("DYNAMIC")), somebody);
        assert!(empty(&group("EXTERNAL")).message.contains("Not Synced"));
    }

    #[test]
    fn a_group_of_which_nobody_could_be_read_has_the_number_of_the_last_refusal() {
        let refused = |number| MembersSummary { unreadable: 2, refusal: Some(Trouble::new(number, "no")), ..MembersSummary::default() };
        for number in [20, 25] {
            assert_eq!(judge(&group("EXTERNAL"), refused(number)).unwrap_err().number, number);
        }
        let one_read = MembersSummary { enabled: 1, ..refused(20) };
        assert_eq!(judge(&group("EXTERNAL"), one_read.clone()), Ok(one_read));
        assert_eq!(judge(&group("EXTERNAL"), MembersSummary::default()).unwrap_err().number, 24);
    }

    #[test]
    fn unreadable_members_and_short_lists_are_in_doubt_and_disabled_ones_are_not() {
        let fine = MembersSummary { enabled: 3, left_out_disabled: 1, ..MembersSummary::default() };
        assert_eq!(fine.doubt(), None);
        let unreadable = MembersSummary { unreadable: 2, refusal: Some(Trouble::new(20, "Access answered 500")), ..fine.clone() };
        let doubt = unreadable.doubt().unwrap();
        assert_eq!(doubt.number, 25);
        assert!(doubt.message.starts_with("2 of 6 members could not be read") && doubt.message.contains("500"), "{doubt}");
        let short = MembersSummary { cut_short: true, ..fine };
        assert!(short.doubt().unwrap().message.contains("early"));
    }
}
