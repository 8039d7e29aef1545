//! How the tenants of a site stand: what the configuration says of them, and what the store does.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{Installed, Site, SiteError, Tenants};
use crate::plugin::Pack;
use crate::standing::{Standing, State};
use crate::store::StoreError;
use crate::token::TokenError;

/// What is known of tenants.
#[derive(Default)]
pub(super) struct Known {
    configured: Arc<Tenants>,
    standings: BTreeMap<String, Standing>,
}

/// What there is of a tenant that was brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restored {
    /// The tenant, with all that was stored of it.
    Whole,
    /// The tenant, and nothing that was stored of it.
    Anew,
    /// No tenant: there is no configuration of it, in the file or in the store. The name is free.
    Free,
}

/// How a tenant stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantStatus {
    /// Its name.
    pub tenant: String,
    /// `serving`, `paused`, `removed`, or `deleted` once nothing of a removed tenant is stored any more.
    pub state: &'static str,
    /// The digest of its component, or `built-in`; `None` where it is not in the configuration.
    pub component: Option<String>,
    /// Since when it stands so; `None` for a tenant that was never paused or removed.
    pub since: Option<DateTime<Utc>>,
    /// When everything that is stored of a removed tenant goes.
    pub delete_after: Option<DateTime<Utc>>,
    /// The component that was tried for it and failed.
    pub unfit: Option<String>,
}

impl Site {
    /// Lets nothing of a tenant run, until [`Site::resume`]: no job, no event is brought, nobody is looked up. Events are stored
    /// all the same, and what is stored answers, getting older. It holds for every host on the store within seconds.
    ///
    /// # Errors
    /// When there is no such tenant, or the store fails.
    pub async fn pause(&self, tenant: &str) -> Result<(), SiteError> {
        self.tenant(tenant)?;
        self.stand(tenant, Some(State::Paused)).await
    }

    /// Lets a paused tenant run again, and a component that failed be tried again.
    ///
    /// # Errors
    /// When there is no such tenant, or the store fails.
    pub async fn resume(&self, tenant: &str) -> Result<(), SiteError> {
        self.tenant(tenant)?;
        self.standings.set_unfit(tenant, None).await.map_err(store_failed)?;
        self.stand(tenant, None).await
    }

    /// Refuses everything of a tenant from now on, as if there were none, and deletes everything stored of it after the time of
    /// grace: the keys of its plugin, its history, tokens, events, dead letters, receipts and alerts. It may have left the
    /// configuration already. What runs under a name in the configuration begins again only after [`Site::restore`].
    ///
    /// # Errors
    /// When nothing is known of such a tenant, or the store fails.
    pub async fn remove(&self, tenant: &str, grace: TimeDelta) -> Result<DateTime<Utc>, SiteError> {
        let known = self.configured().contains_key(tenant) || self.standings.knows(tenant).await.map_err(token_failed)?;
        if !known || tenant.is_empty() {
            return Err(self.unknown(tenant, "nothing is stored of it"));
        }
        let now = self.host.now();
        let delete_after = now + grace;
        self.stand(tenant, Some(State::Removed { delete_after })).await?;
        if delete_after <= now {
            self.delete(tenant, now).await?;
        }
        Ok(delete_after)
    }

    /// Deletes everything of a removed tenant whose time has come.
    async fn delete(&self, tenant: &str, now: DateTime<Utc>) -> Result<(), SiteError> {
        // Who was faster got on with it, or brought the tenant back.
        while !self.standings.sweep_one(tenant, now).await.map_err(token_failed)? {}
        self.look().await.map_err(store_failed)?;
        match self.standings.of(tenant).await.map_err(store_failed)?.map(|standing| standing.state) {
            Some(State::Deleted) => Ok(()),
            _ => Err(SiteError::UnknownTenant(format!("the tenant {tenant:?} was brought back, or set up anew, before all was deleted"))),
        }
    }

    /// Brings a removed tenant back, and says what of it is still there. What is to be deleted by now is deleted first: nobody could
    /// tell how much of it is left.
    ///
    /// # Errors
    /// When it was not removed, or the store fails.
    pub async fn restore(&self, tenant: &str) -> Result<Restored, SiteError> {
        let stored = loop {
            let now = self.host.now();
            let found = self.standings.found(tenant).await.map_err(store_failed)?;
            let (revision, stored) = match found.map(|(revision, standing)| (revision, standing.state)) {
                Some((_, State::Removed { delete_after })) if delete_after <= now => {
                    self.standings.sweep_one(tenant, now).await.map_err(token_failed)?;
                    continue;
                }
                Some((revision, State::Removed { .. })) => (revision, Restored::Whole),
                Some((revision, State::Deleted)) => (revision, Restored::Anew),
                Some((_, State::Paused)) | None => return Err(self.unknown(tenant, "it was not removed")),
            };
            if self.standings.end(tenant, revision).await.map_err(store_failed)? {
                break stored;
            }
        };
        self.look().await.map_err(store_failed)?;
        let is_there = self.is_in_file(tenant) || self.kept(tenant).await?.is_some();
        Ok(if is_there { stored } else { Restored::Free })
    }

