//! Sets up and changes kept tenants from a TOML file: all of them, or none.

use std::path::Path as FilePath;

use super::super::{Environment, Site};
use super::change::{ChangeError, Deed, noted};
use crate::config::Problem;
use crate::config::document::Report;
use crate::managed::apply::{Applied, Around, Incoming, tenants};
use crate::managed::{Difference, Document, Kept, Places, Saved, Sealer, Wanted, between_versions};

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

impl Site {
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
        self.apply_as(file, text, apply, &apply.by, env).await
    }

    /// The same; it is this one who is named in the audit list.
    pub(crate) async fn apply_as(
        &self,
        file: &FilePath,
        text: &str,
        apply: &Apply,
        who: &str,
        env: Environment<'_>,
    ) -> (Result<Vec<Applied>, ChangeError>, Vec<Problem>) {
        let mut report = Report::of(file);
        let found = tenants(text, &mut report);
        let mut problems = report.into_problems();
        let done = match self.prepare_all(file, &found, &apply.note, env, &mut problems).await {
            Ok(ready) if !problems.iter().any(|problem| problem.is_error() && !is_of_draft(problem, apply)) => {
                self.store_all(ready, apply, Deed { who, verb: "applied" }).await
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
        note: &str,
        env: Environment<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Ready>, ChangeError> {
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or(ChangeError::NoKey)?;
        let folder = file.parent().unwrap_or(FilePath::new(""));
        let mut ready = Vec::new();
        for incoming in found {
            noted(&incoming.name, note)?;
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

    async fn store_all(&self, ready: Vec<Ready>, apply: &Apply, deed: Deed<'_>) -> Result<Vec<Applied>, ChangeError> {
        let wanted = |ready: &Ready| Wanted { document: ready.document.clone(), draft: apply.draft, by: &apply.by, note: &apply.note };
        let wanted: Vec<_> = ready.iter().map(wanted).collect();
        let (versions, made) = loop {
            let mut next = Vec::new();
            for (ready, wanted) in ready.iter().zip(&wanted) {
                next.push(self.next(&ready.name, ready.current.as_ref(), wanted).await?);
            }
            let now = self.host.now();
            let made: Vec<_> = next.iter().map(|next| matches!(next.saved(now), Saved::Made(_))).collect();
            if apply.dry {
                break (None, made);
            }
            match self.save_all(next, deed).await? {
                Some(versions) => break (Some(versions), made),
                None => self.none_is_late(&ready).await?,
            }
        };
        let version = |index| versions.as_ref().and_then(|versions| versions.get(index)).copied();
        let applied = ready.into_iter().zip(made).enumerate().map(|(index, (ready, made))| {
            let Ready { name, current, changes, .. } = ready;
            Applied { tenant: name, version: version(index), new: current.is_none(), made, changes }
        });
        Ok(applied.collect())
    }

    /// Nothing was stored, since something was not as it was read: the conflict, if it was a tenant. If it was only how a removed
    /// one stands, the same can be tried again.
    async fn none_is_late(&self, ready: &[Ready]) -> Result<(), ChangeError> {
        for Ready { name, current, document, .. } in ready {
            let now = self.shelf.ledger.of(name).await?;
            if now.as_ref().map(|(revision, _)| revision) != current.as_ref().map(|(revision, _)| revision) {
                let base = current.as_ref().map(|(_, kept)| kept.version);
                return Err(self.late(name, base, now, |_| Ok(document.clone())).await?);
            }
        }
        Ok(())
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
