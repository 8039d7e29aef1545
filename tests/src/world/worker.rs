//! The verbs a test has for one worker, so that it reads like a story. Each changes the world at once and hands the worker back.
//!
//! Here is who the worker is and what the directory says; what the clock saw is told by the verbs in `clock`. Times there are "so
//! long ago", counted from the world's now. A verb for a side that the worker lacks makes that side, with the same user name.

mod clock;

use std::cell::Cell;

use crate::world::{HOME_DOMAIN, Member, Person, State, Trouble, User, World};

/// One worker of the world: a person in UKG, a user of the directory, or both.
#[derive(Debug, Clone)]
pub struct Worker {
    world: World,
    person: Cell<Option<usize>>,
    user: Cell<Option<usize>>,
}

/// Who the worker is.
impl Worker {
    pub(crate) fn new(world: World, person: Option<usize>, user: Option<usize>) -> Self {
        Self { world, person: Cell::new(person), user: Cell::new(user) }
    }

    /// First and last name, on both sides.
    pub fn named(self, name: &str) -> Self {
        let (first, last) = name.split_once(' ').unwrap_or(("", name));
        self.on_sides(
            |person| {
                first.clone_into(&mut person.first_name);
                last.clone_into(&mut person.last_name);
            },
            |user| {
                first.clone_into(&mut user.given_name);
                last.clone_into(&mut user.family_name);
            },
        )
    }

    /// The person number, and the employee number where there is a directory user.
    pub fn number(self, number: &str) -> Self {
        let person = self.person_index();
        self.world.write().renumber(person, number);
        if self.user.get().is_some() { self.employee_number(number) } else { self }
    }

    /// The mail address, on both sides.
    pub fn email(self, address: &str) -> Self {
        self.on_sides(|person| person.email = Some(address.to_owned()), |user| user.emails = vec![address.to_owned()])
    }

    /// The home zone, by Kronos number. Punches told later stand in it.
    pub fn zone(self, id: u32) -> Self {
        self.edit(|person| person.zone = id)
    }

    /// The badge.
    pub fn badge(self, badge: &str) -> Self {
        self.edit(|person| person.badge = Some(badge.to_owned()))
    }

    /// No longer employed, says UKG.
    pub fn terminated(self) -> Self {
        self.edit(|person| person.active = false)
    }

    /// Outside the employee group of the API user.
    pub fn hidden_from_api_user(self) -> Self {
        self.edit(|person| person.hidden = true)
    }

    /// Back inside that group.
    pub fn shown_to_api_user(self) -> Self {
        self.edit(|person| person.hidden = false)
    }

    /// What `TK_ON_PREMISE` says, whatever the punches say.
    pub fn on_premise(self, flag: bool) -> Self {
        self.edit(|person| person.on_premise = Some(flag))
    }

    /// Every timecard read answers an error for this worker.
    pub fn errors_with(self, code: &str, message: &str) -> Self {
        self.edit(|person| person.trouble = Some(Trouble { code: code.to_owned(), message: message.to_owned() }))
    }

    /// That error is over.
    pub fn healed(self) -> Self {
        self.edit(|person| person.trouble = None)
    }

    /// UKG does not know the worker, or no longer.
    pub fn not_in_kronos(self) -> Self {
        self.edit(|person| person.gone = true)
    }

    /// UKG knows the worker under another user name than the directory.
    pub fn kronos_user_name(self, user_name: &str) -> Self {
        self.world.write().rename_login(self.person_index_for(user_name), user_name);
        self
    }

    /// The directory knows the worker under another user name than UKG.
    pub fn directory_user_name(self, user_name: &str) -> Self {
        if let Some(user) = self.user_index() {
            self.world.write().rename_user(user, user_name);
        }
        self
    }
}

/// What the directory says.
impl Worker {
    /// Joins a group by name; the group is made if missing.
    pub fn in_group(self, name: &str) -> Self {
        self.edit_user(|_| {});
        let group = self.world.group(name).id();
        self.membership(&group, State::join)
    }

