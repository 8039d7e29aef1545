//! The host as a library: a platform lends storage, mailer, HTTP client and clock of its own, and says in code how much a
//! plugin may take and what it is granted. Two hosts in one process, and nothing of one shows in the other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shift_access::clock::Clock;
use shift_access::connection::{Field, HttpClient, HttpError, Request, Response};
use shift_access::description::PropertyValue;
use shift_access::grant::Grants;
use shift_access::history::{Filter, RunDetail, Status, StepOutcome, Trigger};
use shift_access::limits::Limits;
use shift_access::mail::{Mail, MailError, Mailer};
use shift_access::plugin::{CallError, Pack};
use shift_access::store::{
    Condition, Entry, Guard, MAX_COMMIT, MAX_KEY_BYTES, Order as Direction, Outcome, Page, Scan, Space, Store, StoreError, Write,
};
use shift_access::{Engine, Host, Order, Tenant};
use shift_access_tests::PROBE;

/// A platform: everything a host can be lent is its own.
struct Platform {
    host: Host,
    store: Arc<OwnStore>,
    mailer: Arc<OwnMailer>,
}

/// Values with their revisions, by the keys of every space.
type Values = BTreeMap<(Space, String), (Vec<u8>, u64)>;

/// Keys and values in one ordered map, and the last revision.
#[derive(Default)]
struct OwnStore {
    kept: Mutex<(Values, u64)>,
    locks: Arc<Mutex<BTreeSet<(String, String)>>>,
}

/// Keeps mails instead of sending them.
#[derive(Default)]
struct OwnMailer(Mutex<Vec<Mail>>);

/// Answers in code: a directory in which every group is unknown, which it says in words of its own.
struct OwnHttp {
    says: &'static str,
    asked: Mutex<Vec<String>>,
}

/// Stands still.
struct OwnClock(DateTime<Utc>);

struct Locked(Arc<Mutex<BTreeSet<(String, String)>>>, (String, String));

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.lock().unwrap().remove(&self.1);
    }
}

fn invalid<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Invalid(text.to_owned()))
}

#[async_trait]
impl Store for OwnStore {
    async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        let kept = self.kept.lock().unwrap();
        let found = |key: &String| kept.0.get(&(space.clone(), key.clone())).map(|(value, revision)| entry(key, value, *revision));
        Ok(keys.iter().map(found).collect())
    }

    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        if writes.len() > MAX_COMMIT || writes.iter().any(|write| write.key.is_empty() || write.key.len() > MAX_KEY_BYTES) {
            return invalid("too many writes, or a key that is too long");
        }
        let (map, counter) = &mut *self.kept.lock().unwrap();
        let place = |key: &str| (space.clone(), key.to_owned());
        let holds = |write: &&Write| {
            let there = map.get(&place(&write.key));
            match &write.condition {
                Condition::Any => true,
                Condition::Absent => there.is_none(),
                Condition::Revision(wanted) => there.is_some_and(|(_, revision)| revision.to_string() == *wanted),
            }
        };
        let lost: Vec<_> = writes.iter().filter(|write| !holds(write)).map(|write| write.key.clone()).collect();
        if !lost.is_empty() {
            return Ok(Outcome::Conflict(lost));
        }
        *counter += 1;
        for Write { key, value, .. } in writes {
            match value {
                Some(value) => map.insert(place(&key), (value, *counter)),
                None => map.remove(&place(&key)),
            };
        }
        Ok(Outcome::Committed)
    }

    async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
        let after = match scan.cursor.as_deref().map(|cursor| cursor.split_once('\n')) {
            None => None,
            Some(Some((prefix, key))) if prefix == scan.prefix => Some(key.to_owned()),
            Some(_) => return invalid("a cursor of another scan"),
        };
        let kept = self.kept.lock().unwrap();
        let within = kept.0.range((Bound::Included((space.clone(), scan.prefix.clone())), Bound::Unbounded));
        let within = within.take_while(|((of, key), _)| of == space && key.starts_with(&scan.prefix));
        let mut found: Vec<_> = within.map(|((_, key), (value, revision))| entry(key, value, *revision)).collect();
        if scan.order == Direction::Descending {
            found.reverse();
        }
        let past = |entry: &Entry| match (&after, scan.order) {
            (None, _) => true,
            (Some(after), Direction::Ascending) => entry.key > *after,
            (Some(after), Direction::Descending) => entry.key < *after,
        };
        found.retain(past);
        let limit = usize::try_from(scan.limit).unwrap();
        let more = found.len() > limit;
        found.truncate(limit);
        let cursor = found.last().filter(|_| more).map(|last| format!("{}\n{}", scan.prefix, last.key));
        Ok(Page { entries: found, cursor })
    }

    async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
        let lock = (tenant.to_owned(), name.to_owned());
        let free = self.locks.lock().unwrap().insert(lock.clone());
        Ok(free.then(|| Guard::new(Locked(self.locks.clone(), lock))))
    }
}

