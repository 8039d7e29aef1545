//! The enabled members of a group, in pages: a few by one call each, many by paging the users.

use std::collections::HashSet;

use futures::future::join_all;
use shift_access_core::catalogue;

use crate::trouble::Trouble;
use crate::workspace_one::pages::{PAGE, Pages};
use crate::workspace_one::reach::{Reach, reach};
use crate::workspace_one::scim::{Resource, Standing, USER_ATTRIBUTES, WireUser};
use crate::workspace_one::users::standing;
use crate::workspace_one::{Group, MemberUser, MembersError, MembersSummary};

/// So many users are asked for one by one; beyond it the users are paged.
const FEW: usize = 20;
/// How often the users are paged for members that did not show.
const PASSES: usize = 3;
/// Calls at once.
const CALLS_AT_ONCE: usize = 5;

/// See [`Directory::members`](crate::workspace_one::Directory::members).
pub async fn members<E, F>(group: &Group, sink: F) -> Result<MembersSummary, MembersError<E>>
where
    F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
{
    let reach = look_closer(reach(group).await?, group);
    let mut taker = Taker { sink, page: Vec::new(), summary: MembersSummary { unreadable: reach.unreadable, ..MembersSummary::default() } };
    match reach.users {
        Some(users) if users.len() <= FEW => one_by_one(users, &mut taker).await?,
        Some(users) => by_id(users, &mut taker).await?,
        None => by_group(&reach.groups, &mut taker).await?,
    }
    let summary = taker.finish().await?;
    if summary == MembersSummary::default() { Err(empty(group).into()) } else { Ok(summary) }
}

/// A group that Access fills by a rule need not list its members; its users name it all the same.
fn look_closer(reach: Reach, group: &Group) -> Reach {
    let by_rule = group.kind.as_deref().is_some_and(|kind| ["DYNAMIC", "ALL_USERS"].iter().any(|rule| kind.eq_ignore_ascii_case(rule)));
    let lists_nobody = reach.users.as_ref().is_some_and(HashSet::is_empty);
    if by_rule && lists_nobody { Reach { users: None, ..reach } } else { reach }
}

fn empty(group: &Group) -> Trouble {
    let message = format!(
        "the group {:?} has no members. Where its members show as \"Not Synced\", Access knows only its name: it syncs the members of a \
         directory group once the group is entitled to an app, used in a policy, or set to sync its members",
        group.name
    );
    Trouble::new(catalogue::GROUP_EMPTY, message)
}

async fn one_by_one<E, F>(users: HashSet<String>, taker: &mut Taker<F>) -> Result<(), MembersError<E>>
where
    F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
{
    let ids: Vec<_> = users.into_iter().collect();
    for some in ids.chunks(CALLS_AT_ONCE) {
        for standing in join_all(some.iter().map(|id| standing(id))).await {
            taker.take(standing?).await?;
        }
    }
    Ok(())
}

/// Pages the users until all of these were seen. A list that moves while it is read can hide some of them, so a rest too
/// large to be asked for one by one is looked for again.
async fn by_id<E, F>(mut users: HashSet<String>, taker: &mut Taker<F>) -> Result<(), MembersError<E>>
where
    F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
{
    for _ in 0..PASSES {
        let before = users.len();
        page_by_id(&mut users, taker).await?;
        if users.len() <= FEW {
            return one_by_one(users, taker).await;
        }
        if users.len() == before {
            break;
        }
    }
    taker.summary.unreadable = taker.summary.unreadable.saturating_add(users.len() as u64);
    Ok(())
}

async fn page_by_id<E, F>(users: &mut HashSet<String>, taker: &mut Taker<F>) -> Result<(), MembersError<E>>
where
    F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
{
    let mut pages = Pages::of("Users", USER_ATTRIBUTES);
    while !users.is_empty() {
        let Some(page) = pages.next::<WireUser>().await? else { break };
        for user in page {
            if user.id().is_some_and(|id| users.remove(id)) {
                taker.take(user.standing()).await?;
            }
        }
    }
    Ok(())
}

