//! Every limit, gone over from inside: what the plugin asked for it is refused in the words of the contract, what it burnt ends
//! its call, and both name the key to raise. Just below nothing happens.

use std::sync::Arc;
use std::time::Duration;

use shift_access::description::PropertyValue;
use shift_access::history::{RunDetail, Status, Trigger};
use shift_access::limits::Limits;
use shift_access::plugin::{CallError, Pack};
use shift_access::store::{SqliteStore, Store};
use shift_access::{Host, Order, Tenant};
use shift_access_tests::PROBE;
use shift_access_tests::fault::Fault;
use shift_access_tests::inbox::Inbox;
use shift_access_tests::ukg::UkgSim;
use shift_access_tests::world::World;

use crate::probes;

/// A host in memory, and a tenant of the probe under these limits.
async fn under(change: impl FnOnce(&mut Limits)) -> (Host, Tenant) {
    let (host, mut tenant) = super::probe().await;
    tenant.limits = limits(change);
    (host, tenant)
}

fn limits(change: impl FnOnce(&mut Limits)) -> Arc<Limits> {
    let mut limits = Limits::default();
    change(&mut limits);
    Arc::new(limits)
}

async fn run(host: &Host, tenant: &Tenant, job: &str, set: &[&str]) -> RunDetail {
    let set: Vec<_> = set.iter().map(|option| (*option).to_owned()).collect();
    let order = Order::new(tenant, job, Trigger::Manual).unwrap().with(&set).unwrap();
    host.run(tenant, order, Default::default(), Default::default()).await.unwrap()
}

/// The run must have ended with this code, and say this.
pub(crate) fn ended(detail: &RunDetail, code: &str, words: &[&str]) {
    let failure = detail.run.failure.as_ref().unwrap_or_else(|| panic!("{code} was wanted: {detail:?}"));
    assert_eq!((detail.run.status, failure.code.as_str()), (Status::Error, code), "{failure:?}");
    for word in words {
        assert!(failure.message.contains(word), "no {word:?} in {:?}", failure.message);
    }
}

pub(crate) fn went_well(detail: &RunDetail) {
    assert!(matches!(detail.run.status, Status::Complete | Status::CompleteWarn), "{:?}", detail.run.failure);
}

/// How often the platform gave an answer of this kind, and the text of the first.
pub(crate) fn answered(detail: &RunDetail, kind: &str) -> (u64, String) {
    went_well(detail);
    let counts = detail.run.counts.clone().unwrap_or_default().0;
    let count = counts.iter().find(|(name, _)| name == kind).map_or(0, |(_, count)| *count);
    let step = detail.story.steps.iter().find(|step| step.title == kind);
    (count, step.map(|step| step.detail.clone()).unwrap_or_default())
}

#[tokio::test]
async fn memory_over_the_limit_is_52_and_names_the_key() {
    let (host, tenant) = under(|limits| limits.jobs.memory_mib = 16).await;
    let detail = run(&host, &tenant, "memory", &[]).await;
    ended(&detail, "PROBE-52", &["more than 16 MiB of memory; raise memory-mib under [tenants.probe.limits.jobs]"]);
    went_well(&run(&host, &tenant, "journal", &[]).await);
}

#[tokio::test]
async fn tables_elements_and_modules_over_their_number_are_52_and_name_the_key() {
    for (change, words) in [
        (Box::new(|limits: &mut Limits| limits.tables = 1) as Box<dyn FnOnce(&mut Limits)>, "more than 1 tables; raise tables under"),
        (Box::new(|limits| limits.table_elements = 3), "more than 3 elements of tables; raise table-elements under"),
        (Box::new(|limits| limits.instances = 1), "more than 1 core modules; raise instances under"),
    ] {
        let (host, tenant) = under(change).await;
        ended(&run(&host, &tenant, "journal", &[]).await, "PROBE-52", &[words, "[tenants.probe.limits]"]);
    }
}

