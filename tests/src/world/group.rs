//! The verbs a test has for a directory group. Each changes the world at once and hands the group back.

use crate::world::{GroupKind, Member, World};

/// A group of the world.
#[derive(Debug, Clone)]
pub struct GroupEntry {
    world: World,
    at: usize,
}

impl GroupEntry {
    pub(crate) fn new(world: World, at: usize) -> Self {
        Self { world, at }
    }

    /// The SCIM id.
    pub fn id(&self) -> String {
        self.world.read().groups.get(self.at).map(|group| group.id.clone()).unwrap_or_default()
    }

    /// Sets the kind.
    pub fn kind(self, kind: GroupKind) -> Self {
        self.edit(|group| group.kind = kind)
    }

    /// Only the name was synced: by API the group looks empty.
    pub fn not_synced(self) -> Self {
        self.edit(|group| group.synced = false)
    }

    /// The members were synced after all.
    pub fn synced(self) -> Self {
        self.edit(|group| group.synced = true)
    }

    /// Gives the group another name.
    pub fn renamed(self, name: &str) -> Self {
        self.edit(|group| name.clone_into(&mut group.name))
    }

    /// Removes the group.
    pub fn removed(self) -> Self {
        self.edit(|group| group.gone = true)
    }

    /// Puts another group into this one; the other is made if missing.
    pub fn contains_group(self, name: &str) -> Self {
        let child = self.world.group(name).at;
        self.world.write().join(self.at, Member::Group(child));
        self
    }

    /// Puts a user into this very group, also where another has the same name.
    pub fn contains_user(self, user_name: &str, domain: &str) -> Self {
        if let Some(user) = self.world.directory_user_in(user_name, domain).user_index() {
            self.world.write().join(self.at, Member::User(user));
        }
        self
    }

    fn edit(self, change: impl FnOnce(&mut crate::world::Group)) -> Self {
        if let Some(group) = self.world.write().groups.get_mut(self.at) {
            change(group);
        }
        self
    }
}
