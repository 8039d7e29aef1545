//! Watching and explaining: what ran, who may and why, what would be; over HTTP, against the simulators.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use shift_access::history::{Counts, Failure, Run, Status, Trigger, Warning};
use shift_access::store::{Space, SqliteStore, Store, Write};
use shift_access_tests::browser::Browser;
use shift_access_tests::fault::Fault;
use shift_access_tests::hook::{self, listener};
use shift_access_tests::stage::Stage;
use shift_access_tests::world::{World, hours};
use uuid::{NoContext, Timestamp, Uuid};

use super::Site;
use crate::{PROGRAM, demo, empty};

const TENANT: &str = "/console/tenants/acme";
/// How long something may take that is under way.
const PATIENCE: Duration = Duration::from_secs(60);

/// The text of a page that is there, and not too large.
async fn page(browser: &mut Browser, path: &str) -> String {
    let seen = browser.open(path).await.unwrap();
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    assert!(seen.text.len() < 200_000, "{path}: {} bytes", seen.text.len());
    seen.text
}

/// The same once it has this word: some of what it shows is counted beside it.
async fn page_with(browser: &mut Browser, path: &str, word: &str) -> String {
    let began = std::time::Instant::now();
    loop {
        let text = page(browser, path).await;
        if text.contains(word) {
            return text;
        }
        assert!(began.elapsed() < PATIENCE, "{path} never has {word}: {text}");
    }
}

/// Follows a live page until it says that nothing more changes, and gives all that came.
async fn followed(browser: &Browser, path: &str) -> String {
    let response = browser.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = tokio::time::timeout(PATIENCE, response.text()).await.unwrap().unwrap();
    assert!(text.contains("event: end"), "{text}");
    text
}

