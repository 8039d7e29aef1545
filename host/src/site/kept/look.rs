//! What there is to be seen of tenants: their configuration, wherever it is written, and its versions.

use super::super::stand::store_failed;
use super::super::{Environment, Site, SiteError};
use super::change::ChangeError;
use crate::config::{self, Problem};
use crate::managed::export::{self, Secrets};
use crate::managed::{Difference, Document, Kept, Places, Sealer, Version, Versions, View, between};
use crate::seal::Place;

/// Where a tenant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration file: nothing but an editor changes it.
    File,
    /// In the store.
    Store,
}

impl Site {
    /// Where a tenant is written; none where it is nowhere. One that is in both is the file's.
    pub fn origin(&self, tenant: &str) -> Option<Origin> {
        if self.is_in_file(tenant) {
            return Some(Origin::File);
        }
        self.shelf.seen().tenants.contains_key(tenant).then_some(Origin::Store)
    }

    pub(in crate::site) fn is_in_file(&self, tenant: &str) -> bool {
        self.shelf.ground().names.contains(tenant)
    }

    /// Whether tenants can be kept in the store: there is a key for their secrets.
    pub fn can_manage(&self) -> bool {
        self.shelf.ground().keys.is_some()
    }

    /// The newest version of a kept tenant, as it is in the store now.
    ///
    /// # Errors
    /// The store's.
    pub async fn kept(&self, tenant: &str) -> Result<Option<Kept>, SiteError> {
        Ok(self.shelf.ledger.of(tenant).await.map_err(store_failed)?.map(|(_, kept)| kept))
    }

    /// The configuration of a tenant to look at, whether it is in the file or in the store.
    ///
    /// # Errors
    /// When there is no such tenant, or the file or the store cannot be read.
    pub async fn view(&self, tenant: &str) -> Result<(Origin, View), SiteError> {
        if self.is_in_file(tenant) {
            return Ok((Origin::File, self.view_of_file(tenant)?));
        }
        Ok((Origin::Store, View::of(&self.document(tenant).await?)))
    }

    fn view_of_file(&self, tenant: &str) -> Result<View, SiteError> {
        let described = self.configured().get(tenant).map(|installed| installed.tenant.description.clone());
        let node = config::written(&self.shelf.ground().file, tenant).ok_or_else(|| self.no_such(tenant))?;
        Ok(View::of_file(&node, Places::of(described.as_deref())))
    }

    /// A tenant as TOML, as [`Site::apply`] takes it. A secret is never in it: it is left out, sealed, or of a tenant of the file
    /// where it is read from. `env` looks up what is to be sealed of such a tenant.
    ///
    /// # Errors
    /// When there is no such tenant, it cannot be read, or is to be sealed and cannot be.
    pub async fn export(&self, tenant: &str, secrets: Secrets, env: Environment<'_>) -> Result<String, ChangeError> {
        let ground = self.shelf.ground();
        match (self.is_in_file(tenant), secrets) {
            (false, _) => Ok(export::of_document(tenant, &self.document(tenant).await?, secrets)),
            (true, Secrets::Omit) => {
                let folder = std::path::absolute(ground.folder()).unwrap_or_else(|_| ground.folder().to_owned());
                Ok(export::of_view(tenant, &self.view_of_file(tenant)?, &folder))
            }
            (true, Secrets::Sealed) => {
                let (document, problems) = self.sealed_from_file(tenant, env).await?;
                match document.filter(|_| !problems.iter().any(Problem::is_error)) {
                    Some(document) => Ok(export::of_document(tenant, &document, secrets)),
                    None => Err(ChangeError::Invalid(problems)),
                }
            }
        }
    }

    /// One version of a kept tenant.
    ///
    /// # Errors
    /// When there is none, or not any more; the store's.
    pub async fn version(&self, tenant: &str, number: u64) -> Result<Version, SiteError> {
        let found = self.shelf.ledger.version(tenant, number).await.map_err(store_failed)?;
        found.ok_or_else(|| {
            SiteError::UnknownTenant(format!(
                "there is no version {number} of the tenant {tenant:?}: the last {} are kept",
                crate::managed::VERSIONS
            ))
        })
    }

    /// A page of the versions of a kept tenant, newest first; none where there is no such tenant.
    ///
    /// # Errors
    /// The store's, also when the cursor is not one of these.
    pub async fn versions(&self, tenant: &str, limit: u32, cursor: Option<String>) -> Result<Versions, SiteError> {
        self.shelf.ledger.versions(tenant, limit, cursor).await.map_err(store_failed)
    }

    /// What differs between two kept tenants. Secrets are compared, and not shown; two that cannot be opened differ.
    ///
    /// # Errors
    /// When there is no such tenant, or no key; the store's.
    pub async fn differences(&self, first: &str, second: &str) -> Result<Vec<Difference>, ChangeError> {
        let (one, two) = (self.document(first).await?, self.document(second).await?);
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or(ChangeError::NoKey)?;
        let opened = |tenant: &str, document: &Document, path: &crate::managed::Path| {
            keys.open(&Place { tenant, path: &path.pointer() }, document.sealed().get(path)?).ok()
        };
        Ok(between(&one, &two, |path| {
            use secrecy::ExposeSecret;
            let (one, two) = (opened(first, &one, path), opened(second, &two, path));
            one.zip(two).is_some_and(|(one, two)| one.expose_secret() == two.expose_secret())
        }))
    }

    pub(super) async fn document(&self, tenant: &str) -> Result<Document, SiteError> {
        Ok(self.kept(tenant).await?.ok_or_else(|| self.no_such(tenant))?.document)
    }

    pub(super) fn no_such(&self, tenant: &str) -> SiteError {
        match self.tenant(tenant) {
            Err(error) => error,
            Ok(_) => SiteError::UnknownTenant(format!(
                "the tenant {tenant:?} is not kept in the store, but in the configuration file: edit that, or move it with `shift-access \
                 export {tenant}` and `apply`"
            )),
        }
    }

    /// A tenant of the file, with its secrets sealed as if it were kept in the store.
    async fn sealed_from_file(&self, tenant: &str, env: Environment<'_>) -> Result<(Option<Document>, Vec<Problem>), ChangeError> {
        use crate::config::document::Report;
        use crate::managed::apply::{Around, tenants};
        let ground = self.shelf.ground();
        let keys = ground.keys.as_ref().ok_or(ChangeError::NoKey)?;
        let described = self.configured().get(tenant).map(|installed| installed.tenant.description.clone());
        let mut report = Report::of(&ground.file);
        let text = std::fs::read_to_string(&ground.file).map_err(|error| SiteError::Host(error.to_string()))?;
        let mut found = tenants(&text, &mut Report::of(&ground.file));
        let Some(at) = found.iter().position(|incoming| incoming.name == tenant) else { return Err(self.no_such(tenant).into()) };
        let (sealer, around) = (Sealer { keys, tenant }, Around { folder: ground.folder(), env });
        let document = found.swap_remove(at).document(&Document::default(), Places::of(described.as_deref()), sealer, around, &mut report);
        Ok((document, report.into_problems()))
    }
}
