//! Everybody the API user may see: the list of people, page by page, and then their user names, which that list does not
//! have (facts/ukg-pro-wfm.md §2.2).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;
use shift_access_core::catalogue;
use shift_access_core::identity::Person;

use crate::call::loose::{List, Loose, Word};
use crate::call::{Answer, Call};
use crate::kronos::parts::Stop;
use crate::kronos::{Kronos, LISTED_A_PAGE, puzzling};
use crate::trouble::Trouble;

/// One of everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The person; without a user name where there is none, or where it could not be read.
    pub person: Person,
    /// Why the user name could not be read, in the time system's words.
    pub failed: Option<String>,
}

/// How far the list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// Handed on, each once.
    pub seen: u64,
    /// How many there are, where UKG says.
    pub total: Option<u64>,
}

/// See [`Kronos::everybody`].
pub async fn everybody<F>(kronos: &Kronos, mut sink: F) -> Result<Roll, Trouble>
where
    F: AsyncFnMut(Vec<Listed>) -> Result<u64, Trouble>,
{
    let (mut place, mut roll) = (Place { index: 0, count: LISTED_A_PAGE }, Roll { seen: 0, total: None });
    let mut last = BTreeSet::new();
    loop {
        let page = match kronos.ask(place.question()).await {
            Ok(answer) => read(&answer).ok_or_else(|| puzzling(&answer, "the question for everybody"))?,
            Err(Stop::TooMuch(_)) if place.count > 1 => {
                place = place.half();
                continue;
            }
            Err(stop) => return Err(trouble(stop)),
        };
        roll.total = page.total.or(roll.total);
        let (length, numbers) = (page.people.len(), page.people.keys().cloned().collect::<BTreeSet<_>>());
        if length > 0 && numbers == last {
            return Err(Trouble::new(catalogue::KRONOS_NOT_UNDERSTOOD, "Kronos repeats a page of its list of people instead of going on"));
        }
        let is_last = place.is_last(page.length, page.total);
        if length > 0 {
            roll.seen += sink(named(kronos, page.people).await?).await?;
        }
        if is_last {
            return Ok(roll);
        }
        (last, place) = (numbers, place.next());
    }
}

/// A page of the list, by its number from 0 and its length: UKG counts pages, not people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: usize,
    count: usize,
}

impl Place {
    /// Half the page, from the very same person on. The length is a power of two, so nobody is lost between.
    const fn half(self) -> Self {
        Self { index: self.index * 2, count: self.count / 2 }
    }

    const fn next(self) -> Self {
        Self { index: self.index + 1, count: self.count }
    }

    /// Whether a page of so many is the last. It is judged by where the page ends and not by how many were seen, for
    /// somebody may have been seen twice.
    fn is_last(self, length: usize, total: Option<u64>) -> bool {
        let end = self.index.saturating_mul(self.count).saturating_add(length);
        length < self.count || total.is_some_and(|total| u64::try_from(end).unwrap_or(u64::MAX) >= total)
    }

    fn question(self) -> Call {
        Call::post("/api/v1/commons/persons/apply_read", &json!({"where": {}, "index": self.index, "count": self.count}))
    }
}

fn trouble(stop: Stop) -> Trouble {
    match stop {
        Stop::Trouble(trouble) => trouble,
        Stop::OnePerson(_, message) => Trouble::new(catalogue::KRONOS_NOT_UNDERSTOOD, message),
        Stop::TooMuch(alone) => match alone {
            super::parts::Alone::Fails(message) => Trouble::new(catalogue::KRONOS_NOT_UNDERSTOOD, message),
            super::parts::Alone::Stops(trouble) => trouble,
        },
    }
}

