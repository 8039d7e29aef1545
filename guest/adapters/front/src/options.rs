//! Options of a job, from JSON to the types of the contract.

use serde_json::Value as Json;

use crate::bindings::shift_access::plugin::pack::{Kind, PropertyInfo};
use crate::bindings::shift_access::plugin::properties::{Property, Value};

/// The options of one run.
///
/// # Errors
/// What is wrong with one of them, in words.
pub fn typed(described: &[PropertyInfo], body: &[u8]) -> Result<Vec<Property>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(defaults(described));
    }
    let body: Json = serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
    let given = match body.get("options") {
        None | Some(Json::Null) => return Ok(defaults(described)),
        Some(options) => options.as_object().ok_or("options is no object")?,
    };
    if let Some(name) = given.keys().find(|name| !described.iter().any(|info| info.name == **name)) {
        return Err(format!("the job has no option {name:?}"));
    }
    let mut typed = Vec::new();
    for info in described {
        let value = match given.get(&info.name) {
            Some(given) => Some(value(&info.kind, given).ok_or_else(|| format!("the option {:?} wants {}", info.name, words(&info.kind)))?),
            None => info.default.clone(),
        };
        typed.extend(value.map(|value| Property { name: info.name.clone(), value }));
    }
    Ok(typed)
}

fn defaults(described: &[PropertyInfo]) -> Vec<Property> {
    let usual = |info: &PropertyInfo| Some(Property { name: info.name.clone(), value: info.default.clone()? });
    described.iter().filter_map(usual).collect()
}

fn value(kind: &Kind, given: &Json) -> Option<Value> {
    match kind {
        Kind::Text => given.as_str().map(|text| Value::Text(text.to_owned())),
        Kind::Number((least, most)) => given.as_i64().filter(|number| (least..=most).contains(&number)).map(Value::Number),
        Kind::Switch => given.as_bool().map(Value::Switch),
        Kind::Items => given.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>().map(Value::Items),
        Kind::Table => {
            let row = |(name, text): (&String, &Json)| Some((name.clone(), text.as_str()?.to_owned()));
            given.as_object()?.iter().map(row).collect::<Option<_>>().map(Value::Table)
        }
        Kind::Choice(texts) => {
            given.as_str().filter(|text| texts.iter().any(|known| known == text)).map(|text| Value::Text(text.to_owned()))
        }
    }
}

fn words(kind: &Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::Number((least, most)) => format!("a number from {least} to {most}"),
        Kind::Switch => "true or false".to_owned(),
        Kind::Items => "a list of texts".to_owned(),
        Kind::Table => "an object of texts".to_owned(),
        Kind::Choice(texts) => format!("one of {}", texts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Vec<PropertyInfo> {
        let info = |name: &str, kind, default| PropertyInfo {
            name: name.to_owned(),
            title: String::new(),
            summary: String::new(),
            kind,
            default,
            required: false,
            what_if: false,
        };
        vec![info("release", Kind::Switch, Some(Value::Switch(false))), info("most", Kind::Number((1, 9)), None)]
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let release = |on| vec![Property { name: "release".into(), value: Value::Switch(on) }];
        for body in ["", " ", "{}", r#"{"options":null}"#, r#"{"options":{}}"#] {
            assert_eq!(typed(&described(), body.as_bytes()), Ok(release(false)), "{body}");
        }
        assert_eq!(typed(&described(), br#"{"options":{"release":true}}"#), Ok(release(true)));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (body, what) in [
            ("x", "no JSON"),
            (r#"{"options":[]}"#, "no object"),
            (r#"{"options":{"other":1}}"#, "no option"),
            (r#"{"options":{"most":10}}"#, "from 1 to 9"),
            (r#"{"options":{"release":"yes"}}"#, "true or false"),
        ] {
            assert!(typed(&described(), body.as_bytes()).is_err_and(|error| error.contains(what)), "{body}");
        }
    }
}
