//! A long list asked in parts: within UKG's limits, four at a time, and in halves where UKG could not cope.
//!
//! 413 and 504 on a list are answered with half the list (design §7). So is a refusal that one bad reference in a list
//! brings on the whole of it, until the one is found.

use std::cell::Cell;

use futures::future::join_all;

use crate::bindings::shift_access::plugin::http::Error;
use crate::call::said::Said;
use crate::call::{Answer, System, blame};
use crate::kronos::CALLS_AT_ONCE;
use crate::trouble::Trouble;

/// "More than allowed": of people, of employees in a data read, of employees in a time card read (facts/ukg-pro-wfm.md
/// §2.1, §3.1, §3.3). Its status is not always 413.
const TOO_MANY: [&str; 3] = ["WCO-101207", "WCO-106194", "WTK-145051"];
/// "This person": not found, not active, not visible (facts/ukg-pro-wfm.md §2.1, §3.1, §3.3).
const ONE_PERSON: [&str; 9] =
    [NOT_FOUND, "WCO-106017", "WCO-106028", "WCO-106163", "WTK-112000", "WTK-112001", "WTK-112002", "WTK-112004", "WTK-112005"];
/// A person who is not there, or not there for the API user (facts/ukg-pro-wfm.md §2.1).
pub const NOT_FOUND: &str = "WCO-101263";

/// Why a part was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Too much at once; what it means if it was a single person.
    TooMuch(Alone),
    /// One of the persons spoils the list; UKG's words, and its code.
    OnePerson(Said, String),
    /// Nothing a shorter list could mend.
    Trouble(Trouble),
}

/// What "too much" means for a list of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alone {
    /// That person cannot be read.
    Fails(String),
    /// UKG itself is in trouble.
    Stops(Trouble),
}

/// Why a single person was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// UKG's code, where it gave one.
    pub code: Option<String>,
    /// Its words, with the request id.
    pub message: String,
}

/// One part of a list, and what came of it: an answer, or, for a list of one, why that one cannot be read.
pub type Part<'a, T> = (&'a [String], Result<T, Unread>);

/// Tells an answer from a refusal, and the kinds of refusal apart.
pub fn judge(answer: Result<Answer, Error>) -> Result<Answer, Stop> {
    let answer = match answer {
        Ok(answer) if answer.is_success() => return Ok(answer),
        Ok(answer) => answer,
        Err(error @ Error::TooLarge(_)) => {
            return Err(Stop::TooMuch(Alone::Fails(blame::failed(System::Kronos, &error).message)));
        }
        Err(error) => return Err(Stop::Trouble(blame::failed(System::Kronos, &error))),
    };
    let trouble = blame::refused(System::Kronos, &answer);
    let said = Said::read(&answer.body);
    let has = |codes: &[&str]| said.code.as_deref().is_some_and(|code| codes.contains(&code));
    Err(match answer.status {
        504 => Stop::TooMuch(Alone::Stops(trouble)),
        413 => Stop::TooMuch(Alone::Fails(trouble.message)),
        400..500 if has(&TOO_MANY) => Stop::TooMuch(Alone::Fails(trouble.message)),
        400..500 if has(&ONE_PERSON) => Stop::OnePerson(said, trouble.message),
        _ => Stop::Trouble(trouble),
    })
}

/// Reads a list in parts of at most `size`, which shrinks for good where UKG could not cope.
pub async fn read<'a, T>(
    list: &'a [String],
    size: &Cell<usize>,
    ask: impl AsyncFn(&'a [String]) -> Result<T, Stop>,
) -> Result<Vec<Part<'a, T>>, Trouble> {
    let mut parts = Vec::new();
    let mut waiting: Vec<&[String]> = list.chunks(size.get().max(1)).rev().collect();
    while !waiting.is_empty() {
        let now = waiting.split_off(waiting.len().saturating_sub(CALLS_AT_ONCE));
        let results = join_all(now.into_iter().rev().map(async |part| (part, ask(part).await))).await;
        for (part, result) in results {
            match result {
                Ok(read) => parts.push((part, Ok(read))),
                Err(Stop::Trouble(trouble)) => return Err(trouble),
                Err(stop) if part.len() > 1 => waiting.extend(halve(part, &stop, size)),
                Err(stop) => parts.push((part, Err(alone(stop)?))),
            }
        }
    }
    Ok(parts)
}

