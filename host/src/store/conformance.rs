//! What every store promises, as one suite of tests. A store joins with one line: `conformance!(subject)`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Condition, Entry, MAX_COMMIT, MAX_GET, MAX_KEY_BYTES, Outcome, Page, Quota, Scan, Space, Store, StoreError, Write};

/// A store under test.
pub(super) trait Subject {
    /// Another handle on the same content, as another process would have it.
    fn handle(&self) -> Arc<dyn Store>;
}

/// One test for each promise; the subject is made by a closure or function without arguments.
macro_rules! conformance {
    ($subject:expr) => {
        $crate::store::conformance::conformance!($subject;
            reads_see_the_commits_before_them
            a_commit_is_all_or_nothing
            conditions_hold_or_conflict
            revisions_never_come_back
            of_many_on_one_key_exactly_one_wins
            no_increment_is_lost
            scans_page_through_a_prefix_in_order
            prefixes_are_taken_literally
            cursors_are_good_for_their_own_scan_only
            a_scan_during_writes_gives_what_stays_exactly_once
            large_values_end_a_page_early
            spaces_are_apart
            limits_are_refused
            nothing_is_a_fine_commit
            locks_exclude_each_other
            the_quota_of_bytes_holds
            the_quota_of_keys_holds
        );
    };
    ($subject:expr; $($test:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                $crate::store::conformance::$test(&$subject).await;
            }
        )*
    };
}
pub(super) use conformance;

fn acme() -> Space {
    Space::plugin("acme")
}

async fn put(store: &dyn Store, space: &Space, key: &str, value: &str) {
    assert_eq!(store.commit(space, vec![Write::put(key, value)]).await.unwrap(), Outcome::Committed);
}

async fn entry(store: &dyn Store, space: &Space, key: &str) -> Option<Entry> {
    store.get(space, &[key.to_owned()]).await.unwrap().remove(0)
}

async fn value(store: &dyn Store, space: &Space, key: &str) -> Option<String> {
    entry(store, space, key).await.map(|entry| String::from_utf8(entry.value).unwrap())
}

/// Every page of a scan, as keys.
async fn pages(store: &dyn Store, space: &Space, scan: Scan) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.scan(space, &scan.clone().from(cursor)).await.unwrap();
        cursor = page.cursor;
        pages.push(page.entries.into_iter().map(|entry| entry.key).collect());
        if cursor.is_none() {
            return pages;
        }
    }
}

async fn keys(store: &dyn Store, space: &Space, prefix: &str) -> Vec<String> {
    pages(store, space, Scan::new(prefix, 2)).await.concat()
}

pub(super) async fn reads_see_the_commits_before_them(subject: &impl Subject) {
    let (one, other) = (subject.handle(), subject.handle());
    for number in 0..20 {
        put(&*one, &acme(), "a", &number.to_string()).await;
        assert_eq!(value(&*one, &acme(), "a").await.unwrap(), number.to_string());
        assert_eq!(value(&*other, &acme(), "a").await.unwrap(), number.to_string());
    }
    put(&*other, &acme(), "b", "").await;
    let found = one.get(&acme(), &["b".into(), "none".into(), "a".into(), "b".into()]).await.unwrap();
    let found: Vec<_> = found.iter().map(|entry| entry.as_ref().map(|entry| (entry.key.as_str(), entry.value.as_slice()))).collect();
    assert_eq!(found, [Some(("b", &b""[..])), None, Some(("a", &b"19"[..])), Some(("b", &b""[..]))]);
    one.commit(&acme(), vec![Write::remove("a")]).await.unwrap();
    assert_eq!(value(&*other, &acme(), "a").await, None);
}

pub(super) async fn a_commit_is_all_or_nothing(subject: &impl Subject) {
    let store = subject.handle();
    put(&*store, &acme(), "there", "old").await;
    let writes = vec![
        Write::put("new", "x"),
        Write::remove("there"),
        Write::put("there too", "x").when(Condition::Revision("1".into())),
        Write::put("other", "x").when(Condition::Absent),
    ];
    assert_eq!(store.commit(&acme(), writes).await.unwrap(), Outcome::Conflict(vec!["there too".into()]));
    assert_eq!(keys(&*store, &acme(), "").await, ["there"]);
    assert_eq!(value(&*store, &acme(), "there").await.unwrap(), "old");
}

