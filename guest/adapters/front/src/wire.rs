//! What the plugin answers, in the JSON of the reference host: moments in RFC 3339, null for none, words in small letters.

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::bindings::shift_access::plugin::{access, jobs, roster};
use crate::message::Problem;

/// Fields that hold a moment, in milliseconds since 1970.
const MOMENTS: [&str; 4] = ["at", "since", "as_of", "observed_at"];

/// A moment.
pub fn moment(milliseconds: i64) -> Value {
    DateTime::from_timestamp_millis(milliseconds).map_or(Value::Null, |at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
}

/// A record of the contract.
pub fn of(record: &impl Serialize) -> Value {
    // What comes of WIT always has a JSON form.
    shaped("", serde_json::to_value(record).unwrap_or_default())
}

fn shaped(name: &str, value: Value) -> Value {
    match value {
        Value::Number(number) if MOMENTS.contains(&name) => number.as_i64().map_or(Value::Null, moment),
        Value::String(word) if name == "outcome" => word.to_ascii_lowercase().into(),
        Value::Array(items) => items.into_iter().map(|item| shaped("", item)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name.clone(), shaped(&name, value))).collect::<Map<_, _>>().into(),
        other => other,
    }
}

/// Counts as an object; null where nothing was counted.
pub fn counts(counts: &[jobs::Count]) -> Value {
    let named: Map<_, _> = counts.iter().map(|count| (count.name.clone(), count.value.into())).collect();
    if named.is_empty() { Value::Null } else { named.into() }
}

/// What a decision rests on.
pub fn context(decision: &access::Decision) -> Value {
    let mut fields = of(decision);
    if let Some(fields) = fields.as_object_mut() {
        ["user", "surface", "allow"].iter().for_each(|name| drop(fields.remove(*name)));
    }
    fields
}

/// A page of records.
pub fn listing(listing: &roster::Listing) -> Value {
    json!({ "items": of(&listing.entries), "next": listing.cursor })
}

/// A failure in the words of the pack.
pub fn failed(failure: &jobs::Failure) -> Problem {
    let more = vec![("code", failure.code.clone().into()), ("remedy", failure.remedy.clone().into())];
    Problem { more, ..Problem::new(502, format!("{}: {}", failure.title, failure.message)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_words_are_as_the_reference_host_writes_them() {
        assert_eq!(moment(1_772_343_900_000), json!("2026-03-01T05:45:00Z"));
        assert_eq!(moment(1_772_343_900_120), json!("2026-03-01T05:45:00.120Z"));
        let step = jobs::Step { title: "t".into(), outcome: jobs::StepOutcome::Passed, detail: "d".into() };
        assert_eq!(of(&[step]), json!([{ "title": "t", "outcome": "passed", "detail": "d" }]));
        let source = roster::Source { run: None, kind: "batch".into() };
        assert_eq!(of(&source), json!({ "run": null, "kind": "batch" }));
    }

    #[test]
    fn counts_of_nothing_are_null() {
        assert_eq!(counts(&[]), Value::Null);
        assert_eq!(counts(&[jobs::Count { name: "members".into(), value: 3 }]), json!({ "members": 3 }));
    }
}
