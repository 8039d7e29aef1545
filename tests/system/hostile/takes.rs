//! What takes more than there is: of the host, of the store, of the mail server and of the network.

use std::time::Duration;

use shift_access::store::{Scan, Space};

use super::{answered, attacked, ended, is_well, went_well};

const JOBS: &str = "[tenants.bad.limits.jobs]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_large_text_for_the_host_is_50() {
    let (arena, bad, detail) = attacked("one large text for the host").await;
    ended(&detail, "PROBE-50", &["handed more than 32 MiB to the host at once; raise hostcall-mib", JOBS]);
    is_well(&arena, &bad).await;
}

/// Two million empty texts have a few bytes each in the guest, and more in the host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_for_the_host_is_50() {
    let (_, _, detail) = attacked("a long list for the host").await;
    ended(&detail, "HOSTILE-50", &["handed more than 32 MiB to the host at once; raise hostcall-mib", JOBS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_of_the_host_at_once_are_50() {
    let (arena, bad, detail) = attacked("many calls of the host at once").await;
    ended(&detail, "PROBE-50", &["more than 2000 handles", "raise resources"]);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_million_notes_so_many_are_kept_as_may_be() {
    let (_, _, detail) = attacked("a million notes").await;
    went_well(&detail);
    assert_eq!(detail.story.notes.len(), 4_000);
    let warning = &detail.run.warnings[0];
    assert!(warning.code == "PROBE-53" && warning.message.contains("996000 of them were left out"), "{warning:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_million_small_writes_so_many_are_stored_as_may_be() {
    let (arena, bad, detail) = attacked("a million small writes").await;
    went_well(&detail);
    let said = |title: &str| detail.story.steps.iter().find(|step| step.title == title).unwrap().detail.clone();
    assert_eq!(said("committed"), "20000");
    assert!(
        said("refused").contains("QuotaExceeded") && said("refused").contains("raise keys under [tenants.bad.limits]"),
        "{}",
        said("refused")
    );
    assert_eq!(keys(&arena, "bad").await, 20_000);
    let stored = arena.run(&arena.good, "keys", &["count=10"]).await.unwrap();
    assert_eq!(answered(&stored, "ok").0, 10, "the neighbour has all its room");
    drop(bad);
}

async fn keys(arena: &shift_access_tests::hostile::Arena, tenant: &str) -> usize {
    let (mut count, mut cursor) = (0, None);
    loop {
        let page = arena.store.scan(&Space::plugin(tenant), &Scan::new("", 2_000).from(cursor)).await.unwrap();
        count += page.entries.len();
        cursor = page.cursor;
        if cursor.is_none() {
            return count;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_value_is_52_and_nothing_is_stored() {
    let (arena, bad, detail) = attacked("a gigabyte value").await;
    ended(&detail, "PROBE-52", &["more than 256 MiB of memory; raise memory-mib", JOBS]);
    assert_eq!(keys(&arena, "bad").await, 0);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_fits_into_its_memory_and_not_into_a_call_is_50_and_nothing_is_stored() {
    let (arena, bad, detail) = attacked("a value of 200 MiB").await;
    ended(&detail, "PROBE-50", &["handed more than 32 MiB to the host at once; raise hostcall-mib", JOBS]);
    assert_eq!(keys(&arena, "bad").await, 0);
    is_well(&arena, &bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_flood_of_mails_so_many_go_out_as_may_be_and_the_neighbours_go_out_too() {
    let (arena, _, detail) = attacked("mail flood").await;
    assert_eq!(answered(&detail, "ok").0, 60);
    let (refused, text) = answered(&detail, "other");
    assert_eq!((refused, text.as_str()), (940, "more than 60 mails within an hour; raise mails-an-hour under [tenants.bad.limits]"));
    assert_eq!(arena.inbox.mails().len(), 60);
    let sent = arena.run(&arena.good, "mails", &["count=3", "to=ops@acme.example"]).await.unwrap();
    assert_eq!(answered(&sent, "ok").0, 3);
    assert_eq!(arena.inbox.mails().len(), 63);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_flood_of_connections_so_many_are_made_as_may_be_at_once() {
    let (arena, bad, detail) = attacked("connection flood").await;
    let (made, (throttled, wait)) = (answered(&detail, "ok").0, answered(&detail, "throttled"));
    assert!(made >= 256 && made + throttled == 1_500, "{made} made, {throttled} throttled");
    assert!(throttled > 0 && wait == "Some(1)", "{wait}");
    assert_eq!(arena.server.heard().len() as u64, made);
    let again = arena.run(&bad, "requests", &["count=5", "kib=0"]).await.unwrap();
    assert_eq!(answered(&again, "ok").0, 5, "there is room again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_never_answered_times_out() {
    let (arena, bad, detail) = attacked("never-ending request").await;
    assert_eq!(answered(&detail, "else"), (2, "Error::Timeout".to_owned()));
    is_well(&arena, &bad).await;
}

/// A byte now and then would keep a limit on silence from ever striking: it is the whole answer that has a limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_ends_times_out() {
    let (arena, bad, detail) = attacked("slow reading").await;
    assert_eq!(answered(&detail, "else"), (2, "Error::Timeout".to_owned()));
    is_well(&arena, &bad).await;
    let within = tokio::time::timeout(Duration::from_secs(60), arena.run(&arena.good, "requests", &["count=1", "kib=0"])).await;
    assert_eq!(answered(&within.unwrap().unwrap(), "ok").0, 1);
}
