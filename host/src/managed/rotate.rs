//! Seals everything anew, so that an old key can go.

use super::change::Sealer;
use super::ledger::Ledger;
use super::{Document, Path};
use crate::seal::{Keys, Sealed};
use crate::store::StoreError;

/// What was sealed anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Tenants of which anything was.
    pub tenants: usize,
    /// Secrets, those of older versions included.
    pub secrets: usize,
    /// Those that do not open, with their tenant: they stay as they are.
    pub left: Vec<(String, Path)>,
    /// Tenants that cannot be read at all.
    pub damaged: Vec<String>,
}

/// Seals every secret of every tenant and version that another key than the current one sealed. Each tenant changes whole or
/// not at all; one that is left over when the program is killed is done by the next call.
pub(crate) async fn rotate(ledger: &Ledger, keys: &Keys) -> Result<Rotated, StoreError> {
    let mut rotated = Rotated::default();
    for (tenant, (_, kept)) in ledger.all().await? {
        if kept.is_none() {
            rotated.damaged.push(tenant);
            continue;
        }
        let sealer = Sealer { keys, tenant: &tenant };
        let mut anew = Anew::default();
        if ledger.rewrite(&tenant, &mut |document, begins| anew.document(document, begins, sealer)).await? {
            rotated.tenants += 1;
            rotated.secrets += anew.sealed;
        }
        rotated.left.extend(anew.left.into_iter().map(|path| (tenant.clone(), path)));
    }
    Ok(rotated)
}

/// The seals of one tenant. One that stands in several versions is the same in all of them afterwards, too: by that it is seen
/// that the secret was not changed between them.
#[derive(Default)]
struct Anew {
    known: std::collections::BTreeMap<(Path, Sealed), Option<Sealed>>,
    sealed: usize,
    left: std::collections::BTreeSet<Path>,
}

