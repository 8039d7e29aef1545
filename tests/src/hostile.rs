//! Hostile components beside a well-behaved neighbour: the attacks, the arena they take place in, and the load on the neighbour.
//!
//! The suite asserts how each attack ends; the benchmark, what the neighbour notices of it. Both take the attacks from here.

mod attack;
mod load;
mod server;
mod spliced;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use shift_access::config::ConnectionConfig;
use shift_access::connection::Connections;
use shift_access::history::{RunDetail, Trigger};
use shift_access::limits::Limits;
use shift_access::mail::SmtpMailer;
use shift_access::plugin::Pack;
use shift_access::store::{SqliteStore, Store};
use shift_access::{Host, Order, Tenant};
use tempfile::TempDir;

use crate::inbox::Inbox;

pub use attack::{ATTACKS, Attack, Guest};
pub use load::Answered;
pub use server::{ENDLESS, NEVER, Server};
pub use spliced::spliced;

/// One host with a real store, a mail server, and two tenants: one good, one bad.
pub struct Arena {
    /// The host of both.
    pub host: Host,
    /// What it keeps.
    pub store: Arc<dyn Store>,
    /// The neighbour: it has the probe.
    pub good: Tenant,
    /// Who is called by the connection `main` of the bad one.
    pub server: Server,
    /// Who gets the mails.
    pub inbox: Inbox,
    _folder: TempDir,
}

/// How an attack ended, and what the neighbour noticed.
pub struct Beside<T> {
    /// What came of the attack.
    pub ended: T,
    /// The neighbour's answers before.
    pub quiet: Answered,
    /// And meanwhile.
    pub beside: Answered,
}

impl Arena {
    /// A host with its store in a folder of its own; compiled components are kept in a shared one.
    ///
    /// # Errors
    /// When a port cannot be bound, a file cannot be written, or the probe does not load.
    pub async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (server, inbox) = (Server::start().await?, Inbox::start().await?);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("arena.db"))?);
        let builder = Host::builder().store(store.clone()).cache(crate::cache());
        let host = builder.mailer(Arc::new(SmtpMailer::new(inbox.smtp())?)).build()?;
        let good = Tenant::new("good", Pack::from_bytes(host.engine(), crate::PROBE)?).await?;
        let arena = Self { host, store, good, server, inbox, _folder: folder };
        Ok(Self { good: arena.equipped(arena.good.clone())?, ..arena })
    }

    /// The bad tenant of an attack.
    ///
    /// # Errors
    /// When its component does not load.
    pub async fn bad(&self, attack: &Attack) -> Result<Tenant> {
        let pack = Pack::from_bytes(self.host.engine(), &attack.guest.bytes()?)?;
        // A component that never starts cannot describe itself: it is taken for the one that it was made of.
        let described = match attack.guest {
            Guest::Hostile => Tenant::new("bad", pack).await?,
            _ => Tenant { name: "bad".into(), pack, ..self.good.clone() },
        };
        let mut limits = (*self.equipped(described.clone())?.limits).clone();
        (attack.tighten)(&mut limits);
        Ok(Tenant { limits: Arc::new(limits), ..self.equipped(described)? })
    }

    /// The tenant with a connection to the server, and mail to one domain.
    fn equipped(&self, tenant: Tenant) -> Result<Tenant> {
        let config = ConnectionConfig { timeout: Duration::from_secs(1), ..ConnectionConfig::new("main", self.server.url()?) };
        let limits = Limits { mail_domains: Some(vec!["acme.example".to_owned()]), ..Limits::default() };
        Ok(Tenant { http: Arc::new(Connections::new([&config])?), limits: Arc::new(limits), ..tenant })
    }

    /// Runs one job of a tenant to its end.
    ///
    /// # Errors
    /// When the job is not described, or its run cannot be kept.
    pub async fn run(&self, tenant: &Tenant, job: &str, set: &[&str]) -> Result<RunDetail> {
        let set: Vec<_> = set.iter().map(|option| (*option).to_owned()).collect();
        let order = Order::new(tenant, job, Trigger::Manual)?.with(&set)?;
        Ok(self.host.run(tenant, order, Default::default(), Default::default()).await?)
    }

    /// Does something while the neighbour is asked without a pause. It was asked before, too.
    ///
    /// # Errors
    /// When the neighbour was not answered.
    pub async fn beside<T>(&self, attack: impl Future<Output = T>) -> Result<Beside<T>> {
        let quiet = load::Load::start(&self.host, &self.good).stop().await.context("before the attack")?;
        let load = load::Load::start(&self.host, &self.good);
        let ended = attack.await;
        let beside = load.stop().await.context("beside the attack")?;
        Ok(Beside { ended, quiet, beside })
    }
}
