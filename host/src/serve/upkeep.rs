//! Looks every two seconds how the tenants stand: another process may have paused, removed or brought back one, and a component
//! on trial may have failed.

use std::sync::Arc;
use std::time::Duration;

use crate::scheduler::Life;
use crate::site::Site;

/// How often it looks: one read of a few keys.
const EVERY: Duration = Duration::from_secs(2);

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