impl Anew {
    fn document(&mut self, document: &mut Document, begins: bool, sealer: Sealer<'_>) {
        if begins {
            *self = Self::default();
        }
        document.exchange_sealed(|path, sealed| {
            if sealed.key() == sealer.keys.current() {
                return None;
            }
            let anew = self.known.entry((path.clone(), sealed.clone())).or_insert_with(|| {
                let opened = sealer.open(path, sealed).ok()?;
                sealer.seal(path, &opened, None).ok()
            });
            match anew {
                Some(_) => self.sealed += 1,
                None => {
                    self.left.insert(path.clone());
                }
            }
            anew.clone()
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::managed::{Kept, Next, Saved, Wanted, between_versions};
    use crate::seal::Key;
    use crate::store::{Condition, MemoryStore, Scan, Space, Store, Write};

    const NOW: &str = "2026-03-01T05:45:00Z";

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    /// Makes a version; none where somebody was faster.
    async fn save(ledger: &Ledger, tenant: &str, current: Option<&(String, Kept)>, document: &Document) -> Option<Saved> {
        let wanted = Wanted { document: document.clone(), draft: false, by: "me", note: "" };
        let saved = ledger.save_all(&[Next { tenant, current, wanted: &wanted, with: Vec::new() }], NOW.parse().unwrap()).await.unwrap();
        saved.and_then(|mut saved| saved.pop())
    }

    /// A tenant with as many versions as are asked for; the second has another password.
    async fn tenant(ledger: &Ledger, keys: &Keys, name: &str, versions: u64) {
        let sealer = Sealer { keys, tenant: name };
        let at = path("/connections/alpha/password");
        let mut document = Document::default();
        document.put_sealed(&at, sealer.seal(&at, &"hush-one".into(), None).unwrap());
        for number in 0..versions {
            if number == 1 {
                document.put_sealed(&at, sealer.seal(&at, &"hush-two".into(), None).unwrap());
            }
            document.set(&path("/environment"), number.to_string().as_str().into()).unwrap();
            let current = ledger.of(name).await.unwrap();
            let saved = save(ledger, name, current.as_ref(), &document).await;
            assert!(matches!(saved, Some(Saved::Made(version)) if version.number == number + 1));
        }
    }

    #[tokio::test]
    async fn everything_is_sealed_anew_and_what_was_the_same_stays_the_same() {
        let ledger = Ledger::new(Arc::new(MemoryStore::default()));
        let (first, second) = (Key::random().unwrap(), Key::random().unwrap());
        let old = Keys::new(first.clone(), Vec::new());
        tenant(&ledger, &old, "acme", 4).await;
        tenant(&ledger, &old, "other", 1).await;
        let mark = ledger.mark().await.unwrap();
        let rotated = rotate(&ledger, &Keys::new(second.clone(), vec![first])).await.unwrap();
        assert_eq!((rotated.tenants, rotated.secrets, rotated.left.len()), (2, 7, 0));
        assert_ne!(ledger.mark().await.unwrap(), mark, "whoever serves looks again");
        let new = Keys::new(second, Vec::new());
        let mut opened = Vec::new();
        for version in ledger.versions("acme", 10, None).await.unwrap().items {
            let (at, sealed) = version.document.sealed().iter().next().unwrap();
            let secret = Sealer { keys: &new, tenant: "acme" }.open(at, sealed).unwrap();
            opened.push((secrecy::ExposeSecret::expose_secret(&secret).to_owned(), version.document));
        }
        assert_eq!(opened.iter().map(|(secret, _)| secret.as_str()).collect::<Vec<_>>(), ["hush-two", "hush-two", "hush-two", "hush-one"]);
        assert_eq!(between_versions(&opened[2].1, &opened[0].1).len(), 1, "the environment alone");
        assert_eq!(between_versions(&opened[3].1, &opened[2].1).len(), 2);
        let current = ledger.of("acme").await.unwrap().unwrap().1;
        assert_eq!(current.document, opened[0].1);
        assert_eq!(rotate(&ledger, &new).await.unwrap(), Rotated::default());
    }

    #[tokio::test]
    async fn what_does_not_open_stays_as_it_is_and_is_told() {
        let ledger = Ledger::new(Arc::new(MemoryStore::default()));
        let key = Key::random().unwrap();
        tenant(&ledger, &Keys::new(key.clone(), Vec::new()), "acme", 1).await;
        let before = ledger.of("acme").await.unwrap().unwrap();
        let rotated = rotate(&ledger, &Keys::new(Key::random().unwrap(), Vec::new())).await.unwrap();
        assert_eq!(rotated.left, [("acme".to_owned(), path("/connections/alpha/password"))]);
        assert_eq!((rotated.tenants, ledger.of("acme").await.unwrap().unwrap()), (0, before));
    }

    #[tokio::test]
    async fn who_is_late_is_told_and_stores_nothing() {
        let store = MemoryStore::default();
        let ledger = Ledger::new(Arc::new(store.clone()));
        let keys = Keys::new(Key::random().unwrap(), Vec::new());
        tenant(&ledger, &keys, "acme", 2).await;
        let seen = ledger.of("acme").await.unwrap();
        tenant(&ledger, &keys, "acme2", 1).await;
        let mut document = seen.as_ref().unwrap().1.document.clone();
        document.set(&path("/environment"), "PROD".into()).unwrap();
        assert!(matches!(save(&ledger, "acme", seen.as_ref(), &document).await, Some(Saved::Made(_))));
        let keys_before = store.scan(&Space::host(""), &Scan::new("", 100)).await.unwrap();
        for from in [seen.as_ref(), None] {
            let mut other = document.clone();
            other.set(&path("/environment"), "TEST".into()).unwrap();
            assert!(save(&ledger, "acme", from, &other).await.is_none());
        }
        assert_eq!(store.scan(&Space::host(""), &Scan::new("", 100)).await.unwrap(), keys_before);
        assert_eq!(ledger.delete("acme", Vec::new()).await.unwrap(), Some(4));
        assert_eq!(ledger.all().await.unwrap().into_keys().collect::<Vec<_>>(), ["acme2"]);
        assert_eq!(ledger.versions("acme2", 10, None).await.unwrap().items.len(), 1);
        let damaged = Write::put("tenant/acme2", "{").when(Condition::Any);
        store.commit(&Space::host(""), vec![damaged]).await.unwrap();
        assert!(ledger.of("acme2").await.is_err() && ledger.all().await.unwrap()["acme2"].1.is_none());
    }
}
