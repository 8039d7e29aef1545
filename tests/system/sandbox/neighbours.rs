//! One tenant takes whatever it can get. Its neighbour is answered all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shift_access::history::{Status, Trigger};
use shift_access::limits::Limits;
use shift_access::{Host, Order, Tenant};
use tokio::task::JoinSet;

use super::probe;

async fn ask(host: &Host, tenant: &Tenant, user: &str) -> bool {
    tenant.pack.decide(host.lend(tenant), vec![(user.to_owned(), None)]).await.is_ok()
}

/// The same on one of the threads that the loops are on too, as a request from outside is.
async fn ask_among_others(host: &Host, tenant: &Tenant) -> bool {
    let (host, tenant) = (host.clone(), tenant.clone());
    tokio::spawn(async move { ask(&host, &tenant, "a").await }).await.unwrap_or(false)
}

/// A tenant that never ends anything, in so many questions and jobs at once. What has come to an end of it is counted.
fn burns(host: &Host, tenant: &Tenant, calls: usize, ended: &Arc<AtomicUsize>) -> JoinSet<()> {
    let mut burning = JoinSet::new();
    for _ in 0..calls {
        let (host, tenant, ended) = (host.clone(), tenant.clone(), ended.clone());
        burning.spawn(async move {
            ask(&host, &tenant, "loop").await;
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    let (host, tenant) = (host.clone(), tenant.clone());
    burning.spawn(async move {
        let order = Order::new(&tenant, "loop", Trigger::Manual).unwrap();
        let _ = host.run(&tenant, order, Default::default(), Default::default()).await;
    });
    burning
}

/// With two threads, as on a small machine: the loops would keep both busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_loops_in_hundreds_of_calls_keeps_no_other_from_being_answered() {
    let (host, good) = probe().await;
    let mut limits = Limits::default();
    limits.questions.cpu_seconds = 1;
    let bad = Tenant { name: "bad".into(), limits: Arc::new(limits), ..good.clone() };
    let ended = Arc::new(AtomicUsize::new(0));
    // More than there is room for in the whole host.
    let mut burning = burns(&host, &bad, 500, &ended);
    for round in 0..200 {
        assert!(ask_among_others(&host, &good).await, "round {round}");
        if round % 20 == 0 {
            let order = Order::new(&good, "journal", Trigger::Manual).unwrap();
            let detail = host.run(&good, order, Default::default(), Default::default()).await.unwrap();
            assert!(matches!(detail.run.status, Status::Complete | Status::CompleteWarn), "{:?}", detail.run.failure);
        }
    }
    // Each of the loops may keep a processor busy for a second, and 48 share what the tenant may have.
    assert!(ended.load(Ordering::SeqCst) < 48, "the neighbour had to wait for the loops");
    burning.shutdown().await;
    assert!(ask(&host, &bad, "a").await, "and the room is free again");
}
