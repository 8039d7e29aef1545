//! Looks every two seconds how the tenants stand: another process may have paused, removed or brought back one, and a component
//! on trial may have failed; and whether one that is kept in the store was changed.

use std::sync::Arc;
use std::time::Duration;

use crate::scheduler::Life;
use crate::site::Site;

/// How often it looks: one read of a few keys.
const EVERY: Duration = Duration::from_secs(2);

/// Takes over what is changed of the tenants kept in the store, by this process at once, by another within the same time. It is
/// apart from the rest, since compiling a component takes its time; trying one takes longer still, and is a task by itself.
pub(super) async fn keep_managed(site: Arc<Site>, life: Life) {
    let mut complained = false;
    let next = || async {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = site.asked() => {}
        }
    };
    while life.stop.run_until_cancelled(next()).await.is_some() {
        let heeded = site.heed().await;
        for tryout in site.tryouts() {
            let (site, stop) = (site.clone(), life.stop.clone());
            life.tracker.spawn(async move {
                if let Some(changes) = stop.run_until_cancelled(site.try_out(tryout)).await {
                    changes.log_kept();
                }
            });
        }
        match &heeded {
            Err(error) if !complained => tracing::error!(%error, "nobody knows whether a tenant in the store was changed"),
            _ => {}
        }
        complained = heeded.is_err();
    }
}

/// Looks until the life stops. A store that fails changes nothing, and is complained of once.
pub(super) async fn keep(site: Arc<Site>, life: Life) {
    let mut complained = false;
    while life.stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        site.judge().await;
        let looked = match site.look().await {
            Ok(()) => site.sweep().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match &looked {
            Err(error) if !complained => tracing::error!(%error, "nobody knows whether a tenant was paused or removed"),
            _ => {}
        }
        complained = looked.is_err();
    }
}
