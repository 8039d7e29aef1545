//! What burns time, memory or the stack, or fails: the call ends with a code, and the text says which limit it was.

use std::sync::Arc;

use shift_access::plugin::CallError;
use shift_access_tests::hostile::{Arena, Attack};

use super::{attacked, ended, is_well, told};

const JOBS: &str = "[tenants.bad.limits.jobs]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_is_51() {
    let (arena, bad, detail) = attacked("endless loop").await;
    ended(&detail, "PROBE-51", &["kept a processor busy for more than 1s", JOBS]);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_in_start_is_51_and_such_a_component_cannot_be_installed() {
    let (arena, bad, detail) = attacked("endless loop in start").await;
    ended(&detail, "PROBE-51", &["kept a processor busy for more than 1s", JOBS]);
    let beside = arena.beside(bad.pack.describe()).await.unwrap();
    told("a description that never comes", &beside);
    assert!(matches!(beside.ended, Err(CallError::Cpu(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_bomb_is_52() {
    let (arena, bad, detail) = attacked("memory bomb").await;
    ended(&detail, "PROBE-52", &["more than 256 MiB of memory; raise memory-mib", JOBS]);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_bomb_is_52() {
    let (_, _, detail) = attacked("table bomb").await;
    ended(&detail, "PROBE-52", &["more than 20000 elements of tables; raise table-elements", "[tenants.bad.limits]"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deep_recursion_is_50() {
    let (arena, bad, detail) = attacked("deep recursion").await;
    ended(&detail, "PROBE-50", &[]);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_is_50() {
    let (arena, bad, detail) = attacked("trap").await;
    ended(&detail, "PROBE-50", &[]);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_while_a_call_of_the_host_is_dropped_is_50() {
    let (arena, bad, detail) = attacked("panic while dropped").await;
    ended(&detail, "HOSTILE-50", &[]);
    assert!(arena.run(&bad, "keys", &[]).await.unwrap().run.failure.is_none());
}

/// It may go off before the answer is out of the instance, and then it is the job that failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_off_after_the_answer_of_a_job_goes_with_its_instance() {
    let arena = Arena::new().await.unwrap();
    let bad = arena.bad(Attack::named("panic while dropped").unwrap()).await.unwrap();
    for _ in 0..10 {
        let beside = arena.beside(arena.run(&bad, "drop-after", &[])).await.unwrap();
        told("after the answer of a job", &beside);
        let failure = beside.ended.unwrap().run.failure;
        assert!(failure.as_ref().is_none_or(|failure| failure.code == "HOSTILE-50"), "{failure:?}");
        assert!(arena.run(&bad, "keys", &[]).await.unwrap().run.failure.is_none(), "the next job has an instance of its own");
    }
}

/// An instance that has answered may answer again: what it left behind is then its own tenant's trouble, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_off_after_the_answer_of_a_question_ends_one_question_of_the_same_tenant_at_most() {
    for user in ["trap", "loop"] {
        let arena = Arena::new().await.unwrap();
        let mut bad = arena.bad(Attack::named("panic while dropped").unwrap()).await.unwrap();
        Arc::make_mut(&mut bad.limits).questions.cpu_seconds = 1;
        let ask = async |user: &str| bad.pack.decide(arena.host.lend(&bad), vec![(user.to_owned(), None)]).await;
        let beside = arena.beside(async {
            let mut answers = vec![ask(user).await];
            for _ in 0..20 {
                answers.push(ask("adiaz").await);
            }
            answers
        });
        let beside = beside.await.unwrap();
        told(user, &beside);
        let failed: Vec<_> = beside.ended.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert!(failed.len() <= 1 && beside.ended.last().unwrap().is_ok(), "{failed:?}");
        assert!(failed.iter().all(|error| matches!(error, CallError::Trap(_) | CallError::Cpu(_))), "{failed:?}");
    }
}
