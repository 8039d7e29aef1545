//! One time card: from UKG's JSON to punches and shifts (facts/ukg-pro-wfm.md §3.4, §3.5).
//!
//! What cannot be read makes the card unreadable as a whole: a missing out punch would let somebody in.

use chrono::NaiveDateTime;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use shift_access_core::timecard::{Override, Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};

use crate::call::loose::{List, Loose, Word};
use crate::call::said::{Said, WireError};
use crate::kronos::entries::{self, Entry, Item, Whose};

/// A reference to something by id, by name, or both.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct WireRef {
    id: Word,
    qualifier: Word,
    name: Word,
    description: Word,
    #[serde(rename = "associatedRuleId")]
    rule_id: Word,
    #[serde(rename = "associatedRuleName")]
    rule_name: Word,
    #[serde(rename = "isPhantom")]
    is_phantom: Word,
    #[serde(rename = "isScheduled")]
    is_scheduled: Word,
}

/// A time card in JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct WireCard {
    employee: Loose<WireRef>,
    success: Loose<Box<WireCard>>,
    error: Loose<WireError>,
    punches: List<Loose<WirePunch>>,
    #[serde(rename = "workedShifts")]
    worked_shifts: List<Loose<WireShift>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WirePunch {
    id: Word,
    punch_dtm: Word,
    time_zone: Loose<WireRef>,
    type_override: Loose<WireRef>,
    break_rule: Loose<WireRef>,
    transfer: Loose<Filled>,
    is_phantom: Word,
    is_scheduled: Word,
    entered_on_dtm: Word,
    updated_on_dtm: Word,
    update_time: Word,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireShift {
    id: Word,
    start_date_time: Word,
    end_date_time: Word,
    start_timezone: Loose<WireRef>,
    end_timezone: Loose<WireRef>,
    in_progress: Word,
    projected: Word,
    from_schedule: Word,
    worked_spans: List<Loose<WireSpan>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireSpan {
    start_date_time: Word,
    end_date_time: Word,
    start_timezone: Loose<WireRef>,
    end_timezone: Loose<WireRef>,
    start_punch: Loose<WireRef>,
    end_punch: Loose<WireRef>,
    projected: Word,
}

impl Item for Timecard {
    type Wire = WireCard;

    fn from_wire(wire: WireCard) -> Entry<Self> {
        if let Loose::Object(card) = wire.success {
            return Self::from_wire(*card);
        }
        let key = match &wire.employee {
            Loose::Object(employee) => {
                let number = employee.qualifier.to_text().map(Whose::Asked);
                number.or_else(|| employee.id.to_text().map(Whose::Id))
            }
            other => other.to_text().map(Whose::Asked),
        };
        match entries::error(wire.error) {
            Some(said) => Entry::error(key, said),
            None => Entry { key, what: card(&wire.punches, &wire.worked_shifts).map_err(|why| Said::words(unreadable(&why))) },
        }
    }
}

fn unreadable(why: &str) -> String {
    format!("the time card cannot be read: {why}")
}

fn card(punches: &List<Loose<WirePunch>>, shifts: &List<Loose<WireShift>>) -> Result<Timecard, String> {
    Ok(Timecard { punches: each(punches, "punches", punch)?, shifts: each(shifts, "workedShifts", shift)? })
}

/// Reads every entry of a list; an entry may be nothing that counts.
fn each<W, V>(list: &List<Loose<W>>, name: &str, read: impl Fn(&W) -> Result<Option<V>, String>) -> Result<Vec<V>, String> {
    if list.odd {
        return Err(format!("{name} is not a list"));
    }
    let read = |wire: &Loose<W>| wire.object().map_or_else(|| Err(format!("an entry of {name} is not an object")), &read);
    list.items.iter().filter_map(|wire| read(wire).transpose()).collect()
}

fn punch(wire: &WirePunch) -> Result<Option<Punch>, String> {
    let (phantom, scheduled) = (is(&wire.is_phantom), is(&wire.is_scheduled));
    let Some(at) = moment(&wire.punch_dtm, "punchDtm")? else {
        // What the system made itself need not have a time, and is left out anyway.
        return if phantom || scheduled { Ok(None) } else { Err("a punch has no punchDtm".to_owned()) };
    };
    let edits = [&wire.entered_on_dtm, &wire.updated_on_dtm, &wire.update_time];
    Ok(Some(Punch {
        id: id_or_moment(&wire.id, at),
        at,
        zone: zone(&wire.time_zone),
        kind: kind(wire),
        transfer: wire.transfer.object().is_some_and(|filled| filled.0) || says_where_to(&wire.transfer),
        phantom,
        scheduled,
        // For telling versions apart only, so one that cannot be read does no harm.
        entered: edits.into_iter().filter_map(|word| moment(word, "").ok().flatten()).max(),
    }))
}

/// What somebody or a device said the punch is.
///
/// A doubt stays. The facts (§3.4) know three names, in English, and no numbers: ids are the tenant's, and the names may
/// be in the tenant's language. A break rule "overloads the property" and is put on the punch that returns, so a text
/// taken for one lets a worker in. Hence only what names a rule, or speaks of a meal, is one. Any other text, such as
/// `Ausstempeln`, says nothing that can be relied on: the punch counts as one without an override, until UKG totals it.
fn kind(wire: &WirePunch) -> Option<Override> {
    let texts = texts(&wire.type_override);
    let said = texts.iter().find_map(|text| match text.to_lowercase().as_str() {
        "in punch" | "in" => Some(Override::In),
        "out punch" | "out" => Some(Override::Out),
        "new shift" => Some(Override::NewShift),
        _ => None,
    });
    said.or_else(|| {
        let named = wire.type_override.object().and_then(associated_rule).or_else(|| wire.break_rule.object().and_then(rule));
        let text = || texts.iter().chain(&self::texts(&wire.break_rule)).find(|text| is_meal(text)).map(|text| (*text).to_owned());
        named.or_else(text).map(Override::Break)
    })
}

/// Every text of a reference.
fn texts(reference: &Loose<WireRef>) -> Vec<&str> {
    match reference {
        Loose::Object(reference) => {
            [&reference.qualifier, &reference.name, &reference.description].into_iter().filter_map(Loose::text).collect()
        }
        other => other.text().into_iter().collect(),
    }
}

/// The rule that an override carries, by its name where there is one.
fn associated_rule(reference: &WireRef) -> Option<String> {
    reference.rule_name.to_text().or_else(|| id(&reference.rule_id).map(|id| name(reference).unwrap_or(id).to_owned()))
}

/// The name of a rule, else its id.
fn rule(reference: &WireRef) -> Option<String> {
    name(reference).or_else(|| id(&reference.id)).map(str::to_owned)
}

fn name(reference: &WireRef) -> Option<&str> {
    [&reference.qualifier, &reference.name, &reference.description].into_iter().find_map(|word| word.text())
}

/// An id that points to something: zero and below stand for nothing.
fn id(word: &Word) -> Option<&str> {
    word.text().filter(|_| word.number::<i64>().is_none_or(|id| id > 0))
}

/// Whether a text reads as the name of a meal or break rule, such as `30 Min Meal`. The punch that goes to a meal may be
/// called after it as well (`Lunch Out`), and that one is no return.
fn is_meal(text: &str) -> bool {
    let words: Vec<String> = text.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    has(&["meal", "meals", "break", "breaks", "lunch", "rest"]) && !has(&["out", "start", "begin"])
}

fn shift(wire: &WireShift) -> Result<Option<WorkedShift>, String> {
    let (projected, from_schedule) = (is(&wire.projected), is(&wire.from_schedule));
    let Some(start) = moment(&wire.start_date_time, "startDateTime")? else {
        return if projected || from_schedule { Ok(None) } else { Err("a shift has no startDateTime".to_owned()) };
    };
    Ok(Some(WorkedShift {
        id: id_or_moment(&wire.id, start),
        start,
        start_zone: zone(&wire.start_timezone),
        end: moment(&wire.end_date_time, "endDateTime")?,
        end_zone: zone(&wire.end_timezone),
        in_progress: is(&wire.in_progress),
        projected,
        from_schedule,
        spans: each(&wire.worked_spans, "workedSpans", span)?,
    }))
}

fn span(wire: &WireSpan) -> Result<Option<WorkedSpan>, String> {
    let projected = is(&wire.projected);
    let Some(start) = moment(&wire.start_date_time, "startDateTime")? else {
        return if projected { Ok(None) } else { Err("a span has no startDateTime".to_owned()) };
    };
    let end = moment(&wire.end_date_time, "endDateTime")?;
    Ok(Some(WorkedSpan {
        start,
        start_zone: zone(&wire.start_timezone),
        end,
        end_zone: zone(&wire.end_timezone),
        start_punch: by_hand(&wire.start_punch, start),
        end_punch: by_hand(&wire.end_punch, end.unwrap_or(start)),
        projected,
    }))
}

/// The punch at one end of a span, unless the system made it: such an end is not the worker's doing.
fn by_hand(punch: &Loose<WireRef>, at: NaiveDateTime) -> Option<i64> {
    match punch {
        Loose::Object(punch) if is(&punch.is_phantom) || is(&punch.is_scheduled) => None,
        Loose::Object(punch) => Some(id_or_moment(&punch.id, at)),
        other => other.number(),
    }
}

fn zone(reference: &Loose<WireRef>) -> ZoneRef {
    match reference {
        Loose::Object(zone) => ZoneRef { id: zone.id.to_text(), qualifier: zone.qualifier.to_text(), name: zone.name.to_text() },
        // A bare number is an id, a bare text a name.
        other if other.number::<u64>().is_some() => ZoneRef { id: other.to_text(), ..ZoneRef::default() },
        other => ZoneRef { qualifier: other.to_text(), ..ZoneRef::default() },
    }
}

fn is(word: &Word) -> bool {
    word.yes() == Some(true)
}

/// The id; without one, a number below zero (see [`Punch::id`]) that is the same whenever the same moment comes.
fn id_or_moment(word: &Word, at: NaiveDateTime) -> i64 {
    word.number().unwrap_or_else(|| at.and_utc().timestamp().wrapping_neg())
}

/// A local date-time of 19 characters, or with a fraction. An offset or a `Z` would mean another kind of time.
fn moment(word: &Word, field: &str) -> Result<Option<NaiveDateTime>, String> {
    let Some(text) = word.text() else { return Ok(None) };
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(Some).map_err(|_| format!("{field} {text:?} is no local date-time"))
}

/// Whether a value of a transfer says where to. Its string is cut by semicolons (facts/ukg-pro-wfm.md §3.4), and one of
/// nothing else names no part.
fn says_where_to<T>(value: &Loose<T>) -> bool {
    value.text().is_some_and(|text| text.contains(|c: char| c != ';' && !c.is_whitespace()))
}

/// Whether a transfer holds anything beside a remark on who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filled(bool);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Filled;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filled, A::Error> {
                let mut filled = false;
                while let Some((key, value)) = map.next_entry::<String, Loose<IgnoredAny>>()? {
                    let says_something = says_where_to(&value) || matches!(value, Loose::Object(_) | Loose::List(false));
                    filled |= says_something && value.yes() != Some(false) && key != "systemGenerated";
                }
                Ok(Filled(filled))
            }
        }

        de::Deserializer::deserialize_map(deserializer, Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Timecard, String> {
        Timecard::from_wire(serde_json::from_str(body).unwrap()).what.map_err(|said| said.to_string())
    }

    fn one_punch(fields: &str) -> Punch {
        let card = read(&format!(r#"{{"punches":[{{"id":5,"punchDtm":"2026-05-04T08:00:00",{fields}}}]}}"#)).unwrap();
        card.punches.into_iter().next().unwrap()
    }

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_card_with_an_open_shift() {
        let card = read(
            r#"{"employee":{"id":1,"qualifier":"42"},"startDate":"2026-05-03T00:00:00","punches":[
              {"id":"17","punchDtm":"2026-05-04T08:00:00.000","timeZone":{"id":13411},"enteredOnDtm":"2026-05-04T08:00:05",
               "updatedOnDtm":"2026-05-04T09:00:00","isPhantom":false,"transfer":{}}],
              "workedShifts":[{"id":3,"startDateTime":"2026-05-04T08:00:00","startTimezone":{"qualifier":"Eastern"},"inProgress":true,
               "workedSpans":[{"spanId":1,"startDateTime":"2026-05-04T08:00:00","startPunch":{"id":17},"endPunch":null}]}]}"#,
        );
        let card = card.unwrap();
        let punch = &card.punches[0];
        assert_eq!((punch.id, punch.at, punch.zone.id.as_deref()), (17, at("2026-05-04T08:00:00"), Some("13411")));
        assert_eq!((punch.kind.clone(), punch.transfer, punch.entered), (None, false, Some(at("2026-05-04T09:00:00"))));
        let shift = &card.shifts[0];
        assert_eq!((shift.id, shift.in_progress, shift.end, shift.start_zone.qualifier.as_deref()), (3, true, None, Some("Eastern")));
        assert_eq!((shift.spans[0].start_punch, shift.spans[0].end_punch, shift.spans[0].end), (Some(17), None, None));
    }

    #[test]
    fn overrides_by_qualifier_or_name_in_any_case() {
        let table = [
            (r#""typeOverride":{"id":1,"qualifier":"IN PUNCH"}"#, Some(Override::In)),
            (r#""typeOverride":{"id":2,"name":"Out Punch"}"#, Some(Override::Out)),
            (r#""typeOverride":{"id":3,"qualifier":"New Shift"}"#, Some(Override::NewShift)),
            (r#""typeOverride":{"id":4,"qualifier":"30 Min Meal"}"#, Some(Override::Break("30 Min Meal".to_owned()))),
            (r#""typeOverride":{"qualifier":"2","name":"2","description":"out punch"}"#, Some(Override::Out)),
            (r#""typeOverride":"Out Punch""#, Some(Override::Out)),
            (r#""typeOverride":{"id":4}"#, None),
            (r#""breakRule":{"id":9,"name":"Paid break"}"#, Some(Override::Break("Paid break".to_owned()))),
            (r#""breakRule":{}"#, None),
            (r#""typeOverride":null"#, None),
        ];
        for (fields, expected) in table {
            assert_eq!(one_punch(fields).kind, expected, "{fields}");
        }
    }

    #[test]
    fn a_text_that_names_no_rule_is_no_return() {
        let rule = |name: &str| Some(Override::Break(name.to_owned()));
        let table = [
            (r#""typeOverride":{"id":2,"typeOverrideId":2,"qualifier":"Ausstempeln"}"#, None),
            (r#""typeOverride":{"id":2,"qualifier":"Ausstempeln","associatedRuleId":0,"associatedRuleName":""}"#, None),
            (r#""typeOverride":{"id":2,"qualifier":"Restaurant closed"}"#, None),
            (r#""typeOverride":{"id":2,"qualifier":"Lunch Out"}"#, None),
            (r#""typeOverride":"2""#, None),
            (r#""breakRule":false"#, None),
            (r#""breakRule":{"id":0}"#, None),
            (r#""typeOverride":{"id":9,"qualifier":"Pause 30","associatedRuleId":1001}"#, rule("Pause 30")),
            (r#""typeOverride":{"id":9,"qualifier":"9","associatedRuleName":"Mittagspause"}"#, rule("Mittagspause")),
            (r#""typeOverride":{"id":9},"breakRule":{"qualifier":"Pause"}"#, rule("Pause")),
            (r#""typeOverride":{"id":9,"qualifier":"9","name":"UNPAID LUNCH"}"#, rule("UNPAID LUNCH")),
            (r#""typeOverride":{"qualifier":"Out Punch","associatedRuleId":7}"#, Some(Override::Out)),
        ];
        for (fields, expected) in table {
            assert_eq!(one_punch(fields).kind, expected, "{fields}");
        }
    }

    #[test]
    fn a_transfer_counts_if_it_says_where_to() {
        let table = [
            (r#""transfer":{"transferString":"Store 14;;;"}"#, true),
            (r#""transfer":{"orgJobId":7,"systemGenerated":false}"#, true),
            (r#""transfer":{"transferString":"","systemGenerated":true}"#, false),
            (r#""transfer":{"transferString":";;;","systemGenerated":false}"#, false),
            (r#""transfer":{"transferString":" ; ;; ;"}"#, false),
            (r#""transfer":{"transferString":";;;","workRuleId":4}"#, true),
            (r#""transfer":{"transferString":";;;","laborAccountId":"12"}"#, true),
            (r#""transfer":{"systemGenerated":true}"#, false),
            (r#""transfer":";;;""#, false),
            (r#""transfer":";Night;;""#, true),
            (r#""transfer":null"#, false),
            (r#""transfer":[]"#, false),
        ];
        for (fields, expected) in table {
            assert_eq!(one_punch(fields).transfer, expected, "{fields}");
        }
    }

    #[test]
    fn an_ended_shift_stays_ended_where_its_spans_say_no_ids() {
        use shift_access_core::{derive::derive, settings::Settings, status::Status, zone::Zones};
        let card = read(
            r#"{"punches":[{"id":1,"punchDtm":"2026-05-04T08:00:00"},{"id":2,"punchDtm":"2026-05-04T16:00:00"}],
              "workedShifts":[{"startDateTime":"2026-05-04T08:00:00","endDateTime":"2026-05-04T16:00:00","workedSpans":[
               {"startDateTime":"2026-05-04T08:00:00","endDateTime":"2026-05-04T16:00:00","startPunch":{},"endPunch":{"qualifier":"x"}}]}]}"#,
        );
        let now = "2026-05-04T17:00:00Z".parse().unwrap();
        let found = derive(
            &card.unwrap(),
            Some(&shift_access_core::timecard::ZoneRef::named("UTC")),
            &Zones::default(),
            &Settings::defaults(),
            now,
        );
        assert_eq!(found.status, Status::OffShift, "{:#?}", found.evidence);
    }

    #[test]
    fn an_end_the_system_made_leaves_the_span_open() {
        let card = read(
            r#"{"workedShifts":[{"startDateTime":"2026-05-04T08:00:00","workedSpans":[{"startDateTime":"2026-05-04T08:00:00",
                "endDateTime":"2026-05-04T16:00:00","startPunch":{"id":1},"endPunch":{"id":2,"isPhantom":true}}]}]}"#,
        );
        let card = card.unwrap();
        assert_eq!((card.shifts[0].spans[0].start_punch, card.shifts[0].spans[0].end_punch), (Some(1), None));
        assert!(card.shifts[0].id < 0, "a shift without an id gets one");
    }

    #[test]
    fn nothing_at_all_is_an_empty_card() {
        for body in ["{}", r#"{"punches":[],"workedShifts":[]}"#, r#"{"punches":null}"#] {
            assert_eq!(read(body), Ok(Timecard::default()), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let table = [
            (r#"{"punches":"none"}"#, "punches is not a list"),
            (r#"{"punches":[3]}"#, "an entry of punches is not an object"),
            (r#"{"punches":[{"id":1}]}"#, "a punch has no punchDtm"),
            (r#"{"punches":[{"id":1,"punchDtm":"2026-05-04T08:00:00Z"}]}"#, "is no local date-time"),
            (r#"{"workedShifts":[{"id":1,"startDateTime":"soon"}]}"#, "startDateTime \"soon\" is no local date-time"),
        ];
        for (body, expected) in table {
            let why = read(body).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }
}
