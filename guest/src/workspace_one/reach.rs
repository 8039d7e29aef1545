//! Which groups and users a group reaches: itself and the groups inside it, each once, ten deep.

use std::collections::HashSet;

use crate::bindings::shift_access::plugin::http::Error;
use crate::call::{System, blame, send};
use crate::trouble::Trouble;
use crate::workspace_one::groups::children;
use crate::workspace_one::scim::{MemberIds, WireGroup};
use crate::workspace_one::{Group, by_id, puzzling};

/// How deep groups inside groups are followed.
const DEPTH: usize = 10;
/// The largest group taken with its members. A member takes some 110 bytes, so about 2,000 fit.
const GROUP_BYTES: u64 = 256 * 1024;
/// What a group reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The group and the groups inside it.
    pub groups: HashSet<String>,
    /// The users, unless there are too many to hold.
    pub users: Option<HashSet<String>>,
    /// Groups inside it that Access named and could not show.
    pub unreadable: u64,
    /// The list of groups ended early or moved, so that a group inside may be missing.
    pub cut_short: bool,
}

/// What a call for a group's members brought.
enum Members {
    Listed(MemberIds),
    TooMany,
    Gone,
}

/// Follows a group to everything inside it. Beyond `room` users their ids are not held.
pub async fn reach(group: &Group, room: usize) -> Result<Reach, Trouble> {
    let mut reach = Reach { users: Some(HashSet::new()), ..Reach::default() };
    let mut level = vec![group.id.clone()];
    for depth in 0..=DEPTH {
        level.retain(|id| reach.groups.insert(id.clone()));
        if level.is_empty() {
            break;
        }
        level = next_level(&level, depth, room, &mut reach).await?;
    }
    Ok(reach)
}

async fn next_level(level: &[String], depth: usize, room: usize, reach: &mut Reach) -> Result<Vec<String>, Trouble> {
    let (mut next, mut large) = (Vec::new(), HashSet::new());
    for id in level {
        match members(id, depth == 0).await? {
            Members::Listed(ids) => {
                reach.add_users(ids.users, room);
                next.extend(ids.groups);
            }
            Members::TooMany => {
                reach.users = None;
                large.insert(id.clone());
            }
            Members::Gone => {
                reach.groups.remove(id);
                reach.unreadable = reach.unreadable.saturating_add(1);
            }
        }
    }
    if !large.is_empty() {
        let (children, whole) = children(&large).await?;
        reach.cut_short |= !whole;
        next.extend(children);
    }
    Ok(next)
}

impl Reach {
    fn add_users(&mut self, ids: Vec<String>, room: usize) {
        if let Some(users) = &mut self.users {
            users.extend(ids);
            if users.len() > room {
                self.users = None;
            }
        }
    }
}

/// Asks for a group with its members. Only a group inside another may be gone by now; the one asked for may not.
async fn members(id: &str, outermost: bool) -> Result<Members, Trouble> {
    let Some(call) = by_id("Groups", id) else { return Ok(Members::Gone) };
    let answer = match send(System::Access, call.at_most(Some(GROUP_BYTES))).await {
        Ok(answer) => answer,
        Err(Error::TooLarge(_)) => return Ok(Members::TooMany),
        Err(error) => return Err(blame::failed(System::Access, &error)),
    };
    match answer.status {
        200..300 => {}
        413 | 504 => return Ok(Members::TooMany),
        404 if !outermost => return Ok(Members::Gone),
        _ => return Err(blame::refused(System::Access, &answer)),
    }
    let group = serde_json::from_slice::<WireGroup>(&answer.body).ok().filter(|group| group.group().is_some());
    let ids = group.and_then(|group| group.member_ids());
    ids.map(Members::Listed).ok_or_else(|| puzzling(&answer, "the question for a group's members"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_users_are_not_held() {
        let ids = |from: usize, until: usize| (from..until).map(|n| n.to_string()).collect::<Vec<_>>();
        let mut reach = Reach { users: Some(HashSet::new()), ..Reach::default() };
        reach.add_users(ids(0, 2000), 2500);
        reach.add_users(ids(0, 2000), 2500);
        assert_eq!(reach.users.as_ref().map(HashSet::len), Some(2000));
        reach.add_users(ids(2000, 2501), 2500);
        assert_eq!(reach.users, None);
        reach.add_users(ids(0, 5), 2500);
        assert_eq!(reach.users, None);
    }
}
