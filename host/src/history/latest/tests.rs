use std::sync::Arc;

use chrono::TimeDelta;

use super::super::{Ending, NewRun, OpenRun, Trigger};
use super::*;
use crate::store::{MemoryStore, Scan, SqliteStore, Store};

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

async fn begun(history: &History, job: &str, now: DateTime<Utc>) -> OpenRun {
    let new = NewRun { tenant: "acme".into(), job: job.into(), process: job.into(), trigger: Trigger::Schedule };
    history.start(new, now).await.unwrap()
}

async fn ran(history: &History, job: &str, status: Status, now: DateTime<Utc>) {
    let open = begun(history, job, now).await;
    history.finish(open, Ending::new(status), now).await.unwrap();
}

async fn latest(history: &History, job: &str) -> (Option<Status>, Option<DateTime<Utc>>) {
    let found = history.latest("acme", &["other", job]).await.unwrap();
    assert_eq!(found[0], Latest::default(), "each job has its own");
    (found[1].status, found[1].good)
}

/// The last run of the job is the newest of the history.
async fn assert_newest(history: &History, job: &str) {
    let filter = Filter { status: None, job: Some(job.to_owned()) };
    let newest = history.list("acme", &filter, None, 1).await.unwrap().items.remove(0);
    assert_eq!(history.latest("acme", &[job]).await.unwrap()[0].run, Some(newest.run));
}

#[tokio::test]
async fn the_last_run_and_the_last_good_one_are_known_of_each_job() {
    let history = History::new(Arc::new(MemoryStore::new()));
    assert_eq!(latest(&history, "batch").await, (None, None));
    let later = |minutes| noon() + TimeDelta::minutes(minutes);
    ran(&history, "batch", Status::Error, noon()).await;
    assert_eq!(latest(&history, "batch").await, (Some(Status::Error), None));
    ran(&history, "batch", Status::CompleteWarn, later(1)).await;
    ran(&history, "test", Status::Error, later(2)).await;
    assert_eq!(latest(&history, "batch").await, (Some(Status::CompleteWarn), Some(later(1))));
    assert_newest(&history, "batch").await;
    let open = begun(&history, "batch", later(3)).await;
    assert_eq!(latest(&history, "batch").await, (Some(Status::InProcess), Some(later(1))));
    ran(&history, "batch", Status::Discarded, later(4)).await;
    history.finish(open, Ending::new(Status::Complete), later(5)).await.unwrap();
    assert_eq!(latest(&history, "batch").await, (Some(Status::Complete), Some(later(3))), "it ended after a tick that was left out");
}

#[tokio::test]
async fn a_run_whose_process_died_is_not_taken_for_one_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let open_store = || Arc::new(SqliteStore::open(folder.path().join("host.db")).unwrap());
    let (here, elsewhere) = (History::new(open_store()), History::new(open_store()));
    let open = begun(&here, "batch", noon()).await;
    assert_eq!(latest(&elsewhere, "batch").await.0, Some(Status::InProcess));
    drop(open);
    assert_eq!(latest(&elsewhere, "batch").await.0, Some(Status::Aborted));
}

#[tokio::test]
async fn of_a_store_of_an_earlier_version_the_runs_themselves_tell_it() {
    let store = Arc::new(MemoryStore::new());
    let history = History::new(store.clone());
    ran(&history, "batch", Status::Complete, noon()).await;
    ran(&history, "batch", Status::Error, noon() + TimeDelta::minutes(1)).await;
    let space = Space::host("acme");
    for prefix in ["run-last/", "run-good/"] {
        for entry in store.scan(&space, &Scan::new(prefix, 10)).await.unwrap().entries {
            store.commit(&space, vec![Write::remove(entry.key)]).await.unwrap();
        }
    }
    assert_eq!(latest(&history, "batch").await, (Some(Status::Error), Some(noon())));
    assert_newest(&history, "batch").await;
}
