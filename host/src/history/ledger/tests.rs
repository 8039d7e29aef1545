use serde_json::json;

use super::super::{Call, Counts, Failure, StepOutcome, Trigger};
use super::*;
use crate::store::{MemoryStore, SqliteStore};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-03-01T12:00:00.123456Z")
}

fn new(job: &str) -> NewRun {
    NewRun { tenant: "acme".into(), job: job.into(), process: format!("The {job}"), trigger: Trigger::Schedule }
}

fn memory() -> History {
    History::new(Arc::new(MemoryStore::new()))
}

/// Keeps the runs that were seen to end.
#[derive(Default)]
struct Seen(Mutex<Vec<(String, Status)>>);

#[async_trait]
impl Witness for Seen {
    async fn saw(&self, run: &Run) -> Result<Vec<Write>, StoreError> {
        self.0.lock().unwrap().push((run.run.clone(), run.status));
        Ok(Vec::new())
    }
}

/// Starts a run, and gives those that were found dead on the way.
async fn started_and_seen(history: &History, job: &str) -> (OpenRun, Vec<(String, Status)>) {
    let seen = Seen::default();
    let open = history.start_before(&seen, new(job), noon()).await.unwrap();
    (open, seen.0.into_inner().unwrap())
}

async fn record(history: &History, job: &str, status: Status, now: DateTime<Utc>) -> String {
    let open = history.start(new(job), now).await.unwrap();
    history.finish(open, Ending::new(status), now).await.unwrap().run.run
}