/// The people of one page with their user names.
async fn named(kronos: &Kronos, listed: BTreeMap<String, bool>) -> Result<Vec<Listed>, Trouble> {
    let numbers: Vec<String> = listed.keys().cloned().collect();
    let people = kronos.people_numbered(&numbers).await?;
    let mut found: BTreeMap<String, Person> = people.found.into_iter().map(|person| (person.person_number.clone(), person)).collect();
    let mut failed: BTreeMap<String, String> = people.failed.into_iter().collect();
    let one = |(number, left): (String, bool)| {
        let nameless = || Person { person_number: number.clone(), user_name: String::new(), zone: None, terminated: left };
        let person = found.remove(&number);
        let missing = || "the list of people has this person, and the person's own data are missing".to_owned();
        let failed = failed.remove(&number).or_else(|| person.is_none().then(missing));
        let person = person.unwrap_or_else(nameless);
        Listed { person: Person { terminated: person.terminated || left, ..person }, failed }
    };
    Ok(listed.into_iter().map(one).collect())
}

/// A page: person numbers, and whether each has left.
struct Page {
    people: BTreeMap<String, bool>,
    length: usize,
    total: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WirePage {
    #[serde(rename = "totalElements")]
    total: Word,
    records: Option<List<Loose<WireListed>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireListed {
    #[serde(rename = "personNumber")]
    person_number: Word,
    #[serde(rename = "employmentStatus")]
    status: Word,
}

fn read(answer: &Answer) -> Option<Page> {
    let page = serde_json::from_slice::<Loose<WirePage>>(&answer.body).ok()?.into_object()?;
    let total = page.total.number();
    let records = match page.records {
        Some(records) if records.odd => return None,
        None if total != Some(0) => return None,
        records => records.unwrap_or_default(),
    };
    let length = records.items.len();
    let one = |listed: WireListed| {
        let left = listed.status.text().is_some_and(|status| status.eq_ignore_ascii_case("terminated"));
        Some((listed.person_number.to_text()?, left))
    };
    Some(Page { people: records.items.into_iter().filter_map(Loose::into_object).filter_map(one).collect(), length, total })
}

/// Reads a page.
#[cfg(feature = "fuzz")]
pub fn fuzz(body: &[u8]) {
    drop(read(&Answer { status: 200, body: body.to_vec(), request_id: None }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Option<Page> {
        read(&Answer { status: 200, body: body.as_bytes().to_vec(), request_id: None })
    }

    #[test]
    fn halving_in_the_middle_of_the_list_leaves_nobody_out() {
        for (halve_at, most) in [(0, 100), (5, 100), (7, 1), (3, 1000), (9, 4096)] {
            let (mut place, mut reached, mut pages) = (Place { index: 0, count: LISTED_A_PAGE }, 0, 0);
            loop {
                if pages >= halve_at && place.count > most {
                    place = place.half();
                    continue;
                }
                assert_eq!(place.index * place.count, reached, "the page begins where the one before ended");
                let length = place.count.min(9_000 - reached);
                (reached, pages) = (reached + length, pages + 1);
                if place.is_last(length, Some(9_000)) {
                    break;
                }
                place = place.next();
            }
            assert_eq!(reached, 9_000);
        }
        assert!(LISTED_A_PAGE.is_power_of_two());
    }

    #[test]
    fn the_last_page_is_told_by_where_it_ends() {
        let place = Place { index: 2, count: 4 };
        assert!(!place.is_last(4, Some(13)) && place.is_last(4, Some(12)) && place.is_last(3, Some(13)));
        assert!(!place.is_last(4, None) && place.is_last(0, None));
    }

    #[test]
    fn a_page_is_read_with_a_total_in_letters() {
        let read = page(
            r#"{"totalElements":"3","records":[{"personId":1,"personNumber":"0042","employmentStatus":"Active"},
               {"personNumber":43,"employmentStatus":"terminated"},{"personId":3},7]}"#,
        )
        .unwrap();
        assert_eq!((read.total, read.length), (Some(3), 4));
        assert_eq!(read.people, BTreeMap::from([("0042".to_owned(), false), ("43".to_owned(), true)]));
    }

    #[test]
    fn an_empty_list_is_one_and_anything_else_is_none() {
        assert_eq!(page(r#"{"totalElements":"0"}"#).unwrap().length, 0);
        assert_eq!(page(r#"{"totalElements":0,"records":[]}"#).unwrap().length, 0);
        for body in ["[]", "{}", "<html>", r#"{"totalElements":"2"}"#, r#"{"records":"none","totalElements":"1"}"#] {
            assert!(page(body).is_none(), "{body}");
        }
    }
}