fn halve<'a>(part: &'a [String], stop: &Stop, size: &Cell<usize>) -> [&'a [String]; 2] {
    let half = part.len().div_ceil(2);
    if matches!(stop, Stop::TooMuch(_)) {
        size.set(size.get().min(half));
    }
    let (front, back) = part.split_at(half);
    [back, front]
}

fn alone(stop: Stop) -> Result<Unread, Trouble> {
    match stop {
        Stop::Trouble(trouble) | Stop::TooMuch(Alone::Stops(trouble)) => Err(trouble),
        Stop::TooMuch(Alone::Fails(message)) => Ok(Unread { code: None, message }),
        Stop::OnePerson(said, message) => Ok(Unread { code: said.code, message }),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::FutureExt;

    use super::*;

    fn numbers(count: usize) -> Vec<String> {
        (0..count).map(|n| n.to_string()).collect()
    }

    fn refusal(status: u16, body: &str) -> Stop {
        judge(Ok(Answer { status, body: body.as_bytes().to_vec(), request_id: Some("t".to_owned()) })).unwrap_err()
    }

    #[test]
    fn a_list_is_cut_to_the_limit() {
        let (list, size, sizes) = (numbers(1300), Cell::new(500), RefCell::new(Vec::new()));
        let ask = async |part: &[String]| {
            sizes.borrow_mut().push(part.len());
            Ok(part.len())
        };
        let parts = read(&list, &size, ask).now_or_never().unwrap().unwrap();
        assert_eq!((parts.len(), sizes.take()), (3, vec![500, 500, 300]));
    }

    #[test]
    fn a_list_that_is_too_long_is_halved_for_good() {
        let (list, size, calls) = (numbers(500), Cell::new(500), Cell::new(0));
        let ask = async |part: &[String]| {
            calls.set(calls.get() + 1);
            if part.len() > 130 { Err(refusal(413, "")) } else { Ok(()) }
        };
        let parts = read(&list, &size, &ask).now_or_never().unwrap().unwrap();
        assert_eq!((parts.len(), calls.get(), size.get()), (4, 7, 125));
        calls.set(0);
        read(&list, &size, &ask).now_or_never().unwrap().unwrap();
        assert_eq!(calls.get(), 4);
    }

    #[test]
    fn one_person_who_spoils_the_list_is_found() {
        let (list, size) = (numbers(100), Cell::new(500));
        let ask = async |part: &[String]| {
            if part.iter().any(|n| n == "77") { Err(refusal(400, r#"{"errorCode":"WTK-112005","message":"who?"}"#)) } else { Ok(()) }
        };
        let parts = read(&list, &size, ask).now_or_never().unwrap().unwrap();
        let bad: Vec<_> = parts.iter().filter(|(_, result)| result.is_err()).map(|(part, _)| part[0].as_str()).collect();
        assert_eq!((bad, size.get()), (vec!["77"], 500));
        assert_eq!(parts.iter().map(|(part, _)| part.len()).sum::<usize>(), 100);
    }

    #[test]
    fn a_single_413_costs_the_worker_and_a_single_504_the_run() {
        let (list, size) = (numbers(1), Cell::new(500));
        let parts = read(&list, &size, async |_| Err::<(), _>(refusal(413, "{}"))).now_or_never().unwrap().unwrap();
        assert!(parts[0].1.as_ref().unwrap_err().message.ends_with("(kronos-tid t)"));
        let trouble = read(&list, &size, async |_| Err::<(), _>(refusal(504, ""))).now_or_never().unwrap().unwrap_err();
        assert_eq!(trouble.number, 10);
    }

    #[test]
    fn other_refusals_stop_at_once() {
        for (status, number) in [(400, 16), (401, 11), (403, 14), (429, 15), (500, 10), (503, 10)] {
            let Stop::Trouble(trouble) = refusal(status, "") else { panic!("{status}") };
            assert_eq!(trouble.number, number);
        }
        assert!(matches!(judge(Err(Error::TooLarge(9))), Err(Stop::TooMuch(Alone::Fails(_)))));
    }
}