#[tokio::test]
async fn a_processor_kept_busy_for_too_long_is_51() {
    let (host, tenant) = under(|limits| limits.jobs.cpu_seconds = 1).await;
    let detail = run(&host, &tenant, "loop", &[]).await;
    ended(&detail, "PROBE-51", &["kept a processor busy for more than 1s; raise cpu-seconds under [tenants.probe.limits.jobs]"]);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_51_from_outside() {
    let (host, tenant) = under(|limits| limits.jobs.wall_seconds = Some(1)).await;
    let detail = run(&host, &tenant, "loop", &[]).await;
    ended(&detail, "PROBE-51", &["did not end within 1s; raise wall-seconds under [tenants.probe.limits.jobs]"]);
}

#[tokio::test]
async fn a_question_has_the_time_that_the_limits_of_questions_say() {
    let (host, tenant) = under(|limits| limits.questions.wall_seconds = Some(1)).await;
    let error = tenant.pack.decide(host.lend(&tenant), vec![("loop".to_owned(), None)]).await.unwrap_err();
    assert_eq!(error.to_string(), "the plugin did not end within 1s; raise wall-seconds under [tenants.probe.limits.questions]");
}

#[tokio::test]
async fn each_call_has_its_whole_time_also_in_an_instance_that_has_answered_before() {
    let (host, tenant) = under(|limits| limits.questions.cpu_seconds = 1).await;
    let ask = async |user: &str| tenant.pack.decide(host.lend(&tenant), vec![(user.to_owned(), None)]).await;
    assert_eq!(ask("a").await.unwrap()[0].reason, "call 1");
    assert_eq!(ask("a").await.unwrap()[0].reason, "call 2");
    for _ in 0..2 {
        let error = ask("loop").await.unwrap_err();
        assert!(matches!(&error, CallError::Cpu(over) if over.remedy.contains("limits.questions")), "{error}");
        assert_eq!(ask("a").await.unwrap()[0].reason, "call 1", "the store of the loop is gone");
    }
}

#[tokio::test]
async fn an_instance_that_waits_is_not_used_under_other_limits() {
    let (host, mut tenant) = under(|_| ()).await;
    let ask = async |tenant: &Tenant| {
        tenant.pack.decide(host.lend(tenant), vec![("a".to_owned(), None)]).await.map(|decisions| decisions[0].reason.clone())
    };
    assert_eq!(ask(&tenant).await.unwrap(), "call 1");
    tenant.limits = Arc::new((*tenant.limits).clone());
    assert_eq!(ask(&tenant).await.unwrap(), "call 2", "the same limits, read anew");
    tenant.limits = limits(|limits| limits.table_elements = 3);
    assert!(matches!(ask(&tenant).await, Err(CallError::Memory(_))));
}

#[tokio::test]
async fn a_stack_that_is_used_up_is_50() {
    let (host, tenant) = under(|_| ()).await;
    ended(&run(&host, &tenant, "deep", &["count=1000000"]).await, "PROBE-50", &[]);
    went_well(&run(&host, &tenant, "deep", &["count=100"]).await);
}

#[tokio::test]
async fn too_much_at_once_for_the_host_is_50_and_names_the_key() {
    let (host, tenant) = under(|limits| limits.jobs.hostcall_mib = 1).await;
    let words = "handed more than 1 MiB to the host at once; raise hostcall-mib under [tenants.probe.limits.jobs]";
    ended(&run(&host, &tenant, "hand-over", &["kib=1025"]).await, "PROBE-50", &[words]);
    let detail = run(&host, &tenant, "hand-over", &["kib=1000"]).await;
    went_well(&detail);
    assert!(detail.story.notes[0].message.len() < 1_000, "of so long a note only the beginning is kept");
}

#[tokio::test]
async fn too_many_random_bytes_at_once_are_50_and_name_the_key() {
    let (host, tenant) = under(|limits| limits.random_kib = 8).await;
    let words = "more than 8 KiB of random bytes at once; raise random-kib under [tenants.probe.limits]";
    ended(&run(&host, &tenant, "random", &["kib=9"]).await, "PROBE-50", &[words]);
    went_well(&run(&host, &tenant, "random", &["kib=8"]).await);
}

#[tokio::test]
async fn too_many_calls_of_the_host_under_way_are_50_and_name_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("probe.db")).unwrap();
    let (host, mut tenant) = with_store(Arc::new(store)).await;
    tenant.limits = limits(|limits| limits.resources = 200);
    let detail = run(&host, &tenant, "calls", &["count=1000"]).await;
    ended(&detail, "PROBE-50", &["more than 200 handles", "raise resources under [tenants.probe.limits]"]);
    went_well(&run(&host, &tenant, "calls", &["count=20"]).await);
}

