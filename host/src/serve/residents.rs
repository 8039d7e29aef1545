//! What runs for each tenant while it is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::host::Host;
use crate::scheduler::Life;
use crate::site::{Identity, Site};
use crate::tenant::Tenant;

/// Everything that runs for one tenant until its life stops. What is to run for each tenant has its line here.
async fn serve(host: &Host, tenant: &Tenant, life: &Life) {
    if tenant.paused {
        return;
    }
    tokio::join!(host.keep_schedules(tenant, life), async {
        if tenant.listener.is_some() {
            host.keep_listener(tenant, life).await;
        }
    });
}

/// The tenants that are served now, each as it was configured when that began.
pub(super) struct Residents {
    site: Arc<Site>,
    life: Life,
    by_name: BTreeMap<String, Resident>,
}

/// One tenant that is served.
struct Resident {
    identity: Identity,
    paused: bool,
    stop: CancellationToken,
    /// Ends what is under way of it, too.
    abort: CancellationToken,
    task: JoinHandle<()>,
}

impl Residents {
    /// Nobody yet.
    pub(super) fn new(site: Arc<Site>, life: Life) -> Self {
        Self { site, life, by_name: BTreeMap::new() }
    }

    /// Makes what runs fit the site as it is now. Tenants that did not change are left alone.
    pub(super) fn settle(&mut self) {
        let wanted = self.site.installed();
        let stays = |name: &String, resident: &Resident| {
            wanted.get(name).is_some_and(|now| now.identity == resident.identity && now.tenant.paused == resident.paused)
        };
        let mut leaving: BTreeMap<_, _> = self.by_name.extract_if(.., |name, resident| !stays(name, resident)).collect();
        leaving.values().for_each(|resident| resident.stop.cancel());
        for (name, now) in wanted.iter() {
            if !self.by_name.contains_key(name) {
                let resident = self.begin(&now.tenant, now.identity, leaving.remove(name));
                self.by_name.insert(name.clone(), resident);
            }
        }
        // Who left the configuration ends in its own time, and no later than the server; who was removed, at once.
        for (name, resident) in leaving {
            if self.site.is_removed(&name) {
                resident.abort.cancel();
                self.site.host().forget_inbox(&name);
            }
            self.life.tracker.spawn(resident.left());
        }
    }

    /// Ends what runs, and waits for it.
    pub(super) async fn leave(self) {
        for resident in self.by_name.into_values() {
            resident.stop.cancel();
            resident.left().await;
        }
    }

    /// Begins what runs for a tenant, when what ran for it before has ended.
    fn begin(&self, tenant: &Tenant, identity: Identity, before: Option<Resident>) -> Resident {
        let stop = self.life.stop.child_token();
        let abort = self.life.abort.child_token();
        let life = Life { stop: stop.clone(), abort: abort.clone(), tracker: self.life.tracker.clone() };
        let paused = tenant.paused;
        let (host, tenant) = (self.site.host().clone(), tenant.clone());
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.left().await;
            }
            serve(&host, &tenant, &life).await;
        });
        Resident { identity, paused, stop, abort, task }
    }
}

impl Resident {
    /// Waits for the end of what was told to stop.
    async fn left(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "what ran for a tenant did not end well");
        }
    }
}
