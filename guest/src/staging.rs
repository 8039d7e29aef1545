//! What a run keeps aside while it works: the members of the groups, and with the brake set the planned records.
//!
//! It lies in storage and not in memory, so that a run over 20,000 workers needs no more room than one over 2,000. What
//! a killed run left is cleared by the next; only one run of a job is under way for a tenant.
//!
//! Keys: `gather/m/NAME` a member, `gather/e/NAME` a member of an exempt group, `gather/p/NAME` a planned record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shift_access_core::identity::{self, DirectoryUser, Member};
use shift_access_core::ids;

use crate::store::{self, Entry, StoreError};

/// Everything a run keeps aside.
pub const ALL: &str = "gather/";

/// The members of the configured groups.
pub const MEMBERS: &str = "gather/m/";

/// The members of the exempt groups.
pub const EXEMPT: &str = "gather/e/";

/// The records a run under the brake has planned.
pub const PLANNED: &str = "gather/p/";

/// Where the members of the groups are put.
#[derive(Debug, Clone, Copy)]
pub struct Shelves<'a> {
    /// The prefix for the members of the configured groups.
    pub members: &'a str,
    /// The prefix for the members of the exempt groups.
    pub exempt: &'a str,
}

/// Those of a batch.
pub const BATCH: Shelves<'static> = Shelves { members: MEMBERS, exempt: EXEMPT };

/// Adds directory users to the members kept aside under a prefix, and tells how many names are new there.
pub async fn add(prefix: &str, users: Vec<DirectoryUser>) -> Result<u64, StoreError> {
    let mut new = 0;
    let mut users = users;
    while !users.is_empty() {
        let rest = users.split_off(users.len().min(store::PAGE));
        new += add_some(prefix, users).await?;
        users = rest;
    }
    Ok(new)
}

async fn add_some(prefix: &str, users: Vec<DirectoryUser>) -> Result<u64, StoreError> {
    let arriving = identity::members(users);
    let keys: Vec<String> = arriving.iter().map(|member| store::key(prefix, &member.key)).collect();
    let kept = store::get(&keys).await?;
    let mut new = 0;
    let mut writes = Vec::new();
    for ((member, key), kept) in arriving.into_iter().zip(keys).zip(kept) {
        let before = kept.as_ref().map(read).transpose()?;
        new += u64::from(before.is_none());
        if let Some(after) = merge(before, member) {
            writes.push(store::write(key, encode(&after)));
        }
    }
    store::put(writes).await?;
    Ok(new)
}

/// A member with the directory users of both; none where that is what is kept already.
fn merge(kept: Option<Member>, arriving: Member) -> Option<Member> {
    let Some(kept) = kept else { return Some(arriving) };
    let mut users: BTreeMap<String, DirectoryUser> = kept.users.iter().cloned().map(|user| (user.id.clone(), user)).collect();
    for user in arriving.users {
        users.entry(user.id.clone()).or_insert(user);
    }
    (users.len() > kept.users.len()).then(|| Member { users: users.into_values().collect(), ..kept })
}

/// Members with every directory user who bears the name on another shelf too. Access is asked for by the name alone, so
/// somebody of the name in an exempt group makes a worker as ambiguous as another worker would.
pub async fn with_namesakes(members: Vec<Member>, shelf: &str) -> Result<Vec<Member>, StoreError> {
    let keys: Vec<String> = members.iter().map(|member| store::key(shelf, &member.key)).collect();
    let entries = store::get(&keys).await?;
    let add = |(member, entry): (Member, Option<Entry>)| match entry.as_ref().map(read).transpose()? {
        Some(namesake) => Ok(merge(Some(member.clone()), namesake).unwrap_or(member)),
        None => Ok(member),
    };
    members.into_iter().zip(entries).map(add).collect()
}

/// Reads what is kept aside for one member.
pub fn read(entry: &Entry) -> Result<Member, StoreError> {
    decode(&entry.value).ok_or_else(|| StoreError::Unreadable(format!("`{}` is damaged", entry.key)))
}

#[derive(Serialize, Deserialize)]
struct Form {
    /// The user name as the directory writes it.
    u: String,
    /// The directory users of that name: id and domain.
    d: Vec<(String, Option<String>)>,
}

fn encode(member: &Member) -> Vec<u8> {
    let form = Form { u: member.user.clone(), d: member.users.iter().map(|user| (user.id.clone(), user.domain.clone())).collect() };
    // A struct of texts always has a JSON form.
    serde_json::to_vec(&form).unwrap_or_default()
}

fn decode(bytes: &[u8]) -> Option<Member> {
    let form: Form = serde_json::from_slice(bytes).ok()?;
    let users = form.d.into_iter().map(|(id, domain)| DirectoryUser { id, user_name: form.u.clone(), domain }).collect();
    Some(Member { key: ids::key(&form.u), user: form.u, users })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(ids: &[&str]) -> Member {
        let users = ids.iter().map(|id| DirectoryUser { id: (*id).into(), user_name: "ADiaz".into(), domain: Some(format!("d{id}")) });
        Member { key: "adiaz".into(), user: "ADiaz".into(), users: users.collect() }
    }

    #[test]
    fn a_member_comes_back_as_it_was_kept() {
        assert_eq!(decode(&encode(&member(&["1", "2"]))), Some(member(&["1", "2"])));
    }

    #[test]
    fn a_worker_in_two_groups_counts_once() {
        assert_eq!(merge(None, member(&["1"])), Some(member(&["1"])));
        assert_eq!(merge(Some(member(&["1"])), member(&["1"])), None);
    }

    #[test]
    fn one_name_on_two_directory_users_stays_two() {
        assert_eq!(merge(Some(member(&["2"])), member(&["1"])), Some(member(&["1", "2"])));
    }
}
