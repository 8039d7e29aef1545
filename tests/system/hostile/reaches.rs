//! What reaches for another tenant's data by its names: nothing of it is found, and nothing of it is changed.

use std::collections::BTreeSet;

use shift_access::store::{Scan, Space};
use shift_access_tests::hostile::{Arena, Attack};

use super::{all_held, answered, told};

/// An arena whose neighbour has keys and has sent a mail, and that neighbour's values.
async fn settled() -> (Arena, Vec<(String, Vec<u8>)>) {
    let arena = Arena::new().await.unwrap();
    for (job, set) in [("values", ["count=3", "kib=1"]), ("mails", ["count=1", "to=ops@acme.example"])] {
        assert_eq!(answered(&arena.run(&arena.good, job, &set).await.unwrap(), "ok").0, if job == "values" { 3 } else { 1 });
    }
    let values = values(&arena).await;
    assert_eq!(values.len(), 3);
    (arena, values)
}

async fn values(arena: &Arena) -> Vec<(String, Vec<u8>)> {
    let page = arena.store.scan(&Space::plugin("good"), &Scan::new("", 100)).await.unwrap();
    page.entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

async fn reached(name: &str, set: &[&str], tries: usize) -> Arena {
    let (arena, before) = settled().await;
    let attack = Attack::named(name).unwrap();
    let bad = arena.bad(attack).await.unwrap();
    let beside = arena.beside(arena.run(&bad, attack.job, set)).await.unwrap();
    told(name, &beside);
    all_held(&beside.ended.unwrap(), tries);
    assert_eq!(values(&arena).await, before);
    arena
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_with_separators_and_dots_are_keys_like_any_other() {
    reached("keys with separators", &[], 3 * 22 + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_that_is_forged_or_anothers_is_refused() {
    let (arena, _) = settled().await;
    let page = arena.store.scan(&Space::plugin("good"), &Scan::new("greed/", 1)).await.unwrap();
    let cursor = page.cursor.unwrap();
    reached("forged cursor", &[&format!("cursor={cursor}")], 9 + 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_other_tenants_lead_nowhere() {
    let arena = reached("other tenants' names", &[], 8 + 3).await;
    assert!(arena.server.heard().is_empty());
    let mails = arena.inbox.mails();
    let ids: BTreeSet<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((mails.len(), ids.len()), (1 + 3, 1 + 3), "a mail server that drops what it had before drops none of them");
}
