//! The `attributes` of a SCIM read: which of them exist, and cutting a resource down to them.

use serde_json::{Map, Value};

/// Always there, whatever was asked for.
const MINIMAL: [&str; 3] = ["id", "schemas", "meta"];
const ENTERPRISE: &str = "urn:scim:schemas:extension:enterprise:1.0";
/// The extension with the domain, the status and the kind.
pub(crate) const WORKSPACE: &str = "urn:scim:schemas:extension:workspace:1.0";

const USER: &[&str] = &[
    "userName",
    "active",
    "name",
    "displayName",
    "nickName",
    "emails",
    "groups",
    "roles",
    "externalId",
    "phoneNumbers",
    "addresses",
    "locale",
    "userType",
    "title",
    "preferredLanguage",
    "entitlements",
    "photos",
    "profileUrl",
    "timeZone",
    ENTERPRISE,
    WORKSPACE,
];
const GROUP: &[&str] = &["displayName", "members", "externalId", WORKSPACE];

/// Which kind of resource is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    User,
    Group,
}

/// The attributes of one read.
#[derive(Debug, Clone)]
pub(crate) enum Attributes {
    /// All of them.
    All,
    /// These, each whole or with one sub-attribute.
    Some(Vec<(&'static str, Option<String>)>),
}

impl Attributes {
    /// Reads a comma list; an attribute that does not exist is an error with its name. An empty list asks for everything.
    pub(crate) fn parse(text: &str, resource: Resource) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let wanted: Vec<_> = names.map(|name| known(name, resource).ok_or_else(|| name.to_owned())).collect::<Result<_, _>>()?;
        Ok(if wanted.is_empty() { Self::All } else { Self::Some(wanted) })
    }

    /// Whether an attribute is worth making at all.
    pub(crate) fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(wanted) => wanted.iter().any(|(known, _)| *known == name),
        }
    }

    /// Cuts a resource down to what was asked for.
    pub(crate) fn cut(&self, resource: Map<String, Value>) -> Value {
        let Self::Some(wanted) = self else { return Value::Object(resource) };
        let keep = |(key, value): (String, Value)| {
            if MINIMAL.contains(&key.as_str()) {
                return Some((key, value));
            }
            let mut subs = wanted.iter().filter(|(known, _)| *known == key).map(|(_, sub)| sub.as_deref()).peekable();
            subs.peek()?;
            let subs: Option<Vec<&str>> = subs.collect();
            Some((key, subs.map_or(value.clone(), |subs| narrow(value, &subs))))
        };
        Value::Object(resource.into_iter().filter_map(keep).collect())
    }
}

fn known(name: &str, resource: Resource) -> Option<(&'static str, Option<String>)> {
    let all = if resource == Resource::User { USER } else { GROUP };
    let find = |name: &str| all.iter().chain(&MINIMAL).copied().find(|known| known.eq_ignore_ascii_case(name));
    if let Some(known) = find(name) {
        return Some((known, None));
    }
    // A schema's own name ends in ".0", so the sub-attribute stands behind the last dot or colon.
    let (top, sub) = name.rsplit_once(['.', ':'])?;
    find(top).map(|known| (known, Some(sub.to_owned())))
}

/// Keeps only some properties of an object, or of every object in a list.
fn narrow(value: Value, subs: &[&str]) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(key, _)| subs.iter().any(|sub| sub.eq_ignore_ascii_case(key))).collect(),
        Value::Array(list) => list.into_iter().map(|value| narrow(value, subs)).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_resource_is_cut_to_the_minimal_set_and_what_was_asked() {
        let whole = json!({ "id": "1", "schemas": [], "meta": {}, "userName": "a", "name": { "givenName": "A", "familyName": "B" },
            "groups": [{ "value": "g", "type": "direct" }], WORKSPACE: { "domain": "d", "userStatus": "1" } });
        let cut = |text: &str| Attributes::parse(text, Resource::User).unwrap().cut(whole.as_object().unwrap().clone());
        assert_eq!(
            cut("username,groups.value"),
            json!({ "id": "1", "schemas": [], "meta": {}, "userName": "a", "groups": [{ "value": "g" }] })
        );
        assert_eq!(cut(&format!("{WORKSPACE}.domain"))[WORKSPACE], json!({ "domain": "d" }));
        assert_eq!(cut(WORKSPACE)[WORKSPACE]["userStatus"], "1");
        assert_eq!(cut(""), whole);
    }

    #[test]
    fn an_attribute_that_does_not_exist_is_an_error() {
        assert_eq!(Attributes::parse("userName,shoeSize", Resource::User).unwrap_err(), "shoeSize");
        assert!(Attributes::parse("userName", Resource::Group).is_err());
    }
}