async fn with_store(store: Arc<dyn Store>) -> (Host, Tenant) {
    let host = Host::builder().store(store).cache(shift_access_tests::cache()).build().unwrap();
    let tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    (host, tenant)
}

#[tokio::test]
async fn notes_over_the_limit_are_left_out_counted_and_told_once() {
    let (host, tenant) = under(|limits| limits.jobs.notes = 5).await;
    let detail = run(&host, &tenant, "notes", &["count=5"]).await;
    assert_eq!((detail.run.status, detail.story.notes.len()), (Status::Complete, 5));
    let detail = run(&host, &tenant, "notes", &["count=100000"]).await;
    assert_eq!((detail.run.status, detail.story.notes.len()), (Status::CompleteWarn, 5));
    let [warning] = detail.run.warnings.as_slice() else { panic!("{:?}", detail.run.warnings) };
    assert_eq!(warning.code, "PROBE-53");
    let words = "more than 5 notes, and 99995 of them were left out; raise notes under [tenants.probe.limits.jobs].";
    assert!(warning.message.contains(words), "{}", warning.message);
}

#[tokio::test]
async fn storage_is_held_to_its_bytes_its_keys_and_the_size_of_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("probe.db")).unwrap());
    let (host, mut tenant) = with_store(store).await;
    tenant.limits = limits(|limits| limits.keys = 30);
    let detail = run(&host, &tenant, "keys", &["count=40"]).await;
    assert_eq!(answered(&detail, "ok").0, 30);
    let (refused, text) = answered(&detail, "quota-exceeded");
    assert_eq!(refused, 10);
    assert!(text.contains("30 keys") && text.ends_with("raise keys under [tenants.probe.limits]"), "{text}");
    // Those that are there may be written again.
    assert_eq!(answered(&run(&host, &tenant, "keys", &["count=30"]).await, "ok").0, 30);
    tenant.limits = limits(|limits| limits.storage_mib = 1);
    let detail = run(&host, &tenant, "values", &["count=20", "kib=100"]).await;
    assert_eq!(answered(&detail, "ok").0, 10);
    let (refused, text) = answered(&detail, "quota-exceeded");
    assert_eq!(refused, 10);
    assert!(text.contains("1048576 bytes") && text.ends_with("raise storage-mib under [tenants.probe.limits]"), "{text}");
    tenant.limits = limits(|limits| limits.value_kib = 10);
    assert_eq!(answered(&run(&host, &tenant, "values", &["kib=10"]).await, "ok").0, 1);
    let (refused, text) = answered(&run(&host, &tenant, "values", &["kib=11"]).await, "invalid");
    assert!(refused == 1 && text.ends_with("at most 10240 are allowed; raise value-kib under [tenants.probe.limits]"), "{text}");
}

#[tokio::test]
async fn mail_goes_only_where_it_may_and_not_more_of_it_than_may() {
    let inbox = Inbox::start().await.unwrap();
    let host = probes::host(Arc::new(shift_access::store::MemoryStore::default()), Some(&inbox)).await;
    let mut tenant = Tenant::new("probe", Pack::from_bytes(host.engine(), PROBE).unwrap()).await.unwrap();
    let send =
        async |tenant: &Tenant, to: &str, count: u32| run(&host, tenant, "mails", &[&format!("to={to}"), &format!("count={count}")]).await;
    let (refused, text) = answered(&send(&tenant, "a@acme.example", 1).await, "not-granted");
    assert_eq!(refused, 1, "nobody is mailed to unless somebody said so");
    assert_eq!(text, "mail to acme.example is not granted; add it to mail-domains under [tenants.probe.limits]");
    tenant.set("alert", PropertyValue::Text("Operations <ops@acme.example>".to_owned()));
    assert_eq!(answered(&send(&tenant, "a@acme.example", 1).await, "ok").0, 1);
    assert_eq!(answered(&send(&tenant, "a@other.example", 1).await, "not-granted").0, 1);
    assert_eq!(answered(&send(&tenant, "acme.example <a@other.example>", 1).await, "not-granted").0, 1);
    tenant.limits = limits(|limits| {
        limits.mail_domains = Some(vec!["other.example".to_owned()]);
        limits.mails_an_hour = 3;
    });
    assert_eq!(answered(&send(&tenant, "a@acme.example", 1).await, "not-granted").0, 1);
    let detail = send(&tenant, "b@other.example", 10).await;
    // The first key has gone out before: that is no mail.
    assert_eq!(answered(&detail, "ok").0, 4);
    let (refused, text) = answered(&detail, "other");
    assert_eq!((refused, text.as_str()), (6, "more than 3 mails within an hour; raise mails-an-hour under [tenants.probe.limits]"));
    assert_eq!(inbox.mails().len(), 4);
}

