//! Kept tenants whose component is to be another one: each is tried by itself, while everybody else goes on being changed.
//!
//! Who plans a tenant anew, or finds it gone, ends its trial: what comes of one that is over changes nothing.

use std::collections::BTreeMap;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::super::{Changes, Site};
use super::Coming;
use crate::plugin::Pack;

/// The trials that are under way, or about to be, by tenant.
#[derive(Default)]
pub(super) struct Trials(watch::Sender<BTreeMap<String, Trial>>);

struct Trial {
    revision: String,
    pack: Option<Pack>,
    over: CancellationToken,
    /// What is tried; none once somebody does so.
    coming: Option<Coming>,
}

/// A trial that somebody is to run.
pub(crate) struct Tryout {
    coming: Coming,
    over: CancellationToken,
}

impl Trials {
    /// Has a tenant tried, in the place of what is tried of it until now.
    pub(super) fn add(&self, coming: Coming) {
        let pack = coming.planned.as_ref().map(|planned| planned.pack().clone());
        let (name, revision) = (coming.looked.status.name.clone(), coming.looked.revision.clone());
        let trial = Trial { revision, pack, over: CancellationToken::new(), coming: Some(coming) };
        self.0.send_modify(|trials| {
            if let Some(before) = trials.insert(name, trial) {
                before.over.cancel();
            }
        });
    }

    /// Whether it is this revision of a tenant that is tried.
    pub(super) fn has(&self, tenant: &str, revision: &str) -> bool {
        self.0.borrow().get(tenant).is_some_and(|trial| trial.revision == revision)
    }

    /// Ends the trials of tenants that are not among these.
    pub(super) fn retain(&self, stays: impl Fn(&str) -> bool) {
        self.0.send_if_modified(|trials| {
            let before = trials.len();
            trials.retain(|name, trial| {
                let stays = stays(name);
                if !stays {
                    trial.over.cancel();
                }
                stays
            });
            trials.len() != before
        });
    }

    /// The components on trial.
    pub(super) fn packs(&self) -> Vec<Pack> {
        self.0.borrow().values().filter_map(|trial| trial.pack.clone()).collect()
    }
}

impl Site {
    /// The trials that nobody runs yet. Who takes one runs it.
    pub(crate) fn tryouts(&self) -> Vec<Tryout> {
        let mut taken = Vec::new();
        self.shelf.trials.0.send_if_modified(|trials| {
            let waiting = trials.values_mut().filter_map(|trial| Some(Tryout { coming: trial.coming.take()?, over: trial.over.clone() }));
            taken.extend(waiting);
            false
        });
        taken
    }

    /// Tries a component, and has the tenant in force with it where it is good, unless the trial is over by then. Nobody waits
    /// for that who changes another tenant.
    pub(crate) async fn try_out(&self, Tryout { coming, over }: Tryout) -> Changes {
        let name = coming.looked.status.name.clone();
        let Some(taken) = over.run_until_cancelled(self.take(coming)).await else { return Changes::default() };
        let _turn = self.turn.lock().await;
        if over.is_cancelled() {
            return Changes::default();
        }
        let changes = self.put(vec![taken]);
        self.shelf.trials.retain(|other| other != name);
        self.let_go().await;
        changes
    }

    /// Whether the component that a kept tenant is to have is being tried.
    pub(crate) fn is_tried(&self, tenant: &str) -> bool {
        self.shelf.trials.0.borrow().contains_key(tenant)
    }

    /// Waits until no component is being tried for a tenant.
    pub(crate) async fn tried(&self, tenant: &str) {
        // The sender lives as long as the site does.
        let _ = self.shelf.trials.0.subscribe().wait_for(|trials| !trials.contains_key(tenant)).await;
    }
}
