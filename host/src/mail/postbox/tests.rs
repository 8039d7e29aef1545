use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::store::{MemoryStore, Order, SqliteStore};

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn mail(key: &str) -> Mail {
    Mail { to: vec!["ops@acme.example".into()], subject: "s".into(), text: "t".into(), html: None, key: key.into() }
}

/// Takes a while over each message, and fails the first few.
#[derive(Default)]
struct Slow {
    taken: Mutex<Vec<String>>,
    failures: AtomicUsize,
}

impl Slow {
    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl Mailer for Slow {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(MailError::Unreachable("away".into()));
        }
        self.taken.lock().unwrap().push(mail.key.clone());
        Ok(())
    }

    async fn reach(&self) -> Result<(), MailError> {
        Ok(())
    }
}

fn postbox(mailer: &Arc<Slow>, store: &Arc<dyn Store>) -> Postbox {
    Postbox::new(Arc::clone(mailer) as Arc<dyn Mailer>, Arc::clone(store))
}

fn parts() -> (Arc<Slow>, Arc<dyn Store>) {
    (Arc::new(Slow::default()), Arc::new(MemoryStore::new()))
}

#[tokio::test]
async fn a_key_is_sent_once_in_seven_days() {
    let (mailer, store) = parts();
    let postbox = postbox(&mailer, &store);
    let acme = Space::plugin("acme");
    let send = async |now| postbox.send(&acme, &mail("run-17"), now).await.unwrap();
    assert_eq!(send(noon()).await, Receipt::Accepted);
    assert_eq!(send(noon()).await, Receipt::Duplicate);
    assert_eq!(send(noon() + TimeDelta::days(7)).await, Receipt::Duplicate);
    assert_eq!(send(noon() - TimeDelta::days(30)).await, Receipt::Duplicate, "a clock that was set back");
    assert_eq!(send(noon() + TimeDelta::days(8)).await, Receipt::Accepted);
    let taken = mailer.taken();
    assert_eq!((taken.len(), &taken[0]), (2, &taken[1]), "the same message has the same name");
}

#[tokio::test]
async fn of_many_who_send_one_key_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = Arc::new(Slow::default());
    let tasks = (0..8).map(|_| {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("host.db")).unwrap());
        let postbox = postbox(&mailer, &store);
        tokio::spawn(async move { postbox.send(&Space::plugin("acme"), &mail("run-17"), noon()).await.unwrap() })
    });
    let receipts = futures::future::join_all(tasks).await;
    let accepted = receipts.into_iter().filter(|receipt| *receipt.as_ref().unwrap() == Receipt::Accepted).count();
    assert_eq!((accepted, mailer.taken().len()), (1, 1));
}

#[tokio::test]
async fn what_was_not_sent_is_sent_by_the_next() {
    let (mailer, store) = parts();
    mailer.failures.store(1, Ordering::SeqCst);
    let postbox = postbox(&mailer, &store);
    let send = async || postbox.send(&Space::plugin("acme"), &mail("run-17"), noon()).await;
    let (one, other) = tokio::join!(send(), send());
    let results = [one, other];
    assert!(results.contains(&Ok(Receipt::Accepted)), "{results:?}");
    assert!(results.contains(&Err(MailError::Unreachable("away".into()))), "{results:?}");
    assert_eq!(mailer.taken().len(), 1);
}

#[tokio::test]
async fn nobody_can_use_up_the_key_of_another() {
    let (mailer, store) = parts();
    let postbox = postbox(&mailer, &store);
    for from in [Space::plugin("acme"), Space::host("acme"), Space::plugin("acme2")] {
        assert_eq!(postbox.send(&from, &mail("run-17"), noon()).await.unwrap(), Receipt::Accepted, "{from:?}");
    }
    let mut names = mailer.taken();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[tokio::test]
async fn a_malformed_message_reserves_nothing() {
    let (mailer, store) = parts();
    let postbox = postbox(&mailer, &store);
    let bad = Mail { subject: "a\nb".into(), ..mail("run-17") };
    assert!(matches!(postbox.send(&Space::plugin("acme"), &bad, noon()).await, Err(MailError::Invalid(_))));
    assert_eq!(postbox.send(&Space::plugin("acme"), &mail("run-17"), noon()).await.unwrap(), Receipt::Accepted);
}

#[tokio::test]
async fn old_keys_are_removed_and_no_content_is_kept() {
    let (mailer, store) = parts();
    for number in 0..3 {
        let key = format!("run-{number}");
        postbox(&mailer, &store).send(&Space::plugin("acme"), &mail(&key), noon()).await.unwrap();
    }
    postbox(&mailer, &store).send(&Space::plugin("acme"), &mail("late"), noon() + TimeDelta::days(8)).await.unwrap();
    let all = Scan { prefix: String::new(), cursor: None, limit: 100, order: Order::Ascending };
    let kept = store.scan(&Space::host("acme"), &all).await.unwrap().entries;
    assert_eq!(kept.len(), 1);
    assert!(!String::from_utf8_lossy(&kept[0].value).contains("acme.example"));
}
