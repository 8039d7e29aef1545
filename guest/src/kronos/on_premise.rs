//! The on-premise flag, read through UKG's information access (facts/ukg-pro-wfm.md §3.1).
//!
//! The flag covers staff paid from their schedule and stays true through breaks. A row without it is a null, and a null
//! is taken for "not on the premises": UKG leaves empty values out of a row, and says so in `metadata.errors` where it
//! could not work a value out. Only the latter is a failure.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use crate::call::Call;
use crate::call::loose::{List, Loose, Word};
use crate::call::said::{Said, WireError};
use crate::kronos::parts::{self, Stop};
use crate::kronos::{Kronos, puzzling, words};
use crate::trouble::Trouble;

const ON_PREMISE: &str = "TK_ON_PREMISE";
const PERSON_NUMBER: &str = "PEOPLE_PERSON_NUMBER";

/// One result for each person asked for.
type Flags = Vec<(String, Result<bool, String>)>;

/// See [`Kronos::on_premise`].
pub async fn on_premise(kronos: &Kronos, numbers: &[String]) -> Result<Flags, Trouble> {
    let parts = parts::read(numbers, &kronos.flags, async |numbers| {
        let answer = kronos.ask(question(numbers)).await?;
        let read = read(&answer.body).ok_or_else(|| Stop::Trouble(puzzling(&answer, "the question who is on the premises")))?;
        Ok(sort_out(&read, numbers, |said| words(said, &answer)))
    });
    let mut flags = Vec::new();
    for (numbers, result) in parts.await? {
        match result {
            Ok(part) => flags.extend(part),
            Err(unread) => flags.extend(numbers.iter().map(|number| (number.clone(), Err(unread.message.clone())))),
        }
    }
    Ok(flags)
}

/// `refresh` because UKG otherwise answers from a cache that lives for hours.
fn question(numbers: &[String]) -> Call {
    let body = json!({
        "select": [{"key": ON_PREMISE}, {"key": PERSON_NUMBER}],
        "from": {
            "view": "EMP",
            "employeeSet": {
                "employees": {"qualifiers": numbers},
                "dateRange": {"symbolicPeriod": {"qualifier": "Today"}},
            },
        },
        "options": {"refresh": true},
        "index": 0,
        "count": numbers.len(),
    });
    Call::post("/api/v1/commons/data/multi_read", &body)
}

/// The rows of an answer, and the errors that stand beside them under a 200.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rows {
    by_number: HashMap<String, Row>,
    flag_failed: Option<Said>,
}

