//! Changes of tenants that are kept in the store. Each is checked as a whole configuration is, and nothing that is no good is
//! stored, unless it is a draft.

use std::sync::Arc;

use super::super::plan::Ground;
use super::super::stand::store_failed;
use super::super::{Site, SiteError};
use crate::audit;
use crate::config::{Problem, Severity, is_name};
use crate::description::Description;
use crate::managed::rotate::{Rotated, rotate};
use crate::managed::{
    Change, Conflict, Difference, Document, Edit, EditError, Kept, Next, Path, Places, Saved, Sealer, Wanted, between_versions, edited,
    named,
};
use crate::standing::{Standing, Standings, State};
use crate::store::StoreError;

/// The longest note, in bytes.
const LONGEST_NOTE: usize = 2_000;

/// Who does what to tenants, for the audit list.
#[derive(Clone, Copy)]
pub(super) struct Deed<'a> {
    pub(super) who: &'a str,
    /// In the past, before the tenant's name.
    pub(super) verb: &'a str,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The newest version of the tenant; where nothing was stored, the one that there is, or 0.
    pub version: u64,
    /// What changed of the version before, or would.
    pub changes: Vec<Difference>,
    /// What is wrong with it: warnings and notes, and of a draft errors too.
    pub problems: Vec<Problem>,
}

/// Why a change is not made. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no key for the secrets.
    #[error(
        "tenants are kept in the store with their secrets sealed, and there is no key for that: make one with `shift-access key new > \
         console.key`, and write key = {{ file = \"console.key\" }} under [console]"
    )]
    NoKey,
    /// It cannot be a tenant's name.
    #[error("{0:?} is not a tenant's name: use up to 64 of the letters a to z, digits, `-` and `_`")]
    Name(String),
    /// It is no good; the problems say why.
    #[error("the configuration has errors")]
    Invalid(Vec<Problem>),
    /// Somebody else changed it meanwhile.
    #[error("{0}")]
    Conflict(Box<Conflict>),
    /// The site or its store.
    #[error(transparent)]
    Site(#[from] SiteError),
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Site(store_failed(error))
    }
}

impl Site {
    /// Makes a new version of a kept tenant, or a new tenant. A server takes it over at once, other processes within seconds.
    ///
    /// # Errors
    /// When it is no good and no draft, somebody else was first, there is no key, or the store fails.
    pub async fn change(&self, tenant: &str, change: &Change) -> Result<Changed, ChangeError> {
        self.change_as(tenant, change, "changed").await
    }

    /// What [`Site::change`] would come to, with nothing stored. What is wrong is among the problems.
    ///
    /// # Errors
    /// As of a change, but for what is wrong with it.
    pub async fn try_change(&self, tenant: &str, change: &Change) -> Result<Changed, ChangeError> {
        self.changed(tenant, change, None).await
    }

    /// The same as a change, and called something else in the audit list.
    pub(super) async fn change_as(&self, tenant: &str, change: &Change, verb: &str) -> Result<Changed, ChangeError> {
        self.changed(tenant, change, Some(Deed { who: &change.by, verb })).await
    }

    /// Without a deed nothing is stored.
    async fn changed(&self, tenant: &str, change: &Change, deed: Option<Deed<'_>>) -> Result<Changed, ChangeError> {
        self.may_be(tenant)?;
        noted(tenant, &change.note)?;
        let ground = self.shelf.ground();
        let sealer = Sealer { keys: ground.keys.as_ref().ok_or(ChangeError::NoKey)?, tenant };
        loop {
            let current = self.shelf.ledger.of(tenant).await?;
            let before = current.as_ref().map(|(_, kept)| kept.document.clone()).unwrap_or_default();
            let described = self.described(&ground, component(&before, &change.edits).as_deref()).await;
            let places = Places::of(described.as_deref());
            let made = |from: &Document| edited(from, &change.edits, places, sealer).map_err(|error| refused(tenant, error));
            if current.as_ref().map(|(_, kept)| kept.version) != change.base {
                return Err(self.late(tenant, change.base, current, made).await?);
            }
            let document = made(&before)?;
            let (problems, changes) = (self.problems(&ground, tenant, &document).await?, between_versions(&before, &document));
            let good = change.draft || !problems.iter().any(Problem::is_error);
            let Some(deed) = deed else {
                return Ok(Changed { version: change.base.unwrap_or_default(), changes, problems });
            };
            if !good {
                return Err(ChangeError::Invalid(problems));
            }
            let wanted = Wanted { document, draft: change.draft, by: &change.by, note: &change.note };
            if let Some(version) = self.save(tenant, current.as_ref(), &wanted, deed).await? {
                return Ok(Changed { version, changes, problems });
            }
        }
    }

