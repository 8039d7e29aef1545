//! The promises of `properties`.

use crate::Promises;
use crate::bindings::exports::shift_access::plugin::pack::{Kind, PropertyInfo, Value as Described};
use crate::bindings::shift_access::plugin::properties::{Value, all};

pub fn described() -> Vec<PropertyInfo> {
    let info = |name: &str, kind: Kind, default: Option<Described>| PropertyInfo {
        name: name.to_owned(),
        title: name.to_owned(),
        summary: name.to_owned(),
        kind,
        default,
        required: false,
        what_if: false,
    };
    vec![
        info("alert", Kind::Text, None),
        info("text", Kind::Text, None),
        info("number", Kind::Number((1, 9)), Some(Described::Number(7))),
        info("switch", Kind::Switch, Some(Described::Switch(false))),
        info("items", Kind::Items, None),
        info("table", Kind::Table, None),
        info("absent", Kind::Text, None),
    ]
}

pub fn probe(promises: &mut Promises) {
    let values = all();
    let value = |name: &str| values.iter().find(|property| property.name == name).map(|property| property.value.clone());
    promises.check("a text comes as it was set", value("text") == Some(Value::Text("a, b".to_owned())), value("text"));
    promises.check("a default is filled in", value("number") == Some(Value::Number(7)), value("number"));
    promises.check("a value goes before the default", value("switch") == Some(Value::Switch(true)), value("switch"));
    let items = vec!["Store 12, Hourly".to_owned(), "Store 14".to_owned()];
    promises.check("a string of items is split, an escaped comma is not", value("items") == Some(Value::Items(items)), value("items"));
    let table = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
    promises.check("a table is ordered by name", value("table") == Some(Value::Table(table)), value("table"));
    promises.check("what has neither value nor default is absent", value("absent").is_none(), value("absent"));
}