#[tokio::test]
async fn calls_to_other_systems_are_held_to_their_number_and_size() {
    let ukg = UkgSim::start(World::demo(chrono::Utc::now())).await.unwrap();
    let large = "x".repeat((1 << 20) + 1);
    let (host, mut tenant) = under(|_| ()).await;
    tenant.http = Arc::new(probes::connections(&ukg, &tenant).unwrap());
    let mut ask = async |change: fn(&mut Limits), set: &[&str]| {
        tenant.limits = limits(change);
        run(&host, &tenant, "requests", set).await
    };

    let detail = ask(|limits| limits.requests_in_flight = 5, &["count=20", "kib=0"]).await;
    assert_eq!((answered(&detail, "ok").0, answered(&detail, "throttled")), (5, (15, "Some(1)".to_owned())));

    let detail = ask(|limits| limits.requests_a_minute = 7, &["count=20", "kib=0"]).await;
    assert_eq!((answered(&detail, "ok").0, answered(&detail, "throttled").0), (7, 13));

    let detail = ask(|limits| limits.jobs.requests = 3, &["count=20", "kib=0"]).await;
    let (refused, text) = answered(&detail, "other");
    assert_eq!((answered(&detail, "ok").0, refused), (3, 17));
    assert_eq!(text, "more than 3 requests in one call; raise requests under [tenants.probe.limits.jobs]");
    let detail = ask(|limits| limits.jobs.requests = 3, &["count=3", "kib=0"]).await;
    assert_eq!(answered(&detail, "ok").0, 3, "the next run has as many again");

    let detail = ask(|limits| limits.request_kib = 2, &["count=1", "kib=2"]).await;
    let (refused, text) = answered(&detail, "other");
    assert!(refused == 1 && text.ends_with("at most 2048 may be sent; raise request-kib under [tenants.probe.limits]"), "{text}");
    assert_eq!(answered(&ask(|limits| limits.request_kib = 3, &["count=1", "kib=2"]).await, "ok").0, 1);

    ukg.faults().add(Fault::on("/api/v1/commons/persons/current_user_info").answer(200, &large));
    let detail = ask(|limits| limits.answer_mib = 1, &["count=1", "kib=0"]).await;
    assert_eq!(answered(&detail, "too-large"), (1, (1 << 20).to_string()));
    assert_eq!(answered(&ask(|limits| limits.answer_mib = 2, &["count=1", "kib=0"]).await, "ok").0, 1);
}

#[tokio::test]
async fn a_run_may_be_given_its_time_and_one_of_the_limits_is_the_default() {
    let (host, tenant) = under(|limits| limits.jobs.wall_seconds = Some(3_600)).await;
    let order = Order::new(&tenant, "loop", Trigger::Manual).unwrap().within(Duration::from_millis(100));
    let detail = host.run(&tenant, order, Default::default(), Default::default()).await.unwrap();
    ended(&detail, "PROBE-51", &["did not end within 100ms"]);
}

#[tokio::test]
async fn a_limit_of_the_configuration_holds_for_the_program_and_its_history_names_the_line_to_raise() {
    let stage = crate::demo().await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly, Store 14 Hourly\"").unwrap();
    stage.configure_more("[tenants.acme.limits.jobs]\nmemory-mib = 2").unwrap();
    let failed = stage.run(&["run", "acme", "batch", "--json"]).await.unwrap();
    assert_eq!(failed.code, Some(1), "{}", failed.err);
    let failure = failed.json().unwrap()["failure"].clone();
    assert_eq!(failure["code"], "HWBS-WS52", "{failure}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("more than 2 MiB of memory; raise memory-mib under [tenants.acme.limits.jobs]"), "{message}");
    let history = stage.run(&["history", "acme"]).await.unwrap().out;
    assert!(history.contains("HWBS-WS52"), "{history}");
}