    /// Makes a new version that is equal to an old one, secrets included.
    ///
    /// # Errors
    /// As of a change; when the old version is not kept any more.
    pub async fn restore_version(&self, tenant: &str, number: u64, base: u64, by: &str) -> Result<Changed, ChangeError> {
        let ground = self.shelf.ground();
        ground.keys.as_ref().ok_or(ChangeError::NoKey)?;
        loop {
            let current = self.shelf.ledger.of(tenant).await?;
            let old = self.version(tenant, number).await?;
            if current.as_ref().map(|(_, kept)| kept.version) != Some(base) {
                return Err(self.late(tenant, Some(base), current, |_| Ok(old.document.clone())).await?);
            }
            let problems = self.problems(&ground, tenant, &old.document).await?;
            if !old.draft && problems.iter().any(Problem::is_error) {
                return Err(ChangeError::Invalid(problems));
            }
            let before = current.as_ref().map(|(_, kept)| kept.document.clone()).unwrap_or_default();
            let changes = between_versions(&before, &old.document);
            let (note, verb) = (format!("version {number} restored"), format!("restored version {number} of"));
            let wanted = Wanted { document: old.document, draft: old.draft, by, note: &note };
            if let Some(version) = self.save(tenant, current.as_ref(), &wanted, Deed { who: by, verb: &verb }).await? {
                return Ok(Changed { version, changes, problems });
            }
        }
    }

    /// Seals everything that is kept with the newest key.
    ///
    /// # Errors
    /// When there is no key, or the store fails; what is done by then is done, and the next call does the rest.
    pub async fn rotate_keys(&self) -> Result<Rotated, ChangeError> {
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or(ChangeError::NoKey)?;
        Ok(rotate(&self.shelf.ledger, keys).await?)
    }

    /// Takes a tenant out of the store, with all its versions, as if it were taken out of the file. What its plugin stored stays;
    /// [`Site::remove`] deletes everything.
    ///
    /// # Errors
    /// When it is not kept in the store; the store's.
    pub async fn forget(&self, tenant: &str, by: &str) -> Result<(), SiteError> {
        loop {
            if !self.shelf.ledger.has(tenant).await.map_err(store_failed)? {
                return Err(SiteError::UnknownTenant(format!("there is no tenant {tenant:?} in the store")));
            }
            let what = format!("took {tenant} out of the store");
            let noted = audit::entry(by, what, Some(tenant), self.host.now()).map_err(store_failed)?;
            // It is not, where somebody changed it meanwhile.
            if self.shelf.ledger.delete(tenant, vec![noted]).await.map_err(store_failed)?.is_some() {
                break;
            }
        }
        self.shelf.asked.notify_one();
        Ok(())
    }

    /// Stores a version; none where it must be made anew, since what it was made from is not there any more.
    async fn save(
        &self,
        tenant: &str,
        current: Option<&(String, Kept)>,
        wanted: &Wanted<'_>,
        deed: Deed<'_>,
    ) -> Result<Option<u64>, ChangeError> {
        let saved = self.save_all(vec![self.next(tenant, current, wanted).await?], deed).await?;
        Ok(saved.and_then(|numbers| numbers.first().copied()))
    }

    /// Stores versions of several tenants, each with its entry of the audit list, all of them or none, and gives their numbers; none
    /// where one of them must be made anew.
    pub(super) async fn save_all(&self, mut all: Vec<Next<'_>>, deed: Deed<'_>) -> Result<Option<Vec<u64>>, ChangeError> {
        let now = self.host.now();
        let is_served_again = all.iter().any(|next| !next.with.is_empty());
        for next in &mut all {
            if let Saved::Made(version) = next.saved(now) {
                let what = format!("{} {}, version {}: {}", deed.verb, next.tenant, version.number, named(&version.changes));
                next.with.push(audit::entry(deed.who, what, Some(next.tenant), now)?);
            }
        }
        let saved = self.shelf.ledger.save_all(&all, now).await?;
        if is_served_again {
            // It is stored: whether it is known here at once, or at the next look, makes no difference.
            let _ = self.look().await;
        }
        self.shelf.asked.notify_one();
        Ok(saved.map(|saved| saved.iter().map(Saved::number).collect()))
    }

