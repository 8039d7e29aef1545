//! Changes of tenants that are kept in the store. Each is checked as a whole configuration is, and nothing that is no good is
//! stored, unless it is a draft.

use std::path::Path as FilePath;
use std::sync::Arc;

use super::super::plan::Ground;
use super::super::stand::store_failed;
use super::super::{Environment, Site, SiteError};
use crate::config::document::Report;
use crate::config::{Problem, Severity, is_name};
use crate::description::Description;
use crate::managed::apply::{Applied, Around, Incoming, tenants};
use crate::managed::rotate::{Rotated, rotate};
use crate::managed::{
    Change, Conflict, Difference, Document, Edit, EditError, Kept, Path, Places, Saved, Sealer, Shown, Value, Wanted, between_versions,
    edited,
};
use crate::seal::Keys;
use crate::standing::State;
use crate::store::StoreError;

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

/// A copy of one tenant's configuration into another.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Whose configuration is copied.
    pub from: String,
    /// Whose becomes like it.
    pub to: String,
    /// The version of the other tenant that was looked at; none for a tenant that is not there yet.
    pub base: Option<u64>,
    /// The environment of a tenant that is not there yet. That of another stays.
    pub environment: String,
    /// Which paths, such as the differences name them; none for everything. What is not there in the first goes in the second.
    pub paths: Option<Vec<Path>>,
    /// Whether secrets are copied too. Without, those of the second stay, and a new tenant has none.
    pub secrets: bool,
    /// Who copies.
    pub by: String,
    /// Why, if they say so.
    pub note: String,
}

/// How a file is applied.
#[derive(Clone, Debug, Default)]
pub struct Apply {
    /// Nothing is stored.
    pub dry: bool,
    /// The tenants in it are incomplete.
    pub draft: bool,
    /// Who applies it.
    pub by: String,
    /// Why, if they say so.
    pub note: String,
}

