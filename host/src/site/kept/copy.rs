//! Makes one kept tenant like another, such as the one in production like the one that was tried.

use super::super::Site;
use super::change::{ChangeError, Changed, refused};
use crate::managed::{Change, Difference, Document, Edit, EditError, Path, Sealer, Shown, Value, between_versions};
use crate::seal::Keys;

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

impl Site {
    /// Makes one kept tenant like another. A tenant that is incomplete then, for want of secrets, is kept as a draft if it is new.
    ///
    /// # Errors
    /// As of a change; when the first tenant is not kept in the store, or a secret of it does not open.
    pub async fn copy(&self, copy: &Copy) -> Result<Changed, ChangeError> {
        self.may_be(&copy.to)?;
        let from = self.document(&copy.from).await?;
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or(ChangeError::NoKey)?;
        let edits = copied(copy, &from, &self.kept(&copy.to).await?.map(|kept| kept.document).unwrap_or_default(), keys)?;
        let mut change = Change { base: copy.base, edits, draft: false, by: copy.by.clone(), note: copy.note.clone() };
        let verb = format!("copied {} to", copy.from);
        match self.change_as(&copy.to, &change, &verb).await {
            Err(ChangeError::Invalid(_)) if copy.base.is_none() => {
                change.draft = true;
                self.change_as(&copy.to, &change, &verb).await
            }
            other => other,
        }
    }
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
