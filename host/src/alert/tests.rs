use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::clock::SystemClock;
use crate::history::Warning;
use crate::mail::{Mail, MailError, Mailer, Postbox};
use crate::store::{MemoryStore, Scan, Store};

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

/// A run that ended at this minute, with this code or well.
fn run(minute: i64, code: Option<&str>) -> Run {
    Run {
        run: format!("run-{minute}"),
        tenant: "acme".into(),
        job: "batch".into(),
        process: "[A] Status - Batch [B]".into(),
        trigger: Trigger::Schedule,
        status: if code.is_some() { Status::Error } else { Status::Complete },
        started: after(minute),
        duration_ms: Some(1),
        counts: None,
        warnings: vec![],
        failure: code.map(|code| Failure {
            code: code.into(),
            title: "The other side is away".into(),
            message: "It answered 503 <nothing>\nrequest id 17".into(),
            remedy: "Wait & see.".into(),
        }),
    }
}

/// Says what a series of runs mails: `-` nothing, `!` a failure, `+` the good news.
fn mails(runs: &[(i64, Option<&str>)]) -> String {
    let mut state = AlertState::default();
    let mut told = String::new();
    for (minute, code) in runs {
        let decision = decide_alert(&state, &run(*minute, *code), after(*minute));
        told.push(match &decision.mail {
            None => '-',
            Some(mail) if mail.subject.contains("working again") => '+',
            Some(_) => '!',
        });
        state = decision.then;
    }
    told
}

