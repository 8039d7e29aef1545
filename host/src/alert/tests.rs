use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::history::Warning;
use crate::mail::Mailer;
use crate::store::MemoryStore;

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
            assert_eq!((decision.mail, &decision.then, &decision.unsent), (None, &state, &state), "{trigger:?} {code:?}");
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
    assert!(mail.subject.contains("(ABORTED)") && mail.text.contains("process ended"), "{mail:?}");
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
  2026-03-01 12:00:00 UTC

This run:
  run-400, started 2026-03-01 18:40:00 UTC

More:
  PROGRAM history acme run-400
";
    assert_eq!(mail.text.replace(env!("CARGO_PKG_NAME"), "PROGRAM"), text);
    for part in ["A1", "It answered 503 &lt;nothing&gt;<br>request id 17", "Wait &amp; see.", "12:00:00 UTC", "run-400"] {
        assert!(mail.html.contains(part), "{part} in {}", mail.html);
    }
    let good = Run { warnings: vec![Warning { code: "w".into(), message: "w".into(), subject: None }], ..run(430, None) };
    let mail = decide_alert(&first, &good, after(430)).mail.unwrap();
    assert_eq!(mail.subject, "[A] Status - Batch [B] is working again for acme");
    for part in ["Was failing since:\n  2026-03-01 12:00:00 UTC", "run-430", "COMPLETE", "Warnings:\n  1"] {
        assert!(mail.text.contains(part), "{part} in {}", mail.text);
    }
}

#[test]
fn a_long_or_broken_name_makes_no_broken_subject() {
    let odd = Run { process: format!("a\r\nBcc: x {}", "n".repeat(1_000)), ..run(0, Some(&"C\n".repeat(500))) };
    let subject = decide_alert(&AlertState::default(), &odd, noon()).mail.unwrap().subject;
    assert!(subject.chars().count() <= 250 && !subject.contains(['\r', '\n']), "{subject}");
}

/// Takes mails, or refuses those to some address; `*` for all.
#[derive(Default)]
struct Inbox {
    taken: Mutex<Vec<(String, String)>>,
    refuses: Mutex<&'static str>,
}

impl Inbox {
    fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

#[async_trait]
impl Mailer for Inbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let refuses = *self.refuses.lock().unwrap();
        if refuses == "*" || mail.to[0] == refuses {
            return Err(MailError::Unreachable("away".into()));
        }
        self.taken.lock().unwrap().push((mail.to[0].clone(), mail.subject.clone()));
        Ok(())
    }

    async fn reach(&self) -> Result<(), MailError> {
        Ok(())
    }
}

fn alerts() -> (Alerts, Arc<Inbox>) {
    let (store, inbox): (Arc<dyn Store>, _) = (Arc::new(MemoryStore::new()), Arc::new(Inbox::default()));
    let postbox = Postbox::new(Arc::clone(&inbox) as Arc<dyn Mailer>, Arc::clone(&store));
    (Alerts::new(store, Some(Arc::new(postbox))), inbox)
}

#[tokio::test]
async fn everybody_is_told_with_a_mail_of_their_own() {
    let (alerts, inbox) = alerts();
    let to = Some(" a@acme.example, Operations <b@acme.example>,nonsense, ");
    assert_eq!(alerts.after(&run(0, Some("A")), to, noon()).await.unwrap(), Alerted::Mailed);
    let taken: Vec<_> = inbox.take().into_iter().map(|(to, _)| to).collect();
    assert_eq!(taken, ["a@acme.example", "Operations <b@acme.example>"]);
    assert_eq!(alerts.after(&run(5, Some("A")), to, after(5)).await.unwrap(), Alerted::Nothing);
    assert_eq!(alerts.after(&run(10, None), to, after(10)).await.unwrap(), Alerted::Mailed);
    assert!(inbox.take().iter().all(|(_, subject)| subject.contains("working again")));
    assert_eq!(alerts.after(&run(15, None), to, after(15)).await.unwrap(), Alerted::Nothing);
}

