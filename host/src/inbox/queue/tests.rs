use super::super::{Inbox, NotTaken, Rules, Taken, envelope::Arrived};
use super::*;
use crate::clock::{Clock, SystemClock};
use crate::store::{MemoryStore, SqliteStore};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn event(id: &str) -> Arrived {
    Arrived { id: id.to_owned(), body: format!("{{\"id\":\"{id}\"}}").into_bytes() }
}

fn events(ids: impl IntoIterator<Item = u32>) -> Vec<Arrived> {
    ids.into_iter().map(|id| event(&id.to_string())).collect()
}

fn queue(store: &Arc<dyn Store>) -> Queue {
    Queue { store: store.clone(), space: Space::host("acme") }
}

/// Every store there is.
fn stores() -> Vec<(Arc<dyn Store>, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(folder.path().join("inbox.db")).unwrap();
    vec![(Arc::new(MemoryStore::default()), None), (Arc::new(sqlite), Some(folder))]
}

fn inbox(store: &Arc<dyn Store>, clock: Arc<dyn Clock>, rules: Rules) -> Inbox {
    Inbox::new("acme", store.clone(), clock, rules)
}

struct Still(DateTime<Utc>);

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// The ids of everything in the queue, in order.
async fn ids(queue: &Queue, now: DateTime<Utc>) -> Vec<String> {
    let (segments, damaged) = queue.open(queue.look(now).await.unwrap().due).await.unwrap();
    assert!(damaged.is_empty());
    segments.into_iter().flat_map(|segment| segment.events).map(|event| event.id).collect()
}

#[tokio::test]
async fn an_event_is_stored_once_whoever_brings_it_and_however_often() {
    for (store, _folder) in stores() {
        let (one, other) = (inbox(&store, Arc::new(SystemClock), Rules::default()), inbox(&store, Arc::new(SystemClock), Rules::default()));
        let twice = vec![event("a"), event("b"), event("a")];
        assert_eq!(one.take_in(twice).await.unwrap(), Taken { accepted: 2, duplicates: 1 });
        assert_eq!(other.take_in(vec![event("b"), event("c")]).await.unwrap(), Taken { accepted: 1, duplicates: 1 });
        assert_eq!(other.take_in(vec![event("a")]).await.unwrap(), Taken { accepted: 0, duplicates: 1 });
        assert_eq!(other.take_in(Vec::new()).await.unwrap(), Taken::default());
        let mut found = ids(&queue(&store), Utc::now()).await;
        found.sort_unstable();
        assert_eq!(found, ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn of_two_hosts_that_get_the_same_events_at_once_each_event_is_stored_by_one() {
    for (store, _folder) in stores() {
        let hosts: Vec<_> = (0..2).map(|_| Arc::new(inbox(&store, Arc::new(SystemClock), Rules::default()))).collect();
        let posts = (0..40).map(|n| {
            let (host, events) = (hosts[n % 2].clone(), events((n as u32 / 2) * 10..(n as u32 / 2) * 10 + 15));
            tokio::spawn(async move { host.take_in(events).await.unwrap() })
        });
        let mut accepted = 0;
        for post in posts.collect::<Vec<_>>() {
            accepted += post.await.unwrap().accepted;
        }
        let mut found = ids(&queue(&store), Utc::now()).await;
        assert_eq!((accepted, found.len()), (205, 205));
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 205);
    }
}

#[tokio::test]
async fn an_id_is_remembered_for_a_week_and_forgotten_in_time() {
    for (store, _folder) in stores() {
        let take = async |moment: &str| {
            let inbox = inbox(&store, Arc::new(Still(at(moment))), Rules::default());
            inbox.take_in(vec![event("a"), event(moment)]).await.unwrap().accepted
        };
        assert_eq!(take("2026-11-18T23:55:00Z").await, 2);
        assert_eq!(take("2026-11-19T00:05:00Z").await, 1);
        assert_eq!(take("2026-11-25T23:54:00Z").await, 1);
        let queue = queue(&store);
        let prune = async |moment: &str| super::super::seen::prune(&*store, &queue.space, at(moment)).await.unwrap();
        assert!(!prune("2026-11-25T23:55:00Z").await);
        assert!(prune("2026-11-25T23:55:01Z").await);
        assert!(!prune("2026-11-25T23:55:01Z").await);
        assert_eq!(take("2026-11-25T23:55:01Z").await, 2, "and remembered anew");
        assert_eq!(take("2026-11-26T00:04:00Z").await, 1);
        while prune("2027-01-01T00:00:00Z").await {}
        let left = store.scan(&queue.space, &Scan::new("seen", 1)).await.unwrap().entries;
        assert_eq!(left, [], "nothing stays for good");
    }
}

#[tokio::test]
async fn a_post_of_many_events_takes_several_segments_and_the_queue_counts_them() {
    for (store, _folder) in stores() {
        let inbox = inbox(&store, Arc::new(SystemClock), Rules::default());
        assert_eq!(inbox.take_in(events(0..1_234)).await.unwrap(), Taken { accepted: 1_234, duplicates: 0 });
        let queue = queue(&store);
        let front = queue.look(Utc::now()).await.unwrap();
        assert_eq!((front.due.len(), front.batch().size.events), (3, 1_234));
        assert_eq!(queue.census().await.unwrap().events, 1_234);
        assert_eq!(inbox.numbers().read(Utc::now()).waiting, 1_234);
    }
}

#[tokio::test]
async fn a_full_inbox_refuses_and_takes_in_again_when_there_is_room() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let inbox = inbox(&store, Arc::new(SystemClock), Rules { most_waiting: 3, ..Rules::default() });
    assert_eq!(inbox.take_in(events(0..3)).await.unwrap().accepted, 3);
    assert!(matches!(inbox.take_in(events(3..4)).await, Err(NotTaken::Full)));
    inbox.numbers().dealt_with(1, 0);
    assert_eq!(inbox.take_in(events(3..4)).await.unwrap().accepted, 1);
}

#[tokio::test]
async fn what_is_due_comes_first_and_what_is_not_waits() {
    for (store, _folder) in stores() {
        let (queue, now) = (queue(&store), at("2026-11-22T10:00:00Z"));
        let waiting = |id: &str| [Waiting::new(id.to_owned(), "{}".to_owned(), now)];
        let minutes = TimeDelta::minutes;
        let mut writes = Vec::new();
        for (id, due) in
            [("later", now + minutes(5)), ("first", now - minutes(1)), ("second", now), ("of a wrong clock", now + minutes(999))]
        {
            writes.extend(put(&waiting(id), due, false).unwrap());
        }
        store.commit(&queue.space, writes).await.unwrap();
        assert_eq!(ids(&queue, now).await, ["first", "second", "of a wrong clock"]);
        assert_eq!(queue.look(now).await.unwrap().next, Some(now + minutes(5)));
        assert_eq!(queue.census().await.unwrap(), Census { events: 4, oldest: Some(now) });
    }
}

#[tokio::test]
async fn what_stands_apart_goes_alone_and_a_call_holds_no_more_than_it_may() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (queue, now) = (queue(&store), at("2026-11-22T10:00:00Z"));
    let fill = async |apart: bool, due: i64, number: usize, bytes: usize| {
        let events: Vec<_> = (0..number).map(|n| Waiting::new(format!("{due}-{n}"), "x".repeat(bytes), now)).collect();
        store.commit(&queue.space, put(&events, now - TimeDelta::seconds(due), apart).unwrap().to_vec()).await.unwrap();
    };
    fill(true, 9, 3, 1).await;
    fill(false, 8, 500, 1).await;
    fill(true, 7, 1, 1).await;
    fill(false, 6, 400, 1).await;
    let batch = queue.look(now).await.unwrap().batch();
    assert_eq!((batch.size.events, batch.full), (3, true), "alone, since it stands first");
    let (segments, _) = queue.open(batch.due).await.unwrap();
    store.commit(&queue.space, segments[0].removal().to_vec()).await.unwrap();
    let batch = queue.look(now).await.unwrap().batch();
    assert_eq!((batch.size.events, batch.full), (900, false), "and who stands apart does not go with the others");
    for n in 1..=31 {
        fill(false, n % 6, 500, 1).await;
    }
    let batch = queue.look(now).await.unwrap().batch();
    assert_eq!((batch.size.events, batch.full), (15_900, true), "16,400 would be too many");
    fill(false, 99, 1, CALL.bytes + 1).await;
    let batch = queue.look(now).await.unwrap().batch();
    assert_eq!((batch.size.events, batch.full), (1, true), "one that is too large by itself goes alone");
}