/// What one row holds of the flag.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    Yes,
    No,
    Null,
    Odd(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireAnswer {
    metadata: Loose<WireMetadata>,
    data: Loose<WireNode>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireMetadata {
    errors: List<Loose<WireDataError>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireDataError {
    code: Word,
    message: Word,
    #[serde(alias = "details")]
    detail: List<Loose<WireDetail>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireDetail {
    #[serde(rename = "dataElement")]
    data_element: Loose<WireKey>,
    message: Word,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireKey {
    key: Word,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireNode {
    attributes: List<Loose<WireAttribute>>,
    children: List<Loose<WireNode>>,
    error: Loose<WireError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireAttribute {
    key: Word,
    #[serde(rename = "rawValue")]
    raw_value: Word,
    value: Word,
}

/// Reads a body; none if it has neither rows nor metadata. Without `data` there are no rows.
fn read(body: &[u8]) -> Option<Rows> {
    let answer = serde_json::from_slice::<Loose<WireAnswer>>(body).ok()?.into_object()?;
    let metadata = answer.metadata.into_object();
    let data = answer.data.into_object();
    if metadata.is_none() && data.is_none() {
        return None;
    }
    let mut rows = Rows { flag_failed: metadata.as_ref().and_then(flag_failed), ..Rows::default() };
    if let Some(root) = &data {
        gather(root, &mut rows.by_number);
    }
    Some(rows)
}

/// The error that cost the flag, if there is one: it names the flag, or names nothing.
fn flag_failed(metadata: &WireMetadata) -> Option<Said> {
    metadata.errors.items.iter().filter_map(Loose::object).find_map(|error| {
        let details: Vec<_> = error.detail.items.iter().filter_map(Loose::object).collect();
        let key = |detail: &WireDetail| detail.data_element.object().and_then(|element| element.key.to_text());
        let of_flag = details.iter().find(|detail| key(detail).is_none_or(|key| key == ON_PREMISE));
        let text = of_flag.and_then(|detail| detail.message.to_text()).or_else(|| error.message.to_text());
        let said = Said { code: error.code.to_text(), text, about: None };
        (details.is_empty() || of_flag.is_some()).then_some(said)
    })
}

fn gather(node: &WireNode, rows: &mut HashMap<String, Row>) {
    let attribute = |key: &str| node.attributes.items.iter().filter_map(Loose::object).find(|attribute| attribute.key.text() == Some(key));
    let number = attribute(PERSON_NUMBER).and_then(|number| number.raw_value.to_text().or_else(|| number.value.to_text()));
    if let Some(number) = number {
        let row = match &node.error {
            Loose::Object(error) => Row::Odd(Said::from(error.clone()).to_string()),
            _ => attribute(ON_PREMISE).map_or(Row::Null, row),
        };
        rows.insert(number, row);
    }
    node.children.items.iter().filter_map(Loose::object).for_each(|child| gather(child, rows));
}

/// The raw value goes first: the other is what a person would see, in the person's language.
fn row(attribute: &WireAttribute) -> Row {
    match attribute.raw_value.yes().or_else(|| attribute.value.yes()) {
        Some(true) => Row::Yes,
        Some(false) => Row::No,
        None => match attribute.raw_value.text().or_else(|| attribute.value.text()) {
            Some(text) => Row::Odd(format!("the on-premise flag is {text:?}, neither yes nor no")),
            None => Row::Null,
        },
    }
}

fn sort_out(rows: &Rows, numbers: &[String], words: impl Fn(&Said) -> String) -> Flags {
    let of_one = |number: &String| match (rows.by_number.get(number.trim()), &rows.flag_failed) {
        (Some(Row::Yes), _) => Ok(true),
        (Some(Row::No), _) => Ok(false),
        (Some(Row::Odd(why)), _) => Err(words(&Said::words(why.clone()))),
        (Some(Row::Null) | None, Some(said)) => Err(words(said)),
        (Some(Row::Null), None) => Ok(false),
        (None, None) => {
            Err(words(&Said::words("UKG left this person out of the answer, which it does with people it hides from the API user")))
        }
    };
    numbers.iter().map(|number| (number.clone(), of_one(number))).collect()
}

/// Reads an answer.
#[cfg(feature = "fuzz")]
pub fn fuzz(body: &[u8]) {
    drop(read(body).map(|rows| sort_out(&rows, &crate::kronos::readers::asked(), Said::to_string)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(number: &str, flag: &str) -> String {
        format!(
            r#"{{"key":{{"PEOPLE":"{number}"}},"coreEntityKey":{{"EMP":{{"id":"9"}}}},"attributes":[
               {{"key":"PEOPLE_PERSON_NUMBER","rawValue":"{number}","value":"{number}"}}{flag}],"children":[]}}"#
        )
    }

    fn answer(rows: &[String], errors: &str) -> String {
        let metadata = format!(r#"{{"numNodes":"1","totalElements":"1"{errors}}}"#);
        format!(r#"{{"metadata":{metadata},"data":{{"key":{{"ROOT":"-1"}},"attributes":[],"children":[{}]}}}}"#, rows.join(","))
    }

    fn flags(body: &str, numbers: &[&str]) -> Vec<Result<bool, String>> {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        sort_out(&read(body.as_bytes()).unwrap(), &numbers, Said::to_string).into_iter().map(|(_, flag)| flag).collect()
    }

    #[test]
    fn the_flag_in_every_spelling() {
        for (value, expected) in [
            (r#""rawValue":"true","value":"Ja""#, Ok(true)),
            (r#""rawValue":true"#, Ok(true)),
            (r#""value":"Yes""#, Ok(true)),
            (r#""rawValue":"1""#, Ok(true)),
            (r#""rawValue":"N""#, Ok(false)),
            (r#""rawValue":"False""#, Ok(false)),
            (r#""rawValue":null,"value":"no""#, Ok(false)),
            (r#""rawValue":null"#, Ok(false)),
        ] {
            let body = answer(&[row_of("7", &format!(r#",{{"key":"TK_ON_PREMISE",{value}}}"#))], "");
            assert_eq!(flags(&body, &["7"]), [expected], "{value}");
        }
        let odd = answer(&[row_of("7", r#",{"key":"TK_ON_PREMISE","rawValue":"vielleicht"}"#)], "");
        assert!(flags(&odd, &["7"])[0].is_err());
    }

    #[test]
    fn a_missing_flag_is_no_and_a_missing_row_a_failure() {
        let flags = flags(&answer(&[row_of("7", "")], ""), &["7", "8"]);
        assert_eq!(flags[0], Ok(false));
        assert!(flags[1].as_ref().unwrap_err().contains("left this person out"));
    }

    #[test]
    fn errors_under_a_success_fail_the_workers_they_cost() {
        let errors =
            r#","errors":[{"code":"WFM-COMMON-1234","detail":[{"dataElement":{"key":"TK_ON_PREMISE"},"message":"over the limit"}]}]"#;
        let body = answer(&[row_of("7", ""), row_of("8", r#",{"key":"TK_ON_PREMISE","rawValue":"true"}"#)], errors);
        assert_eq!(flags(&body, &["7", "8"]), [Err("WFM-COMMON-1234: over the limit".to_owned()), Ok(true)]);
        let others = errors.replace("TK_ON_PREMISE", "SOMETHING_ELSE");
        assert_eq!(flags(&answer(&[row_of("7", "")], &others), &["7"]), [Ok(false)]);
    }

    #[test]
    fn no_data_means_no_rows() {
        assert!(flags(r#"{"metadata":{"totalElements":"0"}}"#, &["7"])[0].is_err());
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for body in [r#"{"errorCode":"E","message":"m"}"#, r#"{"error":"e","error_description":"d"}"#, "<html>", "[]", ""] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
