//! A configured host: from a configuration file to tenants that can be called.
//!
//! Everything that can be wrong is found before anything runs: the file, the components, the pack's own check. The same
//! holds when the file is read again: a new configuration is taken over whole, or not at all.

mod kept;
mod offer;
mod packs;
mod plan;
mod stand;
mod upgrade;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use futures::future::join_all;
use tokio::sync::{Mutex, watch};

use crate::config::{ComponentDigest, Config, ConsoleConfig, Problem, StorageConfig};
use crate::engine::{Cache, Engine};
use crate::host::Host;
use crate::mail::Exchangeable;
use crate::standing::Standings;
use crate::store::StoreError;
use crate::tenant::Tenant;
use kept::Shelf;
use packs::Packs;
use plan::{Plan, installed, problem};
use stand::Known;

pub use kept::{Apply, ChangeError, Changed, Copy, ManagedState, ManagedTenant, Origin};
pub(crate) use offer::{MailServer, Offer};
pub use stand::{Restored, TenantStatus};
pub(crate) use upgrade::UPGRADE;

/// How a variable of the environment is looked up.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The configuration has errors; they are told apart from this.
    #[error("the configuration has errors")]
    Configuration,
    /// The configuration names no such tenant.
    #[error("{0}")]
    UnknownTenant(String),
    /// The store cannot be opened, or failed.
    #[error("{told}")]
    Store {
        /// What happened, in words.
        told: String,
        /// What the store said.
        source: StoreError,
    },
    /// The host itself cannot start.
    #[error("the host cannot start: {0}")]
    Host(String),
    /// What was changed cannot be changed while the host runs.
    #[error("restart the host to change {0}")]
    Restart(String),
}

/// A host with the tenants of a configuration file. Who they are may change while it runs.
pub struct Site {
    host: Host,
    listen: SocketAddr,
    storage: StorageConfig,
    console: std::sync::Mutex<Arc<ConsoleConfig>>,
    mailer: Option<Arc<Exchangeable>>,
    /// Held while other tenants take the place of those there are: one at a time does so.
    turn: Mutex<()>,
    packs: Packs,
    standings: Standings,
    /// The tenants that are kept in the store.
    shelf: Shelf,
    /// What the configuration and the store say of tenants.
    known: std::sync::Mutex<Known>,
    /// Those there are, as comes of both.
    tenants: watch::Sender<Arc<Tenants>>,
}

/// Every tenant by name.
pub(crate) type Tenants = BTreeMap<String, Installed>;

/// A digest of all that was configured for a tenant, secrets and component included. Not to be shown: somebody who knows
/// the rest could try out the secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity([u8; 32]);

/// A tenant as it is configured now.
#[derive(Clone)]
pub(crate) struct Installed {
    pub(crate) tenant: Tenant,
    pub(crate) identity: Identity,
    /// The digest of its component; `None` for the one that is part of this program.
    pub(crate) component: Option<ComponentDigest>,
    /// What it goes back to while its component is on trial.
    before: Option<Arc<Installed>>,
}

/// What another reading of the configuration changed: names of tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that run with other values from now on.
    pub changed: Vec<String>,
    /// Those that are gone. What is stored of them stays.
    pub removed: Vec<String>,
    /// Those that stay as they were, because the component that is named for them now is no good.
    pub kept: Vec<String>,
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed), ("kept as before", &self.kept)];
        let told: Vec<_> =
            kinds.iter().filter(|(_, names)| !names.is_empty()).map(|(kind, names)| format!("{kind}: {}", names.join(", "))).collect();
        f.write_str(if told.is_empty() { "no tenant changed" } else { "" })?;
        f.write_str(&told.join("; "))
    }
}

impl Changes {
    /// These and those.
    fn and(mut self, others: Self) -> Self {
        self.added.extend(others.added);
        self.changed.extend(others.changed);
        self.removed.extend(others.removed);
        self.kept.extend(others.kept);
        self
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Says in the log what changed of the tenants kept in the store, if anything did.
    pub(crate) fn log_kept(&self) {
        if !self.is_empty() {
            tracing::info!("tenants kept in the store: {self}");
        }
    }
}

impl Site {
    /// Reads the file and opens the store. The problems are all there are, also when there is a site.
    pub async fn open(path: &Path, env: Environment<'_>, cache: Option<impl Into<Cache>>) -> (Result<Self, SiteError>, Vec<Problem>) {
        let packs = match engine(cache) {
            Ok(engine) => Packs::new(engine),
            Err(error) => return (Err(error), Config::read(path, env).1),
        };
        let (plan, mut problems) = Plan::read(path, env, &packs).await;
        let site = match plan.and_then(|plan| plan.start(packs)) {
            Ok(site) => site.begin(&mut problems).await.map(|()| site),
            Err(error) => Err(error),
        };
        (site, problems)
    }

    /// Reads from the store how tenants stand, and those that are kept there.
    async fn begin(&self, problems: &mut Vec<Problem>) -> Result<(), SiteError> {
        self.look().await.map_err(|source| SiteError::Store { told: format!("the store cannot be read: {source}"), source })?;
        let _turn = self.turn.lock().await;
        let (_, found) = self.heed_in_turn(true).await?;
        problems.extend(found);
        Ok(())
    }

