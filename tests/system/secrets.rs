//! No password, client secret, app key or token in any output, log, history row or file of the store.

use std::fs;

use shift_access_tests::fault::Fault;
use shift_access_tests::inbox::INBOX_PASSWORD;
use shift_access_tests::ukg::{Login, TIMECARD_PATH};

use crate::demo;

#[tokio::test]
async fn no_secret_shows_anywhere() {
    let stage = demo().await.unwrap();
    let mut shown = String::new();
    let mut keep = |ended: shift_access_tests::stage::Ended| {
        shown.push_str(&ended.out);
        shown.push_str(&ended.err);
    };
    for args in [&["check"][..], &["describe"], &["run", "acme", "test-connection"], &["run", "acme", "batch"], &["workers", "acme"]] {
        keep(stage.run_logging(args).await.unwrap());
    }
    // Servers that say back what they were sent, in every way they can.
    let ukg = stage.ukg.credentials();
    let echo = format!(
        r#"{{"error":"invalid_grant","error_description":"{} is not the password of {}, and {} not the secret"}}"#,
        ukg.password, ukg.user_name, ukg.client_secret
    );
    stage.ukg.faults().add(Fault::on(shift_access_tests::ukg::TOKEN_PATH).answer(400, &echo));
    keep(stage.run_logging(&["run", "acme", "batch", "--json"]).await.unwrap());
    stage.ukg.faults().clear();
    let echo = format!(r#"{{"errorCode":"X","message":"the app key {} and the password {}"}}"#, ukg.app_key, ukg.password);
    stage.ukg.faults().add(Fault::on(TIMECARD_PATH).answer(403, &echo));
    keep(stage.run_logging(&["run", "acme", "batch", "--json"]).await.unwrap());
    stage.ukg.faults().clear();
    stage.ukg.set(|switches| switches.login = Login::Locked);
    keep(stage.run_logging(&["run", "acme", "test-connection", "--json"]).await.unwrap());
    for run in stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap() {
        keep(stage.run(&["history", "acme", run["run"].as_str().unwrap(), "--json"]).await.unwrap());
    }
    let secrets: Vec<_> = stage.ukg.secrets().into_iter().chain(stage.access.secrets()).chain([INBOX_PASSWORD.to_owned()]).collect();
    assert!(secrets.len() >= 6, "there are tokens among them");
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()), "an output shows {secret}");
    }
    for entry in fs::read_dir(stage.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap().to_string_lossy().contains(".db") {
            let bytes = fs::read(&path).unwrap();
            for secret in &secrets {
                assert!(!contains(&bytes, secret.as_bytes()), "{} holds {secret}", path.display());
            }
        }
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
