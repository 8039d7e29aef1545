//! Groups, users and lists as SCIM writes them (facts/workspace-one.md §3.2).

use serde::Deserialize;

use crate::call::loose::{List, Loose, Word};
use crate::workspace_one::{DirectoryUserState, Group, ListedUser, MemberUser};

/// The attributes of a group without its members.
pub const GROUP_ATTRIBUTES: &str = "displayName,urn:scim:schemas:extension:workspace:1.0";
/// The attributes of a user that count here.
pub const USER_ATTRIBUTES: &str = "userName,active,groups,urn:scim:schemas:extension:workspace:1.0";

/// A page of a list.
#[derive(Deserialize)]
#[serde(default)]
pub struct WirePage<T> {
    #[serde(rename = "totalResults")]
    total: Word,
    #[serde(rename = "startIndex")]
    start: Word,
    #[serde(rename = "Resources", alias = "resources")]
    resources: Option<List<Loose<T>>>,
}

impl<T> Default for WirePage<T> {
    fn default() -> Self {
        Self { total: Word::Nothing, start: Word::Nothing, resources: None }
    }
}

/// What a page holds, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// How many there are in all, where Access says.
    pub total: Option<u64>,
    /// The index of the first entry, where Access says.
    pub start: Option<u64>,
    /// How many entries it has, those counted that are none.
    pub length: u64,
    /// The entries.
    pub items: Vec<T>,
}

/// Reads a page; none if the body is no list. A list without entries may lack the key.
pub fn page<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Option<Page<T>> {
    let page = serde_json::from_slice::<Loose<WirePage<T>>>(body).ok()?.into_object()?;
    let total = page.total.number();
    let resources = match page.resources {
        Some(resources) if resources.odd => return None,
        None if total.is_none() => return None,
        resources => resources.unwrap_or_default(),
    };
    let length = resources.items.len() as u64;
    let items = resources.items.into_iter().filter_map(Loose::into_object).collect();
    Some(Page { total, start: page.start.number(), length, items })
}

/// Something of a list that has an id.
pub trait Resource {
    /// The id.
    fn id(&self) -> Option<&str>;
}

/// A reference to a user or a group.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WireRef {
    value: Word,
    #[serde(rename = "type")]
    kind: Word,
    #[serde(rename = "$ref")]
    target: Word,
}

impl WireRef {
    fn is_group(&self) -> bool {
        match self.kind.text() {
            Some(kind) => kind.eq_ignore_ascii_case("group"),
            None => self.target.text().is_some_and(|target| target.contains("/Groups/")),
        }
    }
}

/// A group.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WireGroup {
    id: Word,
    #[serde(rename = "displayName")]
    display_name: Word,
    members: List<Loose<WireRef>>,
    #[serde(rename = "urn:scim:schemas:extension:workspace:1.0")]
    workspace: Loose<WireGroupExtension>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct WireGroupExtension {
    domain: Word,
    #[serde(rename = "internalGroupType")]
    kind: Word,
    parents: List<Loose<WireRef>>,
}

/// The ids a group's list of members names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MemberIds {
    /// Users.
    pub users: Vec<String>,
    /// Groups inside the group.
    pub groups: Vec<String>,
}

impl WireGroup {
    /// The group, if it has an id and a name.
    pub fn group(&self) -> Option<Group> {
        let workspace = self.workspace.object();
        Some(Group {
            id: self.id.to_text()?,
            name: self.display_name.to_text()?,
            domain: workspace.and_then(|workspace| workspace.domain.to_text()),
            kind: workspace.and_then(|workspace| workspace.kind.to_text()),
        })
    }

    /// Its members; none if there is a list and it is not one.
    pub fn member_ids(&self) -> Option<MemberIds> {
        let mut ids = MemberIds::default();
        for member in self.members.items.iter().filter_map(Loose::object) {
            if let Some(id) = member.value.to_text() {
                if member.is_group() { &mut ids.groups } else { &mut ids.users }.push(id);
            }
        }
        (!self.members.odd).then_some(ids)
    }

    /// The groups it is inside.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        values(self.workspace.object().map(|workspace| &workspace.parents))
    }
}

impl Resource for WireGroup {
    fn id(&self) -> Option<&str> {
        self.id.text()
    }
}

/// A user.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WireUser {
    id: Word,
    #[serde(rename = "userName")]
    user_name: Word,
    active: Word,
    groups: List<Loose<WireRef>>,
    #[serde(rename = "urn:scim:schemas:extension:workspace:1.0")]
    workspace: Loose<WireUserExtension>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct WireUserExtension {
    domain: Word,
    #[serde(rename = "userStatus")]
    status: Word,
    #[serde(rename = "softDeleted")]
    soft_deleted: Word,
}

/// Whether a user may be handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Enabled(MemberUser),
    /// `active` is false, or the status is 2.
    Disabled,
    /// Soft-deleted, or the status is 3.
    Deleted,
    /// There is no id or no user name.
    Unreadable,
}

