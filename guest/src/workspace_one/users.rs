//! Users by name, and one user by id.

use shift_access_core::ids;

use crate::call::{System, blame, send};
use crate::trouble::Trouble;
use crate::workspace_one::pages::Pages;
use crate::workspace_one::scim::{Standing, USER_ATTRIBUTES, WireUser};
use crate::workspace_one::{DirectoryUserState, by_id, filter};

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

/// The standing of one member. A user that Access cannot show stops nobody else (facts/workspace-one.md §3.2).
pub async fn standing(id: &str) -> Result<Standing, Trouble> {
    let Some(call) = by_id("Users", id) else { return Ok(Standing::Unreadable) };
    let answer = send(System::Access, call).await.map_err(|error| blame::failed(System::Access, &error))?;
    match answer.status {
        200..300 => Ok(serde_json::from_slice::<WireUser>(&answer.body).map_or(Standing::Unreadable, |user| user.standing())),
        401 | 429 | 501.. => Err(blame::refused(System::Access, &answer)),
        _ => Ok(Standing::Unreadable),
    }
}