#[tokio::test]
async fn tenants_and_jobs_have_alerts_of_their_own() {
    let (alerts, inbox) = alerts();
    let failed = run(0, Some("A"));
    for other in
        [failed.clone(), Run { tenant: "acme2".into(), ..failed.clone() }, Run { job: "other".into(), run: "run-x".into(), ..failed }]
    {
        assert_eq!(alerts.after(&other, Some("a@acme.example"), noon()).await.unwrap(), Alerted::Mailed);
    }
    assert_eq!(inbox.take().len(), 3);
}

#[tokio::test]
async fn one_refused_address_keeps_nobody_else_from_knowing() {
    let (alerts, inbox) = alerts();
    *inbox.refuses.lock().unwrap() = "a@acme.example";
    let to = Some("a@acme.example,b@acme.example");
    assert_eq!(alerts.after(&run(0, Some("A")), to, noon()).await.unwrap(), Alerted::Mailed);
    assert_eq!(inbox.take().len(), 1);
}

#[tokio::test]
async fn what_could_not_go_out_is_tried_with_the_next_run() {
    let (alerts, inbox) = alerts();
    let to = Some("a@acme.example");
    *inbox.refuses.lock().unwrap() = "*";
    let refused = alerts.after(&run(0, Some("A")), to, noon()).await;
    assert!(matches!(refused, Err(AlertError::Mail(MailError::Unreachable(_)))), "{refused:?}");
    *inbox.refuses.lock().unwrap() = "";
    assert_eq!(alerts.after(&run(30, Some("A")), to, after(30)).await.unwrap(), Alerted::Mailed);

    *inbox.refuses.lock().unwrap() = "*";
    assert!(alerts.after(&run(60, None), to, after(60)).await.is_err());
    *inbox.refuses.lock().unwrap() = "";
    assert_eq!(alerts.after(&run(90, None), to, after(90)).await.unwrap(), Alerted::Mailed);
    assert!(inbox.take()[1].1.contains("working again"));
}

#[tokio::test]
async fn without_an_address_nobody_is_told_until_there_is_one() {
    let (alerts, inbox) = alerts();
    for to in [None, Some(""), Some(" , ")] {
        assert_eq!(alerts.after(&run(0, Some("A")), to, noon()).await.unwrap(), Alerted::Nobody);
    }
    assert_eq!(alerts.after(&run(30, Some("A")), Some("a@acme.example"), after(30)).await.unwrap(), Alerted::Mailed);
    assert_eq!(inbox.take().len(), 1);
    assert!(matches!(alerts.after(&run(60, Some("B")), Some("nonsense"), after(60)).await, Err(AlertError::Address)));
}

#[tokio::test]
async fn good_news_for_an_address_that_was_removed_is_not_kept_for_later() {
    let (alerts, inbox) = alerts();
    assert_eq!(alerts.after(&run(0, Some("A")), Some("a@acme.example"), noon()).await.unwrap(), Alerted::Mailed);
    assert_eq!(alerts.after(&run(30, None), None, after(30)).await.unwrap(), Alerted::Nobody);
    assert_eq!(alerts.after(&run(60, None), Some("a@acme.example"), after(60)).await.unwrap(), Alerted::Nothing);
    assert_eq!(inbox.take().len(), 1);
}

#[tokio::test]
async fn without_a_mail_server_it_is_said_why() {
    let alerts = Alerts::new(Arc::new(MemoryStore::new()), None);
    let refused = alerts.after(&run(0, Some("A")), Some("a@acme.example"), noon()).await;
    assert!(matches!(refused, Err(AlertError::NoPostbox)), "{refused:?}");
    assert_eq!(alerts.after(&run(5, None), Some("a@acme.example"), after(5)).await.unwrap(), Alerted::Nothing);
}
