//! The marks of those who are in an exempt group, and have access whatever their status is.
//!
//! A mark is `exempt/NAME`; its value is of no account. Access is asked for by the name, without a domain, so only a name
//! that one directory user bears over all configured groups has a mark: with two of them it would open for whoever of the
//! two is not exempt. Marks are brought in line at the end of a batch, so that a run that fails or is held leaves them as
//! they were.

use std::collections::BTreeSet;

use shift_access_core::catalogue;
use shift_access_core::identity::{self, Member};
use shift_access_core::ids;

use crate::report::Warnings;
use crate::store::{self, Entry, Pages, StoreError};
use crate::trouble::Trouble;
use crate::{records, staging};

/// Where the marks are.
const MARKS: &str = "exempt/";

/// The storage key of a user's mark.
pub fn key(user: &str) -> String {
    store::key(MARKS, &ids::key(user))
}

/// Whether a user is exempt before a run, and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exempt {
    /// There is a mark.
    pub before: bool,
    /// There will be one, once the marks are brought in line.
    pub after: bool,
}

impl Exempt {
    /// `exempt` and `worker`: who bears the name in the exempt groups, and in those of workers.
    fn of(mark: bool, exempt: Option<&Member>, worker: Option<&Member>, all_read: bool) -> Self {
        let bearers: BTreeSet<&str> = exempt.into_iter().chain(worker).flat_map(|one| &one.users).map(|user| user.id.as_str()).collect();
        Self { before: mark, after: bearers.len() <= 1 && (exempt.is_some() || (mark && !all_read)) }
    }
}

/// Which groups a run could read, each to its last member.
#[derive(Debug, Clone, Copy)]
pub struct AllRead {
    /// Those of workers.
    pub workers: bool,
    /// The exempt ones.
    pub exempt: bool,
}

/// Who of these users, given by the keys of their names, is exempt before and after the run that keeps the members of
/// the groups aside now. `all_read` tells whether every exempt group could be read to its last member.
pub async fn over_run(name_keys: &[String], all_read: bool) -> Result<Vec<Exempt>, StoreError> {
    let under = |prefix: &str| name_keys.iter().map(|name| store::key(prefix, name)).collect::<Vec<_>>();
    let marks = store::get(&under(MARKS)).await?;
    let (exempt, workers) = (members(&under(staging::EXEMPT)).await?, members(&under(staging::MEMBERS)).await?);
    let of = |((mark, exempt), worker): ((&Option<Entry>, &Option<Member>), &Option<Member>)| {
        Exempt::of(mark.is_some(), exempt.as_ref(), worker.as_ref(), all_read)
    };
    Ok(marks.iter().zip(&exempt).zip(&workers).map(of).collect())
}

async fn members(keys: &[String]) -> Result<Vec<Option<Member>>, StoreError> {
    store::get(keys).await?.iter().map(|entry| entry.as_ref().map(staging::read).transpose()).collect()
}

/// Warns of names that several users of the exempt groups bear, and no worker. A worker whose name somebody else bears in
/// an exempt group is warned of with the worker's record.
pub async fn warn_of_namesakes(warnings: &mut Warnings) -> Result<(), StoreError> {
    let mut pages = Pages::of(staging::EXEMPT);
    while let Some(entries) = pages.next(store::PAGE).await? {
        let exempt = entries.iter().map(staging::read).collect::<Result<Vec<_>, _>>()?;
        let exempt: Vec<Member> = exempt.into_iter().filter(|member| member.users.len() > 1).collect();
        let keys: Vec<String> = exempt.iter().map(|member| store::key(staging::MEMBERS, &member.key)).collect();
        let workers = store::get(&keys).await?;
        for (member, _) in exempt.iter().zip(workers).filter(|(_, worker)| worker.is_none()) {
            let domains = identity::domains(&member.users).join(", ");
            let message = format!(
                "Several users of the exempt groups have this name, in {domains}. None of them is exempt, because access is asked for by the \
                 name alone."
            );
            warnings.about(&member.user, Trouble::new(catalogue::AMBIGUOUS, message));
        }
    }
    Ok(())
}

