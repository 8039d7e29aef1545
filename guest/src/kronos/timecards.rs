//! Time cards of many persons (facts/ukg-pro-wfm.md §3.3).

use chrono::NaiveDate;
use serde_json::json;
use shift_access_core::timecard::Timecard;

use crate::call::Call;
use crate::call::said::Said;
use crate::kronos::entries::{Entries, Ids};
use crate::kronos::parts::{self, Stop};
use crate::kronos::{Kronos, puzzling, words};
use crate::trouble::Trouble;

/// One result for each person asked for.
type Cards = Vec<(String, Result<Timecard, String>)>;

/// See [`Kronos::timecards`].
pub async fn timecards(kronos: &Kronos, numbers: &[String], ids: &Ids, from: NaiveDate, until: NaiveDate) -> Result<Cards, Trouble> {
    let parts = parts::read(numbers, &kronos.cards, async |numbers| {
        let answer = kronos.ask(question(numbers, from, until)).await?;
        let entries = Entries::<Timecard>::read(&answer.body);
        let entries = entries.ok_or_else(|| Stop::Trouble(puzzling(&answer, "the question for time cards")))?;
        Ok(sort_out(entries, numbers, ids, |said| words(said, &answer)))
    });
    let mut cards = Vec::new();
    for (numbers, result) in parts.await? {
        match result {
            Ok(part) => cards.extend(part),
            Err(unread) => cards.extend(numbers.iter().map(|number| (number.clone(), Err(unread.message.clone())))),
        }
    }
    Ok(cards)
}

/// Asking for punches and shifts together makes UKG add the punches of the day before and the day after.
fn question(numbers: &[String], from: NaiveDate, until: NaiveDate) -> Call {
    let body = json!({
        "select": ["PUNCHES", "WORKED_SHIFTS"],
        "where": {
            "employees": {"qualifiers": numbers},
            "dateRange": {"startDate": from.to_string(), "endDate": until.to_string()},
        },
    });
    Call::post("/api/v1/timekeeping/timecard/multi_read", &body).query("partial_success", "true")
}

fn sort_out(entries: Entries<Timecard>, numbers: &[String], ids: &Ids, words: impl Fn(&Said) -> String) -> Cards {
    let assigned = entries.assign(numbers, ids, |number| number.trim().to_owned());
    let absent = Said::words("UKG left this person out of the answer, which it does with people it hides from the API user");
    let missing = assigned.stray.first().unwrap_or(&absent);
    let of_one = |said: Vec<Result<Timecard, Said>>| if said.is_empty() { Err(missing.clone()) } else { merge(said) };
    numbers.iter().cloned().zip(assigned.each.into_iter().map(|said| of_one(said).map_err(|said| words(&said)))).collect()
}

/// Several entries of one person are parts of one card; one that cannot be read spoils it.
fn merge(entries: Vec<Result<Timecard, Said>>) -> Result<Timecard, Said> {
    entries.into_iter().try_fold(Timecard::default(), |mut card, entry| {
        let entry = entry?;
        card.punches.extend(entry.punches);
        card.shifts.extend(entry.shifts);
        Ok(card)
    })
}

/// Reads an answer.
#[cfg(feature = "fuzz")]
pub fn fuzz(body: &[u8]) {
    let asked = crate::kronos::readers::asked();
    let ids = Ids::from([("9".to_owned(), "100007".to_owned())]);
    drop(Entries::<Timecard>::read(body).map(|entries| sort_out(entries, &asked, &ids, Said::to_string)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, numbers: &[&str]) -> Vec<Result<usize, String>> {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        let ids = Ids::from([("71".to_owned(), "1".to_owned()), ("72".to_owned(), "2".to_owned())]);
        let cards = sort_out(Entries::read(body.as_bytes()).unwrap(), &numbers, &ids, Said::to_string);
        assert_eq!(cards.iter().map(|(number, _)| number).collect::<Vec<_>>(), numbers.iter().collect::<Vec<_>>());
        cards.into_iter().map(|(_, card)| card.map(|card| card.punches.len())).collect()
    }

    fn card(number: &str, punches: usize) -> String {
        let punch = |n: usize| format!(r#"{{"id":{n},"punchDtm":"2026-05-04T08:00:00"}}"#);
        let punches: Vec<_> = (0..punches).map(punch).collect();
        format!(r#"{{"employee":{{"qualifier":"{number}"}},"punches":[{}],"workedShifts":[]}}"#, punches.join(","))
    }

    #[test]
    fn cards_go_to_their_persons_in_any_order() {
        let body = format!("[{},{}]", card("2", 2), card("1", 1));
        assert_eq!(read(&body, &["1", "2"]), [Ok(1), Ok(2)]);
    }

    #[test]
    fn cards_with_an_id_only_go_to_their_persons_in_any_order() {
        let by_id = |id: &str, punches| card("", punches).replace("\"qualifier\":\"\"", &format!("\"id\":{id}"));
        let body = format!("[{},{}]", by_id("72", 2), by_id("71", 1));
        assert_eq!(read(&body, &["1", "2"]), [Ok(1), Ok(2)]);
    }

    #[test]
    fn a_card_with_an_id_that_nobody_knows_goes_to_nobody() {
        let body = format!(r#"[{},{{"employee":{{"id":77}},"punches":[]}}]"#, card("1", 1));
        let cards = read(&body, &["1", "2"]);
        assert_eq!(cards[0], Ok(1));
        assert!(cards[1].as_ref().unwrap_err().contains("does not say whose it is"));
    }

    #[test]
    fn one_bad_card_costs_one_worker() {
        let body = format!(r#"[{},{{"employee":{{"qualifier":"2"}},"punches":[{{"id":1}}]}}]"#, card("1", 1));
        let cards = read(&body, &["1", "2"]);
        assert_eq!(cards[0], Ok(1));
        assert!(cards[1].as_ref().unwrap_err().contains("no punchDtm"));
    }

    #[test]
    fn errors_of_both_partial_forms_reach_their_worker() {
        let flat = format!(r#"[{},{{"error":{{"errorCode":"WTK-112005","message":"who?"}}}}]"#, card("1", 1));
        let results = format!(
            r#"{{"errorCode":"WTK-1","message":"partly","details":{{"error-offsets":[1],"results":[{{"success":{}}},
               {{"error":{{"errorCode":"WTK-112005","message":"who?"}}}}]}}}}"#,
            card("1", 1)
        );
        for body in [flat, results] {
            assert_eq!(read(&body, &["1", "2"]), [Ok(1), Err("WTK-112005: who?".to_owned())]);
        }
    }

    #[test]
    fn a_person_left_out_has_no_card() {
        let cards = read(&format!("[{}]", card("2", 0)), &["1", "2"]);
        assert!(cards[0].as_ref().unwrap_err().contains("left this person out"));
        assert_eq!(cards[1], Ok(0));
    }

    #[test]
    fn two_entries_of_one_person_are_one_card() {
        assert_eq!(read(&format!("[{},{}]", card("1", 1), card("1", 2)), &["1"]), [Ok(3)]);
    }
}
