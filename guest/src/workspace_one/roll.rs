//! Who is sought, for all groups together: the ids that the groups list, and, for groups too large to list, the groups
//! that a user must name. It is of a fixed size, however many members there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::workspace_one::reach::Reach;

/// The most listed members held at once, over all groups. The members of a group beyond it are found by their groups.
const MOST: usize = 2500;

/// A listed member who was not seen yet, and the groups that list it, by position.
pub type Missing = (Box<str>, Vec<usize>);

/// Who is sought.
#[derive(Debug, Default)]
pub struct Roll {
    ids: BTreeMap<Box<str>, Vec<usize>>,
    /// How often a group lists somebody. It does not sink when they are seen.
    listed: usize,
    groups: HashMap<String, Vec<usize>>,
}

impl Roll {
    /// How many more listed members there is room for.
    pub const fn room(&self) -> usize {
        MOST.saturating_sub(self.listed)
    }

    /// Adds what the group at this position reaches.
    pub fn add(&mut self, at: usize, reach: Reach) {
        match reach.users {
            Some(users) => {
                self.listed = self.listed.saturating_add(users.len());
                for id in users {
                    self.ids.entry(id.into_boxed_str()).or_default().push(at);
                }
            }
            None => reach.groups.into_iter().for_each(|id| self.groups.entry(id).or_default().push(at)),
        }
    }

    /// Whether anybody is sought by the groups they name, so that only the whole list of users tells who.
    pub fn needs_all_users(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Listed members who were not seen yet.
    pub fn missing(&self) -> usize {
        self.ids.len()
    }

    /// The groups whose members are found by the groups they name, by position.
    pub fn unlisted(&self) -> BTreeSet<usize> {
        self.groups.values().flatten().copied().collect()
    }

    /// The groups that seek this user, by position, each once. A listed member is found once, whatever comes twice.
    pub fn find<'a>(&mut self, id: Option<&str>, groups: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let mut of = id.and_then(|id| self.ids.remove(id)).unwrap_or_default();
        if self.needs_all_users() {
            of.extend(groups.filter_map(|group| self.groups.get(group)).flatten());
            of.sort_unstable();
            of.dedup();
        }
        of
    }

    /// Takes out the listed members who were not seen, in the order of their ids.
    pub fn take_missing(&mut self) -> Vec<Missing> {
        std::mem::take(&mut self.ids).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::iter::empty;

    use super::*;

    fn listed(ids: impl IntoIterator<Item = String>) -> Reach {
        Reach { users: Some(ids.into_iter().collect()), ..Reach::default() }
    }

    fn unlisted(groups: &[&str]) -> Reach {
        Reach { users: None, groups: groups.iter().map(|&group| group.to_owned()).collect(), ..Reach::default() }
    }

    #[test]
    fn a_user_is_handed_to_every_group_that_holds_them() {
        let mut roll = Roll::default();
        roll.add(0, listed(["u1".to_owned(), "u2".to_owned()]));
        roll.add(1, unlisted(&["g1", "inside g1"]));
        roll.add(2, listed(["u1".to_owned()]));
        assert_eq!(roll.find(Some("u1"), ["g1", "inside g1", "other"].into_iter()), [0, 1, 2]);
        assert_eq!(roll.find(Some("u1"), ["g1"].into_iter()), [1], "listed members are found once, others whenever they show");
        assert_eq!(roll.find(Some("u3"), ["other"].into_iter()), Vec::<usize>::new());
        assert_eq!(roll.find(None, ["inside g1"].into_iter()), [1]);
        assert_eq!((roll.missing(), roll.unlisted()), (1, BTreeSet::from([1])));
        assert_eq!(roll.take_missing(), [(Box::from("u2"), vec![0])]);
        assert_eq!(roll.missing(), 0);
    }

    #[test]
    fn the_room_is_that_of_all_groups_together() {
        let mut roll = Roll::default();
        for at in 0..65 {
            assert_eq!(roll.room(), 2500 - at * 20);
            roll.add(at, listed((0..20).map(|n| format!("{at}-{n}"))));
        }
        assert_eq!((roll.missing(), roll.needs_all_users()), (1300, false));
        roll.find(Some("0-0"), empty());
        assert_eq!((roll.missing(), roll.room()), (1299, 1200), "what was read does not make room anew");
    }
}
