//! Where secrets stand in a configuration, and what may not be kept at all.
//!
//! Of a connection's settings the pack says which are secret. One that the pack does not know, and every one while the pack is
//! not known, is taken for a secret: a name typed wrong must not leave a password lying open.

use super::{Document, Path, Value};
use crate::description::Description;

/// The settings that every connection has; none of them is secret.
const OF_EVERY_CONNECTION: [&str; 5] = ["url", "authentication", "timeout-seconds", "in-flight", "private-network"];
/// The ways of proof of a listener, and what in their tables is not secret.
const WAYS: [&str; 4] = ["signature", "standard-webhooks", "shared", "basic"];
const OF_EVERY_WAY: [&str; 6] = ["header", "algorithm", "encoding", "prefix", "signed", "username"];

/// Which places hold secrets, by the description of a pack.
#[derive(Clone, Copy, Default)]
pub(crate) struct Places<'a> {
    description: Option<&'a Description>,
}

/// A value that may not be kept, and why. The value is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) path: Path,
    pub(crate) message: &'static str,
    pub(crate) remedy: &'static str,
}

impl<'a> Places<'a> {
    pub(crate) fn of(description: Option<&'a Description>) -> Self {
        Self { description }
    }

    /// Whether what stands here is a secret.
    pub(crate) fn is_secret(self, path: &Path) -> bool {
        match path.parts().as_slice() {
            ["connections", connection, setting] => !OF_EVERY_CONNECTION.contains(setting) && !self.is_plain(connection, setting),
            ["listener", way, key] => WAYS.contains(way) && !OF_EVERY_WAY.contains(key),
            ["listener", way, key, index] => WAYS.contains(way) && !OF_EVERY_WAY.contains(key) && index.parse::<u16>().is_ok(),
            _ => false,
        }
    }

    fn is_plain(self, connection: &str, setting: &str) -> bool {
        let connections = self.description.into_iter().flat_map(|description| &description.connections);
        let settings = connections.filter(|known| known.name == connection).flat_map(|known| &known.settings);
        settings.filter(|known| known.name == setting).any(|known| !known.secret)
    }
}

/// Whether a value here would be a setting or a proof: a text, perhaps one that is read from elsewhere.
pub(crate) fn takes_text(path: &Path) -> bool {
    match path.parts().as_slice() {
        ["connections", _, _] => true,
        ["listener", way, _] => WAYS.contains(way),
        ["listener", way, _, _] => WAYS.contains(way),
        _ => false,
    }
}

/// The texts that stand open where secrets belong, each with its path; those in a list with their number.
pub(crate) fn open_secrets(document: &Document, places: Places<'_>) -> Vec<(Path, String)> {
    let mut open = Vec::new();
    for (path, value) in document.leaves() {
        match value {
            Value::Text(text) if places.is_secret(&path) => open.push((path, text.clone())),
            Value::List(items) if places.is_secret(&path) => {
                let texts = items.iter().enumerate().filter_map(|(index, item)| match item {
                    Value::Text(text) => Some((path.at(index.to_string()), text.clone())),
                    _ => None,
                });
                open.extend(texts);
            }
            _ => {}
        }
    }
    open
}

/// What may not be kept: references to variables and files of the host, which whoever edits a tenant has no business with, and
/// addresses with a password in them.
pub(crate) fn refused(document: &Document) -> Vec<Refused> {
    let mut refused = Vec::new();
    for (path, value) in document.leaves() {
        if let Some(within) = path.keys().get(..path.keys().len().saturating_sub(1)).map(|keys| Path::of(keys.iter().cloned()))
            && (takes_text(&within) || matches!(value, Value::Table(_)) && takes_text(&path))
        {
            let remedy = "give the secret itself, which is kept sealed; `shift-access apply FILE` reads variables and files";
            refused.push(Refused { path: within, message: "is a table, and is kept as a text", remedy });
        } else if let Value::Text(text) = value
            && matches!(path.parts().first(), Some(&"connections"))
            && holds_login(&path, text)
        {
            let remedy = "take out everything up to the @ and give the credentials as settings";
            refused.push(Refused { path, message: "holds a user name or password", remedy });
        }
    }
    refused
}

