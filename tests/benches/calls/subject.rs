//! A host with the pack and the probe, ready to be called.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use shift_access::answer::Verdict;
use shift_access::config::{ConnectionConfig, SettingValue};
use shift_access::connection::Connections;
use shift_access::description::PropertyValue;
use shift_access::history::{Status, Trigger};
use shift_access::plugin::Pack;
use shift_access::store::{MemoryStore, Space, Store, Write};
use shift_access::{Host, Order, Tenant};
use shift_access_tests::PROBE;
use shift_access_tests::access::AccessSim;
use shift_access_tests::ukg::UkgSim;
use shift_access_tests::world::{World, hours};

const USER: &str = "adiaz";
const BODY: &[u8] = br#"{"specversion":"1.0","id":"e1","source":"bench","type":"punch","data":{"do":"done"}}"#;
const CALL: Duration = Duration::from_secs(10);

pub(crate) struct Subject {
    host: Host,
    store: Arc<MemoryStore>,
    pack: Tenant,
    probe: Tenant,
}

impl Subject {
    /// With a record of one worker who is at work.
    pub(crate) async fn new() -> Result<Self> {
        let store = Arc::new(MemoryStore::default());
        let host = Host::builder().cache(shift_access_tests::cache()).store(store.clone()).build()?;
        let world = World::new(chrono::Utc::now());
        world.person(USER).in_group("Store 12 Hourly").clocked_in(hours(3));
        let (ukg, access) = (UkgSim::start(world.clone()).await?, AccessSim::start(world).await?);
        let mut pack = Tenant::new("acme", Pack::built_in(host.engine())?).await?;
        pack.set("user-groups", PropertyValue::Items(vec!["Store 12 Hourly".to_owned()]));
        pack.http = Arc::new(connections(&pack, &ukg, &access)?);
        let order = Order::new(&pack, "batch", Trigger::Manual)?;
        let ended = host.run(&pack, order, Default::default(), Default::default()).await?;
        ensure!(ended.run.status == Status::Complete, "the batch failed: {:?}", ended.run.failure);
        let probe = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE)?).await?;
        Ok(Self { host, store, pack, probe })
    }

    /// A call that does nothing, in an instance that is made for it.
    pub(crate) async fn fresh(&self) -> Result<()> {
        let counts = self.probe.pack.counts(self.host.lend(&self.probe)).await?;
        ensure!(counts.is_empty(), "the probe counts something");
        Ok(())
    }

    /// The same in one that waited.
    pub(crate) async fn warm(&self) -> Result<()> {
        let decisions = self.probe.pack.decide(self.host.lend(&self.probe), Vec::new()).await?;
        ensure!(decisions.is_empty(), "the probe decides something");
        Ok(())
    }

    pub(crate) async fn decide(&self) -> Result<()> {
        let decisions = self.pack.pack.decide(self.host.lend(&self.pack), vec![(USER.to_owned(), None)]).await?;
        ensure!(decisions.first().is_some_and(|decided| decided.decision == Verdict::Allow), "a worker at work is refused");
        Ok(())
    }

    /// An event for which the probe reads a key and writes it.
    pub(crate) async fn event(&self, number: usize) -> Result<()> {
        let id = format!("e{number}");
        let answers = self.probe.pack.handle(self.host.lend(&self.probe), CALL, "run", [(&*id, BODY)]).await?;
        ensure!(answers.len() == 1, "the event was not answered");
        Ok(())
    }

    /// The same read and write without a component.
    pub(crate) async fn event_natively(&self, number: usize) -> Result<()> {
        let (space, key) = (Space::plugin("natively"), format!("handled/e{number}"));
        let found = self.store.get(&space, std::slice::from_ref(&key)).await?;
        ensure!(found.first().is_some_and(Option::is_none), "the event came before");
        self.store.commit(&space, vec![Write::put(key, "1")]).await?;
        Ok(())
    }
}

fn connections(tenant: &Tenant, ukg: &UkgSim, access: &AccessSim) -> Result<Connections> {
    let [kronos, directory] = &*tenant.description.connections else { anyhow::bail!("the pack has other connections") };
    let (of_ukg, of_access) = (ukg.credentials(), access.credentials());
    let secret = |text: &str| SettingValue::Secret(text.to_owned().into());
    let with = |mut config: ConnectionConfig, settings: &[(&str, &str)]| {
        config.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), secret(value))));
        config
    };
    let kronos = with(
        ConnectionConfig::described(kronos, ukg.url().parse()?),
        &[
            ("client-id", of_ukg.client_id),
            ("client-secret", of_ukg.client_secret),
            ("username", of_ukg.user_name),
            ("password", of_ukg.password),
        ],
    );
    let directory = with(
        ConnectionConfig::described(directory, access.url().parse()?),
        &[("client-id", &of_access.client_id), ("client-secret", &of_access.client_secret)],
    );
    Ok(Connections::new([&kronos, &directory])?)
}