    /// How every tenant stands: those of the configuration, and those that were removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn status(&self) -> Result<Vec<TenantStatus>, SiteError> {
        self.look().await.map_err(store_failed)?;
        let mut unfit = self.standings.unfit().await.map_err(store_failed)?;
        let known = self.known();
        let names: std::collections::BTreeSet<_> = known.configured.keys().chain(known.standings.keys()).collect();
        let status = |tenant: &String| {
            let standing = known.standings.get(tenant);
            let component = known.configured.get(tenant).map(Installed::component_name);
            let (state, delete_after) = match standing.map(|standing| &standing.state) {
                None => ("serving", None),
                Some(State::Paused) => ("paused", None),
                Some(State::Removed { delete_after }) => ("removed", Some(*delete_after)),
                Some(State::Deleted) => ("deleted", None),
            };
            let since = standing.map(|standing| standing.since);
            let unfit = unfit.remove(tenant).map(|unfit| unfit.component);
            TenantStatus { tenant: tenant.clone(), state, component, since, delete_after, unfit }
        };
        Ok(names.into_iter().map(status).collect())
    }

    /// Reads from the store how tenants stand, and has it hold here.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        let standings = self.standings.all().await?;
        let mut known = self.known();
        if known.standings != standings {
            let before = std::mem::replace(&mut known.standings, standings);
            self.settle(&known);
            tell(&before, &known.standings);
        }
        Ok(())
    }

    /// Deletes what is stored of removed tenants whose time has come.
    pub(crate) async fn sweep(&self) -> Result<(), SiteError> {
        self.standings.sweep(self.host.now()).await.map_err(token_failed)
    }

    /// Whether a tenant was removed, and not only taken out of the configuration.
    pub(crate) fn is_removed(&self, tenant: &str) -> bool {
        self.known().standings.get(tenant).is_some_and(Standing::is_removed)
    }

    /// The tenants of the configuration, those that were removed among them.
    pub(super) fn configured(&self) -> Arc<Tenants> {
        self.known().configured.clone()
    }

    /// Whether a tenant is paused or removed.
    pub(super) fn rests(&self, tenant: &str) -> bool {
        self.known().standings.contains_key(tenant)
    }

    /// Puts a tenant in the place of another, unless that one is there no more.
    pub(super) fn exchange(&self, old: &Installed, new: Installed) {
        let mut known = self.known();
        if known.configured.get(&*old.tenant.name).is_some_and(|now| now.identity == old.identity) {
            let mut tenants = (*known.configured).clone();
            tenants.insert(new.tenant.name.to_string(), new);
            known.configured = Arc::new(tenants);
            self.settle(&known);
        }
    }

    /// From now on the configuration names these.
    pub(super) fn configure(&self, tenants: Tenants) {
        let mut known = self.known();
        known.configured = Arc::new(tenants);
        self.settle(&known);
    }

    /// Puts these in, each in the place of the one of its name, and takes those out.
    pub(super) fn settle_with(&self, new: Vec<Installed>, gone: &[String]) {
        if new.is_empty() && gone.is_empty() {
            return;
        }
        let mut known = self.known();
        let mut tenants = (*known.configured).clone();
        tenants.retain(|name, _| !gone.contains(name));
        tenants.extend(new.into_iter().map(|installed| (installed.tenant.name.to_string(), installed)));
        known.configured = Arc::new(tenants);
        self.settle(&known);
    }

    async fn stand(&self, tenant: &str, state: Option<State>) -> Result<(), SiteError> {
        self.standings.set(tenant, state, self.host.now()).await.map_err(store_failed)?;
        self.look().await.map_err(store_failed)
    }

    fn settle(&self, known: &Known) {
        let installed = |(name, installed): (&String, &Installed)| {
            let standing = known.standings.get(name);
            let mut installed = installed.clone();
            installed.tenant.paused = standing.is_some_and(Standing::is_paused);
            (!standing.is_some_and(Standing::is_removed)).then(|| (name.clone(), installed))
        };
        self.tenants.send_replace(Arc::new(known.configured.iter().filter_map(installed).collect()));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown(&self, tenant: &str, and: &str) -> SiteError {
        match self.tenant(tenant) {
            Err(SiteError::UnknownTenant(text)) => SiteError::UnknownTenant(format!("{text}; {and}")),
            Err(error) => error,
            Ok(_) => SiteError::UnknownTenant(format!("the tenant {tenant:?} is served; {and}")),
        }
    }
}

impl Installed {
    /// Its component, and the one before while it is on trial.
    pub(super) fn packs(&self) -> Vec<Pack> {
        std::iter::once(self).chain(self.before.as_deref()).map(|installed| installed.tenant.pack.clone()).collect()
    }

    /// The digest of its component, or that it is part of this program.
    pub(crate) fn component_name(&self) -> String {
        self.component.map_or_else(|| "built-in".to_owned(), |digest| digest.to_string())
    }
}

/// Says in the log what changed.
fn tell(before: &BTreeMap<String, Standing>, now: &BTreeMap<String, Standing>) {
    for (tenant, standing) in now.iter().filter(|(tenant, standing)| before.get(*tenant) != Some(standing)) {
        match &standing.state {
            State::Paused => tracing::info!(tenant, "the tenant is paused"),
            State::Removed { delete_after } => tracing::info!(tenant, %delete_after, "the tenant is removed"),
            State::Deleted => {}
        }
    }
    for tenant in before.keys().filter(|tenant| !now.contains_key(*tenant)) {
        tracing::info!(tenant, "the tenant is served again");
    }
}

pub(super) fn store_failed(source: StoreError) -> SiteError {
    SiteError::Store { told: format!("the store failed: {source}"), source }
}

fn token_failed(error: TokenError) -> SiteError {
    store_failed(match error {
        TokenError::Store(error) => error,
        random @ TokenError::Random(_) => StoreError::Other(random.to_string()),
    })
}
