//! No password, client secret, app key or token in any output, log, history row or file of the store.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shift_access_tests::fault::Fault;
use shift_access_tests::inbox::{INBOX_PASSWORD, INBOX_USER, Inbox, InboxFault, InboxOptions, InboxTls};
use shift_access_tests::stage::Stage;
use shift_access_tests::ukg::{Login, TIMECARD_PATH};

use crate::demo;
use crate::mail::{connect_to, scheduled};

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
    none_in(&secrets, &shown, &stage);
}

#[tokio::test]
async fn a_mail_server_that_says_the_login_back_gives_nothing_away() {
    let stage = demo().await.unwrap();
    let inbox = Inbox::start_with(InboxOptions { tls: InboxTls::None, login: true }).await.unwrap();
    connect_to(&stage, &inbox, "127.0.0.1", "none");
    let mut shown = String::new();
    let good = stage.run_logging(&["run", "acme", "test-connection", "--json"]).await.unwrap();
    assert_eq!(good.code, Some(0), "{} {}", good.out, good.err);
    inbox.set_fault(Some(InboxFault::Echo));
    for args in [&["run", "acme", "test-connection"][..], &["run", "acme", "test-connection", "--json"]] {
        let ended = stage.run_logging(args).await.unwrap();
        assert_eq!(ended.code, Some(1), "{} {}", ended.out, ended.err);
        assert!(ended.out.contains("is not let in with [secret]"), "{}", ended.out);
        shown.extend([ended.out, ended.err]);
    }
    stage.ukg.faults().add(Fault::everywhere().status(500));
    scheduled(&stage).await;
    assert!(inbox.connections() >= 4, "the alert was tried");
    shown.push_str(&stage.run(&["history", "acme", "--json"]).await.unwrap().out);
    let coded =
        [INBOX_PASSWORD.to_owned(), INBOX_USER.to_owned(), format!("\0{INBOX_USER}\0{INBOX_PASSWORD}")].map(|text| STANDARD.encode(text));
    let secrets: Vec<_> = coded.into_iter().chain([INBOX_PASSWORD.to_owned()]).collect();
    none_in(&secrets, &shown, &stage);
}

/// None of the secrets stands in what was shown, or in a file of the store.
fn none_in(secrets: &[String], shown: &str, stage: &Stage) {
    for secret in secrets {
        assert!(!shown.contains(secret.as_str()), "an output shows {secret}");
    }
    for entry in fs::read_dir(stage.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap().to_string_lossy().contains(".db") {
            let bytes = fs::read(&path).unwrap();
            for secret in secrets {
                assert!(!contains(&bytes, secret.as_bytes()), "{} holds {secret}", path.display());
            }
        }
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