    /// The next version of a tenant. One that was removed, and of which nothing is stored any more, may be set up again.
    pub(super) async fn next<'a>(
        &self,
        tenant: &'a str,
        current: Option<&'a (String, Kept)>,
        wanted: &'a Wanted<'a>,
    ) -> Result<Next<'a>, ChangeError> {
        let next = Next { tenant, current, wanted, with: Vec::new() };
        if current.is_some() {
            return Ok(next);
        }
        match self.standings.found(tenant).await? {
            Some((revision, Standing { state: State::Deleted, .. })) => {
                Ok(Next { with: vec![Standings::serve_again(tenant, revision)], ..next })
            }
            Some((_, Standing { state: State::Removed { .. }, .. })) => Err(ChangeError::Site(SiteError::UnknownTenant(format!(
                "the tenant {tenant:?} was removed; `shift-access tenant restore {tenant}` brings it back"
            )))),
            Some((_, Standing { state: State::Paused, .. })) | None => Ok(next),
        }
    }

    pub(super) fn may_be(&self, tenant: &str) -> Result<(), ChangeError> {
        if is_name(tenant) { Ok(()) } else { Err(ChangeError::Name(tenant.to_owned())) }
    }

    /// What the pack says of itself that a tenant would have with this component; the built-in one where none is named. None
    /// where it cannot be loaded: trying the change tells why.
    pub async fn describe(&self, component: Option<&str>) -> Option<Arc<Description>> {
        self.described(&self.shelf.ground(), component).await
    }

    pub(super) async fn described(&self, ground: &Ground, component: Option<&str>) -> Option<Arc<Description>> {
        ground.description(component, &mut self.packs.read(ground.components.as_deref())).await
    }

    pub(super) async fn problems(&self, ground: &Ground, tenant: &str, document: &Document) -> Result<Vec<Problem>, SiteError> {
        let (_, mut problems) = ground.kept(tenant, document, &mut self.packs.read(ground.components.as_deref())).await?;
        if ground.names.contains(tenant) {
            problems.push(super::in_file(tenant));
        }
        Ok(problems)
    }

    /// Somebody else was first: what they did, and how it meets with what is wanted.
    pub(super) async fn late(
        &self,
        tenant: &str,
        base: Option<u64>,
        current: Option<(String, Kept)>,
        made: impl Fn(&Document) -> Result<Document, ChangeError>,
    ) -> Result<ChangeError, ChangeError> {
        let Some((_, kept)) = current else { return Ok(self.no_such(tenant).into()) };
        let from = match base {
            Some(number) => self.shelf.ledger.version(tenant, number).await?.map(|version| version.document),
            None => None,
        };
        let wanted = made(from.as_ref().unwrap_or(&Document::default()))?;
        Ok(ChangeError::Conflict(Box::new(Conflict::of(from, &wanted, base, kept))))
    }
}

/// The component that is named after the edits.
fn component(before: &Document, edits: &[Edit]) -> Option<String> {
    let at = Path::of(["component"]);
    edits.iter().fold(before.text(&at).map(str::to_owned), |component, edit| match edit {
        Edit::Set(path, value) if *path == at => value.text().map(str::to_owned),
        Edit::Remove(path) if *path == at => None,
        _ => component,
    })
}

/// A note is a sentence: it is kept with its version.
pub(super) fn noted(tenant: &str, note: &str) -> Result<(), ChangeError> {
    if note.len() <= LONGEST_NOTE {
        return Ok(());
    }
    let problem = super::of_kept(tenant, format!("the note is longer than {LONGEST_NOTE} bytes"), "say it shorter".to_owned());
    Err(ChangeError::Invalid(vec![problem]))
}

/// A change that cannot be kept, as problems at its paths.
pub(super) fn refused(tenant: &str, error: EditError) -> ChangeError {
    let problem = |path: &Path, message: String, remedy: &str| Problem {
        key: path.to_string(),
        severity: Severity::Error,
        ..super::of_kept(tenant, message, remedy.to_owned())
    };
    ChangeError::Invalid(match error {
        EditError::Place(path, error) => vec![problem(&path, error.to_string(), "write less, or at another place")],
        EditError::Seal(path, error) => vec![problem(&path, format!("the secret {error}"), "give the secret anew")],
        EditError::Refused(refused) => {
            refused.into_iter().map(|refused| problem(&refused.path, refused.message.to_owned(), refused.remedy)).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path as FilePath;

    use super::super::Apply;
    use super::*;

    #[test]
    fn what_pages_call_may_move_between_threads() {
        fn sent<T: Send>(_: impl Fn(Site) -> T) {}
        let change = || Change { base: None, edits: Vec::new(), draft: false, by: String::new(), note: String::new() };
        sent(|site| async move { site.change("acme", &change()).await.is_ok() && site.try_change("acme", &change()).await.is_ok() });
        sent(|site| async move { site.restore_version("acme", 1, 2, "me").await.is_ok() && site.rotate_keys().await.is_ok() });
        sent(|site| async move { site.view("acme").await.is_ok() && site.differences("acme", "other").await.is_ok() });
        sent(|site| async move { site.apply(FilePath::new("a"), "", &Apply::default(), &|_| None).await.0.is_ok() });
        sent(|site| async move { site.export("acme", crate::managed::Secrets::Omit, &|_| None).await.is_ok() });
    }
}
