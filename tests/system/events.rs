//! What becomes of events, told by a clock of the test's own: a plugin that puts off, rejects, fails or hangs.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use shift_access::clock::Clock;
use shift_access::history::{Filter, Run, RunDetail, Status, Trigger};
use shift_access::inbox::{DeadLetter, Rules};
use shift_access::plugin::Pack;
use shift_access::scheduler::Life;
use shift_access::store::{MemoryStore, Scan, Space, Store};
use shift_access::{Host, Tenant};
use shift_access_tests::PROBE;
use shift_access_tests::fault::Fault;
use shift_access_tests::ukg::UkgSim;
use shift_access_tests::world::World;

use crate::probes::connections;
use crate::schedules::Hand;

/// A host with the probe as its tenant, whose listener is kept.
struct Bench {
    clock: Arc<Hand>,
    store: Arc<MemoryStore>,
    host: Host,
    tenant: Tenant,
    life: Life,
}

impl Bench {
    async fn new() -> Self {
        Self::beside(Hand::at("2026-11-22T10:00:00Z"), Arc::default(), Rules::default()).await
    }

    async fn beside(clock: Arc<Hand>, store: Arc<MemoryStore>, rules: Rules) -> Self {
        Self::set(clock, store, rules, None).await
    }

    async fn set(clock: Arc<Hand>, store: Arc<MemoryStore>, rules: Rules, other_system: Option<&UkgSim>) -> Self {
        let lend = |tenant: &mut Tenant| {
            if let Some(ukg) = other_system {
                tenant.http = Arc::new(connections(ukg, tenant).unwrap());
            }
        };
        Self::with(clock, store, rules, lend).await
    }