fn entry(key: &str, value: &[u8], revision: u64) -> Entry {
    Entry { key: key.to_owned(), value: value.to_vec(), revision: revision.to_string() }
}

impl OwnStore {
    /// All there is, as text.
    fn text(&self) -> String {
        let kept = self.kept.lock().unwrap();
        kept.0.iter().map(|((_, key), (value, _))| format!("{key} {}\n", String::from_utf8_lossy(value))).collect()
    }
}

#[async_trait]
impl Mailer for OwnMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }

    async fn reach(&self) -> Result<(), MailError> {
        Ok(())
    }
}

#[async_trait]
impl HttpClient for OwnHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.asked.lock().unwrap().push(format!("{} {}", request.connection, request.path));
        let body = format!("{{\"code\":\"refused\",\"message\":\"{}\"}}", self.says);
        let headers = vec![Field::new("content-type", "application/json")];
        Ok(Response { status: 400, headers, body: body.into() })
    }
}

impl Clock for OwnClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn engine() -> Engine {
    Engine::new(Some(shift_access_tests::cache())).unwrap()
}

impl Platform {
    fn new(engine: &Engine, clock: Arc<dyn Clock>) -> Self {
        let (store, mailer) = (Arc::new(OwnStore::default()), Arc::new(OwnMailer::default()));
        let host = Host::builder().engine(engine.clone()).store(store.clone()).mailer(mailer.clone()).clock(clock).build().unwrap();
        Self { host, store, mailer }
    }

    async fn run(&self, tenant: &Tenant, job: &str) -> RunDetail {
        let order = Order::new(tenant, job, Trigger::Schedule).unwrap();
        self.host.run(tenant, order, Default::default(), Default::default()).await.unwrap()
    }
}

#[tokio::test]
async fn two_hosts_with_storage_mailer_client_and_clock_of_their_own_show_nothing_of_each_other() {
    // Even the engine and the loaded pack are the same, and so is the name of the tenant.
    let engine = engine();
    let pack = Pack::built_in(&engine).unwrap();
    let platform = async |moment: &str, says: &'static str| {
        let now: DateTime<Utc> = moment.parse().unwrap();
        let platform = Platform::new(&engine, Arc::new(OwnClock(now)));
        let http = Arc::new(OwnHttp { says, asked: Mutex::default() });
        let mut tenant = Tenant::new("acme", pack.clone()).await.unwrap();
        tenant.set("user-groups", PropertyValue::Items(vec!["Store 12".to_owned()]));
        tenant.set("alert-email", PropertyValue::Text(format!("{says}@acme.example")));
        tenant.http = http.clone();
        (now, says, platform, http, tenant)
    };
    let both = [platform("2026-11-20T08:00:00Z", "windmill").await, platform("2031-02-03T04:05:06Z", "lighthouse").await];
    for (now, says, platform, http, tenant) in &both {
        let detail = platform.run(tenant, "batch").await;
        let failure = detail.run.failure.as_ref().unwrap();
        assert!(failure.message.contains(says), "the client's own answer is told: {failure:?}");
        assert_eq!((detail.run.started, detail.run.duration_ms), (*now, Some(0)), "the time is the platform's");
        assert!(!http.asked.lock().unwrap().is_empty());
        assert!(platform.host.send_alerts().await.unwrap());
    }
    for (at, (now, says, platform, _, tenant)) in both.iter().enumerate() {
        let (_, foreign, ..) = both[1 - at];
        let runs = platform.host.history().list("acme", &Filter::default(), None, 100).await.unwrap().items;
        assert_eq!(runs.iter().map(|run| (run.status, run.started)).collect::<Vec<_>>(), [(Status::Error, *now)]);
        let mails = platform.mailer.0.lock().unwrap().clone();
        assert_eq!(mails.iter().map(|mail| mail.to.clone()).collect::<Vec<_>>(), [[format!("{says}@acme.example")]]);
        let stored = platform.store.text();
        assert!(stored.contains(says) && !stored.contains(foreign), "{stored}");
        let decisions = tenant.pack.decide(platform.host.lend(tenant), vec![("adiaz".to_owned(), None)]).await.unwrap();
        assert_eq!(decisions[0].reason, "no-record");
    }
}