async fn by_group<E, F>(groups: &HashSet<String>, taker: &mut Taker<F>) -> Result<(), MembersError<E>>
where
    F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
{
    let mut pages = Pages::of("Users", USER_ATTRIBUTES);
    while let Some(page) = pages.next::<WireUser>().await? {
        for user in page {
            if user.groups().any(|id| groups.contains(id)) {
                taker.take(user.standing()).await?;
            }
        }
    }
    Ok(())
}

/// Counts the users, and hands the enabled ones on in full pages: fuller pages are fewer calls further on.
struct Taker<F> {
    sink: F,
    page: Vec<MemberUser>,
    summary: MembersSummary,
}

impl<F> Taker<F> {
    async fn take<E>(&mut self, standing: Standing) -> Result<(), MembersError<E>>
    where
        F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
    {
        let count = match standing {
            Standing::Enabled(user) => {
                self.page.push(user);
                &mut self.summary.enabled
            }
            Standing::Disabled => &mut self.summary.left_out_disabled,
            Standing::Deleted => &mut self.summary.left_out_deleted,
            Standing::Unreadable => &mut self.summary.unreadable,
        };
        *count = count.saturating_add(1);
        if self.page.len() as u64 >= PAGE { self.hand_on().await } else { Ok(()) }
    }

    async fn hand_on<E>(&mut self) -> Result<(), MembersError<E>>
    where
        F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
    {
        (self.sink)(std::mem::take(&mut self.page)).await.map_err(MembersError::Sink)
    }

    async fn finish<E>(mut self) -> Result<MembersSummary, MembersError<E>>
    where
        F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
    {
        if !self.page.is_empty() {
            self.hand_on().await?;
        }
        Ok(self.summary)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn user(n: usize) -> Standing {
        Standing::Enabled(MemberUser { id: n.to_string(), user_name: format!("u{n}"), domain: None })
    }

    #[test]
    fn members_are_handed_on_in_full_pages_and_counted() {
        let mut sizes = Vec::new();
        let sink = async |page: Vec<MemberUser>| -> Result<(), ()> {
            sizes.push(page.len());
            Ok(())
        };
        let run = async move {
            let mut taker = Taker { sink, page: Vec::new(), summary: MembersSummary::default() };
            for standing in (0..1101).map(user).chain([Standing::Disabled, Standing::Deleted, Standing::Unreadable]) {
                taker.take(standing).await.unwrap();
            }
            taker.finish().await.unwrap()
        };
        let summary = run.now_or_never().unwrap();
        assert_eq!(summary, MembersSummary { left_out_disabled: 1, left_out_deleted: 1, unreadable: 1, enabled: 1101 });
        assert_eq!(sizes, [500, 500, 101]);
    }

    #[test]
    fn a_taker_that_stops_stops_the_reading() {
        let run = async {
            let mut taker = Taker { sink: async |_| Err("enough"), page: Vec::new(), summary: MembersSummary::default() };
            taker.take(user(1)).await?;
            taker.finish().await
        };
        assert_eq!(run.now_or_never().unwrap(), Err(MembersError::Sink("enough")));
    }

    #[test]
    fn only_a_group_filled_by_a_rule_is_looked_at_closer() {
        let group = |kind: &str| Group { id: "g".to_owned(), name: "G".to_owned(), domain: None, kind: Some(kind.to_owned()) };
        let nobody = Reach { users: Some(HashSet::new()), ..Reach::default() };
        let somebody = Reach { users: Some(HashSet::from(["u".to_owned()])), ..Reach::default() };
        assert_eq!(look_closer(nobody.clone(), &group("ALL_USERS")).users, None);
        assert_eq!(look_closer(nobody.clone(), &group("EXTERNAL")), nobody);
        assert_eq!(look_closer(somebody.clone(), &group("DYNAMIC")), somebody);
        assert!(empty(&group("EXTERNAL")).message.contains("Not Synced"));
    }
}
