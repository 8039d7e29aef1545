//! How the tenants of a store stand: served, paused, or removed, and which component did not do for one.
//!
//! It is kept in the store and not in the configuration, so that it outlives a restart and holds for every host on the store.
//! In the host's own space of no tenant: `standing/TENANT`, there for a tenant that is not simply served, and
//! `unfit/TENANT`, the component that was tried for it and failed.
//!
//! This module says what holds; who serves the tenants acts on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::history::instant;
use crate::store::records::{self, Records};
use crate::store::{Condition, Store, StoreError, Write};

mod sweep;

const STANDING: &str = "standing/";
const UNFIT: &str = "unfit/";

/// For so many days what is stored of a removed tenant waits, where nobody says how long.
pub(crate) const GRACE_DAYS: u32 = 7;

/// How a tenant stands that is not simply served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) state: State,
    #[serde(with = "instant")]
    pub(crate) since: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub(crate) enum State {
    /// No job runs, no event is brought, nobody is looked up. Events are stored, and what is stored answers.
    Paused,
    /// As if there were no such tenant.
    Removed {
        /// Everything stored of it goes at this moment.
        #[serde(with = "instant")]
        delete_after: DateTime<Utc>,
    },
    /// The same, and nothing of it is stored any more.
    Deleted,
}

impl Standing {
    pub(crate) fn is_paused(&self) -> bool {
        self.state == State::Paused
    }

    pub(crate) fn is_removed(&self) -> bool {
        !self.is_paused()
    }
}

/// A component that was tried for a tenant and failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unfit {
    /// Its digest, as configurations name it.
    pub(crate) component: String,
    /// What it did.
    pub(crate) why: String,
    #[serde(with = "instant")]
    pub(crate) at: DateTime<Utc>,
}

/// How the tenants of one store stand.
#[derive(Clone)]
pub(crate) struct Standings {
    store: Arc<dyn Store>,
    records: Records,
}

impl Standings {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store.clone()), store }
    }

    /// Those that are not simply served, by name.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, Standing>, StoreError> {
        self.under(STANDING).await
    }

    /// How one stands; `None` where it is simply served.
    pub(crate) async fn of(&self, tenant: &str) -> Result<Option<Standing>, StoreError> {
        Ok(self.found(tenant).await?.map(|(_, standing)| standing))
    }

    /// The same, with its revision.
    pub(crate) async fn found(&self, tenant: &str) -> Result<Option<(String, Standing)>, StoreError> {
        Ok(self.records.get(&format!("{STANDING}{tenant}")).await?.map(|kept| (kept.revision, kept.value)))
    }

    /// What has a tenant simply served again, if it stands as it did at this revision. To be written with what there is of it then.
    pub(crate) fn serve_again(tenant: &str, revision: String) -> Write {
        Write::remove(format!("{STANDING}{tenant}")).when(Condition::Revision(revision))
    }

    /// Has a tenant simply served again, if it stands as it did at this revision; says whether it does.
    pub(crate) async fn end(&self, tenant: &str, revision: String) -> Result<bool, StoreError> {
        self.records.commit(vec![Self::serve_again(tenant, revision)]).await
    }

    /// From now on it stands so; `None` for simply served.
    pub(crate) async fn set(&self, tenant: &str, state: Option<State>, now: DateTime<Utc>) -> Result<(), StoreError> {
        let key = format!("{STANDING}{tenant}");
        let write = match state {
            Some(state) => records::put(key, &Standing { state, since: now.trunc_subsecs(3) })?,
            None => Write::remove(key),
        };
        self.records.commit(vec![write]).await.map(|_| ())
    }

    /// The components that failed, by the tenant.
    pub(crate) async fn unfit(&self) -> Result<BTreeMap<String, Unfit>, StoreError> {
        self.under(UNFIT).await
    }

    /// Remembers that a component failed for a tenant, or forgets that one did.
    pub(crate) async fn set_unfit(&self, tenant: &str, unfit: Option<&Unfit>) -> Result<(), StoreError> {
        let key = format!("{UNFIT}{tenant}");
        let write = match unfit {
            Some(unfit) => records::put(key, unfit)?,
            None => Write::remove(key),
        };
        self.records.commit(vec![write]).await.map(|_| ())
    }

    async fn under<T: DeserializeOwned>(&self, prefix: &str) -> Result<BTreeMap<String, T>, StoreError> {
        let entries = self.records.entries(prefix).await?;
        Ok(entries.iter().filter_map(|entry| Some((entry.key.strip_prefix(prefix)?.to_owned(), records::read(entry)?))).collect())
    }
}
