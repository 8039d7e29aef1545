//! What is asked of Workspace ONE Access: groups by name, their enabled members, users by name.
//!
//! Everything is read by SCIM, and only read (facts/workspace-one.md §3.2). Members are handed on in pages, and nothing
//! here grows with a large group: its list of members is never read, the users are paged instead.

mod groups;
mod members;
mod pages;
mod reach;
mod scim;
mod users;

use crate::call::{Call, System, blame};
use crate::trouble::Trouble;

/// Where Access's SCIM begins.
const SCIM: &str = "/SAAS/jersey/manager/api/scim";

/// The client.
#[derive(Debug, Clone, Copy, Default)]
pub struct Directory;

/// A group, found by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The SCIM id.
    pub id: String,
    /// The name as Access writes it.
    pub name: String,
    /// The domain.
    pub domain: Option<String>,
    /// What kind of group it is: `EXTERNAL`, `DYNAMIC`, `INTERNAL` or `ALL_USERS`.
    pub kind: Option<String>,
}

/// One enabled user who is a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberUser {
    /// The SCIM id.
    pub id: String,
    /// The user name as Access writes it.
    pub user_name: String,
    /// The domain.
    pub domain: Option<String>,
}

/// What became of a group's members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MembersSummary {
    /// Left out because they are disabled.
    pub left_out_disabled: u64,
    /// Left out because they are deleted.
    pub left_out_deleted: u64,
    /// Left out because Access could not show them, or showed them without a user name.
    pub unreadable: u64,
    /// Handed on.
    pub enabled: u64,
}

/// Why the members were not read to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembersError<E> {
    /// Access could not be read.
    Trouble(Trouble),
    /// Whoever took the pages stopped.
    Sink(E),
}

impl<E> From<Trouble> for MembersError<E> {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// A user of some name, whether enabled or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryUserState {
    /// The SCIM id.
    pub id: String,
    /// The user name as Access writes it.
    pub user_name: String,
    /// The domain.
    pub domain: Option<String>,
    /// Neither disabled nor deleted.
    pub enabled: bool,
    /// The ids of the groups Access lists for the user.
    pub groups: Vec<String>,
}

impl Directory {
    /// A client; it keeps nothing between calls.
    pub const fn new() -> Self {
        Self
    }

    /// Finds the one group of this name, without regard to case.
    ///
    /// Numbers of the catalogue beside those of the connection: 22 if there is none, 23 if there are several.
    pub async fn find_group(&self, name: &str) -> Result<Group, Trouble> {
        groups::find(name).await
    }

    /// Hands the enabled members of a group and of the groups inside it to `sink`, in pages of at most 500.
    ///
    /// Each user comes once, unless Access itself shows a user on two pages far apart because the directory changed
    /// meanwhile. 24 if the group has no members at all. An error of `sink` ends the reading.
    pub async fn members<E, F>(&self, group: &Group, sink: F) -> Result<MembersSummary, MembersError<E>>
    where
        F: AsyncFnMut(Vec<MemberUser>) -> Result<(), E>,
    {
        members::members(group, sink).await
    }

    /// Every user of this name, without regard to case; several only across domains.
    pub async fn find_users(&self, user_name: &str) -> Result<Vec<DirectoryUserState>, Trouble> {
        users::find(user_name).await
    }
}

/// A path below SCIM that ends in an id; none if the id has characters no id has, which must not reach a path.
fn by_id(kind: &str, id: &str) -> Option<Call> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    let safe = !id.is_empty() && id.chars().all(plain) && !id.starts_with('.');
    safe.then(|| Call::get(format!("{SCIM}/{kind}/{id}")))
}

/// A filter for one attribute; the value is quoted as in JSON.
fn filter(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", serde_json::Value::from(value))
}

fn puzzling(answer: &crate::call::Answer, what: &str) -> Trouble {
    blame::not_understood(System::Access, answer, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_the_filter() {
        assert_eq!(filter("displayName", "Store 12 \"A\" \\ Ä+"), r#"displayName eq "Store 12 \"A\" \\ Ä+""#);
    }

    #[test]
    fn an_id_cannot_break_out_of_the_path() {
        assert_eq!(by_id("Users", "22-ab_C.d"), Some(Call::get("/SAAS/jersey/manager/api/scim/Users/22-ab_C.d")));
        for id in ["", "..", "a/b", "a?b", "a%2fb", "a b", "ä"] {
            assert_eq!(by_id("Users", id), None, "{id}");
        }
    }
}
