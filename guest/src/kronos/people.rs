//! Persons by user name or person number (facts/ukg-pro-wfm.md §2.1).

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use shift_access_core::identity::Person;
use shift_access_core::ids;
use shift_access_core::timecard::ZoneRef;

use crate::call::Call;
use crate::call::loose::{List, Loose, Word};
use crate::call::said::{Said, WireError};
use crate::clock;
use crate::kronos::entries::{self, Entries, Entry, Ids, Item, Whose};
use crate::kronos::who::{WireZone, zone_of, zone_text};
use crate::kronos::{Kronos, People, parts, puzzling, words};
use crate::trouble::Trouble;

/// See [`Kronos::people`].
///
/// Whether UKG looks at the case of a user name is not documented, so names that fit nobody are asked for again in small
/// and in capital letters, together with one that did fit: found again, it shows that UKG does not look at the case, and
/// that asking again is of no use for the rest of the run.
pub async fn people(kronos: &Kronos, names: &[String]) -> Result<People, Trouble> {
    let mut people = read(kronos, names).await?;
    for spell in [str::to_lowercase, str::to_uppercase] {
        let mut other = other_spellings(names, &people, spell);
        if !other.is_empty() && !kronos.case_blind.get() {
            let known = spelled_otherwise(&people, spell);
            other.extend(known.as_ref().map(|(_, spelled)| spelled.clone()));
            let mut more = read(kronos, &other).await?;
            if let Some((known, _)) = known
                && more.found.iter().any(|person| person.user_name == known)
            {
                kronos.case_blind.set(true);
                more.found.retain(|person| person.user_name != known);
            }
            people.found.extend(more.found);
            people.ids.extend(more.ids);
            people.failed.extend(more.failed.into_iter().map(|(name, message)| (as_asked(names, name), message)));
        }
    }
    Ok(people)
}

/// The user name of somebody who was found, and another spelling of it.
fn spelled_otherwise(people: &People, spell: impl Fn(&str) -> String) -> Option<(String, String)> {
    let names = people.found.iter().map(|person| person.user_name.as_str());
    names.map(|name| (name.to_owned(), spell(name))).find(|(name, spelled)| name != spelled)
}

/// Names without a person or an error, in another spelling, if that is another.
fn other_spellings(names: &[String], people: &People, spell: impl Fn(&str) -> String) -> Vec<String> {
    let known = people.found.iter().map(|person| person.user_name.as_str()).chain(people.failed.iter().map(|(name, _)| name.as_str()));
    let known: HashSet<String> = known.map(ids::key).collect();
    let open = names.iter().filter(|name| !known.contains(&ids::key(name)));
    open.map(|name| (name, spell(name))).filter(|(name, other)| *name != other).map(|(_, other)| other).collect()
}

fn as_asked(names: &[String], spelled: String) -> String {
    let key = ids::key(&spelled);
    names.iter().find(|name| ids::key(name) == key).cloned().unwrap_or(spelled)
}

async fn read(kronos: &Kronos, names: &[String]) -> Result<People, Trouble> {
    let today = clock::now().date_naive();
    let parts = parts::read(names, &kronos.people, async |names| {
        let answer = kronos.ask(question("username", names)).await?;
        let entries = Entries::<Found>::read(&answer.body);
        let entries = entries.ok_or_else(|| parts::Stop::Trouble(puzzling(&answer, "the question who has these user names")))?;
        Ok(sort_out(entries, names, today, |said| words(said, &answer)))
    });
    Ok(together(parts.await?))
}

/// See [`Kronos::people_numbered`].
pub async fn numbered(kronos: &Kronos, numbers: &[String]) -> Result<People, Trouble> {
    let today = clock::now().date_naive();
    let parts = parts::read(numbers, &kronos.numbers, async |numbers| {
        let answer = kronos.ask(question("personnumber", numbers)).await?;
        let entries = Entries::<Numbered>::read(&answer.body);
        let entries = entries.ok_or_else(|| parts::Stop::Trouble(puzzling(&answer, "the question who has these person numbers")))?;
        Ok(sort_out(entries, numbers, today, |said| words(said, &answer)))
    });
    Ok(together(parts.await?))
}

fn together(parts: Vec<parts::Part<'_, People>>) -> People {
    let mut people = People::default();
    for (names, result) in parts {
        match result {
            Ok(part) => {
                people.found.extend(part.found);
                people.ids.extend(part.ids);
                people.failed.extend(part.failed);
            }
            Err(unread) if unread.code.as_deref() == Some(parts::NOT_FOUND) => {}
            Err(unread) => people.failed.extend(names.iter().map(|name| (name.clone(), unread.message.clone()))),
        }
    }
    people
}

