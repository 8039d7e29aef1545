//! The marks of those who are in an exempt group, and have access whatever their status is.
//!
//! A mark is `exempt/NAME`; its value is of no account. Marks are brought in line at the end of a batch, so that a run
//! that fails or is held leaves them as they were.

use shift_access_core::ids;

use crate::staging;
use crate::store::{self, Pages, StoreError};

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
    const fn of(mark: bool, member: bool, all_read: bool) -> Self {
        Self { before: mark, after: member || (mark && !all_read) }
    }
}

/// Who of these users, given by the keys of their names, is exempt before and after the run that keeps the members of
/// the exempt groups aside now. `all_read` as for [`bring_in_line`].
pub async fn over_run(name_keys: &[String], all_read: bool) -> Result<Vec<Exempt>, StoreError> {
    let under = |prefix: &str| name_keys.iter().map(|name| store::key(prefix, name)).collect::<Vec<_>>();
    let (marks, members) = (store::get(&under(MARKS)).await?, store::get(&under(staging::EXEMPT)).await?);
    Ok(marks.iter().zip(&members).map(|(mark, member)| Exempt::of(mark.is_some(), member.is_some(), all_read)).collect())
}

/// Makes the marks those of the members kept aside as exempt. Marks are taken away only where every exempt group could
/// be read: a group that failed for once must not lock its members out.
pub async fn bring_in_line(all_read: bool) -> Result<(), StoreError> {
    add_missing().await?;
    if all_read {
        remove_spare().await?;
    }
    Ok(())
}

async fn add_missing() -> Result<(), StoreError> {
    let mut pages = Pages::of(staging::EXEMPT);
    while let Some(entries) = pages.next(store::PAGE).await? {
        let keys: Vec<String> = entries.iter().map(|entry| store::moved(&entry.key, staging::EXEMPT, MARKS)).collect();
        let there = store::get(&keys).await?;
        let missing = keys.into_iter().zip(there).filter(|(_, mark)| mark.is_none());
        store::put(missing.map(|(key, _)| store::write(key, b"{}".to_vec())).collect()).await?;
    }
    Ok(())
}

async fn remove_spare() -> Result<(), StoreError> {
    let mut pages = Pages::of(MARKS);
    while let Some(entries) = pages.next(store::PAGE).await? {
        let keys: Vec<String> = entries.iter().map(|entry| store::moved(&entry.key, MARKS, staging::EXEMPT)).collect();
        let members = store::get(&keys).await?;
        let spare = entries.into_iter().zip(members).filter(|(_, member)| member.is_none());
        store::put(spare.map(|(mark, _)| store::removal(mark.key)).collect()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_ends_only_where_every_exempt_group_was_read() {
        assert_eq!(Exempt::of(true, false, true), Exempt { before: true, after: false });
        assert_eq!(Exempt::of(true, false, false), Exempt { before: true, after: true });
        assert_eq!(Exempt::of(false, true, false), Exempt { before: false, after: true });
        assert_eq!(Exempt::of(false, false, false), Exempt { before: false, after: false });
    }
}