    /// Leaves a group.
    pub fn left_group(self, name: &str) -> Self {
        let group = self.world.group(name).id();
        self.membership(&group, State::leave)
    }

    /// Moves the user to another domain.
    pub fn in_domain(self, domain: &str) -> Self {
        self.edit_user(|user| domain.clone_into(&mut user.domain));
        self
    }

    /// Disabled: `active` false, `userStatus` 2.
    pub fn disabled(self) -> Self {
        self.edit_user(|user| (user.active, user.status) = (false, 2));
        self
    }

    /// Enabled again.
    pub fn enabled(self) -> Self {
        self.edit_user(|user| (user.active, user.status, user.soft_deleted) = (true, 1, false));
        self
    }

    /// Soft-deleted: `userStatus` 3. Deliberately leaves `active` as it was.
    pub fn soft_deleted(self) -> Self {
        self.edit_user(|user| (user.status, user.soft_deleted) = (3, true));
        self
    }

    /// Sets `userStatus` alone.
    pub fn user_status(self, status: u8) -> Self {
        self.edit_user(|user| user.status = status);
        self
    }

    /// `GET /Users/{id}` fails with this status.
    pub fn unreadable(self, status: u16) -> Self {
        self.edit_user(|user| user.unreadable = Some(status));
        self
    }

    /// Purged from the directory, while groups may still name the id.
    pub fn purged(self) -> Self {
        self.edit_user(|user| user.gone = true);
        self
    }

    /// The employee number in the directory.
    pub fn employee_number(self, number: &str) -> Self {
        self.edit_user(|user| user.employee_number = Some(number.to_owned()));
        self
    }

    /// The SCIM id, empty without a directory user.
    pub fn user_id(&self) -> String {
        let state = self.world.read();
        self.user.get().and_then(|at| state.users.get(at)).map(|user| user.id.clone()).unwrap_or_default()
    }

    fn membership(self, group: &str, change: impl FnOnce(&mut State, usize, Member)) -> Self {
        let mut state = self.world.write();
        if let (Some(user), Some(group)) = (self.user.get(), state.group_by_id(group)) {
            change(&mut state, group, Member::User(user));
        }
        drop(state);
        self
    }
}

/// How the verbs reach the world.
impl Worker {
    pub(crate) fn user_index(&self) -> Option<usize> {
        self.user.get()
    }

    /// Finds or makes the directory user and remembers it.
    pub(crate) fn with_user(&self, user_name: &str, domain: Option<&str>) {
        let mut state = self.world.write();
        let at = state.find_user(user_name, domain).unwrap_or_else(|| state.add_user(user_name, domain.unwrap_or(HOME_DOMAIN)));
        drop(state);
        self.user.set(Some(at));
    }

    fn person_index(&self) -> usize {
        let name = self.user.get().and_then(|at| self.world.read().users.get(at).map(|user| user.user_name.clone()));
        self.person_index_for(&name.unwrap_or_default())
    }

    fn person_index_for(&self, user_name: &str) -> usize {
        let at = self.person.get().unwrap_or_else(|| self.world.write().add_person(user_name));
        self.person.set(Some(at));
        at
    }

    fn edit_user(&self, change: impl FnOnce(&mut User)) {
        if self.user.get().is_none() {
            let name = self.person.get().and_then(|at| self.world.read().people.get(at).map(|person| person.user_name.clone()));
            self.with_user(&name.unwrap_or_default(), None);
        }
        let mut state = self.world.write();
        if let Some(user) = self.user.get().and_then(|at| state.users.get_mut(at)) {
            change(user);
        }
    }

    fn on_sides(self, person: impl FnOnce(&mut Person), user: impl FnOnce(&mut User)) -> Self {
        let mut state = self.world.write();
        if let Some(known) = self.person.get().and_then(|at| state.people.get_mut(at)) {
            person(known);
        }
        if let Some(known) = self.user.get().and_then(|at| state.users.get_mut(at)) {
            user(known);
        }
        drop(state);
        self
    }
}