pub(super) async fn conditions_hold_or_conflict(subject: &impl Subject) {
    let store = subject.handle();
    let commit = async |write: Write| store.commit(&acme(), vec![write]).await.unwrap();
    let lost = Outcome::Conflict(vec!["a".into()]);
    assert_eq!(commit(Write::put("a", "1").when(Condition::Revision("0".into()))).await, lost);
    assert_eq!(commit(Write::remove("a").when(Condition::Absent)).await, Outcome::Committed);
    assert_eq!(commit(Write::put("a", "1").when(Condition::Absent)).await, Outcome::Committed);
    assert_eq!(commit(Write::put("a", "2").when(Condition::Absent)).await, lost);
    let revision = entry(&*store, &acme(), "a").await.unwrap().revision;
    assert_eq!(commit(Write::put("a", "2").when(Condition::Revision(revision.clone()))).await, Outcome::Committed);
    assert_eq!(commit(Write::put("a", "3").when(Condition::Revision(revision.clone()))).await, lost);
    assert_eq!(commit(Write::remove("a").when(Condition::Revision(revision))).await, lost);
    assert_eq!(commit(Write::put("a", "3").when(Condition::Revision("nonsense".into()))).await, lost);
    assert_eq!(value(&*store, &acme(), "a").await.unwrap(), "2");
    let revision = entry(&*store, &acme(), "a").await.unwrap().revision;
    assert_eq!(commit(Write::remove("a").when(Condition::Revision(revision))).await, Outcome::Committed);
    assert_eq!(value(&*store, &acme(), "a").await, None);
}

pub(super) async fn revisions_never_come_back(subject: &impl Subject) {
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let store = subject.handle();
        for text in ["same", "same"] {
            put(&*store, &acme(), "a", text).await;
            let first = entry(&*store, &acme(), "a").await.unwrap();
            assert_eq!(entry(&*store, &acme(), "a").await.unwrap(), first, "a read changes nothing");
            assert!(seen.insert(first.revision), "{seen:?}");
        }
        store.commit(&acme(), vec![Write::remove("a")]).await.unwrap();
    }
}

pub(super) async fn of_many_on_one_key_exactly_one_wins(subject: &impl Subject) {
    for round in 0..10 {
        let key = format!("key {round}");
        let tries = (0..16).map(|number| {
            let (store, write) = (subject.handle(), Write::put(&key, number.to_string()).when(Condition::Absent));
            tokio::spawn(async move { (number, store.commit(&acme(), vec![write]).await.unwrap()) })
        });
        let tries = futures::future::join_all(tries).await;
        let won: Vec<_> = tries.into_iter().map(Result::unwrap).filter(|(_, outcome)| *outcome == Outcome::Committed).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(value(&*subject.handle(), &acme(), &key).await.unwrap(), won[0].0.to_string());
    }
}