/// Whether an address has a login in it, as `https://me:secret@host`.
fn holds_login(path: &Path, text: &str) -> bool {
    let is_url = path.parts().last() == Some(&"url");
    let rest = match text.split_once("//") {
        Some((_, rest)) => rest,
        None if is_url => text,
        None => return false,
    };
    rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')) || is_url && text.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Connection, Setting};

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    fn pack() -> Description {
        let setting = |name: &str, secret| Setting { name: name.to_owned(), secret, ..Setting::default() };
        let settings = vec![setting("client-id", false), setting("password", true)];
        Description {
            connections: vec![Connection { name: "alpha".to_owned(), settings, ..Connection::default() }],
            ..Description::default()
        }
    }

    #[test]
    fn what_the_pack_calls_secret_is_one_and_so_is_what_it_does_not_know() {
        let description = pack();
        for (at, known, unknown) in [
            ("/connections/alpha/url", false, false),
            ("/connections/alpha/client-id", false, true),
            ("/connections/alpha/password", true, true),
            ("/connections/alpha/pasword", true, true),
            ("/connections/beta/client-id", true, true),
            ("/listener/signature/secret", true, true),
            ("/listener/signature/secrets/1", true, true),
            ("/listener/signature/secrets/x", false, false),
            ("/listener/signature/header", false, false),
            ("/listener/basic/username", false, false),
            ("/listener/mapping/at", false, false),
            ("/properties/password", false, false),
        ] {
            assert_eq!(Places::of(Some(&description)).is_secret(&path(at)), known, "{at}");
            assert_eq!(Places::default().is_secret(&path(at)), unknown, "{at}");
        }
    }

    #[test]
    fn open_texts_at_secret_places_are_found() {
        let mut document = Document::default();
        document.set(&path("/connections/alpha/password"), "one".into()).unwrap();
        document.set(&path("/connections/alpha/client-id"), "me".into()).unwrap();
        document.set(&path("/listener/shared/values"), Value::List(vec!["two".into(), "three".into()])).unwrap();
        let description = pack();
        let found = open_secrets(&document, Places::of(Some(&description)));
        let found: Vec<_> = found.iter().map(|(path, text)| (path.pointer(), text.as_str())).collect();
        let wanted = [("/connections/alpha/password", "one"), ("/listener/shared/values/0", "two"), ("/listener/shared/values/1", "three")];
        assert_eq!(found, wanted.map(|(path, text)| (path.to_owned(), text)));
    }

    #[test]
    fn references_and_addresses_with_a_login_are_refused() {
        for (at, value, good) in [
            ("/connections/alpha/password/file", "/etc/shadow", false),
            ("/connections/alpha/client-id/env", "HOME", false),
            ("/listener/signature/secret/file", "/dev/zero", false),
            ("/listener/mapping/at/pointer", "/x", true),
            ("/properties/zones/file", "/dev/zero", true),
            ("/connections/alpha/url", "https://me:pw@acme.example", false),
            ("/connections/alpha/url", "me:pw@acme.example", false),
            ("/connections/alpha/token-url", "https://me:p/w@acme.example/x", true),
            ("/connections/alpha/token-url", "https://me:pw@acme.example/x", false),
            ("/connections/alpha/username", "api@acme.example", true),
            ("/connections/alpha/url", "https://acme.example", true),
        ] {
            let mut document = Document::default();
            document.set(&path(at), value.into()).unwrap();
            assert_eq!(refused(&document).is_empty(), good, "{at} {value}");
        }
        let mut document = Document::default();
        document.set(&path("/connections/alpha/password"), Value::Table([].into())).unwrap();
        assert_eq!(refused(&document).len(), 1);
    }
}
