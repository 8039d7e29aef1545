//! Paging through a SCIM list without skipping or doubling an entry.
//!
//! Access documents 0 as the first index and answers with 1 (facts/workspace-one.md §3.2), so the first page is asked
//! for without an index, and what it says decides. A page is taken for as long as it is, whatever was asked for.
//!
//! A list that moves while it is read, or ends before its total, hides entries without any error; who removes records on
//! the strength of a list must know. So each page begins with the last entry of the one before: if that does not come
//! again the list has moved, which nothing has to be remembered for.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use crate::bindings::shift_access::plugin::http::Error;
use crate::call::{Answer, Call, System, blame, send};
use crate::trouble::Trouble;
use crate::workspace_one::scim::{Page, Resource, page};
use crate::workspace_one::{SCIM, puzzling};

/// Entries in one page.
pub const PAGE: u64 = 500;
/// How often a list that moves or ends early is read before it is taken for what it is.
pub const PASSES: usize = 3;
/// The shortest page that can spare an entry for the one before it. A server that counts from 1 and calls it 0 repeats
/// another.
const OVERLAPPING: u64 = 3;
/// The largest page taken while a smaller one can still be asked for.
const PAGE_BYTES: u64 = 2 * 1024 * 1024;

/// A list that is read page by page.
#[derive(Debug)]
pub struct Pages {
    kind: &'static str,
    filter: Option<String>,
    attributes: Option<&'static str>,
    count: u64,
    cursor: Cursor,
}

impl Pages {
    /// The list of this kind, `Users` or `Groups`, with these attributes of each entry.
    pub fn of(kind: &'static str, attributes: &'static str) -> Self {
        Self { kind, filter: None, attributes: Some(attributes), count: PAGE, cursor: Cursor::default() }
    }

    /// Only the entries that match; the filter is not encoded.
    pub fn matching(self, filter: String) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// The next entries, none at the end. A page may be empty where it only repeats the one before.
    pub async fn next<T: DeserializeOwned + Resource>(&mut self) -> Result<Option<Vec<T>>, Trouble> {
        if self.cursor.is_at_end() {
            return Ok(None);
        }
        let Some(answer) = self.ask().await? else {
            self.cursor.end();
            return Ok(None);
        };
        let Some(page) = page::<T>(&answer.body) else {
            return Err(puzzling(&answer, &format!("the list of {}", self.kind)));
        };
        let stuck = || puzzling_repeat(self.kind, &answer);
        self.cursor.advance(page).map(Some).ok_or_else(stuck)
    }

    /// Whether the list was read to its end and hid nothing.
    pub fn is_whole(&self) -> bool {
        let cursor = &self.cursor;
        cursor.ended && !cursor.moved && !cursor.odd && cursor.missing() == 0
    }

    /// Why a list that ended before its total cannot be relied on.
    pub fn ended_early(&self) -> Option<Trouble> {
        let (kind, seen, missing) = (self.kind, self.cursor.seen, self.cursor.missing());
        let message = || format!("Workspace ONE Access ended its list of {kind} after {seen} of {}", seen.saturating_add(missing));
        (self.cursor.ended && missing > 0).then(|| Trouble::new(shift_access_core::catalogue::ACCESS_NOT_UNDERSTOOD, message()))
    }

    /// Asks until the page is neither too large nor asked for in a way that Access does not know.
    async fn ask(&mut self) -> Result<Option<Answer>, Trouble> {
        loop {
            match send(System::Access, self.call()).await {
                Ok(answer) if answer.is_success() => return Ok(Some(answer)),
                Ok(answer) if matches!(answer.status, 413 | 504) && self.count > 1 => self.count /= 2,
                Ok(answer) if answer.status == 400 && self.attributes.is_some() => self.attributes = None,
                // The documented answer to an index beyond the end, which a list that shrinks meanwhile makes of a good one.
                Ok(answer) if answer.status == 404 && self.cursor.next.is_some() => return Ok(None),
                Ok(answer) => return Err(blame::refused(System::Access, &answer)),
                Err(Error::TooLarge(_)) if self.count > 1 => self.count /= 2,
                Err(error) => return Err(blame::failed(System::Access, &error)),
            }
        }
    }