pub(super) async fn no_increment_is_lost(subject: &impl Subject) {
    put(&*subject.handle(), &acme(), "count", "0").await;
    let tasks = (0..4).map(|_| {
        let store = subject.handle();
        tokio::spawn(async move {
            for _ in 0..25 {
                loop {
                    let found = entry(&*store, &acme(), "count").await.unwrap();
                    let count: u32 = String::from_utf8(found.value).unwrap().parse().unwrap();
                    let write = Write::put("count", (count + 1).to_string()).when(Condition::Revision(found.revision));
                    if store.commit(&acme(), vec![write]).await.unwrap() == Outcome::Committed {
                        break;
                    }
                }
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(value(&*subject.handle(), &acme(), "count").await.unwrap(), "100");
}

pub(super) async fn scans_page_through_a_prefix_in_order(subject: &impl Subject) {
    let store = subject.handle();
    for key in ["b/2", "a", "b/10", "b/1", "b0", "b", "c", "b/", "b/1\u{0}", "b/é", "b/\u{10FFFF}", "B/1"] {
        put(&*store, &acme(), key, key).await;
    }
    let up = ["b/", "b/1", "b/1\u{0}", "b/10", "b/2", "b/é", "b/\u{10FFFF}"];
    let down: Vec<_> = up.iter().rev().copied().collect();
    for limit in 1..=8 {
        let found = pages(&*store, &acme(), Scan::new("b/", limit)).await;
        assert_eq!(found.concat(), up, "limit {limit}");
        assert!(found.iter().rev().skip(1).all(|page| page.len() == limit as usize), "{found:?}");
        assert!(found.iter().all(|page| !page.is_empty()), "{found:?}");
        assert_eq!(pages(&*store, &acme(), Scan::new("b/", limit).descending()).await.concat(), down, "limit {limit}");
    }
    let all = keys(&*store, &acme(), "").await;
    assert_eq!(all.len(), 12);
    assert!(all.is_sorted());
    let descending = pages(&*store, &acme(), Scan::new("", 5).descending()).await.concat();
    assert!(descending.is_sorted_by(|a, b| a > b) && descending.len() == 12, "{descending:?}");
    assert_eq!(store.scan(&acme(), &Scan::new("d", 10)).await.unwrap(), Page::default());
    let page = store.scan(&acme(), &Scan::new("c", 10)).await.unwrap();
    assert_eq!((page.entries[0].value.as_slice(), page.cursor), (&b"c"[..], None));
    assert_eq!(entry(&*store, &acme(), "c").await.as_ref(), page.entries.first());
}

pub(super) async fn prefixes_are_taken_literally(subject: &impl Subject) {
    let store = subject.handle();
    for key in ["50%", "50%/a", "500/a", "a_b", "axb", "a*b", "a?b", "[a]", "é/1", "e\u{301}/1", "É/1", "'; DROP TABLE entries; --", "z\\"]
    {
        put(&*store, &acme(), key, "").await;
    }
    for (prefix, found) in [
        ("50%", &["50%", "50%/a"][..]),
        ("a_", &["a_b"]),
        ("a*", &["a*b"]),
        ("a?", &["a?b"]),
        ("[a", &["[a]"]),
        ("é", &["é/1"]),
        ("É", &["É/1"]),
        ("'", &["'; DROP TABLE entries; --"]),
        ("z\\", &["z\\"]),
        ("%", &[]),
        ("_", &[]),
    ] {
        assert_eq!(keys(&*store, &acme(), prefix).await, found, "{prefix}");
    }
}

pub(super) async fn cursors_are_good_for_their_own_scan_only(subject: &impl Subject) {
    let store = subject.handle();
    for space in [acme(), Space::plugin("acme2"), Space::host("acme")] {
        for key in ["a/1", "a/2", "a/3", "a/4", "b/1"] {
            put(&*store, &space, key, "").await;
        }
    }
    let scan = Scan::new("a/", 2);
    let cursor = store.scan(&acme(), &scan).await.unwrap().cursor.unwrap();
    let next = scan.clone().from(Some(cursor.clone()));
    assert_eq!(subject.handle().scan(&acme(), &next).await.unwrap().entries[0].key, "a/3");
    assert!(!cursor.contains("a/"), "{cursor}");
    let mut tampered = cursor.clone().into_bytes();
    let last = tampered.len() - 2;
    tampered[last] = if tampered[last] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    let refused = [
        (Space::plugin("acme2"), next.clone()),
        (Space::host("acme"), next.clone()),
        (acme(), Scan { prefix: "a".into(), ..next.clone() }),
        (acme(), Scan { prefix: "b/".into(), ..next.clone() }),
        (acme(), Scan { prefix: String::new(), ..next.clone() }),
        (acme(), next.clone().descending()),
        (acme(), scan.clone().from(Some(tampered))),
        (acme(), scan.clone().from(Some(cursor[..8].into()))),
        (acme(), scan.clone().from(Some(String::new()))),
        (acme(), scan.clone().from(Some("a/2".into()))),
        (acme(), scan.clone().from(Some("é".into()))),
    ];
    for (space, scan) in refused {
        let found = store.scan(&space, &scan).await;
        assert!(matches!(found, Err(StoreError::Invalid(_))), "{space:?} {scan:?} {found:?}");
    }
    // The key it ended at may be gone by then.
    store.commit(&acme(), vec![Write::remove("a/2")]).await.unwrap();
    assert_eq!(store.scan(&acme(), &next).await.unwrap().entries.len(), 2);
    // Another limit is another page of the same scan.
    assert_eq!(store.scan(&acme(), &Scan { limit: 1, ..next }).await.unwrap().entries.len(), 1);
}

pub(super) async fn a_scan_during_writes_gives_what_stays_exactly_once(subject: &impl Subject) {
    let store = subject.handle();
    let stays: Vec<_> = (0..60).map(|number| format!("k/{number:03}/stays")).collect();
    store.commit(&acme(), stays.iter().map(|key| Write::put(key, "0")).collect()).await.unwrap();
    let (other, stop) = (subject.handle(), Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop);
    let writer = tokio::spawn(async move {
        for number in (0..60).cycle().take_while(|_| !stopped.load(Ordering::SeqCst)) {
            let key = format!("k/{number:03}");
            let writes = vec![Write::put(format!("{key}/comes"), "1"), Write::put(format!("{key}/stays"), "1")];
            other.commit(&acme(), writes).await.unwrap();
            other.commit(&acme(), vec![Write::remove(format!("{key}/comes"))]).await.unwrap();
        }
    });
    for _ in 0..10 {
        for order in [Scan::new("k/", 7), Scan::new("k/", 7).descending()] {
            let mut found = pages(&*store, &acme(), order).await.concat();
            found.retain(|key| key.ends_with("stays"));
            found.sort();
            assert_eq!(found, stays);
        }
    }
    stop.store(true, Ordering::SeqCst);
    writer.await.unwrap();
}

pub(super) async fn large_values_end_a_page_early(subject: &impl Subject) {
    let store = subject.handle();
    for number in 0..12 {
        store.commit(&acme(), vec![Write::put(format!("{number:02}"), vec![b'x'; 1 << 20])]).await.unwrap();
    }
    let pages = pages(&*store, &acme(), Scan::new("", 2_000)).await;
    assert!(pages.len() > 1 && pages.iter().all(|page| !page.is_empty()), "{pages:?}");
    assert_eq!(pages.concat().len(), 12);
    let too_much = vec!["00".to_owned(); 65];
    assert!(matches!(store.get(&acme(), &too_much).await, Err(StoreError::Invalid(_))));
}

pub(super) async fn spaces_are_apart(subject: &impl Subject) {
    let store = subject.handle();
    let tenants = ["acme", "acme2", "acm", "", "ACME", "acme/", "acme%", "acm_", "ácme", "acme\u{0}", "acme\u{0}k"];
    let spaces: Vec<_> = tenants.iter().flat_map(|tenant| [Space::plugin(*tenant), Space::host(*tenant)]).collect();
    for (number, space) in spaces.iter().enumerate() {
        put(&*store, space, "k", &number.to_string()).await;
        put(&*store, space, &format!("only {number}"), "").await;
    }
    for (number, space) in spaces.iter().enumerate() {
        assert_eq!(value(&*store, space, "k").await.unwrap(), number.to_string(), "{space:?}");
        assert_eq!(keys(&*store, space, "").await, ["k".to_owned(), format!("only {number}")], "{space:?}");
    }
    store.commit(&spaces[0], vec![Write::remove("k")]).await.unwrap();
    assert!(value(&*store, &spaces[1], "k").await.is_some());
    let foreign = entry(&*store, &spaces[2], "k").await.unwrap().revision;
    let write = Write::put("k", "").when(Condition::Revision(foreign));
    assert_eq!(store.commit(&spaces[0], vec![write]).await.unwrap(), Outcome::Conflict(vec!["k".into()]));
}

pub(super) async fn limits_are_refused(subject: &impl Subject) {
    let store = subject.handle();
    let (longest, too_long) = ("é".repeat(MAX_KEY_BYTES / 2), format!("{}x", "é".repeat(MAX_KEY_BYTES / 2)));
    let many = |count: usize| (0..count).map(|number| format!("many/{number:05}")).collect::<Vec<_>>();
    let writes = |count: usize| many(count).into_iter().map(|key| Write::put(key, "v")).collect::<Vec<_>>();

    put(&*store, &acme(), &longest, "v").await;
    assert_eq!(store.commit(&acme(), vec![Write::put("large", vec![0; 1 << 20])]).await.unwrap(), Outcome::Committed);
    assert_eq!(store.commit(&acme(), writes(MAX_COMMIT)).await.unwrap(), Outcome::Committed);
    assert_eq!(store.get(&acme(), &many(MAX_GET)).await.unwrap().into_iter().flatten().count(), MAX_GET);
    assert_eq!(store.scan(&acme(), &Scan::new("many/", 2_000)).await.unwrap().entries.len(), 2_000);
    assert_eq!(store.scan(&acme(), &Scan::new(&longest, 1)).await.unwrap().entries.len(), 1);
    assert_eq!(store.commit(&Space::host("acme"), vec![Write::put("large", vec![0; 2 << 20])]).await.unwrap(), Outcome::Committed);

    for refused in [
        vec![Write::put("", "v")],
        vec![Write::remove("")],
        vec![Write::put(&too_long, "v")],
        vec![Write::put("x", vec![0; (1 << 20) + 1])],
        writes(MAX_COMMIT + 1),
        vec![Write::put("x", "1"), Write::remove("x")],
    ] {
        assert!(matches!(store.commit(&acme(), refused).await, Err(StoreError::Invalid(_))));
    }
    for refused in [vec![String::new()], vec![too_long.clone()], many(MAX_GET + 1)] {
        assert!(matches!(store.get(&acme(), &refused).await, Err(StoreError::Invalid(_))));
    }
    for refused in [Scan::new("", 0), Scan::new("", 2_001), Scan::new(&too_long, 1)] {
        assert!(matches!(store.scan(&acme(), &refused).await, Err(StoreError::Invalid(_))));
    }
    assert_eq!(value(&*store, &acme(), "x").await, None);
}

pub(super) async fn nothing_is_a_fine_commit(subject: &impl Subject) {
    let store = subject.handle();
    assert_eq!(store.commit(&acme(), vec![]).await.unwrap(), Outcome::Committed);
    assert_eq!(store.get(&acme(), &[]).await.unwrap(), []);
    assert_eq!(store.commit(&acme(), vec![Write::remove("none")]).await.unwrap(), Outcome::Committed);
    store.ping().await.unwrap();
}

pub(super) async fn locks_exclude_each_other(subject: &impl Subject) {
    let (one, other) = (subject.handle(), subject.handle());
    let held = one.try_lock("acme", "batch").await.unwrap().unwrap();
    assert!(one.try_lock("acme", "batch").await.unwrap().is_none());
    assert!(other.try_lock("acme", "batch").await.unwrap().is_none());
    for (tenant, name) in [("acme", "other"), ("acme2", "batch"), ("acme/batch", ""), ("../acme", "batch"), ("ACME", "batch"), ("", "")] {
        assert!(other.try_lock(tenant, name).await.unwrap().is_some(), "{tenant} {name}");
    }
    drop(held);
    let held = other.try_lock("acme", "batch").await.unwrap();
    assert!(held.is_some() && one.try_lock("acme", "batch").await.unwrap().is_none());
}

pub(super) async fn the_quota_of_bytes_holds(subject: &impl Subject) {
    let store = subject.handle();
    let full = |key: &str, bytes: usize| vec![Write::put(key, vec![b'x'; bytes])];
    let quota = Quota { bytes: 1_000, keys: 100 };
    let commit = async |writes| store.commit_within(&acme(), writes, quota).await;
    commit(full("a", 899)).await.unwrap();
    let refused = commit(full("b", 100)).await;
    assert!(matches!(refused, Err(StoreError::QuotaExceeded { quota: 1_000, used: 900, wanted: 101 })), "{refused:?}");
    assert!(entry(&*store, &acme(), "b").await.is_none());
    commit(full("b", 99)).await.unwrap();
    commit(full("b", 99)).await.unwrap();
    commit(vec![Write::put("b", ""), Write::put("c", vec![0; 98])]).await.unwrap();
    commit(full("a", 10)).await.unwrap();
    commit(full("d", 800)).await.unwrap();
    commit(vec![Write::remove("a"), Write::remove("b"), Write::remove("c"), Write::remove("d")]).await.unwrap();
    commit(full("a", 999)).await.unwrap();
    // A lost race is told before the quota.
    let lost = commit(vec![Write::put("b", "x").when(Condition::Revision("1".into()))]).await;
    assert_eq!(lost.unwrap(), Outcome::Conflict(vec!["b".into()]));
    // Others, and the host, have room of their own.
    store.commit_within(&Space::plugin("acme2"), full("a", 999), quota).await.unwrap();
    store.commit(&Space::host("acme"), full("a", 9_999)).await.unwrap();
}

pub(super) async fn the_quota_of_keys_holds(subject: &impl Subject) {
    let store = subject.handle();
    let quota = Quota { bytes: 1_000, keys: 2 };
    let commit = async |writes| store.commit_within(&acme(), writes, quota).await;
    commit(vec![Write::put("a", "1"), Write::put("b", "2")]).await.unwrap();
    let refused = commit(vec![Write::put("c", "3")]).await;
    assert!(matches!(refused, Err(StoreError::TooManyKeys { quota: 2, used: 2, wanted: 1 })), "{refused:?}");
    // What changes their number by nothing passes, and so does what is over the quota and makes it smaller.
    commit(vec![Write::put("a", "4"), Write::remove("b"), Write::put("c", "5"), Write::remove("none")]).await.unwrap();
    store.commit(&acme(), vec![Write::put("d", "6"), Write::put("e", "7")]).await.unwrap();
    commit(vec![Write::remove("d")]).await.unwrap();
    assert!(matches!(commit(vec![Write::put("d", "8")]).await, Err(StoreError::TooManyKeys { used: 3, .. })));
    assert_eq!(keys(&*store, &acme(), "").await, ["a", "c", "e"]);
}