#[tokio::test]
async fn a_platforms_own_storage_keeps_the_promises_of_the_contract() {
    let platform = Platform::new(&engine(), Arc::new(OwnClock(Utc::now())));
    let tenant = Tenant::new("probe", Pack::from_bytes(platform.host.engine(), PROBE).unwrap()).await.unwrap();
    let detail = platform.run(&tenant, "storage").await;
    assert_eq!(detail.run.status, Status::Complete, "{:?}", detail.run.failure);
    let broken: Vec<_> = detail.story.steps.iter().filter(|step| step.outcome != StepOutcome::Passed).collect();
    assert!(!detail.story.steps.is_empty() && broken.is_empty(), "{broken:#?}");
}

#[tokio::test]
async fn an_instance_of_one_host_never_answers_for_a_tenant_of_the_same_name_of_another() {
    let (engine, clock) = (engine(), Arc::new(OwnClock(Utc::now())));
    let pack = Pack::from_bytes(&engine, PROBE).unwrap();
    let tenant = Tenant::new("acme", pack).await.unwrap();
    let hosts = [0, 1].map(|_| Platform::new(&engine, clock.clone()).host);
    let ask = async |host: &Host| {
        let decisions = tenant.pack.decide(host.lend(&tenant), vec![("adiaz".to_owned(), None)]).await.unwrap();
        decisions[0].reason.clone()
    };
    assert_eq!([ask(&hosts[0]).await, ask(&hosts[0]).await], ["call 1", "call 2"]);
    assert_eq!(ask(&hosts[1]).await, "call 1", "what the first host's tenant left in memory is not met");
}

#[tokio::test]
async fn limits_and_grants_in_code_hold() {
    let platform = Platform::new(&engine(), Arc::new(OwnClock(Utc::now())));
    let mut tenant = Tenant::new("probe", Pack::from_bytes(platform.host.engine(), PROBE).unwrap()).await.unwrap();
    let mut limits = Limits::default();
    limits.jobs.notes = 2;
    limits.jobs.memory_mib = 16;
    tenant.limits = Arc::new(limits);
    assert_eq!(platform.run(&tenant, "journal").await.story.notes.len(), 2);
    let failure = platform.run(&tenant, "memory").await.run.failure.unwrap();
    assert!(failure.code == "PROBE-52" && failure.message.contains("16 MiB"), "{failure:?}");

    let ask = async |tenant: &Tenant| tenant.pack.decide(platform.host.lend(tenant), vec![("adiaz".to_owned(), None)]).await;
    assert!(ask(&tenant).await.is_ok());
    tenant.grants = Arc::new(Grants::none().with("storage").unwrap().with("journal").unwrap());
    let failure = platform.run(&tenant, "journal").await.run.failure.unwrap();
    let named = |text: &str| text.contains("plugin/http@") && text.contains("plugin/email@") && !text.contains("plugin/storage@");
    assert!(failure.code == "PROBE-50" && named(&failure.message), "{failure:?}");
    assert!(
        matches!(ask(&tenant).await, Err(CallError::Ungranted(ungranted)) if named(&ungranted.to_string())),
        "also where an instance waits"
    );
}

/// A platform that embeds the host meets its own types and the standard ones: what a component runs on may change.
#[test]
fn no_type_of_the_engine_is_in_what_is_public() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let (mut left, mut looked) = (vec![sources], 0);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // As far as the body of each: `pub fn`, `pub struct`, `pub use` and so on, and not what is public in the crate alone.
        for item in text.split("\npub ").skip(1).chain(text.split("\n    pub ").skip(1)) {
            let signature = item.split(['{', ';']).next().unwrap();
            assert!(!signature.contains("wasmtime"), "{}: pub {signature}", path.display());
            looked += 1;
        }
    }
    assert!(looked > 500, "{looked}");
}
