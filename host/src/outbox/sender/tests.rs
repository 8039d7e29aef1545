use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::*;
use crate::alert::Alerts;
use crate::clock::Clock;
use crate::history::{Ending, Failure, History, NewRun, Run, Status, Trigger, Witness};
use crate::mail::{Mail, Mailer};
use crate::store::{Guard, MemoryStore, Page, Store};

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A clock that stands until it is put forward.
struct Hand(Mutex<DateTime<Utc>>);

impl Hand {
    fn forward(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// A mail server that takes what it is not told to refuse, and counts its tries.
#[derive(Default)]
struct Server {
    taken: Mutex<Vec<Mail>>,
    tries: AtomicUsize,
    /// What it answers to an address, or to `*`.
    refuses: Mutex<BTreeMap<&'static str, MailError>>,
}

impl Server {
    fn taken(&self) -> Vec<Mail> {
        self.taken.lock().unwrap().clone()
    }

    fn tries(&self) -> usize {
        self.tries.swap(0, Ordering::SeqCst)
    }

    fn answers(&self, to: &'static str, error: Option<MailError>) {
        let mut refuses = self.refuses.lock().unwrap();
        match error {
            Some(error) => refuses.insert(to, error),
            None => refuses.remove(to),
        };
    }
}

#[async_trait]
impl Mailer for Server {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let refuses = self.refuses.lock().unwrap();
        match refuses.get("*").or_else(|| refuses.get(mail.to[0].as_str())) {
            Some(error) => Err(error.clone()),
            None => {
                self.taken.lock().unwrap().push(mail.clone());
                Ok(())
            }
        }
    }

    async fn reach(&self) -> Result<(), MailError> {
        Ok(())
    }
}

/// A store whose process dies after so many commits: from then on nothing is read or written any more. The last commit
/// itself may be on the disk or not.
struct Mortal {
    kept: MemoryStore,
    commits: AtomicUsize,
    last_is_kept: bool,
}

impl Mortal {
    fn alive(&self) -> Result<(), StoreError> {
        match self.commits.load(Ordering::SeqCst) {
            0 => Err(StoreError::Unavailable("killed".into())),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Store for Mortal {
    async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.alive()?;
        self.kept.get(space, keys).await
    }

    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        self.alive()?;
        let last = self.commits.fetch_sub(1, Ordering::SeqCst) == 1;
        let outcome = if last && !self.last_is_kept { None } else { Some(self.kept.commit(space, writes).await?) };
        outcome.filter(|_| !last).ok_or_else(|| StoreError::Unavailable("killed".into()))
    }

    async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
        self.alive()?;
        self.kept.scan(space, scan).await
    }

    async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
        self.alive()?;
        self.kept.try_lock(tenant, name).await
    }
}

/// What a process has: a store, a mail server and a clock.
struct Bench {
    store: Arc<dyn Store>,
    clock: Arc<Hand>,
    server: Arc<Server>,
    outbox: Outbox,
    history: History,
}

struct Telling<'a>(Alerts<'a>);

#[async_trait]
impl Witness for Telling<'_> {
    async fn saw(&self, run: &Run) -> Result<Vec<Write>, StoreError> {
        Ok(self.0.of_run(run).await?.writes)
    }
}

impl Bench {
    fn new(store: Arc<dyn Store>, clock: Arc<Hand>, server: Arc<Server>) -> Self {
        let post = Arc::new(Postbox::new(Arc::clone(&server) as Arc<dyn Mailer>, Arc::clone(&store)));
        let outbox = Outbox::new(Arc::clone(&store), Some(post), Arc::clone(&clock) as Arc<dyn Clock>);
        let history = History::new(Arc::clone(&store));
        Self { store, clock, server, outbox, history }
    }

    fn fresh() -> Self {
        Self::new(Arc::new(MemoryStore::new()), Arc::new(Hand(Mutex::new(noon()))), Arc::default())
    }

