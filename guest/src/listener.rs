//! One worker, read now, for a clerk who asks. Events are not read yet: the platform keeps them and brings them again.

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

/// When an event is to be brought again, as long as nothing reads events: it is kept and not lost.
pub const BRING_AGAIN_SECONDS: u32 = 60;

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
    let mut of_name = directory.find_users(user).await?;
    of_name.retain(|found| ids::key(&found.user_name) == ids::key(user));
    let record = roster::find(user).await?;
    let users = match (record, of_name.as_slice()) {
        // The one user of the name whom a batch found to be a worker. The groups Access lists for a user need not name a
        // group around them, so only who is in none at all has surely left; anything else the next batch will see.
        (Some(record), [one]) if record.reason != Reason::AmbiguousUser => {
            if one.enabled && !one.groups.is_empty() {
                of_name
            } else {
                Vec::new()
            }
        }
        (record, _) => {
            let in_doubt = record.is_some_and(|record| record.reason == Reason::AmbiguousUser);
            in_groups(&directory, of_name, in_doubt, settings).await?
        }
    };
    let written = users.first().map(|user| user.user_name.clone());
    let nobody = || {
        let message = format!("\"{user}\" is in none of the configured groups, or is disabled or gone there");
        Trouble::new(catalogue::EVENT_NOBODY, message)
    };
    let user = written.ok_or_else(nobody)?;
    let plain = |found: DirectoryUserState| DirectoryUser { id: found.id, user_name: found.user_name, domain: found.domain };
    Ok(Member { key: ids::key(&user), user, users: users.into_iter().map(plain).collect() })
}

/// Of the users of a name those who count for it, if one of them is an enabled worker: the workers, those of the exempt
/// groups, and where a record says that the name is ambiguous (`in_doubt`) everybody in any group at all. A look-up cannot
/// tell who is in a group inside a configured one, so what a batch found to be several only a batch finds to be one.
async fn in_groups(
    directory: &Directory,
    mut of_name: Vec<DirectoryUserState>,
    in_doubt: bool,
    settings: &Settings,
) -> Result<Vec<DirectoryUserState>, Trouble> {
    of_name.retain(|found| found.enabled);
    let mut inside = take_members(directory, &mut of_name, &settings.user_groups).await?;
    if !inside.is_empty() {
        inside.extend(take_members(directory, &mut of_name, &settings.exempt_groups).await?);
        inside.extend(of_name.into_iter().filter(|found| in_doubt && !found.groups.is_empty()));
    }
    Ok(inside)
}

/// Takes the users who are in one of these groups. A group that cannot be found is passed over, as a batch would.
async fn take_members(
    directory: &Directory,
    users: &mut Vec<DirectoryUserState>,
    groups: &[String],
) -> Result<Vec<DirectoryUserState>, Trouble> {
    let mut inside = Vec::new();
    for name in groups {
        if users.is_empty() {
            break;
        }
        match directory.find_group(name).await {
            Ok(group) => inside.extend(users.extract_if(.., |found| found.groups.contains(&group.id))),
            Err(trouble) if gather::is_of_the_group(trouble.number) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(inside)
}