    fn call(&self) -> Call {
        let limit = Some(PAGE_BYTES).filter(|_| self.count > 1);
        let mut call = Call::get(format!("{SCIM}/{}", self.kind)).at_most(limit);
        if let Some(filter) = &self.filter {
            call = call.query("filter", filter);
        }
        if let Some(attributes) = self.attributes {
            call = call.query("attributes", attributes);
        }
        if let Some(next) = self.cursor.next {
            call = call.query("startIndex", next.to_string());
        }
        call.query("count", self.count.to_string())
    }
}

fn puzzling_repeat(kind: &str, answer: &Answer) -> Trouble {
    let message = format!("Workspace ONE Access repeats a page of its {kind} instead of going on");
    let message = blame::with_request_id(System::Access, message, answer.request_id.as_deref());
    Trouble::new(shift_access_core::catalogue::ACCESS_NOT_UNDERSTOOD, message)
}

/// Where the reading stands.
#[derive(Debug, Default)]
struct Cursor {
    /// The index to ask for; none for the first page.
    next: Option<u64>,
    /// Distinct entries so far.
    seen: u64,
    total: Option<u64>,
    /// The ids of the page before, to tell what comes twice.
    last: HashSet<String>,
    /// The id that the next page must show again, if it is asked to.
    tail: Option<String>,
    /// An entry may have slipped past between two pages.
    moved: bool,
    /// There was an entry that is none.
    odd: bool,
    repeats: u8,
    ended: bool,
}

impl Cursor {
    const fn is_at_end(&self) -> bool {
        self.ended
    }

    const fn end(&mut self) {
        self.ended = true;
    }

    /// Entries that the total promises and no page showed.
    fn missing(&self) -> u64 {
        self.total.map_or(0, |total| total.saturating_sub(self.seen))
    }