    /// A run of a tenant that ends with this code, or well.
    async fn run(&self, tenant: &str, code: Option<&str>, to: &str) -> Result<String, StoreError> {
        let now = self.clock.now();
        let telling = Telling(Alerts::new(&self.outbox, Some(to), now));
        let new = NewRun { tenant: tenant.into(), job: "batch".into(), process: "[A] Batch [B]".into(), trigger: Trigger::Schedule };
        let open = self.history.start_before(&telling, new, now).await?;
        let failure = |code: &str| Failure { code: code.into(), title: "t".into(), message: "m".into(), remedy: "r".into() };
        let ending = match code {
            Some(code) => Ending { failure: Some(failure(code)), ..Ending::new(Status::Error) },
            None => Ending::new(Status::Complete),
        };
        let detail = self.history.finish_before(&telling, open, ending, now).await?;
        self.outbox.wake(tenant);
        Ok(detail.run.run)
    }

    fn sender(&self) -> Sender<'_> {
        Sender::new(&self.outbox, self.outbox.post.as_ref().unwrap())
    }

    /// Looks and sends, and puts the clock forward, for so many minutes.
    async fn pass(&self, sender: &mut Sender<'_>, minutes: i64) -> Result<(), StoreError> {
        for _ in 0..=minutes * 4 {
            sender.look().await?;
            sender.send(&Life::default()).await?;
            self.clock.forward(TimeDelta::seconds(15));
        }
        Ok(())
    }

    async fn keys(&self, space: &Space, prefix: &str) -> usize {
        self.store.scan(space, &Scan::new(prefix, 100)).await.unwrap().entries.len()
    }
}

const OPS: &str = "ops@acme.example";

fn away() -> Option<MailError> {
    Some(MailError::Unreachable("away".into()))
}

#[tokio::test]
async fn a_server_that_is_away_for_an_hour_loses_nothing_and_is_not_stormed() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    bench.server.answers("*", away());
    for number in 0..40 {
        bench.run(&format!("tenant-{number}"), Some("A"), &format!("ops@tenant-{number}.example")).await.unwrap();
    }
    bench.pass(&mut sender, 60).await.unwrap();
    let tries = bench.server.tries();
    assert!((12..80).contains(&tries), "{tries} tries of 40 mails in an hour");
    assert_eq!(bench.outbox.numbers().waiting.load(Ordering::Relaxed), 40);
    assert!(bench.outbox.numbers().oldest_age_seconds(bench.clock.now()).unwrap() >= 3_600);
    bench.server.answers("*", None);
    bench.pass(&mut sender, 6).await.unwrap();
    let to: BTreeSet<String> = bench.server.taken().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!((to.len(), bench.server.taken().len()), (40, 40));
    assert_eq!(bench.outbox.numbers().waiting.load(Ordering::Relaxed), 0);
    assert_eq!(bench.outbox.numbers().oldest_age_seconds(bench.clock.now()), None);
    assert_eq!(bench.keys(&records::space(), "").await, 0, "nothing is kept of what is out");
}

#[tokio::test]
async fn an_address_that_asks_to_come_back_keeps_nobody_else_waiting() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    bench.server.answers("grey@acme.example", away());
    bench.run("a", Some("A"), "grey@acme.example").await.unwrap();
    bench.pass(&mut sender, 10).await.unwrap();
    bench.run("b", Some("A"), OPS).await.unwrap();
    sender.look().await.unwrap();
    sender.send(&Life::default()).await.unwrap();
    assert_eq!(bench.server.taken().len(), 1);
    bench.server.answers("grey@acme.example", None);
    bench.pass(&mut sender, 5).await.unwrap();
    assert_eq!(bench.server.taken().len(), 2);
}

