//! Alert mails: who gets them, when, and over which kind of connection.

use shift_access::history::{Status, Trigger};
use shift_access::{Order, Site};
use shift_access_tests::fault::Fault;
use shift_access_tests::inbox::{INBOX_PASSWORD, INBOX_USER, Inbox, InboxOptions, InboxTls};
use shift_access_tests::stage::{Stage, TENANT};

use crate::demo;

/// Runs the batch as a schedule would, and sends what is to be told of it.
pub(crate) async fn scheduled(stage: &Stage) -> Status {
    let (site, problems) = Site::open(&stage.config(), &|_| None, Some(shift_access_tests::cache())).await;
    let site = site.unwrap_or_else(|error| panic!("{error}: {problems:?}"));
    let tenant = site.tenant(TENANT).unwrap();
    let order = Order::new(&tenant, "batch", Trigger::Schedule).unwrap();
    let status = site.host().run(&tenant, order, Default::default(), Default::default()).await.unwrap().run.status;
    assert!(site.host().send_alerts().await.unwrap(), "nobody else sends");
    status
}

/// Writes a table `[smtp]` that leads to this inbox, with its login.
pub(crate) fn connect_to(stage: &Stage, inbox: &Inbox, host: &str, tls: &str) {
    let text = std::fs::read_to_string(stage.config()).unwrap();
    let smtp = format!(
        "[smtp]\nhost = \"{host}\"\nport = {}\ntls = \"{tls}\"\nsender = \"shift-access@acme.example\"\nusername = \"{INBOX_USER}\"\npassword = {{ file = \"smtp-password\" }}\n",
        inbox.port()
    );
    std::fs::write(stage.folder().join("smtp-password"), INBOX_PASSWORD).unwrap();
    let (before, rest) = text.split_once("[smtp]").unwrap();
    let (_, after) = rest.split_once("\n[tenants").unwrap();
    std::fs::write(stage.config(), format!("{before}{smtp}\n[tenants{after}")).unwrap();
}

#[tokio::test]
async fn a_failed_scheduled_run_mails_once_and_working_again_is_mailed_too() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    assert_eq!(scheduled(&stage).await, Status::Error);
    assert_eq!(scheduled(&stage).await, Status::Error);
    let mails = stage.inbox.mails();
    assert_eq!(mails.len(), 1, "the same failure is not mailed again");
    assert_eq!(mails[0].to, ["ops@acme.example"]);
    assert_eq!(mails[0].from, "shift-access@acme.example");
    let text = mails[0].text();
    for wanted in ["HWBS-WS10", "acme", "[Kronos] Worker Status - Batch [Workspace ONE]"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let run = stage.run(&["history", "acme", "--json"]).await.unwrap().json_lines().unwrap().pop().unwrap();
    assert!(text.contains(run["run"].as_str().unwrap()), "the first run's id: {text}");
    assert_eq!(run["trigger"], "schedule");
    // Another code is mailed at once.
    stage.ukg.faults().clear();
    stage.access.faults().add(Fault::everywhere().status(500));
    scheduled(&stage).await;
    assert_eq!(stage.inbox.mails().len(), 2);
    stage.access.faults().clear();
    assert_eq!(scheduled(&stage).await, Status::CompleteWarn);
    let last = stage.inbox.mails().pop().unwrap();
    assert!(last.subject().contains("working again"), "{}", last.subject());
    scheduled(&stage).await;
    assert_eq!(stage.inbox.mails().len(), 3);
}

#[tokio::test]
async fn a_run_by_hand_mails_nothing() {
    let stage = demo().await.unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    assert_eq!(stage.run(&["run", "acme", "batch"]).await.unwrap().code, Some(1));
    assert!(stage.inbox.mails().is_empty());
}

#[tokio::test]
async fn without_an_address_nothing_is_mailed() {
    let stage = demo().await.unwrap();
    stage.configure("user-groups = \"Store 12 Hourly\"").unwrap();
    stage.ukg.faults().add(Fault::everywhere().status(500));
    assert_eq!(scheduled(&stage).await, Status::Error);
    assert!(stage.inbox.mails().is_empty());
}

#[tokio::test]
async fn a_mail_server_that_is_down_does_not_change_the_run() {
    let stage = demo().await.unwrap();
    stage.inbox.set_fault(Some(shift_access_tests::inbox::InboxFault::Refuse));
    stage.ukg.faults().add(Fault::everywhere().status(500));
    assert_eq!(scheduled(&stage).await, Status::Error);
    stage.inbox.set_fault(None);
    scheduled(&stage).await;
    assert_eq!(stage.inbox.mails().len(), 1, "it waited, and the same failure is not told again");
}

#[tokio::test]
async fn mail_goes_over_starttls_and_implicit_tls_with_a_login_and_never_without_a_known_certificate() {
    for (tls, word) in [(InboxTls::StartTls, "starttls"), (InboxTls::Implicit, "implicit")] {
        let stage = demo().await.unwrap();
        let inbox = Inbox::start_with(InboxOptions { tls, login: true }).await.unwrap();
        let authority = stage.folder().join("ca.pem");
        inbox.write_ca(&authority).unwrap();
        connect_to(&stage, &inbox, "localhost", word);
        let unknown = stage.run(&["run", "acme", "test-connection"]).await.unwrap();
        assert_eq!(unknown.code, Some(1), "{word}: a certificate nobody vouches for is refused");
        assert!(unknown.out.contains("FAILED   Mail server"), "{word}: {}", unknown.out);
        let known = stage.run_with(&["run", "acme", "test-connection"], &[("SSL_CERT_FILE", authority.to_str().unwrap())]).await.unwrap();
        assert_eq!(known.code, Some(0), "{word}: {} {}", known.out, known.err);
    }
}