fn question(key: &str, values: &[String]) -> Call {
    let body = json!({"where": {"employees": {"key": key, "values": values}, "extensionType": "employee"}});
    Call::post("/api/v1/commons/persons/extensions/multi_read", &body)
}

/// Whether somebody was not found is no failure; an error that names nobody is one for each name without an answer.
fn sort_out<V: Keyed>(entries: Entries<V>, names: &[String], today: NaiveDate, words: impl Fn(&Said) -> String) -> People {
    let assigned = entries.assign(names, &Ids::new(), V::same);
    let is_failure = |said: &&Said| said.code.as_deref() != Some(parts::NOT_FOUND);
    let stray = assigned.stray.iter().find(is_failure);
    let mut people = People::default();
    for (name, of_one) in names.iter().zip(&assigned.each) {
        people.found.extend(of_one.iter().flatten().map(|found| found.person(name, today)));
        people.ids.extend(of_one.iter().flatten().filter_map(|found| found.found().id()));
        let found_nobody = of_one.iter().all(Result::is_err);
        let error = of_one.iter().filter_map(|result| result.as_ref().err()).find(is_failure);
        if let Some(said) = error.or(stray.filter(|_| of_one.is_empty())).filter(|_| found_nobody) {
            people.failed.push((name.clone(), words(said)));
        }
    }
    people
}

/// A person as found by one of the two keys.
trait Keyed: Item {
    /// Two values of the key are the same if this makes the same of them.
    fn same(value: &str) -> String;
    /// What the answer says.
    fn found(&self) -> &Found;
    /// The person, who was found by asking for this value.
    fn person(&self, asked: &str, today: NaiveDate) -> Person;
}

impl Keyed for Found {
    fn same(value: &str) -> String {
        ids::key(value)
    }

    fn found(&self) -> &Found {
        self
    }

    fn person(&self, asked: &str, today: NaiveDate) -> Person {
        Person { user_name: self.user_name.clone().unwrap_or_else(|| asked.to_owned()), ..self.nameless(today) }
    }
}

/// A person who was asked for by number. The user name is kept with the blanks around it, which are a cause of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbered(Found);

impl Keyed for Numbered {
    /// Person numbers are compared as they are, leading zeros included.
    fn same(value: &str) -> String {
        value.trim().to_owned()
    }

    fn found(&self) -> &Found {
        &self.0
    }

    fn person(&self, _: &str, today: NaiveDate) -> Person {
        Person { user_name: self.0.raw_name.clone(), ..self.0.nameless(today) }
    }
}

/// A person as the answer describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    raw_name: String,
    user_name: Option<String>,
    person_number: String,
    person_id: Option<String>,
    zone: Option<ZoneRef>,
    statuses: Vec<StatusSpan>,
}

impl Found {
    fn nameless(&self, today: NaiveDate) -> Person {
        Person {
            person_number: self.person_number.clone(),
            user_name: String::new(),
            zone: self.zone.clone(),
            terminated: self.statuses.iter().any(|span| span.is_terminated_on(today)),
        }
    }

    /// UKG's own id, and the person number it belongs to.
    fn id(&self) -> Option<(String, String)> {
        self.person_id.clone().map(|id| (id, self.person_number.clone()))
    }
}

/// An employment status and the days it holds, the last one exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StatusSpan {
    terminated: bool,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
}