pub(super) fn no_key() -> ChangeError {
    ChangeError::NoKey
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
        self.changed(tenant, change, false).await
    }

    /// What [`Site::change`] would come to, with nothing stored. What is wrong is among the problems.
    ///
    /// # Errors
    /// As of a change, but for what is wrong with it.
    pub async fn try_change(&self, tenant: &str, change: &Change) -> Result<Changed, ChangeError> {
        self.changed(tenant, change, true).await
    }

    async fn changed(&self, tenant: &str, change: &Change, dry: bool) -> Result<Changed, ChangeError> {
        self.may_be(tenant)?;
        let ground = self.shelf.ground();
        let sealer = Sealer { keys: ground.keys.as_ref().ok_or_else(no_key)?, tenant };
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
            if dry {
                return Ok(Changed { version: change.base.unwrap_or_default(), changes, problems });
            }
            if !good {
                return Err(ChangeError::Invalid(problems));
            }
            let wanted = Wanted { document, draft: change.draft, by: &change.by, note: &change.note };
            if let Some(version) = self.save(tenant, current.as_ref(), &wanted).await? {
                return Ok(Changed { version, changes, problems });
            }
        }
    }

    /// Makes a new version that is equal to an old one, secrets included.
    ///
    /// # Errors
    /// As of a change; when the old version is not kept any more.
    pub async fn restore_version(&self, tenant: &str, number: u64, base: u64, by: &str, note: &str) -> Result<Changed, ChangeError> {
        let ground = self.shelf.ground();
        ground.keys.as_ref().ok_or_else(no_key)?;
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
            let note = if note.is_empty() { format!("version {number} restored") } else { note.to_owned() };
            let wanted = Wanted { document: old.document, draft: old.draft, by, note: &note };
            if let Some(version) = self.save(tenant, current.as_ref(), &wanted).await? {
                return Ok(Changed { version, changes, problems });
            }
        }
    }

    /// Makes one kept tenant like another. A tenant that is incomplete then, for want of secrets, is kept as a draft if it is new.
    ///
    /// # Errors
    /// As of a change; when the first tenant is not kept in the store, or a secret of it does not open.
    pub async fn copy(&self, copy: &Copy) -> Result<Changed, ChangeError> {
        self.may_be(&copy.to)?;
        let from = self.document(&copy.from).await?;
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or_else(no_key)?;
        let edits = copied(copy, &from, &self.kept(&copy.to).await?.map(|kept| kept.document).unwrap_or_default(), keys)?;
        let mut change = Change { base: copy.base, edits, draft: false, by: copy.by.clone(), note: copy.note.clone() };
        match self.change(&copy.to, &change).await {
            Err(ChangeError::Invalid(_)) if copy.base.is_none() => {
                change.draft = true;
                self.change(&copy.to, &change).await
            }
            other => other,
        }
    }

    /// Creates or changes the tenants of a TOML file, as [`Site::export`] writes them: all of them, or none where anything is wrong.
    /// `env` looks up a variable of the environment.
    ///
    /// # Errors
    /// As of a change. The problems are all there are, also without an error.
    pub async fn apply(
        &self,
        file: &FilePath,
        text: &str,
        apply: &Apply,
        env: Environment<'_>,
    ) -> (Result<Vec<Applied>, ChangeError>, Vec<Problem>) {
        let mut report = Report::of(file);
        let found = tenants(text, &mut report);
        let mut problems = report.into_problems();
        let done = match self.prepare_all(file, &found, env, &mut problems).await {
            Ok(ready) if !problems.iter().any(|problem| problem.is_error() && !is_of_draft(problem, apply)) => {
                self.store_all(ready, apply).await
            }
            Ok(_) => Err(ChangeError::Invalid(Vec::new())),
            Err(error) => Err(error),
        };
        (done, problems)
    }

    async fn prepare_all(
        &self,
        file: &FilePath,
        found: &[Incoming],
        env: Environment<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Ready>, ChangeError> {
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or_else(no_key)?;
        let folder = file.parent().unwrap_or(FilePath::new(""));
        let mut ready = Vec::new();
        for incoming in found {
            self.may_be(&incoming.name)?;
            let current = self.shelf.ledger.of(&incoming.name).await?;
            let before = current.as_ref().map(|(_, kept)| kept.document.clone()).unwrap_or_default();
            let described = self.described(&ground, incoming.component()).await;
            let mut report = Report::of(file);
            let (sealer, around) = (Sealer { keys, tenant: &incoming.name }, Around { folder, env });
            let document = incoming.document(&before, Places::of(described.as_deref()), sealer, around, &mut report);
            let read = report.into_problems();
            if let Some(document) = document {
                let found = self.problems(&ground, &incoming.name, &document).await?;
                let found = found.into_iter().map(|problem| incoming.placed(file, problem));
                // What is wrong with a secret where it is read is said there, and not again for want of it.
                problems.extend(found.filter(|problem| !read.iter().any(|known| known.is_error() && known.line == problem.line)));
                let name = incoming.name.clone();
                ready.push(Ready { name, changes: between_versions(&before, &document), current, document });
            }
            problems.extend(read);
        }
        problems.sort_by_key(|problem| problem.line);
        Ok(ready)
    }

    async fn store_all(&self, ready: Vec<Ready>, apply: &Apply) -> Result<Vec<Applied>, ChangeError> {
        let mut applied = Vec::new();
        for Ready { name, current, document, changes } in ready {
            let new = current.is_none();
            let mut version = None;
            if !apply.dry {
                let wanted = Wanted { document, draft: apply.draft, by: &apply.by, note: &apply.note };
                version = self.save(&name, current.as_ref(), &wanted).await?;
                if version.is_none() {
                    let base = current.map(|(_, kept)| kept.version);
                    let now = self.shelf.ledger.of(&name).await?;
                    return Err(self.late(&name, base, now, |_| Ok(wanted.document.clone())).await?);
                }
            }
            applied.push(Applied { tenant: name, version, new, changes });
        }
        Ok(applied)
    }

    /// Seals everything that is kept with the newest key.
    ///
    /// # Errors
    /// When there is no key, or the store fails; what is done by then is done, and the next call does the rest.
    pub async fn rotate_keys(&self) -> Result<Rotated, ChangeError> {
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or_else(no_key)?;
        Ok(rotate(&self.shelf.ledger, keys).await?)
    }

    /// Takes a tenant out of the store, with all its versions, as if it were taken out of the file. What its plugin stored stays;
    /// [`Site::remove`] deletes everything.
    ///
    /// # Errors
    /// When it is not kept in the store; the store's.
    pub async fn forget(&self, tenant: &str) -> Result<(), SiteError> {
        if self.shelf.ledger.delete(tenant).await.map_err(store_failed)? == 0 {
            return Err(SiteError::UnknownTenant(format!("there is no tenant {tenant:?} in the store")));
        }
        self.shelf.asked.notify_one();
        Ok(())
    }

    /// Stores a version; none where it must be made anew, since what it was made from is not there any more.
    async fn save(&self, tenant: &str, current: Option<&(String, Kept)>, wanted: &Wanted<'_>) -> Result<Option<u64>, ChangeError> {
        if current.is_none() {
            self.begin_anew(tenant).await?;
        }
        let saved = self.shelf.ledger.save(tenant, current, wanted, self.host.now()).await?;
        self.shelf.asked.notify_one();
        Ok(match saved {
            Saved::Made(version) => Some(version.number),
            Saved::Same(number) => Some(number),
            Saved::Late => None,
        })
    }

    /// A tenant that was removed, and of which nothing is stored any more, may be set up again.
    async fn begin_anew(&self, tenant: &str) -> Result<(), ChangeError> {
        match self.standings.of(tenant).await?.map(|standing| standing.state) {
            Some(State::Deleted) => Ok(self.standings.set(tenant, None, self.host.now()).await?),
            Some(State::Removed { .. }) => Err(ChangeError::Site(SiteError::UnknownTenant(format!(
                "the tenant {tenant:?} was removed; `shift-access tenant restore {tenant}` brings it back"
            )))),
            Some(State::Paused) | None => Ok(()),
        }
    }

    fn may_be(&self, tenant: &str) -> Result<(), ChangeError> {
        if is_name(tenant) { Ok(()) } else { Err(ChangeError::Name(tenant.to_owned())) }
    }

    /// What the pack says of itself that a tenant would have with this component; the built-in one where none is named. None
    /// where it cannot be loaded: trying the change tells why.
    pub async fn describe(&self, component: Option<&str>) -> Option<Arc<Description>> {
        self.described(&self.shelf.ground(), component).await
    }

    async fn described(&self, ground: &Ground, component: Option<&str>) -> Option<Arc<Description>> {
        let mut packs = self.packs.lock().await;
        ground.description(component, &mut packs.read(ground.components.as_deref())).await
    }

    async fn problems(&self, ground: &Ground, tenant: &str, document: &Document) -> Result<Vec<Problem>, SiteError> {
        let mut packs = self.packs.lock().await;
        let (_, mut problems) = ground.kept(tenant, document, &mut packs.read(ground.components.as_deref())).await?;
        if ground.names.contains(tenant) {
            problems.push(super::in_file(tenant));
        }
        Ok(problems)
    }

    /// Somebody else was first: what they did, and how it meets with what is wanted.
    async fn late(
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

/// A tenant of a file, ready to be stored.
struct Ready {
    name: String,
    current: Option<(String, Kept)>,
    document: Document,
    changes: Vec<Difference>,
}

/// Whether a draft may have this problem: those of the tenant itself, and not of the file that it is read from.
fn is_of_draft(problem: &Problem, apply: &Apply) -> bool {
    apply.draft && problem.kept.is_some()
}

/// The component that is named after the edits.
fn component(before: &Document, edits: &[Edit]) -> Option<String> {
    let at = Path::of(["component"]);
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    edits.iter().fold(before.get(&at).and_then(text), |component, edit| match edit {
        Edit::Set(path, value) if *path == at => text(value),
        Edit::Remove(path) if *path == at => None,
        _ => component,
    })
}

/// A change that cannot be kept, as problems at its paths.
fn refused(tenant: &str, error: EditError) -> ChangeError {
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

/// The edits that make one document like another.
fn copied(copy: &Copy, from: &Document, to: &Document, keys: &Keys) -> Result<Vec<Edit>, ChangeError> {
    let environment = Path::of(["environment"]);
    let wanted = |path: &Path| match &copy.paths {
        Some(paths) => paths.iter().any(|wanted| path.is_within(wanted)),
        None => *path != environment,
    };
    let mut edits = Vec::new();
    if copy.base.is_none() {
        edits.push(Edit::Set(environment.clone(), Value::Text(copy.environment.clone())));
    }
    for Difference { path, before, after } in between_versions(to, from).into_iter().filter(|difference| wanted(&difference.path)) {
        match (before, after) {
            (_, Shown::Value(value)) => edits.push(Edit::Set(path, value)),
            (Shown::Value(_), Shown::Nothing) => edits.push(Edit::Remove(path)),
            (_, Shown::Secret) if copy.secrets => {
                let sealed = from.sealed().get(&path);
                let opened = sealed.map(|sealed| Sealer { keys, tenant: &copy.from }.open(&path, sealed));
                match opened {
                    Some(Ok(secret)) => edits.push(Edit::Secret(path, secret)),
                    Some(Err(error)) => return Err(refused(&copy.from, EditError::Seal(path, error))),
                    None => {}
                }
            }
            (Shown::Secret, Shown::Nothing) if copy.secrets => edits.push(Edit::Remove(path)),
            _ => {}
        }
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_call_may_move_between_threads() {
        fn sent<T: Send>(_: impl Fn(Site) -> T) {}
        let change = || Change { base: None, edits: Vec::new(), draft: false, by: String::new(), note: String::new() };
        sent(|site| async move { site.change("acme", &change()).await.is_ok() && site.try_change("acme", &change()).await.is_ok() });
        sent(|site| async move { site.restore_version("acme", 1, 2, "me", "").await.is_ok() && site.rotate_keys().await.is_ok() });
        sent(|site| async move { site.view("acme").await.is_ok() && site.differences("acme", "other").await.is_ok() });
        sent(|site| async move { site.apply(FilePath::new("a"), "", &Apply::default(), &|_| None).await.0.is_ok() });
        sent(|site| async move { site.export("acme", crate::managed::Secrets::Omit, &|_| None).await.is_ok() });
    }
}
