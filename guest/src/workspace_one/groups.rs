//! A group by its name, and the groups inside a group too large to list.

use std::collections::HashSet;

use shift_access_core::{catalogue, ids};

use crate::trouble::Trouble;
use crate::workspace_one::pages::{PASSES, Pages};
use crate::workspace_one::scim::{GROUP_ATTRIBUTES, WireGroup};
use crate::workspace_one::{Group, filter};

/// Groups of one name that are worth naming.
const NAMED: usize = 10;

/// See [`Directory::find_group`](crate::workspace_one::Directory::find_group).
///
/// Whether the filter looks at case is not documented, so where it finds nothing the whole list is looked through.
pub async fn find(name: &str) -> Result<Group, Trouble> {
    let mut filtered = Pages::of("Groups", GROUP_ATTRIBUTES).matching(filter("displayName", name.trim()));
    let mut found = of_name(&mut filtered, name).await?;
    if found.is_empty() {
        found = of_name_in_all(name).await?;
    }
    the_one(found, name)
}

/// Looks through the whole list. One that ends early may hide the group, or another of its name.
async fn of_name_in_all(name: &str) -> Result<Vec<Group>, Trouble> {
    let mut early = None;
    for _ in 0..PASSES {
        let mut pages = Pages::of("Groups", GROUP_ATTRIBUTES);
        let found = of_name(&mut pages, name).await?;
        early = pages.ended_early();
        if early.is_none() {
            return Ok(found);
        }
    }
    early.map_or(Ok(Vec::new()), Err)
}

async fn of_name(pages: &mut Pages, name: &str) -> Result<Vec<Group>, Trouble> {
    let (wanted, mut found) = (ids::key(name), Vec::<Group>::new());
    while let Some(page) = pages.next::<WireGroup>().await? {
        for group in page.iter().filter_map(WireGroup::group) {
            let is_new = found.len() < NAMED && found.iter().all(|other| other.id != group.id);
            if is_new && ids::key(&group.name) == wanted {
                found.push(group);
            }
        }
    }
    Ok(found)
}

fn the_one(mut found: Vec<Group>, name: &str) -> Result<Group, Trouble> {
    if found.len() > 1 {
        let domains: Vec<_> = found.iter().map(|group| group.domain.as_deref().unwrap_or("no domain")).collect();
        let message = format!("{} groups of Workspace ONE Access are named {name:?}: in {}", found.len(), domains.join(", "));
        return Err(Trouble::new(catalogue::GROUP_AMBIGUOUS, message));
    }
    let none = || Trouble::new(catalogue::GROUP_NOT_FOUND, format!("Workspace ONE Access has no group named {name:?}"));
    found.pop().ok_or_else(none)
}

/// The groups that name one of these as a parent, and whether the list of groups was seen whole.
pub async fn children(of: &HashSet<String>) -> Result<(HashSet<String>, bool), Trouble> {
    let mut children = HashSet::new();
    for _ in 0..PASSES {
        let mut pages = Pages::of("Groups", GROUP_ATTRIBUTES);
        while let Some(page) = pages.next::<WireGroup>().await? {
            let inside = page.iter().filter(|group| group.parents().any(|parent| of.contains(parent)));
            children.extend(inside.filter_map(WireGroup::group).map(|group| group.id));
        }
        if pages.is_whole() {
            return Ok((children, true));
        }
    }
    Ok((children, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str, domain: Option<&str>) -> Group {
        Group { id: id.to_owned(), name: "Store 12".to_owned(), domain: domain.map(str::to_owned), kind: None }
    }

    #[test]
    fn none_and_several_are_told_apart() {
        assert_eq!(the_one(vec![group("1", None)], "store 12"), Ok(group("1", None)));
        assert_eq!(the_one(Vec::new(), "store 12").unwrap_err().number, 22);
        let several = the_one(vec![group("1", Some("a.example")), group("2", None)], "store 12").unwrap_err();
        assert_eq!(several.number, 23);
        assert!(several.message.ends_with("in a.example, no domain"), "{several}");
    }
}