    async fn with(clock: Arc<Hand>, store: Arc<MemoryStore>, rules: Rules, change: impl FnOnce(&mut Tenant)) -> Self {
        let cache = shift_access_tests::cache();
        let host = Host::builder().cache(cache).clock(clock.clone()).store(store.clone()).listening(rules).build().unwrap();
        let mut tenant = Tenant::new("acme", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
        change(&mut tenant);
        let bench = Self { clock, store, host, tenant, life: Life::default() };
        let (host, tenant, life) = (bench.host.clone(), bench.tenant.clone(), bench.life.clone());
        bench.life.tracker.spawn(async move { host.keep_listener(&tenant, &life).await });
        bench
    }

    async fn bring(&self, events: &[(&str, &str)]) {
        let body = |(id, asks): &(&str, &str)| (id.to_string(), format!("{{\"id\":\"{id}\",\"data\":{{\"do\":\"{asks}\"}}}}"));
        let taken = self.host.inbox(&self.tenant).bring(events.iter().map(body)).await.unwrap();
        assert_eq!(taken.accepted, events.len() as u64);
        // The consumer reads the queue before the clock goes on, so that it waits for the moment the test means.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }

    fn forward(&self, seconds: i64) {
        self.clock.forward(TimeDelta::seconds(seconds));
    }

    /// How often each event was brought, in the order of their ids, once it is so.
    async fn brought(&self, wanted: &[(&str, &str)]) {
        self.until(async || {
            let page = self.store.scan(&Space::plugin("acme"), &Scan::new("handled/", 2_000)).await.unwrap();
            let found = page.entries.iter().map(|entry| (&entry.key["handled/".len()..], std::str::from_utf8(&entry.value).unwrap()));
            let found: Vec<_> = found.map(|(id, times)| (id.to_owned(), times.to_owned())).collect();
            let same = found.iter().map(|(id, times)| (id.as_str(), times.as_str())).eq(wanted.iter().copied());
            (same, format!("{found:?}"))
        })
        .await;
    }

    /// The dead letters, once there are so many.
    async fn letters(&self, number: usize) -> Vec<DeadLetter> {
        let list = async || self.host.dead_letters(&self.tenant).list(None, 1_000, false).await.unwrap().items;
        self.until(async || {
            let found = list().await;
            (found.len() == number, format!("{found:?}"))
        })
        .await;
        list().await
    }

    /// When nothing waits any more.
    async fn empty(&self) {
        self.until(async || {
            let waiting = self.store.scan(&Space::host("acme"), &Scan::new("inbox/", 2_000)).await.unwrap();
            (waiting.entries.is_empty(), format!("{} segments wait", waiting.entries.len()))
        })
        .await;
    }

    async fn until(&self, is_so: impl AsyncFn() -> (bool, String)) {
        let started = std::time::Instant::now();
        loop {
            let (so, seen) = is_so().await;
            if so {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{seen}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The runs, oldest first, once there are so many and none is under way.
    async fn runs(&self, number: usize) -> Vec<Run> {
        let list = async || self.host.history().list("acme", &Filter::default(), None, 100).await.unwrap().items;
        self.until(async || {
            let runs = list().await;
            (runs.len() == number && runs.iter().all(|run| run.status != Status::InProcess), format!("{runs:?}"))
        })
        .await;
        list().await.into_iter().rev().collect()
    }

    async fn run(&self) -> RunDetail {
        let id = self.runs(1).await.remove(0).run;
        self.host.history().one("acme", &id).await.unwrap().unwrap()
    }

    async fn stop(&self) {
        self.life.stop.cancel();
        self.life.tracker.close();
        self.life.tracker.wait().await;
    }

    /// In how many whole seconds the first in the queue is due; none where nothing waits.
    async fn due(&self) -> Option<i64> {
        let front = self.store.scan(&Space::host("acme"), &Scan::new("inbox/", 1)).await.unwrap();
        let due = front.entries.first()?.key.split('/').nth(1).unwrap().parse().unwrap();
        let left = DateTime::from_timestamp_millis(due).unwrap() - self.clock.now();
        Some((left + TimeDelta::milliseconds(999)).num_seconds())
    }

    /// In how many seconds what was put off is due, once it was. What is in hand is still there, and due.
    async fn put_off(&self) -> i64 {
        self.until(async || {
            let due = self.due().await;
            (due > Some(0), format!("{due:?}"))
        })
        .await;
        self.due().await.unwrap()
    }

    /// Goes on in time until nothing waits.
    async fn run_out(&self) {
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            match self.due().await {
                None => return,
                Some(due) if due > 0 => self.forward(due + 3),
                Some(_) => {}
            }
        }
        panic!("the queue does not get empty");
    }
}

fn counts(run: &Run) -> Vec<(&str, u64)> {
    run.counts.as_ref().unwrap().0.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

#[tokio::test]
async fn events_are_gathered_for_two_seconds_and_a_run_sums_up_a_minute() {
    let bench = Bench::new().await;
    bench.bring(&[("a", "done"), ("b", "note")]).await;
    bench.forward(1);
    bench.bring(&[("c", "done")]).await;
    bench.brought(&[]).await;
    bench.forward(1);
    bench.brought(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
    bench.empty().await;
    bench.forward(20);
    bench.bring(&[("d", "reject")]).await;
    assert!(bench.host.inbox(&bench.tenant).bring([("a".to_owned(), "{}".to_owned())]).await.unwrap().accepted == 0);
    bench.forward(2);
    bench.letters(1).await;
    assert_eq!(bench.host.history().list("acme", &Filter::default(), None, 9).await.unwrap().items[0].status, Status::InProcess);
    bench.forward(60);
    let RunDetail { run, story } = bench.run().await;
    assert_eq!((run.status, run.trigger, run.job.as_str()), (Status::CompleteWarn, Trigger::Event, "listener"));
    assert_eq!(run.process, "Probe of the listener");
    assert_eq!(counts(&run), [("events", 4), ("done", 3), ("retried", 0), ("rejected", 1), ("duplicates", 1)]);
    assert_eq!((run.warnings.len(), run.warnings[0].code.as_str(), run.warnings[0].subject.as_deref()), (1, "PROBE-L07", Some("d")));
    assert_eq!((story.notes.len(), story.notes[0].subject.as_deref()), (1, Some("b")));

    bench.bring(&[("e", "done")]).await;
    bench.forward(2);
    bench.empty().await;
    bench.stop().await;
    let runs = bench.runs(2).await;
    assert_eq!((runs[1].status, counts(&runs[1])[0]), (Status::Complete, ("events", 1)), "a stop ends the minute");
}

#[tokio::test]
async fn what_the_plugin_puts_off_comes_back_after_a_growing_time() {
    let bench = Bench::new().await;
    bench.bring(&[("a", "later"), ("b", "done")]).await;
    bench.forward(2);
    bench.brought(&[("a", "1"), ("b", "1")]).await;
    for (times, delays) in [("1", 9..=10), ("2", 18..=20)] {
        bench.brought(&[("a", times), ("b", "1")]).await;
        let due = bench.put_off().await;
        assert!(delays.contains(&due), "{due}");
        bench.forward(due - 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.brought(&[("a", times), ("b", "1")]).await;
        bench.forward(4);
    }
    bench.brought(&[("a", "3"), ("b", "1")]).await;
    bench.empty().await;
    assert!(bench.letters(0).await.is_empty());
    bench.stop().await;
    let run = bench.run().await.run;
    assert_eq!((run.status, counts(&run)[1..3].to_vec()), (Status::CompleteWarn, vec![("done", 2), ("retried", 2)]));
}

#[tokio::test]
async fn an_event_the_plugin_fails_over_stands_alone_in_the_end_and_the_others_are_dealt_with() {
    let bench = Bench::new().await;
    let ids: Vec<_> = (0..60).map(|n| format!("{n:02}")).collect();
    let asks = |n| match n {
        17 => "trap",
        41 => "memory",
        _ => "done",
    };
    let events: Vec<_> = ids.iter().enumerate().map(|(n, id)| (id.as_str(), asks(n))).collect();
    bench.bring(&events).await;
    bench.forward(2);
    let good: Vec<_> = events.iter().filter(|(_, asks)| *asks == "done").map(|(id, _)| *id).collect();
    bench
        .until(async || {
            let page = bench.store.scan(&Space::plugin("acme"), &Scan::new("handled/", 2_000)).await.unwrap();
            let found = page.entries.iter().map(|entry| &entry.key["handled/".len()..]);
            (good.iter().all(|id| found.clone().any(|key| key == *id)), format!("{} of 58", page.entries.len()))
        })
        .await;
    bench.run_out().await;
    let mut letters = bench.letters(2).await;
    letters.sort_by(|one, other| one.event_id.cmp(&other.event_id));
    let told: Vec<_> = letters.iter().map(|letter| (letter.event_id.as_str(), letter.code.as_deref().unwrap(), letter.attempts)).collect();
    assert_eq!(told, [("17", "PROBE-L50", 3), ("41", "PROBE-L52", 3)]);
    bench.stop().await;
    let runs = bench.host.history().list("acme", &Filter::default(), None, 100).await.unwrap().items;
    assert_eq!(runs.last().unwrap().status, Status::CompleteWarn, "most of it was dealt with");
}

#[tokio::test]
async fn an_event_the_plugin_hangs_over_holds_nobody_up_for_good() {
    let rules = Rules { call_limit: Duration::from_millis(300), ..Rules::default() };
    let bench = Bench::beside(Hand::at("2026-11-22T10:00:00Z"), Arc::default(), rules).await;
    let ids: Vec<_> = (0..40).map(|n| format!("{n:02}")).collect();
    let events: Vec<_> = ids.iter().enumerate().map(|(n, id)| (id.as_str(), if n == 23 { "loop" } else { "done" })).collect();
    bench.bring(&events).await;
    bench.forward(2);
    tokio::time::sleep(Duration::from_millis(400)).await;
    bench.run_out().await;
    let letters = bench.letters(1).await;
    assert_eq!((letters[0].event_id.as_str(), letters[0].code.as_deref()), ("23", Some("PROBE-L51")));
    let page = bench.store.scan(&Space::plugin("acme"), &Scan::new("handled/", 2_000)).await.unwrap();
    assert!(ids.iter().filter(|id| *id != "23").all(|id| page.entries.iter().any(|entry| entry.key == format!("handled/{id}"))));
}

#[tokio::test]
async fn the_processor_time_of_events_has_a_limit_of_its_own() {
    let short = |tenant: &mut Tenant| Arc::make_mut(&mut tenant.limits).listener.cpu_seconds = 1;
    let bench = Bench::with(Hand::at("2026-11-22T10:00:00Z"), Arc::default(), Rules::default(), short).await;
    bench.bring(&[("a", "loop")]).await;
    bench.forward(2);
    bench.run_out().await;
    let letter = bench.letters(1).await.remove(0);
    let told = letter.message.contains("busy for more than 1s") && letter.message.contains("[tenants.acme.limits.listener]");
    assert!(letter.code.as_deref() == Some("PROBE-L51") && told, "{letter:?}");
}

#[tokio::test]
async fn an_event_is_not_to_blame_for_another_system_that_is_slow() {
    let ukg = UkgSim::start(World::demo(chrono::Utc::now())).await.unwrap();
    ukg.faults().add(Fault::on("/probe/hang").hang());
    let rules = Rules { call_limit: Duration::from_millis(700), ..Rules::default() };
    let bench = Bench::set(Hand::at("2026-11-22T10:00:00Z"), Arc::default(), rules, Some(&ukg)).await;
    bench.bring(&[("a", "ask")]).await;
    bench.forward(2);
    // Once more often than makes a dead letter of what the plugin itself hangs over.
    for _ in 0..4 {
        let due = bench.put_off().await;
        bench.letters(0).await;
        bench.forward(due + 3);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ukg.faults().clear();
    bench.run_out().await;
    bench.brought(&[("a", "1")]).await;
    bench.letters(0).await;
}

#[tokio::test]
async fn a_run_in_which_the_plugin_only_failed_is_an_error_and_nobody_is_mailed() {
    let bench = Bench::new().await;
    bench.bring(&[("a", "trap"), ("b", "trap")]).await;
    bench.forward(2);
    bench.put_off().await;
    bench.stop().await;
    let run = bench.run().await.run;
    assert_eq!((run.status, run.failure.unwrap().code.as_str()), (Status::Error, "PROBE-L50"));
    assert_eq!(run.counts.unwrap().get("retried"), Some(2));
}

#[tokio::test]
async fn a_dead_letter_that_is_put_back_is_brought_as_if_it_had_just_come() {
    let bench = Bench::new().await;
    bench.bring(&[("a", "reject")]).await;
    bench.forward(2);
    let letter = bench.letters(1).await.remove(0);
    assert_eq!((letter.message.as_str(), letter.attempts), ("the event asks to be rejected", 1));
    bench.forward(3 * 24 * 60 * 60);
    let letters = bench.host.dead_letters(&bench.tenant);
    letters.replay(&letter.id[..6], bench.clock.now()).await.unwrap().unwrap();
    bench.letters(0).await;
    // Seen at the next look, which is no matter of the test's clock.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    bench.forward(2);
    bench.brought(&[("a", "2")]).await;
    assert_eq!(bench.letters(1).await[0].id, letter.id, "it keeps its id");
}

#[tokio::test]
async fn of_two_hosts_on_one_store_one_brings_the_events_of_both() {
    let (clock, store) = (Hand::at("2026-11-22T10:00:00Z"), Arc::new(MemoryStore::default()));
    let one = Bench::beside(clock.clone(), store.clone(), Rules::default()).await;
    let other = Bench::beside(clock, store, Rules::default()).await;
    one.bring(&[("a", "done"), ("b", "done")]).await;
    other.bring(&[("c", "done")]).await;
    // What the other host took in is seen at the next look.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    one.forward(2);
    one.brought(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
    one.empty().await;
    one.stop().await;
    other.stop().await;
    assert_eq!(one.runs(1).await[0].counts.as_ref().unwrap().get("done"), Some(3));
}

#[tokio::test]
async fn the_numbers_tell_what_waits_and_for_how_long() {
    let bench = Bench::new().await;
    bench.bring(&[("a", "retry"), ("b", "reject"), ("c", "done")]).await;
    let read = || bench.host.inbox(&bench.tenant).numbers().read(bench.clock.now());
    assert_eq!((read().waiting, read().received, read().oldest_waiting_seconds), (3, 3, Some(0)));
    bench.forward(2);
    bench.letters(1).await;
    bench.until(async || (read().waiting == 1, format!("{:?}", read()))).await;
    assert_eq!((read().dead_letters, read().duplicates), (1, 0));
}