    /// Reads the file again, and the tenants that are kept in the store. What is wrong with the file, or cannot be changed while
    /// the host runs, changes nothing; the problems are all there are. Tenants that are configured as before are not touched. For
    /// the others new requests and runs have the new configuration, and what is under way ends with the one it began with.
    ///
    /// # Errors
    /// Why nothing was taken over.
    pub async fn reload(&self, path: &Path, env: Environment<'_>) -> (Result<Changes, SiteError>, Vec<Problem>) {
        let turn = self.turn.lock().await;
        let (plan, mut problems) = Plan::read(path, env, &self.packs).await;
        let changes = match plan {
            Ok(plan) => self.take_over(plan, &mut problems).await,
            Err(error) => Err(error),
        };
        self.let_go().await;
        drop(turn);
        let Ok(changes) = changes else { return (changes, problems) };
        let tried = join_all(self.tryouts().into_iter().map(|tryout| self.try_out(tryout))).await;
        (Ok(tried.into_iter().fold(changes, Changes::and)), problems)
    }

    /// Lets go of the components that no tenant has, is to have, or would go back to.
    async fn let_go(&self) {
        let mut used: Vec<_> = self.configured().values().flat_map(Installed::packs).collect();
        used.extend(self.shelf.packs());
        self.packs.keep(&used).await;
    }

    async fn take_over(&self, plan: Plan, problems: &mut Vec<Problem>) -> Result<Changes, SiteError> {
        let fixed = [
            ("host.listen", plan.listen != self.listen),
            ("host.storage", plan.storage != self.storage),
            ("host.proxy", plan.ground.proxy != self.shelf.ground().proxy),
            ("whether there is a table smtp", plan.mailer.is_some() != self.mailer.is_some()),
        ];
        let fixed: Vec<_> = fixed.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect();
        if !fixed.is_empty() {
            return Err(SiteError::Restart(fixed.join(" and ")));
        }
        let mut tenants = installed(plan.tenants);
        let before = self.configured();
        let mut changes = Changes::default();
        for (name, new) in &mut tenants {
            match before.get(name) {
                // The one that is there has logged in, and knows who must wait.
                Some(old) if old.identity == new.identity => *new = old.clone(),
                Some(old) => match self.upgrade(old, new).await {
                    Ok(()) => changes.changed.push(name.clone()),
                    Err(upgrade::NotGood) => {
                        *new = old.clone();
                        changes.kept.push(name.clone());
                    }
                },
                None => changes.added.push(name.clone()),
            }
        }
        // Those that the store has go on until it is known what the store says of them under this file.
        let shelved = self.shelf.names();
        let stays = |name: &String| shelved.contains(name) && !plan.ground.names.contains(name);
        tenants.extend(before.iter().filter(|(name, _)| stays(name)).map(|(name, old)| (name.clone(), old.clone())));
        changes.removed = before.keys().filter(|name| !tenants.contains_key(*name)).cloned().collect();
        if let (Some(mailer), Some(new)) = (&self.mailer, plan.mailer) {
            mailer.exchange(new);
        }
        *self.console.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan.console);
        self.shelf.stand_on(plan.ground);
        self.configure(tenants);
        let (of_store, found) = self.heed_in_turn(true).await?;
        problems.extend(found);
        Ok(changes.and(of_store))
    }

    /// Reads the file and the tenants that are kept in the store, and starts nothing: the tenants there are, and every problem.
    pub async fn check(path: &Path, env: Environment<'_>, cache: Option<impl Into<Cache>>) -> (Vec<String>, Vec<Problem>) {
        let packs = match engine(cache) {
            Ok(engine) => Packs::new(engine),
            Err(error) => return unchecked(path, &error, Config::read(path, env).1),
        };
        match Plan::read(path, env, &packs).await {
            (Ok(plan), mut problems) => {
                let mut names: Vec<_> = plan.tenants.keys().cloned().collect();
                names.extend(kept::check(&plan, &packs, &mut problems).await);
                (names, problems)
            }
            (Err(error), problems) => unchecked(path, &error, problems),
        }
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Where it is to listen.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// What the configuration says of the console now.
    pub(crate) fn console(&self) -> Arc<ConsoleConfig> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A tenant by name.
    ///
    /// # Errors
    /// When there is none; the error names those there are.
    pub fn tenant(&self, name: &str) -> Result<Tenant, SiteError> {
        let tenants = self.installed();
        tenants.get(name).map(|installed| installed.tenant.clone()).ok_or_else(|| {
            if self.configured().contains_key(name) {
                let remedy = format!("`shift-access tenant restore {name}` brings it back");
                return SiteError::UnknownTenant(format!("the tenant {name:?} was removed; {remedy}"));
            }
            if let Some(why) = self.shelf.why_not(name) {
                return SiteError::UnknownTenant(why);
            }
            let known = tenants.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            SiteError::UnknownTenant(format!("there is no tenant {name:?} in the configuration; write one of: {known}"))
        })
    }

    /// The tenants there are now.
    pub fn tenants(&self) -> impl Iterator<Item = Tenant> + use<> {
        let tenants: Vec<_> = self.installed().values().map(|installed| installed.tenant.clone()).collect();
        tenants.into_iter()
    }

    /// The tenants there are now, each with its identity.
    pub(crate) fn installed(&self) -> Arc<Tenants> {
        self.tenants.borrow().clone()
    }

    /// Tells whenever other tenants may have taken the place of those there are.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Tenants>> {
        self.tenants.subscribe()
    }
}

fn engine(cache: Option<impl Into<Cache>>) -> Result<Engine, SiteError> {
    Engine::new(cache).map_err(|error| SiteError::Host(error.to_string()))
}

/// Nothing could be checked: there is a problem that says why.
fn unchecked(path: &Path, error: &SiteError, mut problems: Vec<Problem>) -> (Vec<String>, Vec<Problem>) {
    if !problems.iter().any(Problem::is_error) {
        problems.push(problem(path, String::new(), error.to_string(), "see above"));
    }
    (Vec::new(), problems)
}
