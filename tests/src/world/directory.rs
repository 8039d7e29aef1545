//! What Workspace ONE Access holds: users, groups, and who is in which group.
//!
//! Plain data. Membership is kept on the group (in the order of joining) and, turned around, on the user, so that a page of
//! twenty thousand users costs no search.

use std::collections::HashSet;

/// A user of the directory.
#[derive(Debug, Clone)]
pub struct User {
    /// The SCIM id.
    pub id: String,
    /// The login name.
    pub user_name: String,
    /// The directory domain; user name and domain together are unique.
    pub domain: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// SCIM's `active`.
    pub active: bool,
    /// `userStatus`: 1 enabled, 2 disabled, 3 deleted.
    pub status: u8,
    /// `softDeleted`.
    pub soft_deleted: bool,
    /// The status code that `GET /Users/{id}` fails with, if it does.
    pub unreadable: Option<u16>,
    /// Mail addresses.
    pub emails: Vec<String>,
    /// The number of the enterprise extension.
    pub employee_number: Option<String>,
    /// Purged: neither lists nor reads show this user, though groups may still name it.
    pub gone: bool,
    /// The groups that name this user as a member, by index.
    pub(crate) groups: Vec<usize>,
}

impl User {
    /// An enabled user of this name with nothing else known.
    pub(crate) fn new(id: String, user_name: &str, domain: &str) -> Self {
        Self {
            id,
            user_name: user_name.to_owned(),
            domain: domain.to_owned(),
            given_name: String::new(),
            family_name: user_name.to_owned(),
            active: true,
            status: 1,
            soft_deleted: false,
            unreadable: None,
            emails: Vec::new(),
            employee_number: None,
            gone: false,
            groups: Vec::new(),
        }
    }

    /// Whether the user counts: there, active, and neither disabled nor deleted.
    pub fn enabled(&self) -> bool {
        self.active && self.status == 1 && !self.soft_deleted && !self.gone
    }

    /// The name people see.
    pub fn display(&self) -> String {
        format!("{} {}", self.given_name, self.family_name).trim().to_owned()
    }
}

/// What kind of group it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// From an external directory.
    External,
    /// Local, by rules.
    Dynamic,
    /// Local and static.
    Internal,
    /// The group of all users.
    AllUsers,
}

impl GroupKind {
    /// The text of `internalGroupType`.
    pub fn text(self) -> &'static str {
        match self {
            Self::External => "EXTERNAL",
            Self::Dynamic => "DYNAMIC",
            Self::Internal => "INTERNAL",
            Self::AllUsers => "ALL_USERS",
        }
    }
}

/// A group of the directory.
#[derive(Debug, Clone)]
pub struct Group {
    /// The SCIM id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The domain.
    pub domain: String,
    /// The kind.
    pub kind: GroupKind,
    /// Whether the members were synced. Until then the group looks empty.
    pub synced: bool,
    /// Removed.
    pub gone: bool,
    pub(crate) members: Vec<Member>,
    pub(crate) parents: Vec<usize>,
}

impl Group {
    /// A synced group without members.
    pub(crate) fn new(id: String, name: &str, domain: &str) -> Self {
        let (name, domain) = (name.to_owned(), domain.to_owned());
        Self { id, name, domain, kind: GroupKind::External, synced: true, gone: false, members: Vec::new(), parents: Vec::new() }
    }
}

/// A member of a group, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Member {
    User(usize),
    Group(usize),
}

/// Every group above the given ones, each once, nearest first; a circle ends where it began.
pub(crate) fn ancestors(groups: &[Group], start: &[usize]) -> Vec<usize> {
    let mut seen: HashSet<usize> = start.iter().copied().collect();
    let mut found = Vec::new();
    let mut level = start.to_vec();
    while !level.is_empty() {
        let parents = level.iter().filter_map(|at| groups.get(*at)).flat_map(|group| group.parents.iter().copied());
        level = parents.filter(|at| seen.insert(*at)).collect();
        found.extend(&level);
    }
    found
}