#[tokio::test]
async fn what_is_refused_is_tried_every_hour_and_given_up_after_three_days() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    let refused = || Some(MailError::Refused("550 no such user".into()));
    bench.server.answers("wrong@acme.example", refused());
    bench.server.answers("mended@acme.example", refused());
    bench.run("a", Some("A"), "wrong@acme.example").await.unwrap();
    bench.run("b", Some("A"), "mended@acme.example").await.unwrap();
    bench.pass(&mut sender, 24 * 60).await.unwrap();
    let tries = bench.server.tries();
    assert!((48..=50).contains(&tries), "{tries}");
    bench.server.answers("mended@acme.example", None);
    // Another process takes over, and knows since when.
    let mut other = bench.sender();
    bench.pass(&mut other, 49 * 60).await.unwrap();
    assert_eq!(bench.server.taken().len(), 1);
    assert_eq!(bench.outbox.numbers().dropped.load(Ordering::Relaxed), 1);
    bench.server.tries();
    bench.pass(&mut other, 3 * 60).await.unwrap();
    assert_eq!(bench.server.tries(), 0);
}

#[tokio::test]
async fn a_login_that_is_refused_for_a_week_loses_nothing() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    bench.server.answers("*", Some(MailError::NotLetIn("535".into())));
    bench.run("a", Some("A"), OPS).await.unwrap();
    bench.pass(&mut sender, 7 * 24 * 60).await.unwrap();
    bench.server.answers("*", None);
    bench.pass(&mut sender, 6).await.unwrap();
    assert_eq!(bench.server.taken().len(), 1);
}

#[tokio::test]
async fn thirty_tenants_that_fail_at_once_are_told_of_in_four_mails_and_their_good_news_too() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    for (code, words) in [(Some("A"), "Shift Access: 27 tenants have failing jobs"), (None, "Shift Access: 27 tenants work again")] {
        for number in 0..30 {
            bench.run(&format!("tenant-{number:02}"), code, OPS).await.unwrap();
        }
        bench.pass(&mut sender, 3).await.unwrap();
        let mails = std::mem::take(&mut *bench.server.taken.lock().unwrap());
        assert_eq!(mails.len(), 4, "{:?}", mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
        assert_eq!(mails[3].subject, words);
        for number in 0..30 {
            let named = mails.iter().filter(|mail| mail.text.contains(&format!("for tenant-{number:02}"))).count();
            let shown = mails.iter().filter(|mail| mail.html.as_ref().unwrap().contains(&format!("for tenant-{number:02}"))).count();
            assert_eq!((named, shown), (1, 1), "tenant-{number:02}");
        }
    }
}

#[tokio::test]
async fn what_the_server_may_have_taken_goes_out_under_its_own_name() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    for number in 0..9 {
        if number == 2 {
            sender.look().await.unwrap();
            sender.send(&Life::default()).await.unwrap();
            bench.server.answers("*", away());
        }
        bench.run(&format!("tenant-{number}"), Some("A"), OPS).await.unwrap();
    }
    // The third is tried, and the minute passes.
    bench.pass(&mut sender, 2).await.unwrap();
    bench.server.answers("*", None);
    bench.pass(&mut sender, 8).await.unwrap();
    let mails = bench.server.taken();
    assert!(mails[2].subject.contains("failed for tenant-2"), "{}", mails[2].subject);
    for number in 0..9 {
        assert_eq!(mails.iter().filter(|mail| mail.text.contains(&format!("for tenant-{number}:"))).count(), 1);
    }
    assert!(mails.len() <= 6, "{}", mails.len());
}

#[tokio::test]
async fn mails_of_another_process_are_found_and_a_tenant_without_any_is_no_longer_looked_at() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (clock, server) = (Arc::new(Hand(Mutex::new(noon()))), Arc::<Server>::default());
    let sends = Bench::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&server));
    let writes = Bench::new(store, clock, server);
    let mut sender = sends.sender();
    for round in 1..=3 {
        sends.pass(&mut sender, 3).await.unwrap();
        assert_eq!(sends.keys(&records::space(), "").await, 0, "round {round}");
        writes.run("acme", Some(&format!("code-{round}")), OPS).await.unwrap();
        sender.look().await.unwrap();
        sender.send(&Life::default()).await.unwrap();
        assert_eq!(sends.server.taken().len(), round);
    }
}