#[test]
fn who_is_told_what() {
    const A: Option<&str> = Some("A");
    const B: Option<&str> = Some("B");
    type Case = (&'static str, &'static [(i64, Option<&'static str>)], &'static str);
    let cases: &[Case] = &[
        ("a good run mails nothing", &[(0, None), (30, None)], "--"),
        ("the first failure mails", &[(0, A)], "!"),
        ("the same failure again does not", &[(0, A), (30, A), (359, A)], "!--"),
        ("until six hours are over", &[(0, A), (359, A), (360, A), (719, A), (720, A)], "!-!-!"),
        ("another code mails at once", &[(0, A), (5, B), (10, A), (15, B)], "!!--"),
        ("each code has its own six hours", &[(0, A), (300, B), (360, A), (400, B), (660, B)], "!!!-!"),
        ("the first good run after it mails, the next does not", &[(0, A), (30, A), (60, None), (90, None)], "!-+-"),
        ("the same failure stays quiet for six hours after good runs", &[(0, A), (30, None), (60, A), (90, None)], "!+--"),
        ("and is mailed after them", &[(0, A), (30, None), (360, A), (390, None)], "!+!+"),
        ("another code after good runs mails at once", &[(0, A), (30, None), (60, B), (90, None)], "!+!+"),
        ("a series that was told of once gets its good news", &[(0, A), (5, None), (10, A), (15, B), (20, None)], "!+-!+"),
        ("a clock that was ahead keeps nobody quiet", &[(600, A), (0, A), (5, A)], "!!-"),
    ];
    for (name, runs, expected) in cases {
        assert_eq!(mails(runs), *expected, "{name}");
    }
}

#[test]
fn only_scheduled_runs_that_ended_are_told_of() {
    let state = decide_alert(&AlertState::default(), &run(0, Some("A")), noon()).then;
    for trigger in [Trigger::Manual, Trigger::Event] {
        for code in [None, Some("B")] {
            let decision = decide_alert(&state, &Run { trigger, ..run(5, code) }, after(5));
            assert_eq!((decision.mail, &decision.then, &decision.untold), (None, &state, &state), "{trigger:?} {code:?}");
        }
    }
    for status in [Status::InProcess, Status::Discarded] {
        let decision = decide_alert(&state, &Run { status, ..run(5, Some("B")) }, after(5));
        assert_eq!((decision.mail, decision.then), (None, state.clone()), "{status}");
    }
    let warned = decide_alert(&state, &Run { status: Status::CompleteWarn, ..run(5, None) }, after(5));
    assert!(warned.mail.unwrap().subject.contains("working again"));
}

#[test]
fn a_run_that_could_not_speak_for_itself_is_told_of_too() {
    let dead = Run { status: Status::Aborted, failure: None, ..run(0, Some("A")) };
    let mail = decide_alert(&AlertState::default(), &dead, noon()).mail.unwrap();
    assert!(mail.subject.contains("(ABORTED)") && mail.text().contains("process ended"), "{mail:?}");
}

#[test]
fn the_text_says_all_and_the_html_the_same() {
    let first = decide_alert(&AlertState::default(), &run(0, Some("A1")), noon()).then;
    let mail = decide_alert(&first, &run(400, Some("A1")), after(400)).mail.unwrap();
    assert_eq!(mail.subject, "[A] Status - Batch [B] failed for acme (A1)");
    let text = "[A] Status - Batch [B] failed for acme: The other side is away

Code:
  A1

What happened:
  It answered 503 <nothing>
  request id 17

What to do:
  Wait & see.

Failing since:
  2026-03-01T12:00:00Z

This run:
  run-400, started 2026-03-01T18:40:00Z

More:
  PROGRAM history acme run-400
";
    assert_eq!(mail.text().replace(env!("CARGO_PKG_NAME"), "PROGRAM"), text);
    for part in ["A1", "It answered 503 &lt;nothing&gt;<br>request id 17", "Wait &amp; see.", "12:00:00Z", "run-400"] {
        assert!(mail.html().contains(part), "{part} in {}", mail.html());
    }
    let good = Run { warnings: vec![Warning { code: "w".into(), message: "w".into(), subject: None }], ..run(430, None) };
    let mail = decide_alert(&first, &good, after(430)).mail.unwrap();
    assert_eq!(mail.subject, "[A] Status - Batch [B] is working again for acme");
    for part in ["Was failing since:\n  2026-03-01T12:00:00Z", "run-430", "COMPLETE", "Warnings:\n  1"] {
        assert!(mail.text().contains(part), "{part} in {}", mail.text());
    }
}

#[test]
fn a_long_or_broken_name_makes_no_broken_subject() {
    let odd = Run { process: format!("a\r\nBcc: x {}", "n".repeat(1_000)), ..run(0, Some(&"C\n".repeat(500))) };
    let subject = decide_alert(&AlertState::default(), &odd, noon()).mail.unwrap().subject;
    assert!(subject.chars().count() <= 250 && !subject.contains(['\r', '\n']), "{subject}");
}

#[test]
fn a_job_that_stands_still_is_told_of_like_a_failure_and_a_good_run_makes_it_right() {
    let stall = Stall {
        tenant: "acme",
        job: "batch",
        process: "[A] Status - Batch [B]",
        failure: run(0, Some("60")).failure.unwrap(),
        since: noon(),
    };
    let first = decide_stall(&AlertState::default(), &stall, after(90));
    let mail = first.mail.unwrap();
    assert_eq!(mail.subject, "[A] Status - Batch [B] stands still for acme (60)");
    for part in ["Code:\n  60", "Nothing ended since:\n  2026-03-01T12:00:00Z", "history acme\n"] {
        assert!(mail.text().contains(part), "{part} in {}", mail.text());
    }
    let again = decide_stall(&first.then, &stall, after(90 + 359));
    assert_eq!((again.mail, &again.then), (None, &first.then), "not again within six hours");
    assert!(decide_stall(&first.then, &stall, after(90 + 360)).mail.is_some());
    let other = decide_alert(&first.then, &run(100, Some("A")), after(100));
    assert!(other.mail.is_some(), "a run that ended with another code is told at once");
    let good = decide_alert(&other.then, &run(130, None), after(130));
    let mail = good.mail.unwrap();
    assert!(mail.good && mail.text().contains("Was failing since:\n  2026-03-01T12:00:00Z"), "{}", mail.text());
}

/// Never asked: here nothing is sent.
struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _mail: &Mail) -> Result<(), MailError> {
        Err(MailError::Unreachable("nowhere".into()))
    }

    async fn reach(&self) -> Result<(), MailError> {
        Ok(())
    }
}

fn outbox(store: &Arc<dyn Store>, has_server: bool) -> Outbox {
    let post = has_server.then(|| Arc::new(Postbox::new(Arc::new(Nowhere), Arc::clone(store))));
    Outbox::new(Arc::clone(store), post, Arc::new(SystemClock))
}

