//! The probe guest, from inside the sandbox, against the real capabilities: one line a promise.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use shift_access::config::{ConnectionConfig, SettingValue};
use shift_access::connection::Connections;
use shift_access::description::PropertyValue;
use shift_access::history::{Status, StepOutcome, Trigger};
use shift_access::limits::Limits;
use shift_access::mail::SmtpMailer;
use shift_access::plugin::Pack;
use shift_access::store::{MemoryStore, SqliteStore, Store};
use shift_access::{Host, Order, Tenant};
use shift_access_tests::PROBE;
use shift_access_tests::conformance;
use shift_access_tests::inbox::Inbox;
use shift_access_tests::ukg::UkgSim;
use shift_access_tests::world::World;

pub(crate) async fn host(store: Arc<dyn Store>, inbox: Option<&Inbox>) -> Host {
    let mut builder = Host::builder().store(store).cache(shift_access_tests::cache());
    if let Some(inbox) = inbox {
        builder = builder.mailer(Arc::new(SmtpMailer::new(inbox.smtp()).unwrap()));
    }
    builder.build().unwrap()
}

/// Runs one job of the probe; every promise must be kept.
async fn kept(host: &Host, tenant: &Tenant, job: &str) {
    let order = Order::new(tenant, job, Trigger::Manual).unwrap();
    let detail = host.run(tenant, order, Default::default(), Default::default()).await.unwrap();
    assert!(matches!(detail.run.status, Status::Complete | Status::CompleteWarn), "{:?}", detail.run.failure);
    assert!(!detail.story.steps.is_empty());
    let broken: Vec<_> = detail.story.steps.iter().filter(|step| step.outcome != StepOutcome::Passed).collect();
    assert!(broken.is_empty(), "broken promises of {job}: {broken:#?}");
}

#[tokio::test]
async fn storage_in_sqlite_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(Arc::new(SqliteStore::open(folder.path().join("probe.db")).unwrap()), None).await;
    let tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    kept(&host, &tenant, "storage").await;
}

#[tokio::test]
async fn storage_in_memory_keeps_its_promises() {
    let host = host(Arc::new(MemoryStore::default()), None).await;
    let tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    kept(&host, &tenant, "storage").await;
}

#[tokio::test]
async fn email_keeps_its_promises_and_sends_each_message_once() {
    let inbox = Inbox::start().await.unwrap();
    let host = host(Arc::new(MemoryStore::default()), Some(&inbox)).await;
    let mut tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    tenant.limits = Arc::new(Limits { mail_domains: Some(vec!["acme.example".to_owned()]), ..Limits::default() });
    kept(&host, &tenant, "email").await;
    let mut subjects: Vec<_> = inbox.mails().iter().map(|mail| mail.subject()).collect();
    subjects.sort();
    assert_eq!(subjects, ["Probe: one", "Probe: two"]);
    assert!(inbox.mails()[0].text().contains("\n.\n") || inbox.mails()[0].text().contains("\r\n.\r\n"), "{:?}", inbox.mails()[0].text());
}

#[tokio::test]
async fn http_keeps_its_promises() {
    let ukg = UkgSim::start(World::demo(chrono::Utc::now())).await.unwrap();
    conformance::faults(&ukg, "http://127.0.0.2:1");
    let host = host(Arc::new(MemoryStore::default()), None).await;
    let mut tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    tenant.http = Arc::new(connections(&ukg, &tenant).unwrap());
    kept(&host, &tenant, "http").await;
}

/// The connections of the probe, to a simulator.
pub(crate) fn connections(ukg: &UkgSim, tenant: &Tenant) -> Result<Connections> {
    let credentials = ukg.credentials();
    let configs = tenant.description.connections.iter().map(|described| {
        let password = if described.name == "refused" { "wrong" } else { credentials.password };
        let mut config = ConnectionConfig::new(&described.name, ukg.url().parse()?);
        config.scheme = described.schemes.first().cloned();
        config.timeout = Duration::from_secs(20);
        for (name, value) in [
            ("client-id", credentials.client_id),
            ("client-secret", credentials.client_secret),
            ("username", credentials.user_name),
            ("password", password),
        ] {
            config.settings.insert(name.to_owned(), SettingValue::Secret(value.to_owned().into()));
        }
        Ok(config)
    });
    let configs = configs.collect::<Result<Vec<_>>>()?;
    Ok(Connections::new(&configs)?)
}

#[tokio::test]
async fn properties_and_journal_keep_their_promises() {
    let host = host(Arc::new(MemoryStore::default()), None).await;
    let mut tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    // As the configuration would read them.
    let text = PropertyValue::Text("a, b".to_owned());
    let items = PropertyValue::Items(vec!["Store 12, Hourly".to_owned(), "Store 14".to_owned()]);
    let table = PropertyValue::Table(vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    tenant.set("text", text);
    tenant.set("switch", PropertyValue::Switch(true));
    tenant.set("items", items);
    tenant.set("table", table);
    kept(&host, &tenant, "properties").await;
    kept(&host, &tenant, "journal").await;
}

#[tokio::test]
async fn the_kit_for_other_platforms_finds_every_promise_kept() {
    let kit = tokio::process::Command::new(env!("CARGO_BIN_EXE_conformance")).arg("--reference").kill_on_drop(true).output();
    let ended = tokio::time::timeout(Duration::from_secs(120), kit).await.unwrap().unwrap();
    let lines = String::from_utf8(ended.stdout).unwrap();
    let broken: Vec<_> = lines.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(broken.is_empty() && ended.status.success(), "{broken:#?} {}", String::from_utf8_lossy(&ended.stderr));
    for promise in [
        "ok http: no secret of a connection and no token is in what a plugin can see",
        "ok storage: one tenant's keys are out of reach of another",
    ] {
        assert!(lines.lines().any(|line| line == promise), "{promise} is not among:\n{lines}");
    }
}
