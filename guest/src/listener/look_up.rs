//! One worker, read now, for a clerk who asks.

use std::collections::BTreeMap;

use shift_access_core::catalogue;
use shift_access_core::identity::{DirectoryUser, Member};
use shift_access_core::ids;
use shift_access_core::plan::Context;
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;
use shift_access_core::status::{Reason, SourceKind};

use crate::kronos::Kronos;
use crate::trouble::Trouble;
use crate::workspace_one::{Directory, DirectoryUserState};
use crate::{apply, clock, convert, gather, reach, roster};

/// Reads the time system for one user, stores what it says, and returns what is stored then: this reading, or a newer one.
pub async fn look_up(user: &str) -> Result<Record, Trouble> {
    let settings = convert::settings()?;
    let member = member(user, &settings).await?;
    match read(member, &settings).await {
        Ok(()) => roster::find(user).await?.ok_or_else(|| Trouble::new(catalogue::STORAGE_FAILED, "the record is gone again")),
        Err(trouble) => {
            reach::note_failure(&trouble, clock::now()).await;
            Err(trouble)
        }
    }
}

async fn read(member: Member, settings: &Settings) -> Result<(), Trouble> {
    let kronos = Kronos::new();
    let zones = gather::zones(&kronos, settings).await?;
    let now = clock::now();
    let readings = gather::readings(&kronos, vec![member], settings, now).await?;
    reach::note(true, now).await?;
    apply::store(readings, Context { settings, zones: &zones, now, run: "", kind: SourceKind::LookUp }).await?;
    Ok(())
}

/// The worker, if they are one: the directory is always asked for the users of this name, so that nobody who was disabled
/// or removed there is renewed. What is stored of somebody else stays as it is, to grow old or to be removed by a batch.
async fn member(user: &str, settings: &Settings) -> Result<Member, Trouble> {
    let directory = Directory::new();
    let mut of_name = bearers(&directory, user).await?;
    let record = roster::find(user).await?;
    let users = match (record, of_name.as_slice()) {
        // The one user of the name whom a batch found to be a worker. The groups Access lists for a user need not name a
        // group around them, so only who is in none at all has surely left; anything else the next batch will see.
        (Some(record), [one]) if record.reason != Reason::AmbiguousUser => {
            let is_there = one.enabled && !one.groups.is_empty();
            of_name.retain(|_| is_there);
            of_name
        }
        (record, _) => {
            let in_doubt = record.is_some_and(|record| record.reason == Reason::AmbiguousUser);
            in_groups(&mut FoundGroups::of(&directory), of_name, in_doubt, settings).await?
        }
    };
    let nobody = || {
        let message = format!("\"{user}\" is in none of the configured groups, or is disabled or gone there");
        Trouble::new(catalogue::EVENT_NOBODY, message)
    };
    member_of(users).ok_or_else(nobody)
}

/// The users of the directory who bear this very name.
pub(super) async fn bearers(directory: &Directory, user: &str) -> Result<Vec<DirectoryUserState>, Trouble> {
    let mut of_name = directory.find_users(user).await?;
    of_name.retain(|found| ids::key(&found.user_name) == ids::key(user));
    Ok(of_name)
}

/// The member that these users of one name are; none where there is nobody.
pub(super) fn member_of(users: Vec<DirectoryUserState>) -> Option<Member> {
    let user = users.first()?.user_name.clone();
    let plain = |found: DirectoryUserState| DirectoryUser { id: found.id, user_name: found.user_name, domain: found.domain };
    Some(Member { key: ids::key(&user), user, users: users.into_iter().map(plain).collect() })
}

/// The ids of the configured groups, each asked for once and only when it is needed.
pub(super) struct FoundGroups<'a> {
    directory: &'a Directory,
    ids: BTreeMap<String, Option<String>>,
}

impl<'a> FoundGroups<'a> {
    /// None is known yet.
    pub(super) const fn of(directory: &'a Directory) -> Self {
        Self { directory, ids: BTreeMap::new() }
    }

    /// The id of a group. One that cannot be found is passed over, as a batch would.
    async fn id(&mut self, name: &str) -> Result<Option<&str>, Trouble> {
        if !self.ids.contains_key(name) {
            let id = match self.directory.find_group(name).await {
                Ok(group) => Some(group.id),
                Err(trouble) if gather::is_of_the_group(trouble.number) => None,
                Err(trouble) => return Err(trouble),
            };
            self.ids.insert(name.to_owned(), id);
        }
        Ok(self.ids.get(name).and_then(Option::as_deref))
    }
}

/// Of the users of a name those who count for it, if one of them is an enabled worker: the workers, those of the exempt
/// groups, and where a record says that the name is ambiguous (`in_doubt`) everybody in any group at all. A look-up cannot
/// tell who is in a group inside a configured one, so what a batch found to be several only a batch finds to be one.
pub(super) async fn in_groups(
    groups: &mut FoundGroups<'_>,
    mut of_name: Vec<DirectoryUserState>,
    in_doubt: bool,
    settings: &Settings,
) -> Result<Vec<DirectoryUserState>, Trouble> {
    of_name.retain(|found| found.enabled);
    let mut inside = take_members(groups, &mut of_name, &settings.user_groups).await?;
    if !inside.is_empty() {
        inside.extend(take_members(groups, &mut of_name, &settings.exempt_groups).await?);
        inside.extend(of_name.into_iter().filter(|found| in_doubt && !found.groups.is_empty()));
    }
    Ok(inside)
}

/// Takes the users who are in one of these groups.
async fn take_members(
    groups: &mut FoundGroups<'_>,
    users: &mut Vec<DirectoryUserState>,
    names: &[String],
) -> Result<Vec<DirectoryUserState>, Trouble> {
    let mut inside = Vec::new();
    for name in names {
        if users.is_empty() {
            break;
        }
        if let Some(id) = groups.id(name).await? {
            inside.extend(users.extract_if(.., |found| found.groups.iter().any(|group| group == id)));
        }
    }
    Ok(inside)
}
