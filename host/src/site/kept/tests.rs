//! A site with tenants of its store, without anybody who serves them.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::audit;
use crate::layout::{Artefact, Layout};
use crate::managed::{Change, Edit};
use crate::plugin::BUILT_IN;
use crate::seal::Key;
use crate::site::Restored;
use crate::standing::State;
use crate::store::records::Records;
use crate::store::{Scan, Space, Write};

/// A site with no tenant in its file.
async fn site() -> (TempDir, Site) {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random().unwrap().expose().expose_secret().to_owned();
    let text = format!("[host]\nlisten = \"127.0.0.1:0\"\nstorage = \"sqlite://host.db\"\n[console]\nkey = \"{key}\"\n");
    let file = folder.path().join("shift-access.toml");
    std::fs::write(&file, text).unwrap();
    let cache = Some(std::env::temp_dir().join("shift-access-tests-cache"));
    let (site, problems) = Site::open(&file, &|_| None, cache).await;
    (folder, site.unwrap_or_else(|error| panic!("{error}: {problems:?}")))
}

/// The built-in component under another digest.
fn component(folder: &TempDir, name: &str, mark: u8) {
    let file = folder.path().join(name);
    std::fs::write(&file, [BUILT_IN, &[0, 6, 4], b"mark", &[mark]].concat()).unwrap();
    // Long enough ago to be known again.
    File::options().write(true).open(&file).unwrap().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
}

fn draft(base: Option<u64>, component: &str) -> Change {
    let set = |key: &str, value: &str| Edit::Set(Path::of([key]), value.into());
    let edits = vec![set("environment", "TEST"), set("component", component)];
    Change { base, edits, draft: true, by: "me".to_owned(), note: String::new() }
}

#[tokio::test]
async fn a_component_that_no_tenant_has_is_let_go_and_known_all_the_same() {
    let (folder, site) = site().await;
    component(&folder, "one.wasm", 1);
    site.change("acme", &draft(None, "one.wasm")).await.unwrap();
    assert_eq!(site.packs.loaded(), 1, "it was loaded to be checked");
    site.heed().await.unwrap();
    assert_eq!(site.packs.loaded(), 0);
    assert!(site.describe(Some("one.wasm")).await.is_some());
    assert_eq!(site.packs.loaded(), 0, "what it says of itself is known without it");
}

#[tokio::test]
async fn a_component_in_a_layout_is_known_too_once_it_was_read_while_it_lies_there() {
    let (folder, site) = site().await;
    let place = folder.path().join("released");
    let artefact = Artefact {
        component: BUILT_IN,
        imports: &[],
        exports: &[],
        target: None,
        title: "Pack",
        version: "1",
        created: DateTime::UNIX_EPOCH,
    };
    let digest = Layout::open_or_create(&place).unwrap().add(&"1.0.0".parse().unwrap(), &artefact, &[]).unwrap();
    let named = format!("oci-layout:released@{digest}");
    site.change("acme", &draft(None, &named)).await.unwrap();
    site.heed().await.unwrap();
    assert_eq!(site.packs.loaded(), 0);
    assert!(site.describe(Some(&named)).await.is_some());
    assert_eq!(site.packs.loaded(), 0, "what it says of itself is known without it");
    std::fs::remove_dir_all(&place).unwrap();
    site.change("acme", &draft(Some(1), "none.wasm")).await.unwrap();
    site.heed().await.unwrap();
    assert!(site.describe(Some(&named)).await.is_none(), "it is gone");
}

#[tokio::test]
async fn a_change_is_written_down_in_the_moment_it_is_stored_and_what_is_not_stored_is_not() {
    let (_folder, site) = site().await;
    let records = Records::new(site.host().runner().store.clone());
    let listed = async || {
        let (entries, _) = audit::page(&records, &audit::Wanted::default(), None, 10).await.unwrap();
        entries.into_iter().map(|entry| (entry.who, entry.what, entry.tenant)).collect::<Vec<_>>()
    };
    let entry = |what: &str| ("me".to_owned(), what.to_owned(), Some("acme".to_owned()));
    site.change("acme", &draft(None, "one.wasm")).await.unwrap();
    assert_eq!(listed().await, [entry("changed acme, version 1: component, environment")]);
    // It says the same again, or somebody was faster.
    site.change("acme", &draft(Some(1), "one.wasm")).await.unwrap();
    site.change("acme", &draft(Some(7), "two.wasm")).await.unwrap_err();
    assert_eq!(listed().await.len(), 1);
    site.forget("acme", "me").await.unwrap();
    site.forget("acme", "me").await.unwrap_err();
    assert_eq!(listed().await.first(), Some(&entry("took acme out of the store")));
    assert_eq!(listed().await.len(), 2);
}

#[tokio::test]
async fn what_is_brought_back_too_late_begins_anew_and_says_so() {
    let (_folder, site) = site().await;
    let store = site.host().runner().store.clone();
    let space = Space::host("acme");
    site.change("acme", &draft(None, "one.wasm")).await.unwrap();
    for (late, restored) in [(TimeDelta::days(-1), Restored::Free), (TimeDelta::days(1), Restored::Whole)] {
        store.commit(&space, vec![Write::put("run", [])]).await.unwrap();
        // As somebody else removed it, who did not come to delete it.
        let state = State::Removed { delete_after: site.host().now() + late };
        site.standings.set("acme", Some(state), site.host().now()).await.unwrap();
        let left = store.scan(&space, &Scan::new("", 10)).await.unwrap().entries.len();
        assert_eq!(left, 1);
        assert_eq!(site.restore("acme").await.unwrap(), restored);
        let left = store.scan(&space, &Scan::new("", 10)).await.unwrap().entries.len();
        assert_eq!(left, usize::from(restored == Restored::Whole));
        site.restore("acme").await.unwrap_err();
        let _ = site.change("acme", &draft(None, "one.wasm")).await;
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_taken_over_is_logged_once_whoever_looks_first() {
    let (_folder, site) = site().await;
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let store = site.host().runner().store.clone();
    let damaged = vec![Write::put("tenant/acme", "{"), Write::put("tenants-changed", "1")];
    store.commit(&Space::host(""), damaged).await.unwrap();
    site.heed().await.unwrap();
    site.heed().await.unwrap();
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("cannot be read: it is damaged").count(), 1, "{text}");
}
