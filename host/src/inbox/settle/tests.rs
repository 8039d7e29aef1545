use std::sync::Arc;

use super::super::queue::Queue;
use super::*;
use crate::history::Failure;
use crate::inbox::{DeadLetters, Found};
use crate::store::{MemoryStore, Outcome, Space, Store};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const PREFIX: &str = "HWKR-WS";

struct Bench {
    store: Arc<dyn Store>,
    queue: Queue,
    now: DateTime<Utc>,
}

impl Bench {
    fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let queue = Queue { store: store.clone(), space: Space::host("acme") };
        Self { store, queue, now: at("2026-11-22T10:00:00Z") }
    }

    async fn put(&self, ids: impl IntoIterator<Item = usize>) {
        let events: Vec<_> = ids.into_iter().map(|id| Waiting::new(id.to_string(), "{}".to_owned(), self.now)).collect();
        self.store.commit(&self.queue.space, queue::put(&events, self.now, false).unwrap().to_vec()).await.unwrap();
    }

    /// Takes what is due now, and judges each event so.
    async fn judge(&self, verdict: impl Fn(&Waiting) -> Verdict) -> Settlement {
        let (segments, _) = self.queue.open(self.queue.look(self.now).await.unwrap().due).await.unwrap();
        let verdicts = segments.iter().flat_map(|segment| &segment.events).map(verdict).collect();
        let terms = Terms { now: self.now, give_up: Duration::from_secs(86_400), prefix: PREFIX };
        let mut all = Settlement::default();
        for judged in commits(segments, verdicts) {
            let settlement = settle(judged, &terms).unwrap();
            assert!(settlement.writes.len() <= crate::store::MAX_COMMIT);
            assert_eq!(self.store.commit(&self.queue.space, settlement.writes).await.unwrap(), Outcome::Committed);
            all.gone += settlement.gone;
            all.dead += settlement.dead;
            all.tally.done += settlement.tally.done;
            all.tally.retried += settlement.tally.retried;
            all.tally.rejected += settlement.tally.rejected;
            all.warnings.extend(settlement.warnings);
        }
        all
    }

    /// In how many seconds the next is due.
    async fn next(&self) -> i64 {
        (self.queue.look(self.now).await.unwrap().next.unwrap() - self.now).num_seconds()
    }

    fn letters(&self) -> DeadLetters {
        DeadLetters::new(self.store.clone(), "acme")
    }
}

fn failure(number: &str) -> Failure {
    let text = || "the plugin failed".to_owned();
    Failure { code: format!("{PREFIX}{number}"), title: text(), message: text(), remedy: text() }
}

#[tokio::test]
async fn what_is_put_off_comes_back_after_a_growing_time_and_is_given_up_after_a_day() {
    let mut bench = Bench::new();
    bench.put([1]).await;
    let mut delays = Vec::new();
    loop {
        let settlement = bench.judge(|_| Verdict::Retry(Duration::from_secs(60))).await;
        if settlement.dead > 0 {
            let warning = &settlement.warnings[0];
            assert_eq!((settlement.tally.rejected, warning.code.as_str(), warning.subject.as_deref()), (1, "HWKR-WS51", Some("1")));
            break;
        }
        assert_eq!(settlement.tally.retried, 1);
        let delay = bench.next().await;
        delays.push(delay);
        bench.now += TimeDelta::seconds(delay + 1);
    }
    assert!((54..=60).contains(&delays[0]) && (108..=120).contains(&delays[1]) && (216..=240).contains(&delays[2]), "{delays:?}");
    assert!(delays[5..].iter().all(|delay| (810..=900).contains(delay)), "{delays:?}");
    let letters = bench.letters().list(None, 10, true).await.unwrap().items;
    assert_eq!((letters.len(), letters[0].attempts as usize, letters[0].event_id.as_str()), (1, delays.len() + 1, "1"));
    assert!((86_400..90_000).contains(&(letters[0].at - letters[0].arrived).num_seconds()));
    assert_eq!(bench.queue.census().await.unwrap().events, 0);
}

#[tokio::test]
async fn an_event_the_plugin_fails_over_alone_three_times_is_given_up_with_the_code() {
    let mut bench = Bench::new();
    bench.put([1]).await;
    for time in 1..=3 {
        let settlement = bench.judge(|_| Verdict::Blamed(failure("52"))).await;
        assert_eq!(settlement.dead, u64::from(time == 3));
        if time < 3 {
            bench.now += TimeDelta::seconds(bench.next().await + 1);
        }
    }
    let letters = bench.letters().list(None, 10, false).await.unwrap().items;
    assert_eq!((letters[0].code.as_deref(), letters[0].attempts), (Some("HWKR-WS52"), 3));
}

