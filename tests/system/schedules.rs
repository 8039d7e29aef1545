//! Schedules, told by a clock of the test's own: what runs when, what is made up for, and what is not begun.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc, Weekday};
use shift_access::clock::Clock;
use shift_access::config::{Cadence, Schedule};
use shift_access::history::{Filter, Run, Status, Trigger};
use shift_access::plugin::Pack;
use shift_access::scheduler::Life;
use shift_access::store::{MemoryStore, Space, Store};
use shift_access::{Host, Tenant};
use shift_access_tests::PROBE;
use tokio::sync::watch;

/// A clock that stands until it is put forward, and wakes who waits for a moment.
pub(crate) struct Hand(watch::Sender<DateTime<Utc>>);

impl Hand {
    pub(crate) fn at(moment: &str) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(moment.parse().unwrap())))
    }

    pub(crate) fn forward(&self, by: TimeDelta) {
        self.0.send_modify(|now| *now += by);
    }
}

#[async_trait::async_trait]
impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    async fn sleep_until(&self, moment: DateTime<Utc>) {
        let mut hand = self.0.subscribe();
        hand.wait_for(|now| *now >= moment).await.unwrap();
    }
}

/// A tenant whose batch fails at once, having no connections: what counts here is that it was begun.
struct Bench {
    host: Host,
    tenant: Tenant,
    life: Life,
}

impl Bench {
    async fn new(clock: Arc<Hand>, store: Arc<dyn Store>, schedules: Vec<Schedule>) -> Self {
        Self::of(clock, store, schedules, |host| Pack::built_in(host.engine()).unwrap()).await
    }

    async fn of(clock: Arc<Hand>, store: Arc<dyn Store>, schedules: Vec<Schedule>, pack: impl Fn(&Host) -> Pack) -> Self {
        let cache = shift_access_tests::cache();
        let host = Host::builder().cache(cache).clock(clock).store(store).build().unwrap();
        let mut tenant = Tenant::new("acme", pack(&host)).await.unwrap();
        tenant.schedules = Arc::new(schedules);
        Self { host, tenant, life: Life::default() }
    }

    fn keep(&self) -> tokio::task::JoinHandle<()> {
        let (host, tenant, life) = (self.host.clone(), self.tenant.clone(), self.life.clone());
        tokio::spawn(async move { host.keep_schedules(&tenant, &life).await })
    }

