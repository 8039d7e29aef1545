//! Every page with something in it, looked at by every role: it is there, it is strict, and no secret is in it, in the log or in the
//! store.

use std::fs;

use shift_access::console::{Access, table};
use shift_access_tests::fault::Fault;
use shift_access_tests::hook::{HOOK_SECRET, listener};
use shift_access_tests::stage::Stage;

use super::walk::assert_strict;
use super::{PASSWORD, Site};
use crate::demo;

/// A stage whose tenant is kept in the store, with all that a tenant can have.
async fn kept() -> Stage {
    let stage = demo().await.unwrap();
    stage.configure_more(&listener()).unwrap();
    stage.configure_more("[[tenants.acme.schedules]]\njob = \"batch\"\nevery-minutes = 1440\n").unwrap();
    let ((host, tenant), key) = (stage.parts().unwrap(), stage.make_key().await.unwrap());
    let file = stage.folder().join("acme.toml");
    fs::write(&file, tenant).unwrap();
    fs::write(stage.config(), format!("{host}\n{key}")).unwrap();
    let applied = stage.run(&["apply", file.to_str().unwrap()]).await.unwrap();
    assert_eq!(applied.code, Some(0), "{}", applied.err);
    stage
}

/// The same, served, with workers, runs good and bad, and a dead letter; and the failed run, and the letter.
async fn filled() -> (Site, String, String) {
    let site = Site::of(kept().await).await;
    assert_eq!(site.stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    site.stage.ukg.faults().add(Fault::everywhere().status(500));
    let failed = site.stage.run(&["run", "acme", "test-connection", "--json"]).await.unwrap().json().unwrap();
    let letter = site.bad_event("no event").await;
    let run = failed["run"].as_str().unwrap().to_owned();
    (site, run, letter)
}

#[tokio::test]
async fn every_page_with_something_in_it_is_strict_and_shows_no_secret() {
    let (site, run, letter) = filled().await;
    let (ukg, access) = (site.stage.ukg.credentials().clone(), site.stage.access.credentials());
    let mut secrets =
        [ukg.client_secret, ukg.password, ukg.app_key, &access.client_secret, HOOK_SECRET, PASSWORD].map(str::to_owned).to_vec();
    let mut shown = Vec::new();
    for (rank, role) in ["viewer", "operator", "administrator"].into_iter().enumerate() {
        let mut browser = site.signed_in(role).await;
        secrets.push(browser.cookies()["shift-access"].clone());
        for route in table().into_iter().filter(|route| route.method == "GET" && !route.path.contains("{*")) {
            let Access::Least(least) = route.access else { continue };
            // The one has no end, the other is nowhere.
            if matches!(route.path, "/console/live/overview" | "/console/") {
                continue;
            }
            let values = [
                ("{tenant}", "acme"),
                ("{connection}", "kronos"),
                ("{run}", &run),
                ("{job}", "batch"),
                ("{user}", "jweber"),
                ("{letter}", &letter),
                ("{name}", "viewer"),
            ];
            let mut address = values.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
            if address.ends_with("/schedule") {
                address += "?job=batch";
            }
            let what = format!("{address} by {role}");
            let seen = browser.open(&address).await.unwrap();
            let may = rank >= least as usize;
            assert_eq!(seen.status, if may { 200 } else { 403 }, "{what}: {}", seen.text);
            let kind = seen.header("content-type");
            match (may, address.contains("/live/"), address.ends_with("/export")) {
                (true, true, _) => assert!(kind == "text/event-stream" && seen.text.contains("event: end"), "{what}: {}", seen.text),
                (true, _, true) => assert!(kind.starts_with("application/toml") && seen.text.contains("keep = true"), "{what}: {kind}"),
                _ => assert_strict(&seen, &what),
            }
            shown.push((what, seen.text));
        }
    }
    assert!(shown.len() > 80, "{}", shown.len());
    let said = site.serving.said().join("\n");
    let stored = fs::read_dir(site.stage.folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let stored: Vec<_> = stored.filter(|path| path.to_string_lossy().contains("shift-access.db")).collect();
    assert!(!stored.is_empty());
    for secret in &secrets {
        assert!(secret.len() >= 8 && !said.contains(secret), "the log has {secret}: {said}");
        for (what, text) in &shown {
            assert!(!text.contains(secret), "{what} shows {secret}: {text}");
        }
        for path in &stored {
            let bytes = fs::read(path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds {secret}", path.display());
        }
    }
}
