//! What the component may touch, and what becomes of one that misbehaves.

pub(crate) mod limits;
mod neighbours;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shift_access::history::{Status, Trigger};
use shift_access::plugin::{BUILT_IN, CallError, Pack};
use shift_access::{Cache, Engine, Host, Order, Tenant};
use shift_access_tests::PROBE;

#[test]
fn the_pack_imports_the_contract_and_harmless_parts_of_wasi() {
    let engine = Engine::new(Some(shift_access_tests::cache())).unwrap();
    let pack = Pack::built_in(&engine).unwrap();
    eprintln!("{}", pack.imports().join("\n"));
    for import in pack.imports() {
        let known = ["shift-access:plugin/", "wasi:cli/", "wasi:clocks/", "wasi:io/", "wasi:random/"];
        assert!(known.iter().any(|prefix| import.starts_with(prefix)), "{import}");
    }
    for forbidden in ["wasi:sockets", "wasi:filesystem", "wasi:http"] {
        assert!(!pack.imports().iter().any(|import| import.starts_with(forbidden)), "{forbidden}");
    }
    assert!(BUILT_IN.len() < 3_300_000, "the component has {} bytes", BUILT_IN.len());
}

#[tokio::test]
async fn a_plugin_that_fails_runs_on_or_eats_memory_is_told_by_code() {
    let (host, tenant) = probe().await;
    for (job, code) in [("trap", "PROBE-50"), ("loop", "PROBE-51"), ("memory", "PROBE-52")] {
        let order = Order::new(&tenant, job, Trigger::Manual).unwrap().within(Duration::from_secs(2));
        let detail = host.run(&tenant, order, Default::default(), Default::default()).await.unwrap();
        let failure = detail.run.failure.unwrap();
        assert_eq!((detail.run.status, failure.code.as_str()), (Status::Error, code), "{failure:?}");
    }
    let order = Order::new(&tenant, "journal", Trigger::Manual).unwrap();
    let detail = host.run(&tenant, order, Default::default(), Default::default()).await.unwrap();
    assert_eq!(detail.run.status, Status::CompleteWarn, "the host is well after all that");
}

#[tokio::test]
async fn notes_over_the_limit_are_dropped_and_the_history_says_so() {
    let (host, tenant) = probe().await;
    let order = Order::new(&tenant, "journal", Trigger::Manual).unwrap();
    let detail = host.run(&tenant, order, Default::default(), Default::default()).await.unwrap();
    let notes = &detail.story.notes;
    assert_eq!(notes.len(), 4_000);
    assert!(detail.run.warnings.iter().any(|warning| warning.message.contains("left out")), "{:?}", detail.run.warnings);
}

#[test]
fn what_is_no_component_is_refused_in_words() {
    let engine = Engine::new(None::<Cache>).unwrap();
    for bytes in [&b""[..], b"not wasm", b"\0asm\x01\0\0\0", &BUILT_IN[..BUILT_IN.len() / 2]] {
        let error = Pack::from_bytes(&engine, bytes).err().unwrap().to_string();
        assert!(error.starts_with("this is not a WebAssembly component: "), "{error}");
    }
    assert!(Pack::from_file(&engine, Path::new("no-such.wasm")).is_err());
}

#[tokio::test]
async fn an_instance_answers_again_for_its_tenant_alone_and_never_after_a_trap() {
    let (host, tenant) = probe().await;
    let other = Tenant { name: "other".into(), ..tenant.clone() };
    let ask = async |tenant: &Tenant, user: &str| {
        let decided = tenant.pack.decide(host.lend(tenant), vec![(user.to_owned(), None)]).await;
        decided.map(|decisions| decisions[0].reason.clone())
    };
    assert_eq!(ask(&tenant, "a").await.unwrap(), "call 1");
    assert_eq!(ask(&tenant, "a").await.unwrap(), "call 2");
    assert_eq!(ask(&other, "a").await.unwrap(), "call 1", "one tenant never meets the memory of another");
    assert!(matches!(ask(&tenant, "trap").await, Err(CallError::Trap(_))));
    assert_eq!(ask(&tenant, "a").await.unwrap(), "call 1");
    let mut latest = String::new();
    for _ in 0..1_000 {
        latest = ask(&tenant, "a").await.unwrap();
    }
    assert_eq!(latest, "call 1", "after a thousand calls it is started afresh");
    let elsewhere = Host::builder().engine(host.engine().clone()).build().unwrap();
    let decided = tenant.pack.decide(elsewhere.lend(&tenant), vec![("a".to_owned(), None)]).await.unwrap();
    assert_eq!(decided[0].reason, "call 1", "two hosts share nothing, not even an instance");
}

/// A host in memory, and a tenant with the probe.
async fn probe() -> (Host, Tenant) {
    let host = Host::builder().cache(shift_access_tests::cache()).build().unwrap();
    let pack = Pack::from_bytes(host.engine(), PROBE).unwrap();
    let tenant = Tenant::new("probe", pack).await.unwrap();
    assert_eq!(json!(tenant.description.title), "Platform probe");
    (host, tenant)
}

#[test]
fn two_hosts_live_in_one_process() {
    let hosts = [0, 1].map(|_| Arc::new(Host::builder().cache(shift_access_tests::cache()).build().unwrap()));
    assert!(hosts.iter().all(|host| Pack::built_in(host.engine()).is_ok()));
}