    /// The runs, oldest first, once there are so many and none is under way.
    async fn runs(&self, number: usize) -> Vec<Run> {
        loop {
            let mut runs = self.seen().await;
            assert!(runs.len() <= number, "{runs:?}");
            if runs.len() == number && runs.iter().all(|run| run.status != Status::InProcess) {
                runs.reverse();
                return runs;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The runs as they stand, newest first.
    async fn seen(&self) -> Vec<Run> {
        self.host.history().list("acme", &Filter::default(), None, 100).await.unwrap().items
    }

    /// Keeps the schedule as a process of its own would, until the run of this number is under way; then nothing of it goes
    /// on, as after a kill.
    async fn killed_in(&self, number: usize, meanwhile: impl AsyncFnOnce()) -> Vec<Run> {
        let process = tokio::runtime::Runtime::new().unwrap();
        let (host, tenant, life) = (self.host.clone(), self.tenant.clone(), self.life.clone());
        process.spawn(async move { host.keep_schedules(&tenant, &life).await });
        meanwhile().await;
        while self.seen().await.iter().filter(|run| run.status == Status::InProcess).count() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        process.shutdown_background();
        self.runs(number).await
    }
}

fn daily(time: &str) -> Schedule {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let times = vec![NaiveTime::parse_from_str(time, "%H:%M").unwrap()];
    let days = vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    Schedule { job: "batch".to_owned(), days, cadence: Cadence::Times(times), zone: chrono_tz::Tz::America__New_York }
}

fn is_made_up(run: &Run) -> bool {
    run.warnings.iter().any(|warning| warning.code == "HWBS-WS60")
}

/// Lets the scheduler come to its next wait.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn over_both_changes_of_the_clocks_a_job_runs_once_a_day() {
    for (start, days) in [("2026-03-07T05:00:00Z", 3), ("2026-10-31T04:00:00Z", 3)] {
        for time in ["01:30", "02:30"] {
            let clock = Hand::at(start);
            let bench = Bench::new(clock.clone(), Arc::new(MemoryStore::default()), vec![daily(time)]).await;
            let kept = bench.keep();
            let mut begun = 0;
            for quarter in 0..days * 24 * 4 {
                settle_if(quarter == 0).await;
                let due = bench.tenant.agenda(bench.tenant.job("batch").unwrap()).next(clock.now());
                clock.forward(TimeDelta::minutes(15));
                if due.is_some_and(|due| due <= clock.now()) {
                    begun += 1;
                    bench.runs(begun).await;
                    settle().await;
                }
            }
            assert_eq!(begun, days, "{start} {time}");
            let runs = bench.runs(begun).await;
            assert!(runs.iter().all(|run| run.trigger == Trigger::Schedule), "{runs:?}");
            bench.life.stop.cancel();
            kept.await.unwrap();
        }
    }
}

async fn settle_if(first: bool) {
    if first {
        settle().await;
    }
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_once_and_told() {
    let (clock, store) = (Hand::at("2026-11-16T12:00:00Z"), Arc::new(MemoryStore::default()));
    let first = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let kept = first.keep();
    settle().await;
    assert!(first.runs(0).await.is_empty(), "a new schedule makes up for nothing");
    first.life.stop.cancel();
    kept.await.unwrap();

    clock.forward(TimeDelta::days(3));
    let second = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let kept = second.keep();
    let runs = second.runs(1).await;
    assert!(is_made_up(&runs[0]), "{runs:?}");
    let message = &runs[0].warnings.iter().find(|warning| warning.code == "HWBS-WS60").unwrap().message;
    assert!(message.starts_with("3 runs did not start when they were due, from 2026-11-17T10:45:"), "{message}");
    second.life.stop.cancel();
    kept.await.unwrap();

    let third = Bench::new(clock, store, vec![daily("05:45")]).await;
    let kept = third.keep();
    settle().await;
    assert_eq!(third.runs(1).await.len(), 1, "and not a second time");
    third.life.stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_made_up_for_at_the_next_start_and_not_again_and_again() {
    let (clock, store) = (Hand::at("2026-11-16T12:00:00Z"), Arc::new(MemoryStore::default()));
    let endless = || Schedule { job: "loop".to_owned(), ..daily("05:45") };
    let probe = |host: &Host| Pack::from_bytes(host.engine(), PROBE).unwrap();
    let host = async || Bench::of(clock.clone(), store.clone(), vec![endless()], probe).await;
    let due = async || {
        // A new schedule begins with now.
        while store.get(&Space::host("acme"), &["schedule/loop".to_owned()]).await.unwrap()[0].is_none() {
            settle().await;
        }
        clock.forward(TimeDelta::days(1));
    };
    assert_eq!(host().await.killed_in(1, due).await[0].status, Status::Aborted);
    clock.forward(TimeDelta::minutes(5));
    let runs = host().await.killed_in(2, async || ()).await;
    assert_eq!((runs[1].trigger, runs[1].started), (Trigger::Schedule, clock.now()), "at once, and by the schedule");
    let third = host().await;
    let kept = third.keep();
    settle().await;
    assert_eq!(third.runs(2).await.len(), 2, "what kills its process would do so again and again");
    third.life.stop.cancel();
    kept.await.unwrap();
    host().await.killed_in(3, due).await;
}

#[tokio::test]
async fn a_tick_while_the_job_is_under_way_is_noted_and_not_queued() {
    let (clock, store) = (Hand::at("2026-11-16T12:00:00Z"), Arc::new(MemoryStore::default()));
    let bench = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let kept = bench.keep();
    settle().await;
    let under_way = store.try_lock("acme", "job-batch").await.unwrap().unwrap();
    clock.forward(TimeDelta::hours(22) + TimeDelta::minutes(46));
    assert_eq!(bench.runs(1).await[0].status, Status::Discarded);
    drop(under_way);
    settle().await;
    assert_eq!(bench.runs(1).await.len(), 1);
    bench.life.stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn of_two_hosts_on_one_store_one_keeps_the_schedule() {
    let (clock, store) = (Hand::at("2026-11-16T12:00:00Z"), Arc::new(MemoryStore::default()));
    let first = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let second = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let (one, other) = (first.keep(), second.keep());
    settle().await;
    clock.forward(TimeDelta::hours(24));
    assert_eq!(first.runs(1).await.len(), 1);
    settle().await;
    assert_eq!(second.runs(1).await.len(), 1);
    first.life.stop.cancel();
    second.life.stop.cancel();
    one.await.unwrap();
    other.await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_takes_the_place_of_another_begins_where_that_one_ended() {
    let (clock, store) = (Hand::at("2026-11-16T12:00:00Z"), Arc::new(MemoryStore::default()));
    let before = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let kept = before.keep();
    settle().await;
    clock.forward(TimeDelta::hours(22) + TimeDelta::minutes(46));
    before.runs(1).await;
    // Now it is 05:46 in New York. From six o'clock on the job is to start at 05:55 instead: that is over for today.
    settle().await;
    clock.forward(TimeDelta::minutes(14));
    settle().await;
    before.life.stop.cancel();
    kept.await.unwrap();
    let after = Bench::new(clock.clone(), store.clone(), vec![daily("05:55")]).await;
    let kept = after.keep();
    settle().await;
    assert_eq!(after.runs(1).await.len(), 1, "it was never due at 05:55 until now");
    clock.forward(TimeDelta::hours(24));
    after.runs(2).await;
    after.life.stop.cancel();
    kept.await.unwrap();
}

#[tokio::test]
async fn a_tick_that_passes_while_one_schedule_takes_the_place_of_another_is_made_up_for() {
    let (clock, store) = (Hand::at("2026-11-16T12:00:00Z"), Arc::new(MemoryStore::default()));
    let before = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let kept = before.keep();
    settle().await;
    before.life.stop.cancel();
    clock.forward(TimeDelta::hours(23));
    kept.await.unwrap();
    let after = Bench::new(clock.clone(), store.clone(), vec![daily("05:45")]).await;
    let kept = after.keep();
    assert!(is_made_up(&after.runs(1).await[0]));
    after.life.stop.cancel();
    kept.await.unwrap();
}
