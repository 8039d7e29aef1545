//! What becomes of a record that nobody renews, told by a clock of the test's own.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use shift_access::clock::Clock;
use shift_access::config::{ConnectionConfig, SettingValue};
use shift_access::connection::Connections;
use shift_access::description::PropertyValue;
use shift_access::history::{Status, Trigger};
use shift_access::plugin::Pack;
use shift_access::{Host, Order, Tenant};
use shift_access_tests::access::AccessSim;
use shift_access_tests::fault::Fault;
use shift_access_tests::ukg::UkgSim;
use shift_access_tests::world::{World, hours, minutes};

struct Hand(Mutex<DateTime<Utc>>);

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn an_old_record_is_stale_and_unreachable_once_ukg_was_not_reached() {
    let clock = Arc::new(Hand(Mutex::new(Utc::now())));
    let world = World::new(clock.now());
    world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
    let (ukg, access) = (UkgSim::start(world.clone()).await.unwrap(), AccessSim::start(world).await.unwrap());
    let (host, tenant) = company(&clock, &ukg, &access).await;

    assert_eq!(batch(&host, &tenant).await, Status::Complete);
    assert_eq!(reason(&host, &tenant).await, "clocked-in");
    *clock.0.lock().unwrap() += TimeDelta::minutes(66);
    assert_eq!(reason(&host, &tenant).await, "stale", "twice the interval and five minutes are over");
    ukg.faults().add(Fault::everywhere().status(500));
    assert_eq!(batch(&host, &tenant).await, Status::Error);
    assert_eq!(reason(&host, &tenant).await, "unreachable");
    ukg.faults().clear();
    assert_eq!(batch(&host, &tenant).await, Status::Complete);
    assert_eq!(reason(&host, &tenant).await, "clocked-in");
}

#[tokio::test]
async fn a_brake_that_holds_goes_on_holding_when_the_records_are_old() {
    let clock = Arc::new(Hand(Mutex::new(Utc::now())));
    let world = World::new(clock.now());
    let worker = world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
    let (ukg, access) = (UkgSim::start(world.clone()).await.unwrap(), AccessSim::start(world.clone()).await.unwrap());
    let (host, mut tenant) = company(&clock, &ukg, &access).await;
    tenant.set("brake-percent", PropertyValue::Number(10));
    assert_eq!(batch(&host, &tenant).await, Status::Complete);

    // UKG shows nonsense: everybody is out.
    let worker = worker.clocked_out(minutes(1));
    for _ in 0..3 {
        assert_eq!(batch(&host, &tenant).await, Status::Error, "held, however old the records are meanwhile");
        *clock.0.lock().unwrap() += TimeDelta::minutes(40);
        world.set_now(clock.now());
    }
    let released = Order::new(&tenant, "batch", Trigger::Manual).unwrap().with(&["release-brake=true".to_owned()]).unwrap();
    let ended = host.run(&tenant, released, Default::default(), Default::default()).await.unwrap();
    assert!(ended.run.status.is_good(), "{:?}", ended.run.failure);

    assert_eq!(reason(&host, &tenant).await, "clocked-out");
    drop(worker);
}

/// A host with this clock, and a tenant connected to these.
async fn company(clock: &Arc<Hand>, ukg: &UkgSim, access: &AccessSim) -> (Host, Tenant) {
    let cache = shift_access_tests::cache();
    let host = Host::builder().cache(cache).clock(clock.clone()).build().unwrap();
    let mut tenant = Tenant::new("acme", Pack::built_in(host.engine()).unwrap()).await.unwrap();
    tenant.set("user-groups", PropertyValue::Items(vec!["Store 12 Hourly".to_owned()]));
    let (k, d) = (ukg.credentials(), access.credentials());
    let kronos = connection(
        &tenant,
        0,
        &ukg.url(),
        &[("client-id", k.client_id), ("client-secret", k.client_secret), ("username", k.user_name), ("password", k.password)],
    );
    let directory =
        connection(&tenant, 1, &access.url(), &[("client-id", d.client_id.as_ref()), ("client-secret", d.client_secret.as_ref())]);
    tenant.http = Arc::new(Connections::new([&kronos, &directory]).unwrap());
    (host, tenant)
}

fn connection(tenant: &Tenant, at: usize, url: &str, settings: &[(&str, &str)]) -> ConnectionConfig {
    let mut config = ConnectionConfig::described(&tenant.description.connections[at], url.parse().unwrap());
    let secret = |text: &str| SettingValue::Secret(text.to_owned().into());
    config.settings.extend(settings.iter().map(|(name, text)| ((*name).to_owned(), secret(text))));
    config
}

async fn batch(host: &Host, tenant: &Tenant) -> Status {
    let order = Order::new(tenant, "batch", Trigger::Manual).unwrap();
    host.run(tenant, order, Default::default(), Default::default()).await.unwrap().run.status
}

async fn reason(host: &Host, tenant: &Tenant) -> String {
    let decisions = tenant.pack.decide(host.lend(tenant), vec![("adiaz".to_owned(), None)]).await.unwrap();
    decisions[0].reason.clone()
}