#[tokio::test]
async fn a_segment_is_taken_out_once() {
    for (store, _folder) in stores() {
        let (queue, now) = (queue(&store), Utc::now());
        store.commit(&queue.space, put(&[Waiting::new("a".into(), "{}".into(), now)], now, false).unwrap().to_vec()).await.unwrap();
        let (segments, _) = queue.open(queue.look(now).await.unwrap().due).await.unwrap();
        let remove = async || store.commit(&queue.space, segments[0].removal().to_vec()).await.unwrap();
        assert_eq!(remove().await, crate::store::Outcome::Committed);
        assert!(matches!(remove().await, crate::store::Outcome::Conflict(_)));
        assert_eq!(queue.census().await.unwrap(), Census::default());
    }
}

#[tokio::test]
async fn a_body_stands_in_its_segment_as_it_is_and_what_is_no_json_comes_back_all_the_same() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (queue, now) = (queue(&store), at("2026-11-22T10:00:00Z"));
    let bodies = [r#"{"data":{"user":"a\"b\\"}}"#, "[{\"id\":", "\"quoted\"", "", "{\"a\":1} "];
    let events: Vec<_> = bodies.iter().map(|body| Waiting::new("e".to_owned(), (*body).to_owned(), now)).collect();
    let [slip, segment] = put(&events, now, false).unwrap();
    let text = String::from_utf8(segment.value.clone().unwrap()).unwrap();
    assert!(text.contains(&format!("\"body\":{}", bodies[0])), "{text}");
    store.commit(&queue.space, vec![slip, segment]).await.unwrap();
    let (segments, damaged) = queue.open(queue.look(now).await.unwrap().due).await.unwrap();
    assert!(damaged.is_empty());
    let found: Vec<_> = segments[0].events.iter().map(|event| event.body.trim_end()).collect();
    assert_eq!(found, bodies.map(str::trim_end));
}

#[test]
fn a_body_that_an_earlier_version_quoted_is_read() {
    let stored = r#"{"id":"e","body":"{\"id\":\"e\"}","arrived":1,"since":1,"attempts":0,"failures":0}"#;
    assert_eq!(serde_json::from_str::<Waiting>(stored).unwrap().body, r#"{"id":"e"}"#);
}
