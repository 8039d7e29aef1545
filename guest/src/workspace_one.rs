//! What is asked of Workspace ONE Access: groups by name, their enabled members, users by name, every user.
//!
//! Everything is read by SCIM, and only read (facts/workspace-one.md §3.2). The members of all groups are read together and
//! handed on in pages, and nothing here grows with a large group: its list of members is not held, the users are paged instead.

mod groups;
mod members;
mod pages;
mod reach;
mod roll;
mod scim;
mod users;

use shift_access_core::catalogue;

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

/// An enabled user, and which of the groups asked for hold the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    /// The user.
    pub user: MemberUser,
    /// The groups, by their position among those asked for.
    pub of: Vec<usize>,
}

/// What became of a group's members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MembersSummary {
    /// Left out because they are disabled.
    pub left_out_disabled: u64,
    /// Left out because they are deleted.
    pub left_out_deleted: u64,
    /// Left out because Access could not show them, or showed them without a user name.
    pub unreadable: u64,
    /// Handed on.
    pub enabled: u64,
    /// A list ended before its end or moved while it was read, so that there may be more members.
    pub cut_short: bool,
    /// Why the last one of the unreadable could not be shown, where Access said.
    pub refusal: Option<Trouble>,
}

impl MembersSummary {
    /// What to warn of where not every member was read; none where who did not come is no member.
    pub fn doubt(&self) -> Option<Trouble> {
        let mut what = Vec::new();
        if self.unreadable > 0 {
            let said = self.refusal.as_ref().map(|last| format!(" ({})", last.message)).unwrap_or_default();
            let members = self.readable().saturating_add(self.unreadable);
            what.push(format!("{} of {members} members could not be read{said}", self.unreadable));
        }
        if self.cut_short {
            what.push("a list of Workspace ONE Access ended early or moved while it was read, so members may be missing".to_owned());
        }
        let message = || format!("{}. As long as that is so, a batch keeps every record and removes none", what.join("; "));
        (!what.is_empty()).then(|| Trouble::new(catalogue::ACCESS_NOT_UNDERSTOOD, message()))
    }

    const fn readable(&self) -> u64 {
        self.enabled.saturating_add(self.left_out_disabled).saturating_add(self.left_out_deleted)
    }
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

/// A user of the whole directory, in a group or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The SCIM id.
    pub id: String,
    /// The user name as Access writes it.
    pub user_name: String,
    /// Not disabled.
    pub enabled: bool,
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

    /// Hands the enabled members of these groups and of the groups inside them to `sink`, in pages of at most 500, and
    /// answers what became of each group, in their order.
    ///
    /// A user comes once for all groups, unless a list that moves shows the user again. One group is in trouble (24) if it
    /// has no members at all, or (20 or 25) if none of them could be read. An error of `sink` ends the reading.
    pub async fn members<E, F>(&self, groups: &[Group], sink: F) -> Result<Vec<Result<MembersSummary, Trouble>>, MembersError<E>>
    where
        F: AsyncFnMut(Vec<FoundUser>) -> Result<(), E>,
    {
        members::members(groups, sink).await
    }

    /// Hands every user to `sink`, page by page, those who are deleted left out; answers whether the list was seen whole. A
    /// list that moves while it is read is read again, so a user may come more than once.
    pub async fn everybody<F>(&self, sink: F) -> Result<bool, Trouble>
    where
        F: AsyncFnMut(Vec<ListedUser>) -> Result<(), Trouble>,
    {
        users::everybody(sink).await
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