/// Makes the marks those of the members kept aside as exempt. Where an exempt group could not be read, whom it does not
/// show keeps the mark: a group that failed for once must not lock its members out. A mark on a name that several users
/// bear goes all the same.
pub async fn bring_in_line(all_read: AllRead) -> Result<(), StoreError> {
    add_missing(all_read).await?;
    remove_spare(all_read).await
}

async fn add_missing(all_read: AllRead) -> Result<(), StoreError> {
    let mut pages = Pages::of(staging::EXEMPT);
    while let Some(entries) = pages.next(store::PAGE).await? {
        let names: Vec<String> = entries.iter().map(|entry| store::moved(&entry.key, staging::EXEMPT, "")).collect();
        let exempt = over_run(&names, all_read.exempt).await?;
        let missing = names.into_iter().zip(exempt).filter(|(_, exempt)| exempt.after && !exempt.before);
        let missing = without_doubt(missing.map(|(name, _)| name).collect(), all_read).await?;
        store::put(missing.into_iter().map(|name| store::write(store::key(MARKS, &name), b"{}".to_vec())).collect()).await?;
    }
    Ok(())
}

/// Leaves out names of workers whom a group that could not be read may have hidden: the record tells that there is one, and
/// not whether it is the exempt user.
async fn without_doubt(names: Vec<String>, all_read: AllRead) -> Result<Vec<String>, StoreError> {
    if all_read.workers {
        return Ok(names);
    }
    let under = |prefix: &str| names.iter().map(|name| store::key(prefix, name)).collect::<Vec<_>>();
    let (seen, stored) = (store::get(&under(staging::MEMBERS)).await?, store::get(&under(records::WORKERS)).await?);
    let sure = names.into_iter().zip(seen.iter().zip(&stored)).filter(|(_, (seen, stored))| seen.is_some() || stored.is_none());
    Ok(sure.map(|(name, _)| name).collect())
}

async fn remove_spare(all_read: AllRead) -> Result<(), StoreError> {
    let mut pages = Pages::of(MARKS);
    while let Some(entries) = pages.next(store::PAGE).await? {
        let names: Vec<String> = entries.iter().map(|entry| store::moved(&entry.key, MARKS, "")).collect();
        let exempt = over_run(&names, all_read.exempt).await?;
        let spare = entries.into_iter().zip(exempt).filter(|(_, exempt)| !exempt.after);
        store::put(spare.map(|(mark, _)| store::removal(mark.key)).collect()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shift_access_core::identity::DirectoryUser;

    use super::*;

    fn member(ids: &[&str]) -> Member {
        let user = |id: &&str| DirectoryUser { id: (*id).into(), user_name: "outp".into(), domain: None };
        Member { key: "outp".into(), user: "outp".into(), users: ids.iter().map(user).collect() }
    }

    #[test]
    fn an_exemption_ends_only_where_every_exempt_group_was_read() {
        let exempt = member(&["1"]);
        for (mark, exempt, all_read, after) in
            [(true, None, true, false), (true, None, false, true), (false, Some(&exempt), true, true), (false, None, false, false)]
        {
            assert_eq!(Exempt::of(mark, exempt, None, all_read), Exempt { before: mark, after });
        }
    }

    #[test]
    fn a_name_that_two_users_bear_is_never_exempt() {
        for (exempt, worker, after) in [
            (Some(&["1"][..]), None, true),
            (Some(&["1"]), Some(&["1"][..]), true),
            (Some(&["1"]), Some(&["2"]), false),
            (Some(&["1"]), Some(&["1", "2"]), false),
            (Some(&["1", "2"]), Some(&["1"]), false),
            (Some(&["1", "2"]), None, false),
        ] {
            let (exempt, worker) = (exempt.map(member), worker.map(member));
            for (mark, all_read) in [(false, true), (true, true), (true, false)] {
                assert_eq!(Exempt::of(mark, exempt.as_ref(), worker.as_ref(), all_read).after, after, "{exempt:?} {worker:?}");
            }
        }
        assert!(!Exempt::of(true, None, Some(&member(&["1", "2"])), false).after, "also where the exempt group cannot be read");
    }
}
