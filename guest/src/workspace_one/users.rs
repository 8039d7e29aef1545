//! Users by name, one user by id, and all users.

use shift_access_core::{catalogue, ids};

use crate::call::{Answer, System, blame, send};
use crate::trouble::Trouble;
use crate::workspace_one::pages::{PASSES, Pages};
use crate::workspace_one::scim::{Standing, USER_ATTRIBUTES, WireUser};
use crate::workspace_one::{DirectoryUserState, ListedUser, by_id, filter, puzzling};

/// See [`Directory::find_users`](crate::workspace_one::Directory::find_users).
///
/// Whether the filter looks at case is not documented, so a name that fits nobody is asked for again in small and in
/// capital letters.
pub async fn find(user_name: &str) -> Result<Vec<DirectoryUserState>, Trouble> {
    let name = user_name.trim();
    let mut spellings = vec![name.to_owned(), name.to_lowercase(), name.to_uppercase()];
    spellings.dedup();
    for spelling in spellings {
        let found = spelled(&spelling).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

async fn spelled(name: &str) -> Result<Vec<DirectoryUserState>, Trouble> {
    let (wanted, mut found) = (ids::key(name), Vec::<DirectoryUserState>::new());
    let mut pages = Pages::of("Users", USER_ATTRIBUTES).matching(filter("userName", name));
    while let Some(page) = pages.next::<WireUser>().await? {
        for user in page.iter().filter_map(WireUser::state) {
            if ids::key(&user.user_name) == wanted && found.iter().all(|other| other.id != user.id) {
                found.push(user);
            }
        }
    }
    Ok(found)
}

/// See [`Directory::everybody`](crate::workspace_one::Directory::everybody).
pub async fn everybody<F>(mut sink: F) -> Result<bool, Trouble>
where
    F: AsyncFnMut(Vec<ListedUser>) -> Result<(), Trouble>,
{
    for _ in 0..PASSES {
        let mut pages = Pages::of("Users", USER_ATTRIBUTES);
        while let Some(page) = pages.next::<WireUser>().await? {
            sink(page.iter().filter_map(WireUser::listed).collect()).await?;
        }
        if pages.is_whole() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why the standing of one member is not known.
#[derive(Debug, PartialEq, Eq)]
pub enum NotRead {
    /// Access cannot show this one, which stops nobody else (facts/workspace-one.md §3.2).
    One(Trouble),
    /// Access is of no use to anybody: it is out of reach, or refuses the client.
    All(Trouble),
}

/// The standing of one member.
pub async fn standing(id: &str) -> Result<Standing, NotRead> {
    let no_id = || NotRead::One(Trouble::new(catalogue::ACCESS_NOT_UNDERSTOOD, "Workspace ONE Access names a member without an id"));
    let call = by_id("Users", id).ok_or_else(no_id)?;
    let answer = send(System::Access, call).await.map_err(|error| NotRead::All(blame::failed(System::Access, &error)))?;
    read(&answer)
}

fn read(answer: &Answer) -> Result<Standing, NotRead> {
    match answer.status {
        200..300 => {
            let user = serde_json::from_slice::<WireUser>(&answer.body);
            user.map(|user| user.standing()).map_err(|_| NotRead::One(puzzling(answer, "the question for one user")))
        }
        // Not there is an answer: it must not keep others from losing their records for ever.
        404 => Ok(Standing::Deleted),
        401 | 403 | 429 | 501.. => Err(NotRead::All(blame::refused(System::Access, answer))),
        _ => Err(NotRead::One(blame::refused(System::Access, answer))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_one_user_is_told_from_a_refusal_of_the_client() {
        let refusal = |status| read(&Answer { status, body: Vec::new(), request_id: None }).unwrap_err();
        for (status, number) in [(500, 20), (400, 25), (200, 25)] {
            assert!(matches!(refusal(status), NotRead::One(trouble) if trouble.number == number), "{status}");
        }
        for (status, number) in [(401, 21), (403, 21), (429, 20), (503, 20)] {
            assert!(matches!(refusal(status), NotRead::All(trouble) if trouble.number == number), "{status}");
        }
    }
}