impl WireUser {
    /// The user's standing.
    pub fn standing(&self) -> Standing {
        let workspace = self.workspace.object();
        let status = workspace.and_then(|workspace| workspace.status.text());
        let soft_deleted = workspace.is_some_and(|workspace| workspace.soft_deleted.yes() == Some(true));
        if status == Some("3") || soft_deleted {
            return Standing::Deleted;
        }
        if status == Some("2") || self.active.yes() == Some(false) {
            return Standing::Disabled;
        }
        match (self.id.to_text(), self.user_name.to_text()) {
            (Some(id), Some(user_name)) => Standing::Enabled(MemberUser { id, user_name, domain: self.domain() }),
            _ => Standing::Unreadable,
        }
    }

    /// The user as a look-up wants it, if it has an id and a name.
    pub fn state(&self) -> Option<DirectoryUserState> {
        Some(DirectoryUserState {
            id: self.id.to_text()?,
            user_name: self.user_name.to_text()?,
            domain: self.domain(),
            enabled: matches!(self.standing(), Standing::Enabled(_)),
            groups: self.groups().map(str::to_owned).collect(),
        })
    }

    /// The user as one of all; none if deleted, or without an id or a name.
    pub fn listed(&self) -> Option<ListedUser> {
        let standing = self.standing();
        let (id, user_name) = (self.id.to_text()?, self.user_name.to_text()?);
        (standing != Standing::Deleted).then_some(ListedUser { id, user_name, enabled: matches!(standing, Standing::Enabled(_)) })
    }

    /// The ids of the user's groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        values(Some(&self.groups))
    }

    fn domain(&self) -> Option<String> {
        self.workspace.object().and_then(|workspace| workspace.domain.to_text())
    }
}

impl Resource for WireUser {
    fn id(&self) -> Option<&str> {
        self.id.text()
    }
}

fn values(list: Option<&List<Loose<WireRef>>>) -> impl Iterator<Item = &str> {
    list.into_iter().flat_map(|list| &list.items).filter_map(|entry| entry.object()?.value.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(fields: &str) -> WireUser {
        serde_json::from_str(&format!(r#"{{"id":"u1","userName":"ana"{fields}}}"#)).unwrap()
    }

    fn extension(fields: &str) -> String {
        format!(r#","urn:scim:schemas:extension:workspace:1.0":{{{fields}}}"#)
    }

    #[test]
    fn users_are_told_apart_by_their_standing() {
        let enabled = Standing::Enabled(MemberUser { id: "u1".to_owned(), user_name: "ana".to_owned(), domain: Some("d".to_owned()) });
        assert_eq!(user(&extension(r#""domain":"d","userStatus":"1","softDeleted":false"#)).standing(), enabled);
        assert!(matches!(user("").standing(), Standing::Enabled(_)));
        assert_eq!(user(r#","active":false"#).standing(), Standing::Disabled);
        assert_eq!(user(&extension(r#""userStatus":2"#)).standing(), Standing::Disabled);
        assert_eq!(user(&extension(r#""userStatus":"3""#)).standing(), Standing::Deleted);
        assert_eq!(user(&extension(r#""softDeleted":true"#)).standing(), Standing::Deleted);
        assert_eq!(serde_json::from_str::<WireUser>(r#"{"id":"u"}"#).unwrap().standing(), Standing::Unreadable);
        assert!(user("").listed().is_some_and(|listed| listed.enabled));
        assert!(user(r#","active":false"#).listed().is_some_and(|listed| !listed.enabled));
        assert_eq!(user(&extension(r#""softDeleted":true"#)).listed(), None);
    }

    #[test]
    fn a_look_up_sees_groups_and_standing() {
        let state = user(r#","groups":[{"value":"g1","type":"direct"},{},7],"active":false"#).state().unwrap();
        assert_eq!((state.groups, state.enabled), (vec!["g1".to_owned()], false));
    }

    #[test]
    fn members_are_users_or_groups() {
        let group: WireGroup = serde_json::from_str(
            r#"{"id":"g","displayName":"G","members":[{"value":"u1","type":"User"},{"value":"g2","type":"group"},{"value":"u2"},
               {"value":"g3","$ref":"https://x/scim/Groups/g3"},{"display":"nobody"}]}"#,
        )
        .unwrap();
        let ids = group.member_ids().unwrap();
        assert_eq!((ids.users, ids.groups), (vec!["u1".to_owned(), "u2".to_owned()], vec!["g2".to_owned(), "g3".to_owned()]));
        let empty: WireGroup = serde_json::from_str(r#"{"id":"g"}"#).unwrap();
        assert_eq!(empty.member_ids(), Some(MemberIds::default()));
    }

    #[test]
    fn a_page_in_both_spellings_and_what_is_none() {
        for key in ["Resources", "resources"] {
            let body = format!(r#"{{"totalResults":"3","startIndex":1,"itemsPerPage":1,"{key}":[{{"id":"u1"}}]}}"#);
            let page = page::<WireUser>(body.as_bytes()).unwrap();
            assert_eq!((page.total, page.start, page.items.len()), (Some(3), Some(1), 1));
        }
        assert_eq!(page::<WireUser>(br#"{"totalResults":0}"#).unwrap().items.len(), 0);
        for body in ["{}", "[]", "<html>", r#"{"errors":[]}"#, r#"{"totalResults":1,"Resources":"x"}"#] {
            assert!(page::<WireUser>(body.as_bytes()).is_none(), "{body}");
        }
    }
}
