//! A change of a tenant that is kept in the store: values put and taken away at paths.
//!
//! Secrets go in by it and never come out: nothing here, and nothing that can be asked of a document, gives one back.

use std::fmt;

use secrecy::SecretString;

use super::places::{self, Places, Refused};
use super::{Document, Path, PlaceError, Value};
use crate::seal::{Keys, Place, SealError, Sealed};

/// A change, made by somebody who looked at a certain version.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version it was made from; none for a tenant that is not there yet.
    pub base: Option<u64>,
    /// What is put and taken away, in order.
    pub edits: Vec<Edit>,
    /// Whether the tenant is incomplete, and is kept without being run.
    pub draft: bool,
    /// Who makes it, in words for people.
    pub by: String,
    /// Why, if they say so.
    pub note: String,
}

/// One value put or taken away. The debug form shows no value: a text may be one that is to be sealed.
#[derive(Clone)]
pub enum Edit {
    /// Puts a value at a path, in the place of all that stood there. A text at a place of secrets is sealed.
    Set(Path, Value),
    /// Puts a secret at a path.
    Secret(Path, SecretString),
    /// Takes away what stands at a path.
    Remove(Path),
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(path, _) => write!(f, "Set({path}, …)"),
            Self::Secret(path, _) => write!(f, "Secret({path}, …)"),
            Self::Remove(path) => write!(f, "Remove({path})"),
        }
    }
}

/// Why a change is not made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EditError {
    Place(Path, PlaceError),
    Refused(Vec<Refused>),
    Seal(Path, SealError),
}

/// Seals for one tenant.
#[derive(Clone, Copy)]
pub(crate) struct Sealer<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) tenant: &'a str,
}

impl Sealer<'_> {
    /// Seals a secret for its path. One that is the same as before keeps its seal, so that nothing seems to be changed.
    pub(crate) fn seal(&self, path: &Path, secret: &SecretString, before: Option<&Sealed>) -> Result<Sealed, SealError> {
        use secrecy::ExposeSecret;
        let same = |sealed: &&Sealed| self.open(path, sealed).is_ok_and(|known| known.expose_secret() == secret.expose_secret());
        let (tenant, path) = (self.tenant, &*path.pointer());
        match before.filter(same) {
            Some(sealed) => Ok(sealed.clone()),
            None => self.keys.seal(&Place { tenant, path }, secret),
        }
    }

    pub(crate) fn open(&self, path: &Path, sealed: &Sealed) -> Result<SecretString, SealError> {
        self.keys.open(&Place { tenant: self.tenant, path: &path.pointer() }, sealed)
    }
}

/// The document after the edits, with every secret in it sealed.
pub(crate) fn edited(before: &Document, edits: &[Edit], places: Places<'_>, sealer: Sealer<'_>) -> Result<Document, EditError> {
    written(before.clone(), before, edits, places, sealer)
}

/// The same, from another document on than the one before.
pub(crate) fn written(
    mut document: Document,
    before: &Document,
    edits: &[Edit],
    places: Places<'_>,
    sealer: Sealer<'_>,
) -> Result<Document, EditError> {
    for edit in edits {
        one(&mut document, before, edit, sealer)?;
    }
    let refused = places::refused(&document);
    if !refused.is_empty() {
        return Err(EditError::Refused(refused));
    }
    close(&mut document, before, places, sealer)?;
    document.fits().map_err(|error| EditError::Place(Path::default(), error))?;
    Ok(document)
}

fn one(document: &mut Document, before: &Document, edit: &Edit, sealer: Sealer<'_>) -> Result<(), EditError> {
    match edit {
        Edit::Set(path, value) => document.set(path, value.clone()).map_err(|error| EditError::Place(path.clone(), error)),
        Edit::Remove(path) => {
            document.remove(path);
            Ok(())
        }
        Edit::Secret(path, _) if !places::takes_text(path) => {
            let (message, remedy) = ("is no place for a secret", "only settings of connections and proofs of a listener are secret");
            Err(EditError::Refused(vec![Refused { path: path.clone(), message, remedy }]))
        }
        Edit::Secret(path, secret) => {
            let sealed = sealer.seal(path, secret, before.sealed().get(path)).map_err(|error| EditError::Seal(path.clone(), error))?;
            document.put_sealed(path, sealed);
            Ok(())
        }
    }
}

