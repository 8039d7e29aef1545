//! The tenants that are kept in the store, among those of a site: taken in when it begins, and again when one changes.
//!
//! One that is no good stands aside with its problems, and keeps nobody else from being served. One that was good before goes on
//! as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde::Serialize;
use tokio::sync::Notify;

use super::packs::Packs;
use super::plan::{Ground, Plan, Planned, problem};
use super::stand::store_failed;
use super::{Changes, Identity, Installed, Site, SiteError, upgrade};
use crate::config::{Problem, Severity};
use crate::managed::{Kept, Ledger, Path};
use crate::plugin::Pack;
use crate::store::{Store, StoreError};

mod apply;
mod change;
mod copy;
mod look;
mod tryout;

pub use apply::Apply;
pub use change::{ChangeError, Changed};
pub use copy::Copy;
pub use look::Origin;
use tryout::Trials;

/// A tenant that is kept in the store, and what became of it here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManagedTenant {
    /// Its name.
    pub name: String,
    /// The number of its newest version; 0 where that cannot be read.
    pub version: u64,
    /// When that was made.
    pub at: Option<DateTime<Utc>>,
    /// Who made it.
    pub by: String,
    /// Its environment, as it is written: `PROD` or `TEST`, unless it is a draft.
    pub environment: Option<String>,
    /// How it stands.
    pub state: ManagedState,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// How a kept tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagedState {
    /// Its newest version is in force.
    InForce,
    /// It is incomplete, and is not run.
    Draft,
    /// Its newest version is no good, and an older one is in force.
    AsBefore,
    /// It is no good, and is not run.
    LeftOut,
    /// The configuration file has a tenant of its name, and that one is in force.
    InFile,
}

/// What is known of the store's tenants.
pub(super) struct Shelf {
    ledger: Ledger,
    ground: Mutex<Arc<Ground>>,
    seen: Mutex<Seen>,
    trials: Trials,
    asked: Notify,
}

#[derive(Default)]
struct Seen {
    mark: Option<String>,
    tenants: BTreeMap<String, Looked>,
}

/// A tenant as it was when it was last looked at.
#[derive(Clone)]
struct Looked {
    revision: String,
    status: ManagedTenant,
    /// What it is when its newest version is in force.
    identity: Option<Identity>,
}