/// What a series of runs writes: how many letters after each, and to whom at the end.
async fn letters(outbox: &Outbox, runs: &[(i64, Option<&str>, Option<&str>)]) -> (Vec<usize>, Vec<String>) {
    let mut written = Vec::new();
    for (minute, code, to) in runs {
        let run = run(*minute, *code);
        let told = Alerts::new(outbox, *to, after(*minute)).of_run(&run).await.unwrap();
        written.push(told.mails);
        assert_eq!(outbox.store().commit(&Space::host("acme"), told.writes).await.unwrap(), Outcome::Committed);
    }
    let found = outbox.store().scan(&Space::host("acme"), &Scan::new("outbox/", 100)).await.unwrap().entries;
    let to = found.iter().map(|entry| serde_json::from_slice::<Letter>(&entry.value).unwrap().to);
    (written, to.collect())
}

const OPS: Option<&str> = Some("ops@acme.example");

#[tokio::test]
async fn everybody_is_told_with_a_mail_of_their_own() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let to = Some(" a@acme.example, Operations <b@acme.example>,nonsense, ");
    let runs = [(0, Some("A"), to), (5, Some("A"), to), (10, None, to), (15, None, to)];
    let (written, to) = letters(&outbox(&store, true), &runs).await;
    assert_eq!(written, [2, 0, 2, 0]);
    assert_eq!(to, ["a@acme.example", "Operations <b@acme.example>", "a@acme.example", "Operations <b@acme.example>"]);
}

#[tokio::test]
async fn without_an_address_nobody_is_told_until_there_is_one() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let runs =
        [(0, Some("A"), None), (5, Some("A"), Some(" , ")), (10, Some("A"), Some("nonsense")), (30, Some("A"), OPS), (35, Some("A"), OPS)];
    let (written, _) = letters(&outbox(&store, true), &runs).await;
    assert_eq!(written, [0, 0, 0, 1, 0]);
}

#[tokio::test]
async fn good_news_for_an_address_that_was_removed_is_not_kept_for_later() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (written, _) = letters(&outbox(&store, true), &[(0, Some("A"), OPS), (30, None, None), (60, None, OPS)]).await;
    assert_eq!(written, [1, 0, 0]);
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_written_and_with_one_it_is_told() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (written, to) = letters(&outbox(&store, false), &[(0, Some("A"), OPS), (5, Some("A"), OPS)]).await;
    assert_eq!((written, to.len()), (vec![0, 0], 0));
    assert_eq!(letters(&outbox(&store, true), &[(30, Some("A"), OPS), (60, None, OPS)]).await.0, [1, 1]);
}

#[tokio::test]
async fn tenants_and_jobs_have_alerts_of_their_own() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let outbox = outbox(&store, true);
    let failed = run(0, Some("A"));
    for other in
        [failed.clone(), Run { tenant: "acme2".into(), ..failed.clone() }, Run { job: "other".into(), run: "run-x".into(), ..failed }]
    {
        assert_eq!(Alerts::new(&outbox, OPS, noon()).of_run(&other).await.unwrap().mails, 1);
    }
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_is_asked_again() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let outbox = outbox(&store, true);
    let (space, alerts) = (Space::host("acme"), Alerts::new(&outbox, OPS, noon()));
    let first = alerts.of_run(&run(0, Some("A"))).await.unwrap();
    let second = alerts.of_run(&run(1, Some("A"))).await.unwrap();
    assert_eq!((first.mails, second.mails), (1, 1));
    assert_eq!(store.commit(&space, first.writes).await.unwrap(), Outcome::Committed);
    assert!(matches!(store.commit(&space, second.writes).await.unwrap(), Outcome::Conflict(_)));
    assert_eq!(alerts.of_run(&run(1, Some("A"))).await.unwrap().mails, 0, "decided anew, it is the same failure");
}

#[tokio::test]
async fn a_state_that_is_damaged_begins_anew() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    store.commit(&Space::host("acme"), vec![Write::put("alert/batch", "{")]).await.unwrap();
    assert_eq!(letters(&outbox(&store, true), &[(0, Some("A"), OPS), (5, Some("A"), OPS)]).await.0, [1, 0]);
}
