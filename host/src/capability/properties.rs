//! The tenant's property values.

use super::Lent;
use crate::description::PropertyValue;
use crate::plugin::bindings::shift_access::plugin::properties;

impl properties::Host for &mut Lent {
    fn revision(&mut self) -> u64 {
        self.revision
    }

    fn all(&mut self) -> Vec<properties::Property> {
        self.properties.iter().map(|(name, value)| to_contract(name, value)).collect()
    }
}

/// One property as the contract has it.
pub(crate) fn to_contract(name: &str, value: &PropertyValue) -> properties::Property {
    let value = match value.clone() {
        PropertyValue::Text(text) => properties::Value::Text(text),
        PropertyValue::Number(number) => properties::Value::Number(number),
        PropertyValue::Switch(on) => properties::Value::Switch(on),
        PropertyValue::Items(items) => properties::Value::Items(items),
        PropertyValue::Table(rows) => properties::Value::Table(rows),
    };
    properties::Property { name: name.to_owned(), value }
}