impl StatusSpan {
    fn is_terminated_on(&self, day: NaiveDate) -> bool {
        self.terminated && self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WirePerson {
    #[serde(rename = "employeeExtension")]
    employee: Loose<WireEmployee>,
    success: Loose<Box<WirePerson>>,
    error: Loose<WireError>,
    #[serde(rename = "exceptionPresent")]
    exception_present: Word,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireEmployee {
    #[serde(rename = "userName")]
    user_name: Word,
    #[serde(rename = "personNumber")]
    person_number: Word,
    #[serde(rename = "personId")]
    person_id: Word,
    #[serde(rename = "timeZone")]
    time_zone: Loose<WireZone>,
    #[serde(rename = "timeZoneId")]
    time_zone_id: Word,
    #[serde(rename = "employmentStatuses")]
    employment_statuses: List<Loose<WireStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireStatus {
    #[serde(rename = "employmentStatus")]
    status: Loose<WireZone>,
    #[serde(rename = "effectiveDate")]
    from: Word,
    #[serde(rename = "expirationDate")]
    until: Word,
}

impl Item for Found {
    type Wire = WirePerson;

    fn from_wire(wire: WirePerson) -> Entry<Self> {
        entry(wire, |employee| employee.user_name.to_text())
    }
}

impl Item for Numbered {
    type Wire = WirePerson;

    fn from_wire(wire: WirePerson) -> Entry<Self> {
        let Entry { key, what } = entry(wire, |employee| employee.person_number.to_text());
        Entry { key, what: what.map(Self) }
    }
}

fn entry(wire: WirePerson, asked: fn(&WireEmployee) -> Option<String>) -> Entry<Found> {
    if let Loose::Object(person) = wire.success {
        return entry(*person, asked);
    }
    let employee = wire.employee.into_object();
    let key = employee.as_ref().and_then(asked).map(Whose::Asked);
    let error = entries::error(wire.error);
    if let Some(said) = error.or_else(|| wire.exception_present.yes()?.then(|| Said::words("UKG reports an exception"))) {
        return Entry::error(key, said);
    }
    let Some((employee, person_number)) = employee.and_then(|employee| employee.person_number.to_text().map(|number| (employee, number)))
    else {
        return Entry::error(key, Said::words("UKG gives no person number"));
    };
    let found = Found {
        raw_name: match &employee.user_name {
            Loose::Text(name) => name.clone(),
            _ => String::new(),
        },
        user_name: employee.user_name.to_text(),
        person_number,
        person_id: employee.person_id.to_text(),
        zone: zone_of(&employee.time_zone, &employee.time_zone_id),
        statuses: employee.employment_statuses.items.iter().filter_map(Loose::object).map(status).collect(),
    };
    Entry { key, what: Ok(found) }
}

fn status(wire: &WireStatus) -> StatusSpan {
    let terminated = zone_text(&wire.status).is_some_and(|text| text.eq_ignore_ascii_case("terminated"));
    StatusSpan { terminated, from: day(&wire.from), until: day(&wire.until) }
}

/// A date, or the date of a date-time.
fn day(word: &Word) -> Option<NaiveDate> {
    word.text()?.get(..10)?.parse().ok()
}

/// Reads an answer to either question.
#[cfg(feature = "fuzz")]
pub fn fuzz(body: &[u8]) {
    let asked = crate::kronos::readers::asked();
    let by_name = Entries::<Found>::read(body).map(|entries| sort_out(entries, &asked, NaiveDate::MAX, Said::to_string));
    let by_number = Entries::<Numbered>::read(body).map(|entries| sort_out(entries, &asked, NaiveDate::MAX, Said::to_string));
    drop((by_name, by_number));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(body: &str, names: &[&str]) -> People {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let today = NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        sort_out(Entries::<Found>::read(body.as_bytes()).unwrap(), &names, today, Said::to_string)
    }

    fn numbers(people: &People) -> Vec<&str> {
        people.found.iter().map(|person| person.person_number.as_str()).collect()
    }

    #[test]
    fn people_are_found_in_any_case_with_zone_and_status() {
        let body = r#"[
            {"employeeExtension":{"userName":"ADIAZ","personNumber":"0042","personId":7,"timeZone":"(GMT -05:00) Eastern Time",
                "employmentStatuses":[{"employmentStatus":"Active","effectiveDate":"2020-01-01","expirationDate":"3000-01-01"}]}},
            {"employeeExtension":{"userName":"bo","personNumber":43,"timeZoneId":13411,"employmentStatuses":[
                {"employmentStatus":"Active","effectiveDate":"2020-01-01","expirationDate":"2026-05-04"},
                {"employmentStatus":"Terminated","effectiveDate":"2026-05-04","expirationDate":"3000-01-01"}]}}]"#;
        let people = sorted(body, &["adiaz", "bo"]);
        let [ana, bo] = people.found.as_slice() else { panic!("{people:?}") };
        assert_eq!((ana.user_name.as_str(), ana.person_number.as_str(), ana.terminated), ("ADIAZ", "0042", false));
        assert_eq!(ana.zone, Some(ZoneRef::named("(GMT -05:00) Eastern Time")));
        assert_eq!(people.ids, Ids::from([("7".to_owned(), "0042".to_owned())]));
        assert_eq!(
            (bo.person_number.as_str(), bo.zone.as_ref().and_then(|zone| zone.id.as_deref()), bo.terminated),
            ("43", Some("13411"), true)
        );
    }

    #[test]
    fn two_persons_of_one_name_are_both_found() {
        let body =
            r#"[{"employeeExtension":{"userName":"a","personNumber":"1"}},{"employeeExtension":{"userName":"A","personNumber":"2"}}]"#;
        assert_eq!(numbers(&sorted(body, &["a"])), ["1", "2"]);
    }

    #[test]
    fn nobody_found_is_no_failure_and_an_error_is_one() {
        let body = r#"[{"employeeExtension":{"userName":"a","personNumber":"1"}},
            {"error":{"errorCode":"WCO-101263","message":"not found"},"exceptionPresent":true},
            {"error":{"errorCode":"WCO-101299","message":"broken"},"exceptionPresent":true}]"#;
        let people = sorted(body, &["a", "b", "c"]);
        assert_eq!(numbers(&people), ["1"]);
        assert_eq!(people.failed, [("c".to_owned(), "WCO-101299: broken".to_owned())]);
    }

    #[test]
    fn the_partial_form_with_results_is_read() {
        let body = r#"{"errorCode":"WCO-101271","message":"completed with errors","details":{"error-offsets":["0"],"results":[
            {"error":{"errorCode":"WCO-101299","message":"broken"}},{"success":{"employeeExtension":{"userName":"b","personNumber":"2"}}}]}}"#;
        let people = sorted(body, &["a", "b"]);
        assert_eq!((numbers(&people), people.failed.len()), (vec!["2"], 1));
        assert_eq!(people.failed[0].0, "a");
    }

    #[test]
    fn an_error_that_names_nobody_fails_every_name_without_an_answer() {
        let body = r#"[{"employeeExtension":{"userName":"c","personNumber":"3"}},{"error":{"errorCode":"E"}}]"#;
        let failed: Vec<_> = sorted(body, &["a", "b", "c"]).failed.into_iter().map(|(name, _)| name).collect();
        assert_eq!(failed, ["a", "b"]);
    }

    #[test]
    fn only_names_that_fit_nobody_are_spelled_otherwise() {
        let names = ["ADiaz", "bo", "Cy", "Di"].map(str::to_owned);
        let mut people = sorted(r#"[{"employeeExtension":{"userName":"adiaz","personNumber":"1"}}]"#, &["ADiaz"]);
        people.failed.push(("cy".to_owned(), "broken".to_owned()));
        assert_eq!(other_spellings(&names, &people, str::to_lowercase), ["di"]);
        assert_eq!(other_spellings(&names, &people, str::to_uppercase), ["BO", "DI"]);
        assert_eq!(as_asked(&names, "DI".to_owned()), "Di");
    }

    #[test]
    fn somebody_who_was_found_is_spelled_otherwise() {
        let people = sorted(r#"[{"employeeExtension":{"userName":"a1","personNumber":"1"}}]"#, &["a1"]);
        assert_eq!(spelled_otherwise(&people, str::to_lowercase), None);
        assert_eq!(spelled_otherwise(&people, str::to_uppercase), Some(("a1".to_owned(), "A1".to_owned())));
    }

    #[test]
    fn people_asked_for_by_number_keep_the_blanks_of_their_names_and_may_have_none() {
        let body = r#"[{"employeeExtension":{"userName":" adiaz ","personNumber":"0042"}},{"employeeExtension":{"personNumber":42}},
            {"employeeExtension":{"personNumber":"9"},"error":{"errorCode":"WCO-101299","message":"broken"},"exceptionPresent":true}]"#;
        let numbers = ["42", "0042", "7", "9"].map(str::to_owned);
        let today = NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        let people = sort_out(Entries::<Numbered>::read(body.as_bytes()).unwrap(), &numbers, today, Said::to_string);
        let found: Vec<_> = people.found.iter().map(|person| (person.person_number.as_str(), person.user_name.as_str())).collect();
        assert_eq!(found, [("42", ""), ("0042", " adiaz ")]);
        assert_eq!(people.failed, [("9".to_owned(), "WCO-101299: broken".to_owned())]);
    }

    #[test]
    fn a_person_without_a_number_fails() {
        assert_eq!(sorted(r#"[{"employeeExtension":{"userName":"a"}}]"#, &["a"]).failed.len(), 1);
    }
}