/// A kept tenant on its way to be served.
struct Coming {
    looked: Looked,
    planned: Option<Planned>,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn Store>, ground: Ground) -> Self {
        let (ground, seen) = (Mutex::new(Arc::new(ground)), Mutex::default());
        Self { ledger: Ledger::new(store), ground, seen, trials: Trials::default(), asked: Notify::new() }
    }

    pub(super) fn ground(&self) -> Arc<Ground> {
        self.ground.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on this is what the file says.
    pub(super) fn stand_on(&self, ground: Ground) {
        *self.ground.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(ground);
    }

    /// The names of the tenants that were there at the last look.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.seen().tenants.keys().cloned().collect()
    }

    /// Why a tenant that is kept is not in force.
    pub(super) fn why_not(&self, name: &str) -> Option<String> {
        let status = self.seen().tenants.get(name)?.status.clone();
        match status.state {
            ManagedState::Draft => Some(format!("the tenant {name:?} is a draft, and is not run before it is complete")),
            ManagedState::LeftOut => Some(format!("the tenant {name:?} is left out: `shift-access check` tells what is wrong with it")),
            ManagedState::InForce | ManagedState::AsBefore | ManagedState::InFile => None,
        }
    }

    /// The components on trial for tenants.
    pub(super) fn packs(&self) -> Vec<Pack> {
        self.trials.packs()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    /// The tenants that are kept in the store, drafts and those that are no good among them, as of the last look.
    pub fn managed(&self) -> Vec<ManagedTenant> {
        let configured = self.configured();
        let status = |looked: &Looked| {
            let mut status = looked.status.clone();
            // A component on trial may have failed since.
            if status.state == ManagedState::InForce && configured.get(&status.name).map(|now| now.identity) != looked.identity {
                status.state = ManagedState::AsBefore;
            }
            status
        };
        self.shelf.seen().tenants.values().map(status).collect()
    }

    /// Takes over what changed in the store since the last look, and says in the log what that was: whoever looks first takes it
    /// over, and nobody after that knows of it. What needs a trial waits for who runs the [`Site::tryouts`].
    pub(crate) async fn heed(&self) -> Result<(), SiteError> {
        let _turn = self.turn.lock().await;
        let (changes, problems) = self.heed_in_turn(false).await?;
        problems.iter().for_each(Problem::log);
        changes.log_kept();
        Ok(())
    }

    /// Waits until something was changed through this very site.
    pub(crate) async fn asked(&self) {
        self.shelf.asked.notified().await;
    }

    /// Takes over what changed in the store since the last look; all of it, if `anew`. The problems are those of what was looked
    /// at now.
    pub(super) async fn heed_in_turn(&self, anew: bool) -> Result<(Changes, Vec<Problem>), SiteError> {
        // Before the tenants: what is changed between the two is looked at again the next time.
        let mark = self.shelf.ledger.mark().await.map_err(store_failed)?;
        if !anew && self.shelf.seen().mark == mark {
            return Ok(Default::default());
        }
        let found = self.shelf.ledger.all().await.map_err(store_failed)?;
        let coming = self.plan(&found, anew).await?;
        let problems = coming.values().flat_map(|coming| problems_to_tell(&coming.looked.status)).collect();
        self.shelf.trials.retain(|name| found.contains_key(name) && !coming.contains_key(name));
        let mut changes = self.leave(&found);
        let (quick, slow): (Vec<_>, Vec<_>) = coming.into_values().partition(|coming| !self.is_on_trial(coming));
        let taken = join_all(quick.into_iter().map(|coming| self.take(coming))).await;
        changes = changes.and(self.put(taken));
        // A trial takes its time, and nobody waits for that of another.
        slow.into_iter().for_each(|coming| self.shelf.trials.add(coming));
        self.shelf.seen().mark = mark;
        self.let_go().await;
        Ok((changes, problems))
    }

    /// Plans the tenants that are not as they were at the last look.
    async fn plan(&self, found: &BTreeMap<String, (String, Option<Kept>)>, anew: bool) -> Result<BTreeMap<String, Coming>, SiteError> {
        let ground = self.shelf.ground();
        let known: BTreeMap<_, _> =
            self.shelf.seen().tenants.iter().map(|(name, looked)| (name.clone(), looked.revision.clone())).collect();
        let is_new = |name: &str, revision: &String| known.get(name) != Some(revision) && !self.shelf.trials.has(name, revision);
        plan(&ground, &self.packs, found.iter().filter(|(name, (revision, _))| anew || is_new(name, revision))).await
    }

    /// Takes out those that are not kept any more.
    fn leave(&self, found: &BTreeMap<String, (String, Option<Kept>)>) -> Changes {
        let gone: Vec<_> = {
            let mut seen = self.shelf.seen();
            let gone: Vec<_> = seen.tenants.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
            seen.tenants.retain(|name, _| found.contains_key(name));
            gone
        };
        let (names, configured) = (&self.shelf.ground().names, self.configured());
        let removed: Vec<_> = gone.into_iter().filter(|name| !names.contains(name) && configured.contains_key(name)).collect();
        self.settle_with(Vec::new(), &removed);
        Changes { removed, ..Changes::default() }
    }

    fn is_on_trial(&self, coming: &Coming) -> bool {
        let configured = self.configured();
        let (Some(planned), Some(old)) = (&coming.planned, configured.get(&coming.looked.status.name)) else { return false };
        old.component != planned.component
    }

    /// Makes a tenant ready; there is none to put in where the one that is there stays as it is.
    async fn take(&self, coming: Coming) -> (Looked, Option<(Installed, bool)>) {
        let Coming { mut looked, planned } = coming;
        let old = self.configured().get(&looked.status.name).cloned();
        let Some(planned) = planned else {
            if looked.status.state == ManagedState::LeftOut && old.is_some() {
                looked.status.state = ManagedState::AsBefore;
            }
            return (looked, None);
        };
        let mut new = Installed::from(planned);
        match old {
            Some(old) if old.identity == new.identity => (looked, None),
            Some(old) => match self.upgrade(&old, &mut new).await {
                Ok(()) => (looked, Some((new, false))),
                Err(upgrade::NotGood) => {
                    looked.status.state = ManagedState::AsBefore;
                    (looked, None)
                }
            },
            None => (looked, Some((new, true))),
        }
    }

    /// Has them in force, and remembers how they stand.
    fn put(&self, taken: Vec<(Looked, Option<(Installed, bool)>)>) -> Changes {
        let mut changes = Changes::default();
        let mut put = Vec::new();
        let configured = self.configured();
        for (looked, new) in taken {
            let name = looked.status.name.clone();
            match (looked.status.state, new) {
                (_, Some((installed, true))) => {
                    changes.added.push(name.clone());
                    put.push(installed);
                }
                (_, Some((installed, false))) => {
                    changes.changed.push(name.clone());
                    put.push(installed);
                }
                (ManagedState::Draft, None) if configured.contains_key(&name) => changes.removed.push(name.clone()),
                (ManagedState::AsBefore, None) => changes.kept.push(name.clone()),
                _ => {}
            }
            self.shelf.seen().tenants.insert(name, looked);
        }
        self.settle_with(put, &changes.removed);
        changes
    }
}

