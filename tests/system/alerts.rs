//! Alerts that wait: through outages, kills and storms, over a real mail server and a real store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use shift_access::description::PropertyValue;
use shift_access::history::{Filter, Status, Trigger};
use shift_access::mail::SmtpMailer;
use shift_access::plugin::Pack;
use shift_access::scheduler::Life;
use shift_access::store::{Space, SqliteStore, Store, Write};
use shift_access::{Host, Order, Tenant};
use shift_access_tests::fault::Fault;
use shift_access_tests::inbox::{Inbox, InboxFault, Mail};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;
use crate::schedules::Hand;

/// A host with a store in a file, a clock that stands, and an inbox.
struct Bench {
    host: Host,
    pack: Pack,
    store: Arc<SqliteStore>,
    clock: Arc<Hand>,
    inbox: Inbox,
    life: Life,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (folder, inbox, clock) = (tempfile::tempdir().unwrap(), Inbox::start().await.unwrap(), Hand::at("2026-11-16T12:00:00Z"));
        let store = Arc::new(SqliteStore::open(folder.path().join("host.db")).unwrap());
        let host = host(store.clone(), clock.clone(), &inbox);
        let pack = Pack::built_in(host.engine()).unwrap();
        Self { host, pack, store, clock, inbox, life: Life::default(), _folder: folder }
    }

    /// A tenant without connections: whatever it runs fails.
    async fn tenant(&self, name: &str, to: &str) -> Tenant {
        let mut tenant = Tenant::new(name, self.pack.clone()).await.unwrap();
        tenant.set("alert-email", PropertyValue::Text(to.to_owned()));
        tenant
    }

    async fn fail(&self, tenant: &Tenant) {
        let order = Order::new(tenant, "batch", Trigger::Schedule).unwrap();
        let ended = self.host.run(tenant, order, Default::default(), Default::default()).await.unwrap();
        assert_eq!(ended.run.status, Status::Error);
    }

    fn keep_outbox(&self) -> tokio::task::JoinHandle<()> {
        let (host, life) = (self.host.clone(), self.life.clone());
        tokio::spawn(async move { host.keep_outbox(&life).await })
    }

    /// Puts the clock forward minute by minute, and lets everybody come to their next wait.
    async fn pass(&self, minutes: u32) {
        for _ in 0..minutes {
            self.clock.forward(TimeDelta::minutes(1));
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

fn host(store: Arc<SqliteStore>, clock: Arc<Hand>, inbox: &Inbox) -> Host {
    let mailer = SmtpMailer::new(inbox.smtp());
    let cache = shift_access_tests::cache();
    Host::builder().cache(cache).clock(clock).store(store).mailer(Arc::new(mailer.unwrap())).build().unwrap()
}

fn message_id(mail: &Mail) -> String {
    mail.raw.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).unwrap().to_owned()
}

#[tokio::test]
async fn an_hour_without_the_mail_server_loses_nothing() {
    let bench = Bench::new().await;
    let kept = bench.keep_outbox();
    bench.inbox.set_fault(Some(InboxFault::Refuse));
    for number in 0..5 {
        bench.fail(&bench.tenant(&format!("tenant-{number}"), &format!("ops@tenant-{number}.example")).await).await;
    }
    bench.pass(60).await;
    assert!(bench.inbox.mails().is_empty());
    let numbers = bench.host.outbox_numbers();
    assert_eq!(numbers.waiting.load(Ordering::Relaxed), 5);
    assert!(numbers.failed.load(Ordering::Relaxed) > 5, "it was tried again and again");
    bench.inbox.set_fault(None);
    bench.pass(7).await;
    let mut to: Vec<_> = bench.inbox.wait_for(5).await.unwrap().into_iter().flat_map(|mail| mail.to).collect();
    to.sort_unstable();
    assert_eq!(to, (0..5).map(|number| format!("ops@tenant-{number}.example")).collect::<Vec<_>>());
    bench.life.stop.cancel();
    kept.await.unwrap();
    assert_eq!(numbers.sent.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn thirty_tenants_that_fail_at_once_make_four_mails_that_name_them_all() {
    let bench = Bench::new().await;
    let kept = bench.keep_outbox();
    for number in 0..30 {
        bench.fail(&bench.tenant(&format!("tenant-{number:02}"), "ops@acme.example").await).await;
    }
    bench.inbox.wait_for(3).await.unwrap();
    bench.pass(1).await;
    let mails = bench.inbox.wait_for(4).await.unwrap();
    assert_eq!(mails[3].subject(), "Shift Access: 27 tenants have failing jobs");
    let all: String = mails.iter().map(Mail::text).collect();
    for number in 0..30 {
        let history = format!("history tenant-{number:02} ");
        assert_eq!(all.matches(&history).count(), 1, "{history}");
    }
    for wanted in ["Code:", "What happened:", "What to do:", "Failing since:", "2026-11-16T12:00:00Z"] {
        assert!(mails[3].text().contains(wanted), "{wanted} in {}", mails[3].text());
    }
    bench.pass(3).await;
    assert_eq!(bench.inbox.mails().len(), 4);
    bench.life.stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn a_server_that_answers_late_gets_one_mail_and_one_that_dies_gets_the_same_again() {
    let bench = Bench::new().await;
    let kept = bench.keep_outbox();
    bench.inbox.set_fault(Some(InboxFault::Late(Duration::from_secs(2))));
    bench.fail(&bench.tenant("late", "ops@late.example").await).await;
    bench.inbox.wait_for(1).await.unwrap();
    bench.pass(10).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(bench.inbox.mails().len(), 1);

    bench.inbox.clear();
    bench.inbox.set_fault(Some(InboxFault::Unanswered));
    bench.fail(&bench.tenant("dies", "ops@dies.example").await).await;
    bench.inbox.wait_for(1).await.unwrap();
    bench.inbox.set_fault(None);
    while bench.host.outbox_numbers().failed.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.pass(1).await;
    let mails = bench.inbox.wait_for(2).await.unwrap();
    assert_eq!(message_id(&mails[0]), message_id(&mails[1]), "whoever gets both can tell");
    bench.life.stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn of_two_hosts_on_one_store_one_sends_and_the_other_takes_over() {
    let bench = Bench::new().await;
    let other = host(bench.store.clone(), bench.clock.clone(), &bench.inbox);
    let (first, life) = (bench.keep_outbox(), Life::default());
    bench.fail(&bench.tenant("a", "ops@acme.example").await).await;
    bench.inbox.wait_for(1).await.unwrap();
    let of_other = life.clone();
    let second = tokio::spawn(async move { other.keep_outbox(&of_other).await });
    bench.life.stop.cancel();
    first.await.unwrap();
    bench.fail(&bench.tenant("b", "ops@acme.example").await).await;
    let mails = bench.inbox.wait_for(2).await.unwrap();
    assert!(mails[1].subject().contains("failed for b"));
    life.stop.cancel();
    second.await.unwrap();
}

#[tokio::test]
async fn a_job_that_stands_still_is_told_of_once_and_its_next_end_is_told_too() {
    let bench = Bench::new().await;
    let mut tenant = bench.tenant("acme", "ops@acme.example").await;
    tenant.set("interval-minutes", PropertyValue::Number(5));
    let schedules = {
        let (host, tenant, life) = (bench.host.clone(), tenant.clone(), bench.life.clone());
        tokio::spawn(async move { host.keep_schedules(&tenant, &life).await })
    };
    let kept = bench.keep_outbox();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let held = bench.store.try_lock("acme", "job-batch").await.unwrap().unwrap();
    bench.pass(10).await;
    assert!(bench.inbox.mails().is_empty(), "two ticks are nothing yet");
    bench.pass(10).await;
    let mails = bench.inbox.wait_for(1).await.unwrap();
    assert!(mails[0].subject().ends_with("stands still for acme (HWBS-WS60)"), "{}", mails[0].subject());
    let text = mails[0].text();
    for wanted in ["A schedule was missed", "Nothing ended since:\n  2026-11-16T12:00:00Z", "history acme"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    bench.pass(30).await;
    assert_eq!(bench.inbox.mails().len(), 1, "not again within six hours");
    drop(held);
    bench.pass(6).await;
    let mails = bench.inbox.wait_for(2).await.unwrap();
    assert!(mails[1].subject().contains("failed for acme"), "a run ended: {}", mails[1].subject());
    bench.life.stop.cancel();
    schedules.await.unwrap();
    kept.await.unwrap();
}

/// Makes the schedule of the stage's tenant due as soon as anybody serves.
async fn make_due(stage: &Stage) {
    let until = (Utc::now() - TimeDelta::hours(1)).to_rfc3339();
    let kept = serde_json::json!({ "until": until }).to_string();
    let store = SqliteStore::open(stage.store()).unwrap();
    store.commit(&Space::host("acme"), vec![Write::put("schedule/batch", kept)]).await.unwrap();
}

/// Waits until so many runs have failed.
async fn failed(store: &Path, number: usize) {
    let history = shift_access::history::History::new(Arc::new(SqliteStore::open(store).unwrap()));
    let filter = Filter { status: Some(Status::Error), job: None };
    let enough = async {
        while history.list("acme", &filter, None, 10).await.unwrap().items.len() < number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), enough).await.unwrap();
}

#[tokio::test]
async fn killed_right_after_a_run_failed_it_is_mailed_once_by_the_next_process() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    stage.inbox.set_fault(Some(InboxFault::Hang));
    make_due(&stage).await;
    let mut serving = Serving::start(&stage).await.unwrap();
    failed(&stage.store(), 1).await;
    serving.child.kill().await.unwrap();
    assert!(stage.inbox.mails().is_empty());
    stage.inbox.set_fault(None);
    let _serving = Serving::start(&stage).await.unwrap();
    let mails = stage.inbox.wait_for(1).await.unwrap();
    assert!(mails[0].text().contains("HWBS-WS10"), "{}", mails[0].text());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stage.inbox.mails().len(), 1);
}

#[tokio::test]
async fn killed_while_the_server_is_about_to_answer_it_goes_out_again_under_the_same_name_and_then_no_more() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    stage.inbox.set_fault(Some(InboxFault::Late(Duration::from_secs(60))));
    make_due(&stage).await;
    let mut serving = Serving::start(&stage).await.unwrap();
    stage.inbox.wait_for_within(1, Duration::from_secs(60)).await.unwrap();
    serving.child.kill().await.unwrap();
    stage.inbox.set_fault(None);
    for _ in 0..2 {
        let mut again = Serving::start(&stage).await.unwrap();
        let mails = stage.inbox.wait_for(2).await.unwrap();
        assert_eq!((mails.len(), message_id(&mails[0])), (2, message_id(&mails[1])));
        // Long enough to note that it is out.
        tokio::time::sleep(Duration::from_secs(1)).await;
        again.child.kill().await.unwrap();
    }
    assert_eq!(stage.inbox.mails().len(), 2);
}