async fn list(history: &History, filter: Filter, limit: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = history.list("acme", &filter, cursor, limit).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        found.extend(page.items.into_iter().map(|run| run.run));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

fn full_ending() -> Ending {
    Ending {
        status: Status::Error,
        counts: Some(Counts(vec![("members".into(), 3), ("changed".into(), 1), ("failed".into(), 0)])),
        warnings: vec![Warning { code: "W70".into(), message: "not there".into(), subject: Some("maria".into()) }],
        failure: Some(Failure { code: "F10".into(), title: "t".into(), message: "m".into(), remedy: "r".into() }),
        story: Story {
            notes: vec![Note { at: noon().trunc_subsecs(3), level: Level::Info, code: None, message: "hello".into(), subject: None }],
            steps: vec![Step { title: "s".into(), outcome: StepOutcome::Skipped, detail: "d".into() }],
            calls: vec![Call {
                connection: "c".into(),
                method: "GET".into(),
                path: "/p".into(),
                status: Some(200),
                duration_ms: 12,
                request_id: None,
                tries: 1,
            }],
        },
    }
}

#[tokio::test]
async fn a_run_prints_every_field_in_order() {
    let history = memory();
    let open = history.start(new("batch"), noon()).await.unwrap();
    let id = open.run.run.clone();
    let text = serde_json::to_string(&open.run).unwrap();
    let head = format!(r#"{{"run":"{id}","tenant":"acme","job":"batch","process":"The batch","trigger":"schedule","#);
    let started = r#""started":"2026-03-01T12:00:00.123Z""#;
    let tail = format!(r#""status":"INPROCESS",{started},"duration_ms":null,"counts":null,"warnings":[],"failure":null}}"#);
    assert_eq!(text, format!("{head}{tail}"));

    let detail = history.finish(open, full_ending(), noon() + TimeDelta::milliseconds(1_500)).await.unwrap();
    let ended = concat!(
        r#""duration_ms":1500,"counts":{"members":3,"changed":1,"failed":0},"#,
        r#""warnings":[{"code":"W70","message":"not there","subject":"maria"}],"#,
        r#""failure":{"code":"F10","title":"t","message":"m","remedy":"r"}"#
    );
    let story = concat!(
        r#""notes":[{"at":"2026-03-01T12:00:00.123Z","level":"info","code":null,"message":"hello","subject":null}],"#,
        r#""steps":[{"title":"s","outcome":"skipped","detail":"d"}],"#,
        r#""calls":[{"connection":"c","method":"GET","path":"/p","status":200,"duration_ms":12,"request_id":null,"tries":1}]"#
    );
    let run = format!(r#"{head}"status":"ERROR",{started},{ended}"#);
    assert_eq!(serde_json::to_string(&detail).unwrap(), format!("{run},{story}}}"));
    assert_eq!(serde_json::to_string(&detail.run).unwrap(), format!("{run}}}"));
    assert_eq!(history.one("acme", &id).await.unwrap().unwrap(), detail);
    assert_eq!(history.list("acme", &Filter::default(), None, 10).await.unwrap().items, [detail.run]);
}

#[test]
fn every_status_reads_as_it_is_written() {
    for status in Status::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), json!(status.as_str()));
        assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
        assert_eq!(status.as_str().to_lowercase().parse::<Status>().unwrap(), status);
    }
    assert!("done".parse::<Status>().unwrap_err().contains("COMPLETE_WARN"));
}

#[tokio::test]
async fn the_newest_comes_first_also_within_a_millisecond() {
    let history = memory();
    let mut made = Vec::new();
    for number in 0..30 {
        made.push(record(&history, "batch", Status::Complete, noon() + TimeDelta::milliseconds(number / 10)).await);
    }
    made.reverse();
    for limit in [1, 7, 30, 100] {
        assert_eq!(list(&history, Filter::default(), limit).await, made, "limit {limit}");
    }
    assert!(history.list("other", &Filter::default(), None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_filter_leaves_the_others_out_and_still_fills_its_pages() {
    let history = memory();
    let mut failed = Vec::new();
    for number in 0..40 {
        let status = if number % 7 == 0 { Status::Error } else { Status::Complete };
        let id = record(&history, if number % 2 == 0 { "batch" } else { "test" }, status, noon() + TimeDelta::seconds(number)).await;
        if number % 14 == 0 {
            failed.insert(0, id);
        }
    }
    let filter = Filter { status: Some(Status::Error), job: Some("batch".into()) };
    for limit in [1, 2, 100] {
        assert_eq!(list(&history, filter.clone(), limit).await, failed, "limit {limit}");
    }
    let page = history.list("acme", &filter, None, 2).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(history.list("other", &filter, page.next, 2).await.is_err(), "a cursor of another tenant");
    assert!(history.list("acme", &filter, Some("x".into()), 2).await.is_err());
    assert!(history.list("acme", &filter, None, 0).await.is_err());
}

#[tokio::test]
async fn a_run_of_no_such_id_is_not_there() {
    let history = memory();
    for id in ["", "x", "../a", &"x".repeat(2_000), "00000000-0000-7000-8000-000000000000"] {
        assert_eq!(history.one("acme", id).await.unwrap(), None, "{id}");
    }
    let id = record(&history, "batch", Status::Complete, noon()).await;
    assert_eq!(history.one("other", &id).await.unwrap(), None);
    assert!(history.one("acme", &id.to_uppercase()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_open_run_stays_open_and_a_dead_one_is_shown_aborted_until_the_next_start_tells_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let open_store = || Arc::new(SqliteStore::open(folder.path().join("host.db")).unwrap());
    let (here, elsewhere) = (History::new(open_store()), History::new(open_store()));
    let alive = here.start(new("batch"), noon()).await.unwrap();
    let dead = here.start(new("batch"), noon()).await.unwrap();
    let (alive_id, dead_id) = (alive.run.run.clone(), dead.run.run.clone());
    drop(dead);

    let page = elsewhere.list("acme", &Filter::default(), None, 10).await.unwrap();
    let found: Vec<_> = page.items.iter().map(|run| (run.run.as_str(), run.status, run.duration_ms)).collect();
    assert_eq!(found, [(dead_id.as_str(), Status::Aborted, None), (alive_id.as_str(), Status::InProcess, None)]);
    let closed = elsewhere.one("acme", &dead_id).await.unwrap().unwrap();
    assert_eq!(closed.story.notes[0].message, "the process ended before the run did");

    here.finish(alive, Ending::new(Status::Complete), noon()).await.unwrap();
    assert_eq!(elsewhere.one("acme", &alive_id).await.unwrap().unwrap().run.status, Status::Complete);
    let (_open, told) = started_and_seen(&elsewhere, "batch").await;
    assert_eq!(told, [(dead_id, Status::Aborted)], "looking at it took nothing away");
}

#[tokio::test]
async fn the_next_start_closes_the_dead_and_tells_of_them_once() {
    let history = memory();
    let dead = history.start(new("batch"), noon()).await.unwrap().run.run;
    let (_open, told) = started_and_seen(&history, "test").await;
    assert_eq!(told, [(dead, Status::Aborted)]);
    assert_eq!(started_and_seen(&history, "test").await.1, []);
}

#[tokio::test]
async fn runs_are_kept_for_ninety_days() {
    let history = memory();
    let old = record(&history, "batch", Status::Complete, noon()).await;
    let young = record(&history, "batch", Status::Complete, noon() + TimeDelta::days(1)).await;
    let on_the_day = record(&history, "batch", Status::Complete, noon() + TimeDelta::days(90) - TimeDelta::minutes(1)).await;
    assert_eq!(list(&history, Filter::default(), 10).await, [on_the_day.clone(), young.clone(), old.clone()]);
    let after = record(&history, "batch", Status::Complete, noon() + TimeDelta::days(90) + TimeDelta::minutes(1)).await;
    assert_eq!(list(&history, Filter::default(), 10).await, [after, on_the_day, young]);
    assert_eq!(history.one("acme", &old).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_plugin_says_too_much_is_dropped_and_told() {
    let history = memory();
    let open = history.start(new("batch"), noon()).await.unwrap();
    let mut ending = full_ending();
    let note = Note { message: "é".repeat(100_000), ..ending.story.notes[0].clone() };
    ending.story.notes = vec![note; MAX_LINES + 3];
    ending.warnings = vec![ending.warnings[0].clone(); MAX_LINES + 1];
    ending.failure.as_mut().unwrap().message = "x".repeat(1 << 20);
    let detail = history.finish(open, ending, noon()).await.unwrap();
    assert_eq!(detail.run.warnings.len(), MAX_LINES);
    assert_eq!(detail.story.notes.len(), MAX_LINES + 2);
    let last: Vec<_> = detail.story.notes.iter().rev().take(2).map(|note| note.message.as_str()).collect();
    assert_eq!(last, ["3 more notes were dropped", "1 more warnings were dropped"]);
    assert!(detail.story.notes[0].message.ends_with("é…"));
    assert_eq!(history.one("acme", &detail.run.run).await.unwrap().unwrap(), detail);
}