/// Plans tenants, each by itself.
async fn plan<'k>(
    ground: &Ground,
    packs: &Packs,
    found: impl Iterator<Item = (&'k String, &'k (String, Option<Kept>))>,
) -> Result<BTreeMap<String, Coming>, SiteError> {
    let mut reading = packs.read(ground.components.as_deref());
    let mut coming = BTreeMap::new();
    for (name, (revision, kept)) in found {
        let (planned, problems) = match kept {
            Some(kept) => ground.kept(name, &kept.document, &mut reading).await?,
            None => (None, vec![damaged(name)]),
        };
        let is_draft = kept.as_ref().is_some_and(|kept| kept.draft);
        let state = match &planned {
            _ if is_draft && !ground.names.contains(name) => ManagedState::Draft,
            _ if ground.names.contains(name) => ManagedState::InFile,
            Some(_) => ManagedState::InForce,
            None => ManagedState::LeftOut,
        };
        let mut status = status(name, kept.as_ref(), state, problems);
        if state == ManagedState::InFile {
            status.problems.insert(0, in_file(name));
        }
        let planned = planned.filter(|_| state == ManagedState::InForce);
        let identity = planned.as_ref().map(|planned| planned.identity);
        coming.insert(name.clone(), Coming { looked: Looked { revision: revision.clone(), status, identity }, planned });
    }
    Ok(coming)
}

fn status(name: &str, kept: Option<&Kept>, state: ManagedState, problems: Vec<Problem>) -> ManagedTenant {
    let environment = kept.and_then(|kept| kept.document.text(&Path::of(["environment"])).map(str::to_owned));
    ManagedTenant {
        name: name.to_owned(),
        version: kept.map_or(0, |kept| kept.version),
        at: kept.map(|kept| kept.at),
        by: kept.map(|kept| kept.by.clone()).unwrap_or_default(),
        environment,
        state,
        problems,
    }
}

/// What is said of a kept tenant where nobody asked for it: nothing of a draft, whose problems are known to who makes it.
fn problems_to_tell(status: &ManagedTenant) -> Vec<Problem> {
    match status.state {
        ManagedState::Draft => Vec::new(),
        ManagedState::InFile => status.problems.iter().take(1).cloned().collect(),
        _ => status.problems.clone(),
    }
}

/// Plans what is kept in the store of a configuration that is only checked, and gives the names of those that are good.
pub(super) async fn check(plan: &Plan, packs: &Packs, problems: &mut Vec<Problem>) -> Vec<String> {
    let crate::config::StorageConfig::Sqlite(path) = &plan.storage;
    if !path.exists() {
        return Vec::new();
    }
    match checked(plan, packs).await {
        Ok(coming) => {
            problems.extend(coming.values().flat_map(|coming| problems_to_tell(&coming.looked.status)));
            coming.into_iter().filter(|(_, coming)| coming.planned.is_some()).map(|(name, _)| name).collect()
        }
        Err(error) => {
            let remedy = "let this user read the store, or check as the one who serves";
            let text = format!("the tenants kept in the store are not checked: {error}");
            let warning = problem(&plan.ground.file, "host.storage".to_owned(), text, remedy);
            problems.push(Problem { severity: Severity::Warning, ..warning });
            Vec::new()
        }
    }
}

async fn checked(plan: &Plan, packs: &Packs) -> Result<BTreeMap<String, Coming>, SiteError> {
    let open = |error: StoreError| SiteError::Store { told: error.to_string(), source: error };
    let ledger = Ledger::new(Arc::new(plan.open_store().map_err(open)?));
    let found = ledger.all().await.map_err(open)?;
    self::plan(&plan.ground, packs, found.iter()).await
}

fn in_file(name: &str) -> Problem {
    let remedy = format!("take [tenants.{name}] out of the file, or this one out of the store with: shift-access tenant forget {name}");
    let message = "the configuration file has a tenant of this name too, and what the file says is in force".to_owned();
    Problem { severity: Severity::Warning, ..of_kept(name, message, remedy) }
}

fn damaged(name: &str) -> Problem {
    let message = "cannot be read: it is damaged, or of a later version of this program".to_owned();
    of_kept(name, message, "use the newer program, or bring the store back from a copy".to_owned())
}

fn of_kept(name: &str, message: String, remedy: String) -> Problem {
    let (file, line, column, key, code) = (None, None, None, String::new(), None);
    Problem { severity: Severity::Error, file, kept: Some(name.to_owned()), line, column, key, code, message, remedy }
}

#[cfg(test)]
mod tests;