/// Seals the texts that stand open where secrets belong. A blank one is none.
fn close(document: &mut Document, before: &Document, places: Places<'_>, sealer: Sealer<'_>) -> Result<(), EditError> {
    let open = places::open_secrets(document, places);
    // A list of them goes as a whole, before its items come back sealed.
    for (path, _) in &open {
        let list = Path::of(path.keys().iter().take(3).cloned());
        if matches!(document.get(&list), Some(Value::List(_))) {
            document.remove(&list);
        }
    }
    for (path, text) in open {
        if text.trim().is_empty() {
            document.remove(&path);
            continue;
        }
        let sealed = sealer.seal(&path, &SecretString::from(text), before.sealed().get(&path));
        document.put_sealed(&path, sealed.map_err(|error| EditError::Seal(path.clone(), error))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::seal::Key;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    fn keys() -> Keys {
        Keys::new(Key::random().unwrap(), Vec::new())
    }

    fn set(at: &str, value: &str) -> Edit {
        Edit::Set(path(at), value.into())
    }

    fn secret(at: &str, text: &str) -> Edit {
        Edit::Secret(path(at), text.into())
    }

    #[test]
    fn every_secret_is_sealed_however_it_comes_in_and_stays_as_it_is_where_it_is_the_same() {
        let keys = keys();
        let sealer = Sealer { keys: &keys, tenant: "acme" };
        let edits = [
            secret("/connections/alpha/password", "hush-one"),
            set("/connections/alpha/token", "hush-two"),
            Edit::Set(path("/listener/shared/values"), Value::List(vec!["hush-three".into(), "hush-four".into()])),
            set("/connections/alpha/blank", " "),
        ];
        let document = edited(&Document::default(), &edits, Places::default(), sealer).unwrap();
        let text = format!("{document:?}{edits:?}");
        assert!(!serde_json::to_string(&document).unwrap().contains("hush"));
        assert!(!text.contains("hush"), "{text}");
        let opened: Vec<_> =
            document.sealed().iter().map(|(path, sealed)| sealer.open(path, sealed).unwrap().expose_secret().to_owned()).collect();
        assert_eq!(opened, ["hush-one", "hush-two", "hush-three", "hush-four"]);
        assert!(document.get(&path("/listener/shared/values")).is_none() && document.get(&path("/connections/alpha/blank")).is_none());

        let again = edited(&document, &[secret("/connections/alpha/password", "hush-one")], Places::default(), sealer).unwrap();
        assert_eq!(again, document);
        let other = edited(&document, &[secret("/connections/alpha/password", "hush-five")], Places::default(), sealer).unwrap();
        assert_ne!(other, document);
        let none = edited(&document, &[Edit::Remove(path("/connections")), Edit::Remove(path("/listener"))], Places::default(), sealer);
        assert_eq!(none.unwrap().secrets().count(), 0);
    }

    #[test]
    fn a_secret_is_kept_where_one_belongs_and_nowhere_else() {
        let keys = keys();
        let sealer = Sealer { keys: &keys, tenant: "acme" };
        for edit in [
            secret("/properties/names", "hush-one"),
            secret("/environment", "hush-one"),
            set("/connections/alpha/url", "https://me:hush-one@acme.example"),
            Edit::Set(path("/connections/alpha/password"), Value::Table([("file".to_owned(), "/etc/shadow".into())].into())),
        ] {
            let refused = edited(&Document::default(), &[edit], Places::default(), sealer).unwrap_err();
            assert!(matches!(refused, EditError::Refused(_)) && !format!("{refused:?}").contains("hush"), "{refused:?}");
        }
    }

    #[test]
    fn no_debug_form_shows_a_secret() {
        let edits = vec![secret("/a", "hush-one"), set("/connections/alpha/password", "hush-two"), Edit::Remove(path("/b"))];
        let change = Change { base: None, edits, draft: true, by: "me".to_owned(), note: String::new() };
        let shown = format!("{change:?}");
        assert!(!shown.contains("hush") && shown.contains("Set(connections.alpha.password, …)"), "{shown}");
    }
}
