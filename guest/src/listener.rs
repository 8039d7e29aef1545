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
use crate::workspace_one::Directory;
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

/// The worker, if they are one: somebody a batch has stored, or else an enabled user in one of the configured groups.
async fn member(user: &str, settings: &Settings) -> Result<Member, Trouble> {
    // A name that was found on several directory users is asked for again: a record does not hold which they were.
    if let Some(record) = roster::find(user).await?.filter(|record| record.reason != Reason::AmbiguousUser) {
        return Ok(alone(record.user));
    }
    let users = users_in_groups(user, settings).await?;
    let written = users.first().map(|user| user.user_name.clone());
    let nobody = || Trouble::new(catalogue::EVENT_NOBODY, format!("\"{user}\" is in none of the configured groups, or is disabled there"));
    let user = written.ok_or_else(nobody)?;
    Ok(Member { key: ids::key(&user), user, users })
}

/// The enabled users of this name in one of the configured groups. A group that cannot be found is passed over, as a batch
/// would; so is one that only holds a group the user is in, which the next batch follows.
async fn users_in_groups(user: &str, settings: &Settings) -> Result<Vec<DirectoryUser>, Trouble> {
    let directory = Directory::new();
    let mut of_name = directory.find_users(user).await?;
    of_name.retain(|found| found.enabled && ids::key(&found.user_name) == ids::key(user));
    let mut inside = Vec::new();
    for name in &settings.user_groups {
        if of_name.is_empty() {
            break;
        }
        match directory.find_group(name).await {
            Ok(group) => inside.extend(of_name.extract_if(.., |found| found.groups.contains(&group.id))),
            Err(trouble) if gather::is_of_the_group(trouble.number) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(inside.into_iter().map(|found| DirectoryUser { id: found.id, user_name: found.user_name, domain: found.domain }).collect())
}

fn alone(user_name: String) -> Member {
    let key = ids::key(&user_name);
    let user = DirectoryUser { id: String::new(), user_name: user_name.clone(), domain: None };
    Member { key, user: user_name, users: vec![user] }
}
