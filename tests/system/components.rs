//! Components by file and by digest, and what becomes of a file, or of a compiled component, that somebody changed.

use std::fs;
use std::path::Path;
use std::process::Command;

use shift_access::config::{ComponentDigest, Problem};
use shift_access::plugin::BUILT_IN;
use shift_access::{Site, SiteError};
use shift_access_tests::stage::Stage;

use crate::{PROGRAM, demo};

/// The pack with a remark at its end: another component, which does the same.
fn remarked() -> Vec<u8> {
    [BUILT_IN, b"\0\x02\x01a"].concat()
}

/// The configuration of the stage with more lines for the host and the tenant.
fn configure(stage: &Stage, host: &str, tenant: &str) {
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    let text = fs::read_to_string(stage.config()).unwrap();
    let text = text.replace("[host]\n", &format!("[host]\n{host}\n")).replace("[tenants.acme]\n", &format!("[tenants.acme]\n{tenant}\n"));
    fs::write(stage.config(), text).unwrap();
}

async fn check(stage: &Stage) -> Vec<Problem> {
    Site::check(&stage.config(), &|_| None, Some(shift_access_tests::cache())).await.1
}

/// The one error there is.
fn error(problems: &[Problem]) -> String {
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].to_string()
}

#[tokio::test]
async fn a_file_that_changed_under_its_digest_is_refused_and_the_tenant_goes_on_with_the_one_before() {
    let stage = demo().await.unwrap();
    let file = stage.folder().join("pack.wasm");
    fs::write(&file, BUILT_IN).unwrap();
    let (pinned, other) = (ComponentDigest::of(BUILT_IN), ComponentDigest::of(&remarked()));
    configure(&stage, "", &format!("component = \"pack.wasm@{pinned}\""));
    assert!(!check(&stage).await.iter().any(Problem::is_error));
    let site = Site::open(&stage.config(), &|_| None, Some(shift_access_tests::cache())).await.0.unwrap();

    fs::write(&file, remarked()).unwrap();
    let said = error(&check(&stage).await);
    let words = format!("pack.wasm is not the component that is pinned: it has {other}, and {pinned} is wanted");
    assert!(said.contains("tenants.acme.component") && said.contains(&words), "{said}");
    assert!(matches!(Site::open(&stage.config(), &|_| None, Some(shift_access_tests::cache())).await.0, Err(SiteError::Configuration)));
    let (reloaded, problems) = site.reload(&stage.config(), &|_| None).await;
    assert!(matches!(reloaded, Err(SiteError::Configuration)) && error(&problems).contains(&words));
    let tenant = site.tenant("acme").unwrap();
    let decided = tenant.pack.decide(site.host().lend(&tenant), vec![("adiaz".to_owned(), None)]).await.unwrap();
    assert_eq!(decided[0].reason, "no-record", "it answers with the component it has");

    configure(&stage, "", &format!("component = \"pack.wasm@{other}\""));
    assert_eq!(site.reload(&stage.config(), &|_| None).await.0.unwrap().changed, ["acme"]);
}

#[tokio::test]
async fn a_component_is_found_by_its_digest_in_the_folder_for_components() {
    let stage = demo().await.unwrap();
    let folder = stage.folder().join("components");
    fs::create_dir(&folder).unwrap();
    let digest = ComponentDigest::of(BUILT_IN);
    let file = folder.join(format!("{}.wasm", digest.digits()));
    configure(&stage, "components = \"components\"", &format!("component = \"{digest}\""));
    assert!(error(&check(&stage).await).contains("there is no file"));
    fs::write(&file, BUILT_IN).unwrap();
    assert!(!check(&stage).await.iter().any(Problem::is_error));
    fs::write(&file, remarked()).unwrap();
    let said = error(&check(&stage).await);
    assert!(said.contains("is not the component that is pinned") && said.contains(&ComponentDigest::of(&remarked()).to_string()), "{said}");
}

#[tokio::test]
async fn everything_that_does_not_fit_is_a_problem_of_its_own() {
    let stage = demo().await.unwrap();
    let component = r#"(component (import "wasi:sockets/tcp@0.2.6" (instance)) (import "shift-access:plugin/http@0.2.0" (instance)))"#;
    fs::write(stage.folder().join("pack.wasm"), wat::parse_str(component).unwrap()).unwrap();
    configure(&stage, "", "component = \"pack.wasm\"");
    let problems = check(&stage).await;
    let said: Vec<_> = problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
    assert_eq!(said.len(), 7, "{said:#?}");
    assert!(said.iter().all(|text| text.contains("tenants.acme.component: the component ")), "{said:#?}");
    assert!(said.iter().any(|text| text.contains("imports wasi:sockets/tcp@0.2.6, which no plugin gets")), "{said:#?}");
    assert!(said.iter().any(|text| text.contains("this host offers shift-access:plugin/http@0.1.0")), "{said:#?}");
}

#[tokio::test]
async fn a_compiled_component_that_was_tampered_with_is_made_anew_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let [caches, states] = ["caches", "states"].map(|name| folder.path().join(name));
    let describe = || {
        let mut command = Command::new(PROGRAM);
        let output = command.arg("describe").env("XDG_CACHE_HOME", &caches).env("XDG_STATE_HOME", &states).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(describe(), "");
    let entries = |folder: &Path| -> Vec<_> { fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let entry = entries(&caches.join("shift-access")).pop().unwrap();
    assert_eq!(entries(&states.join("shift-access")), [states.join("shift-access/compiled.key")], "the key lies elsewhere");
    assert_eq!(describe(), "");

    let good = fs::read(&entry).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0x40;
    fs::write(&entry, bad).unwrap();
    let said = describe();
    assert!(said.contains("is not used and made anew") && said.contains("tampered with"), "{said}");
    assert_eq!(fs::read(&entry).unwrap().len(), good.len());
    assert_eq!(describe(), "", "it is good again");
}