#[tokio::test]
async fn a_tenant_is_not_forgotten_while_somebody_writes() {
    let bench = Bench::fresh();
    let mut sender = bench.sender();
    let space = Space::host("acme");
    // Who writes has marked the tenant, and is not through.
    let alerts = Alerts::new(&bench.outbox, Some(OPS), noon());
    let new = NewRun { tenant: "acme".into(), job: "batch".into(), process: "p".into(), trigger: Trigger::Schedule };
    let open = bench.history.start(new, noon()).await.unwrap();
    let run = Run { status: Status::Error, ..open.run.clone() };
    let told = alerts.of_run(&run).await.unwrap();
    bench.pass(&mut sender, 5).await.unwrap();
    assert_eq!(bench.keys(&records::space(), MARKED).await, 0, "nobody waits for ever");
    assert!(matches!(bench.store.commit(&space, told.writes).await.unwrap(), Outcome::Conflict(_)), "the mark is gone");
    let told = alerts.of_run(&run).await.unwrap();
    assert_eq!(bench.store.commit(&space, told.writes).await.unwrap(), Outcome::Committed);
    bench.pass(&mut sender, 1).await.unwrap();
    assert_eq!(bench.server.taken().len(), 1);
}

#[tokio::test]
async fn killed_anywhere_every_occasion_is_mailed_once() {
    for last_is_kept in [false, true] {
        let mut lived = 0;
        // Until the process lives to see the end.
        for commits in 1.. {
            lived = commits;
            if killed_after(commits, last_is_kept).await {
                break;
            }
        }
        assert!(lived > 40, "{lived} commits are all there is to be killed at");
    }
}

/// Seven tenants fail, and all is sent; the process is killed after so many commits, and another goes on.
async fn killed_after(commits: usize, last_is_kept: bool) -> bool {
    let kept = MemoryStore::new();
    let (clock, server) = (Arc::new(Hand(Mutex::new(noon()))), Arc::<Server>::default());
    let mortal = Arc::new(Mortal { kept: kept.clone(), commits: AtomicUsize::new(commits), last_is_kept });
    let first = Bench::new(mortal.clone(), Arc::clone(&clock), Arc::clone(&server));
    let tenants: Vec<String> = (0..7).map(|number| format!("tenant-{number}")).collect();
    let mut sender = first.sender();
    for tenant in &tenants {
        let _ = first.run(tenant, Some("A"), OPS).await;
    }
    let _ = first.pass(&mut sender, 3).await;
    let lived = mortal.alive().is_ok();
    drop(sender);
    drop(first);

    let second = Bench::new(Arc::new(kept), Arc::clone(&clock), Arc::clone(&server));
    let mut sender = second.sender();
    // Runs that died with the process are told of when the next begins, and those that never began fail now.
    for tenant in &tenants {
        second.run(tenant, Some("A"), OPS).await.unwrap();
    }
    second.pass(&mut sender, 5).await.unwrap();
    let mut mails: BTreeMap<String, Mail> = BTreeMap::new();
    let mut copies = 0;
    for mail in server.taken() {
        copies += usize::from(mails.insert(mail.key.clone(), mail).is_some());
    }
    assert!(copies <= 1, "{commits}: only the mail on its way goes out twice, and under one name");
    for tenant in &tenants {
        let failed = mails.values().map(|mail| mail.text.matches(&format!("failed for {tenant}: t\n")).count()).sum::<usize>();
        assert_eq!(failed, 1, "{commits} {tenant}");
    }
    assert_eq!(second.keys(&records::space(), "outbox-group").await, 0);
    lived
}
