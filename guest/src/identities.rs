//! How the users of the directory and the persons of the time system match, page by page.
//!
//! The first page reads both systems and settles every identity; all of them lie in storage then, and the other pages are
//! read from there. What is said of a member is what a batch would find. No record is touched.

mod aside;
mod reading;

use shift_access_core::catalogue;
use shift_access_core::identity::Identity;

use crate::report::Warnings;
use crate::trouble::Trouble;
use crate::{clock, convert, reach};
use aside::Aside;
pub use aside::clear_old;

/// Identities at most in one page.
const LONGEST_PAGE: u32 = 1_000;

/// One page of the report.
pub struct Identities {
    /// The identities: those of members in the order of their names, then those of persons alone.
    pub items: Vec<Identity>,
    /// What could not be read; on the first page only.
    pub warnings: Warnings,
    /// Where the next page begins; absent at the end.
    pub cursor: Option<String>,
}

/// A page of at most `limit` identities. Without a cursor it reads both systems first.
pub async fn page(cursor: Option<String>, limit: u32) -> Result<Identities, Trouble> {
    let limit = usize::try_from(limit.clamp(1, LONGEST_PAGE)).unwrap_or(1);
    let Some(cursor) = cursor else { return first(limit).await };
    let gone = || Trouble::new(catalogue::STORAGE_FAILED, "this report is gone, as after an hour; ask for a new one from its first page");
    let (aside, at) = Aside::find(&cursor).await?.ok_or_else(gone)?;
    hand_out(&aside, Some(at), limit, Warnings::default()).await
}

async fn first(limit: usize) -> Result<Identities, Trouble> {
    let settings = convert::settings()?;
    let now = clock::now();
    clear_old(now).await?;
    let aside = Aside::begin(now).await?;
    let mut warnings = Warnings::default();
    let outcome = match reading::read(&aside, &settings, &mut warnings).await {
        Ok(()) => match reach::note(true, clock::now()).await {
            Ok(()) => hand_out(&aside, None, limit, warnings).await,
            Err(error) => Err(error.into()),
        },
        Err(trouble) => {
            reach::note_failure(&trouble, clock::now()).await;
            Err(trouble)
        }
    };
    if outcome.is_err() {
        // What is left here all the same is cleared by a later report or batch.
        let _ = aside.clear().await;
    }
    outcome
}

/// A page of what is settled. With the last one everything that was kept aside goes.
async fn hand_out(aside: &Aside, at: Option<String>, limit: usize, warnings: Warnings) -> Result<Identities, Trouble> {
    let (items, next) = aside.settled(at, limit).await?;
    if next.is_none() {
        aside.clear().await?;
    }
    Ok(Identities { items, warnings, cursor: next.map(|next| aside.cursor(&next)) })
}
