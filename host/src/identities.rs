//! Every page of how users and persons match, one after the other, for whoever goes through all of them. It knows what a page is, and
//! nothing of who is on it.
//!
//! A pack decides where the next page begins. One that does not get on must not be asked for ever, and what it has told until then is
//! not all: how the reading ended is a part of what it found.

use crate::answer::Identities;
use crate::history::Warning;

/// Pages of one reading at most, whatever the pack says.
const MOST_PAGES: usize = 20_000;

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the last page.
    Complete,
    /// With a page that follows itself.
    Stuck,
    /// With as many pages as are read at most.
    TooMany,
}

impl Ending {
    /// What there is to say of it; nothing where everybody was read.
    pub(crate) fn warning(self) -> Option<Warning> {
        let why = match self {
            Self::Complete => return None,
            Self::Stuck => "The pack gives the same page again and again".to_owned(),
            Self::TooMany => format!("There are more than {MOST_PAGES} pages"),
        };
        Some(Warning { code: String::new(), message: format!("{why}: the list is not complete."), subject: None })
    }
}

/// Has every page that follows the first asked for with `ask`, and gives each to `each`. `next` is where the second begins.
///
/// # Errors
/// The first of either.
pub(crate) async fn pages<E, F>(
    mut next: Option<String>,
    ask: impl Fn(String) -> F,
    mut each: impl FnMut(Identities) -> Result<(), E>,
) -> Result<Ending, E>
where
    F: Future<Output = Result<Identities, E>>,
{
    for _ in 1..MOST_PAGES {
        let Some(from) = next.take() else { return Ok(Ending::Complete) };
        let mut page = ask(from.clone()).await?;
        next = page.next.take();
        each(page)?;
        if next.as_ref() == Some(&from) {
            return Ok(Ending::Stuck);
        }
    }
    Ok(if next.is_none() { Ending::Complete } else { Ending::TooMany })
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    /// Goes through pages of which the one at a cursor leads to `next`: how it ended, and how many there were after the first.
    async fn through(first: Option<usize>, next: impl Fn(usize) -> Option<usize>) -> (Ending, usize) {
        let text = |at: Option<usize>| at.map(|at| at.to_string());
        let page = |at| Identities { items: Vec::new(), states: Vec::new(), warnings: Vec::new(), next: text(at) };
        let mut seen = 0;
        let count = |_| {
            seen += 1;
            Ok::<_, ()>(())
        };
        let ended = pages(text(first), |from| ready(Ok(page(next(from.parse().unwrap())))), count).await.unwrap();
        (ended, seen)
    }

    #[tokio::test]
    async fn a_reading_is_complete_with_its_last_page_and_with_no_other() {
        assert_eq!(through(None, |_| None).await, (Ending::Complete, 0));
        assert_eq!(through(Some(1), |at| (at < 3).then_some(at + 1)).await, (Ending::Complete, 3));
        assert_eq!(through(Some(1), |at| (at < MOST_PAGES - 1).then_some(at + 1)).await, (Ending::Complete, MOST_PAGES - 1));
        assert_eq!(through(Some(1), |at| Some((at + 1).min(3))).await, (Ending::Stuck, 3));
        assert_eq!(through(Some(1), |at| Some(at + 1)).await, (Ending::TooMany, MOST_PAGES - 1));
        assert_eq!(through(Some(1), |at| Some(1 - at)).await.0, Ending::TooMany, "two pages that lead to each other");
        assert_eq!([Ending::Complete, Ending::Stuck, Ending::TooMany].map(|ending| ending.warning().is_some()), [false, true, true]);
    }
}