    /// Takes a page and returns its new entries; none if the list does not go on although it should.
    fn advance<T: Resource>(&mut self, page: Page<T>) -> Option<Vec<T>> {
        self.total = page.total.or(self.total);
        let odd = page.length.saturating_sub(page.items.len() as u64);
        self.odd |= odd > 0;
        if page.length == 0 {
            self.ended = true;
            return Some(Vec::new());
        }
        let asked = self.next;
        let start = page.start.or(asked).unwrap_or(1);
        let next = start.saturating_add(page.length);
        let tail = page.items.last().and_then(Resource::id).map(str::to_owned);
        let ids: HashSet<String> = page.items.iter().filter_map(|item| item.id().map(str::to_owned)).collect();
        self.moved |= self.tail.as_ref().is_some_and(|tail| !ids.contains(tail));
        let fresh: Vec<T> = page.items.into_iter().filter(|item| item.id().is_none_or(|id| !self.last.contains(id))).collect();
        self.seen = self.seen.saturating_add(fresh.len() as u64).saturating_add(odd);
        self.last = ids;
        self.tail = tail.filter(|_| page.length >= OVERLAPPING);
        self.next = Some(next.saturating_sub(u64::from(self.tail.is_some())));
        self.repeats = if fresh.is_empty() { self.repeats.saturating_add(1) } else { 0 };
        if self.total.is_some_and(|total| self.seen >= total) {
            self.ended = true;
        } else if self.repeats > 1 || asked.is_some_and(|asked| next <= asked) {
            self.ended = true;
            return self.total.is_none().then_some(fresh);
        }
        Some(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Entry(String);

    impl Resource for Entry {
        fn id(&self) -> Option<&str> {
            Some(&self.0)
        }
    }

    /// Reads a whole list from a server; none if the reading gives up. Ends the test if it does not end.
    fn read(server: impl Fn(Option<u64>) -> Page<Entry>) -> Option<Vec<Entry>> {
        judge(server).map(|(all, _)| all)
    }

    /// The same, and whether it is the whole list.
    fn judge(server: impl Fn(Option<u64>) -> Page<Entry>) -> Option<(Vec<Entry>, bool)> {
        let (mut pages, mut all) = (Pages::of("Users", ""), Vec::new());
        for _ in 0..100 {
            if pages.cursor.is_at_end() {
                return Some((all, pages.is_whole()));
            }
            all.extend(pages.cursor.advance(server(pages.cursor.next))?);
        }
        panic!("the reading does not end");
    }

    fn page_of(total: Option<u64>, start: Option<u64>, items: Vec<Entry>) -> Page<Entry> {
        Page { total, start, length: items.len() as u64, items }
    }

    fn entries(from: u64, until: u64) -> Vec<Entry> {
        (from..until).map(|n| Entry(n.to_string())).collect()
    }

    /// A server whose first index is `base`, which lets a smaller one pass for it, and gives at most `cap` at a time.
    fn server(size: u64, base: u64, cap: u64, echo: bool, total: bool) -> impl Fn(Option<u64>) -> Page<Entry> {
        move |start| {
            let start = start.unwrap_or(base);
            let from = start.max(base) - base;
            let items = entries(from.min(size), (from + cap).min(size));
            page_of(total.then_some(size), echo.then_some(start), items)
        }
    }

    #[test]
    fn every_entry_comes_once_whatever_the_first_index_is() {
        for (size, base, cap) in [(0, 1, 5), (1, 1, 5), (11, 1, 5), (10, 1, 5), (11, 0, 5), (10, 0, 5), (3, 0, 1), (3, 1, 1)] {
            for (echo, total) in [(true, true), (true, false)] {
                assert_eq!(read(server(size, base, cap, echo, total)), Some(entries(0, size)), "{size} {base} {cap} {echo} {total}");
            }
        }
        assert_eq!(read(server(11, 1, 5, false, true)), Some(entries(0, 11)));
    }

    #[test]
    fn a_server_that_says_0_and_counts_from_1_doubles_nothing() {
        for cap in [1, 5] {
            let one_based = server(11, 1, cap, true, true);
            assert_eq!(read(move |start| one_based(Some(start.unwrap_or(0)))), Some(entries(0, 11)));
        }
    }

    #[test]
    fn a_server_that_knows_no_index_ends_the_reading() {
        let always = |total| move |_| page_of(total, Some(1), entries(0, 5));
        assert_eq!(read(always(Some(5))), Some(entries(0, 5)));
        assert_eq!(read(always(None)), Some(entries(0, 5)));
        assert_eq!(read(always(Some(9))), None);
    }

    #[test]
    fn a_list_is_whole_where_every_entry_came() {
        for (size, base, cap) in [(0, 1, 5), (11, 1, 5), (11, 0, 5), (90, 1, 3), (4, 0, 1)] {
            assert_eq!(judge(server(size, base, cap, true, true)), Some((entries(0, size), true)), "{size} {base} {cap}");
        }
        assert_eq!(judge(server(11, 1, 5, true, false)), Some((entries(0, 11), true)), "without a total the end is the end");
    }

    #[test]
    fn an_end_before_the_total_is_not_the_whole() {
        let short = |start: Option<u64>| match start {
            None => page_of(Some(9), Some(1), entries(0, 5)),
            Some(start) => page_of(Some(9), Some(start), Vec::new()),
        };
        assert_eq!(judge(short), Some((entries(0, 5), false)));
        let mut pages = Pages::of("Users", "");
        pages.cursor.advance(page_of(Some(9), Some(1), entries(0, 5)));
        assert_eq!(pages.ended_early(), None, "it goes on");
        pages.cursor.end();
        let trouble = pages.ended_early().unwrap();
        assert_eq!((trouble.number, trouble.message.ends_with("list of Users after 5 of 9")), (25, true), "{trouble}");
    }

    #[test]
    fn a_list_that_moves_between_two_pages_is_not_the_whole() {
        // One entry goes before the second page, so that another slips onto the page that was read already.
        let shrunk = server(12, 1, 5, true, true);
        let moving = move |start: Option<u64>| match start {
            None => page_of(Some(13), Some(1), entries(100, 105)),
            Some(start) => shrunk(Some(start)),
        };
        assert!(!judge(moving).unwrap().1);
    }

    #[test]
    fn an_entry_that_is_none_counts_and_casts_doubt() {
        let odd = |_| Page { total: Some(3), start: Some(1), length: 3, items: entries(0, 2) };
        assert_eq!(judge(odd), Some((entries(0, 2), false)));
    }
}