/// The first link to a run in a page.
fn run_path(page: &str) -> String {
    let (_, rest) = page.split_once("<th scope=\"row\"><a href=\"").unwrap_or_else(|| panic!("no run: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_history_tells_what_ran_and_behind_a_click_why_it_failed_and_what_to_do() {
    let site = Site::with_people().await;
    site.stage.batch().await.unwrap();
    site.stage.ukg.faults().add(Fault::everywhere().status(500));
    site.stage.run(&["run", "acme", "test-connection"]).await.unwrap();
    let mut viewer = site.signed_in("viewer").await;
    let history = page(&mut viewer, &format!("{TENANT}/history")).await;
    // What may be asked for stands above the table.
    let rows: Vec<_> = history.split("<tbody>").nth(1).unwrap().split("</tr>").collect();
    for word in ["ERROR", "[Kronos] Worker Status Test Connection", "HWBS-WS"] {
        assert!(rows[0].contains(word), "{word}: {}", rows[0]);
    }
    assert!(rows[1].contains("COMPLETE_WARN") && !rows[1].contains("HWBS-WS"), "{}", rows[1]);
    let failed = page(&mut viewer, &run_path(&history)).await;
    for word in ["ERROR", "What to do", "HWBS-WS", "Calls", "Kronos"] {
        assert!(failed.contains(word), "{word}: {failed}");
    }
    let filtered = page(&mut viewer, &format!("{TENANT}/history?job=batch&status=")).await;
    let batch = page(&mut viewer, &run_path(&filtered)).await;
    assert!(batch.contains("Counts") && batch.contains("on shift") && batch.contains("Notes"), "{batch}");
    assert!(page(&mut viewer, &format!("{TENANT}/history?status=DISCARDED")).await.contains("There is nothing of this."));
    for wrong in ["history?status=FINE", "history?from=made-up"] {
        assert_eq!(viewer.open(&format!("{TENANT}/{wrong}")).await.unwrap().status, 400, "{wrong}");
    }
    let day = page_with(&mut viewer, &format!("{TENANT}/day"), "<svg").await;
    assert!(day.contains("on shift") && day.contains("<table>"), "{day}");
    let overview = page_with(&mut viewer, "/console", "on shift").await;
    assert!(overview.contains(&format!("{TENANT}/workers")), "{overview}");
}

#[tokio::test]
async fn a_run_is_followed_while_it_goes_on_and_stopped_by_an_operator() {
    let site = Site::with_people().await;
    site.stage.ukg.faults().add(Fault::everywhere().hang());
    let token = site.stage.run(&["token", "create", "acme", "--scope", "operate"]).await.unwrap().out;
    let mut operator = site.signed_in("operator").await;
    let begun = operator.request(Method::POST, "/api/v1/tenants/acme/jobs/batch/runs").bearer_auth(token.trim());
    assert_eq!(operator.send(begun).await.unwrap().status, 202);
    let history = page(&mut operator, &format!("{TENANT}/history")).await;
    assert!(history.contains("INPROCESS"), "{history}");
    let path = run_path(&history);
    let going = page(&mut operator, &path).await;
    assert!(going.contains("Stop this run") && going.contains("<progress"), "{going}");
    let mut viewer = site.signed_in("viewer").await;
    let seen = page(&mut viewer, &path).await;
    assert!(!seen.contains("Stop this run") && seen.contains("data-live"), "{seen}");

    let stopped = operator.fill_in(&path, &format!("{path}/stop"), &[]).await.unwrap();
    assert_eq!((stopped.status, stopped.location()), (303, path.as_str()), "{}", stopped.text);
    let live = path.replace("/console/tenants/acme/history/", "/console/live/tenants/acme/runs/");
    assert!(followed(&viewer, &live).await.contains(&path), "the browser goes on to the run");
    let ended = page(&mut viewer, &path).await;
    assert!(ended.contains("ABORTED") && ended.contains("Stopped by operator.") && !ended.contains("data-live"), "{ended}");
    let again = operator.fill_in("/console/account", &format!("{path}/stop"), &[]).await.unwrap();
    assert_eq!(again.status, 303, "{}", again.text);
    assert!(page(&mut operator, &path).await.contains("It had ended already."));
    let audit = page(&mut site.signed_in("administrator").await, "/console/audit").await;
    assert!(audit.contains("stopped the run"), "{audit}");
}

#[tokio::test]
async fn a_worker_is_found_by_name_or_number_and_the_way_to_the_decision_is_told() {
    let site = Site::with_people().await;
    site.stage.batch().await.unwrap();
    let mut viewer = site.signed_in("viewer").await;
    let all = page(&mut viewer, &format!("{TENANT}/workers")).await;
    assert!(all.contains("jweber") && all.contains("adiaz"), "{all}");
    let one = page(&mut viewer, &format!("{TENANT}/workers?q=JWeb")).await;
    assert!(one.contains("jweber") && !one.contains("adiaz"), "{one}");
    let record = site.stage.run(&["worker", "acme", "jweber", "--json"]).await.unwrap().json().unwrap();
    let number = record["person_number"].as_str().unwrap();
    let one = page(&mut viewer, &format!("{TENANT}/workers?q={number}")).await;
    assert!(one.contains("jweber") && !one.contains("adiaz"), "{one}");
    let status = record["status"].as_str().unwrap();
    assert!(page(&mut viewer, &format!("{TENANT}/workers?q=jweber&status={status}")).await.contains("workers/jweber"));
    assert!(page(&mut viewer, &format!("{TENANT}/workers?q=jweber&status=none-such")).await.contains("Nothing is stored"));
    assert_eq!(viewer.open(&format!("{TENANT}/workers?from=made-up")).await.unwrap().status, 400);

    let path = format!("{TENANT}/workers/jweber");
    let worker = page(&mut viewer, &path).await;
    for word in ["Decision", "How it comes about", "allow", "data-local", "on break"] {
        assert!(worker.contains(word), "{word}: {worker}");
    }
    assert!(!worker.contains("Ask UKG Pro Workforce Management (Kronos) now"), "looking is for viewers, asking is not: {worker}");
    let calls = site.stage.ukg.calls().all().len();
    let mut operator = site.signed_in("operator").await;
    let asked = operator.fill_in(&path, &format!("{path}/ask"), &[]).await.unwrap();
    assert_eq!((asked.status, asked.location()), (303, path.as_str()), "{}", asked.text);
    assert!(site.stage.ukg.calls().all().len() > calls, "UKG was asked");
    let worker = page(&mut operator, &path).await;
    assert!(
        worker.contains("was read anew") && worker.contains("look up") && worker.contains("Ask UKG Pro Workforce Management (Kronos) now"),
        "{worker}"
    );
    assert!(page(&mut operator, &format!("{TENANT}/workers/nobody%20at%2Fall")).await.contains("Nothing is stored of this user"));
}

#[tokio::test]
async fn a_worker_is_read_anew_once_for_who_asks_in_the_console_and_who_asks_by_the_api() {
    let site = Site::with_people().await;
    site.stage.batch().await.unwrap();
    let token = site.stage.run(&["token", "create", "acme", "--scope", "read"]).await.unwrap().out.trim().to_owned();
    let mut operator = site.signed_in("operator").await;
    // Both come while the first is on its way.
    site.stage.ukg.faults().add(Fault::everywhere().delay(Duration::from_secs(1)).times(3));
    let refresh = format!("{}/api/v1/tenants/acme/workers/jweber?refresh=true", site.serving.url());
    let path = format!("{TENANT}/workers/jweber");
    let by_api = async { reqwest::Client::new().get(refresh).bearer_auth(token).send().await.unwrap().status() };
    let ask = format!("{path}/ask");
    let (status, asked) = tokio::join!(by_api, operator.fill_in(&path, &ask, &[]));
    let asked = asked.unwrap();
    assert_eq!((status.as_u16(), asked.status), (200, 303), "{}", asked.text);
    assert!(page(&mut operator, &path).await.contains("was read anew"));
    let runs = site.stage.run(&["history", "acme", "--job", "look-up", "--json"]).await.unwrap();
    assert_eq!(runs.json_lines().unwrap().len(), 1, "{}", runs.out);
}

#[tokio::test]
async fn who_would_gain_and_who_would_lose_is_shown_and_nothing_is_stored() {
    let site = Site::with_people().await;
    site.stage.batch().await.unwrap();
    let mut viewer = site.signed_in("viewer").await;
    assert!(page(&mut viewer, &format!("{TENANT}/what-if")).await.contains("Access on a break"));
    let then = page(&mut viewer, &format!("{TENANT}/what-if?set.on-break=deny")).await;
    assert!(then.contains("0 gain access and 3 lose it") && then.contains("jweber") && then.contains("Nothing is stored"), "{then}");
    let same = page(&mut viewer, &format!("{TENANT}/what-if?set.on-break=allow")).await;
    assert!(same.contains("nobody gains and nobody loses"), "{same}");
    let wrong = page(&mut viewer, &format!("{TENANT}/what-if?set.max-break-minutes=%3Cb%3E")).await;
    assert!(wrong.contains("write a number from 5 to 1440") && !wrong.contains("<b>"), "{wrong}");
}

#[tokio::test]
async fn identities_are_read_by_an_operator_and_pinned_by_an_administrator() {
    let site = Site::with_people().await;
    let path = format!("{TENANT}/identities");
    let mut viewer = site.signed_in("viewer").await;
    assert!(page(&mut viewer, &path).await.contains("Nobody has read them"));
    let mut operator = site.signed_in("operator").await;
    assert_eq!(operator.fill_in(&path, &format!("{path}/read"), &[]).await.unwrap().status, 303);
    followed(&viewer, "/console/live/tenants/acme/identities").await;
    let read = page(&mut viewer, &path).await;
    assert!(read.contains("jweber") && read.contains("matched"), "{read}");
    assert!(!read.contains("Pin a user"), "{read}");
    let mut administrator = site.signed_in("administrator").await;
    assert!(page(&mut administrator, &path).await.contains("Pin a user"));
    let fields = [("user", "a\"b<i>"), ("number", "100007")];
    let told = administrator.fill_in(&path, &format!("{path}/pin"), &fields).await.unwrap();
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(
        told.text.contains("[tenants.acme.properties.identities]") && told.text.contains("&quot;a\\&quot;b&lt;i&gt;&quot;"),
        "{}",
        told.text
    );
}

#[tokio::test]
async fn a_dead_letter_is_looked_at_put_back_and_discarded() {
    let stage = demo().await.unwrap();
    stage.configure_more(&listener()).unwrap();
    let site = Site::of(stage).await;
    let good = hook::event("x1", "100007", Utc::now(), Some("in"));
    let body = format!("[{{\"data\":\"<script>alert(1)</script>\"}}, {good}]");
    let mut operator = site.signed_in("operator").await;
    let posted = operator.request(Method::POST, "/hooks/acme").header(hook::SIGNATURE, hook::signature(body.as_bytes())).body(body);
    assert_eq!(operator.send(posted).await.unwrap().status, 202);
    let path = format!("{TENANT}/dead-letters");
    let list = page_with(&mut operator, &path, "<th scope=\"row\">").await;
    let letter = run_path(&list);
    let shown = page(&mut operator, &letter).await;
    assert!(shown.contains("&lt;script&gt;alert(1)") && !shown.contains("<script>"), "{shown}");
    let mut viewer = site.signed_in("viewer").await;
    assert!(!page(&mut viewer, &letter).await.contains("Discard it"));
    // It cannot be read this time either, and comes back.
    let again = operator.fill_in(&letter, &format!("{letter}/replay"), &[]).await.unwrap();
    assert_eq!((again.status, again.location()), (303, path.as_str()), "{}", again.text);
    let letter = run_path(&page_with(&mut operator, &path, "<th scope=\"row\">").await);
    let kept = operator.fill_in(&letter, &format!("{letter}/discard"), &[]).await.unwrap();
    assert_eq!((kept.status, kept.location()), (303, letter.as_str()), "the box was not ticked");
    let gone = operator.fill_in(&letter, &format!("{letter}/discard"), &[("sure", "yes")]).await.unwrap();
    assert_eq!((gone.status, gone.location()), (303, path.as_str()));
    assert_eq!(operator.open(&letter).await.unwrap().status, 404);
    let audit = page(&mut site.signed_in("administrator").await, "/console/audit").await;
    for done in ["put the dead letter ", "discarded the dead letter"] {
        assert!(audit.contains(done), "{done}: {audit}");
    }
}

#[tokio::test]
async fn names_of_hostile_text_are_text() {
    let stage = empty().await.unwrap();
    let hostile = "\"><img src=x onerror=alert(1)>\u{202e}&'";
    stage.world.person(hostile).number("1").in_group("Store 12 Hourly").clocked_in(hours(2));
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let site = Site::of(stage).await;
    site.stage.batch().await.unwrap();
    let mut viewer = site.signed_in("viewer").await;
    let list = page(&mut viewer, &format!("{TENANT}/workers?q=%22%3E%3Cimg")).await;
    assert!(!list.contains("<img") && list.contains("<bdi>&quot;&gt;&lt;img"), "{list}");
    let worker = page(&mut viewer, &run_path(&list)).await;
    assert!(!worker.contains("<img") && worker.contains("How it comes about"), "{worker}");
}

/// A store with many runs, each with what a run can leave behind.
async fn many_runs(stage: &Stage, count: u32) {
    let store = SqliteStore::open(stage.store()).unwrap();
    let begin = Utc::now() - TimeDelta::hours(20);
    for number in 0..count {
        let started = begin + TimeDelta::minutes(2) * i32::try_from(number).unwrap();
        let seconds = u64::try_from(started.timestamp()).unwrap();
        let text = "\"<&".repeat(160);
        let warning = Warning { code: "BWS-61".into(), message: text.clone(), subject: Some(text.clone()) };
        let words = ["members", "on_shift", "on_break", "off_shift", "unknown"];
        let failure = Failure { code: "BWS-10".into(), title: text.clone(), message: text.clone(), remedy: text };
        let run = Run {
            run: Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0)).to_string(),
            tenant: "acme".into(),
            job: "batch".into(),
            process: "Batch".into(),
            trigger: Trigger::Schedule,
            status: if number % 2 == 0 { Status::Error } else { Status::CompleteWarn },
            started,
            duration_ms: Some(30_000),
            counts: Some(Counts(words.map(|word| (word.to_owned(), u64::from(number))).to_vec())),
            warnings: vec![warning; 200],
            failure: (number % 2 == 0).then_some(failure),
        };
        let write = Write::put(format!("run/{}", run.run), serde_json::to_vec(&run).unwrap());
        store.commit(&Space::host("acme"), vec![write]).await.unwrap();
    }
}

#[tokio::test]
async fn no_page_is_large_with_two_thousand_workers_and_five_hundred_runs() {
    let (world, _) = World::company_in(Utc::now(), 2_000, 7, &["Store 12 Hourly"]);
    let stage = Stage::new(world, PROGRAM).await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.batch().await.unwrap();
    many_runs(&stage, 500).await;
    let site = Site::of(stage).await;
    let mut viewer = site.signed_in("viewer").await;
    for place in ["workers", "workers?status=on-shift", "day", "history", "alerts", "dead-letters", "what-if?set.on-break=deny"] {
        page(&mut viewer, &format!("{TENANT}/{place}")).await;
    }
    let history = page(&mut viewer, &format!("{TENANT}/history?status=CompleTE_warn")).await;
    page(&mut viewer, &run_path(&history)).await;

    let (mut seen, mut next) = (0, Some(format!("{TENANT}/workers?q=")));
    while let Some(path) = next.take() {
        let text = page(&mut viewer, &path).await;
        seen += text.matches("<th scope=\"row\">").count();
        next = text.split_once("\">More</a>").map(|(before, _)| before.rsplit('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!(seen, 2_000, "each is on one page");
}