#[tokio::test]
async fn what_ran_out_of_time_together_comes_back_in_small_calls() {
    let mut bench = Bench::new();
    bench.put(0..100).await;
    let settlement = bench.judge(|_| Verdict::Late { together: 12, failure: failure("51") }).await;
    assert_eq!((settlement.tally.retried, settlement.gone), (100, 0));
    bench.now += TimeDelta::seconds(31);
    let front = bench.queue.look(bench.now).await.unwrap();
    assert_eq!(front.due.len(), 9);
    let batch = front.batch();
    assert_eq!((batch.size.events <= 12, batch.full), (true, true), "each by itself");
}

#[tokio::test]
async fn every_event_of_a_large_batch_is_settled_whatever_becomes_of_it() {
    let mut bench = Bench::new();
    for part in 0..8 {
        bench.put(part * 250..(part + 1) * 250).await;
    }
    let settlement = bench
        .judge(|event| match event.id.parse::<usize>().unwrap() % 4 {
            0 => Verdict::Done,
            1 => Verdict::Retry(Duration::ZERO),
            2 => Verdict::Reject { code: Some("HWKR-WS70".to_owned()), message: "nobody".to_owned() },
            _ => Verdict::Waits { together: 100, after: Duration::from_secs(1) },
        })
        .await;
    assert_eq!((settlement.tally.done, settlement.tally.retried, settlement.tally.rejected), (500, 500, 500));
    assert_eq!((settlement.gone, settlement.dead), (1_000, 500));
    assert_eq!(bench.queue.census().await.unwrap().events, 1_000);
    assert_eq!(bench.letters().count().await.unwrap(), 500);
    bench.now += TimeDelta::seconds(2);
    let attempts = |event: &Waiting| (event.attempts, event.id.parse::<usize>().unwrap() % 4);
    let (segments, _) = bench.queue.open(bench.queue.look(bench.now).await.unwrap().due).await.unwrap();
    let found: Vec<_> = segments.iter().flat_map(|segment| &segment.events).map(attempts).collect();
    assert!(found.iter().all(|found| matches!(found, (1, 1) | (0, 3))), "one that had no turn has no attempt");
}

#[tokio::test]
async fn a_dead_letter_is_found_by_the_beginning_of_its_id_put_back_and_discarded() {
    let bench = Bench::new();
    bench.put(0..40).await;
    let settlement = bench.judge(|_| Verdict::Reject { code: None, message: "no".to_owned() }).await;
    assert!(settlement.warnings.iter().all(|warning| warning.code == "HWKR-WS50"), "each code is one of the catalogue");
    let letters = bench.letters();
    let page = letters.list(None, 15, true).await.unwrap();
    assert_eq!((page.items.len(), page.next.is_some()), (15, true));
    assert_eq!(page.items[0].event, Some(serde_json::json!({})));
    let id = page.items[0].id.clone();
    assert_eq!(letters.find("zz").await.unwrap(), Found::None);
    assert_eq!(letters.find("").await.unwrap(), Found::None);
    let several = "0123456789abcdef".chars().map(|digit| digit.to_string());
    let mut found = Vec::new();
    for beginning in several {
        found.push(letters.find(&beginning).await.unwrap());
    }
    assert!(found.contains(&Found::Several), "40 letters, 16 digits");

    let later = bench.now + TimeDelta::days(2);
    let back = letters.replay(&id, later).await.unwrap().unwrap();
    assert_eq!(letters.replay(&id, later).await.unwrap(), None, "it is put back once");
    let (segments, _) = bench.queue.open(bench.queue.look(later).await.unwrap().due).await.unwrap();
    let event = &segments[0].events[0];
    assert_eq!((&event.id, event.attempts, event.since, event.arrived), (&back.event_id, 0, later, bench.now));

    let other = page.items[1].id.clone();
    assert!(letters.discard(&other).await.unwrap().is_some());
    assert!(letters.discard(&other).await.unwrap().is_none());
    assert_eq!(letters.count().await.unwrap(), 38);
    assert!(!letters.prune(bench.now + TimeDelta::days(90)).await.unwrap());
    assert!(letters.prune(bench.now + TimeDelta::days(91)).await.unwrap());
    assert_eq!(letters.count().await.unwrap(), 0);
}
